"""Gradients of scalar functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._transforms.function import Transformed
from jacrs._transforms.leaves import F32, F64, is_float, plain
from jacrs._transforms.targets import Target
from jacrs._trees import LEAF

if TYPE_CHECKING:
    from collections.abc import Callable

    from jacrs._jacrs import Session
    from jacrs._transforms.recording import Recorded
    from jacrs._transforms.results import Result

_ONES = {F64: np.ones((), F64), F32: np.ones((), F32)}


def grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that gives the gradient of the scalar function `f`.

    Parameters
    ----------
    f : callable
        A function whose result is one float: a Python or NumPy number, or an array of shape `()`.
    argnums : int or tuple of ints
        The positional arguments to differentiate; others, and keyword arguments, are constant.
    has_aux : bool
        Whether `f` returns `(result, aux)`, with `aux` not differentiated.

    Returns
    -------
    callable
        It takes the arguments of `f` and returns the gradient, built and shaped like the argument:
        a tuple if `argnums` is one; `(gradient, aux)` with `has_aux`. An argument that is a Python
        number or a list of numbers becomes float64. With `out=`, an array or containers of arrays
        like the gradient, it writes the gradient there and returns `out`; see `jacobian`.

    Raises
    ------
    ShapeError
        The result is not one number; use `jacobian`. `out` has another shape.
    DTypeError
        The result is an integer, or an argument cannot be differentiated.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> jacrs.grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> jacrs.grad(lambda a, b: a * b, argnums=(0, 1))(2.0, 5.0)
    (np.float64(5.0), np.float64(2.0))
    """
    return Gradient(f, argnums, has_aux)


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that gives the value of the scalar function `f` and its gradient.

    The parameters and `out=` are those of `grad`. It returns `(value, gradient)`, or `((value,
    aux), gradient)` with `has_aux`; both come from one run.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> jacrs.value_and_grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    (np.float64(9.0), array([ 3., 12.]))
    """
    return ValueAndGradient(f, argnums, has_aux)


class Gradient(Transformed):
    """The gradient of a function."""

    name = "grad"
    takes_out = True
    of_scalars = True

    def _finish(self, recorded: Recorded, out: Any = None) -> Any:
        _, gradient = self._value_and_gradient(recorded, out)
        return (gradient, recorded.auxiliary()) if self._has_aux else gradient

    def _short(self, session: Session, source: Any, y: Any) -> Any:
        return plain(session.run_vjp([y], [source], [_ONES[F64]])[1][0])

    def _value_and_gradient(self, recorded: Recorded, out: Any) -> tuple[list[Any], Any]:
        result, arguments = recorded.result, recorded.arguments
        require_scalar(self.name, result)
        target = gradient_target(recorded, out)
        along = [_ONES[result.dtypes[0]]] if result.outputs else []
        values, leaves = result.vjp(recorded.inputs, along, arguments.leaves)
        gradient = arguments.like(leaves)
        return values, gradient if target is None else target.fill(gradient)


class ValueAndGradient(Gradient):
    """The value of a function and its gradient."""

    name = "value_and_grad"

    def derivative_of(self, result: Any) -> Any:
        """Return the part of a result that `out=` is for."""
        return result[1]

    def with_derivative(self, result: Any, out: Any) -> Any:
        """Return a result with `out` for that part."""
        return result[0], out

    def _finish(self, recorded: Recorded, out: Any = None) -> Any:
        values, gradient = self._value_and_gradient(recorded, out)
        value = recorded.result.value(values)
        return ((value, recorded.auxiliary()) if self._has_aux else value), gradient

    def _short(self, session: Session, source: Any, y: Any) -> Any:
        values, gradient = session.run_vjp([y], [source], [_ONES[F64]])
        return plain(values[0]), plain(gradient[0])


def require_scalar(name: str, result: Result) -> None:
    """Raise unless the result, of a function given to the transform `name`, is one float."""
    if result.node is not LEAF:
        kind = result.node.kind
        raise errors.not_scalar(name, errors.article(kind.__name__ if kind else "leaf"))
    if result.shapes[0] != ():
        raise errors.not_scalar(name, f"an array of shape {result.shapes[0]}")
    if not is_float(result.dtypes[0]):
        raise errors.not_smooth(name, result.dtypes[0])


def gradient_target(recorded: Recorded, out: Any, name: str = "out") -> Target | None:
    """Return where a gradient is to be written; None where that is nowhere."""
    if out is None:
        return None
    arguments = recorded.arguments
    kinds = [(leaf.shape, leaf.dtype) for leaf in arguments.leaves]
    return Target(out, [arguments.node], kinds, recorded, name)
