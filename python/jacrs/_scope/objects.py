"""Followed objects: a twin of the double class over the real object's own attributes.

The twin of an object *shares its `__dict__`*: reads are native, writes are in the real object at
once. Attributes whose value must be substituted (functions, objects, arrays, containers) get a data
descriptor on the double class, which substitutes on access; data descriptors come before the
instance's dictionary. Slots get such a descriptor always.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from jacrs._scope.classes import DOUBLE, Double, is_followed_class, real_class, set_class
from jacrs._scope.native import own_members, share_members
from jacrs._scope.plain import PLAIN

if TYPE_CHECKING:
    from jacrs._scope.state import State

_OWN_REFERENCES = 4  # to a twin or a made object, as seen while settling


class Attribute:
    """Substitutes one instance attribute of a double class on access."""

    __slots__ = ("double", "name")

    def __init__(self, double: Double, name: str) -> None:
        self.double = double
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        state = self.double.state
        if instance is None:
            return state.substitute(getattr(self.double.real, self.name))
        members = own_members(instance)
        try:
            value = members[self.name]
        except KeyError:
            value = self._of_class(instance, type(instance))
        else:
            if state.witness is not None and id(instance) in state.originals:
                real = state.originals[id(instance)][1]
                state.witness.member(real, members, self.name, value)
        return state.substitute(value)

    def __set__(self, instance: Any, value: Any) -> None:
        _tell_of_write(self.double.state, instance, self.name)
        own_members(instance)[self.name] = value

    def __delete__(self, instance: Any) -> None:
        _tell_of_write(self.double.state, instance, self.name)
        try:
            del own_members(instance)[self.name]
        except KeyError:
            raise AttributeError(self.name) from None

    def _of_class(self, instance: Any, cls: type) -> Any:
        for base in cls.__mro__:
            value = vars(real_class(base)).get(self.name, self)
            if value is not self:
                value = self.double.state.substitute(value)
                bind = getattr(type(value), "__get__", None)
                return value if bind is None else bind(value, instance, cls)
        raise AttributeError(f"{cls.__name__!r} object has no attribute {self.name!r}")


class Slot:
    """One slot of a double class: a twin's is the real object's."""

    __slots__ = ("own", "real", "state")

    def __init__(self, state: State, own: Any, real: Any) -> None:
        self.state = state
        self.own = own
        self.real = real

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        pair = self.state.originals.get(id(instance))
        if pair is None:
            return self.own.__get__(instance, owner)
        self._tell(pair[1])
        return self.state.substitute(self.real.__get__(pair[1], type(pair[1])))

    def _tell(self, real: Any) -> None:
        if self.state.witness is not None:
            name = self.real.__name__
            try:
                self.state.witness.attribute(real, name, self.real.__get__(real, type(real)))
            except AttributeError:  # an empty slot
                self.state.witness.attribute(real, name)

    def __set__(self, instance: Any, value: Any) -> None:
        pair = self.state.originals.get(id(instance))
        _tell_of_write(self.state, instance, self.real.__name__)
        if pair is None:
            self.own.__set__(instance, value)
        else:
            self._tell(pair[1])
            self.real.__set__(pair[1], self.state.original(value))

    def __delete__(self, instance: Any) -> None:
        pair = self.state.originals.get(id(instance))
        _tell_of_write(self.state, instance, self.real.__name__)
        if pair is None:
            self.own.__delete__(instance)
        else:
            self._tell(pair[1])
            self.real.__delete__(pair[1])


def _tell_of_write(state: State, instance: Any, name: str) -> None:
    """Tell a witness that recorded code writes to an attribute of an object from outside."""
    pair = state.originals.get(id(instance))
    if pair is not None and state.witness is not None:
        state.witness.writes(f"{type(pair[1]).__name__}.{name}")


def follow_object(state: State, value: Any) -> Any:
    """Return the twin of an instance of a user class; itself where it cannot have one."""
    found = state.known(value)
    if found is not None:
        return found
    double = state.classes.double_of(type(value))
    found = state.known(value)  # by now: the object may be an attribute of its own class
    if found is not None:
        return found
    if double is None:
        if state.witness is not None:
            state.witness.other(value)
        return value
    _prepare(double)
    try:
        twin: Any = object.__new__(double.cls)
        members = getattr(value, "__dict__", None)
        if members is not None:
            share_members(twin, members)
    except TypeError:
        if state.witness is not None:
            state.witness.other(value)
        return value  # its state is a C structure, which two objects cannot share
    state.pair(value, twin)
    state.twins.append(twin)
    if state.witness is not None:
        state.witness.object(value, members)
    if members:
        _substitute_attributes(double, members)
    return twin


def follow_tuple_instance(state: State, value: Any) -> Any:
    """Return an equal tuple of the double class (named tuples among them), items followed."""
    found = state.known(value)
    if found is not None:
        return found
    double = state.classes.double_of(type(value))
    found = state.known(value)  # by now: the object may be an attribute of its own class
    if found is not None or double is None:
        return value if found is None else found
    twin: Any = tuple.__new__(double.cls, tuple(map(state.substitute, value)))
    found = state.known(value)
    if found is not None:
        return found  # an item refers to the tuple
    members = getattr(value, "__dict__", None)
    if members is not None:
        share_members(twin, members)
        if state.witness is not None:
            state.witness.object(value, members)
            _substitute_attributes(double, members)
    state.pair(value, twin)
    state.twins.append(twin)
    return twin


def _prepare(double: Double) -> None:
    """Give the double what only twins of existing objects need, once."""
    if "" in double.attributes:
        return
    double.attributes.add("")
    for base in double.bases:
        _prepare(base)
    cls, real = double.cls, double.real
    for name, member in vars(real).items():
        if isinstance(member, types.MemberDescriptorType):
            own = vars(cls)[name]
            type.__setattr__(cls, name, Slot(double.state, own, member))
    inherited: Any = object
    if (real.__hash__, real.__eq__) == (inherited.__hash__, inherited.__eq__):
        _compare_by_identity(double.state, cls)


def _compare_by_identity(state: State, cls: type) -> None:
    """Let a twin equal the real object, as a key of the user's dictionaries for one."""

    def __hash__(self: Any) -> int:  # noqa: N807
        pair = state.originals.get(id(self))
        return object.__hash__(self if pair is None else pair[1])

    def __eq__(self: Any, other: Any) -> Any:  # noqa: N807
        same = state.original(self) is state.original(other)
        return True if same else NotImplemented

    type.__setattr__(cls, "__eq__", __eq__)
    type.__setattr__(cls, "__hash__", __hash__)


