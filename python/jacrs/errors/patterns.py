"""What patterns are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from jacrs.errors.classes import ArgumentError, DTypeError, JacrsError, ShapeError, TraceError


def pattern_while_recording() -> JacrsError:
    """Report a pattern that is asked for while a function is recorded."""
    return TraceError(
        "sparsity(f)(x) looks at the contents of index arrays, which are not known while a "
        "function is recorded: find the pattern first, outside of the recorded function"
    )


def needs_matplotlib(call: str) -> Exception:
    """Report a call for which Matplotlib must be there."""
    return ImportError(f"{call} needs Matplotlib, which is not installed: pip install jacrs[plot]")


def bad_blocksize(blocksize: Any, format: str) -> JacrsError:  # noqa: A002 - SciPy's name
    """Report a size of blocks that is none, or goes with another format."""
    return ArgumentError(
        f"blocksize must be two positive integers, and format 'bsr'; got {blocksize!r} with "
        f"format {format!r}"
    )


def no_blocks(blocksize: tuple[int, int], shape: tuple[int, int]) -> JacrsError:
    """Report blocks that a matrix does not consist of."""
    return ArgumentError(
        f"blocksize {blocksize} does not divide the shape {shape} of the matrix: take divisors of "
        "its numbers of rows and columns, or leave blocksize out"
    )


def other_matrix(format: str, shape: tuple[int, int], out: Any) -> JacrsError:  # noqa: A002
    """Report an `out` that is no matrix like the result."""
    own = getattr(out, "format", None)
    what = f"{own} of shape {out.shape}" if own else type(out).__name__
    return ArgumentError(
        f"out must be a SciPy sparse matrix in format {format} of shape {shape}, such as a former "
        f"result; it is {what}"
    )


def other_structure() -> JacrsError:
    """Report an `out` with entries elsewhere."""
    return ArgumentError(
        "out has entries in other places than the result: take a result of the same function, or "
        "call without out"
    )


def other_data(out: Any, data: Any) -> JacrsError:
    """Report an `out` whose numbers are of another kind."""
    return ArgumentError(
        f"out.data must be of dtype {data.dtype} and shape {data.shape}; it is of dtype "
        f"{out.dtype} and shape {out.shape}"
    )


def read_only_data() -> JacrsError:
    """Report an `out` that cannot be written to."""
    return ArgumentError("out.data is read-only: give a matrix that may be written to")


def recorded_sparse() -> JacrsError:
    """Report a sparse matrix of a Jacobian that is recorded."""
    return TraceError(
        "J.sparse() gives a SciPy matrix, which cannot be recorded: take J @ u, J[rows, columns] "
        "or J.dense() in a recorded function, or linearize outside of it"
    )


def recorded_matrix(name: str) -> JacrsError:
    """Report a sparse matrix that recorded code uses."""
    return TraceError(
        f"{name} gives a SciPy matrix, which cannot be recorded: inside of a recorded function "
        "use linearize(f, x) or jacobian(f)(x); only compile may record it, as its result"
    )


def not_a_pattern(given: Any) -> JacrsError:
    """Report a pattern that says of no matrix where its entries are."""
    dtype = f" of dtype {given.dtype}" if isinstance(given, np.ndarray) else ""
    return DTypeError(
        "pattern must be a jacrs.Pattern, a SciPy sparse matrix or a NumPy array of booleans, such "
        f"as A != 0; it is {type(given).__name__}{dtype}"
    )


def pattern_axes(shape: tuple[int, ...]) -> JacrsError:
    """Report a pattern that is no matrix."""
    return ShapeError(
        "pattern must be a matrix, with a row for each element of the result and a column for each "
        f"element of the arguments; it has shape {shape}"
    )


def pattern_shape(name: str, shape: tuple[int, int], wanted: tuple[int | None, int]) -> JacrsError:
    """Report a pattern of another shape than the derivative; None rows are not known yet."""
    rows = "..." if wanted[0] is None else wanted[0]
    return ShapeError(
        f"pattern has shape {shape}, but {name} gives a matrix of shape ({rows}, {wanted[1]}): "
        "a row for each element of the result, or of a Hessian's arguments, and a column for each "
        "element of the arguments"
    )


def structured_pattern() -> JacrsError:
    """Report a pattern for the mode that needs none."""
    return ArgumentError(
        'mode "structured" takes no pattern, as the selections of elements that it carries make '
        'one: leave pattern out, or take mode None, "forward" or "reverse"'
    )


def asymmetric_pattern() -> JacrsError:
    """Report a pattern for stars that is not symmetric."""
    return ArgumentError(
        'mode "star" reads entries from either triangle, and this pattern is not symmetric: give '
        'both triangles, such as pattern + pattern.T, or take mode None, "forward" or "reverse"'
    )


def outside_pattern(name: str, row: int, column: int, value: float) -> JacrsError:
    """Report an element of a derivative that a given pattern has no entry for."""
    return ArgumentError(
        f"the matrix of {name} has an entry outside of the given pattern, {value:.6g} in row "
        f"{row}, column {column}, so that others would be wrong: leave pattern out, or give one "
        "with all entries, such as sparsity(f) finds"
    )
