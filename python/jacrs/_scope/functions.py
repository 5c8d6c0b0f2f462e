"""Followed functions: the same code over substituted globals, cells and defaults."""

from __future__ import annotations

import functools
import types
import weakref
from typing import TYPE_CHECKING, Any

from jacrs._scope import substitutes
from jacrs._scope.mirrors import MISSING, real_globals
from jacrs._scope.plain import PLAIN
from jacrs._scope.plans import are_facts_of, facts_of, plan_of
from jacrs._scope.usercode import is_library, is_standard
from jacrs._scope.vectorized import Vectorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from jacrs._scope.mirrors import Mirror
    from jacrs._scope.plans import Facts
    from jacrs._scope.state import State

Function = types.FunctionType
Cell = types.CellType


class FunctionTable:
    """Copies that outlive a recording: those whose cells and defaults need no looking after."""

    def __init__(self) -> None:
        self._copies: dict[int, tuple[weakref.ref[Any], Function, Mirror, Facts]] = {}
        self._originals: dict[int, weakref.ref[Any]] = {}

    def get(self, function: Function) -> Function | None:
        """Return the copy of `function` over an up-to-date mirror."""
        entry = self._copies.get(id(function))
        if entry is None:
            return None
        reference, copy, mirror, facts = entry
        if reference() is not function or not are_facts_of(facts, function):
            return None
        mirror.refresh()
        return copy

    def add(self, function: Function, copy: Function, mirror: Mirror) -> None:
        """Keep `copy` for as long as `function` lives."""
        key, copied = id(function), id(copy)

        def drop(gone: weakref.ref[Any]) -> None:
            entry = self._copies.get(key)
            if entry is not None and entry[0] is gone:
                del self._copies[key]
            self._originals.pop(copied, None)

        reference = weakref.ref(function, drop)
        self._copies[key] = (reference, copy, mirror, facts_of(function))
        self._originals[copied] = reference

    def keeps(self, function: Function) -> bool:
        """Tell whether the copy of `function` outlives the recording."""
        return id(function) in self._copies

    def original(self, copy: Function) -> Any | None:
        """Return the function that `copy` was made from."""
        reference = self._originals.get(id(copy))
        return None if reference is None else reference()

    def forget(self, function: Any) -> None:
        """Let `function` be copied anew."""
        self._copies.pop(id(function), None)

    def clear(self) -> None:
        """Forget all copies."""
        self._copies.clear()
        self._originals.clear()


def over(
    function: Function,
    scope: dict[str, Any],
    closure: tuple[Cell, ...] | None,
    defaults: tuple[Any, ...] | None,
) -> Function:
    """Return a copy of `function` over the globals `scope`; they share their attributes."""
    copy = Function(function.__code__, scope, function.__name__, defaults, closure)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__qualname__ = function.__qualname__
    copy.__module__ = function.__module__
    copy.__doc__ = function.__doc__
    copy.__dict__ = function.__dict__  # the very same: `f.calls += 1` must reach the real function
    return copy


def remembered(state: State, value: Any, make: Callable[[Any], Any]) -> Any:
    """Return the substitute of `value` in this recording, made on first use."""
    found = state.known(value)
    if found is None:
        found = make(value)
        if found is not value:
            known = state.known(value)  # by now: what it holds may refer to it
            if known is not None:
                return known
            state.pair(value, found)
    return found


def follow_function(state: State, function: Function) -> Any:
    """Return the copy of a user's function; a library's function, or the rule that stands for it.

    What the copy reaches is followed when it is reached: names by the mirror, cells and defaults
    here, since they belong to this one function.
    """
    kept = state.functions.get(function)
    if kept is not None:
        return kept
    found = state.known(function)
    if found is not None:
        return found
    scope = function.__globals__
    if real_globals(scope) is not None:
        return function  # defined by recorded code: it has the substituted names already
    name = scope.get("__name__")
    if is_library(name):
        return _follow_library_function(state, function, name)
    mirror = state.mirror_of(scope)
    plan = plan_of(function.__code__)
    if state.witness is not None:
        state.witness.function(function)
        for written in plan.writes_globals:
            state.witness.name(scope, written, scope.get(written, MISSING))
    if plan.writes_globals:
        mirror.written |= plan.writes_globals
    if plan.uses_array_methods and not mirror.lifts:
        mirror.start_lifting()
    return _copy(state, function, mirror, mirror.substituted)


def _copy(state: State, function: Function, mirror: Mirror | None, scope: dict[str, Any]) -> Any:
    """Copy `function`; where `mirror` is None, only if its cells need it."""
    closure, pending = _follow_cells(state, function)
    if mirror is None and not pending:
        return function
    copy = over(function, scope, closure, function.__defaults__)
    # Entered before what it reaches is followed: a function may reach itself.
    state.pair(function, copy)
    lasting = True
    for cell, new in pending:
        _fill(state, cell, new)
    defaults = function.__defaults__
    if defaults:
        new_defaults = tuple(map(state.substitute, defaults))
        if any(a is not b for a, b in zip(defaults, new_defaults, strict=True)):
            copy.__defaults__ = new_defaults
        lasting = lasting and all(map(_is_constant, defaults))
    keywords = function.__kwdefaults__
    if keywords:
        copy.__kwdefaults__ = {key: state.substitute(value) for key, value in keywords.items()}
        lasting = False  # a dictionary, which may change
    if mirror is not None and lasting and not _has_variables(function):
        state.functions.add(function, copy, mirror)
    return copy


def _has_variables(function: Function) -> bool:
    """Tell whether the function has cells beside the one of zero-argument `super`."""
    return any(name != "__class__" for name in function.__code__.co_freevars)


