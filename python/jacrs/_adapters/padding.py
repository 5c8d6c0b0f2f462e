"""`np.pad`, and cutting off zeros."""

from __future__ import annotations

from typing import Any

import numpy as np

from jacrs import errors
from jacrs._adapters import native
from jacrs._adapters.common import Array, along, holds_tracer, one_axis, operand, to_dtype
from jacrs._adapters.joining import taken
from jacrs._adapters.reductions import max_, mean, min_
from jacrs._adapters.registry import implements

_KEYWORDS: dict[str, tuple[str, ...]] = {
    "constant": ("constant_values",),
    "edge": (),
    "empty": (),
    "linear_ramp": ("end_values",),
    "maximum": ("stat_length",),
    "mean": ("stat_length",),
    "minimum": ("stat_length",),
    "reflect": ("reflect_type",),
    "symmetric": ("reflect_type",),
    "wrap": (),
}
_STATISTICS: dict[str, Any] = {"maximum": max_, "mean": mean, "minimum": min_}


@implements(np.pad)
def pad(array: Array, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Array:
    """Put elements around an array."""
    x = operand(array)
    if mode not in _KEYWORDS:
        if callable(mode):
            raise errors.not_supported("pad", "mode", mode, "give the name of a mode")
        raise ValueError(f"mode '{mode}' is not supported")
    unknown = set(kwargs) - set(_KEYWORDS[mode])
    if unknown:
        raise ValueError(f"unsupported keyword arguments for mode '{mode}': {unknown}")
    if kwargs.get("reflect_type", "even") != "even":
        fix = "use reflect_type='even' and subtract from twice the edge"
        raise errors.not_supported("pad", "reflect_type", kwargs["reflect_type"], fix)
    widths = _widths(pad_width, x.ndim)
    for axis, (before, after) in enumerate(widths):
        if before or after:
            x = _padded(x, axis, before, after, mode, kwargs)
    return x if x is not array else x.copy()


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        pairs = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            before, after = np.broadcast_to(width, (2,)).tolist()
            pairs[one_axis(axis, ndim)] = (before, after)
        return pairs
    widths = np.asarray(pad_width)
    if widths.dtype.kind not in "iu":
        raise TypeError("`pad_width` must be of integral type.")
    if (widths < 0).any():
        raise ValueError("index can't contain negative values")
    return [(int(i), int(j)) for i, j in np.broadcast_to(widths, (ndim, 2))]


def _padded(
    x: Array, axis: int, before: int, after: int, mode: str, keywords: dict[str, Any]
) -> Array:
    """Pad one axis; what earlier axes got counts as part of the array."""
    n = x.shape[axis]
    if mode in ("constant", "empty"):
        low, high = _pair(keywords.get("constant_values", 0), axis, x.ndim)
        parts = [_block(x, axis, before, low), x, _block(x, axis, after, high)]
    elif mode in _STATISTICS:
        parts = _statistics(x, axis, before, after, mode, keywords.get("stat_length"))
    elif mode == "linear_ramp":
        if n == 0:
            raise ValueError(
                f"can't extend empty axis {axis} using modes other than 'constant' or 'empty'"
            )
        low, high = _pair(keywords.get("end_values", 0), axis, x.ndim)
        parts = [
            _ramp(x[along(axis, slice(0, 1))], axis, before, low, rising=True),
            x,
            _ramp(x[along(axis, slice(n - 1, n))], axis, after, high, rising=False),
        ]
    else:
        # The other modes only repeat elements: NumPy says which.
        index = np.pad(np.arange(n), (before, after), mode=mode)  # type: ignore[call-overload]
        return taken(x, index, axis)
    return native.concat([part for part in parts if part.shape[axis]], axis)


def _pair(values: Any, axis: int, ndim: int) -> tuple[Any, Any]:
    """Return the two values for an axis of what may be one value, a pair, or a pair an axis."""
    if isinstance(values, dict):
        values = values.get(axis, values.get(axis - ndim, 0))
        axis = 0
    if not holds_tracer(values):
        low, high = np.broadcast_to(values, (max(ndim, axis + 1), 2))[axis]
        return low, high
    given = operand(values)
    given = native.broadcast(given, (ndim, 2))
    return given[axis, 0], given[axis, 1]


def _block(x: Array, axis: int, width: int, value: Any) -> Array:
    shape = (*x.shape[:axis], width, *x.shape[axis + 1 :])
    if not isinstance(value, native.Tracer):
        return np.full(shape, value).astype(x.dtype)
    return native.broadcast(to_dtype(value, x.dtype), shape)


def _statistics(
    x: Array, axis: int, before: int, after: int, mode: str, lengths: Any
) -> list[Array]:
    n = x.shape[axis]
    low, high = (n, n) if lengths is None else _pair(lengths, axis, x.ndim)
    low, high = min(int(low), n), min(int(high), n)
    if mode != "mean" and 0 in (low, high):
        raise ValueError("stat_length of 0 yields no value for padding")
    parts = [x]
    for width, part in ((before, slice(0, low)), (after, slice(n - high, n))):
        value = _STATISTICS[mode](x[along(axis, part)], axis, keepdims=True)
        if x.dtype.kind == "i" and mode == "mean":
            value = native.ufunc("rint", value)
        shape = (*x.shape[:axis], width, *x.shape[axis + 1 :])
        parts.append(native.broadcast(to_dtype(value, x.dtype), shape))
    return [parts[1], parts[0], parts[2]]


def _ramp(edge: Array, axis: int, width: int, end: Any, *, rising: bool) -> Array:
    """Return the way from an end value to an edge, the edge itself left out."""
    line = np.arange(width) / max(width, 1)
    line = line if rising else line[::-1]
    line = line.astype(edge.dtype if edge.dtype.kind == "f" else float)
    line = line.reshape(tuple(width if k == axis else 1 for k in range(edge.ndim)))
    ramp = (edge - end) * line + end
    if edge.dtype.kind == "i":
        ramp = native.ufunc("trunc", ramp)
    return to_dtype(ramp, edge.dtype)


@implements(np.trim_zeros)
def trim_zeros(filt: Array, trim: str = "fb", axis: Any = None) -> Array:
    """Cut off leading and trailing zeros; asks which elements are zero."""
    x = operand(filt)
    places = np.nonzero(native.value(native.ufunc("not_equal", x, 0)))
    axes = (
        range(x.ndim)
        if axis is None
        else [one_axis(k, x.ndim) for k in (axis if isinstance(axis, tuple) else (axis,))]
    )
    ends = [slice(None)] * x.ndim
    for k in axes:
        found = places[k]
        n = x.shape[k]
        low = (int(found.min()) if found.size else n) if "f" in trim.lower() else 0
        high = (int(found.max()) + 1 if found.size else 0) if "b" in trim.lower() else n
        ends[k] = slice(low, high)
    return x[tuple(ends)]
