"""Functions that write to one of their arguments."""

# ruff: noqa: FBT002 (the signatures are NumPy's)

from __future__ import annotations

from typing import Any

import numpy as np

from jacrs._adapters import native
from jacrs._adapters.common import (
    INT,
    Array,
    as_mask,
    operand,
    raveled,
    require_tracer,
    to_dtype,
)
from jacrs._adapters.indexing import in_bounds, unraveled
from jacrs._adapters.reductions import any_, truth
from jacrs._adapters.registry import METHODS, implements
from jacrs._adapters.scans import cumsum
from jacrs._adapters.shapes import resize


@implements(np.copyto)
def copyto(dst: Array, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """Write one array to another."""
    require_tracer(dst, "copyto", "dst")
    x = operand(src)
    weak = type(src) in (int, float, bool)
    if not (weak or np.can_cast(x.dtype, dst.dtype, casting)):
        raise TypeError(
            f"Cannot cast array data from {x.dtype!r} to {dst.dtype!r} "
            f"according to the rule '{casting}'"
        )
    dst[...] = x if where is True else native.where(as_mask(where), to_dtype(x, dst.dtype), dst)


@implements(np.putmask)
def putmask(a: Array, /, mask: Array, values: Array) -> None:
    """Write where a mask holds the values of the same places, repeated as often as needed."""
    require_tracer(a, "putmask", "a")
    mask, v = as_mask(mask), operand(values)
    if mask.shape != a.shape:
        raise ValueError("putmask: mask and data must be the same size")
    if v.size == 0:
        return
    if v.shape != a.shape:
        v = resize(v, a.shape)
    a[...] = native.where(mask, to_dtype(v, a.dtype), a)


@implements(np.place)
def place(arr: Array, mask: Array, vals: Array) -> None:
    """Write where a mask holds, the next value at each place."""
    require_tracer(arr, "place", "arr")
    mask, v = as_mask(mask), raveled(operand(vals))
    if mask.size != arr.size:
        raise ValueError("place: mask and data must be the same size")
    if v.size == 0:
        if truth(any_(mask)):
            raise ValueError("Cannot insert from an empty array!")
        return
    turn = native.ufunc("remainder", cumsum(raveled(mask)) - 1, v.size)
    chosen = native.reshape(native.gather(v, turn), arr.shape)
    arr[...] = native.where(native.reshape(mask, arr.shape), to_dtype(chosen, arr.dtype), arr)


@implements(np.put, method="put")
def put(a: Array, ind: Array, v: Array, mode: str = "raise") -> None:
    """Write at flat places, the values repeated as often as needed."""
    require_tracer(a, "put", "a")
    places, values = raveled(operand(ind)), raveled(operand(v))
    if places.size == 0 or values.size == 0:
        return
    places = in_bounds(places, a.size, mode)
    if isinstance(places, np.ndarray):
        if places.min() < -a.size or places.max() >= a.size:
            raise IndexError(f"index {places.max()} is out of bounds for axis 0 with size {a.size}")
        index: Any = np.unravel_index(places % a.size, a.shape)
    else:
        index = unraveled(places, a.shape)
    a[index] = values if values.size == places.size else resize(values, places.size)


@implements(np.fill_diagonal)
def fill_diagonal(a: Array, val: Array, wrap: Any = False) -> None:
    """Write to the main diagonal."""
    require_tracer(a, "fill_diagonal", "a")
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    if a.ndim > 2 and len(set(a.shape)) != 1:
        raise ValueError("All dimensions of input must be of equal length")
    if a.ndim == 2:
        rows, columns = a.shape
        end = rows * columns if wrap else min(rows, columns) * columns
        flat = np.arange(0, min(end, rows * columns), columns + 1)
    else:
        n = a.shape[0]
        flat = np.arange(0, a.size, 1 + sum(n**k for k in range(1, a.ndim)))
    values = operand(val)
    index = np.unravel_index(flat, a.shape)
    if values.ndim == 0:
        a[index] = values
    else:
        a[index] = resize(raveled(values), flat.size)


def fill(x: Array, value: Any) -> None:
    """Write one value everywhere."""
    x[...] = value


METHODS["fill"] = fill


def places_of(x: Array, index: Any) -> Array:
    """Return the flat places that an index names."""
    numbers = np.arange(x.size, dtype=INT).reshape(x.shape)
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, native.Tracer) for part in parts):
        return native.lift(numbers, writable=False)[index]
    return np.asarray(numbers[index])
