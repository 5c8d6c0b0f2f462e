"""Where the entries of a sparse matrix are in SciPy's formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors

if TYPE_CHECKING:
    from jacrs._pattern import Pattern


def read_only(array: Any) -> Any:
    """Return the array, which nobody writes to any more."""
    array.flags.writeable = False
    return array


class Layout:
    """The index arrays of a sparse matrix, and which entry of the pattern each number is.

    SciPy lays out the numbers of the entries; what it makes of them is where entries go.
    """

    __slots__ = ("_arrays", "_make", "_shape", "_table", "format")

    def __init__(
        self,
        pattern: Pattern,
        format: str,  # noqa: A002 - SciPy's name
        blocksize: tuple[int, int] | None,
    ) -> None:
        try:
            from scipy import sparse
        except ImportError as error:
            raise errors.needs_scipy("a sparse Jacobian") from error
        self.format, self._shape = format, pattern.shape
        self._make = getattr(sparse, f"{format}_array")
        # From one: a block has zeros where there is no entry.
        numbers = np.arange(1, pattern.nnz + 1)
        structure = (numbers, pattern.indices, pattern.indptr)
        numbered = sparse.csr_array(structure, pattern.shape)
        numbered.has_canonical_format = True
        self._table = None
        if format == "csr":
            self._arrays = (pattern.indices, pattern.indptr)
            return
        if format == "coo":
            self._arrays = tuple(map(read_only, numbered.tocoo().coords))
            return
        laid = numbered.tocsc() if format == "csc" else numbered.tobsr(blocksize)
        self._arrays = (read_only(laid.indices), read_only(laid.indptr))
        self._table = read_only(laid.data - 1 if format == "csc" else laid.data)

    def ordered(self, entries: Any) -> Any:
        """Return the entries, recorded in the order of the pattern, as this format has them."""
        if self._table is None:
            return entries
        if self.format == "bsr":
            entries = np.concatenate([np.zeros(1, entries.dtype), entries])
        return entries[self._table]

    def matrix(self, data: Any, *, private: bool) -> Any:
        """Return the matrix of these data; its index arrays are shared unless `private`."""
        arrays = tuple(x.copy() for x in self._arrays) if private else self._arrays
        if self.format == "coo":
            matrix = self._make((data, arrays), self._shape)
        else:
            matrix = self._make((data, *arrays), self._shape)
        matrix.has_canonical_format = True
        return matrix

    def fill(self, data: Any, out: Any) -> None:
        """Write data to a matrix of this layout."""
        if getattr(out, "format", None) != self.format or out.shape != self._shape:
            raise errors.other_matrix(self.format, self._shape, out)
        arrays = out.coords if self.format == "coo" else (out.indices, out.indptr)
        for own, other in zip(self._arrays, arrays, strict=True):
            if own is not other and not np.array_equal(own, other):
                raise errors.other_structure()
        if out.data.dtype != data.dtype or out.data.shape != data.shape:
            raise errors.other_data(out.data, data)
        if not out.data.flags.writeable:
            raise errors.read_only_data()
        np.copyto(out.data, data)
