"""The methods of ufuncs, and calls of ufuncs with keywords."""

# ruff: noqa: FBT002 (the signatures are NumPy's)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._adapters import native
from jacrs._adapters.common import (
    Array,
    along,
    as_mask,
    deliver,
    expanded,
    kept,
    one_axis,
    operand,
    raveled,
    require_tracer,
    some_axes,
    to_dtype,
)
from jacrs._adapters.reductions import all_, any_, max_, min_, prod, sum_
from jacrs._adapters.registry import COMPOSITES, FUNCTIONS
from jacrs._adapters.scans import cumprod, cumsum
from jacrs._adapters.writing import places_of

if TYPE_CHECKING:
    from collections.abc import Callable

_REDUCTIONS: dict[np.ufunc, Callable[..., Array]] = {
    np.add: sum_,
    np.multiply: prod,
    np.maximum: max_,
    np.minimum: min_,
    np.logical_and: all_,
    np.logical_or: any_,
}
_SCANS: dict[np.ufunc, Callable[..., Array]] = {np.add: cumsum, np.multiply: cumprod}

# Grouping does not matter for these, so that halves can be taken together.
_ASSOCIATIVE = frozenset(
    {
        np.add,
        np.multiply,
        np.maximum,
        np.minimum,
        np.fmax,
        np.fmin,
        np.hypot,
        np.logaddexp,
        np.logaddexp2,
        np.logical_and,
        np.logical_or,
        np.logical_xor,
        np.bitwise_and,
        np.bitwise_or,
        np.bitwise_xor,
    }
)
_IGNORED = frozenset({"order", "subok", "casting", "signature", "sig"})


