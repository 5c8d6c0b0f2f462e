"""The types whose values stand for themselves, whatever a module does with them."""

from __future__ import annotations

import numpy as np

from jacrs._scope.native import ArrayTracer, Tracer

PLAIN: frozenset[type] = frozenset(
    {float, int, complex, bool, str, bytes, type(None), type(...), slice, range, np.dtype, Tracer}
    | {ArrayTracer}
    | {np.float64, np.float32, np.int64, np.int32, np.bool_, np.complex128, type(NotImplemented)}
)
