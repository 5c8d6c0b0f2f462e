"""What a recorded value is to code that asks: an array, or a NumPy scalar.

A tracer is neither, and code that branches on `isinstance(x, np.ndarray)` would take the other
branch than it takes on plain arrays. `type(x)`, `match` and `functools.singledispatch` ask the
interpreter itself and are not answered here.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from jacrs._scope.native import ArrayTracer, Tracer


def isinstance(value: Any, classinfo: Any, /) -> bool:  # noqa: A001 - stands for the builtin
    """Tell what the value that a tracer stands for is an instance of."""
    if builtins.isinstance(value, classinfo):
        return True
    if not builtins.isinstance(value, Tracer):
        return False
    return issubclass(np.ndarray if type(value) is ArrayTracer else value.dtype.type, classinfo)


def isscalar(element: Any) -> bool:
    """Tell whether a value is a scalar, or stands for one."""
    return type(element) is Tracer or np.isscalar(element)
