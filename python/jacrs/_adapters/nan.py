"""Reductions that pass over NaN."""

# ruff: noqa: FBT002 (the signatures are NumPy's)

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jacrs._adapters import native
from jacrs._adapters.common import Array, as_mask, deliver, operand, raveled, some_axes
from jacrs._adapters.reductions import (
    all_,
    argpick,
    fold,
    has_nan,
    max_,
    mean,
    min_,
    prod,
    std,
    sum_,
    truth,
    var,
)
from jacrs._adapters.registry import implements
from jacrs._adapters.scans import cumprod, cumsum


def filled(x: Array, fill: Any) -> Array:
    """Return `x` with `fill` for NaN."""
    return native.where(native.ufunc("isnan", x), fill, x) if has_nan(x) else x


def present(x: Array, where: Any) -> Any:
    """Return the mask of the elements that count."""
    mask = native.ufunc("logical_not", native.ufunc("isnan", x))
    return mask if where is True else native.ufunc("logical_and", mask, as_mask(where))


@implements(np.nansum)
def nansum(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Array:
    """Add the elements that are not NaN."""
    return sum_(filled(operand(a), 0), axis, dtype, out, keepdims, initial, where)


@implements(np.nanprod)
def nanprod(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Array:
    """Multiply the elements that are not NaN."""
    return prod(filled(operand(a), 1), axis, dtype, out, keepdims, initial, where)


@implements(np.nancumsum)
def nancumsum(a: Array, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """Add up along an axis, NaN as zero."""
    return cumsum(filled(operand(a), 0), axis, dtype, out)


@implements(np.nancumprod)
def nancumprod(a: Array, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """Multiply up along an axis, NaN as one."""
    return cumprod(filled(operand(a), 1), axis, dtype, out)


def nan_extremum(
    kind: str, a: Array, axis: Any, out: Any, keepdims: Any, initial: Any, where: Any
) -> Array:
    """Take the extremum of what is not NaN; NaN where nothing is left."""
    x = operand(a)
    pick = max_ if kind == "max" else min_
    if not has_nan(x):
        return pick(x, axis, out, keepdims, initial, where)
    y = pick(
        filled(x, -math.inf if kind == "max" else math.inf), axis, None, keepdims, initial, where
    )
    if initial is None:
        y = native.where(all_(native.ufunc("isnan", x), axis, keepdims=keepdims), math.nan, y)
    return deliver(y, out, f"nan{kind}")


@implements(np.nanmax)
def nanmax(
    a: Array,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Array:
    """Take the largest element that is not NaN."""
    return nan_extremum("max", a, axis, out, keepdims, initial, where)


@implements(np.nanmin)
def nanmin(
    a: Array,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Array:
    """Take the smallest element that is not NaN."""
    return nan_extremum("min", a, axis, out, keepdims, initial, where)


def nan_argpick(kind: str, a: Array, axis: Any, out: Any, keepdims: Any) -> Array:
    """Find the extremum among what is not NaN; asks whether a slice has nothing else."""
    x = operand(a)
    if has_nan(x):
        if truth(fold("sum", all_(native.ufunc("isnan", x), axis), None, keepdims=False)):
            raise ValueError("All-NaN slice encountered")
        x = filled(x, -math.inf if kind == "max" else math.inf)
    return argpick(kind, x, axis, out, keepdims)


@implements(np.nanargmax)
def nanargmax(a: Array, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Array:
    """Find the first largest element that is not NaN."""
    return nan_argpick("max", a, axis, out, keepdims)


@implements(np.nanargmin)
def nanargmin(a: Array, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Array:
    """Find the first smallest element that is not NaN."""
    return nan_argpick("min", a, axis, out, keepdims)


@implements(np.nanmean)
def nanmean(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = True,
) -> Array:
    """Average the elements that are not NaN."""
    x = operand(a)
    if not has_nan(x):
        return mean(x, axis, dtype, out, keepdims, where=where)
    return mean(filled(x, 0), axis, dtype, out, keepdims, where=present(x, where))


@implements(np.nanvar)
def nanvar(
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
    """Average the squared distances to the mean of what is not NaN."""
    x = operand(a)
    more = {"mean": mean, "correction": correction}
    if not has_nan(x):
        return var(x, axis, dtype, out, ddof, keepdims, where=where, **more)
    seen = present(x, where)
    y = var(filled(x, 0), axis, dtype, None, ddof, keepdims, where=seen, **more)
    freedom = fold("sum", native.cast(seen, y.dtype), axis, keepdims) - (correction or ddof)
    return deliver(native.where(freedom <= 0, math.nan, y), out, "nanvar")


@implements(np.nanstd)
def nanstd(
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
    """Take the square root of the variance of what is not NaN."""
    more = {"mean": mean, "correction": correction}
    if not has_nan(operand(a)):
        return std(a, axis, dtype, out, ddof, keepdims, where=where, **more)
    y = nanvar(a, axis, dtype, None, ddof, keepdims, where=where, **more)
    return deliver(native.ufunc("sqrt", y), out, "nanstd")


def ravel_axes(x: Array, axis: Any) -> tuple[Array, tuple[int, ...]]:
    """Return `x` with the axes merged into a last one, and those axes."""
    axes = some_axes(axis, x.ndim)
    rest = tuple(k for k in range(x.ndim) if k not in axes)
    if not rest:
        return raveled(x), axes
    if axes != tuple(range(len(rest), x.ndim)):
        x = native.transpose(x, rest + axes)
    if len(axes) == 1:
        return x, axes
    shape = x.shape
    merged = math.prod(shape[len(rest) :])
    return native.reshape(x, (*shape[: len(rest)], merged)), axes
