"""The native primitives that every adapter is composed of.

Adapters call them through this module, so that tests can put another engine in their place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jacrs._jacrs as _native

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = tuple(
    (
        "Tracer ufunc where cast reshape transpose broadcast diagonal reduce argpick cumulate "
        "argsort gather scatter_add add_at nonzero_flat concat pack matmul factored stop_gradient "
        "lift as_array value shares_memory"
    ).split()
)

_engine: Any = _native  # takes tracers and anything array-like alike: nothing gained by types

Tracer: Any = _engine.Tracer
ufunc: Callable[..., Any] = _engine.ufunc
where: Callable[..., Any] = _engine.where
cast: Callable[..., Any] = _engine.cast
reshape: Callable[..., Any] = _engine.reshape
transpose: Callable[..., Any] = _engine.transpose
broadcast: Callable[..., Any] = _engine.broadcast
diagonal: Callable[..., Any] = _engine.diagonal
reduce: Callable[..., Any] = _engine.reduce
argpick: Callable[..., Any] = _engine.argpick
cumulate: Callable[..., Any] = _engine.cumulate
argsort: Callable[..., Any] = _engine.argsort
gather: Callable[..., Any] = _engine.gather
scatter_add: Callable[..., Any] = _engine.scatter_add
add_at: Callable[..., None] = _engine.add_at
nonzero_flat: Callable[..., Any] = _engine.nonzero_flat
concat: Callable[..., Any] = _engine.concat
pack: Callable[..., Any] = _engine.pack
matmul: Callable[..., Any] = _engine.matmul
factored: Callable[..., Any] = _engine.factored
stop_gradient: Callable[..., Any] = _engine.stop_gradient
lift: Callable[..., Any] = _engine.lift
as_array: Callable[..., Any] = _engine.as_array
value: Callable[..., Any] = _engine.value
shares_memory: Callable[..., bool] = _engine.shares_memory

error: Callable[[str, str], Exception] = _engine.error
