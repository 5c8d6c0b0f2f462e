"""The recording scope: methods of the user's objects are followed, and the objects stay theirs."""

# ruff: noqa: PLW0108 - lambdas are as users write them

import abc
import copy
import dataclasses
import enum
import functools
import sys
import typing
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scope_modules import first, second
from scope_modules.recording import V, X, check, jvp

from jacrs._scope import follow_argument, recording_scope

FACTOR = 1.5


def test_attribute_writes_reach_the_object():
    model = first.Derived(2.0)
    jvp(lambda x: model.rhs(x) + model(x), (X,), (V,))
    assert model.calls == 2
    assert model.inner.calls == 2
    with pytest.raises(ValueError, match="in the middle"):
        jvp(model.failing, (X,), (V,))
    assert model.calls == 3
    assert model.callback is second.helper
    slotted = first.Slotted(1.0)
    jvp(slotted.rhs, (X,), (V,))
    assert slotted.k == 2.0


def test_objects_that_stay_are_ordinary(monkeypatch):
    kept = []
    model = first.Derived(2.0)

    def function(x):
        kept.append(first.Derived(1.0))
        kept.append(model)
        kept.append(first.Slotted(2.0, first.fill))
        model.inner = kept[0]
        model.callback = lambda x: FACTOR * x
        return model.rhs(x)

    jvp(function, (X,), (V,))
    assert [type(item) for item in kept] == [first.Derived, first.Derived, first.Slotted]
    assert model.inner is kept[0]
    assert kept[0].callback is first.fill
    assert kept[2].function is first.fill
    assert kept[2].k == 2.0
    assert type(kept[0].rhs(X)) is np.ndarray
    monkeypatch.setattr(sys.modules[__name__], "FACTOR", 7.0)
    np.testing.assert_array_equal(model.callback(X), 7.0 * X)


def test_class_attributes_reach_the_class(monkeypatch):
    monkeypatch.setattr(first.Base, "made", 0)
    monkeypatch.setattr(first.Derived, "made", 0)
    jvp(lambda x: first.Derived.build(1.0).rhs(x), (X,), (V,))
    assert (first.Base.made, first.Derived.made) == (0, 1)
    monkeypatch.setattr(first.Base, "scale", 4.0)
    check(lambda x: first.MODEL.rhs(x))
    assert first.Base.__subclasses__() == [first.Derived]


def test_model_as_argument():
    model = first.Derived(2.0)

    def function(x, m):
        assert isinstance(m, first.Derived)
        return m.rhs(x)

    with recording_scope(function) as g:
        assert g.__globals__ is not function.__globals__
        assert follow_argument(model) is follow_argument(model)
        assert follow_argument(model) == model
        assert {model: 1}[follow_argument(model)] == 1
    assert follow_argument(model) is model


def test_methods_rebound_between_calls(monkeypatch):
    def function(x):
        return first.MODEL.rhs(x)

    check(function)
    monkeypatch.setattr(first.Base, "rhs", lambda self, x: np.array([x[1], self.k, x[0]]))
    check(function)
    monkeypatch.setattr(first.MODEL.inner, "rhs", first.fill, raising=False)
    check(function)


def test_exceptions_of_the_user_keep_their_class():
    class FailureError(Exception):
        pass

    def function(x):
        try:
            raise FailureError
        except FailureError:
            return first.fill(x)

    check(function)


class Top:
    def __init__(self):
        super().__init__()
        self.log = ["Top"]

    def f(self, x):
        y = np.zeros(3)
        y[0] = x[0]
        return y


class Left(Top):
    def __init__(self):
        super().__init__()
        self.log.append("Left")

    def f(self, x):
        y = super().f(x)
        y[1] = x[1]
        return y


class Right(Top):
    def __init__(self):
        super().__init__()
        self.log.append("Right")

    def f(self, x):
        y = super().f(x)
        y[2] = x[2] * x[1]
        return y


class Bottom(Left, Right):
    def __init__(self):
        super().__init__()
        self.log.append("Bottom")

    def f(self, x):
        return super().f(x) * x[0]


def test_method_resolution_is_the_same():
    logs = []

    def function(x):
        made = Bottom()
        logs.append(made.log)
        return made.f(x)

    jvp(function, (X,), (V,))
    assert logs == [["Top", "Right", "Left", "Bottom"]]
    check(function)
    check(Bottom().f)


class Abstract(abc.ABC):
    @abc.abstractmethod
    def f(self, x): ...

    def g(self, x):
        y = np.empty(3)
        y[:] = self.f(x)
        return y


class Concrete(Abstract):
    def f(self, x):
        return np.array([x[0], x[1] * x[2], 1.0])


def test_abstract_classes():
    given = Concrete()

    def function(x):
        with pytest.raises(TypeError):
            Abstract()
        assert isinstance(given, Abstract)
        assert isinstance(Concrete(), Abstract)
        assert issubclass(Concrete, Abstract)
        assert not isinstance(3, Abstract)
        return given.g(x) + Concrete().g(x)

    check(function)


Number = typing.TypeVar("Number")


class Boxed(typing.Generic[Number]):
    def __init__(self, k: Number):
        self.k = k

    def f(self, x):
        y = np.zeros(3)
        y[0] = x[0] * self.k
        return y


def test_generic_classes():
    check(Boxed(2.0).f)
    check(lambda x: Boxed[float](2.0).f(x) + Boxed(1.0).f(x))


