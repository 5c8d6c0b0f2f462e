"""Choosing elements: by place, by mask, by condition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jacrs._adapters import native
from jacrs._adapters.common import (
    BOOL,
    INT,
    Array,
    along,
    as_array,
    as_mask,
    broadcast_together,
    deliver,
    one_axis,
    operand,
    raveled,
    require_tracer,
    to_dtype,
)
from jacrs._adapters.registry import implements


@implements(np.where)
def where(condition: Array, x: Any = None, y: Any = None, /) -> Any:
    """Choose between two arrays element by element."""
    if x is None and y is None:
        return nonzero(condition)
    if x is None or y is None:
        raise ValueError("either both or neither of x and y should be given")
    return as_array(native.where(as_mask(condition), _plain(x), _plain(y)))


def _plain(x: Any) -> Any:
    """Return Python numbers as they are, for they take the dtype of the other operand."""
    return x if type(x) in (int, float, bool) else operand(x)


@implements(np.nonzero, method="nonzero")
def nonzero(a: Array) -> tuple[Array, ...]:
    """Find the places of the elements that are not zero."""
    x = operand(a)
    if x.ndim == 0:
        raise ValueError(
            "Calling nonzero on 0d arrays is not allowed. "
            "Use np.atleast_1d(scalar).nonzero() instead."
        )
    flat = native.nonzero_flat(raveled(as_mask(x)))
    return (flat,) if x.ndim == 1 else unraveled(flat, x.shape)


def unraveled(flat: Array, shape: tuple[int, ...]) -> tuple[Array, ...]:
    """Return flat places as one index for each axis."""
    places = []
    for n in reversed(shape):
        places.append(native.ufunc("remainder", flat, n))
        flat = native.ufunc("floor_divide", flat, n)
    return tuple(reversed(places))


@implements(np.flatnonzero)
def flatnonzero(a: Array) -> Array:
    """Find the places of the elements that are not zero in the raveled array."""
    return native.nonzero_flat(raveled(as_mask(a)))


@implements(np.argwhere)
def argwhere(a: Array) -> Array:
    """Find the places of the elements that are not zero, one in a row."""
    x = operand(a)
    if x.ndim == 0:
        found = native.nonzero_flat(raveled(as_mask(x)))
        return native.lift(np.zeros((found.size, 0), INT), writable=False)
    places = nonzero(x)
    return native.concat([native.reshape(p, (p.size, 1)) for p in places], 1)


@implements(np.unravel_index)
def unravel_index(indices: Array, shape: Any, order: str = "C") -> tuple[Array, ...]:
    """Turn flat places into one index for each axis."""
    dims = tuple(shape) if np.ndim(shape) else (shape,)
    flat = operand(indices)
    return unraveled(flat, dims) if order == "C" else unraveled(flat, dims[::-1])[::-1]


@implements(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Array:
    """Turn an index for each axis into flat places."""
    modes = (mode,) * len(dims) if isinstance(mode, str) else mode
    flat: Any = 0
    pairs = list(zip(multi_index, dims, modes, strict=True))
    for index, n, how in pairs if order == "C" else pairs[::-1]:
        flat = flat * n + in_bounds(operand(index), n, how)
    return flat


def in_bounds(index: Array, n: int, mode: str) -> Array:
    """Return the places with what lies outside wrapped or clipped."""
    if mode == "wrap":
        return native.ufunc("remainder", index, n)
    if mode == "clip":
        return native.ufunc("minimum", native.ufunc("maximum", index, 0), n - 1)
    if mode == "raise":
        return index
    raise ValueError(f"clipmode must be one of 'clip', 'raise', or 'wrap' (got '{mode}')")


@implements(np.take, method="take")
def take(a: Array, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Array:
    """Take slices along an axis."""
    x, index = operand(a), operand(indices)
    if index.dtype.kind != "i":
        if index.dtype.kind not in "bu" and index.size:
            raise TypeError(
                f"Cannot cast array data from {index.dtype!r} to {INT!r} "
                "according to the rule 'safe'"
            )
        index = native.cast(index, INT) if isinstance(index, native.Tracer) else index.astype(INT)
    x, at = (raveled(x), 0) if axis is None else (x, one_axis(axis, x.ndim))
    if mode != "raise":
        index = in_bounds(index, x.shape[at], mode)
    if index.ndim == 0 and not isinstance(index, native.Tracer):
        y = x[along(at, int(index))].copy()
    else:
        y = native.gather(x, index) if at == 0 else x[along(at, index)]
        y = y if index.ndim else y.copy()
    return deliver(y, out, "take")


def flat_places(shape: tuple[int, ...], index: Array, axis: int) -> Array:
    """Return the flat places in C order of an index along an axis for every other place."""
    steps = [math.prod(shape[k + 1 :]) for k in range(len(shape))]
    places = index if steps[axis] == 1 else index * steps[axis]
    lines = np.ogrid[tuple(slice(0, n) for n in shape)]
    others = [k for k, n in enumerate(shape) if k != axis and n != 1]
    if not others:
        return places
    offsets: Any = lines[others[0]] * steps[others[0]]
    for k in others[1:]:
        offsets = offsets + lines[k] * steps[k]
    return places + offsets


@implements(np.take_along_axis)
def take_along_axis(arr: Array, indices: Array, axis: Any = -1) -> Array:
    """Take elements along an axis by an index for every place of the others."""
    x, index = operand(arr), operand(indices)
    if index.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    if axis is None:
        if index.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        return native.gather(raveled(x), index)
    if x.ndim != index.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    return x[_grid(x.shape, index, one_axis(axis, x.ndim))]


def along_axis(x: Array, index: Array, axis: int) -> Array:
    """Take elements along `axis` by an index of as many axes as `x`, none of it negative."""
    if x.ndim == 1:
        return native.gather(x, index)
    return native.gather(raveled(x), flat_places(x.shape, index, axis))


@implements(np.put_along_axis)
def put_along_axis(arr: Array, indices: Array, values: Array, axis: Any = -1) -> None:
    """Write elements along an axis by an index for every place of the others."""
    require_tracer(arr, "put_along_axis", "arr")
    index = operand(indices)
    if axis is None:
        arr[np.unravel_index(index, arr.shape)] = values
        return
    if arr.ndim != index.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    arr[_grid(arr.shape, index, one_axis(axis, arr.ndim))] = values


def _grid(shape: tuple[int, ...], index: Array, axis: int) -> tuple[Array, ...]:
    """Return the index of every place, `index` along one axis."""
    places: list[Any] = list(np.ogrid[tuple(slice(0, n) for n in shape)])
    if len(shape) == 1:
        places = [np.arange(shape[0])]
    places[axis] = index
    return tuple(places)


@implements(np.choose, method="choose")
def choose(a: Array, choices: Any, out: Any = None, mode: str = "raise") -> Array:
    """Choose among arrays by number, element by element."""
    operands = [operand(c) for c in choices]
    index = in_bounds(operand(a), len(operands), mode)
    if (
        isinstance(index, np.ndarray)
        and index.size
        and (index.min() < 0 or index.max() >= len(operands))
    ):
        raise ValueError("invalid entry in choice array")
    index, *operands = broadcast_together(index, *operands)
    y = operands[-1]
    for k in range(len(operands) - 2, -1, -1):
        y = native.where(index == k, operands[k], y)
    return deliver(y.copy() if len(operands) == 1 else y, out, "choose")


@implements(np.compress)
def compress(condition: Array, a: Array, axis: Any = None, out: Any = None) -> Array:
    """Take the slices along an axis where a condition holds."""
    mask = as_mask(condition)
    if mask.ndim != 1:
        raise ValueError("condition must be a 1-d array")
    return take(a, flatnonzero(mask), axis, out)


def compress_method(x: Array, condition: Array, axis: Any = None, out: Any = None) -> Array:
    """Take the slices along an axis where a condition holds."""
    return compress(condition, x, axis, out)


implements(method="compress")(compress_method)


@implements(np.extract)
def extract(condition: Array, arr: Array) -> Array:
    """Take the elements where a condition holds."""
    return native.gather(raveled(operand(arr)), flatnonzero(condition))


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Array:
    """Choose by the first condition that holds."""
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if len(condlist) == 0:
        raise ValueError("select with an empty condition list is not possible")
    conditions = [operand(c) for c in condlist]
    for k, condition in enumerate(conditions):
        if condition.dtype != BOOL:
            raise TypeError(f"invalid entry {k} in condlist: should be boolean ndarray")
    choices = [_plain(c) for c in choicelist]
    default = _plain(default)
    dtype = np.result_type(
        *(c if isinstance(c, (int, float)) else c.dtype for c in (*choices, default))
    )
    y = to_dtype(operand(default), dtype)
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        y = native.where(condition, to_dtype(operand(choice), dtype), y)
    return as_array(y)


@implements(np.piecewise)
def piecewise(x: Array, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Array:
    """Apply a function of its own to the elements of each condition."""
    x = operand(x)
    count = len(funclist)
    if np.isscalar(condlist) or (np.ndim(condlist[0]) == 0 and x.ndim != 0):
        condlist = [condlist]
    masks = [native.broadcast(as_mask(c), x.shape) for c in condlist]
    if count == len(masks) + 1:
        some = masks[0]
        for mask in masks[1:]:
            some = native.ufunc("logical_or", some, mask)
        masks.append(native.ufunc("logical_not", some))
    elif count != len(masks):
        raise ValueError(
            f"with {len(masks)} condition(s), either {len(masks)} or {len(masks) + 1} "
            "functions are expected"
        )
    y = native.lift(np.zeros(x.shape, x.dtype), writable=True)
    for mask, function in zip(masks, funclist, strict=True):
        if not callable(function):
            y[mask] = function
            continue
        # As in NumPy the function sees its own elements alone: it may not be defined elsewhere.
        values = x[mask]
        if values.size > 0:
            y[mask] = function(values, *args, **kw)
    return y


@implements(np.ix_)
def ix_(*args: Array) -> tuple[Array, ...]:
    """Lay indices along the axes of a grid."""
    grids = []
    for k, index in enumerate(args):
        x = operand(index)
        if x.ndim != 1:
            raise ValueError("Cross index must be 1 dimensional")
        x = flatnonzero(x) if x.dtype == BOOL else x
        grids.append(native.reshape(x, tuple(x.size if j == k else 1 for j in range(len(args)))))
    return tuple(grids)
