"""What a tape is asked for."""

from __future__ import annotations

from typing import Any

from jacrs.errors.classes import DTypeError, IndependentError, JacrsError, ShapeError, TraceError
from jacrs.errors.words import describe


def tape_outside(call: str) -> JacrsError:
    """Report a call that belongs inside the `with`."""
    return TraceError(f"{call} only works inside `with Tape() as tape:`")


def tape_not_started(call: str) -> JacrsError:
    """Report a question to a tape that has recorded nothing."""
    return TraceError(f"{call} needs a recording: enter `with Tape() as tape:` first")


def tape_again() -> JacrsError:
    """Report a second `with` on one tape."""
    return TraceError("a Tape records once: make a new one for every `with`")


def not_watched(where: str, value: Any) -> JacrsError:
    """Report an input that the tape does not know."""
    return TraceError(
        f"{where} is {describe(value)} that this tape does not watch: gradients are taken with "
        "respect to what tape.watch returned"
    )


def not_an_output(where: str, value: Any) -> JacrsError:
    """Report an output of a tape that is no array."""
    return DTypeError(f"{where} is {describe(value)}, where a recorded value is needed")


def needs_gradients(where: str, shape: tuple[int, ...]) -> JacrsError:
    """Report a gradient of several numbers."""
    return ShapeError(
        f"{where} has shape {shape}: pass output_gradients, one array of each output's shape, "
        "or use tape.jacobian"
    )


def unconnected(where: str) -> JacrsError:
    """Report an input that no output depends on."""
    return IndependentError(
        f"no output depends on {where}: unconnected='zero' gives zeros, 'none' gives None"
    )
