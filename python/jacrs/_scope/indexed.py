"""`np.r_` and `np.c_`, which concatenate what stands in an index."""

from __future__ import annotations

from typing import Any

import numpy as np

from jacrs import errors
from jacrs._scope import building
from jacrs._scope.building import has_tracer
from jacrs._scope.native import Tracer, is_recording


class Concatenator:
    """Stands for `np.r_` or `np.c_`: their own work, unless a tracer is among the items."""

    def __init__(self, original: Any, axis: int) -> None:
        self._original = original
        self._axis = axis

    def __getitem__(self, key: Any) -> Any:
        items = key if isinstance(key, tuple) else (key,)
        if not (is_recording() and has_tracer(items)):
            return self._original[key]
        if any(isinstance(item, str) for item in items):
            raise errors.axes_in_index("c_" if self._axis == -1 else "r_")
        return np.concatenate([self._part(item) for item in items], axis=self._axis)

    def _part(self, item: Any) -> Any:
        if isinstance(item, slice):
            return self._original[item]
        if not isinstance(item, Tracer):
            item = building.array(item)
        if item.ndim == 0:
            item = item.reshape(1)
        # `np.c_` makes columns of what has one axis.
        return item.reshape(-1, 1) if self._axis == -1 and item.ndim == 1 else item

    def __len__(self) -> int:
        return 0


def substitutes() -> dict[str, Any]:
    """Return what stands for the indexed functions of NumPy, by name."""
    return {"r_": Concatenator(np.r_, 0), "c_": Concatenator(np.c_, -1)}
