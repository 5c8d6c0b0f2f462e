"""Transforms that are given a function and its arguments at once, of compiled functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from jacrs._jacrs import Replay, is_recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from jacrs._compile import Compiled


class Applied:
    """`transform(f, *given, **options)` as a function of what is given."""

    def __init__(
        self, f: Callable[..., Any], transform: Callable[..., Any], *options: tuple[str, Any]
    ) -> None:
        self._f = f
        self._transform = transform
        self._options = options
        self.__name__ = f"{transform.__name__} of {getattr(f, '__name__', f)}"

    def __call__(self, *given: Any) -> Any:
        """Transform and call."""
        return self._transform(self._f, *given, **dict(self._options))

    def __reduce__(self) -> Any:
        return type(self), (self._f, self._transform, *self._options)


def is_compiled(f: Any) -> TypeGuard[Compiled]:
    """Tell whether what is made of `f` is compiled as well: in a recording all is recorded."""
    return isinstance(f, Replay) and not is_recording()


def replayed(transform: Callable[..., Any], f: Compiled, *given: Any, **options: Any) -> Any:
    """Do what `transform(f, *given, **options)` does by a trace of it."""
    return f.transformed(Applied, transform, *options.items())(*given)
