"""The one table of what stands for a library's function in recorded code.

`np.float64` is not in it: called with a tracer it raises, like `float`. Whatever stood for it would
have to be a dtype, a class for `isinstance` and a key equal to itself, and could not be all three.
"""

from __future__ import annotations

import importlib
import math
import sys
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs._scope import building, creation, indexed, kinds, mathematics
from jacrs._scope.vectorized import Vectorized

if TYPE_CHECKING:
    from collections.abc import Callable

# By identity, since some callables cannot be hashed; the original is kept so its id stays its own.
_substitutes: dict[int, tuple[Any, Any]] = {}
_originals: dict[int, tuple[Any, Any]] = {}
_modules: dict[str, types.ModuleType] = {}


def register(module: types.ModuleType, name: str, substitute: Callable[..., Any]) -> None:
    """Let `substitute` stand for `module.name` in recorded code."""
    original = getattr(module, name)
    _substitutes[id(original)] = (original, substitute)
    _originals[id(substitute)] = (substitute, original)
    namespace_of(module).__dict__[name] = substitute


def lookup(value: Any) -> Any:
    """Return what stands for a library's function, or `value` itself."""
    pair = _substitutes.get(id(value))
    return value if pair is None else pair[1]


def original(value: Any) -> Any:
    """Return what a substitute of the table stands for, or `value` itself."""
    pair = _originals.get(id(value))
    return value if pair is None else pair[1]


def lookup_module(module: types.ModuleType) -> types.ModuleType | None:
    """Return the namespace that stands for a library's module, if it has one."""
    fill_imported()
    namespace = _modules.get(module.__name__)
    if namespace is None or sys.modules.get(module.__name__) is not module:
        return None
    return namespace


def namespace_of(module: types.ModuleType) -> types.ModuleType:
    """Return the namespace that stands for `module`: its names, with the table applied.

    It is an ordinary module, so that attribute loads are as fast as from the real one.
    """
    namespace = _modules.get(module.__name__)
    if namespace is None:
        namespace = _modules[module.__name__] = types.ModuleType(module.__name__, module.__doc__)

        def load(name: str) -> Any:
            value = getattr(module, name)
            found = lookup_module(value) if isinstance(value, types.ModuleType) else lookup(value)
            value = value if found is None else found
            setattr(namespace, name, value)
            return value

        namespace.__dict__.update(__getattr__=load, __dir__=lambda: dir(module))
        _originals[id(namespace)] = (namespace, module)
    return namespace


def fill_imported() -> None:
    """Enter what stands for functions of optional libraries, once the user has imported them."""
    module = sys.modules.get("scipy.linalg")
    if module is None or "scipy.linalg" in _modules or not hasattr(module, "solve_triangular"):
        return
    from jacrs._scope import scipy_linalg

    namespace_of(sys.modules["scipy"])  # which leads to it
    for name, substitute in scipy_linalg.substitutes(module).items():
        register(module, name, substitute)


def _import_module(name: str, package: str | None = None) -> Any:
    """Import a module, and return what stands for it."""
    from jacrs._scope.scope import follow_argument

    return follow_argument(importlib.import_module(name, package))


def _fill_table() -> None:
    tables: tuple[tuple[types.ModuleType, dict[str, Any]], ...] = (
        (np, creation.substitutes()),
        (np, {name: getattr(building, name) for name in _BUILDERS}),
        (np, {"vectorize": Vectorized, "isscalar": kinds.isscalar}),
        (np, indexed.substitutes()),
        (np.linalg, creation.linalg_substitutes()),
        (math, mathematics.substitutes()),
        (importlib, {"import_module": _import_module}),
    )
    for module, table in tables:
        for name, substitute in table.items():
            register(module, name, substitute)


_BUILDERS = ("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "fromiter")
_fill_table()
