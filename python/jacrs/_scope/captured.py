"""Outside arrays whose methods know tracers: `A.dot(x)`, `A.copy()`.

NumPy's methods, unlike its functions, coerce their arguments. A view of a subclass of ndarray is
still an array everywhere: it shares the memory, SciPy takes it, `float(A[0])` works; a tracer in
its place would lose all that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs._scope.native import Tracer, is_recording, lift

if TYPE_CHECKING:
    from collections.abc import Callable

_LIFTED = frozenset({np.dtype(np.float64), np.dtype(np.float32)})
RECORDED = _LIFTED | {np.dtype(np.int64), np.dtype(np.bool_)}


class Captured(np.ndarray[Any, Any]):
    """A view of an array from outside the recording."""

    def __array_wrap__(
        self,
        array: np.ndarray[Any, Any],
        context: Any = None,
        return_scalar: bool = False,  # noqa: FBT001, FBT002 - NumPy passes it by its place
    ) -> Any:
        """Return a scalar where ndarray does, unlike other subclasses."""
        result = super().__array_wrap__(array, context, return_scalar)
        return result[()] if return_scalar else result


def capture(array: np.ndarray[Any, Any]) -> Any:
    """Return a view of `array` whose methods know tracers."""
    return array.view(Captured)


def made(result: Any) -> Any:
    """Return a fresh result of NumPy's as recorded code gets it: floats as a writable tracer."""
    if not is_recording() or not isinstance(result, np.ndarray):
        return result
    if result.dtype in _LIFTED:
        return lift(result.view(np.ndarray), writable=True)
    return result.view(Captured) if type(result) is np.ndarray else result


def _dispatching(name: str) -> Callable[..., Any]:
    method = getattr(np.ndarray, name)
    function = getattr(np, name)

    def call(self: Captured, *args: Any, **keywords: Any) -> Any:
        if any(isinstance(value, Tracer) for value in (*args, *keywords.values())):
            return function(self.view(np.ndarray), *args, **keywords)
        return method(self, *args, **keywords)

    call.__name__, call.__doc__ = name, method.__doc__
    return call


def _picking(name: str) -> Callable[..., Any]:
    """Return a method of which NumPy's function does not dispatch on what picks."""
    method = getattr(np.ndarray, name)

    def call(self: Captured, *args: Any, **keywords: Any) -> Any:
        traced = any(isinstance(value, Tracer) for value in (*args, *keywords.values()))
        if traced and self.dtype in RECORDED:
            tracer = lift(self.view(np.ndarray), writable=False)
            return getattr(tracer, name)(*args, **keywords)
        return method(self, *args, **keywords)

    call.__name__, call.__doc__ = name, method.__doc__
    return call


def _copying(name: str) -> Callable[..., Any]:
    method = getattr(np.ndarray, name)

    def call(self: Captured, *args: Any, **keywords: Any) -> Any:
        result = method(self, *args, **keywords)
        return result if result is self else made(result)

    call.__name__, call.__doc__ = name, method.__doc__
    return call


for _name in ("take", "repeat", "compress"):
    setattr(Captured, _name, _picking(_name))
for _name in ("dot", "searchsorted", "choose", "clip"):
    setattr(Captured, _name, _dispatching(_name))
for _name in ("copy", "astype", "flatten"):
    setattr(Captured, _name, _copying(_name))
