"""What `compile` refuses, and what it warns of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jacrs._jacrs import error
from jacrs._located import located
from jacrs.errors.classes import ImpureError
from jacrs.errors.words import describe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


def impure(name: str, frame: FrameType) -> Exception:
    """Report a call of a clock, of entropy or of input and output, for the code of a frame."""
    return located(
        "impure",
        f"{name}() in a compiled function: replays do not run it again; call it outside and pass "
        "its result as an argument, or do not compile this function",
        frame.f_code,
        frame.f_lasti,
    )


def random_numbers() -> Exception:
    """Report random numbers that were drawn."""
    return ImpureError(
        "a compiled function drew random numbers: replays would not draw new ones; draw them "
        "outside and pass them as an argument"
    )


def consumes(value: Any) -> Exception:
    """Report an iterator that is reached."""
    return error(
        "impure",
        f"a compiled function reaches {describe(value)}, an iterator: replays would not take its "
        "items again; make a list of it first, outside of the function",
    )


def writes(name: str, what: str) -> Exception:
    """Report a write to something outside of the function."""
    return ImpureError(
        f"{name} writes to {what} while it is compiled: replays would not write there; return "
        "what is computed, or do not compile this function"
    )


def not_followed(name: str, what: Sequence[str]) -> Exception:
    """Report what a replay would not look at, where that is not allowed."""
    return ImpureError(
        f"compile({name}, strict=True): it reaches what replays would not look at again: "
        f"{', '.join(what)}; pass it as an argument, or drop strict=True if it never changes"
    )


def too_many_courses(name: str, count: int) -> str:
    """Warn that a function is recorded at each call."""
    return (
        f"compile({name}): the last {count} calls all had to be recorded, each for what it was "
        "given alone; from now on it is run as if it were not compiled. explain() names what the "
        "traces hold for"
    )
