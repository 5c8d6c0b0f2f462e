"""The recording scope: the context in which a function runs as its recorded copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jacrs._scope.state import State, current_state
from jacrs.errors import TraceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class recording_scope:  # noqa: N801 - used as a statement, like a function
    """`with recording_scope(f) as g:` run `g` for `f`; the user's names are put right at the end.

    Scopes nest: an inner one shares the outer one's substitutes, and the outermost one writes back.
    """

    __slots__ = ("_function", "_state")

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __enter__(self) -> Callable[..., Any]:
        self._state: State = current_state()
        return self._state.begin(self._function)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._state.end()
        if kind is ValueError and error is not None:
            raise_hidden(error)


def raise_hidden(error: BaseException) -> None:
    """Raise the refusal behind an error: NumPy puts words of its own before it."""
    if isinstance(error.__cause__, TraceError):
        raise error.__cause__ from None


def substitute(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what stands for `function` in the scope that is open; itself where none is."""
    return follow_argument(function)  # type: ignore[no-any-return]


def follow_argument(value: Any) -> Any:
    """Return what stands for an argument of a recorded function: objects have followed methods."""
    state = current_state()
    return state.substitute(value) if state.depth else value
