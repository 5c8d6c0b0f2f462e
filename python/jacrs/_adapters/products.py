"""Products of vectors, matrices and tensors."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from jacrs._adapters import native
from jacrs._adapters.common import (
    Array,
    as_array,
    deliver,
    expanded,
    moved,
    numpy_error,
    one_axis,
    operand,
    raveled,
)
from jacrs._adapters.registry import METHODS, implements
from jacrs._adapters.shapes import at_least

# A convolution up to this size is one product with a matrix of windows.
_WINDOWS = 1 << 20


@implements(np.dot)
def dot(a: Array, b: Array, out: Any = None) -> Array:
    """Contract the last axis of one array with the second last of the other."""
    x, y = operand(a), operand(b)
    m, n = x.ndim, y.ndim
    if m == 0 or n == 0:
        z = native.ufunc("multiply", x, y)
    else:
        if x.shape[-1] != y.shape[-2 if n > 1 else 0]:
            raise numpy_error(np.dot, x, y)
        z = native.matmul(x, y) if n <= 2 else tensordot(x, y, (-1, -2))
    return z if out is None else deliver(z, out, "dot")


def dot_method(x: Array, b: Array, out: Any = None) -> Array:
    """Contract the last axis of one array with the second last of the other."""
    return dot(x, b, out)


METHODS["dot"] = dot_method


@implements(np.matmul, getattr(np.linalg, "matmul", None))
def matmul(x1: Array, x2: Array, /) -> Array:
    """Multiply matrices."""
    return native.matmul(operand(x1), operand(x2))


@implements(np.inner)
def inner(a: Array, b: Array, /) -> Array:
    """Contract the last axes."""
    x, y = operand(a), operand(b)
    if x.ndim == 0 or y.ndim == 0:
        return native.ufunc("multiply", x, y)
    if x.shape[-1] != y.shape[-1]:
        raise numpy_error(np.inner, x, y)
    if y.ndim == 1:
        return native.matmul(x, y)
    return tensordot(x, y, (-1, -1))


@implements(np.vdot)
def vdot(a: Array, b: Array, /) -> Array:
    """Multiply the raveled arrays."""
    return dot(raveled(operand(a)), raveled(operand(b)))


@implements(np.outer)
def outer(a: Array, b: Array, out: Any = None) -> Array:
    """Multiply every element of one array with every one of the other."""
    x, y = raveled(operand(a)), raveled(operand(b))
    z = native.ufunc("multiply", native.reshape(x, (x.size, 1)), y)
    return deliver(z, out, "outer")


@implements(getattr(np.linalg, "outer", None))
def vector_outer(x1: Array, x2: Array, /) -> Array:
    """Multiply every element of one list with every one of the other."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(
            "Input arrays must be one-dimensional, but they are "
            f"x1.ndim={np.ndim(x1)} and x2.ndim={np.ndim(x2)}."
        )
    return outer(x1, x2)


@implements(np.vecdot)
def vecdot(x1: Array, x2: Array, /, *, axis: Any = -1) -> Array:
    """Multiply vectors along an axis."""
    x, y = operand(x1), operand(x2)
    if x.ndim == 0 or y.ndim == 0 or x.shape[axis] != y.shape[axis]:
        raise numpy_error(np.vecdot, x, y, axis=axis)
    x, y = (moved(v, one_axis(axis, v.ndim), v.ndim - 1) for v in (x, y))
    z = native.ufunc("multiply", x, y)
    return native.reduce("sum", z, (z.ndim - 1,))


@implements(getattr(np.linalg, "vecdot", None))
def linalg_vecdot(x1: Array, x2: Array, /, *, axis: Any = -1) -> Array:
    """Multiply vectors along an axis."""
    return vecdot(x1, x2, axis=axis)


@implements(getattr(np, "matvec", None))
def matvec(x1: Array, x2: Array, /) -> Array:
    """Multiply matrices with vectors."""
    x, y = operand(x1), operand(x2)
    z = native.matmul(x, expanded(y, y.ndim))
    return native.reshape(z, z.shape[:-1])


@implements(getattr(np, "vecmat", None))
def vecmat(x1: Array, x2: Array, /) -> Array:
    """Multiply vectors with matrices."""
    x, y = operand(x1), operand(x2)
    z = native.matmul(expanded(x, x.ndim - 1), y)
    return native.reshape(z, (*z.shape[:-2], z.shape[-1]))


@implements(np.tensordot)
def tensordot(a: Array, b: Array, axes: Any = 2) -> Array:
    """Contract some axes of one array with some of the other."""
    x, y = operand(a), operand(b)
    if isinstance(axes, (tuple, list)):
        first, second = (list(k) if np.ndim(k) else [k] for k in axes)
    else:
        count = operator.index(axes)
        first, second = list(range(-count, 0)), list(range(count))
    if len(first) != len(second):
        raise ValueError("shape-mismatch for sum")
    first = [one_axis(k, x.ndim) for k in first]
    second = [one_axis(k, y.ndim) for k in second]
    if [x.shape[k] for k in first] != [y.shape[k] for k in second]:
        raise ValueError("shape-mismatch for sum")
    if len(set(first)) != len(first) or len(set(second)) != len(second):
        raise ValueError("repeated axis in transpose")
    return contracted(x, y, first, second)


@implements(getattr(np.linalg, "tensordot", None))
def linalg_tensordot(x1: Array, x2: Array, /, *, axes: Any = 2) -> Array:
    """Contract some axes of one array with some of the other."""
    return tensordot(x1, x2, axes)


