"""Dense Jacobians, and the Hessian as the Jacobian of the gradient."""

from __future__ import annotations

import operator
import sys
from functools import partial
from itertools import islice, product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._transforms.function import Transformed
from jacrs._transforms.leaves import plain
from jacrs._transforms.recording import Recorded, record
from jacrs._transforms.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jacrs._jacrs import Session
    from jacrs._transforms.arguments import Arguments

_MODES = (None, "forward", "reverse")


def jacobian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    mode: str | None = None,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that gives the Jacobian of `f`.

    Parameters
    ----------
    f : callable
        A function of arrays, numbers and nested tuples, lists and dicts of them. A list of
        numbers, in the arguments or as the result, is a vector.
    argnums : int or tuple of ints
        The positional arguments to differentiate; others, and keyword arguments, are constant.
    has_aux : bool
        Whether `f` returns `(result, aux)`, with `aux` not differentiated.
    mode : {None, "forward", "reverse"}
        How to compute it; None chooses by the sizes of arguments and result.
    chunk_size : int, optional
        How many directions (columns in forward mode, rows in reverse) are in flight at once, at
        most; rounded up to panels of 16. It bounds the memory of the computation and changes no
        bit of the result. None is a panel for each thread. Where the call is part of an outer
        recording the outer transform computes, and its own `chunk_size` counts. Where `explain`
        says "entry by entry" there are no directions, and nothing to bound.

    Returns
    -------
    callable
        It takes the arguments of `f` and returns an array of shape `y.shape + x.shape`, with
        `J[i, j] = dy[i] / dx[j]`. Containers nest: the result's outside, the argument's inside, a
        tuple of `argnums` between. Integer and boolean results have zeros. With `has_aux` it
        returns `(J, aux)`.

        With `out=`, an array of just the shape and dtype of `J`, or containers of arrays that nest
        like it, it writes `J` there and returns `out`. The strides may be any, and `out` may share
        memory with an argument. What raises does so before `out` is written to; only an interrupt
        (Ctrl-C) can leave it half written. Inside a recorded function `out` must be an array made
        there. A keyword argument `out` of `f` itself is passed by `functools.partial`.

    Raises
    ------
    DTypeError
        An argument or the result cannot be differentiated; `out` has another dtype.
    ShapeError
        `out` has another shape.
    ArgumentError
        `out` is read-only, or two of its arrays share memory; `chunk_size` is not positive.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> jacrs.jacobian(lambda x: x**2)(np.array([1.0, 2.0, 3.0]))
    array([[2., 0., 0.],
           [0., 4., 0.],
           [0., 0., 6.]])
    >>> jacrs.jacobian(lambda t, y: [y[1], t * y[0]], argnums=1)(3.0, np.array([1.0, 0.0]))
    array([[0., 1.],
           [3., 0.]])
    """
    return Jacobian(f, argnums, has_aux, checked_mode(mode), checked_chunk(chunk_size))


def value_and_jacobian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    mode: str | None = None,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that gives the value of `f` and its Jacobian.

    The parameters and `out=` are those of `jacobian`. It returns `(value, J)`, or `((value, aux),
    J)` with `has_aux`; both come from one run.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> value, J = jacrs.value_and_jacobian(lambda x: x[0] * x)(np.array([2.0, 3.0]))
    >>> value
    array([4., 6.])
    >>> J
    array([[4., 0.],
           [3., 2.]])
    """
    return ValueAndJacobian(f, argnums, has_aux, checked_mode(mode), checked_chunk(chunk_size))


