"""What the tests of compiled functions share."""

import numpy as np

import jacrs

X = np.array([1.5, -2.0, 3.0])
SPECIAL = ("__code__", "__defaults__", "__kwdefaults__", "__class__", "__dict__", "__bases__")


def replayed(compiled, *args, **keywords):
    """Call a compiled function that has a trace for these arguments."""
    before = compiled.n_replays, compiled.n_traces
    result = compiled(*args, **keywords)
    assert (compiled.n_replays, compiled.n_traces) == (before[0] + 1, before[1])
    return result


def same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=0)
    assert np.shape(found) == np.shape(expected)


def unfollowed(compiled):
    """Return what a compiled function says that it does not look at."""
    marked = "  not looked at again: "
    return [
        line.removeprefix(marked)
        for line in compiled.explain().splitlines()
        if line.startswith(marked)
    ]


def check_followed(f, change, x=X):
    """What `change` changes is seen by the next call of `f` compiled, and by its Jacobian."""
    for g in (f, jacrs.jacobian(f)):
        compiled = jacrs.compile(g, strict=True)
        before = g(x)
        same(compiled(x), before)
        same(replayed(compiled, x), before)
        undo = change()
        try:
            after = g(x)
            assert g is not f or not np.array_equal(after, before), "it changes nothing"
            same(compiled(x), after)
        finally:
            undo()
        same(compiled(x), before)
        same(replayed(compiled, x), before)


def setting(owner, name, value):
    """Return a change of an attribute, that returns what undoes it."""

    def change():
        missing = object()
        special = name in SPECIAL
        own = getattr(owner, name) if special else vars(owner).get(name, missing)
        setattr(owner, name, value)
        return lambda: delattr(owner, name) if own is missing else setattr(owner, name, own)

    return change


def putting(owner, key, value):
    """Return a change of an item, that returns what undoes it."""

    def change():
        missing = object()
        if isinstance(owner, dict):
            before = owner.get(key, missing)
        else:
            before = np.copy(owner[key]) if isinstance(owner, np.ndarray) else owner[key]
        owner[key] = value

        def undo():
            if before is missing:
                del owner[key]
            else:
                owner[key] = before

        return undo

    return change
