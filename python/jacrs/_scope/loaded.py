"""`sys.modules` as recorded code sees it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from jacrs._scope.mirrors import MISSING

if TYPE_CHECKING:
    from jacrs._scope.state import State


class LoadedModules(MutableMapping[str, Any]):
    """The modules that are loaded, now: whatever is imported, inside as well, is found here.

    An import is no write of the function: doing it again does nothing, and undoing it would leave
    extension modules that cannot be loaded a second time.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def __getitem__(self, name: str) -> Any:
        found = sys.modules.get(name, MISSING)
        if self._state.witness is not None:
            self._state.witness.module(name, found)
        if found is MISSING:
            raise KeyError(name)
        return self._state.substitute(found)

    def __iter__(self) -> Iterator[str]:
        if self._state.witness is not None:
            self._state.witness.modules()
        return iter(sys.modules)

    def __len__(self) -> int:
        if self._state.witness is not None:
            self._state.witness.modules()
        return len(sys.modules)

    def __setitem__(self, name: str, module: Any) -> None:
        self._tell_of_write(name)
        sys.modules[name] = self._state.original(module)

    def __delitem__(self, name: str) -> None:
        self._tell_of_write(name)
        del sys.modules[name]

    def copy(self) -> dict[str, Any]:
        """Return the modules that are loaded now, as `dict.copy` does."""
        return dict(self)

    def _tell_of_write(self, name: str) -> None:
        if self._state.witness is not None:
            self._state.witness.name(sys.modules, name, sys.modules.get(name, MISSING))
            self._state.witness.writes(f"sys.modules[{name!r}]")


def follow_modules(state: State, modules: dict[str, Any]) -> LoadedModules:
    """Return what stands for `sys.modules`."""
    found: LoadedModules | None = state.known(modules)
    if found is None:
        found = LoadedModules(state)
        state.pair(modules, found)
    return found
