"""Outside arrays indexed by what differs from lane to lane of a `vmap`: `table[i]`.

NumPy asks an integer in an index for its value, and lanes do not agree about one. So while a
mapped function is recorded, its outside arrays are of a class that looks at the index first. At
other times it does not: a method in Python would slow down each index of each recorded function.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np

from jacrs._scope.building import has_tracer
from jacrs._scope.captured import RECORDED, Captured
from jacrs._scope.native import lift
from jacrs._scope.state import current_state


class indexed_by_lanes:  # noqa: N801 - used as a statement, like a function
    """`with indexed_by_lanes():` outside arrays take indices of one lane."""

    _lock = Lock()
    _users = 0

    def __enter__(self) -> None:
        current_state().lift_arrays()
        with self._lock:
            indexed_by_lanes._users += 1
            setattr(Captured, "__getitem__", _item)  # noqa: B010 - not as its declaration

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            indexed_by_lanes._users -= 1
            if not indexed_by_lanes._users:
                delattr(Captured, "__getitem__")


def _item(self: Captured, key: Any) -> Any:
    parts = key if isinstance(key, tuple) else (key,)
    if self.dtype in RECORDED and has_tracer(parts):
        return lift(self.view(np.ndarray), writable=False)[key]
    return np.ndarray.__getitem__(self, key)
