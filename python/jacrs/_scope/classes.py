"""Followed classes: a double of each user class, with followed methods.

Why doubles and not proxies. Inside recorded code the double *is* the class: `Model(...)` makes its
instances, `isinstance`, `type(self)`, `super()`, `match` and special methods work by the
interpreter's own rules and at its own speed; a proxy would have to imitate each. A double does not
inherit from its class, so neither the class nor its `__subclasses__()` knows of it, and no
unfollowed method hides behind a `super()` call. Its bases are the doubles of the class's bases, so
its method resolution order is the same. It has the same layout, so that when the recording ends
its instances are turned into instances of the real class (`objects.settle`).
"""

from __future__ import annotations

import abc
import types
from typing import TYPE_CHECKING, Any

from jacrs._scope.native import own_members, share_members
from jacrs._scope.plain import PLAIN
from jacrs._scope.plans import are_facts_of, facts_of
from jacrs._scope.usercode import is_user_class

if TYPE_CHECKING:
    from collections.abc import Callable

    from jacrs._scope.plans import Facts
    from jacrs._scope.state import State

_REAL = "_jacrs_real_class"
DOUBLE = "_jacrs_double"
set_class = object.__dict__["__class__"].__set__
NOT_COPIED = frozenset(
    {
        "__dict__",
        "__weakref__",
        "__class__",
        "__module__",
        "__qualname__",
        "__slots__",
        "__doc__",
        _REAL,
    }
    | {"_abc_impl", "__abstractmethods__", "__del__", "__static_attributes__"}
    | {"__firstlineno__", "__orig_bases__"}
)
# What tools read of a class, and no method runs.
_DESCRIPTIONS = frozenset(
    {"__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__"}
    | {"__dataclass_fields__", "__dataclass_params__", "__match_args__", "__parameters__"}
)


class FollowedMeta(type):
    """Mixed into the metaclass of doubles: they answer for their real class."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        real = cls.__dict__.get(_REAL)
        return super().__instancecheck__(instance) if real is None else isinstance(instance, real)

    def __subclasscheck__(cls, subclass: type) -> bool:
        if type.__subclasscheck__(cls, subclass):
            return True
        real = cls.__dict__.get(_REAL)
        if real is None:
            return super().__subclasscheck__(subclass)
        return issubclass(real_class(subclass), real)

    def __setattr__(cls, name: str, value: Any) -> None:
        double = cls.__dict__.get(DOUBLE)
        if double is not None:
            double.write(name, value)
        else:
            super().__setattr__(name, value)

    def __delattr__(cls, name: str) -> None:
        double = cls.__dict__.get(DOUBLE)
        if double is not None:
            delattr(double.real, name)
        if double is None or name in cls.__dict__:
            super().__delattr__(name)

    def __dir__(cls) -> list[str]:
        return sorted(_names_of_class(cls))


def _names_of_class(cls: type) -> set[str]:
    """Return the names that the real class has; a double has some more, and lacks some."""
    return {name for base in cls.__mro__ for name in vars(base.__dict__.get(_REAL, base))}


def _names_of_instance(self: Any) -> list[str]:
    return sorted({*getattr(self, "__dict__", ()), *_names_of_class(type(self))})


class ClassOf:
    """The `__class__` of a double's instances."""

    __slots__ = ("real", "retired")

    def __init__(self, real: type) -> None:
        self.real = real
        self.retired = False

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return type(owner)
        return self.real if self.retired else type(instance)

    def __set__(self, instance: Any, cls: type) -> None:
        set_class(instance, cls)


class Members:
    """The `__dict__` of a double's instances, where a witness is told what is read."""

    __slots__ = ("state",)

    def __init__(self, state: State) -> None:
        self.state = state

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        members = own_members(instance)
        followed = id(instance) in self.state.originals
        return self.state.substitute(members) if followed else members

    def __set__(self, instance: Any, members: dict[str, Any]) -> None:
        share_members(instance, members)
        pair = self.state.originals.get(id(instance))
        if pair is not None:
            share_members(pair[1], members)


def _followed_state(state: State) -> Callable[[Any], Any]:
    def __getstate__(self: Any) -> Any:  # noqa: N807
        found: Any = object.__getstate__(self)
        if id(self) not in state.originals:
            return found
        members, slots = found if isinstance(found, tuple) else (found, None)
        members = state.substitute(members)
        if slots is None:
            return members
        return members, {name: getattr(self, name) for name in slots}

    return __getstate__


