"""Ways to read what changes between calls, by the interpreter and by the standard library."""

# ruff: noqa: PLW0108 - a lambda looks its names up late, which is what is tested

import contextlib
import copy
import dataclasses
import functools
import operator

import numpy as np
import pytest

import jacrs
from tests.compile.following import X, check_followed, putting, replayed, same, setting


class Model:
    def __init__(self):
        self.k = 2.0

    def method(self, x):
        return x * self.k

    def __getitem__(self, index):
        return self.k * index

    def __len__(self):
        return int(self.k)

    def __iter__(self):
        yield self.k

    def __contains__(self, value):
        return value == self.k

    def __hash__(self):
        return 7

    def __eq__(self, other):
        return self.k == 3.0

    @classmethod
    def own(cls, x):
        return x * __class__.j

    j = 2.0


class Attributes:
    def __init__(self):
        self.k = 2.0

    def __getattribute__(self, name):
        return object.__getattribute__(self, name)


class Descriptor:
    def __init__(self):
        self.k = 2.0

    def __get__(self, instance, owner):
        return self.k


class Described:
    d = Descriptor()


@dataclasses.dataclass
class Data:
    k: float = 2.0
    j: float = 1.0


class Partial:
    k = 2.0

    def f(self, by, x):
        return x * by * self.k

    g = functools.partialmethod(f, 3.0)


m, data = Model(), Data()
ATTRIBUTE = operator.attrgetter("k")
BOUND = m.method
GRADIENT = jacrs.grad(lambda y: y * y * m.k)
MAPPED = np.vectorize(lambda y: y * m.k)


@contextlib.contextmanager
def manager():
    yield m.k


def managed(x):
    with manager() as k:
        return x * k


def generated(x):
    def parts():
        yield m.k

    return x * sum(parts())


def matched(x):
    match data:
        case Data(k=3.0):
            return -x
        case Data(k=k):
            return x * k


READS = {
    "attrgetter": lambda x: x * ATTRIBUTE(m),
    "a bound method": lambda x: BOUND(x),
    "the format of a text": lambda x: x * float(f"{m.k}"),
    "an index": lambda x: x * m[2],
    "a length": lambda x: x * len(m),
    "iteration": lambda x: x * sum(m),
    "containment": lambda x: x if 3.0 in m else -x,
    "equality": lambda x: x if m == 1 else -x,
    "a context manager": managed,
    "a generator": generated,
    "reduce": lambda x: functools.reduce(lambda a, b: a * b * m.k, [x, 2.0]),
    "eval": lambda x: x * eval("m.k"),
    "a gradient inside": lambda x: x * GRADIENT(3.0),
    "np.vectorize": lambda x: MAPPED(x),
    "deepcopy": lambda x: x * copy.deepcopy(m).k,
}


@pytest.mark.parametrize("case", READS)
def test_ways_to_read_an_attribute(case):
    check_followed(READS[case], setting(m, "k", 3.0))


DATA = {
    "match": matched,
    "asdict": lambda x: x * dataclasses.asdict(data)["k"],
    "replace": lambda x: x * dataclasses.replace(data, j=2.0).k,
    "repr": lambda x: x * len(repr(data)),
    "equality": lambda x: x if data == Data() else -x,
}


@pytest.mark.parametrize("case", DATA)
def test_ways_to_read_a_dataclass(case):
    check_followed(DATA[case], setting(data, "k", 3.125))


def test_descriptors_and_attribute_access_of_ones_own():
    owner, described, partial = Attributes(), Described(), Partial()
    check_followed(lambda x: x * owner.k, setting(owner, "k", 3.0))
    check_followed(lambda x: x * described.d, setting(vars(Described)["d"], "k", 3.0))
    check_followed(lambda x: x * m.own(x), setting(Model, "j", 3.0))
    compiled = jacrs.compile(lambda x: partial.g(x))
    same(compiled(X), 6 * X)


def test_objects_as_keys():
    table = {m: 2.0}
    check_followed(lambda x: x * table[m], putting(table, m, 3.0))


def test_defaults_that_hold_arrays_and_lists():
    weights, rows = np.ones(3), [2.0]

    def f(x, w=weights, r=rows):
        return x * w * r[0]

    check_followed(f, putting(weights, 0, 5.0))
    check_followed(f, putting(rows, 0, 5.0))


def test_arrays_in_tuples_and_views():
    held = np.ones(3)
    nested = ((held,), {"l": [held[::-1]]})
    check_followed(lambda x: x * nested[1]["l"][0] * nested[0][0], putting(held, 0, 5.0))
    texts = np.array(["ab"])
    check_followed(lambda x: x * len(texts[0]), putting(texts, 0, "c"))
    records = np.array([(1.0, 2)], [("a", float), ("b", int)])
    check_followed(lambda x: x * records["a"][0], putting(records["a"], 0, 5.0))
    flat = np.ones(3)
    check_followed(lambda x: x * flat.flat[0], putting(flat, 0, 5.0))


def test_which_arrays_are_one():
    held = {"a": np.arange(3.0)}
    held["b"] = held["a"]
    f = lambda x: x * (2.0 if held["a"] is held["b"] else 3.0)  # noqa: E731
    check_followed(f, putting(held, "b", np.arange(3.0)))


def test_strides_and_shapes():
    held = {"a": np.zeros((2, 3))}
    check_followed(lambda x: x * held["a"].shape[0], putting(held, "a", np.zeros((3, 2))))
    fortran = np.zeros((2, 3), order="F")
    check_followed(lambda x: x * held["a"].strides[0], putting(held, "a", fortran))


def test_a_cached_property_is_refused_until_it_is_there():
    class Cached:
        @functools.cached_property
        def k(self):
            return 2.0

    c = Cached()
    compiled = jacrs.compile(lambda x: x * c.k)
    with pytest.raises(jacrs.ImpureError, match="writes to the attributes of a Cached"):
        compiled(X)
    assert vars(c) == {}
    assert c.k == 2.0
    same(compiled(X), 2 * X)
    same(replayed(compiled, X), 2 * X)
    c.k = 3.0
    same(compiled(X), 3 * X)
