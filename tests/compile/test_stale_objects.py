"""Objects, classes and containers that change between calls of a compiled function."""

# ruff: noqa: PLW0108 - a lambda looks its names up late, which is what is tested

import copy
import sys
from collections import OrderedDict, defaultdict, deque
from types import SimpleNamespace

import numpy as np
import pytest

from tests.compile.following import check_followed, putting, setting

FACTOR = 2.0
HERE = sys.modules[__name__]


class Base:
    shared = 2.0
    table = {"k": 2.0}  # noqa: RUF012 - changed on purpose
    weights = np.array([1.0, 2.0, 3.0])

    def __init__(self):
        self.k = 2.0
        self.w = np.array([1.0, 2.0, 3.0])
        self.p = {"k": 2.0, "rows": [[1.0, 2.0], [3.0]]}
        self.inner = SimpleNamespace(k=2.0)

    @property
    def twice(self):
        return 2 * self.k

    @staticmethod
    def still(x):
        return x * FACTOR

    @classmethod
    def of_class(cls, x):
        return x * cls.shared

    def method(self, x):
        return x * self.k

    def __call__(self, x):
        return self.method(x)


class Model(Base):
    def method(self, x):
        return super().method(x) + self.shared


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a = 2.0


class Answering:
    def __init__(self):
        self.hidden = {"k": 2.0}

    def __getattr__(self, name):
        try:
            return self.__dict__["hidden"][name]
        except KeyError:
            raise AttributeError(name) from None


class Other(Base):
    shared = 5.0


@pytest.fixture
def m():
    return Model()


READS = {
    "attribute": (lambda m: lambda x: x * m.k, "k", 3.0),
    "attribute through a method": (lambda m: m.method, "k", 3.0),
    "an object that is called": (lambda m: m, "k", 3.0),
    "property": (lambda m: lambda x: x * m.twice, "k", 3.0),
    "array": (lambda m: lambda x: x * m.w, "w", np.array([5.0, 1.0, 1.0])),
    "array to number": (lambda m: lambda x: x * m.w, "w", 5.0),
    "array to None": (lambda m: lambda x: x if m.w is None else x * m.w, "w", None),
    "vars": (lambda m: lambda x: x * vars(m)["k"], "k", 3.0),
    "array of vars": (lambda m: lambda x: x * vars(m)["w"], "w", np.array([5.0, 1.0, 1.0])),
    "__dict__": (lambda m: lambda x: x * m.__dict__["k"], "k", 3.0),
    "keys of __dict__": (lambda m: lambda x: x * len(m.__dict__), "more", 3.0),
    "items of __dict__": (
        lambda m: lambda x: x * sum(v for v in vars(m).values() if isinstance(v, float)),
        "k",
        3.0,
    ),
    "computed name": (lambda m: lambda x: x * getattr(m, "".join(["k"])), "k", 3.0),
    "copy": (lambda m: lambda x: x * copy.copy(m).k, "k", 3.0),
    "array of a copy": (lambda m: lambda x: x * copy.copy(m).w, "w", np.array([5.0, 1.0, 1.0])),
    "an attribute that is new": (lambda m: lambda x: x * getattr(m, "more", 1.0), "more", 3.0),
    "one that hides the class's": (lambda m: lambda x: x * m.shared, "shared", 3.0),
    "a method of its own": (lambda m: lambda x: m.method(x), "method", lambda x: x * 9.0),
    "class": (lambda m: lambda x: x * m.shared, "__class__", Other),
    "whole __dict__": (
        lambda m: lambda x: x * m.k,
        "__dict__",
        {"k": 3.0},
    ),
}


@pytest.mark.parametrize("case", READS)
def test_an_attribute_that_is_set(case, m):
    make, name, value = READS[case]

    check_followed(make(m), setting(m, name, value))


CLASSES = {
    "attribute": (lambda m: lambda x: x * m.shared, Base, "shared", 3.0),
    "attribute of a nearer class": (lambda m: lambda x: x * m.shared, Model, "shared", 3.0),
    "read off the class": (lambda m: lambda x: x * Model.shared, Base, "shared", 3.0),
    "read off the type": (lambda m: lambda x: x * type(m).shared, Base, "shared", 3.0),
    "array": (lambda m: lambda x: x * m.weights, Base, "weights", np.ones(3)),
    "method": (lambda m: lambda x: m.method(x), Base, "method", lambda self, x: x * 9.0),
    "nearer method": (lambda m: lambda x: m(x), Model, "__call__", lambda self, x: x * 9.0),
    "class method": (lambda m: lambda x: m.of_class(x), Base, "shared", 3.0),
    "global of a static method": (lambda m: lambda x: m.still(x), HERE, "FACTOR", 3.0),
    "property": (lambda m: lambda x: x * m.twice, Base, "twice", property(lambda self: 7.0)),
    "new attribute": (lambda m: lambda x: x * getattr(m, "later", 1.0), Base, "later", 3.0),
    "bases": (lambda m: lambda x: x * m.shared, Model, "__bases__", (Other,)),
    "__getattr__": (
        lambda m: lambda x: x * getattr(m, "nothing", 1.0),
        Base,
        "__getattr__",
        lambda self, name: 4.0,
    ),
}


