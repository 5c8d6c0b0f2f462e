"""Containers of functions and objects: copies with followed items, written back at the end."""

from __future__ import annotations

import operator
import types
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

from jacrs._scope.plain import PLAIN

if TYPE_CHECKING:
    from jacrs._scope.state import State


def _all_plain(items: Any) -> bool:
    return PLAIN.issuperset(map(type, items))


def _same(first: Any, second: Any) -> bool:
    return len(first) == len(second) and all(map(operator.is_, first, second))


def follow_list(state: State, value: list[Any] | deque[Any]) -> list[Any] | deque[Any]:
    """Return a list of the followed items; the list itself where all stand for themselves.

    A deque is followed as a list is.
    """
    if state.witness is not None:
        state.witness.sequence(value)
    if _all_plain(value):
        return value
    found = state.known(value)
    if found is not None:
        return found  # type: ignore[no-any-return]
    new: Any = [] if isinstance(value, list) else deque(maxlen=value.maxlen)
    state.pair(value, new)  # before its items: a list may contain itself
    new.extend(map(state.substitute, value))
    before = new.copy()
    if _same(before, value):
        _unpair(state, value, new)
        return value

    def end() -> None:
        if not _same(new, before):
            items = list(map(state.release, new))
            value.clear()
            value.extend(items)

    state.endings.append(end)
    return new  # type: ignore[no-any-return]


def follow_tuple(state: State, value: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a tuple of the followed items; the tuple itself where all stand for themselves."""
    if _all_plain(value):
        return value
    found = state.known(value)
    if found is not None:
        return found  # type: ignore[no-any-return]
    new = tuple(map(state.substitute, value))
    if _same(new, value):
        return value
    found = state.known(value)  # by now: an item may refer to the tuple
    if found is not None:
        return found  # type: ignore[no-any-return]
    state.pair(value, new)
    return new


def follow_dict(state: State, value: dict[Any, Any]) -> dict[Any, Any]:
    """Return a dictionary of the followed values and keys, of the same type."""
    if state.witness is not None:
        state.witness.mapping(value)
    if _all_plain(value.values()) and _all_plain(value) and type(value) is not defaultdict:
        return value
    found = state.known(value)
    if found is not None:
        return found  # type: ignore[no-any-return]
    new: dict[Any, Any]
    if isinstance(value, defaultdict):
        new = defaultdict(state.substitute(value.default_factory))
    else:
        new = type(value)()
    state.pair(value, new)
    for key, item in value.items():
        new[state.substitute(key)] = state.substitute(item)
    before = new.copy()
    if not isinstance(value, defaultdict) and _same_items(new, value):
        _unpair(state, value, new)
        return value

    def end() -> None:
        if not _same_items(new, before):
            value.clear()
            for key, item in new.items():
                value[state.release(key)] = state.release(item)

    state.endings.append(end)
    return new


def follow_namespace(state: State, value: types.SimpleNamespace) -> types.SimpleNamespace:
    """Return a namespace of the followed attributes."""
    found = state.known(value)
    if found is not None:
        return found  # type: ignore[no-any-return]
    members = vars(value)
    if state.witness is not None:
        state.witness.mapping(members, "a namespace")
    if _all_plain(members.values()):
        return value
    new = types.SimpleNamespace()
    state.pair(value, new)
    vars(new).update((key, state.substitute(item)) for key, item in members.items())
    before = vars(new).copy()

    def end() -> None:
        now = vars(new)
        for key in before.keys() - now.keys():
            members.pop(key, None)
        for key, item in now.items():
            if item is not before.get(key, before):
                members[key] = state.release(item)

    state.endings.append(end)
    return new


def _same_items(first: dict[Any, Any], second: dict[Any, Any]) -> bool:
    return _same(first, second) and _same(first.values(), second.values())


def _unpair(state: State, real: Any, substitute: Any) -> None:
    """Take back an entry made in advance, unless an item refers to it already."""
    del state.copies[id(real)]
    del state.originals[id(substitute)]
