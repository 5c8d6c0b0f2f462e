"""Shapes, axes and order of axes."""

# ruff: noqa: ARG001, FBT002 (the signatures are NumPy's)

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from jacrs import errors
from jacrs._adapters import native
from jacrs._adapters.common import (
    Array,
    along,
    as_array,
    expanded,
    in_c_order,
    moved,
    one_axis,
    operand,
    raveled,
)
from jacrs._adapters.registry import METHODS, PROPERTIES, implements


def resolved(size: int, shape: Any) -> tuple[int, ...]:
    """Return a shape for `size` elements with its -1 replaced."""
    dims = tuple(map(operator.index, shape)) if _is_sequence(shape) else (operator.index(shape),)
    if -1 not in dims:
        if math.prod(dims) != size:
            raise ValueError(f"cannot reshape array of size {size} into shape {_written(dims)}")
        return dims
    if dims.count(-1) > 1:
        raise ValueError("can only specify one unknown dimension")
    known = math.prod(n for n in dims if n != -1)
    if known == 0 or size % known:
        raise ValueError(f"cannot reshape array of size {size} into shape {_written(dims)}")
    return tuple(size // known if n == -1 else n for n in dims)


def _written(dims: tuple[int, ...]) -> str:
    return str(dims).replace(" ", "").replace("-1", "newaxis")


def _is_sequence(shape: Any) -> bool:
    return isinstance(shape, (tuple, list)) or (isinstance(shape, np.ndarray) and shape.ndim == 1)


def backwards(x: Array) -> Array:
    """Return `x` with its axes in reverse order."""
    return native.transpose(x, tuple(range(x.ndim - 1, -1, -1)))


def reshaped(x: Array, shape: Any, order: str = "C") -> Array:
    """Reshape in C or Fortran order."""
    dims = resolved(x.size, shape)
    if order == "C":
        return native.reshape(x, dims)
    if order != "F":
        raise errors.not_supported("reshape", "order", order, "use order='C' or order='F'")
    return backwards(native.reshape(backwards(x), dims[::-1]))


@implements(np.reshape)
def reshape(a: Array, /, shape: Any, order: str = "C", *, copy: Any = None) -> Array:
    """Give the elements another shape."""
    if copy is False:
        raise errors.not_supported(
            "reshape", "copy", copy, "leave it out: the result is a view where it can be"
        )
    y = reshaped(operand(a), shape, order)
    return y.copy() if copy else y


def reshape_method(x: Array, *shape: Any, order: str = "C", copy: Any = None) -> Array:
    """Give the elements another shape, written as one tuple or as several integers."""
    return reshape(x, shape[0] if len(shape) == 1 else shape, order, copy=copy)


METHODS["reshape"] = reshape_method


@implements(np.ravel, method="ravel")
def ravel(a: Array, order: str = "C") -> Array:
    """Lay the elements out in a list: a view of what lies in C order, else a copy."""
    x = operand(a)
    y = reshaped(x, -1, order)
    return y if in_c_order(x if order == "C" else backwards(x)) else y.copy()


def flatten(x: Array, order: str = "C") -> Array:
    """Lay the elements out in a list of their own."""
    return reshaped(x, -1, order).copy()


METHODS["flatten"] = flatten


def view(x: Array, dtype: Any = None, type: Any = None) -> Array:  # noqa: A002
    """Return another name for the same array."""
    if dtype is not None and np.dtype(dtype) != x.dtype:
        raise errors.not_supported(
            "view", "dtype", dtype, "use astype, which converts the elements"
        )
    return x[...]


METHODS["view"] = view


@implements(np.transpose)
def transpose(a: Array, axes: Any = None) -> Array:
    """Put the axes in another order."""
    x = operand(a)
    if axes is None:
        return backwards(x)
    if len(axes) != x.ndim:
        raise ValueError("axes don't match array")
    order = tuple(one_axis(axis, x.ndim) for axis in axes)
    if len(set(order)) != x.ndim:
        raise ValueError("repeated axis in transpose")
    return native.transpose(x, order)


def transpose_method(x: Array, *axes: Any) -> Array:
    """Put the axes in another order, written as one tuple or as several integers."""
    if not axes or axes == (None,):
        return backwards(x)
    return transpose(x, axes if isinstance(axes[0], int) else axes[0])


METHODS["transpose"] = transpose_method


@implements(getattr(np, "matrix_transpose", None), getattr(np.linalg, "matrix_transpose", None))
def matrix_transpose(x: Array, /) -> Array:
    """Swap the last two axes."""
    x = operand(x)
    if x.ndim < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {x.ndim}")
    return swapaxes(x, -1, -2)


PROPERTIES["mT"] = matrix_transpose


@implements(np.swapaxes, method="swapaxes")
def swapaxes(a: Array, axis1: Any, axis2: Any) -> Array:
    """Swap two axes."""
    x = operand(a)
    first, second = one_axis(axis1, x.ndim), one_axis(axis2, x.ndim)
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    return native.transpose(x, tuple(order))


@implements(np.moveaxis)
def moveaxis(a: Array, source: Any, destination: Any) -> Array:
    """Move axes to other places; the rest keep their order."""
    x = operand(a)
    sources = _axes(source, x.ndim, "source")
    targets = _axes(destination, x.ndim, "destination")
    if len(sources) != len(targets):
        raise ValueError(
            "`source` and `destination` arguments must have the same number of elements"
        )
    order = [k for k in range(x.ndim) if k not in sources]
    for target, at in sorted(zip(targets, sources, strict=True)):
        order.insert(target, at)
    return native.transpose(x, tuple(order))


def _axes(axes: Any, ndim: int, name: str) -> list[int]:
    found = [one_axis(k, ndim) for k in (axes if isinstance(axes, (tuple, list)) else (axes,))]
    if len(set(found)) != len(found):
        raise ValueError(f"repeated axis in `{name}` argument")
    return found


@implements(np.rollaxis)
def rollaxis(a: Array, axis: Any, start: Any = 0) -> Array:
    """Roll an axis back until it lies before `start`."""
    x = operand(a)
    at = one_axis(axis, x.ndim)
    start = start + x.ndim if start < 0 else start
    if not 0 <= start <= x.ndim:
        raise np.exceptions.AxisError(
            f"'start' arg requires {-x.ndim} <= start < {x.ndim + 1}, but {start} was passed in"
        )
    return moved(x, at, start - 1 if at < start else start)


@implements(np.squeeze, method="squeeze")
def squeeze(a: Array, axis: Any = None) -> Array:
    """Drop axes of length one."""
    x = operand(a)
    shape = x.shape
    if axis is None:
        return native.reshape(x, tuple(n for n in shape if n != 1))
    drop = [one_axis(k, len(shape)) for k in (axis if isinstance(axis, tuple) else (axis,))]
    if any(shape[k] != 1 for k in drop):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return native.reshape(x, tuple(n for k, n in enumerate(shape) if k not in drop))


@implements(np.expand_dims)
def expand_dims(a: Array, axis: Any) -> Array:
    """Put in axes of length one."""
    x = operand(a)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    ndim = x.ndim + len(axes)
    places = {one_axis(k, ndim) for k in axes}
    if len(places) != len(axes):
        raise ValueError("repeated axis")
    rest = iter(x.shape)
    return native.reshape(x, tuple(1 if k in places else next(rest) for k in range(ndim)))


def at_least(x: Array, ndim: int) -> Array:
    """Return `x` with axes of length one in front."""
    return native.reshape(x, (1,) * (ndim - x.ndim) + tuple(x.shape)) if x.ndim < ndim else x


@implements(np.atleast_1d)
def atleast_1d(*arys: Array) -> Any:
    """Give scalars an axis."""
    done = tuple(at_least(operand(x), 1) for x in arys)
    return done[0] if len(done) == 1 else done


@implements(np.atleast_2d)
def atleast_2d(*arys: Array) -> Any:
    """Give lists a first axis."""
    done = tuple(at_least(operand(x), 2) for x in arys)
    return done[0] if len(done) == 1 else done


def at_least_3d(x: Array) -> Array:
    """Return `x` with NumPy's way of making three axes."""
    x = at_least(x, 1)
    if x.ndim == 1:
        return native.reshape(x, (1, x.shape[0], 1))
    return expanded(x, 2) if x.ndim == 2 else x


@implements(np.atleast_3d)
def atleast_3d(*arys: Array) -> Any:
    """Give up to three axes."""
    done = tuple(at_least_3d(operand(x)) for x in arys)
    return done[0] if len(done) == 1 else done


@implements(np.broadcast_to)
def broadcast_to(array: Array, shape: Any, subok: Any = False) -> Array:
    """Repeat along new and stretched axes, as a read-only view."""
    x = operand(array)
    dims = tuple(shape) if _is_sequence(shape) else (operator.index(shape),)
    if len(dims) < x.ndim or any(
        n not in (1, m) for n, m in zip(x.shape[::-1], dims[::-1], strict=False)
    ):
        raise ValueError(
            "operands could not be broadcast together with remapped shapes [original->remapped]: "
            f"{_written(x.shape)}  and requested shape {_written(dims)}"
        )
    return native.broadcast(x, dims)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Array, subok: Any = False) -> Any:
    """Broadcast arrays against each other."""
    operands = [operand(x) for x in args]
    shape = np.broadcast_shapes(*(x.shape for x in operands))
    return tuple(x if x.shape == shape else native.broadcast(x, shape) for x in operands)