def _substitute_attributes(double: Double, members: dict[str, Any]) -> None:
    for name, value in members.items():
        # A witness is told of every attribute that is read, so that none is left as it is.
        plain = type(value) in PLAIN and double.state.witness is None
        if plain or name in double.attributes:
            continue
        double.attributes.add(name)
        inherited = getattr(double.real, name, None)
        # A property of that name comes before the instance's dictionary: leave it there.
        if not hasattr(type(inherited), "__set__"):
            type.__setattr__(double.cls, name, Attribute(double, name))


def settle(state: State) -> None:
    """At the outermost exit: nothing of the recording stays in the user's objects."""
    stuck: dict[int, Double] = {}
    for twin in state.twins:
        real = state.originals[id(twin)][1]
        _release_members(state, getattr(real, "__dict__", None))
        # One that recorded code kept somewhere goes on as an ordinary object over the same
        # attributes; but two objects must not both run a finalizer.
        if not hasattr(type(real), "__del__"):
            _copy_slots(twin, real)
            _become_ordinary(twin, stuck)
    for made in state.made:
        _release_members(state, getattr(made, "__dict__", None))
        _release_slots(state, made)
        _become_ordinary(made, stuck)
    for double in stuck.values():
        double.retire()


def _become_ordinary(value: Any, stuck: dict[int, Double]) -> None:
    """Turn an instance of a double into one of the real class."""
    cls = type(value)
    double = vars(cls).get(DOUBLE)
    if double is None:
        return  # of a class that recorded code derived
    try:
        set_class(value, double.real)
    except TypeError:
        # Slots at several levels of inheritance: the interpreter does not exchange such classes.
        # Nobody notices unless the object is kept: the table, the caller and these two names.
        if sys.getrefcount(value) > _OWN_REFERENCES:
            stuck[id(double)] = double


def _release_members(state: State, members: dict[str, Any] | None) -> None:
    if not members:
        return
    for name, value in members.items():
        real = state.release(value)
        if real is not value:
            members[name] = real


def _slots(cls: type) -> list[tuple[str, Any]]:
    return [
        (name, slot.own if isinstance(slot, Slot) else slot)
        for base in cls.__mro__
        if is_followed_class(base)
        for name, slot in vars(base).items()
        if isinstance(slot, Slot | types.MemberDescriptorType)
    ]


def _release_slots(state: State, made: Any) -> None:
    for _, slot in _slots(type(made)):
        try:
            slot.__set__(made, state.release(slot.__get__(made, type(made))))
        except AttributeError:
            continue  # an empty slot


def _copy_slots(twin: Any, real: Any) -> None:
    for name, slot in _slots(type(twin)):
        if hasattr(real, name):
            slot.__set__(twin, getattr(real, name))
