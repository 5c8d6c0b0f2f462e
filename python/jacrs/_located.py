"""The error of a kind, with the place in the user's code where it was met.

It lies in the folder of the package itself: the engine is handed `located`, and takes the code in
and below its folder for jacrs' own, never for the user's.
"""

from __future__ import annotations

import linecache
import os
from itertools import islice
from typing import TYPE_CHECKING

from jacrs.errors.classes import (
    ArgumentError,
    BoundsError,
    DTypeError,
    FormatError,
    ImpureError,
    InternalError,
    JacrsError,
    LinAlgError,
    MemoryLimitError,
    ShapeError,
    TraceError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from types import CodeType

_CLASSES: dict[str, type[JacrsError]] = {
    "shape": ShapeError,
    "value": ArgumentError,
    "type": DTypeError,
    "index": BoundsError,
    "linalg": LinAlgError,
    "memory": MemoryLimitError,
    "trace": TraceError,
    "unsupported": UnsupportedError,
    "impure": ImpureError,
    "format": FormatError,
    "internal": InternalError,
}
_LONGEST = 120


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
