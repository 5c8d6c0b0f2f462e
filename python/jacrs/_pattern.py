"""`Pattern`: where a Jacobian or Hessian may be other than zero."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jacrs import errors
from jacrs._jacrs import Structure
from jacrs._layout import Layout, read_only

_FORMATS = ("csr", "csc", "coo", "bsr", "dia", "lil", "dok")
_PIXELS = 512  # of a picture, along each side


class Counts(NamedTuple):
    """How many entries each row and each column of a pattern has."""

    rows: Any
    columns: Any


class Pattern:
    """Where a matrix may be other than zero: its rows as lists of columns (CSR).

    `sparsity` makes them. A pattern never changes, and its arrays are read-only. Patterns are
    equal if they have the same shape and the same entries.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> pattern = jacrs.sparsity(lambda x: x[1:] * x[:-1])(np.ones(4))
    >>> pattern
    <jacrs Pattern: 3 x 4, 6 entries>
    >>> pattern.indptr, pattern.indices
    (array([0, 2, 4, 6], dtype=int32), array([0, 1, 1, 2, 2, 3], dtype=int32))
    >>> pattern.bandwidth
    (0, 1)
    >>> pattern.counts.columns
    array([1, 2, 2, 1])
    >>> pattern.T.toarray().astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [0, 1, 1],
           [0, 0, 1]])
    """

    __slots__ = ("_native",)

    def __init__(self, native: Structure) -> None:
        self._native = native

    @property
    def native(self) -> Structure:
        """What the engine has of it."""
        return self._native

    def _structure(self) -> tuple[Any, Any]:
        kept = self._native.kept
        arrays: tuple[Any, Any] | None = kept.get("arrays")
        if arrays is None:
            arrays = kept.setdefault("arrays", tuple(map(read_only, self._native.arrays())))
        return arrays

    def layout(self, format: str, blocksize: tuple[int, int] | None) -> Layout:  # noqa: A002
        """Return where the entries are in one of SciPy's formats."""
        kept = self._native.kept
        found: Layout | None = kept.get((format, blocksize))
        if found is None:
            found = kept.setdefault((format, blocksize), Layout.of(self, format, blocksize))
        return found

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and columns."""
        return self._native.shape

    @property
    def nnz(self) -> int:
        """The number of entries."""
        return self._native.nnz

    @property
    def indptr(self) -> Any:
        """Where each row starts in `indices`, and where the last one ends.

        Of int32 where all numbers fit, else of int64; so are the `indices`.
        """
        return self._structure()[0]

    @property
    def indices(self) -> Any:
        """The columns of all entries, row by row, ascending in each row."""
        return self._structure()[1]

    @property
    def bandwidth(self) -> tuple[int, int]:
        """How far entries are from the diagonal at most: below it, and above it."""
        return self._native.bandwidth()

    @property
    def counts(self) -> Counts:
        """How many entries each row, and each column, has: `counts.rows`, `counts.columns`."""
        columns = np.bincount(self.indices, minlength=self.shape[1])
        return Counts(np.diff(self.indptr).astype(np.intp), columns)

    @property
    def T(self) -> Pattern:  # noqa: N802 - NumPy's name
        """The transposed pattern."""
        kept = self._native.kept
        native: Structure | None = kept.get("T")
        if native is None:
            native = kept.setdefault("T", self._native.transposed())
        return Pattern(native)

    def toarray(self) -> Any:
        """Return a dense array of booleans, True where there is an entry."""
        dense = np.zeros(self.shape, bool)
        dense[self._rows(), self.indices] = True
        return dense

    def _rows(self) -> Any:
        """Return the row of each entry."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.indptr))

    def to_scipy(self, format: str = "csr", dtype: Any = bool) -> Any:  # noqa: A002 - SciPy's name
        """Return a `scipy.sparse` array with a one of `dtype` for each entry.

        In CSR it shares `indptr` and `indices`, which are read-only: copy it to change them.

        Parameters
        ----------
        format : str
            One of SciPy's formats: "csr", "csc", "coo", "bsr", "dia", "lil", "dok".
        dtype : dtype
            Of the ones.

        Raises
        ------
        ImportError
            SciPy is not installed.
        ArgumentError
            There is no such format.

        Examples
        --------
        >>> import numpy as np, jacrs
        >>> pattern = jacrs.sparsity(np.cumsum)(np.ones(3))
        >>> pattern.to_scipy("csc", float).sum(axis=0)
        array([3., 2., 1.])
        """
        if format not in _FORMATS:
            raise errors.bad_choice("format", format, _FORMATS)
        try:
            from scipy.sparse import csr_array
        except ImportError as error:
            raise errors.needs_scipy("Pattern.to_scipy()") from error
        matrix = csr_array((np.ones(self.nnz, dtype), self.indices, self.indptr), self.shape)
        matrix.has_canonical_format = True
        return matrix.asformat(format)

    def spy(self, ax: Any = None) -> Any:
        """Draw the pattern with Matplotlib, on `ax` or on the current axes; return the axes.

        A large pattern is drawn in cells, which are dark where they hold an entry.

        Raises
        ------
        ImportError
            Matplotlib is not installed.
        """
        if ax is None:
            try:
                from matplotlib import pyplot as plt
            except ImportError as error:
                raise errors.needs_matplotlib("Pattern.spy()") from error
            ax = plt.gca()
        rows, columns = self.shape
        ax.imshow(
            self._cells(),
            cmap="Greys",
            vmin=0,
            vmax=1,
            interpolation="nearest",
            extent=(-0.5, columns - 0.5, rows - 0.5, -0.5),
        )
        ax.set_title(f"{rows} x {columns}, {self.nnz} entries")
        return ax

    def _cells(self) -> Any:
        """Return the pattern in at most `_PIXELS` cells a side."""
        height, width = (max(1, min(size, _PIXELS)) for size in self.shape)
        rows, columns = self.shape
        cells = np.zeros((height, width), bool)
        cells[
            self._rows() * height // max(rows, 1),
            self.indices.astype(np.int64) * width // max(columns, 1),
        ] = True
        return cells

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Pattern):
            return NotImplemented
        return self._native.equals(other._native)

    def __hash__(self) -> int:
        return hash((self.shape, self.nnz))

    def __reduce__(self) -> Any:
        arrays = (array.astype(np.int64) for array in self._structure())
        return _restored, (self.shape, *arrays)

    def __repr__(self) -> str:
        rows, columns = self.shape
        entries = "1 entry" if self.nnz == 1 else f"{self.nnz} entries"
        return f"<jacrs Pattern: {rows} x {columns}, {entries}>"


def _restored(shape: tuple[int, int], starts: Any, columns: Any) -> Pattern:
    """Return a pattern that was pickled."""
    return Pattern(Structure(shape, starts, columns))
