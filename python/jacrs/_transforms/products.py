"""Products with the Jacobian, which is never formed: `jvp` from the right, `vjp` from the left."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from jacrs import errors
from jacrs._jacrs import Tracer
from jacrs._transforms.applied import is_compiled, replayed
from jacrs._transforms.arguments import Arguments
from jacrs._transforms.leaves import plain
from jacrs._transforms.mapping import vmap
from jacrs._transforms.recording import Again, Recorded, record
from jacrs._transforms.shared import SharedMap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def jvp(
    f: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    has_aux: bool = False,
) -> Any:
    """Return `f(*primals)` and its derivative along `tangents`.

    Parameters
    ----------
    f : callable
        A function of arrays, numbers and nested tuples, lists and dicts of them.
    primals : tuple
        The arguments, all differentiated: float64 or float32 arrays, or numbers.
    tangents : tuple
        One for each argument, built like it, of its shapes, and of dtypes that convert to its
        dtypes without loss.
    has_aux : bool
        Whether `f` returns `(result, aux)`, with `aux` not differentiated.

    Returns
    -------
    tuple
        `(y, jv)`, or `(y, jv, aux)`. `jv` is built like `y`; integer and boolean parts of `y` have
        float64 zeros there.

    Raises
    ------
    ShapeError, ArgumentError
        A tangent is not shaped or built like its argument.
    DTypeError
        An argument, a tangent or the result cannot be differentiated.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> y, jv = jacrs.jvp(lambda x: x**2, (np.array([1.0, 2.0, 3.0]),), (np.array([1.0, 0, 2]),))
    >>> jv
    array([ 2.,  0., 12.])
    """
    if not callable(f):
        raise errors.not_callable("jvp", f)
    if is_compiled(f):
        return replayed(jvp, f, primals, tangents, has_aux=has_aux)
    if type(primals) is not tuple and type(primals) is not list:
        raise errors.not_a_tuple("primals", primals)
    arguments = Arguments(primals, {}, None)
    along = arguments.tangents(tangents)
    recorded = record(f, arguments, has_aux=has_aux)
    result = recorded.result
    values, products = result.jvp(recorded.inputs, along)
    y, jv = result.value(values), result.like(products, result.zeros_for)
    return (y, jv, recorded.auxiliary()) if has_aux else (y, jv)


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return `f(*primals)` and the function that pulls cotangents back through it.

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
        `(y, pullback)`, or `(y, pullback, aux)`. `pullback(ct)` takes a cotangent built and shaped
        like `y` and returns that of the argument, a tuple for several arguments. It may be called
        any number of times, from any thread, and does not run `f` again.
        `pullback.batched(cts)` pulls many cotangents back at once, given along a first axis. A
        compiled `f` is not run at all where a trace holds for `primals`.

    Raises
    ------
    ShapeError, ArgumentError
        A cotangent is not shaped or built like the result.
    DTypeError
        An argument, a cotangent or the result cannot be differentiated.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> y, pullback = jacrs.vjp(lambda a, x: a * x**2, 3.0, np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 1.0]))
    (np.float64(5.0), array([ 6., 12.]))
    """
    if not callable(f):
        raise errors.not_callable("vjp", f)
    if is_compiled(f):
        return replayed(vjp, f, *primals, has_aux=has_aux)
    arguments = Arguments(primals, {}, 0 if len(primals) == 1 else None)
    recorded = record(f, arguments, has_aux=has_aux)
    result = recorded.result
    values: list[Any] = []
    native: Any = None
    if result.outputs and not recorded.joined:
        values, native = recorded.session.pullback(result.outputs, recorded.inputs)
    y = result.value(values)
    aux = recorded.auxiliary() if has_aux else None
    if not recorded.joined:
        recorded.release()  # the pullback has all it needs
    pullback = Pullback(f, recorded, native)
    return (y, pullback, aux) if has_aux else (y, pullback)


class Pullback(SharedMap):
    """Maps a cotangent of the result to the cotangents of the arguments.

    It has the signature `pullback(ct)`; `ct` is built, and its arrays are shaped, like the result.
    """

    __slots__ = ("_f", "_native", "_recorded")

    def __init__(self, f: Callable[..., Any], recorded: Recorded, native: Any) -> None:
        self._f = f
        self._recorded = recorded
        self._native = native

    def __call__(self, cotangent: Any) -> Any:
        """Return the cotangent of the argument, or a tuple of one for each of several."""
        recorded = self._recorded
        arguments, result = recorded.arguments, recorded.result
        along = result.cotangents(cotangent, "cotangent")
        if self._native is None:
            return arguments.like(result.vjp(recorded.inputs, along, arguments.leaves)[1])
        if any(isinstance(vector, Tracer) for vector in along):
            # The cotangent is recorded, the call of `f` was not: what it left is constant there.
            return arguments.like(self._native.record(along))
        return arguments.like([plain(leaf) for leaf in self._native(along)])

    def batched(self, cotangents: Any) -> Any:
        """Return what the pullback gives for each of many cotangents: `vmap(pullback)(cotangents)`.

        `cotangents` is built like the result, its arrays with one axis more, the first; so is what
        comes back. All are computed in one run.

        Examples
        --------
        >>> import numpy as np, jacrs
        >>> y, pullback = jacrs.vjp(lambda x: x**2, np.array([1.0, 2.0]))
        >>> pullback.batched(np.eye(2))
        array([[2., 0.],
               [0., 4.]])
        """
        result = self._recorded.result
        along = result.cotangents(cotangents, "cotangents", lanes=True)
        if self._native is None or any(isinstance(v, Tracer) for v in along):
            return vmap(self)(cotangents)
        pulled = self._native.batched(along, along[0].shape[0])
        return self._recorded.arguments.like(pulled)

    def again(self) -> Again:
        """Return what makes this pullback of a recording that is run again."""
        recorded = self._recorded
        rest = recorded.apart()
        return Again(
            recorded.result.outputs, recorded.inputs, None, partial(Pullback, self._f, rest)
        )

    def __repr__(self) -> str:
        return f"<jacrs pullback of {self._f!r}>"
