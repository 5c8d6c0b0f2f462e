"""One leaf: which types and dtypes are taken, and what they are turned into.

| given as a differentiated argument | becomes |
|---|---|
| float32 or float64 array or NumPy scalar | itself |
| Python int or float, list of numbers | float64 (a list of float32 scalars: float32) |
| integer or boolean array or NumPy scalar | an error that says to convert it |
| complex, float16, longdouble, object arrays | an error |
| masked array, `np.matrix`, other subclasses | an error: what they add would be lost |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._jacrs import Tracer, lift
from jacrs._scope.captured import RECORDED, Captured
from jacrs._trees import as_floats, is_array_like

if TYPE_CHECKING:
    from collections.abc import Callable

    Where = Callable[[], str]

F64 = np.dtype(np.float64)
F32 = np.dtype(np.float32)
_PLAIN = frozenset({np.ndarray, Captured, np.memmap})


def differentiable(value: Any, where: Where) -> Any:
    """Return a differentiated argument as a float array, NumPy scalar or tracer.

    Raise where it is none of these; `where` names it in errors.
    """
    kind = type(value)
    if isinstance(value, Tracer):
        return value if is_float(value.dtype) else _raise(errors.not_real(where(), value))
    if kind is float or kind is int:
        return np.float64(value)
    if isinstance(value, np.ndarray | np.generic):
        return _native_floats(value, where)
    return _raise(errors.not_a_leaf(where(), value))


def _native_floats(value: Any, where: Where) -> Any:
    """Return a NumPy scalar as it is, an array as an exact ndarray in native byte order."""
    if isinstance(value, np.ndarray) and type(value) not in _PLAIN:
        raise errors.is_subclass(where(), value)
    dtype = value.dtype.newbyteorder("=")
    if not is_float(dtype):
        raise errors.not_real(where(), value)
    return value if isinstance(value, np.generic) else np.asarray(value, dtype).view(np.ndarray)


def mappable(value: Any, path: str, axis: int) -> Any:
    """Return a mapped argument as a plain array or tracer; raise where it is none with the axis."""
    if isinstance(value, np.ndarray):
        if type(value) not in _PLAIN:
            raise errors.is_subclass(path, value)
        dtype = value.dtype.newbyteorder("=")
        if dtype not in RECORDED:
            raise errors.not_recordable(path, value)
        value = np.asarray(value, dtype).view(np.ndarray)
    elif not isinstance(value, Tracer):
        raise errors.not_mappable(path, value)
    if not -value.ndim <= axis < value.ndim:
        raise errors.no_axis(path, value, axis)
    return value


def as_given(tracer: Any, leaf: Any) -> Any:
    """Return the tracer of an argument as its user holds it: numbers are not arrays."""
    return tracer[()] if isinstance(leaf, np.generic) else tracer


def vector_like(value: Any, shape: tuple[int, ...], dtype: Any, where: Where, of: Where) -> Any:
    """Return a tangent or cotangent as an array of this dtype; raise where it does not fit.

    The shape must be the same; the dtype may be any that converts without loss. Python numbers and
    lists of numbers take on the dtype. `where` names it in errors, `of` what it belongs to.
    """
    kind = type(value)
    if kind is np.ndarray and value.dtype is dtype and value.shape == shape:
        return value
    if kind is float or kind is int:
        value = np.array(value, dtype)
    elif kind is list and is_array_like(value):
        value = as_floats(value).astype(dtype)
    elif not isinstance(value, Tracer | np.ndarray | np.generic):
        raise errors.not_a_vector(where(), value)
    elif isinstance(value, np.ndarray) and kind not in _PLAIN:
        raise errors.is_subclass(where(), value)
    if value.shape != shape:
        raise errors.wrong_shape(where(), value.shape, shape, of())
    if value.dtype != dtype:
        if not np.can_cast(value.dtype, dtype, "safe"):
            raise errors.wrong_dtype(where(), value.dtype, dtype, of())
        value = value.astype(dtype)
    return value if isinstance(value, Tracer) else np.asarray(value).view(np.ndarray)


def first_axis(value: Any, path: str) -> int:
    """Return the length of the first axis; raise where there is none."""
    shape: tuple[int, ...] = np.shape(value)
    if not shape:
        raise errors.no_lanes(path, value)
    return shape[0]


def zeros(shape: tuple[int, ...], dtype: Any, *, recorded: bool) -> Any:
    """Return the derivative of what depends on nothing: of `dtype` if that is a float, else f8."""
    result = np.zeros(shape, dtype if is_float(dtype) else F64)
    return lift(result, writable=True) if recorded else result


def plain(result: Any) -> Any:
    """Return an array as jacrs hands it out: one without dimensions as a NumPy scalar."""
    return result if result.ndim else result[()]


def result_leaf(value: Any, where: Where) -> Any:
    """Return a leaf of a function's result as an exact array or tracer; raise where it is none."""
    if isinstance(value, bool | int | float | complex | np.generic):
        value = np.asarray(value)
    elif type(value) in _PLAIN:
        value = value.view(np.ndarray)
    elif isinstance(value, Tracer):
        return value
    else:
        raise errors.not_a_result(where(), value)
    if not is_float(value.dtype) and value.dtype.kind not in "iub":
        raise errors.result_not_real(where(), value)
    return value


def is_plain_array(value: Any) -> bool:
    """Tell whether a value is an array, and of no subclass that means something else."""
    return type(value) in _PLAIN


def is_float(dtype: Any) -> bool:
    """Tell whether a dtype can be differentiated."""
    return dtype == F64 or dtype == F32  # type: ignore[no-any-return]


def _raise(error: Exception) -> Any:
    raise error
