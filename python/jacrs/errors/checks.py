"""What `check_grads` finds; `where` tells the order and the modes of the derivative at fault."""

from __future__ import annotations

from typing import Any

_BUG = "unless the function asks how it is called, this is a bug in jacrs: please report it"


def differing_calls(where: str) -> AssertionError:
    """Report a function that is no function of its arguments alone."""
    return AssertionError(
        f"{where}two calls at the same point give different values: pass what is random, or kept "
        "between calls, as an argument"
    )


def other_arrays(where: str, recorded: Any, called: Any) -> AssertionError:
    """Report a recorded function whose result is not built like that of the function."""
    return AssertionError(
        f"{where}the function returns other arrays when it is recorded: {recorded} instead of "
        f"{called}; {_BUG}"
    )


def other_value(where: str, element: str, called: Any, recorded: Any) -> AssertionError:
    """Report a recorded function whose value is not that of the function."""
    return AssertionError(
        f"{where}{element} is {called} when the function is called, and {recorded} when it is "
        f"recorded; {_BUG}"
    )


def modes_disagree(where: str, forward: float, reverse: float) -> AssertionError:
    """Report modes of which at least one is wrong."""
    return AssertionError(
        f"{where}along one direction, weighted, the derivative is {forward}, and {reverse} in "
        f"reverse mode: one of the modes is wrong; {_BUG}"
    )


def wrong_derivative(
    where: str, of: str, by: str, given: Any, expected: Any, within: Any, cause: str
) -> AssertionError:
    """Report a derivative that is not what differences give."""
    return AssertionError(
        f"{where}the derivative of {of} by {by} is {given}, but differences give {expected} "
        f"(within {within:.1g}): {cause}"
    )
