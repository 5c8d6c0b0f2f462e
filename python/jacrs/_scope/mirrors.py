"""A module's global names as recorded code sees them.

A followed function runs over the dictionary of a mirror, not over its module's. The dictionary
starts empty. A name that it lacks goes on to the function's builtins, which are a dictionary with
`__missing__`: there the live value is looked up, substituted and entered, so each name costs one
slow lookup and is then as fast as any global (the interpreter specialises such loads, for it only
asks that the globals be an exact dictionary). The dictionary is that of a module object, so
`import mymod; mymod.helper` in another module reads the same names through `__getattr__`.
"""

from __future__ import annotations

import builtins
import functools
import operator
import sys
import types
from itertools import repeat
from typing import TYPE_CHECKING, Any

from jacrs._scope import kinds
from jacrs._scope.plans import are_facts_of, facts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jacrs._scope.plans import Facts
    from jacrs._scope.state import State

MISSING: Any = object()
# The interpreter and `warnings` read these from a frame's globals without falling back.
_IDENTITY = ("__name__", "__file__", "__package__", "__spec__", "__loader__", "__doc__")


class LazyNames(dict[str, Any]):
    """The builtins of followed code; a name that nobody has resolved yet arrives here."""

    __slots__ = ("mirror",)

    def __init__(self, mirror: Mirror) -> None:
        super().__init__()
        self.mirror = mirror
        self["__import__"] = mirror.import_module
        self["globals"] = _globals
        self["isinstance"] = kinds.isinstance

    def __missing__(self, name: str) -> Any:
        value = self.mirror.resolve(name)
        if value is MISSING:
            value = self[name] = self.mirror.resolve_builtin(name)
        return value


class ModuleProxy(types.ModuleType):
    """A user's module as recorded code sees it; attribute writes reach the real module."""

    def __setattr__(self, name: str, value: Any) -> None:
        _mirror_of(self).write(name, value)

    def __delattr__(self, name: str) -> None:
        mirror = _mirror_of(self)
        mirror.tell_of_write(name)
        mirror.forget(name)
        delattr(mirror.module, name)

    def __dir__(self) -> list[str]:
        return dir(_mirror_of(self).module)


class LibraryProxy(types.ModuleType):
    """A library's module while a witness is told what is read of it."""

    def __init__(self, state: State, module: types.ModuleType) -> None:
        super().__init__(module.__name__, module.__doc__)
        vars(self)["__getattr__"] = functools.partial(_library_attribute, state, module)
        vars(self)["__dir__"] = functools.partial(dir, module)

    def __setattr__(self, name: str, value: Any) -> None:
        state, module = vars(self)["__getattr__"].args
        state.witness.attribute(module, name, getattr(module, name, MISSING), module.__name__)
        state.witness.writes(f"{module.__name__}.{name}")
        setattr(module, name, state.original(value))


def _library_attribute(state: State, module: types.ModuleType, name: str) -> Any:
    value = getattr(module, name)
    witness = state.witness
    if witness is not None:
        witness.attribute(module, name, value, module.__name__)
    return state.substitute(value)


