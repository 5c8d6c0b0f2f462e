"""The tools under test. Each takes a `Task` and gives a callable of the argument alone.

A peer takes part when it can be imported; nothing here installs one. Each goes its own best public
way: compiled where it compiles, NumPy in and fresh NumPy or SciPy out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from types import FunctionType
from typing import Any

import numpy as np

import jacrs


@dataclass(frozen=True)
class Task:
    """A derivative of a function by the first of its inputs."""

    function: Callable[..., Any]
    derivative: str
    inputs: tuple[Any, ...]
    symbolic: Callable[..., Any] | None = None
    for_jax: Callable[..., Any] | None = None
    symbol: str = "SX"
    pattern: Callable[[], Any] | None = None  # where a sparse Jacobian is not zero


class UnableError(Exception):
    """A tool does not do what a task asks for, by design."""


@dataclass(frozen=True)
class Tool:
    """A tool and where it is adapted: `way` is a function in a file of this folder."""

    name: str
    package: str
    file: str
    way: str = "prepare"
    tolerance: float | None = None  # where exactness is not its aim

    @property
    def installed(self) -> bool:
        """Whether it can take part."""
        if self.way == "compiled":
            return hasattr(jacrs, "compile")
        return find_spec(self.package) is not None

    @property
    def version(self) -> str:
        """What was measured."""
        from jacrs import _jacrs

        return _jacrs.build_info()[1] if self.package == "jacrs" else metadata.version(self.package)

    def load(self) -> Callable[[Task], Callable[[np.ndarray], Any]]:
        """Import the tool; return what prepares a task."""
        return getattr(import_module(f"benches.tools.{self.file}"), self.way)


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("f itself", "numpy", "own", "plain"),
        Tool("jacrs", "jacrs", "own", "recorded"),
        Tool("jacrs, compiled", "jacrs", "own", "compiled"),
        Tool("JAX", "jax", "with_jax"),
        Tool("asdex", "asdex", "with_asdex"),
        Tool("torch", "torch", "with_torch"),
        Tool("CasADi", "casadi", "with_casadi"),
        Tool("autograd", "autograd", "with_autograd"),
        Tool("differences", "scipy", "with_scipy", tolerance=1e-4),
    )
}


def installed() -> dict[str, Tool]:
    """Return the tools that can take part here."""
    return {name: tool for name, tool in TOOLS.items() if tool.installed}


def written_in(peer_numpy: Any, function: FunctionType) -> FunctionType:
    """Give the same code with the peer's own module under the name `np`, in helpers as well."""
    namespace = {**function.__globals__, "np": peer_numpy}

    def rebound(code: FunctionType) -> FunctionType:
        return FunctionType(code.__code__, namespace, code.__name__, code.__defaults__)

    for name, value in function.__globals__.items():
        if isinstance(value, FunctionType) and value.__globals__.get("np") is np:
            namespace[name] = rebound(value)
    return rebound(function)


def look_up(table: dict[str, Any], derivative: str) -> Any:
    """Return the entry of a derivative; raise where the tool has none."""
    if derivative not in table:
        raise UnableError(f"no {derivative.replace('_', ' ')}")
    return table[derivative]
