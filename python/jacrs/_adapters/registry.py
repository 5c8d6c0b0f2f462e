"""The tables that the adapters fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Adapter = TypeVar("Adapter", bound=Callable[..., Any])

FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy's function, or ufunc without a native kernel -> its adapter, with NumPy's signature."""

COMPOSITES: dict[np.ufunc, Callable[..., Any]] = {}
"""Ufunc without a native kernel -> the composition that does a call of it without keywords."""

METHODS: dict[str, Callable[..., Any]] = {}
"""Name of a method of ndarray -> its adapter, which takes the tracer first."""

PROPERTIES: dict[str, Callable[..., Any]] = {}
"""Name of an attribute of ndarray -> a function of the tracer."""


def implements(
    *functions: Callable[..., Any] | None, method: str | None = None
) -> Callable[[Adapter], Adapter]:
    """Enter an adapter for `functions`; None stands for one that this NumPy does not have."""

    def enter(adapter: Adapter) -> Adapter:
        for function in functions:
            if isinstance(function, np.ufunc):
                COMPOSITES[function] = adapter
            elif function is not None:
                FUNCTIONS[function] = adapter
        if method is not None:
            METHODS[method] = adapter
        return adapter

    return enter
