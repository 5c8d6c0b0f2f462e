"""Joining, splitting, repeating and taking out."""

from __future__ import annotations

import operator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs._adapters import native
from jacrs._adapters.common import (
    Array,
    along,
    deliver,
    expanded,
    moved,
    numpy_error,
    one_axis,
    operand,
    raveled,
    to_dtype,
)
from jacrs._adapters.registry import implements
from jacrs._adapters.shapes import at_least, at_least_3d

if TYPE_CHECKING:
    from collections.abc import Sequence


def joined(arrays: list[Array], axis: Any, dtype: Any, casting: str) -> Array:
    """Put arrays one after the other along an axis."""
    if axis is None:
        arrays, at = [raveled(x) for x in arrays], 0
    else:
        first = arrays[0].shape if arrays else ()
        if not first:
            raise numpy_error(np.concatenate, arrays, axis)
        at = one_axis(axis, len(first))
        rest = (first[:at], first[at + 1 :])
        for x in arrays:
            shape = x.shape
            if len(shape) != len(first) or (shape[:at], shape[at + 1 :]) != rest:
                raise numpy_error(np.concatenate, arrays, axis)
    if dtype is not None:
        if not all(np.can_cast(x.dtype, dtype, casting) for x in arrays):  # type: ignore[arg-type]
            raise numpy_error(np.concatenate, arrays, at, dtype=dtype, casting=casting)
        arrays = [to_dtype(x, dtype) for x in arrays]
    return native.concat(arrays, at)


def listed(arrays: Any, function: str) -> list[Array]:
    """Return the operands of a function that takes a sequence of arrays."""
    if isinstance(arrays, native.Tracer):
        return list(arrays)
    if not hasattr(arrays, "__getitem__"):
        raise TypeError(
            f'arrays to {function} must be passed as a "sequence" type such as list or tuple.'
        )
    return [operand(x) for x in arrays]


@implements(np.concatenate)
def concatenate(
    arrays: Any,
    /,
    axis: Any = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: Any = "same_kind",
) -> Array:
    """Put arrays one after the other along an axis."""
    y = joined(listed(arrays, "concatenate"), axis, dtype, casting or "same_kind")
    return y if out is None else deliver(y, out, "concatenate")


