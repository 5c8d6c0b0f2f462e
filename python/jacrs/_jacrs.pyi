"""The native half of jacrs: the tracer, recordings, and the primitives that adapters compose."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, final

import numpy as np

__all__ = [
    "ArrayTracer",
    "Pullback",
    "Session",
    "Tracer",
    "add_at",
    "argpick",
    "argsort",
    "broadcast",
    "build_info",
    "cached_programs",
    "cast",
    "concat",
    "cumulate",
    "gather",
    "is_recording",
    "lift",
    "matmul",
    "nonzero_flat",
    "num_threads",
    "pack",
    "reduce",
    "register",
    "reshape",
    "scatter_add",
    "set_num_threads",
    "shares_memory",
    "stop_gradient",
    "transpose",
    "ufunc",
    "value",
    "where",
]