class Double:
    """The double of one class, and what it was made from."""

    __slots__ = (
        "attributes",
        "bases",
        "cls",
        "epoch",
        "facts",
        "parents",
        "real",
        "seen",
        "state",
        "volatile",
    )

    def __init__(self, state: State, real: type, bases: list[Double]) -> None:
        self.state = state
        self.real = real
        self.parents = real.__bases__
        self.bases = bases
        self.epoch = -1
        self.seen: dict[str, Any] = {}
        self.facts: dict[str, Facts] = {}
        self.volatile: set[str] = set()
        self.attributes: set[str] = set()  # see objects.Attribute
        self.cls: type = _empty_double(state, real)
        type.__setattr__(self.cls, DOUBLE, self)

    def refresh(self) -> None:
        """Bring the double up to date with the class, once per recording."""
        if self.epoch == self.state.epoch:
            return
        self.epoch = self.state.epoch
        for base in self.bases:
            base.refresh()
        live = vars(self.real)
        if self.state.witness is not None:
            self.state.witness.members(self.real)
        for name, value in live.items():
            if name not in NOT_COPIED and (
                self.seen.get(name, self) is not value
                or name in self.volatile
                or (name in self.facts and not are_facts_of(self.facts[name], value))
            ):
                self._install(name, value)
        if len(self.seen) != len(live.keys() - NOT_COPIED):
            for name in self.seen.keys() - live.keys():
                del self.seen[name]
                type.__delattr__(self.cls, name)

    def _install(self, name: str, value: Any) -> None:
        self.seen[name] = value
        self.volatile.discard(name)
        self.facts.pop(name, None)
        if isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType):
            return  # a slot: the double has its own
        if name in _DESCRIPTIONS:
            type.__setattr__(self.cls, name, value)
            return
        new = self.state.substitute(value)
        if name == "__init_subclass__":
            new = _quiet_while_doubling(self.state, new)
        elif name == "__new__":
            new = _entering(self.state, getattr(new, "__func__", new))
        if not (type(value) in PLAIN or self._keeps(value)):
            self.volatile.add(name)
        elif type(value) is types.FunctionType:
            self.facts[name] = facts_of(value)
        if name not in self.attributes:
            type.__setattr__(self.cls, name, new)

    def _keeps(self, value: Any) -> bool:
        parts: tuple[Any, ...] = (value,)
        if isinstance(value, property):
            parts = (value.fget, value.fset, value.fdel)
        elif isinstance(value, staticmethod | classmethod):
            parts = (value.__func__,)
        return all(part is None or self.state.functions.keeps(part) for part in parts)

    def retire(self) -> None:
        """Turn the double's instances, which could not change their class, into ordinary ones.

        Their methods are the real ones again, and they tell their real class.
        """
        real = self.real
        for name in self.seen:
            value = vars(real)[name]
            if not isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType):
                type.__setattr__(self.cls, name, value)
        for name in self.attributes - self.seen.keys() - {""}:
            type.__delattr__(self.cls, name)
        vars(self.cls)["__class__"].retired = True
        for base in self.bases:
            base.retire()
        self.state.classes.forget(real)

    def write(self, name: str, value: Any) -> None:
        """Set a class attribute of the real class now, and what recorded code sees of it."""
        real = self.state.original(value)
        if self.state.witness is not None:
            self.state.witness.writes(f"{self.real.__qualname__}.{name}")
        setattr(self.real, name, real)
        if name in vars(self.real):
            self._install(name, vars(self.real)[name])


