"""Second derivatives of scalar functions: products with the Hessian, and all of it with the value.

The gradient is recorded, by a sweep back, after the function that is being recorded; what is run is
the derivative of the gradient. So one recording serves, and values that the function, its gradient
and the product have in common are computed once.

Hessian-vector products by this composition: Pearlmutter, "Fast exact multiplication by the
Hessian", Neural Computation 6 (1994), 147-160.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import _jacrs, errors
from jacrs._transforms.arguments import Arguments
from jacrs._transforms.gradients import gradient_target, require_scalar
from jacrs._transforms.jacobians import Hessian, checked_chunk, derivative_target
from jacrs._transforms.leaves import plain
from jacrs._transforms.products import Product
from jacrs._transforms.recording import Recorded, record
from jacrs._transforms.targets import apart

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def hvp(
    f: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    has_aux: bool = False,
) -> Any:
    """Return the Hessian of the scalar function `f` times `tangents`, without forming the Hessian.

    The derivative of the gradient along `tangents`, forward over reverse, from one recording.
    `functional.hvp` gives the value as well.

    Parameters
    ----------
    f : callable
        A function whose result is one float.
    primals : tuple
        The arguments, all differentiated: float64 or float32 arrays, numbers, or containers.
    tangents : tuple
        One for each argument, built like it, of its shapes, and of dtypes that convert to its
        dtypes without loss.
    has_aux : bool
        Whether `f` returns `(result, aux)`, with `aux` not differentiated.

    Returns
    -------
    tuple
        One entry for each argument, built, shaped and of dtypes like it; `(product, aux)` with
        `has_aux`.

    Raises
    ------
    ShapeError, ArgumentError
        The result is not one number; a tangent is not shaped or built like its argument.
    DTypeError
        The result is an integer; an argument or a tangent cannot be differentiated.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> jacrs.hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([  6., 120.]),)
    >>> jacrs.hvp(lambda a, b: a * b**2, (3.0, 5.0), (1.0, 0.0))
    (np.float64(0.0), np.float64(10.0))
    """
    return _hessian_product("hvp", f, primals, tangents, "tangents", has_aux=has_aux)


def vhp(
    f: Callable[..., Any],
    primals: Sequence[Any],
    cotangent: Sequence[Any],
    *,
    has_aux: bool = False,
) -> Any:
    """Return `cotangent` times the Hessian of the scalar function `f`, reverse over reverse.

    The parameters are those of `hvp`, and so is the result, up to rounding: where the second
    derivatives are continuous the Hessian is symmetric. `cotangent` is a tuple with one entry for
    each argument.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> jacrs.vhp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([  6., 120.]),)
    """
    return _hessian_product("vhp", f, primals, cotangent, "cotangent", has_aux=has_aux)


def value_grad_and_hessian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that gives value, gradient and Hessian of the scalar function `f`.

    The parameters are those of `jacobian`. It returns `(value, gradient, hessian)`, or `((value,
    aux), gradient, hessian)` with `has_aux`, from one recording and one run. `out=` is a pair of
    what is given for the gradient and for the Hessian, each as in `jacobian`, or None.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> f = lambda x: x[0] ** 2 * x[1]
    >>> value, gradient, hessian = jacrs.value_grad_and_hessian(f)(np.array([3.0, 5.0]))
    >>> value, gradient
    (np.float64(45.0), array([30.,  9.]))
    >>> hessian
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    return ValueGradientAndHessian(f, argnums, has_aux, "forward", checked_chunk(chunk_size))


class ValueGradientAndHessian(Hessian):
    """The value, gradient and Hessian of a scalar function."""

    name = "value_grad_and_hessian"

    def derivative_of(self, result: Any) -> Any:
        """Return the part of a result that `out=` is for."""
        return result[1:]

    def with_derivative(self, result: Any, out: Any) -> Any:
        """Return a result with `out` for that part."""
        return (result[0], *out)

    def _record(self, arguments: Arguments) -> Recorded:
        then = partial(note_gradient, self.name, with_value=True)
        return record(self._f, arguments, has_aux=self._has_aux, then=then)

    def _finish(self, recorded: Recorded, out: Any = None) -> Any:
        result, arguments = recorded.result, recorded.arguments
        first, second = _pair(out)
        targets = (
            gradient_target(recorded, first, "out[0]"),
            derivative_target(recorded, second, 2, "out[1]"),
        )
        apart([array for target in targets if target for array in target.arrays], "out")
        values, hessian = self._first_and_second(recorded, targets[1])
        values = recorded.derivatives if recorded.joined else values
        if result.outputs:
            *slopes, y = values
            leaves = [_like_leaf(v, x) for v, x in zip(slopes, arguments.leaves, strict=True)]
            value = result.value([y])
        else:
            leaves = [result.zero(x.shape, x.dtype) for x in arguments.leaves]
            value = result.value([])
        gradient = arguments.like(leaves)
        if targets[0] is not None:
            gradient = targets[0].fill(gradient)
        return ((value, recorded.auxiliary()) if self._has_aux else value), gradient, hessian


def _pair(out: Any) -> tuple[Any, Any]:
    if out is None:
        return None, None
    if type(out) is not tuple or len(out) != 2:
        raise errors.no_out_pair(out)
    return out


def note_gradient(name: str, recorded: Recorded, *, with_value: bool = False) -> None:
    """Note the gradient, while it can be recorded; last of all the value, if it is to be run too.

    The value is noted as a constant: its derivative has been taken.
    """
    result, session = recorded.result, recorded.session
    require_scalar(name, result)
    if result.outputs:
        (y,) = result.outputs
        recorded.derivatives = session.jacobian([y], recorded.inputs, "reverse")[0]
        if with_value:
            recorded.derivatives.append(_jacrs.stop_gradient(y))


def _hessian_product(
    name: str, f: Callable[..., Any], primals: Any, given: Any, what: str, *, has_aux: bool
) -> Any:
    if not callable(f):
        raise errors.not_callable(name, f)
    if isinstance(f, _jacrs.Replay) and not _jacrs.is_recording():
        transform = hvp if name == "hvp" else vhp
        compiled: Any = f
        return compiled.transformed(Product, transform, has_aux)(primals, given)
    if type(primals) is not tuple and type(primals) is not list:
        raise errors.not_a_tuple("primals", primals)
    arguments = Arguments(primals, {}, tuple(range(len(primals))))
    along = arguments.tangents(given, what)
    recorded = record(f, arguments, has_aux=has_aux, then=partial(note_gradient, name))
    products = arguments.like(second_products(recorded, along, forward=name == "hvp")[1])
    return (products, recorded.auxiliary()) if has_aux else products


def second_products(
    recorded: Recorded, along: list[Any], *, forward: bool
) -> tuple[list[Any], list[Any]]:
    """Return the values of the noted gradient, and its product with `along` from either side.

    There are no values if the call stays recorded, and none of a constant function.
    """
    arguments, gradient = recorded.arguments, recorded.derivatives
    session, inputs = recorded.session, recorded.inputs
    if not gradient or not inputs:
        zero = recorded.result.zero
        known = session.values(gradient) if gradient and not recorded.joined else []
        return known, [zero(x.shape, x.dtype) for x in arguments.leaves]
    y = recorded.result.dtypes[0]
    dtypes = [np.promote_types(y, x.dtype) for x in arguments.leaves]
    rest = [(recorded.result.shapes[0], y)] * (len(gradient) - len(inputs))  # the value
    if not forward:
        along = [v.astype(d) if v.dtype != d else v for v, d in zip(along, dtypes, strict=False)]
        along += [np.zeros(shape, d) for shape, d in rest]
    values: list[Any] = []
    if recorded.joined:
        products = (session.jvp if forward else session.vjp)(gradient, inputs, along)
    else:
        run = session.run_jvp if forward else session.run_vjp
        values, products = run(gradient, inputs, along)
    pairs = zip(products, arguments.leaves, strict=False)  # the value's product is none
    return values, [_like_leaf(product, x) for product, x in pairs]


def _like_leaf(value: Any, leaf: Any) -> Any:
    """Return a derivative in the dtype of the argument it belongs to."""
    value = value if value.dtype == leaf.dtype else value.astype(leaf.dtype)
    return value if isinstance(value, _jacrs.Tracer) else plain(value)
