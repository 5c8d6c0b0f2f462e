"""Checks of derivatives, for tests of code that is differentiated.

Examples
--------
>>> import numpy as np
>>> from jacrs.testing import check_grads
>>> check_grads(lambda x: np.sin(x) * x, (np.array([0.5, 2.0]),))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._checking import MODES, Check, Options
from jacrs._transforms.arguments import Arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["check_grads"]


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = MODES,
    rtol: float | None = None,
    atol: float | None = None,
    *,
    seed: int = 0,
) -> None:
    """Raise AssertionError unless the derivatives of `f` at `args` agree with differences.

    Each derivative up to `order`, in each combination of `modes`, is compared with central
    differences of the one before, extrapolated to step zero; and forward mode with reverse mode by
    the inner product, which needs no differences. `f` is called some tens of times without being
    recorded, in its own dtypes. Elements that are not finite are left out.

    Parameters
    ----------
    f : callable
        A function of arrays, numbers and containers of them.
    args : tuple
        Its arguments, all differentiated: a point at which `f` is smooth.
    order : int
        The highest derivative.
    modes : tuple of {"forward", "reverse"}
        The modes to combine.
    rtol, atol : float, optional
        How far a derivative may be from the difference, relative to the larger of both and
        absolutely, beyond the error of the difference itself, which is estimated from the table of
        extrapolation and from rounding. By default half the digits of the dtype, and nothing.
    seed : int
        Of the random directions and weights. Up to 24 numbers are moved one by one.

    Raises
    ------
    AssertionError
        A derivative is wrong, or is one of a kink by convention, or two calls of `f` do not agree.
        The text names the order, the modes, the elements, both numbers and the likely cause.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> from jacrs.testing import check_grads
    >>> check_grads(lambda a, x: np.tanh(a @ x), (np.ones((2, 3)), np.array([0.1, 0.2, 0.3])))
    >>> check_grads(lambda x: x * jacrs.stop_gradient(x), (2.0,))
    Traceback (most recent call last):
    AssertionError: order 1, forward: the derivative of the result by argument 0 is 2.0, but
    differences give 4.0...
    """
    if not callable(f):
        raise errors.not_callable("check_grads", f)
    if type(args) is not tuple and type(args) is not list:
        raise errors.not_a_tuple("args", args)
    if type(order) is not int or order < 1:
        raise errors.bad_count("order", order)
    for mode in modes or ("none",):
        if mode not in MODES:
            raise errors.bad_choice("modes", mode, MODES)
    point = Arguments(args, {}, None)
    options = Options(tuple(modes), rtol, 0.0 if atol is None else atol)
    with np.errstate(all="ignore"):  # steps may leave the domain; they are skipped
        Check(f, point, options, ()).run(order, np.random.default_rng(seed))
