"""Elementwise functions that are not ufuncs, and ufuncs without a kernel of their own."""

# ruff: noqa: A002, ARG001, FBT002 (the signatures are NumPy's)

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jacrs._adapters import native
from jacrs._adapters.common import Array, as_float, deliver, operand
from jacrs._adapters.reductions import has_nan, truth
from jacrs._adapters.registry import METHODS, PROPERTIES, implements

_NOT_GIVEN: Any = object()


@implements(np.clip)
def clip(
    a: Array,
    a_min: Any = _NOT_GIVEN,
    a_max: Any = _NOT_GIVEN,
    out: Any = None,
    *,
    min: Any = _NOT_GIVEN,
    max: Any = _NOT_GIVEN,
) -> Array:
    """Limit elements to an interval; at a bound the derivative is shared with it."""
    if a_min is _NOT_GIVEN and a_max is _NOT_GIVEN:
        low = None if min is _NOT_GIVEN else min
        high = None if max is _NOT_GIVEN else max
    elif a_min is _NOT_GIVEN or a_max is _NOT_GIVEN:
        missing = "a_min" if a_min is _NOT_GIVEN else "a_max"
        raise TypeError(f"clip() missing 1 required positional argument: '{missing}'")
    elif min is not _NOT_GIVEN or max is not _NOT_GIVEN:
        raise ValueError(
            "Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided "
            "is forbidden."
        )
    else:
        low, high = a_min, a_max
    return deliver(limited(a, low, high), out, "clip")


def limited(x: Array, low: Any, high: Any) -> Array:
    """Return `x` between two bounds, either of which may be None."""
    if low is None and high is None:
        return operand(x).copy()
    y = x if low is None else native.ufunc("maximum", x, low)
    return y if high is None else native.ufunc("minimum", y, high)


def clip_method(x: Array, min: Any = None, max: Any = None, out: Any = None) -> Array:
    """Limit elements to an interval."""
    return deliver(limited(x, min, max), out, "clip")


METHODS["clip"] = clip_method


@implements(np.round, np.around, method="round")
def round_(a: Array, decimals: Any = 0, out: Any = None) -> Array:
    """Round to a number of decimals."""
    x = operand(a)
    if x.dtype.kind in "iu" and decimals >= 0:
        y = x.copy()
    elif decimals == 0:
        y = native.ufunc("rint", x)
    elif decimals > 0:
        y = native.ufunc("rint", x * 10.0**decimals) / 10.0**decimals
    else:
        scale = 10**-decimals
        y = native.ufunc("rint", x / scale) * scale
        y = native.cast(y, x.dtype) if x.dtype.kind in "iu" else y
    return deliver(y, out, "round")


@implements(np.fix)
def fix(x: Array, out: Any = None) -> Array:
    """Round towards zero."""
    x = operand(x)
    y = native.ufunc("trunc", x) if x.dtype.kind == "f" else x.copy()
    return deliver(y, out, "fix")


