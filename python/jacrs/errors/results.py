"""What a recorded function returned, and left behind."""

from __future__ import annotations

from typing import Any

from jacrs.errors.classes import DTypeError, JacrsError, ShapeError, TraceError
from jacrs.errors.words import describe


def returned_nothing() -> JacrsError:
    """Report a function without a result."""
    return DTypeError("the function returned None: is a `return` missing?")


def not_a_result(where: str, value: Any) -> JacrsError:
    """Report an object in the result of a recorded function."""
    return DTypeError(
        f"{where} is {describe(value)}: return arrays, numbers, or tuples, lists and dicts of "
        "them, and anything else as auxiliary data with has_aux=True"
    )


def result_not_real(where: str, value: Any) -> JacrsError:
    """Report a result of a dtype that has no derivative here."""
    return DTypeError(
        f"{where} is {describe(value)}: only float32 and float64 results have a derivative, and "
        "integers and booleans a zero one; return others as auxiliary data with has_aux=True, or "
        "the real and imaginary parts of what is complex"
    )


def no_pair(value: Any) -> JacrsError:
    """Report a result without auxiliary data."""
    given = f"a tuple of {len(value)}" if type(value) is tuple else describe(value)
    return DTypeError(f"with has_aux=True the function must return (result, aux), not {given}")


def not_scalar(transform: str, given: str) -> JacrsError:
    """Report a result that is more than one number."""
    return ShapeError(
        f"{transform} needs a function that returns one number, but it returned {given}: "
        "use jacobian, or reduce the result first, with np.sum for one"
    )


def not_smooth(transform: str, dtype: Any) -> JacrsError:
    """Report a scalar result that has no gradient."""
    return DTypeError(
        f"{transform} needs a function that returns a float, but it returned one of dtype {dtype}, "
        "whose derivative is zero: return what has one"
    )


def argument_changed(where: str) -> JacrsError:
    """Report an argument that somebody wrote to while the function was recorded."""
    return TraceError(
        f"{where} was changed while the function was recorded, by another name than that of the "
        "argument or in another thread: the recording no longer holds what the function saw. "
        "Write to a copy, y = x.copy(), or pass one, f(x.copy())"
    )