@implements(np.flip)
def flip(m: Array, axis: Any = None) -> Array:
    """Reverse the order along axes."""
    x = operand(m)
    if axis is None:
        return x[(slice(None, None, -1),) * x.ndim]
    axes = {one_axis(k, x.ndim) for k in (axis if isinstance(axis, tuple) else (axis,))}
    return x[tuple(slice(None, None, -1 if k in axes else None) for k in range(x.ndim))]


@implements(np.fliplr)
def fliplr(m: Array) -> Array:
    """Reverse the second axis."""
    x = operand(m)
    if x.ndim < 2:
        raise ValueError("Input must be >= 2-d.")
    return flip(x, 1)


@implements(np.flipud)
def flipud(m: Array) -> Array:
    """Reverse the first axis."""
    x = operand(m)
    if x.ndim < 1:
        raise ValueError("Input must be >= 1-d.")
    return flip(x, 0)


@implements(np.rot90)
def rot90(m: Array, k: Any = 1, axes: Any = (0, 1)) -> Array:
    """Turn by right angles in the plane of two axes."""
    x = operand(m)
    if len(axes) != 2:
        raise ValueError("len(axes) must be 2.")
    first, second = one_axis(axes[0], x.ndim), one_axis(axes[1], x.ndim)
    if first == second:
        raise ValueError("Axes must be different.")
    turns = k % 4
    if turns == 0:
        return x[(slice(None),) * x.ndim]
    if turns == 2:
        return flip(x, (first, second))
    if turns == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second)


