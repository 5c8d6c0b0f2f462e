"""What jacrs raises, and every text that its Python layer raises it with.

Each class is also the built-in one that NumPy code would expect, so `except ValueError` works.
An error met while a function is recorded ends with the place in that function:

    at model.py:12 in rhs: float(x[0])
"""

from __future__ import annotations

import linecache
import os
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import CodeType

__all__ = [
    "ArgumentError",
    "BoundsError",
    "DTypeError",
    "IndependentError",
    "InternalError",
    "JacrsError",
    "LinAlgError",
    "MemoryLimitError",
    "ShapeError",
    "TraceError",
    "UnsupportedError",
]


class JacrsError(Exception):
    """The base of all errors that jacrs raises."""


class TraceError(JacrsError, TypeError):
    """Something that would lose a derivative, or a tracer used where it must not be."""


class UnsupportedError(TraceError):
    """An operation that jacrs cannot record."""


class ShapeError(JacrsError, ValueError):
    """Shapes that do not fit together."""


class ArgumentError(JacrsError, ValueError):
    """An argument whose value or structure has no meaning here."""


class DTypeError(JacrsError, TypeError):
    """A type or dtype that cannot be differentiated, or not the one asked for."""


class BoundsError(JacrsError, IndexError):
    """An index outside its axis."""


class LinAlgError(JacrsError, np.linalg.LinAlgError):
    """A matrix that cannot be factored: singular, not positive definite, not square, not finite."""


class MemoryLimitError(JacrsError, MemoryError):
    """A result or its scratch that would not fit in memory."""


class IndependentError(JacrsError, ValueError, RuntimeError):
    """An output that does not depend on an input, where that was not allowed."""


class InternalError(JacrsError, RuntimeError):
    """A broken invariant of jacrs itself: always a bug of ours."""


_CLASSES: dict[str, type[JacrsError]] = {
    "shape": ShapeError,
    "value": ArgumentError,
    "type": DTypeError,
    "index": BoundsError,
    "linalg": LinAlgError,
    "memory": MemoryLimitError,
    "trace": TraceError,
    "unsupported": UnsupportedError,
    "internal": InternalError,
}
_LONGEST = 120
_TRACERS = ("Tracer", "ArrayTracer")
_ARRAYS = ("ndarray", "Captured")


def located(kind: str, message: str, code: CodeType | None, lasti: int) -> JacrsError:
    """Return the error of a kind, its text ending with the place in the user's code.

    `lasti` is the offset in bytes of the instruction in `code`; without `code` no place is named.
    """
    cls = _CLASSES.get(kind, InternalError)
    if cls is InternalError:
        message = f"{message}\nThis is a bug in jacrs: please report it."
    if code is not None:
        message = f"{message}\n  at {_place(code, lasti)}"
    return cls(message)


