"""Reductions over axes: sums, products, extrema, truth, and the places of extrema."""

# ruff: noqa: FBT002 (the signatures are NumPy's)

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jacrs._adapters import native
from jacrs._adapters.common import (
    INT,
    Array,
    as_float,
    as_mask,
    deliver,
    expanded,
    kept,
    length,
    one_axis,
    operand,
    raveled,
    some_axes,
    to_dtype,
)
from jacrs._adapters.registry import implements


def fold(kind: str, x: Array, axis: Any, keepdims: Any) -> Array:
    """Reduce over the axes that a NumPy argument names."""
    axes = some_axes(axis, x.ndim)
    y = native.reduce(kind, x, axes)
    return native.reshape(y, kept(x.shape, axes)) if keepdims else y


def wide(x: Array, dtype: Any, out: Any = None) -> Array:
    """Return `x` in the dtype in which NumPy adds and multiplies it."""
    if dtype is not None:
        return to_dtype(x, dtype)
    if out is not None:
        return to_dtype(x, (out[0] if isinstance(out, tuple) else out).dtype)
    own = x.dtype
    if own.kind == "b" or (own.kind == "i" and own.itemsize < INT.itemsize):
        return native.cast(x, INT)
    return x


def masked(x: Array, where: Any, fill: Any) -> Array:
    """Return `x` with `fill` where the `where=` of a reduction is false."""
    return x if where is True else native.where(as_mask(where), x, fill)


