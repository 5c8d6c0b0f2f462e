"""Dense Jacobians, and the Hessian as the Jacobian of the gradient."""

from __future__ import annotations

from functools import partial
from itertools import islice
from math import prod
from typing import TYPE_CHECKING, Any

from jacrs import errors
from jacrs._transforms.function import Transformed
from jacrs._transforms.recording import Recorded, record
from jacrs._trees import LEAF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jacrs._transforms.arguments import Arguments

_MODES = (None, "forward", "reverse")


def jacobian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    mode: str | None = None,
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

    Returns
    -------
    callable
        It takes the arguments of `f` and returns an array of shape `y.shape + x.shape`, with
        `J[i, j] = dy[i] / dx[j]`. Containers nest: the result's outside, the argument's inside, a
        tuple of `argnums` between. Integer and boolean results have zeros. With `has_aux` it
        returns `(J, aux)`.

    Raises
    ------
    DTypeError
        An argument or the result cannot be differentiated.

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
    return Jacobian(f, argnums, has_aux, checked_mode(mode))


def value_and_jacobian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    mode: str | None = None,
) -> Callable[..., Any]:
    """Return a function that gives the value of `f` and its Jacobian.

    The parameters are those of `jacobian`. It returns `(value, J)`, or `((value, aux), J)` with
    `has_aux`; both come from one run.

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
    return ValueAndJacobian(f, argnums, has_aux, checked_mode(mode))


def jacfwd(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that gives the Jacobian of `f`, computed in forward mode.

    It is `jacobian(f, argnums, has_aux=has_aux, mode="forward")`.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> jacrs.jacfwd(np.sin)(0.0)
    np.float64(1.0)
    """
    return Jacobian(f, argnums, has_aux, "forward")


def jacrev(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that gives the Jacobian of `f`, computed in reverse mode.

    It is `jacobian(f, argnums, has_aux=has_aux, mode="reverse")`.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> jacrs.jacrev(lambda x: x @ x)(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return Jacobian(f, argnums, has_aux, "reverse")


def hessian(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that gives the second derivatives of `f`.

    The parameters are those of `jacobian`. For a scalar `f` of one array it returns an array of
    shape `x.shape + x.shape`; for others of shape `y.shape + x.shape + x.shape`. Containers nest:
    the result's, then the argument's twice. With `has_aux` it returns `(H, aux)`.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> jacrs.hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    return Hessian(f, argnums, has_aux)


class Jacobian(Transformed):
    """The Jacobian of a function."""

    name = "jacobian"

    def _run(self, arguments: Arguments) -> Any:
        recorded, _, blocks = self._blocks(arguments)
        return (blocks, recorded.auxiliary()) if self._has_aux else blocks

    def _blocks(self, arguments: Arguments) -> tuple[Recorded, list[Any], Any]:
        recorded = record(self._f, arguments, has_aux=self._has_aux)
        result = recorded.result
        mode = self._options[0] or cheaper_mode(result.shapes, arguments.leaves)
        values, rows = result.jacobian(result.outputs, recorded.inputs, mode)
        if result.node is LEAF and result.outputs:
            return recorded, values, arguments.like(rows[0])
        constant = partial(_zero_row, recorded)
        return recorded, values, result.like(map(arguments.like, rows), constant)


def _zero_row(recorded: Recorded, index: int) -> Any:
    arguments, zero = recorded.arguments, recorded.result.zeros_for
    return arguments.like([zero(index, leaf.shape, leaf.dtype) for leaf in arguments.leaves])


class ValueAndJacobian(Jacobian):
    """The value of a function and its Jacobian."""

    name = "value_and_jacobian"

    def _run(self, arguments: Arguments) -> Any:
        recorded, values, blocks = self._blocks(arguments)
        value = recorded.result.value(values)
        return ((value, recorded.auxiliary()) if self._has_aux else value), blocks


class Hessian(Transformed):
    """The second derivatives of a function: its Jacobian's Jacobian, from one recording."""

    name = "hessian"

    def _run(self, arguments: Arguments) -> Any:
        first: list[Any] = []

        def differentiate(recorded: Recorded) -> None:
            if recorded.result.outputs:
                rows = recorded.session.jacobian(
                    recorded.result.outputs, recorded.inputs, "reverse"
                )
                first.extend(block for row in rows for block in row)

        recorded = record(self._f, arguments, has_aux=self._has_aux, then=differentiate)
        _, rows = recorded.result.jacobian(first, recorded.inputs, "forward")
        supply = iter(rows)
        count = len(arguments.leaves)

        def second(blocks: Iterator[list[Any]]) -> Any:
            return arguments.like([arguments.like(row) for row in islice(blocks, count)])

        def constant(index: int) -> Any:
            leaves = arguments.leaves
            return second(
                [recorded.result.zeros_for(index, x.shape + z.shape, x.dtype) for z in leaves]
                for x in leaves
            )

        of_outputs = (second(supply) for _ in recorded.result.outputs)
        blocks = recorded.result.like(of_outputs, constant)
        return (blocks, recorded.auxiliary()) if self._has_aux else blocks


def cheaper_mode(outputs: Sequence[tuple[int, ...]], inputs: Sequence[Any]) -> str:
    """Choose the mode by the shapes of the outputs and the inputs.

    A sweep back costs about as much as two forward.
    """
    columns = sum([prod(x.shape) for x in inputs])
    rows = sum(map(prod, outputs))
    return "forward" if columns <= 2 * rows else "reverse"


def checked_mode(mode: str | None) -> str | None:
    """Return the mode; raise where it is none."""
    if mode not in _MODES:
        raise errors.bad_choice("mode", mode, _MODES)
    return mode
