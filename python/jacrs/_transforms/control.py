"""What is not a derivative: constants within a recording, and the threads of the runs."""

from __future__ import annotations

from typing import Any

from jacrs import _jacrs, errors
from jacrs._trees import map_leaves


def stop_gradient(x: Any) -> Any:
    """Return `x` as a constant: with its value, and no derivative, at every level.

    `x` is an array, a number or nested containers of them. Outside of recorded functions it is
    returned as it is.

    Examples
    --------
    >>> import jacrs
    >>> jacrs.grad(lambda x: x * jacrs.stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    return map_leaves(_stopped, x) if _jacrs.is_recording() else x


def _stopped(leaf: Any) -> Any:
    return _jacrs.stop_gradient(leaf) if isinstance(leaf, _jacrs.Tracer) else leaf


def set_num_threads(n: int) -> None:
    """Run on `n` threads from now on; results are the same for every number.

    Examples
    --------
    >>> import jacrs
    >>> before = jacrs.num_threads()
    >>> jacrs.set_num_threads(1)
    >>> jacrs.num_threads()
    1
    >>> jacrs.set_num_threads(before)
    """
    if type(n) is not int or n < 1:
        raise errors.bad_count("n", n)
    _jacrs.set_num_threads(n)


def num_threads() -> int:
    """Return how many threads a run may use.

    Examples
    --------
    >>> import jacrs
    >>> jacrs.num_threads() >= 1
    True
    """
    return _jacrs.num_threads()
