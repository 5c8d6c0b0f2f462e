"""What all adapters share: operands, axes and outputs."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.exceptions import AxisError

from jacrs import errors
from jacrs._adapters import native

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Array: TypeAlias = Any
"""A tracer, or anything that NumPy takes for an array."""

BOOL, INT, FLOAT = np.dtype(np.bool_), np.dtype(np.int64), np.dtype(np.float64)


def operand(x: Array) -> Array:
    """Return `x` as a tracer or an array; lists may hold tracers."""
    if isinstance(x, (native.Tracer, np.ndarray)):
        return x
    if isinstance(x, (list, tuple)) and holds_tracer(x):
        return packed(x)
    return np.asarray(x)


def tracer(x: Array) -> Array:
    """Return `x` as a tracer."""
    x = operand(x)
    return x if isinstance(x, native.Tracer) else native.lift(x, writable=False)


def holds_tracer(x: Any) -> bool:
    """Tell whether `x` is a tracer or a nest of lists with one."""
    if isinstance(x, (list, tuple)):
        return any(holds_tracer(item) for item in x)
    return isinstance(x, native.Tracer)


def packed(items: Sequence[Any]) -> Array:
    """Return the array that `np.array(items)` would be."""
    parts: list[Array] = [item if np.isscalar(item) else operand(item) for item in items]
    shapes = {() if np.isscalar(part) else tuple(part.shape) for part in parts}
    if shapes == {()}:
        return native.pack(parts, (len(parts),), None)
    if len(shapes) != 1:
        raise numpy_error(np.array, parts)
    return native.concat([native.reshape(part, (1, *part.shape)) for part in parts], 0)


def as_mask(x: Array) -> Array:
    """Return `x != 0` unless `x` is boolean already."""
    x = operand(x)
    return x if x.dtype == BOOL else native.ufunc("not_equal", x, 0)


def as_float(x: Array) -> Array:
    """Return `x`, integers and booleans as float64."""
    x = operand(x)
    return native.cast(x, FLOAT) if x.dtype.kind in "biu" else x


def to_dtype(x: Array, dtype: Any) -> Array:
    """Return `x` in `dtype`, itself where it has it already."""
    return x if dtype is None or x.dtype == dtype else native.cast(x, np.dtype(dtype))


def like_operands(x: Array, *others: Array) -> Array:
    """Return `x` in the dtype that it and `others` promote to."""
    return to_dtype(x, np.result_type(x.dtype, *(o.dtype for o in others)))


def one_axis(axis: Any, ndim: int) -> int:
    """Return `axis` counted from the front."""
    at: int = operator.index(axis)
    if not -ndim <= at < ndim:
        raise AxisError(at, ndim)
    return at + ndim if at < 0 else at


def some_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes named by None, an integer or a tuple, in order and counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int:
        return (one_axis(axis, ndim),)
    axes = tuple(one_axis(a, ndim) for a in (axis if isinstance(axis, (tuple, list)) else (axis,)))
    if len(set(axes)) != len(axes):
        raise ValueError("duplicate value in 'axis'")
    return tuple(sorted(axes))


def kept(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """Return `shape` with ones at `axes`."""
    return tuple(1 if k in axes else n for k, n in enumerate(shape))


def along(axis: int, index: Any) -> tuple[Any, ...]:
    """Return the index that applies `index` to `axis`."""
    return (slice(None),) * axis + (index,)


def expanded(x: Array, axis: int) -> Array:
    """Return `x` with an axis of length one put at `axis`."""
    shape = x.shape
    return native.reshape(x, (*shape[:axis], 1, *shape[axis:]))


def raveled(x: Array) -> Array:
    """Return `x` as a list, in C order."""
    return x if x.ndim == 1 else native.reshape(x, (x.size,))


def moved(x: Array, source: int, destination: int) -> Array:
    """Return `x` with one axis moved; both are counted from the front."""
    if source == destination:
        return x
    order = [k for k in range(x.ndim) if k != source]
    order.insert(destination, source)
    return native.transpose(x, tuple(order))


def broadcast_together(*operands: Array) -> list[Array]:
    """Return the operands broadcast against each other."""
    shape = np.broadcast_shapes(*(x.shape for x in operands))
    return [x if x.shape == shape else native.broadcast(x, shape) for x in operands]


def in_c_order(x: Array) -> bool:
    """Tell whether the elements lie in memory in C order, without gaps."""
    expected = x.dtype.itemsize
    for n, step in zip(reversed(x.shape), reversed(x.strides), strict=True):
        if n != 1 and step != expected:
            return bool(x.size == 0)
        expected *= n
    return True


def length(shape: Sequence[int], axes: Sequence[int]) -> int:
    """Return the number of elements along `axes`."""
    return math.prod(shape[axis] for axis in axes)


def as_array(y: Array) -> Array:
    """Return a result as an array, without dimensions too: as some functions of NumPy do."""
    return y if y.ndim else native.as_array(y)


def as_scalar(y: Array) -> Array:
    """Return a result without dimensions as a scalar: as most functions of NumPy do."""
    return y if y.ndim else y[()]


def deliver(y: Array, out: Any, function: str) -> Array:
    """Return `y`, written to `out` if there is one."""
    if out is None:
        return y
    if isinstance(out, tuple):
        (out,) = out
        if out is None:
            return y
    require_tracer(out, function, "out")
    if y.shape != out.shape:
        raise errors.wrong_target(function, out.shape, y.shape)
    if not np.can_cast(y.dtype, out.dtype, "same_kind"):
        raise TypeError(
            f"Cannot cast {function} output from {y.dtype!r} to {out.dtype!r} "
            "with casting rule 'same_kind'"
        )
    out[...] = y
    return out


def require_tracer(target: Any, function: str, name: str) -> None:
    """Refuse to write to an array that was made outside of the recording."""
    if not isinstance(target, native.Tracer):
        raise errors.plain_target(function, name)


def stand_in(x: Any) -> Any:
    """Return `x` with tracers replaced by arrays of zeros that take no memory."""
    if isinstance(x, native.Tracer):
        return np.broadcast_to(np.zeros((), x.dtype), x.shape)
    if isinstance(x, (list, tuple)):
        return [stand_in(item) for item in x]
    return x


def numpy_error(function: Callable[..., Any], *args: Any, **keywords: Any) -> Exception:
    """Return the error that NumPy raises for such arguments."""
    try:
        function(*(stand_in(a) for a in args), **{k: stand_in(v) for k, v in keywords.items()})
    except (ValueError, TypeError, IndexError) as error:
        return error
    return errors.not_taken(function.__name__)