class Mirror:
    """The substituted globals of one module, for one thread."""

    __slots__ = (
        "builtins",
        "epoch",
        "kept",
        "lifts",
        "live",
        "module",
        "proxy",
        "seen",
        "state",
        "substituted",
        "volatile",
        "written",
    )

    def __init__(self, state: State, live: dict[str, Any]) -> None:
        name = live.get("__name__")
        self.state = state
        self.live = live
        self.module: Any = sys.modules.get(name) if isinstance(name, str) else None
        self.proxy = ModuleProxy(str(name))
        self.substituted: dict[str, Any] = vars(self.proxy)
        # Resolved names and the live values they had: compared at each recording.
        self.seen: dict[str, Any] = {}
        self.builtins: dict[str, Any] = {}  # those among them that no module has
        self.kept: dict[str, Facts] = {}  # of functions whose copies outlive a recording
        self.volatile: list[str] = []
        self.written: set[str] = set()
        self.epoch = -1
        self.lifts = False
        self.substituted.clear()
        self.substituted.update((key, live[key]) for key in _IDENTITY if key in live)
        self.substituted["__builtins__"] = LazyNames(self)
        self.substituted["__getattr__"] = self.attribute

    def resolve(self, name: str) -> Any:
        """Return the substituted value of a global, entering it; MISSING where there is none."""
        live = self.live.get(name, MISSING)
        if live is MISSING or (name in self.written and name in self.seen):
            return MISSING  # absent, or deleted by the recorded code itself
        if self.state.witness is not None:
            self.state.witness.name(self.live, name, live)
        value, stable = self.state.substitute_global(live, self)
        self.note(name, live)
        if not stable:
            self.volatile.append(name)
        elif type(live) is types.FunctionType:
            self.kept[name] = facts_of(live)
        self.substituted[name] = value
        return value

    def note(self, name: str, live: Any) -> None:
        """Remember the live value that `name` was resolved from."""
        self.seen[name] = live

    def resolve_builtin(self, name: str) -> Any:
        """Return the substituted value of a builtin, which it is while the module has none."""
        value = vars(builtins).get(name, MISSING)
        if value is MISSING:
            raise KeyError(name)
        if self.state.witness is not None:
            self.state.witness.name(self.live, name)
            self.state.witness.name(vars(builtins), name, value)
        substitute, stable = self.state.substitute_global(value, self)
        self.note(name, MISSING)
        self.builtins[name] = value
        if not stable:
            self.volatile.append(name)
        return substitute

    def attribute(self, name: str) -> Any:
        """Answer `proxy.name` for a name that is not entered yet (a module's `__getattr__`)."""
        value = self.resolve(name)
        if value is MISSING:
            if name in self.written and name in self.seen:
                raise AttributeError(f"module {self.proxy.__name__!r} has no attribute {name!r}")
            found = getattr(self.module, name)
            if self.state.witness is not None:
                self.state.witness.attribute(self.module, name, found)
            return self.state.substitute(found)
        return value

    def refresh(self) -> None:
        """Bring the mirror up to date with the live module, once per recording."""
        state = self.state
        if self.epoch == state.epoch:
            return
        self.epoch = state.epoch
        state.touched.append(self)
        if self.lifts:
            state.lifts = True
        if self.written:
            self.write_back()  # what a function that outlived its recording has written since
        if self.seen:
            self._forget_what_changed()

    def _forget_what_changed(self) -> None:
        """Forget names that are others now, and functions that were written to."""
        seen = self.seen
        live = map(self.live.get, seen, repeat(MISSING))
        if not all(map(operator.is_, live, seen.values())):
            for name, value in list(seen.items()):
                if self.live.get(name, MISSING) is not value:
                    self.forget(name)
        for name, value in list(self.builtins.items()):
            if _builtin(name) is not value:
                self.forget(name)
        for name, facts in list(self.kept.items()):
            if not are_facts_of(facts, self.seen[name]):
                self.forget(name)

    def forget(self, name: str) -> None:
        """Let `name` be resolved anew on its next use."""
        self.substituted.pop(name, None)
        self.substituted["__builtins__"].pop(name, None)
        self.seen.pop(name, None)
        self.builtins.pop(name, None)
        self.kept.pop(name, None)

    def write(self, name: str, value: Any) -> None:
        """Set an attribute of the real module now, and what recorded code sees of it."""
        real = self.state.original(value)
        self.tell_of_write(name)
        self.forget(name)
        setattr(self.module, name, real)
        if real is not value:
            self.note(name, real)
            self.volatile.append(name)
            self.substituted[name] = value

    def tell_of_write(self, name: str) -> None:
        """Tell a witness that recorded code sets or deletes an attribute of the module."""
        if self.state.witness is not None:
            self.state.witness.name(self.live, name, self.live.get(name, MISSING))
            self.state.witness.writes(f"{self.proxy.__name__}.{name}")

    def start_lifting(self) -> None:
        """Resolve arrays anew: from now on they need methods that know tracers."""
        self.lifts = self.state.lifts = True
        for name, value in list(self.seen.items()):
            if isinstance(value, self.state.array_type):
                self.forget(name)

    def write_back(self) -> None:
        """Carry out the recorded code's `global` writes and deletions in the real module."""
        for name in self.written:
            known = name in self.seen
            before = self.seen.get(name, MISSING)
            now = self.substituted.get(name, MISSING)
            if now is MISSING:
                if known and before is not MISSING and self.live.get(name) is before:
                    self.live.pop(name, None)
            else:
                real = self.state.release(now)
                if real is not before:
                    self.live[name] = real
            self.forget(name)

    def end(self) -> None:
        """Write back and drop what belongs to this recording alone."""
        if self.written:
            self.write_back()
        for name in self.volatile:
            self.forget(name)
        self.volatile.clear()

    def import_module(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the builtin's own names
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Any = (),
        level: int = 0,
    ) -> Any:
        """Import as the statement would from the real module, and substitute the result."""
        scope = self.live if globals is self.substituted else globals
        module = builtins.__import__(name, scope, locals, fromlist or (), level)
        return self.state.substitute(module)


_builtin = vars(builtins).get


def _mirror_of(proxy: ModuleProxy) -> Mirror:
    mirror: Mirror = vars(proxy)["__builtins__"].mirror
    return mirror


def real_globals(substituted: dict[str, Any]) -> dict[str, Any] | None:
    """Return the live globals behind a mirror's dictionary, None for any other dictionary."""
    lazy = substituted.get("__builtins__")
    return lazy.mirror.live if type(lazy) is LazyNames else None


def _globals() -> dict[str, Any]:
    """Stand in for `globals()`: the real module's, whose names are not substituted."""
    scope = sys._getframe(1).f_globals  # noqa: SLF001 - what the builtin does
    live = real_globals(scope)
    if live is not None and scope["__builtins__"].mirror.state.witness is not None:
        scope["__builtins__"].mirror.state.witness.unseen("what is read of globals()")
    return scope if live is None else live
