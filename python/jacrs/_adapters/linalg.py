"""Norms, chains and powers of matrices."""

# ruff: noqa: A002, FBT002 (the signatures are NumPy's)

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from jacrs._adapters import native
from jacrs._adapters.common import Array, as_float, kept, moved, one_axis, operand, raveled
from jacrs._adapters.factorisations import inv, singular_values
from jacrs._adapters.reductions import max_, min_, sum_
from jacrs._adapters.registry import implements


@implements(np.linalg.norm)
def norm(x: Array, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Array:
    """Measure vectors or matrices; the derivative at zero is zero."""
    x = as_float(x)
    if axis is None:
        if ord is None or (ord == 2 and x.ndim == 1) or (ord in ("f", "fro") and x.ndim == 2):
            line = raveled(x)
            y = native.ufunc("sqrt", native.matmul(line, line))
            return native.reshape(y, (1,) * x.ndim) if keepdims else y
        axes: tuple[int, ...] = tuple(range(x.ndim))
    else:
        if not isinstance(axis, tuple):
            try:
                axis = (operator.index(axis),)
            except TypeError as error:
                raise TypeError("'axis' must be None, an integer or a tuple of integers") from error
        axes = tuple(one_axis(k, x.ndim) for k in axis)
    if len(axes) == 1:
        return vector_norm_of(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return matrix_norm_of(x, ord, axes, keepdims)
    raise ValueError("Improper number of dimensions to norm.")


def vector_norm_of(x: Array, order: Any, axis: Any, keepdims: Any) -> Array:
    """Measure the vectors along axes."""
    if order is None or order == 2:
        return native.ufunc("sqrt", sum_(native.ufunc("square", x), axis, keepdims=keepdims))
    if isinstance(order, str):
        raise ValueError(f"Invalid norm order '{order}' for vectors")
    if order == math.inf:
        return max_(native.ufunc("absolute", x), axis, keepdims=keepdims)
    if order == -math.inf:
        return min_(native.ufunc("absolute", x), axis, keepdims=keepdims)
    if order == 0:
        return sum_(native.cast(native.ufunc("not_equal", x, 0), x.dtype), axis, keepdims=keepdims)
    size = native.ufunc("absolute", x)
    if order == 1:
        return sum_(size, axis, keepdims=keepdims)
    total = sum_(native.ufunc("power", size, order), axis, keepdims=keepdims)
    return native.ufunc("power", total, 1 / order)


def matrix_norm_of(x: Array, order: Any, axes: tuple[int, ...], keepdims: Any) -> Array:
    """Measure the matrices in two axes."""
    rows, columns = axes
    if rows == columns:
        raise ValueError("Duplicate axes given.")
    if order in (None, "fro", "f"):
        return native.ufunc("sqrt", sum_(native.ufunc("square", x), axes, keepdims=keepdims))
    if order in (2, -2, "nuc"):
        s = singular_values(
            moved(moved(x, rows, x.ndim - 1), columns - (columns > rows), x.ndim - 1)
        )
        y = sum_(s, -1) if order == "nuc" else (max_ if order > 0 else min_)(s, -1)
        return native.reshape(y, kept(x.shape, axes)) if keepdims else y
    if order not in (1, -1, math.inf, -math.inf):
        raise ValueError("Invalid norm order for matrices.")
    along, over = (rows, columns) if order in (1, -1) else (columns, rows)
    totals = sum_(native.ufunc("absolute", x), along, keepdims=True)
    y = (max_ if order > 0 else min_)(totals, over, keepdims=True)
    if keepdims:
        return y
    return native.reshape(y, tuple(n for k, n in enumerate(x.shape) if k not in axes))


@implements(getattr(np.linalg, "vector_norm", None))
def vector_norm(
    x: Array,
    /,
    *,
    axis: Any = None,
    keepdims: Any = False,
    ord: Any = 2,
) -> Array:
    """Measure the vectors along axes."""
    x = as_float(x)
    if axis is None:
        y = vector_norm_of(raveled(x), ord, 0, keepdims=False)
        return native.reshape(y, (1,) * x.ndim) if keepdims else y
    if not isinstance(axis, tuple):
        return vector_norm_of(x, ord, axis, keepdims)
    axes = tuple(one_axis(k, x.ndim) for k in axis)
    y = vector_norm_of(x, ord, axes, keepdims=True)
    shape = kept(x.shape, axes) if keepdims else [n for k, n in enumerate(x.shape) if k not in axes]
    return native.reshape(y, tuple(shape))


@implements(getattr(np.linalg, "matrix_norm", None))
def matrix_norm(x: Array, /, *, keepdims: Any = False, ord: Any = "fro") -> Array:
    """Measure the matrices in the last two axes."""
    x = as_float(x)
    return matrix_norm_of(x, ord, (x.ndim - 2, x.ndim - 1), keepdims)


@implements(np.linalg.matrix_power)
def matrix_power(a: Array, n: Any) -> Array:
    """Multiply a matrix with itself."""
    x = operand(a)
    if x.ndim < 2:
        raise np.linalg.LinAlgError(
            f"{x.ndim}-dimensional array given. Array must be at least two-dimensional"
        )
    if x.shape[-1] != x.shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    n = operator.index(n)
    if n < 0:
        x, n = inv(x), -n
    if n == 0:
        identity = np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape)
        return native.lift(identity.copy(), writable=True)
    power = None
    while n:
        if n & 1:
            power = x if power is None else native.matmul(power, x)
        n >>= 1
        x = native.matmul(x, x) if n else x
    return power


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Array:
    """Multiply a chain of matrices in the cheapest order."""
    from jacrs._adapters.common import as_scalar, deliver

    chain = [operand(x) for x in arrays]
    if len(chain) < 2:
        raise ValueError("Expecting at least two arrays.")
    first, last = chain[0].ndim, chain[-1].ndim
    chain[0] = native.reshape(chain[0], (1, chain[0].size)) if first == 1 else chain[0]
    chain[-1] = native.reshape(chain[-1], (chain[-1].size, 1)) if last == 1 else chain[-1]
    for x in chain:
        if x.ndim != 2:
            raise np.linalg.LinAlgError(
                f"{x.ndim}-dimensional array given. Array must be two-dimensional"
            )
    y = _product(chain, cheapest_cuts([x.shape[0] for x in chain] + [chain[-1].shape[1]]))
    shape = y.shape[1 if first == 1 else 0 :]
    y = native.reshape(y, shape[:-1] if last == 1 else shape)
    return deliver(as_scalar(y), out, "multi_dot")


def cheapest_cuts(dims: list[int]) -> dict[tuple[int, int], int]:
    """Return after which matrix to cut each part of a chain (the matrix chain problem)."""
    count = len(dims) - 1
    cost = {(k, k): 0 for k in range(count)}
    cuts: dict[tuple[int, int], int] = {}
    for width in range(1, count):
        for i in range(count - width):
            j = i + width
            costs = [
                (cost[i, k] + cost[k + 1, j] + dims[i] * dims[k + 1] * dims[j + 1], k)
                for k in range(i, j)
            ]
            cost[i, j], cuts[i, j] = min(costs)
    return cuts


def _product(chain: list[Array], cuts: dict[tuple[int, int], int], start: int = 0) -> Array:
    if len(chain) == 1:
        return chain[0]
    cut = cuts[start, start + len(chain) - 1] - start + 1
    return native.matmul(
        _product(chain[:cut], cuts, start), _product(chain[cut:], cuts, start + cut)
    )
