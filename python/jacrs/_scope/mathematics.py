"""The standard library's `math` for recorded code."""

from __future__ import annotations

import functools
import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs._scope.native import Tracer, ufunc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def _special(name: str) -> Callable[..., Any]:
    # By its name in scipy.special, which need not be installed.
    def call(value: Any) -> Any:
        return ufunc(name, value)

    return call


def _log(value: Any, base: Any = None) -> Any:
    if base is None:
        return np.log(value)
    # Exact for the bases that have a function of their own.
    if type(base) in (int, float) and base in (2, 10):
        return np.log2(value) if base == 2 else np.log10(value)
    return np.log(value) / np.log(base)


def _hypot(*coordinates: Any) -> Any:
    return abs(coordinates[0]) if len(coordinates) == 1 else functools.reduce(np.hypot, coordinates)


def _isclose(a: Any, b: Any, *, rel_tol: float = 1e-09, abs_tol: float = 0.0) -> bool:
    if rel_tol < 0 or abs_tol < 0:
        raise ValueError("tolerances must be non-negative")
    if bool(a == b):
        return True
    gap = abs(a - b)
    if not bool(np.isfinite(gap)):
        return False
    return bool(gap <= abs_tol or gap <= rel_tol * abs(a) or gap <= rel_tol * abs(b))


# By name, what is called when an argument is a tracer.
_RULES: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in "sin cos tan sinh cosh tanh".split()},
    **{name: getattr(np, name) for name in "exp expm1 log2 log10 log1p sqrt cbrt".split()},
    **{name: getattr(np, name) for name in "fabs fmod copysign degrees radians ldexp".split()},
    **{"a" + name: getattr(np, "arc" + name) for name in "sin cos tan sinh cosh tanh".split()},
    "atan2": np.arctan2,
    "exp2": np.exp2,
    "pow": lambda x, y: np.power(x, y if isinstance(y, Tracer) else float(y)),
    "log": _log,
    "hypot": _hypot,
    "erf": _special("erf"),
    "erfc": _special("erfc"),
    "gamma": _special("gamma"),
    "lgamma": _special("gammaln"),
    "floor": lambda x: int(np.floor(x)),
    "ceil": lambda x: int(np.ceil(x)),
    "trunc": lambda x: int(np.trunc(x)),
    "isnan": lambda x: bool(np.isnan(x)),
    "isinf": lambda x: bool(np.isinf(x)),
    "isfinite": lambda x: bool(np.isfinite(x)),
    "isclose": _isclose,
    "remainder": lambda x, y: x - y * np.rint(x / y),
    "modf": np.modf,
    "fma": lambda x, y, z: x * y + z,
}


def _scalar(value: Any) -> Any:
    """Return a tracer of one number; `math` takes no arrays."""
    if not isinstance(value, Tracer) or value.ndim == 0:
        return value
    if value.size != 1:
        raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
    return value.reshape(())


def _with_rule(name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
    real: Callable[..., Any] = getattr(math, name)

    @functools.wraps(real)
    def call(*args: Any, **keywords: Any) -> Any:
        for value in args:
            if isinstance(value, Tracer):
                return rule(*map(_scalar, args), **keywords)
        return real(*args, **keywords)

    return call


def _with_items(name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of iterables, which are read once."""
    real: Callable[..., Any] = getattr(math, name)

    @functools.wraps(real)
    def call(*args: Any, **keywords: Any) -> Any:
        lists = [list(a) if hasattr(a, "__iter__") else a for a in args]
        tracers = [isinstance(x, Tracer) for a in lists if isinstance(a, list) for x in a]
        if any(tracers) or any(isinstance(x, Tracer) for x in keywords.values()):
            checked = [[_scalar(x) for x in a] if isinstance(a, list) else a for a in lists]
            return rule(*checked, **keywords)
        return real(*lists, **keywords)

    return call


def _product(items: Iterable[Any], *, start: Any = 1) -> Any:
    return functools.reduce(operator.mul, items, start)


def _distance(p: list[Any], q: list[Any]) -> Any:
    if len(p) != len(q):
        raise ValueError("both points must have the same number of dimensions")
    return _hypot(*map(operator.sub, p, q))


def _sum_of_products(p: list[Any], q: list[Any]) -> Any:
    if len(p) != len(q):
        raise ValueError("Inputs are not the same length")
    return sum(map(operator.mul, p, q))


_ITEM_RULES: dict[str, Callable[..., Any]] = {
    "fsum": sum,
    "prod": _product,
    "dist": _distance,
    "sumprod": _sum_of_products,
}


def substitutes() -> dict[str, Callable[..., Any]]:
    """Return what stands for the functions of `math`, by name; some are new in later Pythons."""
    table = {name: _with_rule(name, rule) for name, rule in _RULES.items() if hasattr(math, name)}
    for name, rule in _ITEM_RULES.items():
        if hasattr(math, name):
            table[name] = _with_items(name, rule)
    return table
