"""What the functional twins take."""

from __future__ import annotations

from typing import Any

from jacrs.errors.classes import ArgumentError, DTypeError, IndependentError, JacrsError, ShapeError
from jacrs.errors.words import describe


def needs_vector(what: str) -> JacrsError:
    """Report a missing `v`."""
    return ArgumentError(f"v can be left out only where {what} is a single array of one element")


def wrong_vectors(expected: int, given: int) -> JacrsError:
    """Report a `v` of another length than what it belongs to."""
    return ArgumentError(f"v must hold {expected} arrays, but holds {given}")


def not_an_array(where: str, value: Any) -> JacrsError:
    """Report a container where one array is wanted."""
    return DTypeError(
        f"{where} is {describe(value)}: jacrs.functional takes arrays and tuples of them"
    )


def not_arrays() -> JacrsError:
    """Report a result that is neither an array nor a tuple of arrays."""
    return DTypeError(
        "a function given to jacrs.functional must return an array or a tuple of them"
    )


def not_one_element(name: str) -> JacrsError:
    """Report a function that has no Hessian."""
    return ShapeError(f"a function given to {name} must return a single array of one element")


def independent(what: str, source: str) -> JacrsError:
    """Report an output or derivative that does not depend on an input."""
    return IndependentError(f"{what} does not depend on {source}, which strict=True does not allow")
