"""Diagonals and triangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from jacrs._adapters import native
from jacrs._adapters.common import Array, deliver, one_axis, operand, raveled
from jacrs._adapters.reductions import wide
from jacrs._adapters.registry import implements


def diagonal_view(
    x: Array, offset: int, axis1: Any, axis2: Any, *, writable: bool = False
) -> Array:
    """Return a view of a diagonal, as the last axis."""
    if x.ndim < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    rows_at, columns_at = one_axis(axis1, x.ndim), one_axis(axis2, x.ndim)
    if rows_at == columns_at:
        raise ValueError("axis1 and axis2 cannot be the same")
    return native.diagonal(x, offset, rows_at, columns_at, writable)


def diagonal_steps(rows: int, columns: int, offset: int) -> slice:
    """Return where a diagonal lies in a raveled matrix."""
    start = offset if offset >= 0 else -offset * columns
    count = min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)
    if count <= 0:
        return slice(0, 0)
    return slice(start, start + (count - 1) * (columns + 1) + 1, columns + 1)


@implements(np.diagonal, method="diagonal")
def diagonal(a: Array, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Array:
    """Take a diagonal, as a read-only view."""
    return diagonal_view(operand(a), int(offset), axis1, axis2)


@implements(getattr(np.linalg, "diagonal", None))
def matrix_diagonal(x: Array, /, *, offset: Any = 0) -> Array:
    """Take a diagonal of the last two axes."""
    return diagonal(x, offset, -2, -1)


@implements(np.trace, method="trace")
def trace(
    a: Array, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None, out: Any = None
) -> Array:
    """Add up a diagonal."""
    line = wide(diagonal_view(operand(a), int(offset), axis1, axis2), dtype, out)
    return deliver(native.reduce("sum", line, (line.ndim - 1,)), out, "trace")


@implements(getattr(np.linalg, "trace", None))
def matrix_trace(x: Array, /, *, offset: Any = 0, dtype: Any = None) -> Array:
    """Add up a diagonal of the last two axes."""
    return trace(x, offset, -2, -1, dtype)


@implements(np.diag)
def diag(v: Array, k: Any = 0) -> Array:
    """Make a matrix of a diagonal, or take one from a matrix."""
    x = operand(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError("Input must be 1- or 2-d.")
    return diagonal_matrix(x, int(k))


def diagonal_matrix(x: Array, offset: int) -> Array:
    """Return the matrix of zeros with a list on a diagonal."""
    n = x.shape[0] + abs(offset)
    flat = native.lift(np.zeros(n * n, x.dtype), writable=True)
    flat[diagonal_steps(n, n, offset)] = x
    return native.reshape(flat, (n, n))


@implements(np.diagflat)
def diagflat(v: Array, k: Any = 0) -> Array:
    """Make a matrix with the raveled elements on a diagonal."""
    return diagonal_matrix(raveled(operand(v)), int(k))


def _below(x: Array, k: int) -> Any:
    """Return the mask of what lies on and below a diagonal."""
    rows, columns = x.shape[-2:]
    return np.tri(rows, columns, k, dtype=np.bool_)


@implements(np.tril)
def tril(m: Array, k: Any = 0) -> Array:
    """Keep what lies on and below a diagonal."""
    x = operand(m)
    x = native.broadcast(x, (x.shape[0], x.shape[0])) if x.ndim == 1 else x
    return native.where(_below(x, k), x, np.zeros((), x.dtype))


@implements(np.triu)
def triu(m: Array, k: Any = 0) -> Array:
    """Keep what lies on and above a diagonal."""
    x = operand(m)
    x = native.broadcast(x, (x.shape[0], x.shape[0])) if x.ndim == 1 else x
    return native.where(_below(x, k - 1), np.zeros((), x.dtype), x)


@implements(np.tril_indices_from)
def tril_indices_from(arr: Array, k: Any = 0) -> Any:
    """Return the places on and below a diagonal."""
    if arr.ndim != 2:
        raise ValueError("input array must be 2-d")
    return np.tril_indices(arr.shape[-2], k=k, m=arr.shape[-1])


@implements(np.triu_indices_from)
def triu_indices_from(arr: Array, k: Any = 0) -> Any:
    """Return the places on and above a diagonal."""
    if arr.ndim != 2:
        raise ValueError("input array must be 2-d")
    return np.triu_indices(arr.shape[-2], k=k, m=arr.shape[-1])


@implements(np.diag_indices_from)
def diag_indices_from(arr: Array) -> Any:
    """Return the places of the main diagonal."""
    if arr.ndim < 2:
        raise ValueError("input array must be at least 2-d")
    if len(set(arr.shape)) != 1:
        raise ValueError("All dimensions of input must be of equal length")
    return np.diag_indices(arr.shape[0], arr.ndim)