def jacfwd(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that gives the Jacobian of `f`, computed in forward mode.

    It is `jacobian` with `mode="forward"`.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> jacrs.jacfwd(np.sin)(0.0)
    np.float64(1.0)
    """
    return Jacobian(f, argnums, has_aux, "forward", checked_chunk(chunk_size))


def jacrev(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that gives the Jacobian of `f`, computed in reverse mode.

    It is `jacobian` with `mode="reverse"`.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> jacrs.jacrev(lambda x: x @ x)(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return Jacobian(f, argnums, has_aux, "reverse", checked_chunk(chunk_size))


def hessian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that gives the second derivatives of `f`.

    The parameters and `out=` are those of `jacobian`. For a scalar `f` of one array it returns an
    array of shape `x.shape + x.shape`; for others of shape `y.shape + x.shape + x.shape`.
    Containers nest: the result's, then the argument's twice. With `has_aux` it returns `(H, aux)`.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> jacrs.hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    return Hessian(f, argnums, has_aux, "forward", checked_chunk(chunk_size))


class Jacobian(Transformed):
    """The Jacobian of a function."""

    name = "jacobian"
    takes_out = True

    @property
    def directions(self) -> int | None:
        """How many directions are in flight at once, at most."""
        directions: int | None = self._options[1]
        return directions

    def _finish(self, recorded: Recorded, out: Any = None) -> Any:
        _, blocks = self._value_and_blocks(recorded, out)
        return (blocks, recorded.auxiliary()) if self._has_aux else blocks

    def _short(self, session: Session, source: Any, y: Any) -> Any:
        mode, chunk_size = self._options
        return plain(session.run_jacobian([y], [source], mode, chunk_size)[1][0][0])

    def _value_and_blocks(self, recorded: Recorded, out: Any) -> tuple[list[Any], Any]:
        result, arguments = recorded.result, recorded.arguments
        mode, chunk_size = self._options
        target = derivative_target(recorded, out, 1)
        values, rows = result.jacobian(
            result.outputs,
            recorded.inputs,
            mode,
            chunk_size,
            None if target is None else target.of_outputs(result.live),
        )
        blocks = result.like(map(arguments.like, rows), partial(_zero_row, recorded))
        return values, blocks if target is None else target.fill(blocks)


def derivative_target(recorded: Recorded, out: Any, order: int, name: str = "out") -> Target | None:
    """Return where the derivatives of this order are to be written; None where that is nowhere."""
    if out is None:
        return None
    result, arguments = recorded.result, recorded.arguments
    kinds = []
    for shape, dtype, live in zip(result.shapes, result.dtypes, result.live, strict=True):
        for by in product(arguments.leaves, repeat=order):
            dtypes = [x.dtype for x in by]
            block = np.result_type(dtype, *dtypes) if live else dtypes[0]
            kinds.append((sum((x.shape for x in by), shape), block))
    return Target(out, [result.node, *[arguments.node] * order], kinds, recorded, name)


def _zero_row(recorded: Recorded, index: int) -> Any:
    arguments, zero = recorded.arguments, recorded.result.zeros_for
    return arguments.like([zero(index, leaf.shape, leaf.dtype) for leaf in arguments.leaves])


class ValueAndJacobian(Jacobian):
    """The value of a function and its Jacobian."""

    name = "value_and_jacobian"

    def derivative_of(self, result: Any) -> Any:
        """Return the part of a result that `out=` is for."""
        return result[1]

    def with_derivative(self, result: Any, out: Any) -> Any:
        """Return a result with `out` for that part."""
        return result[0], out

    def _finish(self, recorded: Recorded, out: Any = None) -> Any:
        values, blocks = self._value_and_blocks(recorded, out)
        value = recorded.result.value(values)
        return ((value, recorded.auxiliary()) if self._has_aux else value), blocks

    def _short(self, session: Session, source: Any, y: Any) -> Any:
        mode, chunk_size = self._options
        values, rows = session.run_jacobian([y], [source], mode, chunk_size)
        return plain(values[0]), plain(rows[0][0])


class Hessian(Jacobian):
    """The second derivatives of a function: its Jacobian's Jacobian, from one recording."""

    name = "hessian"
    has_short_way = False
    takes_out = True

    def _record(self, arguments: Arguments) -> Recorded:
        return record(self._f, arguments, has_aux=self._has_aux, then=_differentiate)

    def _finish(self, recorded: Recorded, out: Any = None) -> Any:
        _, blocks = self._first_and_second(recorded, derivative_target(recorded, out, 2))
        return (blocks, recorded.auxiliary()) if self._has_aux else blocks

    def _first_and_second(self, recorded: Recorded, target: Target | None) -> tuple[list[Any], Any]:
        """Return the values of what was differentiated again, and the second derivatives."""
        result, arguments = recorded.result, recorded.arguments
        mode, chunk_size = self._options
        values, rows = result.jacobian(
            recorded.derivatives,
            recorded.inputs,
            mode,
            chunk_size,
            None if target is None else target.of_outputs(result.live),
        )
        count = len(arguments.leaves)

        def second(blocks: Iterable[list[Any]]) -> Any:
            return arguments.like([arguments.like(row) for row in blocks])

        def constant(index: int) -> Any:
            leaves, zero = arguments.leaves, result.zeros_for
            return second([zero(index, x.shape + z.shape, x.dtype) for z in leaves] for x in leaves)

        supply = iter(rows)
        of_outputs = [second(list(islice(supply, count))) for _ in result.outputs]
        blocks = result.like(of_outputs, constant)
        return values, blocks if target is None else target.fill(blocks)


def _differentiate(recorded: Recorded) -> None:
    """Note the blocks of the first derivative, while they can be recorded."""
    outputs = recorded.result.outputs
    rows = recorded.session.jacobian(outputs, recorded.inputs, "reverse") if outputs else []
    recorded.derivatives = [block for row in rows for block in row]


def total_size(shapes: Iterable[tuple[int, ...]]) -> int:
    """Return how many elements arrays of these shapes have."""
    return sum(map(prod, shapes))


def checked_chunk(chunk_size: Any) -> int | None:
    """Return the number of directions at a time; raise where it is none."""
    if chunk_size is None:
        return None
    try:
        count = operator.index(chunk_size)
    except TypeError:
        count = 0
    if count < 1 or isinstance(chunk_size, bool):
        raise errors.bad_count("chunk_size", chunk_size)
    return min(count, sys.maxsize)


def checked_mode(mode: str | None) -> str | None:
    """Return the mode; raise where it is none."""
    if mode not in _MODES:
        raise errors.bad_choice("mode", mode, _MODES)
    return mode
