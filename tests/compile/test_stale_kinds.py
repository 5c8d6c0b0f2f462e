"""Dataclasses, enumerations and other kinds of classes; and what is not followed."""

# ruff: noqa: PLW0108 - a lambda looks its names up late, which is what is tested

import abc
import dataclasses
import enum
import sys
from types import MappingProxyType, SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

import jacrs
from tests.compile.following import X, check_followed, putting, replayed, same, setting, unfollowed

FACTOR = 2.0
HERE = sys.modules[__name__]


@dataclasses.dataclass
class Layer:
    w: np.ndarray
    b: float
    act: str = dataclasses.field(default="tanh", metadata={"static": True})

    def __call__(self, x):
        return getattr(np, self.act)(self.w * x + self.b) * FACTOR


@dataclasses.dataclass(frozen=True)
class Frozen:
    w: np.ndarray
    b: float
    k = 2.0


class Pair(NamedTuple):
    w: list
    b: np.ndarray


def test_dataclasses_and_named_tuples_that_are_reached():
    layer = Layer(np.ones(3), 0.5)
    check_followed(lambda x: layer(x), setting(layer, "b", 0.75))
    check_followed(lambda x: layer(x), setting(layer, "act", "sin"))
    check_followed(lambda x: layer(x), setting(layer, "w", np.arange(3.0)))
    check_followed(lambda x: layer(x), putting(layer.w, 0, 3.0))
    check_followed(lambda x: layer(x), setting(HERE, "FACTOR", 3.0))
    frozen = Frozen(np.ones(3), 0.5)
    check_followed(lambda x: x * frozen.b * frozen.k, setting(Frozen, "k", 3.0))
    pair = Pair([1.0, 2.0], np.ones(3))
    check_followed(lambda x: x * pair.w[0] * pair.b, putting(pair.w, 0, 3.0))
    check_followed(lambda x: x * pair.w[0] * pair.b, putting(pair.b, 0, 3.0))


def test_dataclasses_as_arguments():
    compiled = jacrs.compile(lambda layer, x: layer(x))
    for layer in (Layer(np.ones(3), 0.5), Layer(np.arange(3.0), 0.75)):
        same(compiled(layer, X), layer(X))
    assert (compiled.n_traces, compiled.n_replays) == (1, 2)  # of a call that was recorded, too
    layer.act = "sin"
    same(compiled(layer, X), layer(X))
    assert compiled.n_traces == 2
    undo = setting(HERE, "FACTOR", 3.0)()
    try:
        same(compiled(layer, X), layer(X))
    finally:
        undo()
    undo = setting(Layer, "__call__", lambda self, x: x + self.b)()
    try:
        same(compiled(layer, X), X + 0.75)
    finally:
        undo()
    same(replayed(compiled, layer, X), layer(X))


class Line:
    def __init__(self, slope, name):
        self.slope, self.name = slope, name


jacrs.register_pytree_node(
    Line, lambda line: ((line.slope,), line.name), lambda name, parts: Line(*parts, name)
)


def test_registered_containers():
    compiled = jacrs.compile(lambda line, x: x * line.slope * len(line.name))
    same(compiled(Line(2.0, "a"), X), 2 * X)
    same(replayed(compiled, Line(3.0, "a"), X), 3 * X)
    same(compiled(Line(3.0, "ab"), X), 6 * X)
    made = jacrs.compile(lambda x: {"line": Line(x * 2, "a"), "rest": (x, None, [1, "t"])})
    for _ in range(2):
        result = made(X)
        assert type(result["line"]) is Line
        same(result["line"].slope, 2 * X)
        same(result["rest"][0], X)
        assert result["rest"][1:] == (None, [1, "t"])
    assert made.n_traces == 1
    assert made(X)["rest"][2] is not made(X)["rest"][2]


class Kind(enum.Enum):
    FIRST = 1
    SECOND = 2


class Doing(enum.Enum):
    FIRST = 1

    def scale(self):
        return FACTOR


def test_enumerations():
    m = SimpleNamespace(kind=Kind.FIRST)
    check_followed(lambda x: x if m.kind is Kind.FIRST else -x, setting(m, "kind", Kind.SECOND))
    compiled = jacrs.compile(lambda x: x * Doing.FIRST.scale())
    compiled(X)
    assert unfollowed(compiled) == ["what the methods of Doing read"]


class Shape(abc.ABC):
    scale = 2.0

    @abc.abstractmethod
    def area(self, x): ...


class Square(Shape):
    def area(self, x):
        return x * x * self.scale


def test_abstract_classes():
    square = Square()
    check_followed(lambda x: square.area(x), setting(Shape, "scale", 3.0))
    check_followed(lambda x: Square().area(x), setting(Shape, "scale", 3.0))


class Meta(type):
    @property
    def k(cls):
        return FACTOR


class Named(list):
    pass


class WithMeta(metaclass=Meta):
    pass


class Fault(Exception):  # noqa: N818
    k = 2.0


class Numbers(np.ndarray):
    pass


class Row(tuple):
    pass


def test_what_only_its_own_class_reads():
    check_followed(lambda x: x * Fault.k, setting(Fault, "k", 3.0))
    row = Row((1.0, 2.0))
    row.k = 2.0
    check_followed(lambda x: x * row.k * row[1], setting(row, "k", 3.0))


NAMED = Named([2.0])
VIEW = MappingProxyType({"k": 2.0})
NUMBERS = np.ones(3).view(Numbers)
NOT_FOLLOWED = {
    "the methods of a metaclass": (lambda x: x * WithMeta.k, ["what the methods of Meta read"]),
    "a list of a class of one's own": (lambda x: x * NAMED[0], ["a Named"]),
    "a view of a mapping": (
        lambda x: x * VIEW["k"],
        ["a mappingproxy"],
    ),
    "globals()": (lambda x: x * globals()["FACTOR"], ["what is read of globals()"]),
    "an array of a class of one's own": (
        lambda x: x * np.asarray(NUMBERS),
        ["a Numbers of shape (3,)"],
    ),
    "an object in a set": (lambda x, c={Kind.FIRST}: x * len(c), ["a set"]),
}


@pytest.mark.parametrize("case", NOT_FOLLOWED)
def test_what_is_not_followed_is_listed_and_refused_on_request(case):
    f, expected = NOT_FOLLOWED[case]
    compiled = jacrs.compile(f)
    same(compiled(X), f(X))
    same(replayed(compiled, X), f(X))
    assert unfollowed(compiled) == expected
    with pytest.raises(jacrs.ImpureError) as caught:
        jacrs.compile(f, strict=True)(X)
    assert str(caught.value) == (
        f"compile(<lambda>, strict=True): it reaches what replays would not look at again: "
        f"{expected[0]}; pass it as an argument, or drop strict=True if it never changes"
    )


def test_copies_of_arrays_of_other_classes_are_conditions():
    mapped = np.ones(3).view(np.matrix)
    compiled = jacrs.compile(lambda x: x * np.asarray(mapped)[0], strict=True)
    same(compiled(X), X)
    same(replayed(compiled, X), X)
    mapped[0, 1] = 5.0
    same(compiled(X), X * [1.0, 5.0, 1.0])
