"""What a recorded function reached outside its arguments, written down as it is reached.

Each place that is read becomes a condition of the trace: what was there must be there again. The
recording scope (`_scope`) tells what it resolves, for names, cells, attributes and the items of
containers; arrays become inputs, read at each call where they were found.
"""

from __future__ import annotations

import enum
import re
import types
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import _jacrs, errors
from jacrs._compile.purity import is_generator, state_of
from jacrs._scope.captured import RECORDED
from jacrs._scope.plain import PLAIN

if TYPE_CHECKING:
    Place = tuple[Any, ...]
    Guard = tuple[str, Place, tuple[Any, ...]]

_MISSING: Any = object()
_COPIED = (set, frozenset, deque, bytearray)
# Known by which object it is: what they do is not data that a program would change.
_FIXED = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.ModuleType,
    types.MappingProxyType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.GenericAlias,
    property,
    classmethod,
    staticmethod,
    type,
    np.ufunc,
    type(np.concatenate),
    np.dtype,
    enum.Enum,
    re.Pattern,
    list,
    dict,
    tuple,
    types.SimpleNamespace,
)


class Witness:
    """The conditions of one recording."""

    def __init__(self, *, arrays: bool) -> None:
        self._arrays = arrays
        self._places: dict[tuple[Any, ...], tuple[str, Place, Any]] = {}
        self._lifted: dict[int, tuple[Any, Any]] = {}  # arrays, and their tracers
        self._where: dict[int, tuple[str, Place]] = {}
        self._sizes: dict[int, tuple[str, Any, int]] = {}
        self._copies: dict[int, tuple[str, Any, Any]] = {}
        self._unfollowed: dict[int, tuple[Any, str]] = {}
        self._generators: dict[int, tuple[Any, Any]] = {}
        self._contents: dict[int, tuple[Any, Any]] = {}  # arrays that are no inputs, and copies
        # Objects, their attributes, and a copy of these.
        self._objects: dict[int, tuple[Any, dict[str, Any], dict[str, Any]]] = {}

    # What the recording scope tells.

    def name(self, scope: dict[str, Any], name: str, value: Any) -> None:
        """A global name was resolved; to nothing, if it is a builtin's."""
        self._note(name, ("key", scope, name), value)

    def absent(self, scope: dict[str, Any], name: str) -> None:
        """A global name was found not to be there."""
        self._note(name, ("key", scope, name), _MISSING)

    def cell(self, cell: Any, name: str) -> None:
        """A variable of an enclosing function can be read."""
        try:
            value = cell.cell_contents
        except ValueError:
            value = _MISSING
        self._note(name, ("attribute", cell, "cell_contents"), value)

    def function(self, function: Any) -> None:
        """The code of a function is recorded."""
        words = function.__qualname__
        for name in ("__code__", "__defaults__", "__kwdefaults__"):
            self._note(f"{words}.{name}", ("attribute", function, name), getattr(function, name))
        members = function.__dict__
        for name, value in members.items():
            self._note(f"{words}.{name}", ("key", members, name), value)
        self._size(words, members, len(members))

    def attribute(self, owner: Any, name: str, value: Any) -> None:
        """An attribute was read."""
        self._note(f"{type(owner).__name__}.{name}", ("attribute", owner, name), value)

    def object(self, owner: Any) -> None:
        """The attributes of an object can be read: which there are is a condition."""
        members = getattr(owner, "__dict__", None)
        if members is not None:
            self._size(f"the attributes of a {type(owner).__name__}", members, len(members))
            self._objects.setdefault(id(owner), (owner, members, members.copy()))

    def member(self, owner: type, name: str, value: Any) -> None:
        """A class has this member."""
        self._note(f"{owner.__qualname__}.{name}", ("item", vars(owner), name), value)

    def sequence(self, value: list[Any]) -> None:
        """The items of a list can be read."""
        self._size("a list", value, len(value))
        for i, item in enumerate(value):
            self._note(f"an item of a list, [{i}]", ("index", value, i), item)

    def mapping(self, value: dict[Any, Any]) -> None:
        """The items of a dictionary can be read."""
        self._size("a dict", value, len(value))
        for key, item in value.items():
            self._note(f"an item of a dict, [{key!r}]", ("key", value, key), item)

    def array(self, value: Any) -> Any:
        """Return what stands for an array: an input, or the array itself."""
        found = self._lifted.get(id(value))
        if found is not None:
            return found[1]
        if self._arrays and type(value) is np.ndarray and value.dtype in RECORDED:
            tracer = _jacrs.reached(value)
            self._lifted[id(value)] = (value, tracer)
            return tracer
        if id(value) not in self._contents:  # what it holds is a condition
            self._contents[id(value)] = (value, value.copy())
        return value

    def other(self, value: Any) -> None:
        """An object of a library is used as it is: what it holds is not seen."""
        if is_generator(value):
            self._generators[id(value)] = (value, state_of(value))
        elif isinstance(value, _COPIED):
            if id(value) not in self._copies:
                self._copies[id(value)] = (f"a {type(value).__name__}", value, value.copy())
        elif not isinstance(value, _FIXED) and type(value).__module__.partition(".")[0] != "jacrs":
            self._unfollowed[id(value)] = (value, errors.describe(value))

    def unseen(self, what: str) -> None:
        """Something cannot be looked at again."""
        self._unfollowed[id(what)] = (what, what)

    # What becomes of it.

    def unfollowed(self) -> list[str]:
        """Name what a trace will not look at."""
        return sorted({what for _, what in self._unfollowed.values()})

    def changed(self) -> str | None:
        """Name a place that the recorded function has written to, if there is one."""
        for what, place, before in self._places.values():
            now = _read(place)
            if now is not before and not (type(now) in PLAIN and _equal(now, before)):
                return what
        for what, owner, size in self._sizes.values():
            if len(owner) != size:
                return what
        for what, value, before in self._copies.values():
            if value != before:
                return what
        for generator, state in self._generators.values():
            if state_of(generator) != state:
                raise errors.random_numbers()
        for array, copy in self._contents.values():
            if array.tobytes() != copy.tobytes():
                return "an array"
        for owner, members, before in self._objects.values():
            for name in members.keys() | before.keys():
                if members.get(name, _MISSING) is not before.get(name, _MISSING):
                    return f"{type(owner).__name__}.{name}"
        return None

    def guards(self) -> list[Guard]:
        """Return the conditions; those of inputs first, in the order of the inputs."""
        found: list[Guard] = []
        for array, _ in self._lifted.values():
            what, place = self._where.get(id(array), ("an array", ("object", array)))
            found.append((what, place, ("array", array)))
        for what, place, value in self._places.values():
            if id(value) in self._contents and self._where[id(value)][1] is place:
                continue
            if id(value) not in self._lifted:
                found.append((what, place, _expected(value)))
            elif self._where[id(value)][1] is not place:
                found.append((what, place, ("same", value)))
        for array, copy in self._contents.values():
            what, place = self._where.get(id(array), ("an array", ("object", array)))
            found.append((what, place, ("plain", copy)))
        for what, owner, size in self._sizes.values():
            found.append((what, ("count", owner), ("count", size)))
        for what, value, copy in self._copies.values():
            found.append((what, ("object", value), ("equal", copy)))
        return found

    def _note(self, what: str, place: Place, value: Any) -> None:
        key = (place[0], id(place[1]), *place[2:])
        if key not in self._places:
            self._places[key] = (what, place, value)
            if isinstance(value, np.ndarray):
                self._where.setdefault(id(value), (what, place))

    def _size(self, what: str, owner: Any, size: int) -> None:
        self._sizes.setdefault(id(owner), (what, owner, size))


def _equal(first: Any, second: Any) -> bool:
    return type(first) is type(second) and (first == second or first != first)


def _expected(value: Any) -> tuple[Any, ...]:
    if value is _MISSING:
        return ("missing",)
    plain = type(value) in PLAIN and not isinstance(value, np.dtype | slice | range)
    if plain or isinstance(value, np.ndarray | np.generic):
        return ("plain", value)
    return ("same", value)


def _read(place: Place) -> Any:
    kind, owner = place[:2]
    try:
        if kind == "attribute":
            return getattr(owner, place[2])
        if kind == "object":
            return owner
        return owner[place[2]]
    except (AttributeError, LookupError, ValueError):
        return _MISSING

