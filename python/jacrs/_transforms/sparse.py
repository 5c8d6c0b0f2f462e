"""Sparse Jacobians and Hessians as SciPy arrays."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._jacrs import Tracer, sparse_entries
from jacrs._layout import FORMATS, MatrixOf, fill_matrix
from jacrs._pattern import Pattern
from jacrs._transforms.arguments import Arguments
from jacrs._transforms.function import Transformed
from jacrs._transforms.leaves import plain
from jacrs._transforms.recording import Recorded, record
from jacrs._transforms.second import note_gradient

if TYPE_CHECKING:
    from collections.abc import Callable


_MODES = (None, "structured", "forward", "reverse", "bidirectional")
_SECOND_MODES = (*_MODES, "star")


def sparse_jacobian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    format: str = "csr",  # noqa: A002 - SciPy's name
    mode: str | None = None,
    blocksize: tuple[int, int] | None = None,
    copy_structure: bool = False,
) -> Callable[..., Any]:
    """Return a function that gives the Jacobian of `f` as a SciPy sparse array.

    Only entries that can be other than zero are computed and stored: those of `sparsity(f)`.

    Parameters
    ----------
    f : callable
        A function of arrays, numbers and nested tuples, lists and dicts of them.
    argnums : int or tuple of ints
        The positional arguments to differentiate.
    has_aux : bool
        Whether `f` returns `(result, aux)`, with `aux` not differentiated.
    format : {"csr", "csc", "coo", "bsr"}
        Of the result.
    mode : {None, "structured", "forward", "reverse", "bidirectional"}
        How entries are computed. "structured" carries coefficients and selections of elements
        through the recorded operations: no product with a zero is formed, and what is constant is
        not computed. "forward" and "reverse" multiply with seeds: columns without a common row
        share a product (rows without a common column, in reverse; Curtis, Powell and Reid, "On the
        estimation of sparse Jacobian matrices", J. Inst. Maths Applics 13, 1974). "bidirectional"
        does both, and reads dense rows in reverse and the rest forward, say (Hossain and Steihaug,
        "Computing a sparse Jacobian matrix by rows and columns", Optimization Methods and Software
        10, 1998). None takes the first where it serves, else the cheapest of the others.
    blocksize : tuple of two ints
        Of the blocks of format "bsr"; by default SciPy's estimate.
    copy_structure : bool
        Whether each result has index arrays of its own. By default results of the same structure
        share them, read-only: SciPy's methods that change the structure in place then raise.

    Returns
    -------
    callable
        It takes the arguments of `f` and returns a `scipy.sparse` array with a row for each element
        of the result and a column for each element of the arguments: of all arrays in C order, one
        array after the other, as in `linearize`. With `has_aux` it returns `(J, aux)`. It takes
        `out=`: a matrix of such a call, whose `data` is written to, and which is returned.

    The structure is found in the first call and kept for the same recorded operations, as long as
    index arrays, and masks that choose, hold the same; otherwise it is found anew.

    Raises
    ------
    ImportError
        SciPy is not installed.
    DTypeError
        An argument or the result cannot be differentiated.
    ArgumentError
        `out` has another structure; `mode` is "structured" and does not serve.
    TraceError
        It is called within a recorded function, other than one that `compile` records.
    MemoryLimitError
        The structure, or what is computed on the way, does not fit into memory.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> def residual(u):
    ...     return np.exp(u[1:-1]) + u[2:] - 2 * u[1:-1] + u[:-2]
    >>> J = jacrs.sparse_jacobian(residual)
    >>> J(np.zeros(1000))
    <Compressed Sparse Row sparse array of dtype 'float64'
        with 2994 stored elements and shape (998, 1000)>
    >>> J(np.zeros(4)).toarray()
    array([[ 1., -1.,  1.,  0.],
           [ 0.,  1., -1.,  1.]])
    """
    options = _options(format, mode, blocksize, copy_structure)
    return SparseJacobian(f, argnums, has_aux, *options)


def value_and_sparse_jacobian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    format: str = "csr",  # noqa: A002 - SciPy's name
    mode: str | None = None,
    blocksize: tuple[int, int] | None = None,
    copy_structure: bool = False,
) -> Callable[..., Any]:
    """Return a function that gives the value of `f` and its sparse Jacobian, from one run.

    The parameters and `out=` are those of `sparse_jacobian`. It returns `(value, J)`, or `((value,
    aux), J)` with `has_aux`.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> y, J = jacrs.value_and_sparse_jacobian(lambda x: x[1:] * x[:-1])(np.arange(4.0))
    >>> y
    array([0., 2., 6.])
    >>> J.toarray()
    array([[1., 0., 0., 0.],
           [0., 2., 1., 0.],
           [0., 0., 3., 2.]])
    """
    options = _options(format, mode, blocksize, copy_structure)
    return ValueAndSparseJacobian(f, argnums, has_aux, *options)


def sparse_hessian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    format: str = "csr",  # noqa: A002 - SciPy's name
    mode: str | None = None,
    blocksize: tuple[int, int] | None = None,
    copy_structure: bool = False,
) -> Callable[..., Any]:
    """Return a function that gives the Hessian of the scalar function `f` as a SciPy sparse array.

    The sparse Jacobian of its gradient; the parameters and `out=` are those of `sparse_jacobian`.
    Rows and columns are the elements of the arguments. With `mode="star"` one product serves
    columns of which each entry stands alone in its row or its column, and entries are read from
    either triangle (Coleman and Moré, "Estimation of sparse Hessian matrices and graph coloring
    problems", Mathematical Programming 28, 1984). In the other modes both triangles are computed:
    where second derivatives are continuous they are equal up to rounding.

    Raises
    ------
    ShapeError
        The result of `f` is more than one number.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> def rosenbrock(x):
    ...     return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    >>> jacrs.sparse_hessian(rosenbrock)(np.ones(3)).toarray()
    array([[ 802., -400.,    0.],
           [-400., 1002., -400.],
           [   0., -400.,  200.]])
    """
    options = _options(format, mode, blocksize, copy_structure, _SECOND_MODES)
    return SparseHessian(f, argnums, has_aux, *options)


def value_and_sparse_hessian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    format: str = "csr",  # noqa: A002 - SciPy's name
    mode: str | None = None,
    blocksize: tuple[int, int] | None = None,
    copy_structure: bool = False,
) -> Callable[..., Any]:
    """Return a function that gives value, gradient and sparse Hessian of the scalar function `f`.

    The parameters and `out=` are those of `sparse_jacobian`. It returns `(value, gradient, H)`, or
    `((value, aux), gradient, H)` with `has_aux`, from one run.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> value, gradient, H = jacrs.value_and_sparse_hessian(lambda x: np.sum(x**3))(np.ones(2))
    >>> value, gradient
    (np.float64(2.0), array([3., 3.]))
    >>> H.toarray()
    array([[6., 0.],
           [0., 6.]])
    """
    options = _options(format, mode, blocksize, copy_structure, _SECOND_MODES)
    return ValueAndSparseHessian(f, argnums, has_aux, *options)


def _options(
    format: str,  # noqa: A002
    mode: Any,
    blocksize: Any,
    copy_structure: bool,  # noqa: FBT001
    modes: tuple[Any, ...] = _MODES,
) -> tuple[Any, ...]:
    if format not in FORMATS:
        raise errors.bad_choice("format", format, FORMATS)
    if mode not in modes:
        raise errors.bad_choice("mode", mode, modes)
    return mode, (format, _checked_blocks(blocksize, format)), bool(copy_structure)


def _checked_blocks(blocksize: Any, format: str) -> tuple[int, int] | None:  # noqa: A002
    if blocksize is None:
        return None
    try:
        rows, columns = map(operator.index, blocksize)
    except (TypeError, ValueError):
        rows = columns = 0
    if rows < 1 or columns < 1 or format != "bsr":
        raise errors.bad_blocksize(blocksize, format)
    return rows, columns


class Matrix:
    """The entries of a sparse matrix, as they are recorded, and what makes a matrix of them."""

    def __init__(self, name: str, make: MatrixOf, entries: Any, explanation: str) -> None:
        self._name = name
        self.make = make
        self.entries = entries  # in the order of the layout
        self.explanation = explanation

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # asked by protocols
        raise errors.recorded_matrix(self._name)

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise errors.recorded_matrix(self._name)

    __matmul__ = __rmatmul__ = __mul__ = __rmul__ = __truediv__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __neg__ = __pow__ = _refuse
    __getitem__ = __len__ = __iter__ = __array__ = _refuse


class SparseJacobian(Transformed):
    """The sparse Jacobian of a function."""

    name = "sparse_jacobian"
    symmetric = False
    has_short_way = False
    takes_out = True

    def _record(self, arguments: Arguments) -> Recorded:
        return record(self._f, arguments, has_aux=self._has_aux, then=self._differentiate)

    def _differentiate(self, recorded: Recorded) -> None:
        """Note the entries, while they can be recorded."""
        recorded.derivatives = [self._matrix(recorded, recorded.result.leaves)]

    def _matrix(self, recorded: Recorded, outputs: list[Any]) -> Matrix:
        mode, (form, blocksize), private = self._options
        found, entries, strategy = sparse_entries(
            recorded.session, outputs, recorded.inputs, mode, self.symmetric
        )
        pattern = Pattern(found)
        layout = pattern.layout(form, blocksize)
        make = MatrixOf(layout, private)
        return Matrix(self.name, make, layout.ordered(entries), f"{pattern!r}\n{strategy}")

    def _finish(self, recorded: Recorded, out: Any = None) -> Any:
        _, J = self._computed(recorded, [], out)
        return (J, recorded.auxiliary()) if self._has_aux else J

    def explain(self, *args: Any, **keywords: Any) -> str:
        """Return how the entries are computed for these arguments, and how many there are."""
        recorded = self._record(Arguments(args, keywords, self._argnums))
        text: str = recorded.derivatives[-1].explanation
        return text

    def _computed(self, recorded: Recorded, wanted: list[Any], out: Any) -> tuple[list[Any], Any]:
        """Return the values of what is wanted, and the matrix."""
        matrix: Matrix = recorded.derivatives[-1]
        if recorded.joined:
            if out is not None:
                raise errors.recorded_matrix(self.name)
            return wanted, matrix
        *values, entries = recorded.session.run_values([*wanted, matrix.entries])
        J = matrix.make([entries])
        if out is None:
            return values, J
        fill_matrix(J, out)
        return values, out


class ValueAndSparseJacobian(SparseJacobian):
    """The value of a function and its sparse Jacobian."""

    name = "value_and_sparse_jacobian"

    def derivative_of(self, result: Any) -> Any:
        """Return the part of a result that `out=` is for."""
        return result[1]

    def with_derivative(self, result: Any, out: Any) -> Any:
        """Return a result with `out` for that part."""
        return result[0], out

    def _finish(self, recorded: Recorded, out: Any = None) -> Any:
        values, J = self._computed(recorded, recorded.result.outputs, out)
        value = recorded.result.value(values)
        return ((value, recorded.auxiliary()) if self._has_aux else value), J


class SparseHessian(SparseJacobian):
    """The sparse Hessian of a scalar function."""

    name = "sparse_hessian"
    symmetric = True

    def _differentiate(self, recorded: Recorded) -> None:
        note_gradient(self.name, recorded)
        leaves = recorded.arguments.leaves
        gradient = recorded.derivatives[: len(leaves)]
        matrix = self._matrix(recorded, gradient or [np.zeros(x.shape) for x in leaves])
        recorded.derivatives = [*gradient, matrix]


class ValueAndSparseHessian(SparseHessian):
    """Value, gradient and sparse Hessian of a scalar function."""

    name = "value_and_sparse_hessian"

    def derivative_of(self, result: Any) -> Any:
        """Return the part of a result that `out=` is for."""
        return result[2]

    def with_derivative(self, result: Any, out: Any) -> Any:
        """Return a result with `out` for that part."""
        return result[0], result[1], out

    def _finish(self, recorded: Recorded, out: Any = None) -> Any:
        result, arguments = recorded.result, recorded.arguments
        gradient = recorded.derivatives[:-1]
        outputs = result.outputs
        values, H = self._computed(recorded, [*outputs, *gradient], out)
        value = result.value(values[: len(outputs)])
        slopes = values[len(outputs) :] or [result.zero(x.shape, x.dtype) for x in arguments.leaves]
        built = arguments.like([x if isinstance(x, Tracer) else plain(x) for x in slopes])
        return ((value, recorded.auxiliary()) if self._has_aux else value), built, H
