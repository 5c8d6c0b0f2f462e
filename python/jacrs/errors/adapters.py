"""What of NumPy cannot be recorded: these errors end with the place in the user's code."""

from __future__ import annotations

from typing import Any

from jacrs._jacrs import error


def not_recorded(function: str, reason: str) -> Exception:
    """Report a function without a rule."""
    return error("unsupported", f"{function} cannot be recorded: {reason}")


def not_supported(function: str, keyword: str, value: Any, fix: str) -> Exception:
    """Report a value of a keyword without a rule."""
    shown = "..." if isinstance(getattr(value, "shape", None), tuple) else repr(value)
    text = f"{function}: {keyword}={shown} is not supported while recording; {fix}"
    return error("unsupported", text)


def not_taken(function: str) -> Exception:
    """Report arguments that an adapter does not take, but NumPy does."""
    return error("internal", f"{function}: arguments that NumPy takes are refused while recording")


def recorded_quantile(function: str) -> Exception:
    """Report a recorded value where the place among the sorted elements is asked for."""
    text = f"{function}: `q` cannot be differentiated; pass a plain number or array"
    return error("unsupported", text)


def plain_target(function: str, name: str) -> Exception:
    """Report an array made outside of the recording that would be written to."""
    return error(
        "trace",
        f"{function}: `{name}` is a plain array, which cannot hold a recorded value; allocate it "
        "inside the recorded function (np.zeros_like of a recorded array, or jacrs.numpy.zeros)",
    )


def wrong_target(function: str, given: tuple[int, ...], expected: tuple[int, ...]) -> Exception:
    """Report an array to write to of another shape than the result."""
    text = f"{function}: out has shape {given}, but the result has shape {expected}"
    return error("shape", f"{text}; pass an array of that shape, or leave out= out")