def _is_constant(value: Any) -> bool:
    return value is None or isinstance(value, float | int | complex | str | bytes)


def _follow_cells(
    state: State, function: Function
) -> tuple[tuple[Cell, ...] | None, list[tuple[Cell, Cell]]]:
    """Return the closure of a copy, and its new cells, yet to be filled.

    A cell whose content stands for itself stays the same cell, so `nonlocal` writes reach it
    directly. Another is exchanged; what recorded code writes there is carried over at the end.
    """
    closure = function.__closure__
    if not closure:
        return closure, []
    cells: list[Cell] = []
    pending: list[tuple[Cell, Cell]] = []
    for cell, name in zip(closure, function.__code__.co_freevars, strict=True):
        found = state.known(cell)
        if state.witness is not None and found is None:
            state.witness.cell(cell, name)
        if found is None and _needs_cell(state, cell):
            found = Cell()
            if name == "__class__":
                found.cell_contents = state.substitute(cell.cell_contents)
            else:
                state.pair(cell, found)
            pending.append((cell, found))
        cells.append(cell if found is None else found)
    return tuple(cells), pending


def _needs_cell(state: State, cell: Cell) -> bool:
    try:
        content = cell.cell_contents
    except ValueError:
        return False  # empty: nothing to substitute; if it is filled, then by recorded code
    kind = type(content)
    if kind in PLAIN:
        return False
    if kind in (Function, list, dict, tuple):
        return True  # may reach this very cell again: exchanged before it is followed
    return state.substitute(content) is not content


def _fill(state: State, cell: Cell, new: Cell) -> None:
    try:
        given = new.cell_contents
    except ValueError:
        given = new.cell_contents = state.substitute(cell.cell_contents)

    def end() -> None:
        try:
            now = new.cell_contents
        except ValueError:
            del cell.cell_contents
            return
        if now is not given:
            cell.cell_contents = state.release(now)

    state.endings.append(end)


def _follow_library_function(state: State, function: Function, name: Any) -> Any:
    """Return the rule for a library's function; follow what a standard decorator encloses."""
    found = substitutes.lookup(function)
    if found is not function or function.__closure__ is None:
        return found
    if not is_standard(name):
        if state.witness is not None and any(map(_holds_user_code, function.__closure__)):
            state.witness.unseen(f"what {name}.{function.__qualname__} calls")
        return found
    if name == "functools" and hasattr(function, "registry"):
        return _follow_single_dispatch(state, function)
    return _copy(state, function, None, function.__globals__)


def _holds_user_code(cell: Cell) -> bool:
    try:
        content = cell.cell_contents
    except ValueError:
        return False
    return callable(content) and not is_library(getattr(content, "__module__", "builtins"))


def _follow_single_dispatch(state: State, function: Any) -> Any:
    from jacrs._scope.classes import real_class

    if state.witness is not None:
        state.witness.registry(function.registry, f"what {function.__name__} dispatches to")

    @functools.wraps(function)
    def dispatching(*args: Any, **keywords: Any) -> Any:
        chosen = function.dispatch(real_class(type(args[0])) if args else object)
        return state.substitute(chosen)(*args, **keywords)

    return remembered(state, function, lambda _: dispatching)


def follow_method(state: State, method: types.MethodType) -> Any:
    """Follow a bound method: its function and its object."""
    function, owner = state.substitute(method.__func__), state.substitute(method.__self__)
    if function is method.__func__ and owner is method.__self__:
        return method
    bound = types.MethodType(function, owner)
    state.originals[id(bound)] = (bound, method)
    return bound


def follow_partial(state: State, partial: functools.partial[Any]) -> Any:
    """Follow a partial: its function and the arguments it holds."""
    if state.witness is not None:
        for name in ("func", "args", "keywords"):
            state.witness.attribute(partial, name, getattr(partial, name))
        state.witness.mapping(partial.keywords)

    def make(given: functools.partial[Any]) -> Any:
        keywords = {key: state.substitute(value) for key, value in given.keywords.items()}
        args = map(state.substitute, given.args)
        return functools.partial(state.substitute(given.func), *args, **keywords)

    return remembered(state, partial, make)


def follow_cached(state: State, cached: Any) -> Any:
    """Follow an `lru_cache` function, with a cache of this recording's own.

    The real cache must not keep tracers, and must not answer with what it computed outside.
    """
    if is_library(getattr(cached, "__module__", None)):
        return cached

    def make(given: Any) -> Any:
        return functools.lru_cache(**given.cache_parameters())(state.substitute(given.__wrapped__))

    return remembered(state, cached, make)


def follow_property(state: State, value: property) -> Any:
    """Follow the functions of a property."""
    get, put, delete = map(state.substitute, (value.fget, value.fset, value.fdel))
    return property(get, put, delete, value.__doc__)


def follow_wrapped_method(state: State, value: Any) -> Any:
    """Follow a `staticmethod` or `classmethod`."""
    inner = state.substitute(value.__func__)
    return value if inner is value.__func__ else type(value)(inner)


def follow_cached_property(state: State, value: Any) -> Any:
    """Follow the function of a `cached_property`."""
    new = functools.cached_property(state.substitute(value.func))
    new.attrname = value.attrname
    return new


def follow_vectorized(state: State, value: Any) -> Any:
    """Follow the function of an `np.vectorize`."""
    if state.witness is not None:
        state.witness.attribute(value, "pyfunc", value.pyfunc)
    return remembered(state, value, lambda v: Vectorized.of(v, state.substitute(v.pyfunc)))
