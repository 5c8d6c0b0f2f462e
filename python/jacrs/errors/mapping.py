"""What `vmap` maps, and over which axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jacrs.errors.classes import ArgumentError, DTypeError, JacrsError, ShapeError
from jacrs.errors.words import describe

if TYPE_CHECKING:
    from collections.abc import Iterable


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
