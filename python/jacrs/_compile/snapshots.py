"""What recorded code could write to, as it was when it was reached: to find writes, and undo them.

Everything is compared by identity: a write of an equal value is a write.
"""

from __future__ import annotations

import operator
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jacrs._scope.classes import NOT_COPIED
from jacrs._scope.mirrors import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable

    Place = tuple[Any, ...]


class Kind(NamedTuple):
    """How what something holds is looked at, compared, and put back."""

    look: Callable[[Any], Any]
    same: Callable[[Any, Any], bool]
    put: Callable[[Any, Any], None]


class Snapshots:
    """What was there; the first look at each counts."""

    def __init__(self) -> None:
        self._kept: dict[Any, tuple[str, Kind, Any, Any]] = {}

    def keep(self, what: str, owner: Any) -> None:
        """Remember what a container, a class or an array holds."""
        if id(owner) not in self._kept:
            kind = _kind_of(owner)
            self._kept[id(owner)] = (what, kind, owner, kind.look(owner))

    def keep_place(self, what: str, place: Place, value: Any) -> None:
        """Remember what was found in a place."""
        key = (place[0], id(place[1]), *place[2:])
        if key not in self._kept:
            self._kept[key] = (what, _PLACE, place, value)

    def changed(self) -> str | None:
        """Name what has been written to, if anything has."""
        for what, kind, owner, before in self._kept.values():
            if not kind.same(kind.look(owner), before):
                return what
        return None

    def restore(self) -> None:
        """Put back what was there."""
        for _, kind, owner, before in self._kept.values():
            if not kind.same(kind.look(owner), before):
                kind.put(owner, before)


def read(place: Place) -> Any:
    """Return what is in a place now."""
    kind, owner, key = place
    try:
        return getattr(owner, key) if kind == "attribute" else owner[key]
    except (AttributeError, LookupError, ValueError):
        return MISSING


def _write(place: Place, value: Any) -> None:
    kind, owner, key = place
    if kind == "attribute":
        if value is MISSING:
            delattr(owner, key)
        else:
            setattr(owner, key, value)
    elif value is MISSING:
        del owner[key]
    else:
        owner[key] = value


def _all_same(now: Any, before: Any) -> bool:
    return len(now) == len(before) and all(map(operator.is_, now, before))


def _all_same_members(now: dict[str, Any], before: dict[str, Any]) -> bool:
    return now.keys() == before.keys() and all(now[key] is before[key] for key in now)


def _put_items(owner: dict[Any, Any], before: list[Any]) -> None:
    items = dict(zip(before[::2], before[1::2], strict=True))
    for key in owner.keys() - items.keys():
        del owner[key]
    if list(owner) != [key for key in items if key in owner]:
        owner.clear()
    owner.update(items)
    if list(owner) != list(items):
        owner.clear()
        owner.update(items)


def _put_all(owner: Any, before: list[Any]) -> None:
    owner.clear()
    owner.extend(before) if isinstance(owner, deque | bytearray) else owner.update(before)


def _put_members(owner: type, before: dict[str, Any]) -> None:
    for name in vars(owner).keys() - before.keys() - NOT_COPIED:
        type.__delattr__(owner, name)
    for name, value in before.items():
        if vars(owner).get(name, MISSING) is not value:
            type.__setattr__(owner, name, value)


def _members(owner: type) -> dict[str, Any]:
    return {name: value for name, value in vars(owner).items() if name not in NOT_COPIED}


_PLACE = Kind(read, operator.is_, _write)
_LIST = Kind(list, _all_same, lambda owner, before: operator.setitem(owner, slice(None), before))
_ITEMS = Kind(lambda owner: list(chain.from_iterable(owner.items())), _all_same, _put_items)
_CLASS = Kind(_members, _all_same_members, _put_members)
_ARRAY = Kind(lambda a: a.copy(), lambda a, b: a.tobytes() == b.tobytes(), np.copyto)
_OTHER = Kind(list, _all_same, _put_all)


def _kind_of(owner: Any) -> Kind:
    if isinstance(owner, list):
        return _LIST
    if isinstance(owner, dict):
        return _ITEMS
    if isinstance(owner, type):
        return _CLASS
    return _ARRAY if isinstance(owner, np.ndarray) else _OTHER