@implements(np.sum, method="sum")
def sum_(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Array:
    """Add the elements along axes."""
    x = masked(wide(operand(a), dtype, out), where, 0)
    y = fold("sum", x, axis, keepdims)
    if initial is not None:
        y = y + initial
    return y if out is None else deliver(y, out, "sum")


@implements(np.prod, method="prod")
def prod(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Array:
    """Multiply the elements along axes."""
    x = masked(wide(operand(a), dtype, out), where, 1)
    y = fold("prod", x, axis, keepdims)
    if initial is not None:
        y = y * initial
    return y if out is None else deliver(y, out, "prod")


def lowest(dtype: np.dtype[Any], kind: str) -> Any:
    """Return the value that no extremum of this kind prefers."""
    if dtype.kind == "f":
        return -math.inf if kind == "max" else math.inf
    if dtype.kind == "b":
        return kind != "max"
    return np.iinfo(dtype).min if kind == "max" else np.iinfo(dtype).max


def extremum(
    kind: str, a: Array, axis: Any, out: Any, keepdims: Any, initial: Any, where: Any
) -> Array:
    """Take the largest ("max") or smallest ("min") element along axes."""
    x = operand(a)
    full = f"{kind}imum"
    axes = some_axes(axis, x.ndim)
    if where is not True:
        if initial is None:
            raise ValueError(
                f"reduction operation '{full}' does not have an identity, so to use a where "
                "mask one has to specify 'initial'"
            )
        x = masked(x, where, lowest(x.dtype, kind))
    if x.size == 0 and length(x.shape, axes) == 0:
        if initial is None:
            raise ValueError(f"zero-size array to reduction operation {full} which has no identity")
        shape = tuple(1 if k in axes and keepdims else n for k, n in enumerate(x.shape))
        shape = shape if keepdims else tuple(n for k, n in enumerate(shape) if k not in axes)
        y = native.cast(native.broadcast(operand(initial), shape), x.dtype)
        return deliver(y, out, kind)
    y = fold(kind, x, axis, keepdims)
    if initial is not None:
        y = native.ufunc(full, y, initial)
    return y if out is None else deliver(y, out, kind)


@implements(np.max, np.amax, method="max")
def max_(
    a: Array,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Array:
    """Take the largest element along axes; ties share the derivative evenly."""
    return extremum("max", a, axis, out, keepdims, initial, where)


@implements(np.min, np.amin, method="min")
def min_(
    a: Array,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Array:
    """Take the smallest element along axes; ties share the derivative evenly."""
    return extremum("min", a, axis, out, keepdims, initial, where)


@implements(np.ptp)
def ptp(a: Array, axis: Any = None, out: Any = None, keepdims: Any = False) -> Array:
    """Subtract the smallest from the largest element along axes."""
    x = operand(a)
    y = max_(x, axis, keepdims=keepdims) - min_(x, axis, keepdims=keepdims)
    return deliver(y, out, "ptp")


@implements(np.any, method="any")
def any_(
    a: Array, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Array:
    """Tell whether any element along axes is true."""
    return deliver(fold("sum", masked(as_mask(a), where, fill=False), axis, keepdims), out, "any")


@implements(np.all, method="all")
def all_(
    a: Array, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Array:
    """Tell whether all elements along axes are true."""
    return deliver(fold("prod", masked(as_mask(a), where, fill=True), axis, keepdims), out, "all")


@implements(np.count_nonzero)
def count_nonzero(a: Array, axis: Any = None, *, keepdims: Any = False) -> Array:
    """Count the elements that are not zero."""
    return fold("sum", native.cast(as_mask(a), INT), axis, keepdims)


def argpick(kind: str, a: Array, axis: Any, out: Any, keepdims: Any) -> Array:
    """Find the first extremum along an axis, or in the raveled array."""
    x = operand(a)
    shape = x.shape
    if axis is None:
        x, at, whole = raveled(x), 0, (1,) * len(shape)
    else:
        at = one_axis(axis, len(shape))
        whole = kept(shape, (at,))
    if x.shape[at] == 0:
        raise ValueError(f"attempt to get arg{kind} of an empty sequence")
    y = native.argpick(kind, x, at)
    return deliver(native.reshape(y, whole) if keepdims else y, out, f"arg{kind}")


@implements(np.argmax, method="argmax")
def argmax(a: Array, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Array:
    """Find the first largest element."""
    return argpick("max", a, axis, out, keepdims)


@implements(np.argmin, method="argmin")
def argmin(a: Array, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Array:
    """Find the first smallest element."""
    return argpick("min", a, axis, out, keepdims)


def counted(x: Array, axes: tuple[int, ...], where: Any, keepdims: Any) -> Any:
    """Return how many elements a reduction sees: a number, or an array of floats."""
    if where is True:
        return length(x.shape, axes)
    mask = native.cast(native.broadcast(as_mask(where), x.shape), x.dtype)
    return fold("sum", mask, axes, keepdims)


@implements(np.mean, method="mean")
def mean(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = True,
) -> Array:
    """Average the elements along axes."""
    x = to_dtype(operand(a), dtype) if dtype is not None else as_float(a)
    axes = some_axes(axis, x.ndim)
    total = native.reduce("sum", masked(x, where, 0), axes)
    if keepdims:
        total = native.reshape(total, kept(x.shape, axes))
    y = total / counted(x, axes, where, keepdims)
    return y if out is None else deliver(y, out, "mean")


@implements(np.var, method="var")
def var(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Array:
    """Average the squared distances to the mean along axes."""
    x = to_dtype(operand(a), dtype) if dtype is not None else as_float(a)
    axes = some_axes(axis, x.ndim)
    if correction is not None:
        if ddof != 0:
            raise ValueError("ddof and correction can't be provided simultaneously.")
        ddof = correction
    center = _mean(x, axes, where=where, keepdims=True) if mean is None else mean
    squares = native.ufunc("square", x - center)
    total = fold("sum", masked(squares, where, 0), axes, keepdims)
    count = counted(x, axes, where, keepdims)
    count = count - ddof
    freedom = max(count, 0) if where is True else native.ufunc("maximum", count, 0)
    return deliver(total / freedom, out, "var")


_mean = mean


@implements(np.std, method="std")
def std(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Array:
    """Take the square root of the variance along axes."""
    y = var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction)
    return deliver(native.ufunc("sqrt", y), out, "std")


@implements(np.average)
def average(
    a: Array,
    axis: Any = None,
    weights: Any = None,
    returned: Any = False,
    *,
    keepdims: Any = False,
) -> Any:
    """Average with weights along axes."""
    x = as_float(a)
    axes = some_axes(axis, x.ndim)
    if weights is None:
        y = mean(x, axes, keepdims=keepdims)
        scale: Any = np.full(y.shape, length(x.shape, axes), y.dtype)
    else:
        w = _weights(x, axis, as_float(weights))
        scale = fold("sum", w, axes, keepdims)
        y = fold("sum", x * w, axes, keepdims) / scale
    return (y, native.broadcast(scale, y.shape)) if returned else y


def _weights(x: Array, axis: Any, w: Array) -> Array:
    if x.shape == w.shape:
        return w
    if axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    axes = [one_axis(k, x.ndim) for k in (axis if isinstance(axis, tuple) else (axis,))]
    if w.shape != tuple(x.shape[k] for k in axes):
        raise ValueError(
            "Shape of weights must be consistent with shape of a along specified axis."
        )
    order = sorted(range(len(axes)), key=axes.__getitem__)
    w = native.transpose(w, tuple(order))
    for k in range(x.ndim):
        if k not in axes:
            w = expanded(w, k)
    return native.broadcast(w, x.shape)


def has_nan(x: Array) -> bool:
    """Tell whether elements of `x` can be NaN."""
    return bool(x.dtype.kind == "f")


def truth(x: Array) -> bool:
    """Ask for the value of a boolean scalar."""
    return bool(x)
