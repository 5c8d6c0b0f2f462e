"""Questions about arrays that are answered without their values."""

# ruff: noqa: ARG001 (the signatures are NumPy's)

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jacrs._adapters import native
from jacrs._adapters.common import Array, operand
from jacrs._adapters.registry import PROPERTIES, implements


@implements(np.ndim)
def ndim(a: Array) -> int:
    """Return the number of axes."""
    return int(operand(a).ndim)


@implements(np.shape)
def shape(a: Array) -> tuple[int, ...]:
    """Return the lengths of the axes."""
    return tuple(operand(a).shape)


@implements(np.size)
def size(a: Array, axis: Any = None) -> int:
    """Return the number of elements, in all or along axes."""
    x = operand(a)
    if axis is None:
        return int(x.size)
    return math.prod(x.shape[k] for k in (axis if isinstance(axis, tuple) else (axis,)))


def _dtype(x: Any) -> Any:
    return x.dtype if isinstance(x, native.Tracer) else x


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Any:
    """Return the dtype that operands are computed in."""
    return np.result_type(*map(_dtype, arrays_and_dtypes))


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """Tell whether a cast is allowed."""
    return np.can_cast(_dtype(from_), _dtype(to), casting)


@implements(np.min_scalar_type)
def min_scalar_type(a: Array, /) -> Any:
    """Return the dtype: a recorded value has no smaller one."""
    return a.dtype


@implements(np.common_type)
def common_type(*arrays: Array) -> Any:
    """Return the type of float that holds all arrays."""
    return np.common_type(*(np.empty(0, _dtype(operand(x))) for x in arrays))


@implements(np.array_repr)
def array_repr(
    arr: Array,
    max_line_width: Any = None,
    precision: Any = None,
    suppress_small: Any = None,
) -> str:
    """Describe a recorded array."""
    return repr(arr)


@implements(np.array_str)
def array_str(
    a: Array,
    max_line_width: Any = None,
    precision: Any = None,
    suppress_small: Any = None,
) -> str:
    """Describe a recorded array."""
    return str(a)


@implements(np.array2string)
def array2string(a: Array, *args: Any, **keywords: Any) -> str:
    """Describe a recorded array."""
    return str(a)


@implements(np.may_share_memory, np.shares_memory)
def shares_memory(a: Any, b: Any, /, max_work: Any = None) -> bool:
    """Tell whether two arrays overlap; a recorded one does not overlap a plain one."""
    recorded = isinstance(a, native.Tracer) and isinstance(b, native.Tracer)
    return recorded and a.size > 0 and b.size > 0 and native.shares_memory(a, b)


def itemsize(x: Array) -> int:
    """Return the number of bytes of an element."""
    return int(x.dtype.itemsize)


def nbytes(x: Array) -> int:
    """Return the number of bytes of all elements."""
    return int(x.size * x.dtype.itemsize)


PROPERTIES["itemsize"] = itemsize
PROPERTIES["nbytes"] = nbytes
