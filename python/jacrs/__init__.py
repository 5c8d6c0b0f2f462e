"""Derivatives of ordinary NumPy code at native speed.

>>> import numpy as np, jacrs
>>> def f(x):
...     return np.stack([x[0] * np.sin(x[1]), x @ x])
>>> jacrs.jacobian(f)(np.array([2.0, 0.0]))
array([[0., 2.],
       [4., 0.]])
"""

from typing import Any

from jacrs import _adapters, _jacrs, functional, numpy, testing
from jacrs._compile import compile, load  # noqa: A004 - as in `re.compile`
from jacrs._config import config
from jacrs._explain import explain
from jacrs._pattern import Pattern
from jacrs._pytrees import register_pytree_node
from jacrs._tape import Tape
from jacrs._transforms import (
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linearize,
    num_threads,
    set_num_threads,
    sparse_hessian,
    sparse_jacobian,
    sparsity,
    stop_gradient,
    value_and_grad,
    value_and_jacobian,
    value_and_sparse_hessian,
    value_and_sparse_jacobian,
    value_grad_and_hessian,
    vhp,
    vjp,
    vmap,
)
from jacrs.errors import (
    ArgumentError,
    BoundsError,
    DTypeError,
    FormatError,
    ImpureError,
    IndependentError,
    InternalError,
    JacrsError,
    LinAlgError,
    MemoryLimitError,
    NoTraceError,
    SaveError,
    ShapeError,
    TraceError,
    UnsupportedError,
    located,
)

__all__ = [
    "ArgumentError",
    "BoundsError",
    "DTypeError",
    "FormatError",
    "ImpureError",
    "IndependentError",
    "InternalError",
    "JacrsError",
    "LinAlgError",
    "MemoryLimitError",
    "NoTraceError",
    "Pattern",
    "SaveError",
    "ShapeError",
    "Tape",
    "TraceError",
    "UnsupportedError",
    "compile",
    "config",
    "explain",
    "functional",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linearize",
    "load",
    "num_threads",
    "numpy",
    "register_pytree_node",
    "set_num_threads",
    "sparse_hessian",
    "sparse_jacobian",
    "sparsity",
    "stop_gradient",
    "testing",
    "value_and_grad",
    "value_and_jacobian",
    "value_and_sparse_hessian",
    "value_and_sparse_jacobian",
    "value_grad_and_hessian",
    "vhp",
    "vjp",
    "vmap",
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
