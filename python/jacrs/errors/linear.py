"""What a Jacobian that is a linear map is asked for."""

from __future__ import annotations

from typing import Any

from jacrs.errors.classes import ArgumentError, BoundsError, DTypeError, JacrsError, ShapeError


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
        f"a Jacobian is multiplied by numbers, not by an array of dtype {value.dtype}: convert it "
        "first, x.astype(float)"
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