def contracted(x: Array, y: Array, first: list[int], second: list[int]) -> Array:
    """Contract pairs of axes as one product of matrices."""
    left = [k for k in range(x.ndim) if k not in first]
    right = [k for k in range(y.ndim) if k not in second]
    rows, columns = (tuple(v.shape[k] for k in free) for v, free in ((x, left), (y, right)))
    if not first:
        return native.ufunc("multiply", native.reshape(x, rows + (1,) * len(columns)), y)
    inner = math.prod(x.shape[k] for k in first)
    x = native.reshape(_ordered(x, left + first), (math.prod(rows), inner))
    y = native.reshape(_ordered(y, second + right), (inner, math.prod(columns)))
    return native.reshape(native.matmul(x, y), rows + columns)


def _ordered(x: Array, order: list[int]) -> Array:
    return x if order == list(range(x.ndim)) else native.transpose(x, tuple(order))


@implements(np.kron)
def kron(a: Array, b: Array) -> Array:
    """Put the second array, times each element of the first, in place of that element."""
    x, y = operand(a), operand(b)
    ndim = max(x.ndim, y.ndim)
    x, y = at_least(x, ndim), at_least(y, ndim)
    pairs = list(zip(x.shape, y.shape, strict=True))
    z = native.ufunc(
        "multiply",
        native.reshape(x, tuple(k for m, _ in pairs for k in (m, 1))),
        native.reshape(y, tuple(k for _, n in pairs for k in (1, n))),
    )
    return native.reshape(z, tuple(m * n for m, n in pairs))


@implements(np.cross)
def cross(
    a: Array, b: Array, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None
) -> Array:
    """Multiply vectors of the space as vectors."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = operand(a), operand(b)
    if x.ndim == 0 or y.ndim == 0:
        raise ValueError("At least one array has zero dimension")
    x, y = (moved(v, one_axis(k, v.ndim), v.ndim - 1) for v, k in ((x, axisa), (y, axisb)))
    if x.shape[-1] not in (2, 3) or y.shape[-1] not in (2, 3):
        raise ValueError("incompatible dimensions for cross product\n(dimension must be 2 or 3)")
    u, v = ([w[..., k] for k in range(w.shape[-1])] for w in (x, y))
    last = u[0] * v[1] - u[1] * v[0]
    if len(u) == len(v) == 2:
        return as_array(last)
    if len(u) == 2:
        parts = [u[1] * v[2], -(u[0] * v[2]), last]
    elif len(v) == 2:
        parts = [-(u[2] * v[1]), u[2] * v[0], last]
    else:
        parts = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], last]
    if last.ndim == 0:
        return native.pack(parts, (3,), None)
    at = one_axis(axisc, last.ndim + 1)
    return native.concat([expanded(part, at) for part in parts], at)


@implements(getattr(np.linalg, "cross", None))
def linalg_cross(x1: Array, x2: Array, /, *, axis: Any = -1) -> Array:
    """Multiply vectors of the space as vectors."""
    x, y = operand(x1), operand(x2)
    if x.shape[axis] != 3 or y.shape[axis] != 3:
        raise ValueError(
            "Both input arrays must be (arrays of) 3-dimensional vectors, but they are "
            f"{x.shape[axis]} and {y.shape[axis]} dimensional instead."
        )
    return cross(x, y, axis=axis)


@implements(np.convolve)
def convolve(a: Array, v: Array, mode: str = "full") -> Array:
    """Convolve two lists."""
    x, y = (raveled(at_least(operand(w), 1)) if np.ndim(w) < 2 else operand(w) for w in (a, v))
    return sliding(x, y, mode, "convolve")


@implements(np.correlate)
def correlate(a: Array, v: Array, mode: str = "valid") -> Array:
    """Correlate two lists."""
    x, y = at_least(operand(a), 1), at_least(operand(v), 1)
    return sliding(x, y[::-1], mode, "correlate")


def sliding(x: Array, y: Array, mode: str, function: str) -> Array:
    """Convolve two lists; the mode says how far they must overlap."""
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError("object too deep for desired array")
    for name, w in (("a", x), ("v", y)):
        if w.shape[0] == 0:
            raise ValueError(f"{name} cannot be empty")
    if x.shape[0] < y.shape[0]:
        x, y = y, x
        swapped = True
    else:
        swapped = False
    n, m = x.shape[0], y.shape[0]
    if mode == "full":
        start, size = 0, n + m - 1
    elif mode == "same":
        start, size = (m - 1) // 2, n
        if swapped and function == "correlate":
            start = m // 2  # NumPy counts from the other end then
    elif mode == "valid":
        start, size = m - 1, n - m + 1
    else:
        raise ValueError(f"mode must be one of 'valid', 'same', or 'full' (got {mode!r})")
    return _windows(x, y, start, size)


def _windows(x: Array, y: Array, start: int, size: int) -> Array:
    """Return the elements `start` to `start + size` of the full convolution."""
    n, m = x.shape[0], y.shape[0]
    edge = np.zeros(m - 1, x.dtype)
    padded = native.concat([edge, x, edge], 0) if m > 1 else x
    if n * m <= _WINDOWS:
        index = np.arange(start, start + size)[:, None] + np.arange(m)
        return native.matmul(native.gather(padded, index), y[::-1])
    total = padded[start + m - 1 : start + m - 1 + size] * y[0]
    for k in range(1, m):
        at = start + m - 1 - k
        total = total + padded[at : at + size] * y[k]
    return total
