"""Twins of `torch.autograd.functional` on NumPy arrays: the same signatures, nesting and order.

`inputs` is an array or a tuple of arrays, and so is what `func(*inputs)` returns; derivatives are
nested in tuples in just those ways. `create_graph` and `vectorize` are taken and change nothing:
inside a recorded function results are recorded always, outside they are arrays, and all
directions are computed together. A compiled `func` is replayed. With `strict=True` an output that
does not depend on an input raises IndependentError, which is a RuntimeError.

Examples
--------
>>> import numpy as np
>>> from jacrs import functional
>>> functional.vjp(np.sin, np.array([1.0, 2.0, 3.0]), np.array([0.5, 1.0, 0.2]))[1]
array([ 0.27015115, -0.41614684, -0.1979985 ])
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._jacrs import stop_gradient
from jacrs._transforms.applied import is_compiled, replayed
from jacrs._transforms.arguments import Arguments
from jacrs._transforms.leaves import F64, is_float, vector_like
from jacrs._transforms.recording import Recorded, record
from jacrs._transforms.second import second_products
from jacrs._trees import LEAF

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

_STRATEGIES = ("reverse-mode", "forward-mode")


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,  # noqa: ARG001, FBT001, FBT002
    strict: bool = False,  # noqa: FBT001, FBT002
) -> tuple[Any, Any]:
    """Return `func(*inputs)`, and the product of `v` with its Jacobian from the left.

    `v` is shaped like the result; it may be left out for a single result of one element. The
    product is shaped like `inputs`.

    Examples
    --------
    >>> import numpy as np
    >>> from jacrs import functional
    >>> functional.vjp(lambda x, y: 2 * x + 3 * y, (1.0, 2.0), 1.0)
    (np.float64(8.0), (np.float64(2.0), np.float64(3.0)))
    """
    if is_compiled(func):
        pair: tuple[Any, Any] = replayed(vjp, func, inputs, v, strict=strict)
        return pair
    recorded = _record(func, inputs, strict=strict)
    result = recorded.result
    along = _vectors(v, result.shapes, result.dtypes, "the result", many=result.node is not LEAF)
    live = [vector for vector, live in zip(along, result.live, strict=True) if live]
    values, pulled = result.vjp(recorded.inputs, live, recorded.arguments.leaves)
    return result.value(values), recorded.arguments.like(pulled)


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,  # noqa: ARG001, FBT001, FBT002
    strict: bool = False,  # noqa: FBT001, FBT002
) -> tuple[Any, Any]:
    """Return `func(*inputs)`, and the product of its Jacobian with `v` from the right.

    `v` is shaped like `inputs`; it may be left out for a single input of one element. The product
    is shaped like the result.

    Examples
    --------
    >>> import numpy as np
    >>> from jacrs import functional
    >>> functional.jvp(lambda x, y: 2 * x + 3 * y, (1.0, 2.0), (1.0, 1.0))
    (np.float64(8.0), np.float64(5.0))
    """
    if is_compiled(func):
        pair: tuple[Any, Any] = replayed(jvp, func, inputs, v, strict=strict)
        return pair
    arguments = _arguments(inputs)
    along = _like_inputs(v, arguments)
    recorded = _recorded(func, arguments, strict=strict)
    result = recorded.result
    values, products = result.jvp(recorded.inputs, along)
    return result.value(values), result.like(products, result.zeros_for)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,  # noqa: ARG001, FBT001, FBT002
    strict: bool = False,  # noqa: FBT001, FBT002
    vectorize: bool = False,  # noqa: ARG001, FBT001, FBT002
    strategy: str = "reverse-mode",
) -> Any:
    """Return the Jacobian of `func` at `inputs`.

    It is an array of shape `y.shape + x.shape`, or a tuple of them over the results, or over the
    inputs, or `J[i][j]` over both. `strategy` is "reverse-mode" or "forward-mode".

    Examples
    --------
    >>> import numpy as np
    >>> from jacrs import functional
    >>> functional.jacobian(lambda x, y: 2 * x + 3 * y, (np.ones(2), np.ones(2)))
    (array([[2., 0.],
           [0., 2.]]), array([[3., 0.],
           [0., 3.]]))
    """
    if is_compiled(func):
        return replayed(jacobian, func, inputs, strict=strict, strategy=strategy)
    mode = _mode("strategy", strategy)
    recorded = _record(func, inputs, strict=strict)
    result, arguments = recorded.result, recorded.arguments
    if strict:
        _require_all(recorded, result.outputs, "output {} of the function")
    rows = result.jacobian(result.outputs, recorded.inputs, mode)[1]

    def constant(index: int) -> Any:
        blocks = [result.zeros_for(index, x.shape, x.dtype) for x in arguments.leaves]
        return arguments.like(blocks)

    return result.like(map(arguments.like, rows), constant)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,  # noqa: ARG001, FBT001, FBT002
    strict: bool = False,  # noqa: FBT001, FBT002
    vectorize: bool = False,  # noqa: ARG001, FBT001, FBT002
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the Hessian of `func`, whose result is a single array of one element.

    It is an array of shape `x.shape + x.shape`, or `H[i][j]` over a tuple of inputs.
    `outer_jacobian_strategy` is "reverse-mode" or "forward-mode".

    Examples
    --------
    >>> import numpy as np
    >>> from jacrs import functional
    >>> functional.hessian(lambda x: x[0] ** 2 * x[1], np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    if is_compiled(func):
        options = {"strict": strict, "outer_jacobian_strategy": outer_jacobian_strategy}
        return replayed(hessian, func, inputs, **options)
    mode = _mode("outer_jacobian_strategy", outer_jacobian_strategy)
    recorded = _record(func, inputs, strict=strict, then=partial(_differentiate, "hessian"))
    result, arguments, first = recorded.result, recorded.arguments, recorded.derivatives
    if strict:
        _require_all(recorded, result.outputs, "output {} of the function")
        _require_all(recorded, first, "the gradient by input {}")
    if first:
        rows = result.jacobian(first, recorded.inputs, mode)[1]
    else:
        leaves = arguments.leaves
        rows = [[result.zero(x.shape + z.shape, x.dtype) for z in leaves] for x in leaves]
    return arguments.like([arguments.like(row) for row in rows])


def hvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,  # noqa: ARG001, FBT001, FBT002
    strict: bool = False,  # noqa: FBT001, FBT002
) -> tuple[Any, Any]:
    """Return `func(*inputs)`, and the product of its Hessian with `v` from the right.

    The result of `func` is a single array of one element. `v` is shaped like `inputs`; it may be
    left out for a single input of one element. The product is shaped like `inputs`.

    Examples
    --------
    >>> import numpy as np
    >>> from jacrs import functional
    >>> functional.hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    (np.float64(9.0), array([ 6., 12.]))
    """
    if is_compiled(func):
        pair: tuple[Any, Any] = replayed(hvp, func, inputs, v, strict=strict)
        return pair
    return _second_product(func, inputs, v, strict=strict, forward=True)


def vhp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,  # noqa: ARG001, FBT001, FBT002
    strict: bool = False,  # noqa: FBT001, FBT002
) -> tuple[Any, Any]:
    """Return `func(*inputs)`, and the product of `v` with its Hessian from the left.

    As `hvp`, in reverse mode twice.

    Examples
    --------
    >>> import numpy as np
    >>> from jacrs import functional
    >>> functional.vhp(lambda x, y: x * y**2, (3.0, 5.0), (1.0, 1.0))
    (np.float64(75.0), (np.float64(10.0), np.float64(16.0)))
    """
    if is_compiled(func):
        pair: tuple[Any, Any] = replayed(vhp, func, inputs, v, strict=strict)
        return pair
    return _second_product(func, inputs, v, strict=strict, forward=False)


def _second_product(
    func: Callable[..., Any], inputs: Any, v: Any, *, strict: bool, forward: bool
) -> tuple[Any, Any]:
    arguments = _arguments(inputs)
    along = _like_inputs(v, arguments)
    then = partial(_differentiate, "hvp" if forward else "vhp", with_value=True)
    recorded = _recorded(func, arguments, strict=strict, then=then)
    if strict and recorded.inputs:
        gradient = recorded.derivatives[: len(recorded.inputs)]
        _require_dependent(recorded, gradient, "the gradient by input {}", "the gradient")
    values, products = second_products(recorded, along, forward=forward)
    return recorded.result.value(values[-1:]), arguments.like(products)


def _differentiate(name: str, recorded: Recorded, *, with_value: bool = False) -> None:
    """Note the gradient of the only element, while it can be recorded; then the value as well."""
    result = recorded.result
    if result.node is not LEAF or prod(result.shapes[0]) != 1:
        raise errors.not_one_element(name)
    if result.outputs:
        (y,) = result.outputs
        scalar = y.reshape(())
        recorded.derivatives = recorded.session.jacobian([scalar], recorded.inputs, "reverse")[0]
        if with_value:
            recorded.derivatives.append(stop_gradient(y))


def _mode(name: str, strategy: str) -> str:
    if strategy not in _STRATEGIES:
        raise errors.bad_choice(name, strategy, _STRATEGIES)
    return strategy.removesuffix("-mode")


def _arguments(inputs: Any) -> Arguments:
    many = isinstance(inputs, tuple)
    args = inputs if many else (inputs,)
    arguments = Arguments(args, {}, None if many else 0)
    for index, node in enumerate(arguments.nodes):
        if node is not LEAF:
            where = f"entry {index} of inputs" if many else "inputs"
            raise errors.not_an_array(where, args[index])
    return arguments


def _record(
    func: Callable[..., Any],
    inputs: Any,
    *,
    strict: bool,
    then: Callable[[Recorded], None] | None = None,
) -> Recorded:
    return _recorded(func, _arguments(inputs), strict=strict, then=then)


def _recorded(
    func: Callable[..., Any],
    arguments: Arguments,
    *,
    strict: bool,
    then: Callable[[Recorded], None] | None = None,
) -> Recorded:
    recorded = record(func, arguments, then=then)
    result = recorded.result
    node = result.node
    if node is not LEAF and (node.kind is not tuple or set(node.children) - {LEAF}):
        raise errors.not_arrays()
    if strict:
        _require_each(recorded)
    return recorded


def _like_inputs(v: Any, arguments: Arguments) -> list[Any]:
    shapes = [leaf.shape for leaf in arguments.leaves]
    dtypes = [leaf.dtype for leaf in arguments.leaves]
    return _vectors(v, shapes, dtypes, "the input", many=not arguments.single)


def _vectors(
    v: Any,
    shapes: Sequence[tuple[int, ...]],
    dtypes: Sequence[Any],
    of: str,
    *,
    many: bool,
) -> list[Any]:
    """Return `v` as arrays of these shapes; one of ones where it may be left out."""
    if v is None:
        if len(shapes) != 1 or prod(shapes[0]) != 1:
            raise errors.needs_vector(of)
        return [np.ones(shapes[0], dtypes[0] if is_float(dtypes[0]) else F64)]
    given = v if isinstance(v, tuple) else (v,)
    if len(given) != len(shapes):
        raise errors.wrong_vectors(len(shapes), len(given))
    vectors = []
    for index, (leaf, shape, dtype) in enumerate(zip(given, shapes, dtypes, strict=True)):
        where = f"entry {index} of v" if many else "v"
        owner = f"entry {index} of {of}" if many else of
        vectors.append(
            vector_like(
                leaf,
                shape,
                dtype if is_float(dtype) else F64,
                partial(str, where),
                partial(str, owner),
            )
        )
    return vectors


def _require_each(recorded: Recorded) -> None:
    """Raise unless every output depends on some input, and every input matters to some output."""
    result = recorded.result
    for index, live in enumerate(result.live):
        if not live:
            raise errors.independent(f"output {index} of the function", "any input")
    _require_dependent(
        recorded, result.outputs, "output {} of the function", "the result of the function"
    )


def _require_dependent(recorded: Recorded, outputs: list[Any], name: str, all_of_it: str) -> None:
    """Raise unless every output depends on some input, and some output on every input."""
    table = recorded.session.depends(outputs, recorded.inputs)
    for index, row in enumerate(table):
        if not any(row):
            raise errors.independent(name.format(index), "any input")
    for index in range(len(recorded.inputs)):
        if not any(row[index] for row in table):
            raise errors.independent(all_of_it, f"input {index}")


def _require_all(recorded: Recorded, outputs: list[Any], name: str) -> None:
    """Raise unless every output depends on every input."""
    for index, row in enumerate(recorded.session.depends(outputs, recorded.inputs)):
        for source, found in enumerate(row):
            if not found:
                raise errors.independent(name.format(index), f"input {source}")
