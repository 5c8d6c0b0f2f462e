"""What was given to a transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jacrs.errors.classes import ArgumentError, DTypeError, JacrsError, ShapeError
from jacrs.errors.words import describe

if TYPE_CHECKING:
    from collections.abc import Sequence


def not_callable(transform: str, value: Any, call: str = "") -> JacrsError:
    """Report what is not a function; `call` is how to write it."""
    call = call or f"{transform}(f), and pass the point to what it returns"
    return DTypeError(f"{transform} needs a function, not {describe(value)}: write {call}")


def not_a_leaf(where: str, value: Any) -> JacrsError:
    """Report an object among the differentiated arguments."""
    return DTypeError(
        f"{where} is {describe(value)}, which cannot be differentiated: pass arrays, numbers, or "
        "tuples, lists and dicts of them, and leave anything else out of argnums; an "
        'option in a dataclass is marked, field(metadata={"static": True})'
    )


def not_real(where: str, value: Any) -> JacrsError:
    """Report a differentiated argument of a dtype other than float32 and float64."""
    kind = value.dtype.kind
    text = f"{where} is {describe(value)}: only float32 and float64 can be differentiated"
    if kind in "iubfO":
        fix = "x.astype(float)" if getattr(value, "ndim", 0) else "float(x)"
        return DTypeError(f"{text}; convert it first, {fix}")
    if kind == "c":
        return DTypeError(f"{text}; pass its real and imaginary parts, x.real and x.imag")
    return DTypeError(f"{text}; leave it out of argnums")


def is_subclass(where: str, value: Any) -> JacrsError:
    """Report a subclass of ndarray, whose behaviour would be lost."""
    fix = "x.filled(...)" if hasattr(value, "filled") else "np.asarray(x)"
    return DTypeError(
        f"{where} is {describe(value)}: a recorded function sees plain arrays only, so what "
        f"{type(value).__name__} adds would be lost; pass {fix}"
    )


def bad_argnums(argnums: Any) -> JacrsError:
    """Report what is neither a position nor a sequence of positions."""
    return DTypeError(f"argnums must be an int or a tuple of ints, not {argnums!r}")


def argnums_repeat(argnums: Sequence[int]) -> JacrsError:
    """Report a position that is named twice."""
    return ArgumentError(f"argnums names an argument twice: {tuple(argnums)}; name it once")


def argnums_range(number: int, count: int, keywords: Sequence[str]) -> JacrsError:
    """Report a position past the positional arguments."""
    were = "argument was" if count == 1 else "arguments were"
    text = f"argnums names argument {number}, but {count} positional {were} passed"
    if keywords:
        text += f"; arguments passed by name ({', '.join(keywords)}) stay constant"
    return ArgumentError(text)


def not_a_tuple(name: str, value: Any) -> JacrsError:
    """Report a sequence of arguments that is none."""
    return DTypeError(
        f"{name} must be a tuple with one entry an argument, not {describe(value)}: "
        f"for a single argument write ({name.removesuffix('s')},)"
    )


def wrong_count(name: str, expected: int, given: int) -> JacrsError:
    """Report a tuple that has not one entry an argument."""
    return ArgumentError(
        f"{name} must have one entry an argument: expected {expected}, got {given}"
    )


def wrong_structure(where: str, expected: str, given: str) -> JacrsError:
    """Report a container that is not built like the one it belongs to."""
    return ArgumentError(f"{where} must be {expected}, but is {given}")


def wrong_shape(
    where: str, given: tuple[int, ...], expected: tuple[int, ...], of: str
) -> JacrsError:
    """Report a tangent or cotangent of another shape than what it belongs to."""
    return ShapeError(f"{where} has shape {given}, but {of} has shape {expected}")


def wrong_dtype(where: str, given: Any, expected: Any, of: str) -> JacrsError:
    """Report a tangent or cotangent that cannot be converted without loss."""
    text = f"{where} has dtype {given}, but {of} has dtype {expected}, which cannot hold it"
    fix = "pass its real part, .real" if given.kind == "c" else f"use .astype(np.{expected})"
    return DTypeError(f"{text}: {fix}")


def not_a_vector(where: str, value: Any) -> JacrsError:
    """Report an object among tangents or cotangents."""
    return DTypeError(f"{where} is {describe(value)}, where an array or a number is needed")


def bad_choice(name: str, value: Any, choices: Sequence[Any]) -> JacrsError:
    """Report a value that is none of those there are."""
    first, last = ", ".join(map(repr, choices[:-1])), choices[-1]
    return ArgumentError(f"{name} must be {first} or {last!r}, not {value!r}")


def bad_count(name: str, value: Any) -> JacrsError:
    """Report what is not a positive integer."""
    return ArgumentError(f"{name} must be a positive integer, not {value!r}")