def _place(code: CodeType, lasti: int) -> str:
    positions = None
    if lasti >= 0:
        positions = next(islice(code.co_positions(), lasti // 2, None), None)
    line, end, start_column, end_column = positions or (None, None, None, None)
    line = line or code.co_firstlineno
    expression = _expression(code.co_filename, line, end, start_column, end_column)
    function = code.co_qualname.rpartition("<locals>.")[2]
    place = f"{_short(code.co_filename)}:{line} in {function}"
    return f"{place}: {expression}" if expression else place


def _expression(
    filename: str, line: int, end: int | None, start_column: int | None, end_column: int | None
) -> str:
    """Return the source between two positions, on one line; empty where there is no source."""
    end = end or line
    try:
        lines = [linecache.getline(filename, n).encode() for n in range(line, end + 1)]
    except Exception:
        return ""
    if start_column is not None and end_column is not None and lines:
        lines[-1] = lines[-1][:end_column]
        lines[0] = lines[0][start_column:]
    text = " ".join(b" ".join(lines).decode(errors="replace").split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _short(filename: str) -> str:
    """Return the path as seen from the working directory, where that is shorter."""
    try:
        relative = os.path.relpath(filename)
    except (OSError, ValueError):
        return filename
    return relative if os.path.isabs(filename) and len(relative) < len(filename) else filename


# --- what was given


def describe(value: Any) -> str:
    """Name a value in an error: its type, and for arrays the dtype and shape."""
    if value is None:
        return "None"
    name = type(value).__name__
    if name in _TRACERS:
        return "a recorded value"  # which may not tell its shape any more
    shape = getattr(value, "shape", None)
    if not isinstance(shape, tuple) or (shape == () and name not in _ARRAYS):
        return article(name)
    words = f"{value.dtype} array" if name in _ARRAYS else name
    return f"{article(words)} of shape {shape}"


def article(name: str) -> str:
    """Put the article before a name."""
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


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


def bad_registration(reason: str) -> JacrsError:
    """Report a type that cannot be made a container in this way."""
    return DTypeError(f"register_pytree_node: {reason}")


def bad_flatten(cls: type, given: Any) -> JacrsError:
    """Report a function that does not take a registered type apart as it should."""
    return DTypeError(
        f"flatten, as registered for {cls.__name__}, must return (children, aux) with a sequence "
        f"of children, not {given!r}"
    )


def not_real(where: str, value: Any) -> JacrsError:
    """Report a differentiated argument of a dtype other than float32 and float64."""
    kind = value.dtype.kind
    text = f"{where} is {describe(value)}: only float32 and float64 can be differentiated"
    if kind in "iubf":
        fix = "x.astype(float)" if getattr(value, "ndim", 0) else "float(x)"
        return DTypeError(f"{text}; convert it first, {fix}")
    if kind == "c":
        return DTypeError(f"{text}; pass its real and imaginary parts, x.real and x.imag")
    return DTypeError(text)


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
    return ArgumentError(f"argnums names an argument twice: {tuple(argnums)}")


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
    return DTypeError(text if given.kind == "c" else f"{text}: use .astype(np.{expected})")


def not_a_vector(where: str, value: Any) -> JacrsError:
    """Report an object among tangents or cotangents."""
    return DTypeError(f"{where} is {describe(value)}, where an array or a number is needed")


def bad_axis(name: str, value: Any) -> JacrsError:
    """Report what is no axis."""
    entries = "a tuple with one entry for each positional argument, or containers of them"
    entries = entries if name == "in_axes" else "or containers of them, built like the result"
    return DTypeError(f"{name} must be ints or None, {entries}; {value!r} is neither")


def bad_size(name: str, value: Any) -> JacrsError:
    """Report what is no length of an axis."""
    return ArgumentError(f"{name} must be an integer from 0 up, not {value!r}")


def not_mappable(where: str, value: Any) -> JacrsError:
    """Report a mapped argument that is no array."""
    return DTypeError(
        f"{where} is {describe(value)}, which has no axis to map over: pass an array, or None for "
        "it in in_axes; what is passed by name is mapped over axis 0, and can be bound before, "
        "with functools.partial"
    )


def no_lanes(where: str, value: Any) -> JacrsError:
    """Report a single cotangent where many are taken."""
    return ShapeError(
        f"{where} is {describe(value)}: cotangents that are pulled back together have one axis "
        "more than the result, the first"
    )


def no_axis(where: str, value: Any, axis: int) -> JacrsError:
    """Report a mapped argument with too few dimensions."""
    return ShapeError(f"{where} has shape {value.shape}, and no axis {axis} to map over")


def not_recordable(where: str, value: Any) -> JacrsError:
    """Report a mapped argument of a dtype that is not recorded as it is."""
    return DTypeError(
        f"{where} is {describe(value)}: only float64, float32, int64 and bool can be mapped; "
        "convert it first, x.astype(float) or x.astype(int)"
    )


def nothing_mapped() -> JacrsError:
    """Report a call without a mapped argument."""
    return ArgumentError(
        "vmap needs an array to map over, or axis_size: no argument is mapped by in_axes"
    )


def different_sizes(
    given: int | None, arguments: Iterable[tuple[str, tuple[int, ...], int]]
) -> JacrsError:
    """Report mapped axes of different lengths."""
    lines = [
        f"  {path} of shape {shape} has size {shape[axis]} along axis {axis}"
        for path, shape, axis in arguments
    ]
    if given is not None:
        lines.insert(0, f"  axis_size is {given}")
    return ShapeError("the mapped axes must have the same size:\n" + "\n".join(lines))


def no_place(where: str, axis: int, ndim: int) -> JacrsError:
    """Report an axis that the stacked result does not have."""
    return ArgumentError(
        f"{where} has {ndim + 1} dimensions with that of the lanes: out_axes cannot be {axis}"
    )


def differs_in_lanes(where: str) -> JacrsError:
    """Report a result that is not the same in all lanes where it must be."""
    return ArgumentError(
        f"{where} depends on a mapped argument, so that it may differ from lane to lane: out_axes "
        "cannot be None for it"
    )


def no_product(shape: tuple[int, int], given: tuple[int, ...], *, reverse: bool) -> JacrsError:
    """Report an operand whose shape does not fit a Jacobian."""
    size, what = (shape[0], "rows") if reverse else (shape[1], "columns")
    return ShapeError(
        f"a Jacobian of shape {shape} has {size} {what}, so a vector for it has shape ({size},), "
        f"vectors side by side ({size}, k); got shape {given}"
    )


def not_numbers(value: Any) -> JacrsError:
    """Report an operand of a Jacobian that is no array of numbers."""
    return DTypeError(
        f"a Jacobian is multiplied by numbers, not by an array of dtype {value.dtype}"
    )


def not_one_array(call: str) -> JacrsError:
    """Report a question about one array where there are several."""
    return ArgumentError(
        f"{call} is for a function of one array whose result is one array; with containers or "
        "several arguments use J[rows, columns], over all their elements end to end"
    )


def out_of_bounds(error: IndexError) -> JacrsError:
    """Report an index as NumPy does."""
    return BoundsError(str(error))


def needs_copy() -> JacrsError:
    """Report `np.asarray(J, copy=False)`."""
    return ArgumentError(
        "unable to avoid copy while creating an array as requested: a Jacobian is computed when it "
        "is asked for"
    )


def needs_scipy(call: str) -> Exception:
    """Report a call for which SciPy must be there."""
    return ImportError(f"{call} needs SciPy, which is not installed: pip install jacrs[scipy]")


def bad_choice(name: str, value: Any, choices: Sequence[Any]) -> JacrsError:
    """Report a value that is none of those there are."""
    first, last = ", ".join(map(repr, choices[:-1])), choices[-1]
    return ArgumentError(f"{name} must be {first} or {last!r}, not {value!r}")


# --- where results go


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
    return ShapeError(f"{where} has shape {given}, but the derivative has shape {expected}")


def wrong_out_dtype(where: str, given: Any, expected: Any) -> JacrsError:
    """Report an array of another dtype than what is written there."""
    return DTypeError(f"{where} has dtype {given}, but the derivative has dtype {expected}")


def readonly_out(where: str) -> JacrsError:
    """Report an array that must not be written to."""
    return ArgumentError(f"{where} is read-only, so nothing can be written there")


def overlapping_outs(first: str, second: str) -> JacrsError:
    """Report places of results that are not apart."""
    if first == second:
        return ArgumentError(
            f"{first} has several elements at one address, as broadcast views have: pass an array "
            "of its own memory"
        )
    return ArgumentError(f"{first} shares memory with {second}: pass arrays that lie apart")


# --- what the function returned


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
        "integers and booleans a zero one"
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
        f"{transform} needs a function that returns a float, but it returned one of dtype {dtype}"
    )


def argument_changed(where: str) -> JacrsError:
    """Report an argument that somebody wrote to while the function was recorded."""
    return TraceError(
        f"{where} was changed while the function was recorded, by another name than that of the "
        "argument or in another thread: the recording no longer holds what the function saw. "
        "Write to a copy, y = x.copy(), or pass one, f(x.copy())"
    )


# --- tapes


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


# --- the functional twins


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


def bad_count(name: str, value: Any) -> JacrsError:
    """Report what is not a positive integer."""
    return ArgumentError(f"{name} must be a positive integer, not {value!r}")