class ClassTable:
    """The doubles of one thread."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._doubles: dict[int, tuple[type, Double | None]] = {}
        self.doubling = 0

    def __len__(self) -> int:
        return len(self._doubles)

    def double_of(self, real: type) -> Double | None:
        """Return the up-to-date double of a user class; None where it cannot have one."""
        entry = self._doubles.get(id(real))
        if entry is not None and entry[1] is not None and entry[1].parents is not real.__bases__:
            for member in vars(real).values():  # they know their class
                self._state.functions.forget(member)
            entry = None
        if entry is None:
            double = self._make(real)
            entry = self._doubles[id(real)] = (real, double)
        if entry[1] is not None:
            entry[1].refresh()
        return entry[1]

    def forget(self, real: type) -> None:
        """Let `real` get another double when it is followed next."""
        self._doubles.pop(id(real), None)

    def follow(self, real: type) -> type:
        """Return the class that stands for `real`: its double, or itself where it has none."""
        if is_followed_class(real):
            return real
        double = self.double_of(real)
        if double is not None:
            return double.cls
        if self._state.witness is not None:
            self._state.witness.unfollowed_class(real)
        return real

    def _make(self, real: type) -> Double | None:
        followed = [base for base in real.__bases__ if is_user_class(base)]
        bases = [self.double_of(base) for base in followed]
        if None in bases:
            return None
        self.doubling += 1
        try:
            return Double(self._state, real, [base for base in bases if base is not None])
        except TypeError:
            return None  # a metaclass or a base that does not let itself be doubled
        finally:
            self.doubling -= 1


def _empty_double(state: State, real: type) -> type:
    """Create the class without members; those are entered later, with no hook of the user's run."""
    bases = tuple(state.classes.follow(b) if is_user_class(b) else b for b in real.__bases__)
    members = {name: vars(real)[name] for name in ("__module__", "__doc__") if name in vars(real)}
    members["__qualname__"] = real.__qualname__
    members.update({_REAL: real, "__class__": ClassOf(real)})
    listing: Any = real.__dir__
    if listing is object.__dir__:
        members["__dir__"] = _names_of_instance
    if "__orig_bases__" in vars(real):
        members["__orig_bases__"] = vars(real)["__orig_bases__"]
    slots = vars(real).get("__slots__")
    if slots is not None:
        slots = (slots,) if isinstance(slots, str) else tuple(slots)
        members["__slots__"] = slots
    if state.witness is not None:
        members["__dict__"] = Members(state)
        if "__getstate__" not in vars(real):
            members["__getstate__"] = _followed_state(state)
        state.witness.unfollowed_class(type(real))  # its methods are not followed
    meta = _followed_metaclass(type(real))
    make: Any = abc.ABCMeta if issubclass(meta, abc.ABCMeta) else type
    cls: type = make.__new__(meta, real.__name__, bases, members)
    abstract = vars(real).get("__abstractmethods__")
    if abstract is not None:
        type.__setattr__(cls, "__abstractmethods__", abstract)
    if not any(is_followed_class(base) for base in bases):
        type.__setattr__(cls, "__new__", _entering(state, _default_new(cls.__mro__[1:])))
    return cls


_metaclasses: dict[type, type] = {}


def _followed_metaclass(meta: type) -> type:
    if meta is type:
        return FollowedMeta
    found = _metaclasses.get(meta)
    if found is None:
        found = _metaclasses[meta] = type(meta.__name__, (FollowedMeta, meta), {})
    return found


def _entering(state: State, create: Callable[..., Any]) -> staticmethod[..., Any]:
    """Return a `__new__` that enters what it makes, for `objects.settle`."""

    def __new__(cls: type, /, *args: Any, **keywords: Any) -> Any:  # noqa: N807
        made = create(cls, *args, **keywords)
        if is_followed_class(type(made)) and id(made) not in state.originals:
            state.made.append(made)
        return made

    return staticmethod(__new__)


def _default_new(bases: tuple[type, ...]) -> Callable[..., Any]:
    inherited = next(vars(base)["__new__"] for base in bases if "__new__" in vars(base))
    if inherited is not object.__new__:
        return getattr(inherited, "__func__", inherited)  # type: ignore[no-any-return]

    def create(cls: type, /, *args: Any, **keywords: Any) -> Any:
        # `object.__new__` takes arguments only for a class with an `__init__` to use them.
        if (args or keywords) and cls.__init__ is object.__init__:  # type: ignore[misc]
            raise TypeError(f"{cls.__name__}() takes no arguments")
        return object.__new__(cls)

    return create


def _quiet_while_doubling(state: State, hook: Any) -> Any:
    """Run a user's `__init_subclass__` for classes of the user's, not for doubles."""
    inner = hook.__func__ if isinstance(hook, classmethod) else hook

    def __init_subclass__(cls: type[Any], /, **keywords: Any) -> None:  # noqa: N807
        if not state.classes.doubling:
            inner(cls, **keywords)

    return classmethod(__init_subclass__)


def is_followed_class(cls: type) -> bool:
    """Tell whether `cls` is a double or a class that recorded code derived from one."""
    return isinstance(cls, FollowedMeta)


def real_class(cls: type) -> type:
    """Return the class that `cls` doubles, or `cls` itself."""
    found: type = cls.__dict__.get(_REAL, cls)
    return found
