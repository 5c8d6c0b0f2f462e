"""A user's module: helpers, classes, counters."""

# ruff: noqa: PLW0603, PYI024 - this is what users write

import functools
import math
from collections import namedtuple
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import sin
from typing import NamedTuple

import numpy as np
from numpy import array, zeros

from . import second

COUNT = 0
FACTOR = 2.0
LAST = None
A = np.array([[1.0, 2.0, 0.5], [0.0, 1.0, -1.0], [3.0, 0.0, 1.0]])
BUFFER = np.zeros(3)


def fill(x):
    y = np.zeros(3)
    y[0] = x[0] * x[1]
    y[1] = FACTOR * x[2]
    y[2] = x[0]
    return y


def fill_from_import(x):
    y = zeros(3)
    y[:2] = x[1:] * x[0]
    return y + array([x[0], 1.0, x[1] * x[2]])


def through_other_module(x):
    return second.helper(x) + second.nested.deep(x)


def counting(x):
    global COUNT
    COUNT += 1
    return bump(x)


def bump(x):
    global COUNT
    COUNT += 10
    return fill(x)


def failing(x):
    global COUNT
    COUNT += 1
    raise ValueError("in the middle")


def doubled(function):
    @functools.wraps(function)
    def wrapper(*args, **keywords):
        return 2.0 * function(*args, **keywords)

    return wrapper


@doubled
def decorated(x):
    return fill(x)


@functools.lru_cache
def cached_weights(n):
    w = np.zeros(n)
    w[0] = 2.0
    return w


@contextmanager
def scaled(x):
    y = np.empty(3)
    y[:] = 2 * x
    yield y


@functools.singledispatch
def dispatched(_kind, x):
    return x


@dispatched.register
def _(_kind: int, x):
    return fill(x)


def recursive(x, n=3):
    if n == 0:
        return fill(x)
    return recursive(np.array([x[1], x[2], math.sin(x[0])]), n - 1)


def pieces(x):
    for i in range(3):
        part = np.zeros(1)
        part[0] = x[i] ** 2
        yield part


def with_default(x, start=np.ones(3), make=np.zeros):  # noqa: B008
    y = make(3)
    y[1] = x[1] * start[0]
    return y


TABLE = {"fill": fill, "deep": (fill_from_import, [fill])}
STEPS = [fill, fill_from_import]


class Base:
    scale = 3.0
    made = 0

    def __init__(self, k):
        self.k = k
        self.calls = 0
        self.callback = fill

    def rhs(self, x):
        self.calls += 1
        y = np.zeros(3)
        y[0] = self.k * x[0] * self.scale
        return y + self.shift

    @property
    def shift(self):
        s = np.empty(3)
        s[:] = self.k
        return s

    @staticmethod
    def square(x):
        y = np.zeros(3)
        y[:] = x**2
        return y

    @classmethod
    def build(cls, k):
        cls.made += 1
        return cls(k)

    def __call__(self, x):
        return self.rhs(x) + self.callback(x)


class Derived(Base):
    def __init__(self, k):
        super().__init__(k)
        self.inner = Base(k + 1)
        self.history = []
        self.layers = [Base(1.0), Base(2.0)]
        self.matrix = A

    def rhs(self, x):
        y = super().rhs(x)
        y[1] = sin(x[1])
        return y + self.inner.rhs(x)

    def chain(self, x):
        for layer in self.layers:
            x = layer.rhs(x)
        return x + self.matrix.dot(x)

    def again(self, x):
        other = self.__class__.build(self.k)
        assert isinstance(other, Derived)
        assert type(other) is type(self)
        return other.rhs(x)

    def failing(self, x):
        self.calls += 1
        self.callback = second.helper
        raise ValueError("in the middle")


class Slotted:
    __slots__ = ("buffer", "function", "k")

    def __init__(self, k, function=fill):
        self.k = k
        self.function = function

    def rhs(self, x):
        self.k += 1
        y = np.zeros(3)
        y[0] = self.k * x[0]
        return y + self.function(x)


@dataclass
class Parameters:
    k: float = 2.0
    work: np.ndarray = field(default_factory=lambda: np.zeros(3))

    def rhs(self, x):
        y = np.zeros(3)
        y[2] = self.k * x[2] ** 2
        return y


@dataclass(frozen=True, slots=True)
class Frozen:
    k: float = 1.5

    def rhs(self, x):
        y = np.zeros(3)
        y[2] = self.k * x[2] ** 2
        return y


class Point(NamedTuple):
    k: float
    function: object = fill

    def rhs(self, x):
        y = np.zeros(3)
        y[0] = self.k * x[0]
        return y + self.function(x)


Bare = namedtuple("Bare", "k function")

MODEL = Derived(2.0)
