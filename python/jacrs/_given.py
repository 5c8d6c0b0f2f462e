"""Patterns that users give: sparse matrices and arrays of booleans."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from jacrs import errors
from jacrs._jacrs import Structure
from jacrs._pattern import Pattern


def pattern_of(given: Any) -> Pattern:
    """Return the pattern of what is stored in a matrix, or true in an array."""
    if isinstance(given, Pattern):
        return given
    if _is_sparse(given):
        if given.ndim != 2:
            raise errors.pattern_axes(given.shape)
        return _of_matrix(given)
    if type(given) is not np.ndarray or given.dtype.kind != "b":
        raise errors.not_a_pattern(given)
    if given.ndim != 2:
        raise errors.pattern_axes(given.shape)
    counts = np.count_nonzero(given, axis=1)
    return _of_arrays(given.shape, _starts(counts), np.nonzero(given)[1])


def _is_sparse(given: Any) -> bool:
    """Tell whether it is a matrix of SciPy's: there is none as long as SciPy is not imported."""
    scipy_sparse = sys.modules.get("scipy.sparse")
    return scipy_sparse is not None and bool(scipy_sparse.issparse(given))


def _of_matrix(given: Any) -> Pattern:
    """Return the pattern of a sparse matrix; zeros that it stores are entries."""
    if given.format == "dia":  # whose conversions leave zeros out
        given = given.copy()
        given.data = np.ones(given.data.shape, bool)
    coords = given.tocoo()
    rows, columns = (np.asarray(x, np.int64) for x in (coords.row, coords.col))
    order = np.lexsort((columns, rows))
    rows, columns = rows[order], columns[order]
    first = np.ones(rows.size, bool)  # an entry may be stored in parts
    first[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
    counts = np.bincount(rows[first], minlength=given.shape[0])
    return _of_arrays(given.shape, _starts(counts), columns[first])


def _starts(counts: Any) -> Any:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])


def _of_arrays(shape: Any, starts: Any, columns: Any) -> Pattern:
    rows, width = map(int, shape)
    arrays = (np.ascontiguousarray(x, np.int64) for x in (starts, columns))
    return Pattern(Structure((rows, width), *arrays))
