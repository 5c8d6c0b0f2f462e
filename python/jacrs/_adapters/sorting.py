"""Orders, places in an order, and sets."""

# ruff: noqa: A002, ARG001, FBT002 (the signatures are NumPy's)

from __future__ import annotations

from typing import Any

import numpy as np

from jacrs import errors
from jacrs._adapters import native
from jacrs._adapters.common import INT, Array, like_operands, one_axis, operand, raveled
from jacrs._adapters.indexing import along_axis, flatnonzero
from jacrs._adapters.reductions import has_nan
from jacrs._adapters.registry import METHODS, implements

# Up to this many comparisons a list is searched by comparing with all of it.
_COMPARISONS = 1 << 14


def lined(a: Array, axis: Any) -> tuple[Array, int]:
    """Return what is sorted and along which axis; None is the raveled array."""
    x = operand(a)
    return (raveled(x), 0) if axis is None else (x, one_axis(axis, x.ndim))


def check_order(function: str, order: Any) -> None:
    """Refuse the names of fields."""
    if order is not None:
        raise errors.not_supported(
            function, "order", order, "leave it out: recorded arrays have no fields"
        )


@implements(np.argsort, method="argsort")
def argsort(
    a: Array,
    axis: Any = -1,
    kind: Any = None,
    order: Any = None,
    *,
    stable: Any = None,
) -> Array:
    """Find the order that sorts along an axis; equal elements keep theirs."""
    check_order("argsort", order)
    x, at = (raveled(operand(a)), 0) if np.ndim(a) == 0 else lined(a, axis)
    return native.argsort(x, at)


@implements(np.sort)
def sort(
    a: Array,
    axis: Any = -1,
    kind: Any = None,
    order: Any = None,
    *,
    stable: Any = None,
) -> Array:
    """Sort along an axis."""
    check_order("sort", order)
    x, at = lined(a, axis)
    return ordered(x, at)


def ordered(x: Array, axis: int) -> Array:
    """Return `x` sorted along an axis."""
    return along_axis(x, native.argsort(x, axis), axis)


