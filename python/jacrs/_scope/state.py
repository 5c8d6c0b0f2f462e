"""What one thread knows while it records: what stands for what, and what to put right at the end.

Everything here belongs to one thread. Two threads that record at once share only the user's real
objects, as two threads that run the function would.
"""

from __future__ import annotations

import functools
import sys
import threading
import types
from collections import OrderedDict, defaultdict, deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs._scope import containers, functions, objects, substitutes
from jacrs._scope.captured import capture
from jacrs._scope.classes import ClassTable, is_followed_class, real_class
from jacrs._scope.loaded import follow_modules
from jacrs._scope.mirrors import LibraryProxy, Mirror, ModuleProxy, real_globals
from jacrs._scope.native import expose
from jacrs._scope.plain import PLAIN
from jacrs._scope.usercode import is_library, is_user_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jacrs._compile.witness import Witness

_LIMIT = 1024
_MOST_MODULES = 512
_TRIMMED = 64  # recordings between two looks at the tables
_NUMPY_FUNCTIONS = (np.ufunc, type(np.concatenate))


class State:
    """The recordings of one thread: the tables, and the write-backs at the outermost exit."""

    array_type = np.ndarray

    def __init__(self, witness: Witness | None = None) -> None:
        self.witness = witness  # told what is reached, where the recording is to be run again
        self.depth = 0
        self.epoch = 0
        self.mirrors: dict[int, Mirror] = {}
        self.classes = ClassTable(self)
        self.functions = functions.FunctionTable()
        self._handlers: dict[type, Callable[[State, Any], Any]] = dict(_HANDLERS)
        # These live until the outermost exit.
        self.lifts = False  # whether arrays are handed over with methods that know tracers
        self.touched: list[Mirror] = []
        self.copies: dict[int, tuple[Any, Any]] = {}
        self.originals: dict[int, tuple[Any, Any]] = {}
        self.endings: list[Callable[[], None]] = []
        self.twins: list[Any] = []
        self.made: list[Any] = []

    def lift_arrays(self) -> None:
        """Hand arrays over with methods that know tracers, until the outermost exit."""
        self.lifts = True
        for mirror in self.touched:
            mirror.start_lifting()

    def begin(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Open a recording, the outermost or one inside it; return what stands for `function`."""
        if self.depth == 0:
            substitutes.fill_imported()
            self.epoch += 1
        self.depth += 1
        try:
            return self.functions.get(function) or self.substitute(function)  # type: ignore[arg-type]
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Close a recording; the outermost one puts everything right."""
        self.depth -= 1
        if self.depth:
            return
        try:
            for mirror in self.touched:
                if mirror.written or mirror.volatile:
                    mirror.end()
            if self.originals or self.made:
                for ending in self.endings:
                    ending()
                objects.settle(self)
        finally:
            self.touched.clear()
            self.lifts = False
            if self.originals or self.made:
                for table in (self.copies, self.originals):
                    table.clear()
                for items in (self.endings, self.twins, self.made):
                    items.clear()
            if self.epoch % _TRIMMED == 0:
                self._trim()

    def _trim(self) -> None:
        """Keep the tables bounded when a program makes modules and classes without end."""
        if len(self._handlers) > _LIMIT:
            self._handlers = dict(_HANDLERS)
        if len(self.mirrors) > _MOST_MODULES or len(self.classes) > _LIMIT:
            self.mirrors.clear()
            self.functions.clear()
            self.classes = ClassTable(self)

    def mirror_of(self, live: dict[str, Any]) -> Mirror:
        """Return the up-to-date mirror of a module's globals."""
        mirror = self.mirrors.get(id(live))
        if mirror is None:
            mirror = self.mirrors[id(live)] = Mirror(self, live)
        if mirror.epoch != self.epoch:
            mirror.refresh()
        return mirror

    def substitute(self, value: Any) -> Any:
        """Return what stands for `value` in recorded code; `value` itself where nothing must."""
        kind = type(value)
        if kind in PLAIN:
            return value
        handler = self._handlers.get(kind)
        if handler is None:
            handler = self._handlers[kind] = _classify(kind)
        return handler(self, value)

    def substitute_global(self, value: Any, mirror: Mirror) -> tuple[Any, bool]:
        """Return the substitute of a module's global, and whether it may outlive the recording."""
        kind = type(value)
        if kind in PLAIN:
            return value, True
        substitute = self.substitute(value)
        if kind is types.FunctionType:
            own = value.__globals__ is mirror.live and self.functions.keeps(value)
            return substitute, own or is_library(value.__module__)
        if kind is types.ModuleType:
            return substitute, type(substitute) is not ModuleProxy
        if kind is types.BuiltinFunctionType:
            return substitute, not isinstance(value.__self__, np.ndarray)
        if isinstance(value, type):
            return substitute, not is_user_class(value)
        return substitute, isinstance(value, _NUMPY_FUNCTIONS)

    def pair(self, real: Any, substitute: Any) -> None:
        """Enter `substitute` as standing for `real` until the outermost exit."""
        self.copies[id(real)] = (real, substitute)
        self.originals[id(substitute)] = (substitute, real)

    def known(self, real: Any) -> Any | None:
        """Return what stands for `real` in this recording, if something does."""
        if id(real) in self.originals:
            return real  # already a substitute
        pair = self.copies.get(id(real))
        return None if pair is None else pair[1]

    def original(self, value: Any) -> Any:
        """Return what `value` stands for; `value` itself where it stands for nothing."""
        kind = type(value)
        if kind in PLAIN:
            return value
        pair = self.originals.get(id(value))
        if pair is not None:
            return pair[1]
        if kind is types.FunctionType:
            return self.functions.original(value) or substitutes.original(value)
        if kind is ModuleProxy:
            return vars(value)["__builtins__"].mirror.module
        if is_followed_class(kind):
            return value
        if isinstance(value, type) and is_followed_class(value):
            return real_class(value)
        return substitutes.original(value)

    def release(self, value: Any) -> Any:
        """Return what is left of `value` outside recorded code.

        A function made inside goes on over the real globals, so that it is never out of date.
        """
        real = self.original(value)
        if type(real) is types.FunctionType:
            live = real_globals(real.__globals__)
            if live is not None:
                return functions.over(real, live, real.__closure__, real.__defaults__)
        return real


def _same(_state: State, value: Any) -> Any:
    return value


def _other(state: State, value: Any) -> Any:
    found = substitutes.lookup(value)
    if state.witness is not None and found is value:
        state.witness.other(value)
    return found


def _builtin(state: State, value: Any) -> Any:
    owner = value.__self__
    if isinstance(owner, np.ndarray):  # `matvec = A.dot`
        expose(owner)
        if state.witness is not None:
            found = state.witness.array(owner)
            if found is not owner:
                return getattr(found, value.__name__)
        return getattr(functions.remembered(state, owner, capture), value.__name__)
    if state.witness is not None and not isinstance(owner, types.ModuleType | type | None):
        return getattr(state.substitute(owner), value.__name__)  # `get = table.get`
    return substitutes.lookup(value)


def _array(state: State, value: Any) -> Any:
    expose(value)
    if state.witness is not None:
        found = state.witness.array(value)
        if found is not value:
            return found
    return functions.remembered(state, value, capture) if state.lifts else value


def _class(state: State, value: type) -> Any:
    found = substitutes.lookup(value)
    if found is not value:
        return found
    if is_user_class(value):
        return state.classes.follow(value)
    if state.witness is not None:
        state.witness.unfollowed_class(value)
    return value


# Nobody changes these: a witness would be told of every function that is called.
_CONSTANT = frozenset({"numpy", "numpy.linalg", "math"})


def _module(state: State, value: Any) -> Any:
    name = vars(value).get("__name__")
    found = substitutes.lookup_module(value)
    if found is not None and (state.witness is None or name in _CONSTANT):
        return found
    if not is_library(name):
        mirror = state.mirror_of(vars(value))
        mirror.module = value  # it may not be the one that its name leads to
        return mirror.proxy
    if state.witness is None:
        return value
    return functions.remembered(state, value, lambda module: LibraryProxy(state, module))


def _dict(state: State, value: dict[Any, Any]) -> Any:
    follow = follow_modules if value is sys.modules else containers.follow_dict
    return follow(state, value)


_HANDLERS: dict[type, Callable[[State, Any], Any]] = {
    types.FunctionType: functions.follow_function,
    types.MethodType: functions.follow_method,
    types.BuiltinFunctionType: _builtin,
    types.ModuleType: _module,
    type: _class,
    functools.partial: functions.follow_partial,
    type(functools.lru_cache(int)): functions.follow_cached,
    property: functions.follow_property,
    classmethod: functions.follow_wrapped_method,
    staticmethod: functions.follow_wrapped_method,
    functools.cached_property: functions.follow_cached_property,
    np.ndarray: _array,
    np.vectorize: functions.follow_vectorized,
    list: containers.follow_list,
    deque: containers.follow_list,
    tuple: containers.follow_tuple,
    dict: _dict,
    OrderedDict: containers.follow_dict,
    defaultdict: containers.follow_dict,
    types.SimpleNamespace: containers.follow_namespace,
}


def _classify(kind: type) -> Callable[[State, Any], Any]:
    """Choose once per type how its instances are treated."""
    if issubclass(kind, type):
        return _class
    if issubclass(kind, types.ModuleType):
        return _same if kind in (ModuleProxy, LibraryProxy) else _module
    if is_followed_class(kind) or _made_inside(kind):
        return _same
    if not is_user_class(kind):
        return _other
    if issubclass(kind, tuple):
        return objects.follow_tuple_instance
    return objects.follow_object


def _made_inside(kind: type) -> bool:
    """Tell whether recorded code defined the class: its methods are as they should be."""
    return any(
        isinstance(member, types.FunctionType) and real_globals(member.__globals__) is not None
        for member in vars(kind).values()
    )


class _Local(threading.local):
    """One state a thread."""

    def __init__(self) -> None:
        self.state = State()


_local = _Local()


def current_state() -> State:
    """Return this thread's state."""
    return _local.state


@contextmanager
def witnessed(witness: Witness) -> Iterator[None]:
    """Let a witness be told what recordings of this thread reach.

    They start from nothing: what is known already would not be resolved again, and not be told.
    """
    before = _local.state
    _local.state = State(witness)
    try:
        yield
    finally:
        _local.state = before
