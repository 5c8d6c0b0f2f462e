"""What a compiled function must not do is refused, and undone."""

# ruff: noqa: PLW0108 - a lambda looks its names up late, which is what is tested

import itertools
from collections import deque
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import scipy.constants

import jacrs
from tests.compile.following import X, same

COUNT = 0
LAST = None
ITEMS = [1.0, 2.0]
MODULE = ModuleType("a_module")
MODULE.k = 1.0
BUFFER = np.zeros(3, np.int32)


class Model:
    shared = 1.0

    def __init__(self):
        self.n = 0
        self.last = None
        self.items = [1.0]
        self.table = {"a": 1.0}
        self.seen = {1}
        self.line = deque([1.0], maxlen=3)
        self.inner = SimpleNamespace(k=1.0)
        self.raw = bytearray(b"ab")

    def keep(self, x):
        self.last = x
        return x * 2.0


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a = 1.0


M = Model()
S = Slotted()


def count_up(x):
    global COUNT  # noqa: PLW0603
    COUNT += 1
    return x * 2.0


def keep_globally(x):
    global LAST  # noqa: PLW0603
    LAST = x * 2.0
    return x


def delete_globally(x):
    global LAST  # noqa: PLW0603
    before = LAST
    del LAST
    return x if before is None else -x


def through_globals(x):
    globals()["COUNT"] = 5
    return x * 2.0


def mark(x):
    mark.calls += 1
    return x


mark.calls = 0


def sums(x):
    total = 0.0

    def add(y):
        nonlocal total
        total = total + y
        return y

    add(x[0])
    return add(x[1]) * total


def statements(text):
    """Return a function that runs these statements before it returns its argument."""
    scope = globals()
    body = "\n".join("    " + line for line in text.split("\n"))
    exec(f"def f(x):\n{body}\n    return x * 2.0", scope)
    return scope.pop("f")


WRITES = {
    "a counter": (count_up, "COUNT"),
    "a value": (keep_globally, "LAST"),
    "a global that is deleted": (delete_globally, "LAST"),
    "a function's attribute": (mark, "mark.__dict__"),
    "an attribute": (statements("M.n = 3"), "Model.n"),
    "an equal value": (statements("M.n = 0"), "Model.n"),
    "an attribute through a method": (lambda x: M.keep(x), "Model.last"),
    "a new attribute": (statements("M.more = x"), "the attributes of a Model"),
    "an attribute that is deleted": (statements("del M.last"), "Model.last"),
    "through vars": (statements("vars(M)['n'] = 4"), "the attributes of a Model"),
    "setattr": (statements("setattr(M, 'n', x[0])"), "Model.n"),
    "a class attribute": (statements("Model.shared = 2.0"), "Model.shared"),
    "a new class attribute": (statements("type(M).more = 2.0"), "Model.more"),
    "a slot": (statements("S.a = x"), "Slotted.a"),
    "an empty slot": (statements("S.b = 3.0"), "Slotted.b"),
    "a slot that is deleted": (statements("del S.a"), "Slotted.a"),
    "a module": (statements("MODULE.k = x"), "a_module.k"),
    "a module's new name": (statements("MODULE.j = 2.0"), "a_module.j"),
    "a module's name that is deleted": (statements("del MODULE.k"), "a_module.k"),
    "a library": (statements("scipy.constants.own = 2.0"), "scipy.constants.own"),
    "a list": (statements("ITEMS.append(3.0)"), "a list"),
    "a list of tracers": (statements("ITEMS.append(x[0])"), "a list"),
    "an item of a list": (statements("ITEMS[0] = 5.0"), None),
    "a list in order": (statements("M.items.sort()\nM.items.insert(0, 2.0)"), "a list"),
    "a dict": (statements("M.table['b'] = x"), "a dict"),
    "a dict's order": (statements("M.table['b'] = 0\nM.table.pop('a')"), None),
    "a set": (statements("M.seen.add(2)"), "a set"),
    "a deque": (statements("M.line.append(2.0)"), "a deque"),
    "bytes": (statements("M.raw[0] = 1"), "a bytearray"),
    "a namespace": (statements("M.inner.k = 2.0"), None),
    "an array": (statements("BUFFER[0] = 3"), "an array"),
    "a variable of an enclosing function": (None, "total"),
}


