"""Where results go: `out=`."""

from __future__ import annotations

from typing import Any

from jacrs.errors.classes import ArgumentError, DTypeError, JacrsError, ShapeError, TraceError
from jacrs.errors.words import describe


def not_an_out(where: str, value: Any) -> JacrsError:
    """Report what cannot be written to."""
    return DTypeError(f"{where} is {describe(value)}, where an array to write to is needed")


def no_out_pair(value: Any) -> JacrsError:
    """Report what is not one place for the gradient and one for the Hessian."""
    given = f"a tuple of {len(value)}" if type(value) is tuple else describe(value)
    return DTypeError(f"out must be a tuple (gradient, hessian) of arrays or None, not {given}")


def out_of_recording(where: str, value: Any) -> JacrsError:
    """Report a plain array that a recorded derivative was to be written to."""
    return TraceError(
        f"{where} is {describe(value)}, but this call is part of a recording: the derivative would "
        "be lost in a plain array; create the array inside the recorded function, or leave out= out"
    )


def wrong_out_shape(where: str, given: tuple[int, ...], expected: tuple[int, ...]) -> JacrsError:
    """Report an array of another shape than what is written there."""
    return ShapeError(
        f"{where} has shape {given}, but the derivative has shape {expected}: pass one of that "
        "shape"
    )


def wrong_out_dtype(where: str, given: Any, expected: Any) -> JacrsError:
    """Report an array of another dtype than what is written there."""
    return DTypeError(
        f"{where} has dtype {given}, but the derivative has dtype {expected}: pass one of that "
        "dtype"
    )


def readonly_out(where: str) -> JacrsError:
    """Report an array that must not be written to."""
    return ArgumentError(
        f"{where} is read-only, so nothing can be written there: pass another array"
    )


def overlapping_outs(first: str, second: str) -> JacrsError:
    """Report places of results that are not apart."""
    if first == second:
        return ArgumentError(
            f"{first} has several elements at one address, as broadcast views have: pass an array "
            "of its own memory"
        )
    return ArgumentError(f"{first} shares memory with {second}: pass arrays that lie apart")
