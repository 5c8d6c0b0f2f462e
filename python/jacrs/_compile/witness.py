"""What a recorded function reached outside its arguments, written down as it is reached.

Each place that is read becomes a condition of the trace: what was there must be there again. The
recording scope (`_scope`) tells what it resolves, for names, cells, attributes and the items of
containers; arrays become inputs, read at each call where they were found.
"""

from __future__ import annotations

import enum
import operator
import re
import sys
import types
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jacrs import _jacrs, errors
from jacrs._compile.purity import Generators, is_generator
from jacrs._compile.snapshots import Snapshots
from jacrs._scope.captured import RECORDED
from jacrs._scope.classes import is_followed_class
from jacrs._scope.mirrors import MISSING
from jacrs._scope.plain import PLAIN
from jacrs._scope.usercode import is_library

if TYPE_CHECKING:
    from collections.abc import Iterable

    Place = tuple[Any, ...]


class Guard(NamedTuple):
    """A condition: in words, where to look, and what must be there."""

    what: str
    place: Place
    expected: tuple[Any, ...]


_SETS = (set, frozenset, bytearray)
# What does not change, or of which what changes is told by whoever reads it.
_FIXED = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.ModuleType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    types.WrapperDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.GenericAlias,
    types.CodeType,
    property,
    classmethod,
    staticmethod,
    type,
    np.ufunc,
    np.generic,
    type(np.concatenate),
    np.dtype,
    enum.Enum,
    re.Pattern,
    operator.attrgetter,
    operator.itemgetter,
    type(Guard.what),
)
# Words compared by what they are; a slice or a range may hold anything.
_COMPARED = PLAIN - {np.dtype, slice, range}


