"""What the linear maps of a point have in common: `Pullback` and `LazyJacobian`."""

from __future__ import annotations

from typing import Any, NoReturn, Self

from jacrs import errors


class SharedMap:
    """A map that nothing changes, so a copy is the map itself, and that stays in its process."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise errors.not_picklable(self)