@pytest.mark.parametrize("case", CLASSES)
def test_a_class_that_is_changed(case, m):
    make, owner, name, value = CLASSES[case]
    check_followed(make(m), setting(owner, name, value))


def test_slots():
    s = Slotted()
    check_followed(lambda x: x * s.a, setting_slot(s, "a", 3.0))
    check_followed(lambda x: x * getattr(s, "b", 1.0), setting_slot(s, "b", 3.0))
    s.a = np.array([1.0, 2.0, 3.0])
    check_followed(lambda x: x * s.a, putting(s.a, 0, 9.0))


def setting_slot(owner, name, value):
    def change():
        before = getattr(owner, name, None)
        setattr(owner, name, value)
        return lambda: delattr(owner, name) if before is None else setattr(owner, name, before)

    return change


def test_attributes_that_are_answered_for():
    a = Answering()
    check_followed(lambda x: x * a.k, putting(a.hidden, "k", 3.0))
    check_followed(lambda x: x * getattr(a, "j", 1.0), putting(a.hidden, "j", 3.0))


CONTAINERS = {
    "list": ([2.0, 3.0], lambda c, x: x * c[1], 1, 5.0),
    "list of lists": ([[2.0], [3.0]], lambda c, x: x * c[1][0], 1, [5.0]),
    "list of arrays": ([np.ones(3), np.ones(3)], lambda c, x: x * c[1], 1, np.arange(3.0)),
    "list of functions": ([np.sin, np.cos], lambda c, x: c[1](x), 1, np.tan),
    "dict": ({"a": 2.0}, lambda c, x: x * c["a"], "a", 3.0),
    "dict of dicts": ({"a": {"b": 2.0}}, lambda c, x: x * c["a"]["b"], "a", {"b": 3.0}),
    "new key": ({"a": 2.0}, lambda c, x: x * c.get("b", 1.0), "b", 3.0),
    "number of keys": ({"a": 2.0}, lambda c, x: x * len(c), "b", 3.0),
    "OrderedDict": (OrderedDict(a=2.0), lambda c, x: x * c["a"], "a", 3.0),
    "defaultdict": (defaultdict(float, a=2.0), lambda c, x: x * c["a"], "a", 3.0),
    "deque": (deque([2.0, 3.0]), lambda c, x: x * c[0], 0, 3.5),
    "deque of arrays": (deque([np.ones(3)]), lambda c, x: x * c[0], 0, np.arange(3.0)),
    "integer and float": ([2, 3], lambda c, x: x * isinstance(c[1], int), 1, 3.0),
    "signed zero": ([0.0], lambda c, x: x * np.copysign(1.0, c[0]), 0, -0.0),
}


@pytest.mark.parametrize("case", CONTAINERS)
def test_an_item_that_is_set(case):
    container, f, key, value = CONTAINERS[case]
    check_followed(lambda x: f(container, x), putting(container, key, value))


def test_items_deep_inside(m):
    check_followed(lambda x: x * m.p["k"], putting(m.p, "k", 3.0))
    check_followed(lambda x: x * m.p["rows"][0][1], putting(m.p["rows"][0], 1, 3.0))
    check_followed(lambda x: x * m.inner.k, setting(m.inner, "k", 3.0))
    check_followed(lambda x: x * m.table["k"], putting(Base.table, "k", 3.0))
    check_followed(lambda x: x * m.w, putting(m.w, 0, 9.0))
    check_followed(lambda x: x * m.weights, putting(Base.weights, 0, 9.0))
    models = deque([m])
    check_followed(lambda x: models[0].method(x), setting(m, "k", 3.0))


def test_the_order_of_keys_and_the_length_of_lists():
    order = {"a": 1.0, "b": 2.0}

    def turn():
        order["a"] = order.pop("a")
        return lambda: order.update(b=order.pop("b"))

    check_followed(lambda x: x * next(iter(order.values())), turn)
    row = [1.0, 2.0]
    check_followed(lambda x: x * len(row), lambda: row.append(3.0) or row.pop)
    check_followed(lambda x: x * sum(row), lambda: row.append(3.0) or row.pop)
    line = deque([1.0, 2.0])
    check_followed(lambda x: x * line[0], lambda: line.rotate(1) or (lambda: line.rotate(-1)))


def test_sets():
    names = {"a"}

    def add():
        names.add("b")
        return lambda: names.remove("b")

    check_followed(lambda x: x * len(names), add)
    check_followed(lambda x: x * (2.0 if "b" in names else 1.0), add)
    numbers = {1}

    def same_but_for_the_type():
        numbers.clear()
        numbers.add(1.0)
        return lambda: (numbers.clear(), numbers.add(1))

    check_followed(lambda x: x * isinstance(next(iter(numbers)), int), same_but_for_the_type)
    raw = bytearray(b"ab")
    check_followed(lambda x: x * raw[0], putting(raw, 0, 3))


def test_the_factory_of_a_defaultdict():
    d = defaultdict(lambda: 2.0)
    check_followed(
        lambda x: x * d.default_factory(), setting_slot(d, "default_factory", lambda: 3.0)
    )