@implements(np.nan_to_num)
def nan_to_num(
    x: Array, copy: Any = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Array:
    """Replace NaN and infinities by finite numbers."""
    a = operand(x)
    if a.dtype.kind != "f":
        return a.copy() if copy else a
    limits = np.finfo(a.dtype)
    high = limits.max if posinf is None else posinf
    low = limits.min if neginf is None else neginf
    y = native.where(native.ufunc("isnan", a), nan, a)
    y = native.where(native.ufunc("equal", a, math.inf), high, y)
    y = native.where(native.ufunc("equal", a, -math.inf), low, y)
    return y if copy else deliver(y, x, "nan_to_num")


@implements(np.real)
def real(val: Array) -> Array:
    """Return the array: it is real."""
    return operand(val)


@implements(np.real_if_close)
def real_if_close(a: Array, tol: Any = 100) -> Array:
    """Return the array: it is real."""
    return operand(a)


@implements(np.imag)
def imag(val: Array) -> Array:
    """Return zeros: the array is real."""
    x = operand(val)
    return native.broadcast(np.zeros((), x.dtype), x.shape)


PROPERTIES["real"] = real
PROPERTIES["imag"] = imag


def same(x: Array) -> Array:
    """Return a copy: what `conj` and `+x` of real arrays are."""
    return operand(x).copy()


implements(np.conjugate, np.positive, method="conj")(same)
METHODS["conjugate"] = same


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """Tell that the array is not complex."""
    return False


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """Tell that the array is real."""
    return True


@implements(np.iscomplex)
def iscomplex(x: Array) -> Any:
    """Tell that no element has an imaginary part."""
    return np.zeros(operand(x).shape, bool)[()]


@implements(np.isreal)
def isreal(x: Array) -> Any:
    """Tell that no element has an imaginary part."""
    return np.ones(operand(x).shape, bool)[()]


@implements(np.angle)
def angle(z: Array, deg: Any = False) -> Array:
    """Return zero for positive and pi for negative elements."""
    y = native.ufunc("arctan2", 0.0, as_float(z))
    return native.ufunc("degrees", y) if deg else y


@implements(np.isneginf)
def isneginf(x: Array, out: Any = None) -> Array:
    """Tell which elements are minus infinity."""
    return deliver(native.ufunc("equal", x, -math.inf), out, "isneginf")


@implements(np.isposinf)
def isposinf(x: Array, out: Any = None) -> Array:
    """Tell which elements are plus infinity."""
    return deliver(native.ufunc("equal", x, math.inf), out, "isposinf")


def _missing(x: Array) -> Array:
    return native.ufunc("isnan", as_float(x))


@implements(np.isclose)
def isclose(
    a: Array, b: Array, rtol: Any = 1.0e-5, atol: Any = 1.0e-8, equal_nan: Any = False
) -> Array:
    """Tell which elements are nearly equal."""
    x, y = as_float(a), as_float(b)
    near = native.ufunc("absolute", native.ufunc("subtract", x, y)) <= atol + rtol * native.ufunc(
        "absolute", y
    )
    near = native.ufunc("logical_and", near, native.ufunc("isfinite", y))
    near = native.ufunc("logical_or", near, native.ufunc("equal", x, y))
    if equal_nan:
        both = native.ufunc("logical_and", _missing(x), _missing(y))
        near = native.ufunc("logical_or", near, both)
    return near


def _every(mask: Array) -> bool:
    return truth(native.reduce("prod", mask, tuple(range(mask.ndim))))


@implements(np.allclose)
def allclose(
    a: Array, b: Array, rtol: Any = 1.0e-5, atol: Any = 1.0e-8, equal_nan: Any = False
) -> bool:
    """Tell whether all elements are nearly equal; asks for the answer."""
    return _every(isclose(a, b, rtol, atol, equal_nan))


@implements(np.array_equal)
def array_equal(a1: Array, a2: Array, equal_nan: Any = False) -> bool:
    """Tell whether two arrays have the same shape and elements; asks for the answer."""
    x, y = operand(a1), operand(a2)
    if x.shape != y.shape:
        return False
    equal = native.ufunc("equal", x, y)
    if equal_nan and has_nan(x) and has_nan(y):
        both = native.ufunc("logical_and", _missing(x), _missing(y))
        equal = native.ufunc("logical_or", equal, both)
    return _every(equal)


@implements(np.array_equiv)
def array_equiv(a1: Array, a2: Array) -> bool:
    """Tell whether two arrays are equal once broadcast; asks for the answer."""
    x, y = operand(a1), operand(a2)
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return False
    return _every(native.ufunc("equal", x, y))


@implements(np.sinc)
def sinc(x: Array) -> Array:
    """Return `sin(pi x) / (pi x)`, with its derivatives of all orders up to the eighth at zero."""
    y = np.pi * as_float(x)
    small = native.ufunc("absolute", y) < 0.1
    s = native.ufunc("square", native.where(small, y, 0))
    # The Taylor series to y^10, whose remainder is below a quarter of the rounding error here.
    series = 1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110))))
    safe = native.where(small, 1, y)
    return native.where(small, series, native.ufunc("sin", safe) / safe)


