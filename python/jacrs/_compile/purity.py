"""What a compiled function must not do: its replays would not do it again.

Calls of clocks, of sources of entropy, and of input and output are seen by a profiling hook, for as
long as the function is recorded. Random numbers are told by the state of their generators.
"""

from __future__ import annotations

import gc
import random
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from jacrs import _jacrs, errors
from jacrs._scope.mirrors import real_globals
from jacrs._scope.usercode import is_library

if TYPE_CHECKING:
    from types import CodeType, FrameType, TracebackType

_MODULES = frozenset(
    {"time", "random", "secrets", "uuid", "logging", "socket", "subprocess", "tempfile", "select"}
)
_BUILTINS = frozenset({"print", "open", "input"})
_METHODS = frozenset({"now", "today", "utcnow", "write", "writelines", "read", "readline"})
_ENTROPY = frozenset({"urandom", "getrandom"})
_FRAMES = frozenset({"sys._getframe", "sys._current_frames"})
_ENVIRONMENT = frozenset({"getenv", "getenvb"})
# They read source files, to show or to find code: nothing that a function computes with.
_READERS = frozenset({"warnings", "linecache", "traceback", "tokenize"})


class Generators:
    """Generators of random numbers, and the states that they were in."""

    def __init__(self) -> None:
        self._states: dict[int, tuple[Any, Any]] = {}

    def keep(self, generator: Any) -> None:
        """Remember the state of a generator."""
        if id(generator) not in self._states:
            self._states[id(generator)] = (generator, _state_of(generator))

    def check(self) -> None:
        """Raise where random numbers were drawn."""
        if self.drawn():
            raise errors.random_numbers()

    def drawn(self) -> bool:
        """Tell whether random numbers were drawn."""
        kept = self._states.values()
        return not all(_same(_state_of(generator), state) for generator, state in kept)

    def restore(self) -> None:
        """Put the generators in the states that they were in."""
        for generator, state in self._states.values():
            if isinstance(generator, random.Random):
                generator.setstate(state)
            elif isinstance(generator, np.random.Generator):
                generator.bit_generator.state = state
            else:
                generator.set_state(state)


class Pure:
    """`with Pure() as pure:` raise where recorded code does what a replay would not.

    `pure.in_doubt` tells whether random numbers may have been drawn from the generators that all
    share: while other threads ran, or from NumPy's, which was not there before.
    """

    def __enter__(self) -> Self:
        self.in_doubt = False
        self._error: Exception | None = None
        self._shared = Generators()
        self._shared.keep(_SHARED)
        self._of_numpy = _generator_of_numpy()
        if self._of_numpy is not None:
            self._shared.keep(self._of_numpy)
        self._before = sys.getprofile()
        sys.setprofile(_jacrs.Hook(self._is_harmless, _NAMES, _MODULES).look)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        sys.setprofile(self._before)
        drawn = self._shared.drawn()
        self.in_doubt = self._of_numpy is not _generator_of_numpy()
        if threading.active_count() > 1:
            self.in_doubt |= drawn
        elif drawn:
            self._shared.restore()
            if error is None:
                raise errors.random_numbers()
        if self._error is not None and isinstance(error, Exception | None):
            raise self._error  # the function may have caught it

    def _is_harmless(self, frame: FrameType, event: str, arg: Any) -> bool:
        """Tell whether a call of this is harmless wherever it is made; raise where it is not."""
        name = _impure_builtin(arg) if event == "c_call" else _impure_function(frame)
        if name is None:
            return True
        caller = frame if event == "c_call" else frame.f_back
        recorded = _recorded(caller, entropy=name.endswith("random"))
        if recorded is not None and not (name in _FRAMES and recorded is not caller):
            self._error = self._error or errors.impure(name, recorded)
            raise self._error
        return False


_SHARED: Any = random.random.__self__  # type: ignore[attr-defined]
# The builtin functions that are looked at, wherever they are from.
_NAMES = (
    _BUILTINS
    | _METHODS
    | _ENTROPY
    | {name.partition(".")[2] for name in _FRAMES}
    | {name for name in vars(random.Random.__base__) if not name.startswith("__")}
)


def is_generator(value: Any) -> bool:
    """Tell whether a value makes random numbers."""
    if isinstance(value, random.Random):
        return True
    if _generator_of_numpy() is None:
        return False
    return isinstance(value, np.random.Generator | np.random.RandomState)


def _generator_of_numpy() -> Any:
    """Return the generator behind `np.random.random`, if anyone has used `np.random` yet.

    NumPy imports it at the first use, in a time in which thousands of functions are recorded.
    """
    module = sys.modules.get("numpy.random.mtrand")
    return getattr(module, "_rand", None)


def _state_of(generator: Any) -> Any:
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.get_state(legacy=False)


def _same(state: Any, other: Any) -> bool:
    if isinstance(state, dict):
        return all(_same(value, other[key]) for key, value in state.items())
    return bool(np.all(state == other))


def _code_of(function: Any) -> CodeType | None:
    called = function if hasattr(function, "__code__") else type(function).__call__
    return getattr(called, "__code__", None)


def _impure_builtin(function: Any) -> str | None:
    name: str = function.__name__
    module = getattr(function, "__module__", None)
    if module in ("builtins", "io", "_io") and name in _BUILTINS:
        return name
    if module in _MODULES or name in _ENTROPY or f"{module}.{name}" in _FRAMES:
        return f"{module}.{name}" if module else name
    owner = getattr(function, "__self__", None)
    if name in _METHODS:
        kind = owner if isinstance(owner, type) else type(owner)
        if kind.__module__ in ("datetime", "_io"):
            return f"{kind.__module__}.{kind.__name__}.{name}"
    return f"random.{name}" if owner is _SHARED else None


def _impure_function(frame: FrameType) -> str | None:
    module, name = frame.f_globals.get("__name__"), frame.f_code.co_name
    top = module.partition(".")[0] if isinstance(module, str) else ""
    if top in _MODULES or (top == "os" and name in _ENVIRONMENT):
        return f"{module}.{name}"
    return "os.getenv" if frame.f_code.co_qualname == "_Environ.__getitem__" else None


def _recorded(frame: FrameType | None, *, entropy: bool) -> FrameType | None:
    """Return the frame of the recorded code that calls, or that a library calls for.

    None where a library reads its own source, to show or to find it, where a module is imported,
    which is once, where jacrs itself calls, and where the garbage collector does, which may run at
    any time.
    """
    while frame is not None and frame.f_code not in map(_code_of, gc.callbacks):
        if real_globals(frame.f_globals) is not None:
            return frame
        module = frame.f_globals.get("__name__")
        top = module.partition(".")[0] if isinstance(module, str) else ""
        pure = top in _READERS or top == "jacrs" or not is_library(module)
        if top == "importlib" or (pure and not entropy):
            return None
        frame = frame.f_back
    return None