def state():
    """Return all that the functions above write to."""
    return repr(
        (
            COUNT,
            LAST,
            ITEMS,
            vars(M),
            {name: value for name, value in vars(Model).items() if "__" not in name},
            [getattr(S, name, None) for name in ("a", "b")],
            {name: value for name, value in vars(MODULE).items() if "__" not in name},
            hasattr(scipy.constants, "own"),
            mark.calls,
            BUFFER,
        )
    )


@pytest.mark.parametrize("case", WRITES)
def test_writes_are_refused_and_undone(case):
    f, what = WRITES[case]
    cell = None
    if f is None:
        total = 1.0

        def f(x):
            nonlocal total
            total = total * x[0]
            return x

        cell = lambda: total  # noqa: E731
    objects = [id(value) for value in (LAST, M.items, M.table, M.last, S.a)]
    before = state()
    compiled = jacrs.compile(f)
    for _ in range(2):
        with pytest.raises(jacrs.ImpureError) as caught:
            compiled(X)
        assert state() == before
    assert [id(value) for value in (LAST, M.items, M.table, M.last, S.a)] == objects
    assert compiled.n_traces == 0
    if cell is not None:
        assert cell() == 1.0
    text = str(caught.value)
    assert text.startswith(f"{f.__name__} writes to {what or ''}")
    assert text.endswith(
        " while it is compiled: replays would not write there; return what is computed, or do not "
        "compile this function"
    )


ARGUMENTS = {
    "list": (lambda a: a.append(1.0), [X]),
    "dict": (lambda a: a.update(b=1.0), {"a": X}),
    "nested": (lambda a: a["a"].clear(), {"a": [X]}),
    "array": (lambda a: a.__setitem__(0, 1), np.zeros(3, np.int8)),
    "object": (lambda a: setattr(a, "n", 7), M),
    "object inside": (lambda a: setattr(a[0], "n", 7), [M]),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_writes_to_arguments_are_refused(case):
    write, argument = ARGUMENTS[case]

    def f(a, x):
        write(a)
        return x

    before = repr(argument), state()
    with pytest.raises(jacrs.ImpureError, match=r"^f writes to "):
        jacrs.compile(f)(argument, X)
    assert (repr(argument), state()) == before


def test_what_is_local_may_be_written_to():
    compiled = jacrs.compile(sums)
    same(compiled(X), sums(X))
    same(compiled(X * 2), sums(X * 2))

    def f(x):
        m = Model()
        m.keep(x)
        rows = [m.last]
        rows.append(x)
        table = {"a": rows}
        table["b"] = np.zeros(3)
        table["b"][1] = x[0]
        return table["a"][0] + table["b"]

    compiled = jacrs.compile(f)
    same(compiled(X), f(X))
    same(compiled(X * 2), f(X * 2))
    assert (compiled.n_traces, compiled.n_replays) == (1, 2)


ITERATORS = {
    "count": itertools.count(),
    "iterator of a list": iter([1.0, 2.0]),
    "generator": (k for k in range(9)),
    "cycle": itertools.cycle([1.0]),
}


@pytest.mark.parametrize("case", ITERATORS)
def test_iterators_are_refused(case):
    it = ITERATORS[case]
    kind = type(it).__name__
    with pytest.raises(jacrs.ImpureError) as caught:
        jacrs.compile(lambda x: x * next(it))(X)
    assert str(caught.value).startswith(
        f"a compiled function reaches a {kind}, an iterator: replays would not take its items "
        "again; make a list of it first, outside of the function\n  at "
    )
    with pytest.raises(jacrs.ImpureError, match="an iterator"):
        jacrs.compile(lambda x, i: x * next(i))(X, it)


def test_effects_before_an_error_happen_once():
    calls = []

    def f(x):
        calls.append(1)
        if len(calls) > 0:
            raise ValueError("on purpose")
        return x

    with pytest.raises(ValueError, match="on purpose"):
        jacrs.compile(f)(X)
    assert calls == [1]


def test_what_cannot_be_recorded_is_run_as_it_is():
    calls = []

    def f(x):
        calls.append(1)
        return x.tobytes() and np.linalg.eig(np.diag(x))[0]

    compiled = jacrs.compile(f)
    same(compiled(X), X)
    assert (calls, compiled.n_traces) == ([1], 0)
