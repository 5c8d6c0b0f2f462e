"""`sparsity`: where derivatives are zero whatever the values are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._jacrs import Replay, is_recording
from jacrs._pattern import Pattern
from jacrs._transforms.function import Transformed
from jacrs._transforms.recording import Recorded, record
from jacrs._transforms.second import note_gradient

if TYPE_CHECKING:
    from collections.abc import Callable

    from jacrs._transforms.arguments import Arguments

_KINDS = ("jacobian", "hessian")


def sparsity(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, of: str = "jacobian"
) -> Callable[..., Pattern]:
    """Return a function that gives the pattern of the Jacobian, or Hessian, of `f`.

    Where the pattern has no entry the derivative is zero, for all values of the arguments for which
    `f` takes the same path: the same branches, and the same contents of index arrays and masks. No
    float is looked at: an entry that is zero for some values only is in the pattern.

    - Indices, masks that pick (`x[mask]`) and the orders of sorts count as they are at this point.
    - `np.where(c, x, y)` and `x[c] = y` depend on both sides where floats decide `c`; where it is
      an array of booleans, or made of such and of integers, on the side that it chooses.
      `np.maximum` and its kin depend on both, `np.max` on all elements.
    - Steps, integers and `stop_gradient` depend on nothing; products with an array that is zero
      by construction (`np.zeros`, and what was never written to) neither.
    - An array of floats from outside of `f` counts as dense, whatever zeros it holds.
    - In linear algebra each element of a result depends on all that is read of its matrix.

    Parameters
    ----------
    f : callable
        A function of arrays, numbers and nested tuples, lists and dicts of them.
    argnums : int or tuple of ints
        The positional arguments to differentiate.
    of : {"jacobian", "hessian"}
        The Hessian is that of a function whose result is one float. Terms that are linear add
        nothing to it, and elements that only occur in terms of their own are alone in their row.

    Returns
    -------
    callable
        It takes the arguments of `f` and returns a `Pattern` with a row for each element of the
        result (of the arguments, of a Hessian) and a column for each element of the arguments: of
        all arrays in C order, one array after the other, as in `linearize`.

    Raises
    ------
    DTypeError
        An argument or the result cannot be differentiated.
    ShapeError
        The Hessian of a function whose result is more than one number is asked for.
    TraceError
        It is called within a recorded function.
    MemoryLimitError
        The pattern does not fit into memory: it is nearly dense.

    Sets of columns go through the operations of the recorded function, in time linear in the number
    of entries: index domains, as in Griewank and Walther, "Evaluating Derivatives" (2nd ed., SIAM
    2008), section 7.1. The pattern of a Hessian is that of the Jacobian of the gradient.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> def residual(u):
    ...     return np.exp(u[1:-1]) + u[2:] - 2 * u[1:-1] + u[:-2]
    >>> pattern = jacrs.sparsity(residual)(np.zeros(1000))
    >>> pattern
    <jacrs Pattern: 998 x 1000, 2994 entries>
    >>> pattern.to_scipy("csc", float)
    <Compressed Sparse Column sparse array of dtype 'float64'
        with 2994 stored elements and shape (998, 1000)>
    >>> def rosenbrock(x):
    ...     return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    >>> jacrs.sparsity(rosenbrock, of="hessian")(np.zeros(4)).toarray().astype(int)
    array([[1, 1, 0, 0],
           [1, 1, 1, 0],
           [0, 1, 1, 1],
           [0, 0, 1, 1]])
    """
    if of not in _KINDS:
        raise errors.bad_choice("of", of, _KINDS)
    if isinstance(f, Replay):
        # Patterns are found anew in each call: indices may hold something else.
        f = f.__wrapped__  # type: ignore[attr-defined]
    return Sparsity(f, argnums, False, of)  # noqa: FBT003


class Sparsity(Transformed):
    """The pattern of the derivatives of a function."""

    name = "sparsity"
    has_short_way = False

    def _record(self, arguments: Arguments) -> Recorded:
        if is_recording():
            raise errors.pattern_while_recording()
        then = partial(note_gradient, "the pattern of a Hessian") if self._second else None
        return record(self._f, arguments, then=then)

    @property
    def _second(self) -> bool:
        return self._options[0] == "hessian"  # type: ignore[no-any-return]

    def _finish(self, recorded: Recorded, out: Any = None) -> Pattern:  # noqa: ARG002 - takes none
        outputs = recorded.result.leaves
        if self._second:
            leaves = recorded.arguments.leaves
            outputs = recorded.derivatives or [np.zeros(leaf.shape) for leaf in leaves]
        return Pattern(recorded.session.sparsity(outputs, recorded.inputs))