def test_hooks_of_the_user_run_once():
    made, named = [], []

    class Named:
        def __set_name__(self, owner, name):
            named.append(name)

        def __get__(self, instance, owner=None):
            y = np.zeros(3)
            y[0] = instance.k
            return y

    class Meta(type):
        def __new__(mcs, name, bases, members):
            made.append(name)
            return super().__new__(mcs, name, bases, members)

        @property
        def tag(cls):
            return 2.0

    class Hooked(metaclass=Meta):
        start = Named()

        def __init_subclass__(cls, **keywords):
            made.append("hook")

        def __init__(self):
            self.k = 1.0

    class Child(Hooked):
        def f(self, x):
            y = self.start
            y[1] = x[1] * type(self).tag
            return y

    check(Child().f)
    check(lambda x: Child().f(x))
    assert made == ["Hooked", "Child", "hook"]
    assert named == ["start"]


class Special:
    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return False

    def __len__(self):
        return 3

    def __iter__(self):
        return iter([first.fill])

    def __getitem__(self, index):
        return first.fill

    def __getattr__(self, name):
        if name != "late":
            raise AttributeError(name)
        return first.fill

    def __eq__(self, other):
        return isinstance(other, Special)

    __hash__ = None


def test_special_methods():
    given = Special()

    def function(x):
        with given as same:
            assert same is given
        for item in given:
            x = item(x)
        assert len(given) == 3
        assert given == Special()
        assert Special() == given
        assert not hasattr(given, "other")
        return given[0](x) + given.late(x)

    check(function)


class Cached:
    @functools.cached_property
    def function(self):
        return first.fill

    @property
    def k(self):
        return self._k

    def __setattr__(self, name, value):
        object.__setattr__(self, "_" + name, value)

    def f(self, x):
        self.k = 2.0
        return self.k * self.function(x)


def test_properties_and_attribute_hooks():
    given = Cached()
    check(given.f)
    assert given.__dict__ == {"function": first.fill, "_k": 2.0}
    assert given.__dict__["function"] is first.fill


@dataclasses.dataclass
class Record:
    k: float
    function: object = first.fill

    def f(self, x):
        y = np.zeros(3)
        y[0] = x[0] * self.k
        return y + self.function(x)


def test_dataclasses_copies_and_patterns():
    given = Record(1.0)

    def function(x):
        other = dataclasses.replace(given, k=2.0)
        third = copy.copy(given)
        third.k = 5.0
        assert given.k == 1.0
        assert given == Record(1.0)
        match given:
            case Record(k=1.0, function=step):
                return other.f(x) + third.f(x) + step(x)
        raise AssertionError

    check(function)


class Colour(enum.Enum):
    RED = 1


class NoArguments:
    pass


def test_python_own_rules():
    class Mapping(dict):
        def f(self, x):
            return self["k"] * x

    def function(x):
        assert Colour(1) is Colour.RED
        with pytest.raises(TypeError, match="takes no arguments"):
            NoArguments(1)
        return Mapping(k=2.0).f(x) + first.fill(x)

    check(function)


class Node:
    def __init__(self, parent=None):
        self.parent = parent
        self.children = []

    def add(self):
        self.children.append(Node(self))

    def f(self, x):
        y = np.zeros(3)
        y[0] = x[0] ** 2
        assert all(child.parent is self for child in self.children)
        return y + sum(child.f(x) for child in self.children)


def test_trees_with_parents():
    root = Node()
    root.add()
    root.children[0].add()
    check(root.f)

    def grow(x):
        root.add()
        return root.f(x)

    jvp(grow, (X,), (V,))
    assert [type(child) for child in root.children] == [Node, Node]
    assert root.children[1].parent is root


class Finalized:
    count = 0

    def __init__(self):
        self.k = 1.0

    def __del__(self):
        Finalized.count += 1

    def f(self, x):
        return first.fill(x) * self.k


def test_finalizers_run_once():
    given = Finalized()
    check(given.f)
    assert Finalized.count == 0
    del given
    assert Finalized.count == 1


class Single:
    instance = None

    def __new__(cls):
        if cls.instance is None:
            cls.instance = super().__new__(cls)
        return cls.instance

    def f(self, x):
        return first.fill(x)


def test_singletons_stay_single():
    check(lambda x: Single().f(x))
    assert type(Single.instance) is Single
    given = Single()

    def function(x):
        assert Single() is given
        return given.f(x)

    check(function)


@dataclasses.dataclass(slots=True)
class Lower:
    k: float

    def f(self, x):
        y = np.zeros(3)
        y[0] = x[0] * self.k * FACTOR
        return y


@dataclasses.dataclass(slots=True)
class Upper(Lower):
    j: float = 2.0

    def f(self, x):
        return Lower.f(self, x) * self.j


def test_slots_at_two_levels(monkeypatch):
    kept = []
    given = Upper(1.0)

    def function(x):
        kept[:] = [Upper(3.0), given]
        return kept[0].f(x) + given.f(x)

    check(function)
    jvp(function, (X,), (V,))
    monkeypatch.setattr(sys.modules[__name__], "FACTOR", 2.0)
    assert all(isinstance(item, Upper) for item in kept)
    np.testing.assert_allclose(kept[0].f(X)[0], X[0] * 3 * 2 * 2)
    np.testing.assert_allclose(kept[1].f(X)[0], X[0] * 2 * 2)
    check(function)
