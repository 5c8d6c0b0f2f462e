"""The recording scope: ordinary code is recorded unchanged, and leaves nothing behind."""

# ruff: noqa: PLW0108, ICN001 - lambdas and imports are as users write them

import functools
import math
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.special  # noqa: F401 - loaded before NumPy is watched: it adds names there

sys.path.insert(0, str(Path(__file__).parent))

from scope_modules import first, nested, second
from scope_modules.recording import V, X, check, jvp

from jacrs._scope import recording_scope

WATCHED = (np, np.linalg, math, first, second, nested)
np.testing  # NumPy imports it on first use


def snapshot():
    return [dict(vars(module)) for module in WATCHED]


def same(before, after):
    return all(
        a.keys() == b.keys() and all(a[k] is b[k] for k in a)
        for a, b in zip(before, after, strict=True)
    )


def helper(x):
    y = np.zeros(3)
    y[0] = x[1]
    return y


def empty_and_fill(x):
    y = np.empty(len(x))
    for i in range(len(x)):
        y[i] = x[i] * x[0]
    return y


def nested_lists(x):
    return np.array([[x[0] * x[1], 1.0], [2, x[2]]]) * 2


def rows(x):
    return np.array([x, x[::-1] ** 2, [1.0, x[0], 2.0]])


def import_inside(x):
    import math as m

    import numpy as npp
    from numpy import ones
    from scope_modules import second as other

    y = npp.ones(3) + ones(3)
    y[1] = m.exp(x[1])
    return y + other.helper(x)


def class_inside(x):
    class Local(first.Base):
        factor = FACTOR

        def rhs(self, x):
            y = np.zeros(3)
            y[0] = self.factor * x[0]
            return y + super().rhs(x)

    return Local(2.0).rhs(x)


FACTOR = 1.5


@np.vectorize
def clipped(a, b):
    return a * b if a > 0 else 0.0 * a


SIMPLE = {
    "zeros": first.fill,
    "from numpy import": first.fill_from_import,
    "empty": empty_and_fill,
    "nested lists": nested_lists,
    "rows": rows,
    "comprehension": lambda x: np.array([v**2 for v in x]),
    "array of tracer": lambda x: np.array(x, ndmin=2) * 2,
    "asarray": lambda x: np.asarray([x[0], x[1]]) + np.asarray(x)[:2],
    "lists": lambda x: np.linalg.norm([x[0], 1.0]) * np.diag([x[0], x[1]]) @ [1.0, np.sum([x[2]])],
    "eye": lambda x: np.eye(3) @ x,
    "full": lambda x: np.full((2, 3), x) + np.full(3, x[0]),
    "arange": lambda x: np.arange(3.0) * x + np.arange(x[0], x[0] + 3),
    "linspace": lambda x: np.linspace(0.0, x[0], 4),
    "fromiter": lambda x: np.fromiter((v * v for v in x), float),
    "vectorize": lambda x: np.vectorize(lambda a: a * a if a > 0 else a)(x),
    "vectorize decorator": lambda x: clipped(x, 2.0),
    "dot of an array": lambda x: first.A.dot(x),
    "dot of an integer array": lambda x: np.array([[1, 2, 3], [4, 5, 6]]).dot(x),
    "bound dot": functools.partial(lambda dot, x: dot(x), first.A.dot),
    "copy of an array": lambda x: put(first.A[0].copy(), x),
    "zeros_like of an array": lambda x: put(np.zeros_like(first.A[0]), x),
    "math": lambda x: math.sin(x[0]) + math.log(x[1], 2) + math.hypot(x[0], x[1], x[2]),
    "math special": lambda x: math.erf(x[0]) + math.erfc(x[1]) + math.pow(x[0], 2),
    "math items": lambda x: math.fsum(v * v for v in x) * math.prod(x) + math.dist(x, X * 2),
    "math rounding": lambda x: x * math.floor(x[1] * 3) * (1 + math.isfinite(x[0])),
    "import inside": import_inside,
    "class inside": class_inside,
    "other module": first.through_other_module,
    "decorated": first.decorated,
    "recursive": first.recursive,
    "generator": lambda x: np.concatenate(list(first.pieces(x))),
    "defaults": first.with_default,
    "lru_cache": lambda x: first.cached_weights(3) * x,
    "context manager": lambda x: enter(first.scaled(x)),
    "singledispatch": lambda x: first.dispatched(1, x),
    "table": lambda x: first.TABLE["fill"](x) + first.TABLE["deep"][1][0](x),
    "steps": lambda x: functools.reduce(lambda v, step: step(v), first.STEPS, x),
    "partial": functools.partial(first.recursive, n=2),
    "partial in a global": lambda x: PARTIAL(x),
    "object": first.MODEL,
    "bound method": first.MODEL.rhs,
    "method of a global": lambda x: first.MODEL.rhs(x),
    "items of an attribute": lambda x: first.MODEL.chain(x),
    "self.__class__": lambda x: first.MODEL.again(x),
    "new object": lambda x: first.Derived.build(3.0).rhs(x) + first.Base(1.0)(x),
    "staticmethod": lambda x: first.Base.square(x) + first.MODEL.square(x),
    "slots": lambda x: first.Slotted(1.0).rhs(x),
    "dataclass": lambda x: first.Parameters(3.0).rhs(x),
    "dataclass default": lambda x: put(first.Parameters().work, x),
    "frozen dataclass": lambda x: first.Frozen().rhs(x),
    "named tuple": lambda x: first.Point(2.0).rhs(x) + POINT.rhs(x) + BARE.function(x),
    "namespace": lambda x: SPACE.function(x) * SPACE.k,
    "eval": lambda x: eval("helper(x) * 2"),
    "sorted key": lambda x: np.array(sorted(x, key=lambda v: first.fill(x)[0] * v)),
}
PARTIAL = functools.partial(first.recursive, n=1)
POINT = first.Point(3.0)
BARE = first.Bare(1.0, first.fill)
SPACE = SimpleNamespace(function=first.fill, k=2.0)


