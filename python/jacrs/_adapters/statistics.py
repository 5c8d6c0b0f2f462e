"""Medians, quantiles, covariances and counts."""

# ruff: noqa: A002, ARG001, FBT002 (the signatures are NumPy's)

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._adapters import native
from jacrs._adapters.common import (
    FLOAT,
    INT,
    Array,
    as_float,
    deliver,
    kept,
    moved,
    operand,
    raveled,
    to_dtype,
)
from jacrs._adapters.indexing import along_axis
from jacrs._adapters.nan import ravel_axes
from jacrs._adapters.reductions import average, max_, min_
from jacrs._adapters.registry import implements
from jacrs._adapters.sorting import ordered, searchsorted

if TYPE_CHECKING:
    from collections.abc import Callable


def shared(x: Array, y: Array) -> Array:
    """Return `y`, an element of the last axis of `x`; all that equal it share the derivative."""
    fixed = native.stop_gradient(y)
    same = native.ufunc("equal", x, native.reshape(fixed, (*fixed.shape, 1)))
    same = native.ufunc("logical_and", same, native.ufunc("isfinite", x))
    last = (x.ndim - 1,)
    count = native.reduce("sum", native.cast(same, x.dtype), last)
    change = native.where(same, x - native.stop_gradient(x), 0)
    return fixed + native.reduce("sum", change, last) / native.ufunc("maximum", count, 1)


