"""Derivatives of ordinary NumPy code at native speed.

>>> import numpy as np, jacrs
>>> def f(x):
...     return np.stack([x[0] * np.sin(x[1]), x @ x])
>>> jacrs.jacobian(f)(np.array([2.0, 0.0]))
array([[0., 2.],
       [4., 0.]])
"""

from typing import Any

from jacrs import _adapters, _jacrs, functional, numpy
from jacrs._config import config
from jacrs._explain import explain
from jacrs._tape import Tape
from jacrs._transforms import (
    grad,
    hessian,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    num_threads,
    set_num_threads,
    stop_gradient,
    value_and_grad,
    value_and_jacobian,
    vjp,
)
from jacrs.errors import (
    ArgumentError,
    BoundsError,
    DTypeError,
    IndependentError,
    InternalError,
    JacrsError,
    LinAlgError,
    MemoryLimitError,
    ShapeError,
    TraceError,
    UnsupportedError,
    located,
)

__all__ = [
    "ArgumentError",
    "BoundsError",
    "DTypeError",
    "IndependentError",
    "InternalError",
    "JacrsError",
    "LinAlgError",
    "MemoryLimitError",
    "ShapeError",
    "Tape",
    "TraceError",
    "UnsupportedError",
    "config",
    "explain",
    "functional",
    "grad",
    "hessian",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "num_threads",
    "numpy",
    "set_num_threads",
    "stop_gradient",
    "value_and_grad",
    "value_and_jacobian",
    "vjp",
]

_jacrs.register(
    _adapters.FUNCTIONS, _adapters.METHODS, _adapters.PROPERTIES, _adapters.ufunc_method, located
)
del located


def __getattr__(name: str) -> Any:
    if name == "__version__":  # slow to find out, so only when somebody asks
        from importlib.metadata import version

        return version("jacrs")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