def put(y, x):
    y[1] = x[0] * x[1]
    return y


def enter(context):
    with context as value:
        return value


@pytest.mark.parametrize("name", SIMPLE)
def test_unchanged_code_is_recorded(name):
    before = snapshot()
    for _ in range(3):
        check(SIMPLE[name])
    second.SEEN = before[4]["SEEN"]
    assert same(before, snapshot())


def test_closures_and_their_siblings():
    function = first.fill
    calls = []
    count = 0

    def inner(x):
        nonlocal count
        count += 1
        calls.append(1)
        return function(x)

    def outer(x):
        return inner(x) + inner(2 * x)

    jvp(outer, (X,), (V,))
    assert count == 2
    assert len(calls) == 2
    check(outer)


def test_nonlocal_function_is_written_back():
    chosen = first.fill

    def choose(x):
        nonlocal chosen
        chosen = first.fill_from_import
        return chosen(x)

    jvp(choose, (X,), (V,))
    assert chosen is first.fill_from_import


def test_inner_recursion():
    def again(x, n):
        return again(np.array([x[2], x[0], x[1]]), n - 1) if n else first.fill(x)

    check(lambda x: again(x, 2))


def test_global_counters_reach_the_module(monkeypatch):
    monkeypatch.setattr(first, "COUNT", 0)
    jvp(first.counting, (X,), (V,))
    assert first.COUNT == 11
    with pytest.raises(ValueError, match="in the middle"):
        jvp(first.failing, (X,), (V,))
    assert first.COUNT == 12
    first.COUNT = 100
    jvp(lambda x: first.counting(x), (X,), (V,))
    assert first.COUNT == 111


def test_module_attribute_writes_reach_the_module(monkeypatch):
    monkeypatch.setattr(first, "FACTOR", 2.0)

    def function(x):
        first.FACTOR = 5.0
        return first.fill(x)

    value, _ = jvp(function, (X,), (V,))
    assert value[1] == 5.0 * X[2]
    assert first.FACTOR == 5.0


def test_rebinding_between_calls(monkeypatch):
    module = sys.modules[__name__]

    def function(x):
        return helper(x) * FACTOR + first.fill(x)

    check(function)
    monkeypatch.setattr(module, "helper", lambda x: np.array([x[2], 0.0, x[0]]))
    check(function)
    monkeypatch.setattr(module, "FACTOR", -2.0)
    check(function)
    monkeypatch.setattr(first, "fill", second.helper)
    check(function)
    monkeypatch.setattr(module, "sum", lambda x: x[0] * x[1], raising=False)
    check(lambda x: sum(x) + function(x))
    monkeypatch.delattr(module, "sum")
    check(lambda x: sum(x) + function(x))


def test_containers_are_written_back():
    table = {"f": first.fill}
    steps = [first.fill]

    def function(x):
        table["g"] = first.fill_from_import
        steps.append(second.helper)
        return table["g"](x) + steps[-1](x)

    check(function, lambda x: first.fill_from_import(x) + second.helper(x))
    assert table == {"f": first.fill, "g": first.fill_from_import}
    assert steps[1] is second.helper


def test_functions_keep_their_attributes():
    def function(x):
        helper.calls = getattr(helper, "calls", 0) + 1
        return helper(x)

    jvp(function, (X,), (V,))
    assert helper.calls == 1


def test_nothing_changes_for_other_threads():
    inside, leave = threading.Event(), threading.Event()
    seen = []

    def function(x):
        y = first.MODEL.rhs(x)
        inside.set()
        assert leave.wait(10)
        return y

    before = snapshot()
    worker = threading.Thread(target=lambda: seen.append(jvp(function, (X,), (V,))))
    worker.start()
    assert inside.wait(10)
    during = snapshot()
    plain = first.fill(X)
    leave.set()
    worker.join()
    assert seen
    assert type(plain) is np.ndarray
    assert same(before, during)
    assert same(before, snapshot())


def test_two_threads_at_once():
    errors = []
    barrier = threading.Barrier(2)

    def work(scale):
        def function(x):
            barrier.wait(10)
            return first.MODEL.rhs(x * scale) + first.through_other_module(x)

        try:
            for _ in range(20):
                _, tangent = jvp(function, (X,), (V,))
                expected = jvp(lambda x: first.MODEL.rhs(x * scale), (X,), (V,))[1]
                expected = expected + jvp(first.through_other_module, (X,), (V,))[1]
                np.testing.assert_allclose(tangent, expected, rtol=1e-6, atol=1e-8)
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(scale,)) for scale in (1.0, 3.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_nested_scopes_share_their_copies():
    with recording_scope(first.fill) as outer:
        with recording_scope(first.fill) as inner:
            assert inner is outer
        with recording_scope(outer) as again:
            assert again is outer


def test_copies_do_not_outlive_their_functions():
    import gc
    import weakref

    def make():
        other = first.fill

        def function(x):
            return other(x) if x[0] > 0 else function(-x)

        return function

    function = make()
    alive = weakref.ref(function)
    jvp(function, (X,), (V,))
    del function
    gc.collect()
    assert alive() is None


def test_recording_a_small_function_is_cheap():
    import timeit

    def enter_and_leave():
        with recording_scope(helper):
            pass

    enter_and_leave()
    seconds = min(timeit.repeat(enter_and_leave, number=1000, repeat=5)) / 1000
    assert seconds < 2e-5  # about 1 us; generous for busy machines
