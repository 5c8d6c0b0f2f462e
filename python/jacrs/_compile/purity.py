"""What a compiled function must not do: its replays would not do it again.

Calls of clocks, of sources of entropy, and of input and output are seen by a profiling hook, for as
long as the function is recorded. Random numbers are told by the state of their generators.
"""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._scope.mirrors import real_globals

if TYPE_CHECKING:
    from types import FrameType, TracebackType

_MODULES = frozenset(
    {"time", "random", "secrets", "uuid", "logging", "socket", "subprocess", "tempfile", "select"}
)
_BUILTINS = frozenset({"print", "open", "input"})
_METHODS = frozenset({"now", "today", "utcnow", "write", "writelines", "read", "readline"})
_ENTROPY = frozenset({"urandom", "getrandom"})


class Pure:
    """`with Pure():` raise where recorded code does what a replay would not."""

    def __enter__(self) -> None:
        self._before = sys.getprofile()
        self._random = random.getstate()
        self._numpy = _numpy_state()
        sys.setprofile(_look)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        sys.setprofile(self._before)
        if error is None and (random.getstate() != self._random or _numpy_state() != self._numpy):
            raise errors.random_numbers()


def is_generator(value: Any) -> bool:
    """Tell whether a value makes random numbers."""
    return isinstance(value, random.Random | np.random.Generator | np.random.RandomState)


def state_of(generator: Any) -> Any:
    """Return the state of a generator, comparable by `==`."""
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.Generator):
        return repr(generator.bit_generator.state)
    return _comparable(generator.get_state(legacy=False))


def _numpy_state() -> Any:
    return _comparable(np.random.get_state(legacy=False))  # noqa: NPY002 - the global generator


def _comparable(state: Any) -> Any:
    inner = state["state"]
    return (inner["key"].tobytes(), inner["pos"], state["has_gauss"], state["gauss"])


def _look(frame: FrameType, event: str, arg: Any) -> None:
    if event == "c_call":
        name = _impure_builtin(arg)
        if name is not None and (arg.__name__ in _ENTROPY or _is_recorded(frame)):
            raise errors.impure(name)
    elif event == "call" and frame.f_back is not None:
        module = frame.f_globals.get("__name__")
        top = module.partition(".")[0] if isinstance(module, str) else ""
        if top in _MODULES and _is_recorded(frame.f_back):
            raise errors.impure(f"{module}.{frame.f_code.co_name}")


def _impure_builtin(function: Any) -> str | None:
    name = function.__name__
    module = getattr(function, "__module__", None)
    if module in _MODULES or name in _ENTROPY:
        return f"{module}.{name}" if module else name
    if module in ("builtins", "io", "_io") and name in _BUILTINS:
        return str(name)
    if name in _METHODS:
        owner = getattr(function, "__self__", None)
        kind = owner if isinstance(owner, type) else type(owner)
        if kind.__module__ in ("datetime", "_io"):
            return f"{kind.__module__}.{kind.__name__}.{name}"
    owner = getattr(function, "__self__", None)
    return f"random.{name}" if isinstance(owner, random.Random) else None


def _is_recorded(frame: FrameType) -> bool:
    return real_globals(frame.f_globals) is not None
