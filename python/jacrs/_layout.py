"""Where the entries of a sparse matrix are in SciPy's formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jacrs import errors

if TYPE_CHECKING:
    from jacrs._pattern import Pattern

FORMATS = ("csr", "csc", "coo", "bsr")


def read_only(array: Any) -> Any:
    """Return the array, which nobody writes to any more."""
    array.flags.writeable = False
    return array


class Layout:
    """The index arrays of a sparse matrix in one of SciPy's formats; `indices` come first.

    The `table` says which entry of the pattern each number is; without one they are in its order.
    For blocks numbers are counted from one, and zero is where there is no entry.
    """

    __slots__ = ("_make", "arrays", "blocksize", "format", "shape", "table")

    def __init__(
        self,
        format: str,  # noqa: A002 - SciPy's name
        shape: tuple[int, int],
        arrays: tuple[Any, ...],
        table: Any = None,
        blocksize: tuple[int, int] | None = None,
    ) -> None:
        self.format, self.shape, self.arrays = format, shape, tuple(map(read_only, arrays))
        self.table, self.blocksize = table, blocksize
        self._make = getattr(_scipy_sparse(), f"{format}_array")

    @classmethod
    def of(cls, pattern: Pattern, format: str, blocksize: tuple[int, int] | None) -> Layout:  # noqa: A002
        """Return the layout of a pattern.

        SciPy lays out the numbers of the entries; what it makes of them is where entries go.
        """
        shape = pattern.shape
        if blocksize and (shape[0] % blocksize[0] or shape[1] % blocksize[1]):
            raise errors.no_blocks(blocksize, shape)
        if format == "csr":
            return cls(format, shape, (pattern.indices, pattern.indptr))
        numbers = np.arange(1, pattern.nnz + 1)
        structure = (numbers, pattern.indices, pattern.indptr)
        numbered = _scipy_sparse().csr_array(structure, shape)
        numbered.has_canonical_format = True
        if format == "coo":
            return cls(format, shape, numbered.tocoo().coords)
        if format == "csc":
            laid = numbered.tocsc()
            return cls(format, shape, (laid.indices, laid.indptr), laid.data - 1)
        laid = numbered.tobsr(blocksize)
        return cls(format, shape, (laid.indices, laid.indptr), laid.data, laid.blocksize)

    @classmethod
    def checked(cls, *parts: Any) -> Layout:
        """Return the layout of these parts; raise where they are none."""
        layout = cls(*parts)
        matrix = layout.matrix(np.zeros((layout.arrays[0].size, *(layout.blocksize or ()))))
        if layout.format == "coo":
            rows, columns = (array.astype(np.int64) for array in matrix.coords)
            distinct = bool(np.all(np.diff(rows * matrix.shape[1] + columns) > 0))
        else:
            matrix.check_format(full_check=True)
            distinct = matrix.has_canonical_format
        if not distinct:
            raise ValueError("the entries of a sparse matrix are not in order")
        return layout

    def ordered(self, entries: Any) -> Any:
        """Return the entries, recorded in the order of the pattern, as this format has them."""
        if self.table is None:
            return entries
        if self.format == "bsr":
            entries = np.concatenate([np.zeros(1, entries.dtype), entries])
        return entries[self.table]

    def matrix(self, data: Any, *, private: bool = False) -> Any:
        """Return the matrix of these data; its index arrays are shared unless `private`."""
        arrays = tuple(x.copy() for x in self.arrays) if private else self.arrays
        return self._make((data, arrays) if self.format == "coo" else (data, *arrays), self.shape)


class MatrixOf(NamedTuple):
    """Makes matrices of computed entries."""

    layout: Layout
    private: bool

    def __call__(self, parts: list[Any]) -> Any:
        """Return the matrix of these entries, which are in the order of the layout."""
        matrix = self.layout.matrix(np.asarray(parts[0]), private=self.private)
        matrix.has_canonical_format = True
        return matrix


def fill_matrix(matrix: Any, out: Any) -> None:
    """Write the entries of a matrix to another one of the same format and structure."""
    if getattr(out, "format", None) != matrix.format or out.shape != matrix.shape:
        raise errors.other_matrix(matrix.format, matrix.shape, out)
    for own, other in zip(_structure(matrix), _structure(out), strict=True):
        if not _same_memory(own, other) and not np.array_equal(own, other):
            raise errors.other_structure()
    data = matrix.data
    if out.data.dtype != data.dtype or out.data.shape != data.shape:
        raise errors.other_data(out.data, data)
    if not out.data.flags.writeable:
        raise errors.read_only_data()
    np.copyto(out.data, data)


def _same_memory(own: Any, other: Any) -> bool:
    """Tell whether two arrays are views of the same elements, as SciPy makes one a matrix."""
    return bool(own.__array_interface__ == other.__array_interface__)


def is_matrix(value: Any) -> bool:
    """Tell whether a value is one of SciPy's sparse matrices, without importing them."""
    return getattr(value, "format", None) in FORMATS and hasattr(value, "data")


def _structure(matrix: Any) -> Any:
    return matrix.coords if matrix.format == "coo" else (matrix.indices, matrix.indptr)


def _scipy_sparse() -> Any:
    try:
        from scipy import sparse
    except ImportError as error:
        raise errors.needs_scipy("a sparse Jacobian") from error
    return sparse
