"""Types that are registered as containers."""

from __future__ import annotations

from typing import Any

from jacrs.errors.classes import DTypeError, JacrsError
from jacrs.errors.words import describe


def not_a_class(value: Any) -> JacrsError:
    """Report what is registered and no class."""
    return DTypeError(
        f"register_pytree_node: cls must be a class, not {describe(value)}: pass type(x) for an "
        "instance x"
    )


def fixed_type(cls: type) -> JacrsError:
    """Report a type whose meaning is jacrs' own."""
    return DTypeError(
        f"register_pytree_node: {cls.__name__} is taken as it is, and stays so: register a class "
        "of your own"
    )


def registered_already(cls: type) -> JacrsError:
    """Report a second registration."""
    return DTypeError(
        f"register_pytree_node: {cls.__name__} is registered already: register a type once, where "
        "it is defined"
    )


def not_a_registrant(name: str, value: Any) -> JacrsError:
    """Report what takes a type apart, or puts it together, and is no function."""
    does = "flatten(x) -> (children, aux)" if name == "flatten" else "unflatten(aux, children) -> x"
    return DTypeError(
        f"register_pytree_node: {name} must be a function, not {describe(value)}: write {does}"
    )


def bad_flatten(cls: type, given: Any) -> JacrsError:
    """Report a function that does not take a registered type apart as it should."""
    return DTypeError(
        f"flatten, as registered for {cls.__name__}, must return (children, aux) with a sequence "
        f"of children, not {given!r}"
    )