@implements(np.modf)
def modf(x: Array, /) -> tuple[Array, Array]:
    """Split into what follows the point and what stands before it."""
    x = as_float(x)
    whole = native.ufunc("trunc", x)
    part = native.where(native.ufunc("isinf", x), 0, x - native.ufunc("trunc", x))
    return native.ufunc("copysign", part, x), whole


@implements(np.divmod)
def divmod_(x1: Array, x2: Array, /) -> tuple[Array, Array]:
    """Divide with remainder."""
    return native.ufunc("floor_divide", x1, x2), native.ufunc("remainder", x1, x2)


@implements(np.ldexp)
def ldexp(x1: Array, x2: Array, /) -> Array:
    """Multiply with a power of two."""
    x = as_float(x1)
    return x * native.ufunc("exp2", native.cast(x2, x.dtype))


@implements(np.frexp)
def frexp(x: Array, /) -> tuple[Array, Array]:
    """Split into a factor between one half and one, and a power of two."""
    x = as_float(x)
    size = native.ufunc("absolute", native.stop_gradient(x))
    usual = native.ufunc("logical_and", size > 0, native.ufunc("isfinite", size))
    power = native.ufunc("floor", native.ufunc("log2", native.where(usual, size, 0.5))) + 1
    # The logarithm may be rounded across a power of two.
    factor = native.where(usual, size, 0.5) * native.ufunc("exp2", -power)
    shift = native.where(factor >= 1, 1, native.where(factor < 0.5, -1, 0))
    power = power + native.cast(shift, x.dtype)
    return x * native.ufunc("exp2", -power), native.cast(power, np.int64)


@implements(np.left_shift)
def left_shift(x1: Array, x2: Array, /) -> Array:
    """Multiply integers with powers of two."""
    return native.ufunc("multiply", x1, native.ufunc("power", 2, x2))


@implements(np.right_shift)
def right_shift(x1: Array, x2: Array, /) -> Array:
    """Divide integers by powers of two."""
    return native.ufunc("floor_divide", x1, native.ufunc("power", 2, x2))


@implements(np.float_power)
def float_power(x1: Array, x2: Array, /) -> Array:
    """Raise to a power in float64."""
    return native.ufunc("power", *(native.cast(operand(x), np.float64) for x in (x1, x2)))


# The ufunc behind `np.clip`, which NumPy does not export.
_CLIP = getattr(getattr(getattr(np, "_core", None), "umath", None), "clip", None)


@implements(_CLIP)
def clip_ufunc(x: Array, low: Array, high: Array, /) -> Array:
    """Limit elements to an interval."""
    return limited(x, low, high)


@implements(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: Any, arr: Array, *args: Any, **kwargs: Any) -> Array:
    """Apply a function to every line along an axis."""
    from jacrs._adapters.common import moved, one_axis

    x = operand(arr)
    at = one_axis(axis, x.ndim)
    lines = moved(x, at, x.ndim - 1)
    outer = lines.shape[:-1]
    if math.prod(outer) == 0:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [operand(func1d(lines[place], *args, **kwargs)) for place in np.ndindex(*outer)]
    shape = tuple(results[0].shape)
    if not shape:
        return native.reshape(native.pack(results, (len(results),), None), outer)
    y = native.concat([native.reshape(r, (1, *shape)) for r in results], 0)
    y = native.reshape(y, (*outer, *shape))
    # The axes of the results take the place of the line.
    order = [*range(at), *range(len(outer), y.ndim), *range(at, len(outer))]
    return native.transpose(y, tuple(order))


@implements(np.apply_over_axes)
def apply_over_axes(func: Any, a: Array, axes: Any) -> Array:
    """Apply a function along one axis after the other."""
    from jacrs._adapters.common import expanded, one_axis

    x = operand(a)
    for axis in np.atleast_1d(axes):
        at = one_axis(axis, x.ndim)
        y = operand(func(x, at))
        y = y if y.ndim == x.ndim else expanded(y, at)
        if y.ndim != x.ndim:
            raise ValueError("function is not returning an array of the correct shape")
        x = y
    return x