@implements(np.roll)
def roll(a: Array, shift: Any, axis: Any = None) -> Array:
    """Shift along axes, what falls off coming in at the other end."""
    x = operand(a)
    if axis is None:
        return native.reshape(_rolled(raveled(x), int(shift), 0), x.shape)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    shifts = shift if isinstance(shift, (tuple, list, np.ndarray)) else (shift,)
    pairs = np.broadcast_shapes((len(axes),), (len(shifts),))[0]
    y = x
    for k in range(pairs):
        y = _rolled(y, int(shifts[k % len(shifts)]), one_axis(axes[k % len(axes)], x.ndim))
    return y if pairs else x.copy()


def _rolled(x: Array, shift: int, axis: int) -> Array:
    n = x.shape[axis]
    shift %= n or 1
    if shift == 0:
        return x.copy()
    return native.concat(
        [x[along(axis, slice(n - shift, None))], x[along(axis, slice(None, n - shift))]], axis
    )


@implements(np.resize)
def resize(a: Array, new_shape: Any) -> Array:
    """Give another size, repeating the elements as often as needed."""
    x = raveled(operand(a))
    shape = tuple(new_shape) if _is_sequence(new_shape) else (operator.index(new_shape),)
    if any(n < 0 for n in shape):
        raise ValueError("all elements of `new_shape` must be non-negative")
    size = math.prod(shape)
    if x.size == 0 or size == 0:
        return native.lift(np.zeros(shape, x.dtype), writable=True)
    return as_array(native.gather(x, np.arange(size).reshape(shape) % x.size))


def tolist(x: Array) -> Any:
    """Return the elements in nested lists, each a scalar of its own."""
    return x[()] if x.ndim == 0 else [tolist(row) for row in x]


def item(x: Array, *args: Any) -> Array:
    """Return one element."""
    if not args:
        if x.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return native.reshape(x, ())
    place = args[0] if len(args) == 1 else args
    return x[place] if isinstance(place, tuple) else raveled(x)[place]


METHODS["tolist"] = tolist
METHODS["item"] = item