@implements(np.stack)
def stack(
    arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Array:
    """Lay arrays of one shape side by side along a new axis."""
    operands = listed(arrays, "stack")
    if not operands:
        raise ValueError("need at least one array to stack")
    shape = operands[0].shape
    if any(x.shape != shape for x in operands):
        raise ValueError("all input arrays must have the same shape")
    at = one_axis(axis, len(shape) + 1)
    if not shape and dtype is None:
        y = native.pack(operands, (len(operands),), None)
    elif dtype is None:
        whole = (*shape[:at], 1, *shape[at:])
        y = native.concat([native.reshape(x, whole) for x in operands], at)
    else:
        y = joined([expanded(x, at) for x in operands], at, dtype, casting)
    return y if out is None else deliver(y, out, "stack")


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Array:
    """Put arrays below each other."""
    return joined([at_least(x, 2) for x in listed(tup, "vstack")], 0, dtype, casting)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Array:
    """Put arrays beside each other."""
    operands = [at_least(x, 1) for x in listed(tup, "hstack")]
    axis = 0 if operands and operands[0].ndim == 1 else 1
    return joined(operands, axis, dtype, casting)


@implements(np.dstack)
def dstack(tup: Any) -> Array:
    """Put arrays behind each other."""
    return joined([at_least_3d(x) for x in listed(tup, "dstack")], 2, None, "same_kind")


@implements(np.column_stack)
def column_stack(tup: Any) -> Array:
    """Make lists the columns of a matrix."""
    columns = [
        native.reshape(x, (x.size, 1)) if x.ndim < 2 else x for x in listed(tup, "column_stack")
    ]
    return joined(columns, 1, None, "same_kind")


@implements(np.block)
def block(arrays: Any) -> Array:
    """Put nested lists of blocks together."""
    depth = _depth(arrays)
    ndim = max(depth, _deepest(arrays))
    return _blocks(arrays, depth, ndim, 0).copy()


def _depth(arrays: Any, path: str = "arrays") -> int:
    if isinstance(arrays, tuple):
        raise TypeError(
            f"{path} is a tuple. Only lists can be used to arrange blocks, and np.block does "
            "not allow implicit conversion from tuple to ndarray."
        )
    if not isinstance(arrays, list):
        return 0
    if not arrays:
        raise ValueError(f"List at {path} cannot be empty")
    depths = {_depth(item, f"{path}[{k}]") for k, item in enumerate(arrays)}
    if len(depths) > 1:
        raise ValueError(f"List depths are mismatched at {path}.")
    return 1 + depths.pop()


def _deepest(arrays: Any) -> int:
    return max(map(_deepest, arrays)) if isinstance(arrays, list) else np.ndim(arrays)


def _blocks(arrays: Any, depth: int, ndim: int, level: int) -> Array:
    if level == depth:
        return at_least(operand(arrays), ndim)
    parts = [_blocks(item, depth, ndim, level + 1) for item in arrays]
    return joined(parts, level - depth, None, "same_kind")


@implements(np.append)
def append(arr: Array, values: Array, axis: Any = None) -> Array:
    """Put values after an array."""
    return joined([operand(arr), operand(values)], axis, None, "same_kind")


def taken(x: Array, index: np.ndarray[Any, Any], axis: int) -> Array:
    """Return the slices along `axis` at places known to be valid."""
    if axis == 0:
        return native.gather(x, index)
    return moved(native.gather(moved(x, axis, 0), index), 0, axis)


@implements(np.delete)
def delete(arr: Array, obj: Any, axis: Any = None) -> Array:
    """Leave out slices along an axis."""
    x = operand(arr)
    x, at = (raveled(x), 0) if axis is None else (x, one_axis(axis, x.ndim))
    return taken(x, np.delete(np.arange(x.shape[at]), _places(obj)), at)


def _places(obj: Any) -> Any:
    return native.value(obj) if isinstance(obj, native.Tracer) else obj


@implements(np.insert)
def insert(arr: Array, obj: Any, values: Array, axis: Any = None) -> Array:
    """Put slices in along an axis."""
    x, v, obj = operand(arr), operand(values), _places(obj)
    x, at = (raveled(x), 0) if axis is None else (x, one_axis(axis, x.ndim))
    v = at_least(to_dtype(v, x.dtype), x.ndim)
    n = x.shape[at]
    places = np.arange(*obj.indices(n)) if isinstance(obj, slice) else np.asarray(obj)
    places = np.flatnonzero(places) if places.dtype == bool else places
    if places.size == 1:
        v = moved(v, 0, at) if places.ndim == 0 else v
        count = v.shape[at]
        places = np.repeat(places, count)
    else:
        count = places.size
    index = np.insert(np.arange(n), places, np.arange(n, n + count))
    v = native.broadcast(v, (*x.shape[:at], count, *x.shape[at + 1 :]))
    return taken(native.concat([x, v], at), index, at)


@implements(np.array_split)
def array_split(ary: Array, indices_or_sections: Any, axis: Any = 0) -> list[Array]:
    """Cut into pieces of nearly the same length, or at places."""
    x = operand(ary)
    at = one_axis(axis, x.ndim)
    n = x.shape[at]
    if np.ndim(indices_or_sections) == 0:
        count = operator.index(indices_or_sections)
        if count <= 0:
            raise ValueError("number sections must be larger than 0.")
        size, extra = divmod(n, count)
        ends = [k * size + min(k, extra) for k in range(count + 1)]
    else:
        ends = [0, *indices_or_sections, n]
    return [x[along(at, slice(i, j))] for i, j in pairwise(ends)]


@implements(np.split)
def split(ary: Array, indices_or_sections: Any, axis: Any = 0) -> list[Array]:
    """Cut into pieces of the same length, or at places."""
    x = operand(ary)
    at = one_axis(axis, x.ndim)
    if np.ndim(indices_or_sections) == 0 and x.shape[at] % operator.index(indices_or_sections):
        raise ValueError("array split does not result in an equal division")
    return array_split(x, indices_or_sections, at)


@implements(np.hsplit)
def hsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    """Cut along the second axis, or the only one."""
    x = operand(ary)
    if x.ndim == 0:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


@implements(np.vsplit)
def vsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    """Cut along the first axis."""
    if np.ndim(ary) < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def dsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    """Cut along the third axis."""
    if np.ndim(ary) < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return split(ary, indices_or_sections, 2)


@implements(getattr(np, "unstack", None))
def unstack(x: Array, /, *, axis: Any = 0) -> tuple[Array, ...]:
    """Take an array apart along an axis."""
    x = operand(x)
    if x.ndim == 0:
        raise ValueError("Input array must be at least 1-d.")
    at = one_axis(axis, x.ndim)
    return tuple(x[along(at, k)] for k in range(x.shape[at]))


@implements(np.tile)
def tile(A: Array, reps: Any) -> Array:
    """Repeat an array as a whole along axes."""
    counts = tuple(map(operator.index, reps)) if np.ndim(reps) else (operator.index(reps),)
    x = operand(A)
    ndim = max(x.ndim, len(counts))
    x = at_least(x, ndim)
    counts = (1,) * (ndim - len(counts)) + counts
    if set(counts) <= {1}:
        return x.copy()
    shape = x.shape
    apart = tuple(n for size in shape for n in (1, size))
    spread = tuple(n for pair in zip(counts, shape, strict=True) for n in pair)
    y = native.broadcast(native.reshape(x, apart), spread)
    # A repeated single element would reshape to a view of the argument.
    return native.reshape(y, tuple(c * n for c, n in zip(counts, shape, strict=True))).copy()


@implements(np.repeat, method="repeat")
def repeat(a: Array, repeats: Any, axis: Any = None) -> Array:
    """Repeat each slice along an axis."""
    x = operand(a)
    x, at = (raveled(x), 0) if axis is None else (x, one_axis(axis, x.ndim))
    repeats = _places(repeats)
    n = x.shape[at]
    if np.size(repeats) != 1:
        return taken(x, np.repeat(np.arange(n), repeats), at)
    count = operator.index(np.asarray(repeats).item())
    if count < 0:
        raise ValueError("repeats may not contain negative values.")
    head, tail = x.shape[:at], x.shape[at + 1 :]
    spread = native.broadcast(native.reshape(x, (*head, n, 1, *tail)), (*head, n, count, *tail))
    # A single repetition, or element, would reshape to a view of the argument.
    return native.reshape(spread, (*head, n * count, *tail)).copy()


@implements(np.meshgrid)
def meshgrid(
    *xi: Array, copy: Any = True, sparse: Any = False, indexing: str = "xy"
) -> tuple[Array, ...]:
    """Lay lists of coordinates along the axes of a grid."""
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    lists: Sequence[Array] = [raveled(operand(x)) for x in xi]
    ndim = len(lists)
    places = list(range(ndim))
    if indexing == "xy" and ndim > 1:
        places[0], places[1] = 1, 0
    shape = [1] * ndim
    grids = []
    for place, x in zip(places, lists, strict=True):
        shape[place] = x.size
        grids.append(native.reshape(x, tuple(x.size if k == place else 1 for k in range(ndim))))
    if not sparse:
        grids = [native.broadcast(grid, tuple(shape)) for grid in grids]
    return tuple(grid.copy() for grid in grids) if copy else tuple(grids)
