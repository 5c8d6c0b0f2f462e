"""Functions to be saved: each with calls that are recorded, and calls that are made once loaded."""

import enum
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

import jacrs


class Pair(NamedTuple):
    first: Any
    second: Any


class Shade(enum.Enum):
    DARK = 1
    LIGHT = 2


@dataclass
class Layer:
    weights: np.ndarray
    offset: float
    kind: str = field(default="tanh", metadata={"static": True})


class Line:
    def __init__(self, slope, offset, name):
        self.slope, self.offset, self.name = slope, offset, name


jacrs.register_pytree_node(
    Line,
    lambda line: ((line.slope, line.offset), line.name),
    lambda name, children: Line(*children, name),
)

RNG = np.random.default_rng(11)
MATRIX = RNG.normal(size=(4, 3))
TABLE = {"scale": np.array([0.5, 2.0, -1.0]), "power": 3}
X, Z = RNG.normal(size=3), RNG.normal(size=3)
SQUARE = RNG.normal(size=(3, 3)) + 3 * np.eye(3)


def rows(x):
    return np.tanh(MATRIX @ x) * 1.25


def branching(x):
    total = 0.0
    for i in range(x.size):
        if x[i] > 0.25:
            total = total + np.sin(x[i])
        elif x[i] < -0.25:
            total = total - x[i] ** TABLE["power"]
    return total


def scaled(x):
    return x * TABLE["scale"]


def masked(x):
    y = x[x > 0.0]
    return np.sum(np.sort(y) * 0.75), y


def solved(a, b):
    return np.linalg.solve(a, b) @ b + np.log(np.abs(np.linalg.det(a)))


def with_aux(x):
    return np.sum(np.exp(x)), {"sines": np.sin(x), "name": "n", "all": [1, 2.5, None]}


def branchless(x):
    return np.sum(np.exp(x) * rows(x)[:3])


def layered(layer, x):
    return np.tanh(layer.weights * x) + layer.offset if layer.kind == "tanh" else x


def shaded(x, shade, dtype, cls):
    assert cls is float
    return (x * 2.0 if shade is Shade.DARK else x * 3.0).astype(dtype)


def containers(x):
    return {
        "pair": Pair(x * 2.0, (x[0], 7)),
        3: OrderedDict(b=x + 1.0, a=-x),
        ("key", None): defaultdict(list, c=x[1]),
        "line": Line(x[0], x * 3.0, "named"),
        "layer": Layer(x / 3.0, x[1], "static"),
        "constants": (2, 1.5, "text", None, True, b"bytes", np.arange(3), np.float32(2.5), 3 + 1j),
    }


def of_values(x, count, name, table):
    return x * count if name == "by" else x * table[count]


# name: (function, calls that are recorded, calls of what was loaded)
CASES = {
    "plain": (rows, [(X,)], [(X,), (Z,), (-X,)]),
    "jacobian": (jacrs.jacobian(rows), [(X,)], [(X,), (Z,)]),
    "forward": (jacrs.jacfwd(rows), [(X,)], [(Z,)]),
    "reverse": (jacrs.jacrev(rows), [(X,)], [(Z,)]),
    "chunks": (jacrs.jacobian(rows, chunk_size=16), [(X,)], [(Z,)]),
    "value and jacobian": (jacrs.value_and_jacobian(rows), [(X,)], [(Z,)]),
    "hessian": (jacrs.hessian(lambda x: np.sum(rows(x) ** 3)), [(X,)], [(Z,)]),
    "all of it": (jacrs.value_grad_and_hessian(lambda x: np.sum(rows(x) ** 3)), [(X,)], [(Z,)]),
    "aux": (jacrs.value_and_grad(with_aux, has_aux=True), [(X,)], [(Z,)]),
    "jacobian with aux": (
        jacrs.jacobian(lambda x: (rows(x), with_aux(x)[1]), has_aux=True),
        [(X,)],
        [(Z,)],
    ),
    "branches": (jacrs.grad(branching), [(X,), (Z,), (-X,), (0 * X,)], [(X,), (-X,), (0 * X,)]),
    "reached": (jacrs.jacobian(scaled), [(X,)], [(Z,)]),
    "masks": (masked, [(X,), (-X,)], [(X,), (-X,), (0.5 * X,)]),
    "two arguments": (jacrs.grad(solved, argnums=(0, 1)), [(SQUARE, X)], [(SQUARE.T.copy(), Z)]),
    "mapped": (jacrs.vmap(jacrs.value_and_grad(branchless)), [(MATRIX,)], [(-MATRIX,)]),
    "numbers": (lambda x, a: x * a + np.sin(a), [(X, 1.5)], [(Z, 2.5), (X, float("inf"))]),
    "a NumPy number": (lambda x, a: x * a, [(X, np.float64(1.5))], [(X, np.float64(-0.0))]),
    "narrow": (lambda x, a: x * a, [(X.astype("f4"), 1.5)], [(Z.astype("f4"), 1.5)]),
    "integers": (lambda x, i: x * i, [(np.arange(4), 3)], [(np.arange(4) - 2, 3)]),
    "booleans": (lambda x: ~x, [(X > 0,)], [(X < 0,)]),
    "without axes": (np.sin, [(np.array(0.5),)], [(np.array(-1.5),)]),
    "empty": (jacrs.jacobian(np.sin), [(np.zeros((0, 2)),)], [(np.zeros((0, 2)),)]),
    "strided": (rows, [(np.zeros(6)[::2],)], [(np.arange(6.0)[::2],)]),
    "Fortran": (np.cos, [(np.asfortranarray(MATRIX),)], [(np.asfortranarray(-MATRIX),)]),
    "values": (
        of_values,
        [(X, 2, "by", {}), (X, 1, "in", [4, 10**30])],
        [(Z, 2, "by", {}), (Z, 1, "in", [4, 10**30])],
    ),
    "other values": (
        shaded,
        [(X, Shade.DARK, np.float32, float), (X, Shade.LIGHT, np.dtype("f8"), float)],
        [(Z, Shade.LIGHT, np.dtype("f8"), float), (Z, Shade.DARK, np.float32, float)],
    ),
    "constants as arguments": (
        lambda x, *rest: x * len(rest),
        [(X, ..., None, b"b", 1j, -0.0, "\ud800", np.arange(3), np.str_("s"), True)],
        [(Z, ..., None, b"b", 1j, -0.0, "\ud800", np.arange(3), np.str_("s"), True)],
    ),
    "a pytree": (
        jacrs.grad(lambda p: np.sum(p["w"][0] * p["w"][1]) + p["b"]),
        [({"w": (X, [1.0, 2.0, 3.0]), "b": 2.5},)],
        [({"w": (Z, [3.0, 2.0, 1.0]), "b": -2.5},)],
    ),
    "a named tuple": (lambda p: p.first * p.second, [(Pair(X, 2.0),)], [(Pair(Z, 3.0),)]),
    "a dataclass": (jacrs.jacobian(layered), [(Layer(X, 1.0), Z)], [(Layer(Z, 2.0), X)]),
    "a registered class": (
        lambda line: line.slope * X + line.offset,
        [(Line(2.0, X, "first"),)],
        [(Line(3.0, Z, "first"),)],
    ),
    "an ordered dict": (
        lambda d: d["a"] * d["b"],
        [(OrderedDict(b=X, a=2.0),)],
        [(OrderedDict(b=Z, a=2.0),)],
    ),
    "containers": (containers, [(X,)], [(Z,)]),
    "a constant": (lambda x: (5, "five"), [(X,)], [(Z,)]),
}
