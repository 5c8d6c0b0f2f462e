"""A Jacobian as a matrix whose elements are computed when they are asked for."""

from __future__ import annotations

import operator
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._jacrs import Tracer
from jacrs._layout import MatrixOf
from jacrs._transforms.entries import checked_form
from jacrs._transforms.shared import SharedMap

if TYPE_CHECKING:
    from jacrs._transforms.linear import Linearized
    from jacrs._transforms.recording import Again

Places = tuple[int, int, int] | np.ndarray[Any, np.dtype[np.int64]]
"""Ascending and distinct: `(start, step, count)`, or an array."""

_DIAGONAL = 64  # elements of a diagonal that are computed together, as the square around them
_APART = (
    4  # a square of elements is computed whole unless this many times larger than what is asked
)


class LazyJacobian(SharedMap):
    """The Jacobian of a function at a point, as `jacrs.linearize` returns it.

    A matrix of shape `(y.size, x.size)` that computes what it is asked for: products, elements,
    rows, columns, blocks. `J.T` is the transposed one, with the same interface.
    """

    __slots__ = ("_linear", "_name", "_transposed")

    __array_ufunc__ = None  # `array @ J` comes here

    def __init__(self, linear: Linearized, name: str, *, transposed: bool = False) -> None:
        self._linear = linear
        self._name = name
        self._transposed = transposed

    def again(self) -> Again:
        """Return what makes this Jacobian of a recording that is run again."""
        make = partial(LazyJacobian, name=self._name, transposed=self._transposed)
        return self._linear.again(make)

    # --- as a matrix

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and columns."""
        rows, columns = self._linear.shape
        return (columns, rows) if self._transposed else (rows, columns)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements: the widest of result and arguments."""
        return self._linear.dtype

    @property
    def ndim(self) -> int:
        """The number of axes: 2."""
        return 2

    @property
    def size(self) -> int:
        """The number of elements."""
        rows, columns = self.shape
        return rows * columns

    @property
    def T(self) -> LazyJacobian:  # noqa: N802
        """The transposed Jacobian."""
        return LazyJacobian(self._linear, self._name, transposed=not self._transposed)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        rows, columns = self.shape
        kind = "transposed Jacobian" if self._transposed else "Jacobian"
        return f"<jacrs {kind} of {self._name}: {rows} x {columns}, {self.dtype}>"

    # --- products

    def __call__(self, *vectors: Any) -> Any:
        """Return the product with tangents built like the arguments, built like the result.

        For the transposed Jacobian: with a cotangent built like the result.
        """
        if not self._transposed:
            return self._linear.push(vectors)
        if len(vectors) != 1:
            raise errors.wrong_count("J.T(...)", 1, len(vectors))
        return self._linear.pull(vectors[0])

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, LazyJacobian) or _is_operator(other):
            return self.aslinearoperator() @ _as_operator(other)
        return self._product(_operand(other), reverse=False)

    def __rmatmul__(self, other: Any) -> Any:
        if _is_operator(other):
            return _as_operator(other) @ self.aslinearoperator()
        x = _operand(other)
        product = self._product(x if x.ndim < 2 else x.T, reverse=True)
        return product if x.ndim < 2 else product.T

    def dot(self, other: Any) -> Any:
        """Return `J @ other`."""
        return self @ other

    def matvec(self, x: Any) -> Any:
        """Return the product with a vector, of shape `(n,)` or `(n, 1)`."""
        return self._product(_operand(x), reverse=False)

    def rmatvec(self, x: Any) -> Any:
        """Return the product of the transposed Jacobian with a vector."""
        return self._product(_operand(x), reverse=True)

    def matmat(self, x: Any) -> Any:
        """Return the product with a matrix."""
        return self._product(_operand(x), reverse=False)

    def rmatmat(self, x: Any) -> Any:
        """Return the product of the transposed Jacobian with a matrix."""
        return self._product(_operand(x), reverse=True)

    def _product(self, x: Any, *, reverse: bool) -> Any:
        size = self.shape[0 if reverse else 1]
        if x.ndim not in (1, 2) or x.shape[0] != size:
            raise errors.no_product(self.shape, x.shape, reverse=reverse)
        return self._linear.product(x, reverse=reverse != self._transposed)

    def aslinearoperator(self) -> Any:
        """Return a `scipy.sparse.linalg.LinearOperator`, to add, scale and multiply.

        Raises
        ------
        ImportError
            SciPy is not installed.
        """
        try:
            from scipy.sparse.linalg import LinearOperator
        except ImportError as error:
            raise errors.needs_scipy("J.aslinearoperator()") from error
        return LinearOperator(
            self.shape,
            matvec=self.matvec,
            rmatvec=self.rmatvec,
            matmat=self.matmat,
            rmatmat=self.rmatmat,
            dtype=self.dtype,
        )

    # --- elements

    def __getitem__(self, key: Any) -> Any:
        shape = _indexed(self.shape, key).shape
        parts = _axes(key)
        if parts is None:
            return self._scattered(key, shape)
        return _shaped(self._grid(*parts), shape)

    def _block(self, rows: Places, columns: Places) -> Any:
        if self._transposed:
            return self._linear.block(columns, rows).T
        return self._linear.block(rows, columns)

    def _grid(self, rows: Any, columns: Any) -> Any:
        """Return the rows and columns that two indices of one axis name, as a matrix."""
        (rows, back), (columns, over) = map(_places, (rows, columns), self.shape)
        block = self._block(rows, columns)
        block = block if back is None else block[back]
        return block if over is None else block[:, over]

    def _scattered(self, key: Any, shape: tuple[int, ...]) -> Any:
        """Return elements that an index names one by one."""
        m, n = self.shape
        rows = _indexed(np.broadcast_to(np.arange(m)[:, None], (m, n)), key).ravel()
        columns = _indexed(np.broadcast_to(np.arange(n), (m, n)), key).ravel()
        return self._elements(rows, columns).reshape(shape)

    def _elements(self, rows: Any, columns: Any) -> Any:
        """Return elements by their rows and columns: squares around groups of them."""
        distinct = [np.unique(places, return_inverse=True) for places in (rows, columns)]
        (some_rows, r), (some_columns, c) = distinct
        if some_rows.size * some_columns.size <= max(_APART * rows.size, _DIAGONAL**2):
            return self._block(some_rows, some_columns)[r, c]
        order = np.lexsort((columns, rows))
        groups = [
            self._elements(rows[some], columns[some])
            for some in np.split(order, range(_DIAGONAL, order.size, _DIAGONAL))
        ]
        back = np.empty_like(order)
        back[order] = np.arange(order.size)
        return np.concatenate(groups)[back]

    def at(self, out_index: Any, in_index: Any) -> Any:
        """Return the derivative of `y[out_index]` by `x[in_index]`.

        Its shape is that of `y[out_index]` followed by that of `x[in_index]`. It is for a function
        of one array whose result is one array.
        """
        shapes = self._linear.array_shapes()
        if shapes is None:
            raise errors.not_one_array("J.at")
        pairs = zip(shapes[:: -1 if self._transposed else 1], (out_index, in_index), strict=True)
        (rows, outer), (columns, inner) = (_flat_places(shape, key) for shape, key in pairs)
        return _shaped(self._grid(rows, columns), outer + inner)

    def diagonal(self, k: int = 0) -> Any:
        """Return the elements `J[i, i + k]`.

        They are computed as diagonals of squares of 64 rows, each at the cost of 64 products with
        what its rows depend on. Where elements depend on few neighbours that is linear in the
        length; where each depends on all it is as much as the whole Jacobian, but for the memory.
        """
        k = operator.index(k)
        rows, columns = self.shape
        row, column = max(0, -k), max(0, k)
        count = max(0, min(rows - row, columns - column))
        parts = []
        for first in range(0, count, _DIAGONAL):
            size = min(_DIAGONAL, count - first)
            block = self._block((row + first, 1, size), (column + first, 1, size))
            parts.append(np.diagonal(block))
        return np.concatenate(parts) if parts else np.zeros(0, self.dtype)

    def dense(self) -> Any:
        """Return all elements, as a matrix."""
        rows, columns = self.shape
        return self._block((0, 1, rows), (0, 1, columns))

    def sparse(
        self,
        format: str = "csr",  # noqa: A002 - SciPy's name
        *,
        blocksize: tuple[int, int] | None = None,
        copy_structure: bool = False,
    ) -> Any:
        """Return the Jacobian as a SciPy sparse array, with the entries of `sparsity(f)`.

        It is that of `sparse_jacobian(f)` at this point: computed without seeds where that pays,
        else by colouring, with index arrays that are shared and read-only. The structure is found
        at the first point, and kept for the same recorded operations and contents of index arrays.

        Parameters
        ----------
        format : {"csr", "csc", "coo", "bsr"}
            Of the result.
        blocksize : tuple of two ints
            Of "bsr": the rows and columns of its blocks, which must divide the shape. SciPy
            estimates them if they are not given.
        copy_structure : bool
            Whether the index arrays are the caller's own, to be written to.

        Raises
        ------
        ImportError
            SciPy is not installed.
        ArgumentError
            There is no such format, or the blocks are none of this matrix.
        TraceError
            `J` is of a function that is being recorded.
        MemoryLimitError
            The structure does not fit into memory.

        Examples
        --------
        >>> import numpy as np, jacrs
        >>> y, J = jacrs.linearize(lambda x: x[1:] * x[:-1], np.arange(4.0))
        >>> J.sparse()
        <Compressed Sparse Row sparse array of dtype 'float64'
            with 6 stored elements and shape (3, 4)>
        >>> J.T.sparse("csc").toarray()
        array([[1., 0., 0.],
               [0., 2., 0.],
               [0., 1., 3.],
               [0., 0., 2.]])
        >>> J.T.sparse("bsr", blocksize=(2, 3)).data.shape
        (2, 2, 3)
        """
        form, blocks = checked_form(format, blocksize)
        pattern, entries = self._linear.sparse()
        if self._transposed:
            entries = pattern.layout("csc", None).ordered(entries)
            pattern = pattern.T
        layout = pattern.layout(form, blocks)
        return MatrixOf(layout, private=bool(copy_structure))([layout.ordered(entries)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:  # noqa: FBT001
        if copy is False:
            raise errors.needs_copy()
        dense = self.dense()
        return dense if dtype is None else dense.astype(dtype, copy=False)


def _shaped(block: Any, shape: tuple[int, ...]) -> Any:
    """Return a matrix in another shape; a single element as a number."""
    return block.reshape(shape) if shape else block[0, 0]


def _operand(x: Any) -> Any:
    """Return a vector or matrix as an array or tracer of numbers."""
    if not isinstance(x, Tracer):
        if isinstance(x, np.ma.MaskedArray):
            raise errors.is_subclass("the operand", x)
        x = x.toarray() if hasattr(x, "toarray") else np.asarray(x)
        if x.dtype.kind not in "biufc":
            raise errors.not_numbers(x)
    return x


def _is_operator(x: Any) -> bool:
    return not isinstance(x, np.ndarray | Tracer) and hasattr(x, "matvec")


def _as_operator(x: Any) -> Any:
    return x.aslinearoperator() if isinstance(x, LazyJacobian) else x


def size_of(places: Places) -> int:
    """Return how many places there are."""
    return places[2] if isinstance(places, tuple) else places.size


def _indexed(array: Any, key: Any) -> Any:
    """Return `array[key]`, where `array` may be a shape; an error is NumPy's in its words."""
    try:
        return (np.broadcast_to(np.False_, array) if isinstance(array, tuple) else array)[key]
    except IndexError as error:
        raise errors.out_of_bounds(error) from None


def _axes(key: Any) -> list[Any] | None:
    """Return what an index that NumPy takes says of rows and of columns.

    None where it does not speak of them apart: pairs of arrays, masks of the whole.
    """
    parts = list(key) if isinstance(key, tuple) else [key]
    parts = [np.asarray(part) if isinstance(part, list) else part for part in parts]
    parts = [part for part in parts if part is not None]  # new axes are for the shape to say
    if any(isinstance(p, bool | np.bool_) or (_is_mask(p) and p.ndim != 1) for p in parts):
        return None
    at = next((k for k, part in enumerate(parts) if part is Ellipsis), len(parts))
    rest = parts[at + 1 :]
    parts = parts[:at] + [slice(None)] * (2 - at - len(rest)) + rest
    return None if sum(np.ndim(part) > 0 for part in parts) > 1 else parts


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype.kind == "b"


def _places(part: Any, size: int) -> tuple[Places, Any]:
    """Return the places along an axis, ascending, and the index that puts them in their order."""
    if isinstance(part, slice):
        start, stop, step = part.indices(size)
        count = len(range(start, stop, step))
        if step > 0:
            return (start, step, count), None
        return (start + step * (count - 1) if count else 0, -step, count), slice(None, None, -1)
    if np.ndim(part) == 0:
        place = operator.index(part)
        return (place + size if place < 0 else place, 1, 1), None
    part = np.asarray(part)
    places = np.flatnonzero(part) if _is_mask(part) else part.ravel().astype(np.int64)
    places = np.where(places < 0, places + size, places)
    if np.all(places[1:] > places[:-1]):
        return places, None
    return np.unique(places, return_inverse=True)


def _flat_places(shape: tuple[int, ...], key: Any) -> tuple[Any, tuple[int, ...]]:
    """Return the flat numbers of the elements that `key` names in an array, and their shape."""
    parts = key if isinstance(key, tuple) else (key,)
    if len(parts) == len(shape) and all(type(part) is int for part in parts):
        _indexed(shape, key)
        wrapped = [part % n for part, n in zip(parts, shape, strict=True)]
        return np.array([np.ravel_multi_index(wrapped, shape)] if shape else [0]), ()
    found = np.asarray(_indexed(np.arange(prod(shape)).reshape(shape), key))
    return found.ravel(), found.shape
