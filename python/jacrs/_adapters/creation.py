"""New arrays: like another one, and by `like=`."""

# ruff: noqa: A002, ARG001, FBT002 (the signatures are NumPy's)

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs._adapters import native
from jacrs._adapters.common import (
    BOOL,
    FLOAT,
    INT,
    Array,
    as_float,
    holds_tracer,
    moved,
    one_axis,
    operand,
    to_dtype,
)
from jacrs._adapters.registry import implements

if TYPE_CHECKING:
    from collections.abc import Callable

_RECORDED = frozenset({BOOL, INT, FLOAT, np.dtype(np.float32)})


def buffer(array: np.ndarray[Any, Any]) -> Array:
    """Return a new array as one that recorded values can be written to, if its dtype allows."""
    return native.lift(array, writable=True) if array.dtype in _RECORDED else array


def _model(prototype: Array) -> Any:
    """Return an array that lies in memory as `prototype` does; its elements mean nothing."""
    x = operand(prototype)
    order = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    packed = np.empty(tuple(x.shape[axis] for axis in order), x.dtype)
    return packed.transpose([order.index(axis) for axis in range(x.ndim)])


@implements(np.zeros_like, np.empty_like)
def zeros_like(
    a: Array,
    dtype: Any = None,
    order: Any = "K",
    subok: Any = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Array:
    """Return zeros, of the shape and dtype of an array."""
    return buffer(np.zeros_like(_model(a), dtype, order, shape=shape))


@implements(np.ones_like)
def ones_like(
    a: Array,
    dtype: Any = None,
    order: Any = "K",
    subok: Any = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Array:
    """Return ones, of the shape and dtype of an array."""
    return buffer(np.ones_like(_model(a), dtype, order, shape=shape))


@implements(np.full_like)
def full_like(
    a: Array,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: Any = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Array:
    """Return one value everywhere, of the shape and dtype of an array."""
    y = zeros_like(a, dtype, order, shape=shape)
    y[...] = fill_value
    return y


def filled(shape: Any, value: Any, dtype: Any) -> Array:
    """Return an array of its own with one value everywhere."""
    if not holds_tracer(value):
        return buffer(np.full(shape, value, dtype))
    value = operand(value)
    y = native.lift(np.zeros(shape, value.dtype if dtype is None else dtype), writable=True)
    y[...] = value
    return y


@implements(np.full)
def full(
    shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", *, device: Any = None
) -> Array:
    """Return one value everywhere (by `like=`)."""
    return filled(shape, fill_value, dtype)


def _enter_constructor(function: Callable[..., Any]) -> None:
    def adapter(*args: Any, **keywords: Any) -> Array:
        return buffer(function(*args, **keywords))

    adapter.__name__ = function.__name__
    adapter.__doc__ = (
        f"Return what `np.{function.__name__}` does, ready to be written to (by `like=`)."
    )
    implements(function)(adapter)


for _function in (
    np.arange,
    np.empty,
    np.eye,
    np.frombuffer,
    np.fromfile,
    np.fromiter,
    np.fromstring,
    np.genfromtxt,
    np.identity,
    np.loadtxt,
    np.ones,
    np.tri,
    np.zeros,
):
    _enter_constructor(_function)


@implements(np.fromfunction)
def fromfunction(function: Any, shape: Any, *, dtype: Any = float, **kwargs: Any) -> Any:
    """Call a function with the indices of a grid (by `like=`)."""
    return function(*np.indices(shape, dtype=dtype), **kwargs)


@implements(np.array)
def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: Any = True,
    order: Any = "K",
    subok: Any = False,
    ndmin: Any = 0,
    **keywords: Any,
) -> Array:
    """Return an array of its own (by `like=`)."""
    x = operand(object)
    if not isinstance(x, native.Tracer):
        return buffer(np.array(x, dtype, ndmin=ndmin))
    y = to_dtype(x, dtype)
    if copy and y is x:
        y = x.copy()
    shape = tuple(y.shape)
    return native.reshape(y, (1,) * (ndmin - len(shape)) + shape) if ndmin > len(shape) else y


@implements(np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray)
def asarray(
    a: Any,
    dtype: Any = None,
    order: Any = None,
    *,
    device: Any = None,
    copy: Any = None,
) -> Array:
    """Return an array, the argument itself where it is one (by `like=`)."""
    return array(a, dtype, copy=bool(copy), order=order)


@implements(np.require)
def require(a: Any, dtype: Any = None, requirements: Any = None) -> Array:
    """Return an array, the argument itself where it is one (by `like=`)."""
    return array(a, dtype, copy=False)


@implements(np.copy)
def copy_(a: Array, order: Any = "K", subok: Any = False) -> Array:
    """Return an array of its own with the same elements."""
    return operand(a).copy(order)


@implements(method="astype")
def astype(
    x: Array,
    dtype: Any,
    order: Any = "K",
    casting: Any = "unsafe",
    subok: Any = True,
    copy: Any = True,
) -> Array:
    """Return the elements in another dtype."""
    if not np.can_cast(x.dtype, dtype, casting):
        raise TypeError(
            f"Cannot cast array data from {x.dtype!r} to {np.dtype(dtype)!r} "
            f"according to the rule {casting!r}"
        )
    if x.dtype == dtype:
        return x.copy() if copy else x
    return native.cast(x, np.dtype(dtype))


@implements(getattr(np, "astype", None))
def astype_function(x: Array, dtype: Any, /, *, copy: Any = True, device: Any = None) -> Array:
    """Return the elements in another dtype."""
    return astype(x, dtype, copy=copy)


def _steps(num: Any, endpoint: Any) -> tuple[int, int]:
    """Return the number of points and of steps between the ends."""
    num = operator.index(num)
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    return num, num - 1 if endpoint else num


def _end(x: Array) -> Array:
    """Return an end as floats; Python numbers take the dtype of the other end."""
    return x if type(x) in (int, float) else as_float(x)


@implements(np.linspace)
def linspace(
    start: Array,
    stop: Array,
    num: Any = 50,
    endpoint: Any = True,
    retstep: Any = False,
    dtype: Any = None,
    axis: Any = 0,
    *,
    device: Any = None,
) -> Any:
    """Return evenly spaced points between two ends."""
    num, gaps = _steps(num, endpoint)
    low, high = _end(start), _end(stop)
    width = native.ufunc("subtract", high, low)
    step = width / gaps if gaps > 0 else width * np.nan
    count = np.arange(num, dtype=width.dtype).reshape((num,) + (1,) * width.ndim)
    y = native.ufunc("add", native.ufunc("multiply", count, step if gaps > 0 else width), low)
    if endpoint and num > 1:
        y = native.where(count == num - 1, high, y)
    if dtype is not None:
        integers = np.dtype(dtype).kind in "iu"
        y = native.cast(native.ufunc("floor", y) if integers else y, np.dtype(dtype))
    y = moved(y, 0, one_axis(axis, y.ndim))
    return (y, step) if retstep else y


@implements(np.logspace)
def logspace(
    start: Array,
    stop: Array,
    num: Any = 50,
    endpoint: Any = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: Any = 0,
) -> Array:
    """Return the powers of a base with evenly spaced exponents."""
    if np.ndim(base) > 0:
        ends = [operand(v) for v in (start, stop)]
        ndim = max(np.ndim(base), *(v.ndim for v in ends))
        base = native.reshape(base, (1,) * (ndim + 1 - np.ndim(base)) + tuple(np.shape(base)))
    power = linspace(start, stop, num, endpoint)
    y = native.ufunc("power", base, power)
    y = moved(y, 0, one_axis(axis, y.ndim))
    return to_dtype(y, dtype)


@implements(np.geomspace)
def geomspace(
    start: Array, stop: Array, num: Any = 50, endpoint: Any = True, dtype: Any = None, axis: Any = 0
) -> Array:
    """Return points between two ends with a constant ratio."""
    num, gaps = _steps(num, endpoint)
    # NumPy computes these in float64, whatever the ends are.
    low, high = native.cast(start, FLOAT), native.cast(stop, FLOAT)
    ratio = native.ufunc("divide", high, low)
    part = np.arange(num, dtype=ratio.dtype) / max(gaps, 1)
    part = part.reshape((num,) + (1,) * ratio.ndim)
    y = native.ufunc("multiply", low, native.ufunc("power", ratio, part))
    if endpoint and num > 1:
        y = native.where(part == 1, high, y)
    y = moved(y, 0, one_axis(axis, y.ndim))
    return to_dtype(y, dtype)