def ufunc_method(ufunc: np.ufunc, method: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """Do what `getattr(ufunc, method)(*inputs, **kwargs)` does."""
    if method == "__call__":
        return call(ufunc, inputs, kwargs)
    if method != "at" and (ufunc.nin != 2 or ufunc.nout != 1):
        kind = "binary functions" if ufunc.nin != 2 else "functions returning a single value"
        raise ValueError(f"{method} only supported for {kind}")
    return _METHODS[method](ufunc, *inputs, **kwargs)


def apply(ufunc: np.ufunc, *operands: Any) -> Any:
    """Call a ufunc without keywords."""
    adapter = COMPOSITES.get(ufunc)
    return native.ufunc(ufunc.__name__, *operands) if adapter is None else adapter(*operands)


def call(ufunc: np.ufunc, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """Call a ufunc with `out=`, `where=` and `dtype=`."""
    out, where, dtype = (kwargs.get(name, d) for name, d in _CALL_KEYWORDS)
    rest = {k: v for k, v in kwargs.items() if k not in _KNOWN}
    if ufunc.signature is not None:
        y = COMPOSITES[ufunc](*inputs, **rest)
        return deliver(to_dtype(y, dtype), out, ufunc.__name__)
    if rest:
        name, value = rest.popitem()
        raise errors.not_supported(ufunc.__name__, name, value, "leave it out")
    operands = inputs
    if dtype is not None:
        operands = [x if np.isscalar(x) else to_dtype(operand(x), dtype) for x in inputs]
    y = apply(ufunc, *operands)
    if out is None and where is True:
        return y
    outs = out if isinstance(out, tuple) else (out,) * ufunc.nout
    results = y if isinstance(y, tuple) else (y,)
    done = tuple(
        _written(ufunc.__name__, z, target, where) for z, target in zip(results, outs, strict=True)
    )
    return done if ufunc.nout > 1 else done[0]


_CALL_KEYWORDS: tuple[tuple[str, Any], ...] = (("out", None), ("where", True), ("dtype", None))
_KNOWN = _IGNORED.union(name for name, _ in _CALL_KEYWORDS)


def _written(function: str, y: Array, out: Any, where: Any) -> Array:
    if out is None:
        if where is True:
            return y
        # NumPy leaves what the mask passes over uninitialised; zero is as good.
        return native.where(as_mask(where), y, np.zeros((), y.dtype))
    require_tracer(out, function, "out")
    if y.shape != out.shape:
        y = native.broadcast(y, out.shape)
    return deliver(y if where is True else native.where(as_mask(where), y, out), out, function)


def reduce(
    ufunc: np.ufunc,
    array: Array,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Array:
    """Fold a ufunc over axes."""
    x = operand(array)
    if x.ndim == 0 and axis == 0:
        axis = None
    known = _REDUCTIONS.get(ufunc)
    if ufunc in (np.add, np.multiply):
        return known(x, axis, dtype, out, keepdims, initial, where)  # type: ignore[misc]
    if ufunc in (np.maximum, np.minimum):
        return known(to_dtype(x, dtype), axis, out, keepdims, initial, where)  # type: ignore[misc]
    if known is not None and initial is None:
        return known(x, axis, out, keepdims, where=where)
    if where is not True:
        raise errors.not_supported(
            f"{ufunc.__name__}.reduce", "where", where, "use np.where before reducing"
        )
    axes = some_axes(axis, x.ndim)
    if len(axes) > 1 and ufunc not in _ASSOCIATIVE:
        raise ValueError(
            f"reduction operation '{ufunc.__name__}' is not reorderable, so at most one axis may "
            "be specified"
        )
    y = to_dtype(x, dtype)
    for at in reversed(axes):
        y = _folded(ufunc, y, at, initial)
    y = native.reshape(y, kept(x.shape, axes)) if keepdims else y
    return deliver(y, out, f"{ufunc.__name__}.reduce")


def _folded(ufunc: np.ufunc, x: Array, axis: int, initial: Any) -> Array:
    """Fold a ufunc along one axis, by halves where grouping does not matter."""
    n = x.shape[axis]
    if n == 0:
        start = ufunc.identity if initial is None else initial
        if start is None:
            raise ValueError(
                f"zero-size array to reduction operation {ufunc.__name__} which has no identity"
            )
        shape = x.shape[:axis] + x.shape[axis + 1 :]
        return native.broadcast(native.cast(start, x.dtype), shape)
    if ufunc in _ASSOCIATIVE:
        while n > 1:
            half = n // 2
            pairs = apply(
                ufunc,
                x[along(axis, slice(0, 2 * half, 2))],
                x[along(axis, slice(1, 2 * half, 2))],
            )
            x = native.concat([pairs, x[along(axis, slice(n - 1, n))]], axis) if n % 2 else pairs
            n = half + n % 2
        y = x[along(axis, 0)]
        return y if initial is None else apply(ufunc, initial, y)
    y, start = (x[along(axis, 0)], 1) if initial is None else (initial, 0)
    for k in range(start, n):
        y = apply(ufunc, y, x[along(axis, k)])
    return y


def accumulate(
    ufunc: np.ufunc, array: Array, axis: Any = 0, dtype: Any = None, out: Any = None
) -> Array:
    """Fold a ufunc along an axis and keep what lies between."""
    x = operand(array)
    if x.ndim == 0:
        raise TypeError("cannot accumulate on a scalar")
    at = one_axis(axis, x.ndim)
    scan = _SCANS.get(ufunc)
    if scan is not None:
        return scan(x, at, dtype, out)
    x = to_dtype(x, dtype)
    if ufunc in (np.logical_and, np.logical_or, np.logical_xor):
        x = as_mask(x)
    n = x.shape[at]
    if ufunc in _ASSOCIATIVE:
        step = 1
        while step < n:  # after each step an element covers twice as many
            joined = apply(ufunc, x[along(at, slice(0, n - step))], x[along(at, slice(step, n))])
            x = native.concat([x[along(at, slice(0, step))], joined], at)
            step *= 2
        return deliver(x if n > 1 else x.copy(), out, f"{ufunc.__name__}.accumulate")
    lines = [x[along(at, k)] for k in range(min(n, 1))]
    for k in range(1, n):
        lines.append(apply(ufunc, lines[-1], x[along(at, k)]))
    y = native.concat([expanded(line, at) for line in lines], at) if lines else x.copy()
    return deliver(y, out, f"{ufunc.__name__}.accumulate")


def outer(ufunc: np.ufunc, a: Array, b: Array, /, **kwargs: Any) -> Array:
    """Apply a ufunc to every pair of elements."""
    x, y = operand(a), operand(b)
    x = native.reshape(x, tuple(x.shape) + (1,) * y.ndim)
    return call(ufunc, (x, y), kwargs) if kwargs else apply(ufunc, x, y)


def reduceat(
    ufunc: np.ufunc,
    array: Array,
    indices: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
) -> Array:
    """Fold a ufunc over parts of an axis."""
    x = operand(array)
    at = one_axis(axis, x.ndim)
    places = native.value(indices) if isinstance(indices, native.Tracer) else np.asarray(indices)
    n = x.shape[at]
    parts = []
    for k, start in enumerate(places.tolist()):
        if not 0 <= start < n:
            raise IndexError(f"index {start} out-of-bounds in {ufunc.__name__}.reduceat [0, {n})")
        end = places[k + 1] if k + 1 < places.size else n
        part = x[along(at, slice(start, max(int(end), start + 1)))]
        parts.append(reduce(ufunc, part, at, dtype, None, keepdims=True))
    y = native.concat(parts, at) if parts else x[along(at, slice(0, 0))]
    return deliver(y, out, f"{ufunc.__name__}.reduceat")


def at(ufunc: np.ufunc, a: Array, indices: Any, b: Any = None, /) -> None:
    """Apply a ufunc in place at an index, repeatedly to repeated places."""
    require_tracer(a, f"{ufunc.__name__}.at", "a")
    if ufunc is np.add:
        native.add_at(a, indices, to_dtype(operand(b), a.dtype))
        return
    if ufunc is np.subtract:
        native.add_at(a, indices, native.ufunc("negative", to_dtype(operand(b), a.dtype)))
        return
    places = places_of(a, indices)
    flat = native.value(places) if isinstance(places, native.Tracer) else places
    values = [] if b is None else [raveled(native.broadcast(operand(b), flat.shape))]
    line = raveled(a).copy()
    for turn in _turns(flat.ravel()):
        index = flat.ravel()[turn]
        now = native.gather(line, index)
        line[index] = apply(ufunc, now, *(native.gather(v, turn) for v in values))
    a[...] = native.reshape(line, a.shape)


def _turns(places: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """Return groups of positions such that none names a place twice, in order."""
    order = np.argsort(places, kind="stable")
    line = places[order]
    new = np.ones(line.size, bool)
    new[1:] = line[1:] != line[:-1]
    starts = np.maximum.accumulate(np.where(new, np.arange(line.size), 0))
    repeat = np.empty(line.size, np.int64)
    repeat[order] = np.arange(line.size) - starts
    return [np.flatnonzero(repeat == k) for k in range(int(repeat.max(initial=-1)) + 1)]


_METHODS: dict[str, Callable[..., Any]] = {
    "reduce": reduce,
    "accumulate": accumulate,
    "outer": outer,
    "reduceat": reduceat,
    "at": at,
}


def _enter_composite(ufunc: np.ufunc) -> None:
    def adapter(*inputs: Any, **keywords: Any) -> Any:
        return call(ufunc, inputs, keywords) if keywords else COMPOSITES[ufunc](*inputs)

    adapter.__name__ = ufunc.__name__
    adapter.__doc__ = COMPOSITES[ufunc].__doc__
    FUNCTIONS[ufunc] = adapter


def enter_composites() -> None:
    """Enter the ufuncs that are compositions, with the keywords of all ufuncs."""
    for ufunc in COMPOSITES:
        _enter_composite(ufunc)
