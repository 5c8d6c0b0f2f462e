"""Running sums and products, differences and slopes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jacrs._adapters import native
from jacrs._adapters.common import (
    Array,
    along,
    as_float,
    deliver,
    one_axis,
    operand,
    raveled,
)
from jacrs._adapters.reductions import wide
from jacrs._adapters.registry import implements


def scanned(a: Array, axis: Any, dtype: Any, out: Any) -> tuple[Array, int]:
    """Return what a scan runs over, in NumPy's dtype, and its axis."""
    x = wide(operand(a), dtype, out)
    if axis is None or x.ndim == 0:
        if axis is not None:
            one_axis(axis, 1)
        return raveled(x), 0
    return x, one_axis(axis, x.ndim)


@implements(np.cumsum, method="cumsum")
def cumsum(a: Array, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """Add up along an axis."""
    x, at = scanned(a, axis, dtype, out)
    return deliver(native.cumulate("sum", at, x), out, "cumsum")


@implements(np.cumprod, method="cumprod")
def cumprod(a: Array, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """Multiply up along an axis."""
    x, at = scanned(a, axis, dtype, out)
    return deliver(running_product(x, at), out, "cumprod")


def running_product(x: Array, axis: int) -> Array:
    """Return `y[i] = x[i] y[i-1]` from `y[0] = x[0]`: a recurrence, right where `x` has zeros."""
    shape = x.shape
    if shape[axis] == 0:
        return native.cumulate("sum", axis, x)
    rest = (*shape[:axis], shape[axis] - 1, *shape[axis + 1 :])
    start = native.concat([x[along(axis, slice(0, 1))], np.zeros(rest, x.dtype)], axis)
    return native.cumulate("recurrence", axis, x, start)


def cumulative(kind: str, x: Array, axis: Any, dtype: Any, out: Any, include_initial: Any) -> Array:
    """Scan as the array API says: a single axis, with the neutral element in front if asked."""
    x = operand(x)
    if x.ndim == 0:
        raise ValueError("Input array must be at least one-dimensional.")
    if x.ndim > 1 and axis is None:
        raise ValueError(
            "For arrays which have more than one dimension ``axis`` argument is required."
        )
    scan = cumsum if kind == "sum" else cumprod
    y = scan(x, axis, dtype)
    if include_initial:
        at = one_axis(0 if axis is None else axis, y.ndim)
        shape = (*y.shape[:at], 1, *y.shape[at + 1 :])
        y = native.concat([np.full(shape, 0 if kind == "sum" else 1, y.dtype), y], at)
    return deliver(y, out, f"cumulative_{kind}")


@implements(getattr(np, "cumulative_sum", None))
def cumulative_sum(
    x: Array,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: Any = False,
) -> Array:
    """Add up along an axis."""
    return cumulative("sum", x, axis, dtype, out, include_initial)


@implements(getattr(np, "cumulative_prod", None))
def cumulative_prod(
    x: Array,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: Any = False,
) -> Array:
    """Multiply up along an axis."""
    return cumulative("prod", x, axis, dtype, out, include_initial)


@implements(np.diff)
def diff(a: Array, n: Any = 1, axis: Any = -1, prepend: Any = None, append: Any = None) -> Array:
    """Subtract neighbours along an axis, `n` times."""
    if n == 0:
        return a
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    x = operand(a)
    if x.ndim == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    at = one_axis(axis, x.ndim)
    parts = [_edge(prepend, x, at), x, _edge(append, x, at)]
    parts = [part for part in parts if part is not None]
    x = native.concat(parts, at) if len(parts) > 1 else x
    kind = "not_equal" if x.dtype.kind == "b" else "subtract"
    for _ in range(n):
        x = native.ufunc(kind, x[along(at, slice(1, None))], x[along(at, slice(None, -1))])
    return x


def _edge(edge: Any, x: Array, axis: int) -> Array:
    if edge is None:
        return None
    edge = operand(edge)
    if edge.ndim == 0:
        shape = list(x.shape)
        shape[axis] = 1
        edge = native.broadcast(edge, tuple(shape))
    return edge


@implements(np.ediff1d)
def ediff1d(ary: Array, to_end: Any = None, to_begin: Any = None) -> Array:
    """Subtract neighbours of the raveled array."""
    x = raveled(operand(ary))
    parts = [x[1:] - x[:-1]]
    for given, place in ((to_begin, 0), (to_end, 2)):
        if given is None:
            continue
        edge = raveled(operand(given))
        if not np.can_cast(edge.dtype, x.dtype, casting="same_kind"):
            name = "to_begin" if place == 0 else "to_end"
            raise TypeError(
                f"dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule."
            )
        parts.insert(place, native.cast(edge, x.dtype))
    return native.concat(parts, 0) if len(parts) > 1 else parts[0]


@implements(np.trapezoid, getattr(np, "trapz", None))
def trapezoid(y: Array, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Array:
    """Integrate along an axis by the trapezoidal rule."""
    y = operand(y)
    at = one_axis(axis, y.ndim)
    step: Any = dx
    if x is not None:
        x = operand(x)
        step = diff(x, axis=0 if x.ndim == 1 else axis)
        if x.ndim == 1:
            step = expanded_to(step, at, y.ndim)
    pairs = y[along(at, slice(1, None))] + y[along(at, slice(None, -1))]
    return native.reduce("sum", step * pairs / 2.0, (at,))


def _column(n: int, axis: int, ndim: int) -> tuple[int, ...]:
    return tuple(n if k == axis else 1 for k in range(ndim))


@implements(np.gradient)
def gradient(f: Array, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    """Take the slopes by central differences inside and one-sided ones at the ends."""
    x = as_float(f)
    ndim = x.ndim
    if axis is None:
        axes = tuple(range(ndim))
    else:
        axes = tuple(one_axis(k, ndim) for k in (axis if isinstance(axis, tuple) else (axis,)))
    spacings = _spacings(x, axes, varargs)
    if edge_order not in (1, 2):
        raise ValueError("'edge_order' greater than 2 not supported")
    for at in axes:
        if x.shape[at] < edge_order + 1:
            raise ValueError(
                "Shape of array too small to calculate a numerical gradient, "
                "at least (edge_order + 1) elements are required."
            )
    slopes = [_slope(x, at, h, edge_order) for at, h in zip(axes, spacings, strict=True)]
    return slopes[0] if len(axes) == 1 else tuple(slopes)


def _spacings(x: Array, axes: tuple[int, ...], given: tuple[Any, ...]) -> list[Any]:
    if not given:
        return [1.0] * len(axes)
    if len(given) == 1 and np.ndim(given[0]) == 0:
        return [given[0]] * len(axes)
    if len(given) != len(axes):
        raise TypeError("invalid number of arguments")
    spacings = []
    for at, spacing in zip(axes, given, strict=True):
        if np.ndim(spacing) == 0:
            spacings.append(spacing)
            continue
        h = operand(spacing)
        if h.ndim != 1:
            raise ValueError("distances must be either scalars or 1d")
        if h.shape[0] != x.shape[at]:
            raise ValueError(
                "when 1d, distances must match the length of the corresponding dimension"
            )
        steps = diff(as_float(h))
        # Evenly spaced points have the simpler formula, which NumPy takes as well.
        even = isinstance(steps, np.ndarray) and bool((steps == steps[0]).all())
        spacings.append(steps[0] if even else steps)
    return spacings


def _slope(x: Array, at: int, h: Any, edge_order: int) -> Array:
    """Return the slopes along one axis for a step, or for the list of steps."""

    def part(start: int, stop: int | None) -> Array:
        return x[along(at, slice(start, stop))]

    n = x.shape[at]
    if np.ndim(h) == 0:
        inside = (part(2, None) - part(0, -2)) / (2.0 * h)
        first, last = h, h
        h_first, h_last = (h, h), (h, h)
    else:
        before, after = (expanded_to(s, at, x.ndim) for s in (h[:-1], h[1:]))
        inside = (
            -after / (before * (before + after)) * part(0, -2)
            + (after - before) / (before * after) * part(1, -1)
            + before / (after * (before + after)) * part(2, None)
        )
        first, last = h[0], h[-1]
        h_first = (h[0], h[1]) if n > 2 else (h[0], h[0])
        h_last = (h[-1], h[-2]) if n > 2 else (h[-1], h[-1])
    if edge_order == 1:
        head = (part(1, 2) - part(0, 1)) / first
        tail = (part(n - 1, n) - part(n - 2, n - 1)) / last
    else:
        head = _one_sided([part(k, k + 1) for k in (0, 1, 2)], *h_first)
        tail = -_one_sided([part(k, k + 1) for k in (n - 1, n - 2, n - 3)], *h_last)
    return native.concat([head, inside, tail], at)


def _one_sided(points: list[Array], near: Any, far: Any) -> Array:
    """Return the slope at the first of three points, of second order."""
    both = near + far
    return (
        -(2.0 * near + far) / (near * both) * points[0]
        + both / (near * far) * points[1]
        - near / (far * both) * points[2]
    )


def expanded_to(x: Array, axis: int, ndim: int) -> Array:
    """Return the list `x` laid along `axis` of `ndim` axes."""
    return native.reshape(x, _column(x.shape[0], axis, ndim))


@implements(np.unwrap)
def unwrap(p: Array, discont: Any = None, axis: Any = -1, *, period: Any = 2 * math.pi) -> Array:
    """Add multiples of the period so that neighbours are close."""
    p = operand(p)
    at = one_axis(axis, p.ndim)
    steps = diff(p, axis=at)
    discont = period / 2 if discont is None else discont
    if steps.dtype.kind == "i" and isinstance(period, int):
        half, odd = divmod(period, 2)
        boundary_ambiguous = odd == 0
    else:
        half, boundary_ambiguous = period / 2, True
    wrapped = native.ufunc("remainder", steps + half, period) - half
    if boundary_ambiguous:
        at_edge = native.ufunc("logical_and", wrapped == -half, steps > 0)
        wrapped = native.where(at_edge, half, wrapped)
    small = native.ufunc("absolute", steps) < discont
    correction = native.where(small, 0, wrapped - steps)
    rest = p[along(at, slice(1, None))] + native.cumulate("sum", at, correction)
    return native.concat([p[along(at, slice(0, 1))], rest], at)


@implements(np.interp)
def interp(
    x: Array, xp: Array, fp: Array, left: Any = None, right: Any = None, period: Any = None
) -> Array:
    """Interpolate linearly between points; at a point the slope is that of the right side."""
    from jacrs._adapters.sorting import argsort, searchsorted

    x, xp, fp = as_float(x), as_float(xp), as_float(fp)
    if period is not None:
        if period == 0:
            raise ValueError("period must be a non-zero value")
        period, left, right = abs(period), None, None
        x, xp = x % period, xp % period
        order = argsort(xp)
        xp, fp = native.gather(xp, order), native.gather(fp, order)
        xp = native.concat([xp[-1:] - period, xp, xp[:1] + period], 0)
        fp = native.concat([fp[-1:], fp, fp[:1]], 0)
    if xp.ndim != 1 or fp.ndim != 1:
        raise ValueError("Data points must be 1-D sequences")
    n = xp.shape[0]
    if n == 0:
        raise ValueError("array of sample points is empty")
    if fp.shape[0] != n:
        raise ValueError("fp and xp are not of the same length.")
    if n == 1:
        y = native.broadcast(fp[0], x.shape)
    else:
        place = searchsorted(xp, x, side="right") - 1
        place = native.ufunc("minimum", native.ufunc("maximum", place, 0), n - 2)
        (x0, x1), (y0, y1) = (
            (native.gather(v, place), native.gather(v, place + 1)) for v in (xp, fp)
        )
        y = (y1 - y0) / (x1 - x0) * (x - x0) + y0
    y = native.where(x < xp[0], fp[0] if left is None else left, y)
    return native.where(x > xp[-1], fp[-1] if right is None else right, y)
