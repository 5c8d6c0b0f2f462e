"""The native hooks that the recording scope stands on, and nothing else of the tracer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jacrs._jacrs as _native

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

_hooks: Any = _native  # the hooks take and give arrays and tracers alike: nothing gained by types

Tracer: Any = _hooks.Tracer
ArrayTracer: Any = _hooks.ArrayTracer
is_recording: Callable[[], bool] = _hooks.is_recording
ufunc: Callable[..., Any] = _hooks.ufunc
expose: Callable[[np.ndarray[Any, Any]], None] = _hooks.expose
own_members: Callable[[object], dict[str, Any]] = _hooks.own_members
share_members: Callable[[object, dict[str, Any]], None] = _hooks.share_members


def lift(array: np.ndarray[Any, Any], *, writable: bool) -> Any:
    """Return a tracer that starts with the constant values of `array`."""
    return _hooks.lift(array, writable)


def pack(scalars: Sequence[Any], shape: tuple[int, ...], dtype: np.dtype[Any] | None) -> Any:
    """Return a tracer of `shape` filled in C order with numbers and 0-d tracers."""
    return _hooks.pack(scalars, shape, dtype)