def sort_method(
    x: Array, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> None:
    """Sort along an axis in place."""
    x[...] = sort(x, axis, kind, order, stable=stable)


METHODS["sort"] = sort_method


@implements(np.partition)
def partition(
    a: Array,
    kth: Any,
    axis: Any = -1,
    kind: str = "introselect",
    order: Any = None,
) -> Array:
    """Put the elements at `kth` in their sorted places: all of them are."""
    check_order("partition", order)
    x, at = lined(a, axis)
    _check_kth(kth, x.shape[at])
    return ordered(x, at)


@implements(np.argpartition, method="argpartition")
def argpartition(
    a: Array,
    kth: Any,
    axis: Any = -1,
    kind: str = "introselect",
    order: Any = None,
) -> Array:
    """Find an order that partitions along an axis."""
    check_order("argpartition", order)
    x, at = lined(a, axis)
    _check_kth(kth, x.shape[at])
    return native.argsort(x, at)


def _check_kth(kth: Any, n: int) -> None:
    for k in np.atleast_1d(kth):
        if not -n <= k < n:
            raise ValueError(f"kth(={k}) out of bounds ({n})")


def partition_method(
    x: Array, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> None:
    """Put the elements at `kth` in their sorted places, in place."""
    x[...] = partition(x, kth, axis, kind, order)


METHODS["partition"] = partition_method


@implements(np.lexsort)
def lexsort(keys: Any, axis: Any = -1) -> Array:
    """Find the order by several keys, the last one first."""
    parts = [operand(key) for key in keys]
    if not parts:
        raise TypeError("need sequence of keys with len > 0 in lexsort")
    at = one_axis(axis, parts[0].ndim)
    order = native.argsort(parts[0], at)
    for key in parts[1:]:
        order = along_axis(order, native.argsort(along_axis(key, order, at), at), at)
    return order


@implements(np.searchsorted)
def searchsorted(a: Array, v: Array, side: str = "left", sorter: Any = None) -> Array:
    """Find the places in a sorted list where values would be put in."""
    if side not in ("left", "right"):
        raise ValueError(f"search side must be one of 'left' or 'right' (got {side!r})")
    x, values = operand(a), operand(v)
    if x.ndim != 1:
        raise ValueError("object too deep for desired array")
    if sorter is not None:
        x = native.gather(x, sorter)
    if x.size * values.size > _COMPARISONS:
        return native.reshape(_ranked(x, raveled(values), side), values.shape)
    values = native.reshape(values, (*values.shape, 1))
    below = native.ufunc("less" if side == "left" else "less_equal", x, values)
    if has_nan(values):
        # NaN comes after all numbers, and among NaN as in any tie.
        after = native.ufunc("isnan", values)
        if side == "left":
            after = native.ufunc("logical_and", after, native.ufunc("equal", x, x))
        below = native.ufunc("logical_or", below, after)
    return native.reduce("sum", native.cast(below, INT), (values.ndim - 1,))


def _ranked(x: Array, values: Array, side: str) -> Array:
    """Return the rank among both lists less the rank among the values alone."""
    own = native.argsort(native.argsort(values, 0), 0)
    values = like_operands(values, x)
    x = like_operands(x, values)
    n, m = x.shape[0], values.shape[0]
    # A stable order puts what comes first in a tie first.
    both = native.concat([values, x] if side == "left" else [x, values], 0)
    rank = native.argsort(native.argsort(both, 0), 0)
    return (rank[:m] if side == "left" else rank[n:]) - own


def searchsorted_method(x: Array, v: Array, side: str = "left", sorter: Any = None) -> Array:
    """Find the places in a sorted list where values would be put in."""
    return searchsorted(x, v, side, sorter)


METHODS["searchsorted"] = searchsorted_method


@implements(np.digitize)
def digitize(x: Array, bins: Array, right: Any = False) -> Array:
    """Find the bins that values lie in."""
    edges = operand(bins)
    steps = np.diff(edges)
    if not ((steps >= 0).all() or (steps <= 0).all()):
        raise ValueError("bins must be monotonically increasing or decreasing")
    side = "left" if right else "right"
    if not (steps < 0).any():
        return searchsorted(edges, x, side)
    return edges.shape[0] - searchsorted(edges[::-1], x, side)


def _firsts(x: Array, *, equal_nan: bool = True) -> Array:
    """Return where a sorted list has a new element."""
    new = native.ufunc("not_equal", x[1:], x[:-1])
    if equal_nan and has_nan(x):
        both = native.ufunc(
            "logical_and", native.ufunc("isnan", x[1:]), native.ufunc("isnan", x[:-1])
        )
        new = native.ufunc("logical_and", new, native.ufunc("logical_not", both))
    return native.concat([np.ones(min(1, x.shape[0]), bool), new], 0)


@implements(np.unique)
def unique(
    ar: Array,
    return_index: Any = False,
    return_inverse: Any = False,
    return_counts: Any = False,
    axis: Any = None,
    *,
    equal_nan: Any = True,
    sorted: Any = True,
) -> Any:
    """Find the different elements, sorted; asks how many there are."""
    x = operand(ar)
    if axis is not None and x.ndim > 1:
        raise errors.not_supported("unique", "axis", axis, "leave it out")
    shape, x = x.shape, raveled(x)
    order = native.argsort(x, 0)
    line = native.gather(x, order)
    new = _firsts(line, equal_nan=bool(equal_nan))
    places = native.nonzero_flat(new)
    found = [native.gather(line, places)]
    if return_index:
        found.append(native.gather(order, places))
    if return_inverse:
        number = native.cumulate("sum", 0, native.cast(new, INT)) - 1
        inverse = native.gather(number, native.argsort(order, 0))
        found.append(native.reshape(inverse, shape))
    if return_counts:
        ends = native.concat([places[1:], np.full(min(1, x.size), x.size)], 0)
        found.append(ends - places)
    return found[0] if len(found) == 1 else tuple(found)


@implements(np.unique_values)
def unique_values(x: Array, /) -> Array:
    """Find the different elements."""
    return unique(x, equal_nan=False)


@implements(np.union1d)
def union1d(ar1: Array, ar2: Array) -> Array:
    """Find what is in one list or the other, sorted."""
    return unique(native.concat([raveled(operand(ar1)), raveled(operand(ar2))], 0))


@implements(np.intersect1d)
def intersect1d(
    ar1: Array, ar2: Array, assume_unique: Any = False, return_indices: Any = False
) -> Array:
    """Find what is in both lists, sorted."""
    if return_indices:
        raise errors.not_supported("intersect1d", "return_indices", return_indices, "use np.isin")
    first, second = raveled(operand(ar1)), raveled(operand(ar2))
    if not assume_unique:
        first, second = unique(first), unique(second)
    line = ordered(native.concat([first, second], 0), 0)
    twice = native.ufunc("equal", line[1:], line[:-1])
    return native.gather(line, native.nonzero_flat(twice))


@implements(np.setdiff1d)
def setdiff1d(ar1: Array, ar2: Array, assume_unique: Any = False) -> Array:
    """Find what is in the first list and not in the second, sorted."""
    first = raveled(operand(ar1)) if assume_unique else unique(operand(ar1))
    return native.gather(first, flatnonzero(isin(first, ar2, invert=True)))


@implements(np.setxor1d)
def setxor1d(ar1: Array, ar2: Array, assume_unique: Any = False) -> Array:
    """Find what is in just one of two lists, sorted."""
    first, second = operand(ar1), operand(ar2)
    if not assume_unique:
        first, second = unique(first), unique(second)
    line = ordered(native.concat([raveled(first), raveled(second)], 0), 0)
    new = _firsts(line, equal_nan=False)
    ends = native.concat([new[1:], np.ones(min(1, line.size), bool)], 0)
    return native.gather(line, native.nonzero_flat(native.ufunc("logical_and", new, ends)))


@implements(np.isin)
def isin(
    element: Array,
    test_elements: Array,
    assume_unique: Any = False,
    invert: Any = False,
    *,
    kind: Any = None,
) -> Array:
    """Tell which elements are in a list."""
    x, line = operand(element), raveled(operand(test_elements))
    shape = x.shape
    if x.size * line.size > _COMPARISONS:
        line = ordered(line, 0)
        low, high = searchsorted(line, x, "left"), searchsorted(line, x, "right")
        found = native.ufunc("less", low, high)
        if has_nan(x):
            found = native.ufunc("logical_and", found, native.ufunc("equal", x, x))
    else:
        same = native.ufunc("equal", native.reshape(x, (*shape, 1)), line)
        found = native.reduce("sum", same, (len(shape),))
    return native.ufunc("logical_not", found) if invert else found
