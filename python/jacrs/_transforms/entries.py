"""Entries of sparse matrices: how they are asked for, and what stands for them in a recording."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from jacrs import errors
from jacrs._given import pattern_of
from jacrs._layout import FORMATS, MatrixOf

if TYPE_CHECKING:
    from jacrs._pattern import Pattern

MODES = (None, "structured", "forward", "reverse", "bidirectional")
SECOND_MODES = (*MODES, "star")


def checked_options(
    format: str,  # noqa: A002
    mode: Any,
    pattern: Any,
    blocksize: Any,
    copy_structure: bool,  # noqa: FBT001
    modes: tuple[Any, ...] = MODES,
) -> tuple[Any, ...]:
    """Return the options of a transform as they are kept; raise where they are none."""
    form = checked_form(format, blocksize)
    if mode not in modes:
        raise errors.bad_choice("mode", mode, modes)
    given = None if pattern is None else _checked_pattern(pattern, mode)
    return mode, form, bool(copy_structure), given


def checked_form(
    format: str,  # noqa: A002
    blocksize: Any,
) -> tuple[str, tuple[int, int] | None]:
    """Return the format of a sparse matrix and the shape of its blocks; raise if it has none."""
    if format not in FORMATS:
        raise errors.bad_choice("format", format, FORMATS)
    return format, _checked_blocks(blocksize, format)


def _checked_pattern(pattern: Any, mode: str | None) -> Pattern:
    if mode == "structured":
        raise errors.structured_pattern()
    given = pattern_of(pattern)
    if mode == "star" and given.shape[0] == given.shape[1] and given != given.T:
        raise errors.asymmetric_pattern()
    return given


def _checked_blocks(blocksize: Any, format: str) -> tuple[int, int] | None:  # noqa: A002
    if blocksize is None:
        return None
    try:
        rows, columns = map(operator.index, blocksize)
    except (TypeError, ValueError):
        rows = columns = 0
    if rows < 1 or columns < 1 or format != "bsr":
        raise errors.bad_blocksize(blocksize, format)
    return rows, columns


class Matrix:
    """The entries of a sparse matrix, as they are recorded, and what makes a matrix of them."""

    def __init__(self, name: str, make: MatrixOf, entries: Any, explanation: str) -> None:
        self._name = name
        self.make = make
        self.entries = entries  # in the order of the layout
        self.explanation = explanation

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # asked by protocols
        raise errors.recorded_matrix(self._name)

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise errors.recorded_matrix(self._name)

    __matmul__ = __rmatmul__ = __mul__ = __rmul__ = __truediv__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __neg__ = __pow__ = _refuse
    __getitem__ = __len__ = __iter__ = __array__ = _refuse