def middle(x: Array) -> Array:
    """Return the median along the last axis; NaN if there is one."""
    n = x.shape[-1]
    if n == 0:
        return native.lift(np.full(x.shape[:-1], math.nan, x.dtype), writable=False)
    fixed = native.stop_gradient(x)
    line = ordered(fixed, x.ndim - 1)
    y = shared(x, line[..., n // 2])
    if n % 2 == 0:
        y = (y + shared(x, line[..., n // 2 - 1])) / 2
    return nan_if_last(line, y)


def nan_if_last(line: Array, y: Array) -> Array:
    """Return NaN where a sorted line ends in one."""
    last = line[..., -1]
    return native.where(native.ufunc("isnan", last), last, y)


def finished(y: Array, shape: tuple[int, ...], axes: tuple[int, ...], keepdims: Any) -> Array:
    """Return a result with the reduced axes kept if asked; axes of quantiles come first."""
    if not keepdims:
        return y
    extra = y.ndim - (len(shape) - len(axes))
    return native.reshape(y, (*y.shape[:extra], *kept(shape, axes)))


@implements(np.median)
def median(
    a: Array,
    axis: Any = None,
    out: Any = None,
    overwrite_input: Any = False,
    keepdims: Any = False,
) -> Array:
    """Take the middle element, or the average of the two; ties share the derivative evenly."""
    x = as_float(a)
    line, axes = ravel_axes(x, axis)
    return deliver(finished(middle(line), x.shape, axes, keepdims), out, "median")


@implements(np.nanmedian)
def nanmedian(
    a: Array,
    axis: Any = None,
    out: Any = None,
    overwrite_input: Any = False,
    keepdims: Any = False,
) -> Array:
    """Take the median of what is not NaN."""
    x = as_float(a)
    line, axes = ravel_axes(x, axis)
    at = line.ndim - 1
    fixed = ordered(native.stop_gradient(line), at)
    count = present_count(line)
    half = [native.ufunc("maximum", n // 2, 0) for n in (count - 1, count)]
    picks = [_at(fixed, native.ufunc("minimum", h, line.shape[-1] - 1)) for h in half]
    y = (shared(line, picks[0]) + shared(line, picks[1])) / 2
    y = native.where(count == 0, math.nan, y)
    return deliver(finished(y, x.shape, axes, keepdims), out, "nanmedian")


def present_count(x: Array) -> Array:
    """Return the number of elements of the last axis that are not NaN."""
    seen = native.ufunc("logical_not", native.ufunc("isnan", x))
    return native.reduce("sum", native.cast(seen, INT), (x.ndim - 1,))


def _at(line: Array, place: Array) -> Array:
    """Return the element of the last axis at a place for each line."""
    index = native.reshape(place, (*place.shape, 1))
    y = along_axis(line, index, line.ndim - 1)
    return native.reshape(y, y.shape[:-1])


# Where a quantile lies in a sorted line of n elements (Hyndman and Fan, "Sample quantiles in
# statistical packages", The American Statistician 50, 1996):
# n q + alpha + q (1 - alpha - beta) - 1.
_PLACES: dict[str, tuple[float, float]] = {
    "linear": (1, 1),
    "lower": (1, 1),
    "higher": (1, 1),
    "midpoint": (1, 1),
    "nearest": (1, 1),
    "interpolated_inverted_cdf": (0, 1),
    "hazen": (0.5, 0.5),
    "weibull": (0, 0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
_ROUND: dict[str, Callable[..., Any]] = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}


def between(n: Any, q: Any, method: str) -> tuple[Any, Any, Any]:
    """Return the places below and above a quantile, and how far it lies from the one below."""
    alpha, beta = _PLACES[method]
    place = (n - 1) * q if alpha == beta == 1 else n * q + (alpha + q * (1 - alpha - beta)) - 1
    if method in _ROUND:
        place = _ROUND[method](place)
    if method == "midpoint":
        place = (np.floor(place) + np.ceil(place)) / 2
    last = max(n - 1, 0) if isinstance(n, int) else np.maximum(n - 1, 0)
    place = np.minimum(np.maximum(place, 0), last)
    low = np.floor(place)
    high = np.minimum(low + 1, last)
    return low, high, place - low


def checked_quantile(function: str, q: Any, method: str, weights: Any) -> Any:
    """Return the quantile asked for as a plain array between 0 and 1."""
    if isinstance(q, native.Tracer):
        raise errors.recorded_quantile(function)
    if weights is not None:
        raise errors.not_supported(function, "weights", weights, "leave them out")
    if method not in _PLACES:
        known = ", ".join(map(repr, _PLACES))
        raise errors.not_supported(function, "method", method, f"use one of {known}")
    q = np.asanyarray(q)
    if not ((q >= 0) & (q <= 1)).all():
        upper = 100 if "percentile" in function else 1
        name = "Percentiles" if upper == 100 else "Quantiles"
        raise ValueError(f"{name} must be in the range [0, {upper}]")
    return q


def quantiles(x: Array, q: Any, method: str) -> Array:
    """Return the quantiles along the last axis, those of a list of `q` along a first one."""
    n = x.shape[-1]
    low, high, gap = between(n, q, method)
    line = ordered(x, x.ndim - 1)
    lows, highs = (moved_last(line, place.astype(INT)) for place in (low, high))
    if method in _ROUND:
        return nan_if_last(line, lows)
    weight = gap.reshape(q.shape + (1,) * (x.ndim - 1)) if q.ndim else gap
    return nan_if_last(line, lows + (highs - lows) * weight)


def moved_last(line: Array, place: Any) -> Array:
    """Return elements of the last axis, the axes of `place` first."""
    if place.ndim == 0:
        return line[..., int(place)]
    return native.gather(moved(line, line.ndim - 1, 0), place)


def nan_quantiles(x: Array, q: Any, method: str) -> Array:
    """Return the quantiles of what is not NaN."""
    line = ordered(x, x.ndim - 1)
    count = present_count(x)
    results = []
    for one in q.ravel():
        low, high, gap = between(count, one, method)
        lows, highs = (_at(line, native.cast(place, INT)) for place in (low, high))
        gap = native.cast(gap, x.dtype)
        y = lows if method in _ROUND else lows + (highs - lows) * gap
        results.append(native.reshape(native.where(count == 0, math.nan, y), (1, *y.shape)))
    y = native.concat(results, 0)
    return native.reshape(y, q.shape + tuple(y.shape[1:]))


def _scaled(q: Any, x: Array) -> Any:
    """Return percent as a fraction, in the dtype that NumPy computes it in."""
    if isinstance(q, native.Tracer):
        return q
    return np.true_divide(q, x.dtype.type(100))


def _quantile(
    function: str, a: Array, q: Any, axis: Any, out: Any, method: str, keepdims: Any, weights: Any
) -> Array:
    x = as_float(a)
    scaled = _scaled(q, x) if "percentile" in function else q
    if isinstance(scaled, (int, float)):
        scaled = np.asarray(scaled, x.dtype)
    scaled = checked_quantile(function, scaled, method, weights)
    line, axes = ravel_axes(x, axis)
    compute = nan_quantiles if function.startswith("nan") else quantiles
    return deliver(finished(compute(line, scaled, method), x.shape, axes, keepdims), out, function)


def _enter(name: str, what: str) -> None:
    def adapter(
        a: Array,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: Any = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
    ) -> Array:
        return _quantile(name, a, q, axis, out, method, keepdims, weights)

    adapter.__name__ = name
    adapter.__doc__ = f"Take {what} along axes."
    implements(getattr(np, name))(adapter)


_enter("quantile", "quantiles")
_enter("percentile", "percentiles")
_enter("nanquantile", "quantiles of what is not NaN")
_enter("nanpercentile", "percentiles of what is not NaN")


@implements(np.cov)
def cov(
    m: Array,
    y: Any = None,
    rowvar: Any = True,
    bias: Any = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Array:
    """Estimate the covariance matrix of variables in rows."""
    x = as_variables(m, rowvar=rowvar, dtype=dtype)
    if y is not None:
        x = native.concat([x, to_dtype(as_variables(y, rowvar=rowvar, dtype=dtype), x.dtype)], 0)
    ddof = (0 if bias else 1) if ddof is None else ddof
    w: Any = None
    if fweights is not None:
        w = as_float(fweights)
    if aweights is not None:
        w = as_float(aweights) if w is None else w * as_float(aweights)
    center, total = average(x, axis=1, weights=w, returned=True)
    total = total[0] if w is not None else x.shape[1]
    if w is None or ddof == 0:
        freedom = total - ddof if w is None else total
    elif aweights is None:
        freedom = total - ddof
    else:
        freedom = total - ddof * native.reduce("sum", w * as_float(aweights), (0,)) / total
    x = x - native.reshape(center, (x.shape[0], 1))
    right = x if w is None else x * w
    c = native.matmul(x, native.transpose(right, (1, 0)))
    if w is None:
        freedom = max(freedom, 0)
    return _squeezed(c / freedom)


def as_variables(m: Array, *, rowvar: Any, dtype: Any) -> Array:
    """Return observations as a matrix with a variable in each row."""
    x = operand(m)
    if x.ndim > 2:
        raise ValueError("m has more than 2 dimensions")
    x = to_dtype(x, np.result_type(x.dtype, FLOAT) if dtype is None else dtype)
    row = x.ndim < 2
    x = native.reshape(x, (1, x.size)) if row else x
    return native.transpose(x, (1, 0)) if not rowvar and x.shape[0] != 1 else x


def _squeezed(c: Array) -> Array:
    return native.reshape(c, ()) if c.shape == (1, 1) else c


@implements(np.corrcoef)
def corrcoef(x: Array, y: Any = None, rowvar: Any = True, *, dtype: Any = None) -> Array:
    """Estimate the correlations of variables in rows."""
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    scale = native.ufunc("sqrt", c[np.diag_indices(c.shape[0])])
    c = c / native.reshape(scale, (scale.size, 1)) / scale
    return native.ufunc("minimum", native.ufunc("maximum", c, -1.0), 1.0)


@implements(np.bincount)
def bincount(x: Array, /, weights: Any = None, minlength: Any = 0) -> Array:
    """Count how often each number comes, or add up weights; asks for the largest number."""
    places = operand(x)
    if places.ndim != 1:
        raise ValueError("object too deep for desired array")
    if places.size == 0:
        return native.lift(np.zeros(int(minlength), INT), writable=True)
    if np.min(places) < 0:
        raise ValueError("'list' argument must have no negative elements")
    count = int(np.maximum(np.max(places) + 1, minlength))
    values = np.ones(places.size, INT) if weights is None else native.cast(weights, FLOAT)
    return native.scatter_add(np.zeros(count, values.dtype), places, values)


@implements(np.histogram)
def histogram(
    a: Array,
    bins: Any = 10,
    range: Any = None,
    density: Any = None,
    weights: Any = None,
) -> tuple[Array, Array]:
    """Count values in bins, or add up their weights."""
    x = raveled(operand(a))
    edges = histogram_bin_edges(x, bins, range)
    n = edges.shape[0] - 1
    place = searchsorted(edges, x, "right") - 1
    place = native.where(x == edges[-1], n - 1, place)
    inside = native.ufunc("logical_and", x >= edges[0], x <= edges[-1])
    values = np.ones(x.size, INT) if weights is None else raveled(operand(weights))
    # What lies outside goes to a last bin that is cut off.
    place = native.where(inside, place, n)
    counts = native.scatter_add(np.zeros(n + 1, values.dtype), place, values)[:n]
    if density:
        widths = edges[1:] - edges[:-1]
        counts = counts / widths / native.reduce("sum", native.cast(counts, FLOAT), (0,))
    return counts, edges


@implements(np.histogram_bin_edges)
def histogram_bin_edges(
    a: Array,
    bins: Any = 10,
    range: Any = None,
    weights: Any = None,
) -> Array:
    """Return the edges of the bins of a histogram."""
    from jacrs._adapters.creation import linspace

    if isinstance(bins, str):
        raise errors.not_supported("histogram", "bins", bins, "give their number or their edges")
    if np.ndim(bins) == 1:
        return operand(bins)
    if range is not None:
        first, last = range
    elif np.size(a) == 0:
        first, last = 0.0, 1.0
    else:
        first, last = min_(a), max_(a)
        if bool(first == last):
            first, last = first - 0.5, last + 0.5
    return linspace(first, last, int(bins) + 1)
