"""Sparse Jacobians and Hessians as SciPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._jacrs import Tracer, sparse_entries
from jacrs._layout import MatrixOf, fill_matrix
from jacrs._pattern import Pattern
from jacrs._transforms.arguments import Arguments
from jacrs._transforms.entries import SECOND_MODES, Matrix, checked_options
from jacrs._transforms.function import Transformed
from jacrs._transforms.jacobians import total_size
from jacrs._transforms.leaves import plain
from jacrs._transforms.recording import Recorded, record
from jacrs._transforms.second import note_gradient

if TYPE_CHECKING:
    from collections.abc import Callable


def sparse_jacobian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    format: str = "csr",  # noqa: A002 - SciPy's name
    mode: str | None = None,
    pattern: Any = None,
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
    pattern : Pattern, sparse matrix or array of booleans
        Where the entries are: what `sparsity(f)` returned, what a SciPy matrix stores (zeros too),
        or what is true in an array. It is not looked for then: columns or rows are coloured and the
        result has just this structure, which may have more entries than the Jacobian, not fewer.
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

    A given `pattern` is checked in the first call for recorded operations, and wherever `compile`
    records: products with two fixed vectors are compared with those of the entries, up to rounding
    (a row may differ by `eps**0.75` of the sum of its terms), and rows that differ are looked at
    one by one. Numbers that are not finite are checked at the next point where they are. Other
    branches, and other contents of index arrays, are other operations. What is not seen is an
    element that happens to be zero at the point of the check, or as small as rounding beside
    others in its row: a pattern must hold for all points, and for all that arrays of floats from
    outside may hold.

    Raises
    ------
    ImportError
        SciPy is not installed.
    DTypeError
        An argument or the result cannot be differentiated.
    ArgumentError
        `out` has another structure; `mode` is "structured" and does not serve, or there is a
        `pattern`; the Jacobian has an entry outside of it.
    ShapeError
        `pattern` has another shape than the Jacobian.
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

    Of a function with a matrix of floats, whose zeros `sparsity` takes for entries:

    >>> A = np.diag([1.0, 2.0, 3.0])
    >>> jacrs.sparse_jacobian(lambda x: np.sin(A @ x), pattern=A != 0)(np.zeros(3))
    <Compressed Sparse Row sparse array of dtype 'float64'
        with 3 stored elements and shape (3, 3)>
    """
    options = checked_options(format, mode, pattern, blocksize, copy_structure)
    return SparseJacobian(f, argnums, has_aux, *options)


def value_and_sparse_jacobian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    format: str = "csr",  # noqa: A002 - SciPy's name
    mode: str | None = None,
    pattern: Any = None,
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
    options = checked_options(format, mode, pattern, blocksize, copy_structure)
    return ValueAndSparseJacobian(f, argnums, has_aux, *options)


def sparse_hessian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    format: str = "csr",  # noqa: A002 - SciPy's name
    mode: str | None = None,
    pattern: Any = None,
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
    options = checked_options(format, mode, pattern, blocksize, copy_structure, SECOND_MODES)
    return SparseHessian(f, argnums, has_aux, *options)


def value_and_sparse_hessian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    format: str = "csr",  # noqa: A002 - SciPy's name
    mode: str | None = None,
    pattern: Any = None,
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
    options = checked_options(format, mode, pattern, blocksize, copy_structure, SECOND_MODES)
    return ValueAndSparseHessian(f, argnums, has_aux, *options)


class SparseJacobian(Transformed):
    """The sparse Jacobian of a function."""

    name = "sparse_jacobian"
    symmetric = False
    has_short_way = False
    takes_out = True

    def __init__(self, f: Callable[..., Any], argnums: Any, has_aux: bool, *options: Any) -> None:  # noqa: FBT001
        super().__init__(f, argnums, has_aux, *options)
        self._checked: set[int] = set()  # for what was prepared with the given pattern

    def _record(self, arguments: Arguments) -> Recorded:
        given = self._options[-1]
        if given is not None:
            columns = arguments.size()
            self._check_shape(given, columns if self.symmetric else None, columns)
        return record(self._f, arguments, has_aux=self._has_aux, then=self._differentiate)

    def _differentiate(self, recorded: Recorded) -> None:
        """Note the entries, while they can be recorded."""
        recorded.derivatives = [self._matrix(recorded, recorded.result.leaves)]

    def _matrix(self, recorded: Recorded, outputs: list[Any]) -> Matrix:
        mode, (form, blocksize), private, given = self._options
        if given is None:
            found, entries, strategy, _ = sparse_entries(
                recorded.session, outputs, recorded.inputs, mode, self.symmetric
            )
        else:
            if not self.symmetric:
                self._check_shape(given, total_size(recorded.result.shapes), given.shape[1])
            # Who runs a recording again does not come here: it is checked each time.
            checked = None if recorded.joined else self._checked
            found, entries, strategy, outside = sparse_entries(
                recorded.session,
                outputs,
                recorded.inputs,
                mode,
                self.symmetric,
                given.native,
                checked,
            )
            if outside is not None:
                raise errors.outside_pattern(self.name, *outside)
        pattern = Pattern(found)
        layout = pattern.layout(form, blocksize)
        make = MatrixOf(layout, private)
        return Matrix(self.name, make, layout.ordered(entries), f"{pattern!r}\n{strategy}")

    def _check_shape(self, given: Pattern, rows: int | None, columns: int) -> None:
        """Raise where a pattern has other rows, if they are known yet, or other columns."""
        if given.shape != (given.shape[0] if rows is None else rows, columns):
            raise errors.pattern_shape(self.name, given.shape, (rows, columns))

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