class Witness:
    """The conditions of one recording."""

    def __init__(self, *, inputs: bool) -> None:
        self._inputs = inputs  # whether arrays are inputs, and not conditions
        self._places: dict[tuple[Any, ...], tuple[str, Place, Any]] = {}
        self._where: dict[int, tuple[str, Place]] = {}  # arrays
        self._lifted: dict[int, tuple[Any, Any]] = {}  # arrays, and their tracers
        self._contents: dict[int, tuple[Any, Any]] = {}  # arrays that are no inputs, and copies
        self._iterated: dict[int, Guard] = {}  # what can be iterated
        self._mappings: set[int] = set()  # those of which the values are conditions as well
        self._unfollowed: dict[int, tuple[Any, str]] = {}
        self._generators = Generators()
        self._snapshots = Snapshots()
        self._written: str | None = None

    # What the recording scope tells.

    def name(self, scope: dict[str, Any], name: str, value: Any = MISSING) -> None:
        """Note what a global name was resolved to: nothing, if it is a builtin's."""
        self._note(name, ("key", scope, name), value)

    def cell(self, cell: Any, name: str) -> None:
        """Note a variable of an enclosing function, which can be read."""
        try:
            value = cell.cell_contents
        except ValueError:
            value = MISSING
        self._note(name, ("attribute", cell, "cell_contents"), value)

    def function(self, function: Any) -> None:
        """Note a function whose code is recorded."""
        words = function.__qualname__
        for name in ("__code__", "__defaults__", "__kwdefaults__"):
            self.attribute(function, name, getattr(function, name), words)
        if function.__kwdefaults__:
            self.mapping(function.__kwdefaults__, f"{words}.__kwdefaults__")
        self.mapping(function.__dict__, f"{words}.__dict__")

    def attribute(self, owner: Any, name: str, value: Any = MISSING, words: str = "") -> None:
        """Note an attribute that was read, or that was found not to be there."""
        self._note(f"{words or type(owner).__name__}.{name}", ("attribute", owner, name), value)

    def object(self, owner: Any, members: dict[str, Any] | None) -> None:
        """Note which attributes an object has, and its class."""
        self.attribute(owner, "__class__", type(owner))
        if members is not None:
            self.attribute(owner, "__dict__", members)
            self._iterate(f"the attributes of a {type(owner).__name__}", members)

    def member(self, owner: Any, members: dict[str, Any], name: str, value: Any) -> None:
        """Note an attribute that was read, and that the object has of its own."""
        self._note(f"{type(owner).__name__}.{name}", ("key", members, name), value)

    def members(self, owner: type) -> None:
        """Note the members of a class, which can be read."""
        words = f"the members of {owner.__qualname__}"
        if id(owner) not in self._iterated:
            self._snapshots.keep(words, owner)
            self._iterated[id(owner)] = Guard(words, ("object", vars(owner)), _items(vars(owner)))
            self.attribute(owner, "__bases__", owner.__bases__, owner.__qualname__)
            for name, value in vars(owner).items():
                found = (f"{owner.__qualname__}.{name}", ("item", vars(owner), name), value)
                self._places[id(owner), name] = found

    def unfollowed_class(self, owner: type) -> None:
        """Note a class that is used as it is: its methods run as they are."""
        for base in owner.__mro__:
            if base.__flags__ & _HEAP_TYPE and not is_library(base.__module__):
                self.members(base)
                if any(map(_is_user_code, vars(base).values())):
                    self.unseen(f"what the methods of {base.__qualname__} read")

    def sequence(self, value: list[Any] | deque[Any]) -> None:
        """Note the items of a list, which can be read."""
        what = f"a {type(value).__name__}"
        if id(value) in self._iterated:
            return  # what it holds now may have been written there
        self._snapshots.keep(what, value)
        self._iterated[id(value)] = Guard(what, ("count", value), ("count", len(value)))
        kind = "index" if isinstance(value, list) else "item"
        for i, item in enumerate(value):
            self._note(f"an item of {what}, [{i}]", (kind, value, i), item)

    def mapping(self, value: dict[Any, Any], words: str = "a dict") -> None:
        """Note the items of a dictionary, which can be read, in their order."""
        if id(value) in self._mappings:
            return  # what it holds now may have been written there
        self._mappings.add(id(value))
        if isinstance(value, defaultdict):
            self.attribute(value, "default_factory", value.default_factory)
        self._iterate(words, value)
        for key, item in value.items():
            self._note(f"an item of {words}, [{key!r}]", ("key", value, key), item)

    def registry(self, value: types.MappingProxyType[Any, Any], words: str) -> None:
        """Note the items of a read-only mapping."""
        self._iterated.setdefault(id(value), Guard(words, ("object", value), _items(value)))
        for key, item in value.items():
            self._note(words, ("item", value, key), item)

    def module(self, name: str, value: Any) -> None:
        """Note what was found among the modules that are loaded; an import is no write there."""
        key = ("key", id(sys.modules), name)
        place = ("key", sys.modules, name)
        self._places.setdefault(key, (f"sys.modules[{name!r}]", place, value))

    def modules(self) -> None:
        """Note which modules are loaded."""
        found = Guard("sys.modules", ("object", sys.modules), _items(sys.modules))
        self._iterated.setdefault(id(sys.modules), found)

    def argument(self, value: Any) -> None:
        """Note what is rebuilt of the arguments: what is written there would be lost."""
        if isinstance(value, list | dict | np.ndarray):
            self._snapshots.keep("an argument", value)
            if isinstance(value, np.ndarray) and value.dtype.hasobject:
                self._list(value)
        elif is_followed_class(type(value)) and not isinstance(value, tuple):
            try:
                self._snapshots.keep("an argument", _jacrs.own_members(value))
            except AttributeError:
                return
        if isinstance(value, list | dict | tuple):
            for item in value.values() if isinstance(value, dict) else value:
                self.argument(item)

    def array(self, value: Any) -> Any:
        """Return what stands for an array: an input, or the array itself."""
        found = self._lifted.get(id(value))
        if found is not None:
            return found[1]
        if self._inputs and _is_readable(value):
            tracer = _jacrs.reached(value)
            self._lifted[id(value)] = (value, tracer)
            return tracer
        if id(value) not in self._contents:  # what it holds is a condition
            self._contents[id(value)] = (value, value.copy())
            self._snapshots.keep("an array", value)
        return value

    def other(self, value: Any) -> None:
        """Note an object of a library, which is used as it is: what it holds is not seen."""
        kind = type(value)
        if is_generator(value):
            self._generators.keep(value)
        elif isinstance(value, np.ndarray):
            self.array(value)
            if not is_library(kind.__module__) or value.dtype.hasobject:
                self._list(value)
        elif hasattr(kind, "__next__"):
            raise errors.consumes(value)
        elif kind in _SETS:
            self._set(value)
        elif isinstance(value, enum.Enum):
            self.unfollowed_class(kind)
        elif not _is_fixed(value):
            self._list(value)

    def unseen(self, what: str) -> None:
        """Note something that cannot be looked at again."""
        self._unfollowed[id(what)] = (what, what)

    def writes(self, what: str) -> None:
        """Note that something outside is written to."""
        self._written = self._written or what

    # What becomes of it.

    def unfollowed(self) -> list[str]:
        """Name what a trace will not look at."""
        return sorted({what for _, what in self._unfollowed.values()})

    def changed(self) -> str | None:
        """Name a place that the recorded function has written to, if there is one."""
        self._generators.check()
        return self._written or self._snapshots.changed()

    def restore(self) -> None:
        """Put back what the recorded function has written to."""
        self._generators.restore()
        self._snapshots.restore()

    def guards(self) -> list[Guard]:
        """Return the conditions; those of inputs first, in the order of the inputs."""
        found = [
            Guard(*self._place_of(array), ("array", array)) for array, _ in self._lifted.values()
        ]
        found += (
            Guard(*self._place_of(array), ("plain", copy))
            for array, copy in self._contents.values()
        )
        for what, place, value in self._places.values():
            if id(value) not in self._where:
                found.append(Guard(what, place, _expected(value)))
            elif self._where[id(value)][1] is not place:  # found elsewhere too
                found.append(Guard(what, place, ("same", value)))
        return found + list(self._iterated.values())

    def _place_of(self, array: Any) -> tuple[str, Place]:
        return self._where.get(id(array), ("an array", ("object", array)))

    def _note(self, what: str, place: Place, value: Any) -> None:
        key = (place[0], id(place[1]), *place[2:])
        if key not in self._places:
            self._places[key] = (what, place, value)
            self._snapshots.keep_place(what, place, value)
            if isinstance(value, np.ndarray):
                self._where.setdefault(id(value), (what, place))

    def _iterate(self, what: str, owner: Any) -> None:
        if id(owner) not in self._iterated:
            self._snapshots.keep(what, owner)
            self._iterated[id(owner)] = Guard(what, ("object", owner), _items(owner))

    def _set(self, value: Any) -> None:
        what = f"a {type(value).__name__}"
        if isinstance(value, frozenset):
            self._iterated.setdefault(id(value), Guard(what, ("object", value), _items(value)))
        else:
            self._iterate(what, value)
        if not _COMPARED.issuperset(map(type, value)):
            self._list(value)

    def _list(self, value: Any) -> None:
        self._unfollowed[id(value)] = (value, errors.describe(value))


_HEAP_TYPE = 1 << 9


def _is_user_code(member: Any) -> bool:
    if isinstance(member, property):
        return any(map(_is_user_code, (member.fget, member.fset, member.fdel)))
    function = getattr(member, "__func__", member)
    if not isinstance(function, types.FunctionType):
        return False
    return not is_library(function.__globals__.get("__name__"))


def _is_readable(value: Any) -> bool:
    """Tell whether the engine can read an array where it lies."""
    return (
        type(value) is np.ndarray
        and value.dtype in RECORDED
        and value.flags.aligned
        and all(stride % value.itemsize == 0 for stride in value.strides)
    )


def _is_fixed(value: Any) -> bool:
    if isinstance(value, tuple):  # such as `sys.version_info`
        return _COMPARED.issuperset(map(type, value))
    return isinstance(value, _FIXED) or type(value).__module__.partition(".")[0] == "jacrs"


def _items(value: Iterable[Any]) -> tuple[Any, ...]:
    return ("items", [_expected(item) for item in value])


def _expected(value: Any) -> tuple[Any, ...]:
    if value is MISSING:
        return ("missing",)
    plain = type(value) in _COMPARED or isinstance(value, np.ndarray | np.generic)
    return ("plain" if plain else "same", value)
