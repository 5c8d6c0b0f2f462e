"""How values are named in a text."""

from __future__ import annotations

from typing import Any

_TRACERS = ("Tracer", "ArrayTracer")
_ARRAYS = ("ndarray", "Captured")


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
