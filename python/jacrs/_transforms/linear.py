"""`linearize`: the value of a function, and its Jacobian as something to be asked."""

from __future__ import annotations

from copy import copy
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from jacrs import errors
from jacrs._jacrs import Structure, Tracer
from jacrs._pattern import Pattern
from jacrs._transforms.applied import is_compiled, replayed
from jacrs._transforms.arguments import Arguments
from jacrs._transforms.jacobians import total_size
from jacrs._transforms.leaves import F64, is_float, plain, zeros
from jacrs._transforms.matrix import LazyJacobian, size_of
from jacrs._transforms.recording import Again, Recorded, record
from jacrs._trees import LEAF, unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jacrs._transforms.matrix import Places


def linearize(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return `f(*primals)` and its Jacobian `J` there, of which only what is asked for is computed.

    Parameters
    ----------
    f : callable
        A function of arrays, numbers and nested tuples, lists and dicts of them.
    *primals
        The arguments, all differentiated: float64 or float32 arrays, or numbers.
    has_aux : bool
        Whether `f` returns `(result, aux)`, with `aux` not differentiated.

    Returns
    -------
    tuple
        `(y, J)`, or `(y, J, aux)`.

    `J(u)`, of tangents built like the arguments (`J(u, v)` for two), is the product built like `y`;
    `J.T(v)`, of a cotangent built like `y`, the one built like the argument. To all else `J` is a
    matrix of shape `(y.size, x.size)`, over the elements of all arrays of `y` and of all arguments
    in C order, one array after the other:

    - `J @ u`, `v @ J` and `J.T` for vectors and for matrices, whose columns (or rows) go together
      in panels. Products share what depends on the point alone, which is computed once. They are
      computed in the dtypes of the arguments and of `y`.
    - `J[i, j]`, `J[i]`, `J[:, j]`, and every other index that NumPy takes, with NumPy's result.
      Such a part costs what it needs: the function is restricted to what its rows depend on,
      and differentiated by its columns. An element of a three-point stencil costs the same for
      every length.
    - `J.diagonal(k)`, `J.dense()`, `np.asarray(J)`, `J.at(i, j)` for indices into `y` and into `x`.
    - `J.sparse()`, a SciPy sparse array of the entries that can be other than zero.
    - `matvec`, `rmatvec`, `matmat`, `rmatmat`: SciPy's iterative solvers take `J` as it is, and
      `J.aslinearoperator()` gives an operator to calculate with.

    `J` may be used any number of times and from any thread. It is the Jacobian at `primals` as they
    were: a later change of their elements does not reach it. Within a recorded function its
    products and parts are recorded and can be differentiated again. It holds the recording of `f`,
    a copy of its data, and the values that products need: about one array for each nonlinear
    operation. A compiled `f` is not run where a trace holds for `primals`, and `J` shares all but
    the data with other points.

    Raises
    ------
    ShapeError, ArgumentError
        A vector does not fit.
    DTypeError
        An argument or the result cannot be differentiated.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> def residual(u):
    ...     return np.exp(u[1:-1]) + u[2:] - 2 * u[1:-1] + u[:-2]
    >>> y, J = jacrs.linearize(residual, np.zeros(5))
    >>> J
    <jacrs Jacobian of residual: 3 x 5, float64>
    >>> J @ np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    array([1., 0., 0.])
    >>> J[1]
    array([ 0.,  1., -1.,  1.,  0.])
    >>> J[1, 3], J.T[2, 1]
    (np.float64(1.0), np.float64(-1.0))
    """
    if not callable(f):
        raise errors.not_callable("linearize", f, "linearize(f, *primals)")
    if is_compiled(f):
        return replayed(linearize, f, *primals, has_aux=has_aux)
    arguments = Arguments(primals, {}, 0 if len(primals) == 1 else None)
    # The caller may change them before `J` is asked; in memory they lie as they did.
    arguments.leaves = [x.copy(order="K") if _is_array(x) else x for x in arguments.leaves]
    recorded = record(f, arguments, has_aux=has_aux)
    linear = Linearized(recorded)
    values = linear.prepare()
    y = recorded.result.value(values)
    aux = recorded.auxiliary() if has_aux else None
    arguments.args, arguments.keywords = (), {}
    if not recorded.joined:
        recorded.release()
    J = LazyJacobian(linear, getattr(f, "__name__", None) or repr(f))
    return (y, J, aux) if has_aux else (y, J)


def _is_array(leaf: Any) -> bool:
    return type(leaf) is np.ndarray


class Linearized:
    """A function at a point: its Jacobian as two linear maps of vectors, and as parts.

    Vectors hold the elements of all leaves end to end; a matrix of vectors has them as columns.
    What is asked in `reverse` is asked of the transposed Jacobian.
    """

    __slots__ = ("_dtypes", "_live", "_moves", "_native", "_recorded", "_shapes", "dtype", "shape")

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self._native: Any = None
        result, leaves = recorded.result, recorded.arguments.leaves
        # Of the arguments, which are seeded forward, and of the result, seeded in reverse.
        self._shapes = ([leaf.shape for leaf in leaves], result.shapes)
        self._dtypes = (
            [leaf.dtype for leaf in leaves],
            [dtype if is_float(dtype) else F64 for dtype in result.dtypes],
        )
        self._live = ([True] * len(leaves), result.live)
        self._moves = bool(leaves) and any(result.live)
        self.shape = (total_size(self._shapes[1]), total_size(self._shapes[0]))
        self.dtype = np.result_type(*self._dtypes[0], *self._dtypes[1], np.float32)

    def prepare(self) -> list[Any]:
        """Run what depends on the point alone; return the values of the outputs.

        There are none if they are recorded.
        """
        recorded = self._recorded
        outputs, inputs = recorded.result.outputs, recorded.inputs
        if recorded.joined or not outputs:
            return []
        if not inputs:
            return recorded.session.values(outputs)  # type: ignore[no-any-return]
        values, self._native = recorded.session.linear_map(outputs, inputs, self._starts())
        return values  # type: ignore[no-any-return]

    def again(self, make: Callable[[Linearized], Any]) -> Again:
        """Return what makes this anew of a recording that is run again, given to `make`."""
        recorded = self._recorded
        rest = self.replaced(_recorded=recorded.apart())

        def at(native: Any) -> Any:
            return make(rest.replaced(_native=native))

        return Again(recorded.result.outputs, recorded.inputs, self._starts(), at)

    def replaced(self, **parts: Any) -> Self:
        """Return a copy with other parts."""
        other = copy(self)
        for name, part in parts.items():
            setattr(other, name, part)
        return other

    def array_shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Return the shapes of result and argument, if each is one array."""
        arguments, result = self._recorded.arguments, self._recorded.result
        if result.node is not LEAF or not arguments.single or arguments.nodes[0] is not LEAF:
            return None
        return self._shapes[1][0], self._shapes[0][0]

    # --- products built like arguments and results

    def push(self, tangents: Sequence[Any]) -> Any:
        """Return the tangent of the result along tangents, one for each argument."""
        arguments, result = self._recorded.arguments, self._recorded.result
        if len(tangents) == 1 != len(arguments.nodes) and isinstance(tangents[0], tuple | list):
            (tangents,) = tangents
        products = self._apply(arguments.tangents(tuple(tangents)), reverse=False)
        return unflatten(result.node, list(map(_plain, products)))

    def pull(self, cotangent: Any) -> Any:
        """Return the cotangent of the argument, or a tuple of one for each of several."""
        arguments, result = self._recorded.arguments, self._recorded.result
        along = result.cotangents(cotangent, "cotangent")
        return arguments.like(list(map(_plain, self._apply(along, reverse=True))))

    def _apply(self, seeds: list[Any], *, reverse: bool, lanes: tuple[int, ...] = ()) -> list[Any]:
        """Return the products of the seeds that matter; `lanes` vectors are their last axis."""
        recorded = self._recorded
        found: Iterator[Any] = iter(())
        if self._moves:
            if recorded.joined:
                transform = recorded.session.vjp if reverse else recorded.session.jvp
                found = iter(transform(recorded.result.outputs, recorded.inputs, seeds))
            elif any(isinstance(seed, Tracer) for seed in seeds):
                found = iter(self._native.record(reverse, seeds))
            elif lanes:
                found = iter(self._native.products(reverse, seeds, *lanes))
            else:
                found = iter(self._native.product(reverse, seeds))
            if reverse:
                return list(found)
        swept = not reverse
        return [
            next(found) if live and self._moves else self._zeros(shape + lanes, dtype)
            for shape, dtype, live in zip(
                self._shapes[swept], self._dtypes[swept], self._live[swept], strict=True
            )
        ]

    def _zeros(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return zeros(shape, dtype, recorded=self._recorded.joined)

    # --- products of vectors

    def product(self, x: Any, *, reverse: bool) -> Any:
        """Return the product with a vector, or with each column of a matrix."""
        if x.dtype.kind == "c":
            real = self.product(x.real, reverse=reverse)
            return real + 1j * self.product(x.imag, reverse=reverse)
        dtype = np.result_type(self.dtype, x.dtype)
        lanes = x.shape[1:]
        if lanes and lanes[0] and (self._recorded.joined or isinstance(x, Tracer)):
            columns = [self.product(x[:, k], reverse=reverse) for k in range(lanes[0])]
            return np.stack(columns, axis=1)
        products = self._apply(self._parts(x, reverse=reverse), reverse=reverse, lanes=lanes)
        shapes = self._shapes[not reverse]
        parts = [
            part.reshape((prod(shape), *lanes))
            for part, shape in zip(products, shapes, strict=True)
        ]
        whole = parts[0] if len(parts) == 1 else np.concatenate([np.zeros((0, *lanes)), *parts])
        return whole if whole.dtype == dtype else whole.astype(dtype)

    def _parts(self, x: Any, *, reverse: bool) -> list[Any]:
        """Return the leaves of a vector or matrix that matter."""
        parts, start = [], 0
        for shape, dtype, live in zip(
            self._shapes[reverse], self._dtypes[reverse], self._live[reverse], strict=True
        ):
            stop = start + prod(shape)
            if live:
                part = x[start:stop].reshape(shape + x.shape[1:])
                parts.append(part if part.dtype == dtype else part.astype(dtype))
            start = stop
        return parts

    # --- parts

    def block(self, rows: Places, columns: Places) -> Any:
        """Return the elements in rows and columns, both ascending, as a matrix."""
        shape = (size_of(rows), size_of(columns))
        found: list[Any] = []
        if self._moves and all(shape):
            recorded = self._recorded
            if recorded.joined:
                outputs, inputs = recorded.result.outputs, recorded.inputs
                starts = self._starts()
                found = recorded.session.submatrix(outputs, inputs, starts, rows, columns)
            else:
                found = self._native.submatrix(rows, columns)
        if len(found) == 1 and found[0][2].shape == shape and found[0][2].dtype == self.dtype:
            return found[0][2]
        out = self._zeros(shape, self.dtype)
        for some_rows, some_columns, block in found:
            out[some_rows, some_columns] = block
        return out

    def sparse(self) -> tuple[Pattern, Any]:
        """Return the pattern, and the entries in its order."""
        if self._recorded.joined:
            raise errors.recorded_sparse()
        if not self._moves:
            starts = np.zeros(self.shape[0] + 1, np.int64)
            none = Structure(self.shape, starts, np.zeros(0, np.int64))
            return Pattern(none), np.zeros(0, self.dtype)
        found, entries = self._native.sparse()
        pattern, entries = Pattern(found), np.asarray(entries).astype(self.dtype, copy=False)
        if all(self._live[1]):
            return pattern, entries
        # Outputs that depend on nothing have rows without entries.
        counts = np.zeros(self.shape[0], np.int64)
        sizes = list(map(prod, self._shapes[1]))
        counts[np.repeat(self._live[1], sizes)] = np.diff(pattern.indptr)
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        columns = pattern.indices.astype(np.int64)
        return Pattern(Structure(self.shape, starts, columns)), entries

    def _starts(self) -> list[int]:
        """Return the first row of each leaf of the result that matters."""
        ends = list(accumulate(map(prod, self._shapes[1]), initial=0))
        return [start for start, live in zip(ends, self._live[1], strict=False) if live]


def _plain(product: Any) -> Any:
    return product if isinstance(product, Tracer) else plain(product)
