"""`np.vectorize` for recorded code: calls the function element by element on tracers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._scope.building import array
from jacrs._scope.native import is_recording

if TYPE_CHECKING:
    from collections.abc import Callable


class Vectorized:
    """Stands for `np.vectorize(...)`, which coerces what it is given."""

    def __init__(self, pyfunc: Any = None, *args: Any, **keywords: Any) -> None:
        self._options = (args, keywords)
        self._real: Any = None
        if callable(pyfunc):
            self._set(np.vectorize(pyfunc, *args, **keywords), pyfunc)

    @classmethod
    def of(cls, real: np.vectorize, pyfunc: Callable[..., Any]) -> Vectorized:
        """Return what stands for `real`, whose function is followed as `pyfunc`."""
        new = cls()
        new._set(real, pyfunc)
        return new

    def _set(self, real: Any, pyfunc: Callable[..., Any]) -> None:
        self._real = real
        self.pyfunc = pyfunc
        self.__doc__ = real.__doc__
        self.__name__ = getattr(pyfunc, "__name__", "vectorize")

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Call the function for every element; as NumPy does while nothing is recorded."""
        if self._real is None:  # a decorator with options: `@np.vectorize(otypes=[float])`
            positional, options = self._options
            return Vectorized(args[0], *positional, **options)
        if not is_recording():
            return self._real(*args, **keywords)
        if self._real.signature is not None:
            raise errors.vectorize_signature()
        return self._elementwise(args, keywords)

    def _elementwise(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        excluded = self._real.excluded
        arrays = {i: array(a) for i, a in enumerate(args) if i not in excluded}
        named = {k: array(a) for k, a in keywords.items() if k not in excluded}
        shape = np.broadcast_shapes(*(a.shape for a in (*arrays.values(), *named.values())))
        flat = {i: np.broadcast_to(a, shape).reshape(-1) for i, a in arrays.items()}
        flat_named = {k: np.broadcast_to(a, shape).reshape(-1) for k, a in named.items()}
        results = [
            self.pyfunc(
                *(flat[i][n] if i in flat else a for i, a in enumerate(args)),
                **{k: flat_named[k][n] if k in flat_named else a for k, a in keywords.items()},
            )
            for n in range(int(np.prod(shape)))
        ]
        return self._collect(results, shape)

    def _collect(self, results: list[Any], shape: tuple[int, ...]) -> Any:
        otypes = self._real.otypes
        if not results:
            if not otypes:
                raise ValueError("cannot call `vectorize` on size 0 inputs unless `otypes` is set")
            empty = tuple(array([], dtype=kind).reshape(shape) for kind in otypes)
            return empty[0] if len(empty) == 1 else empty
        if not isinstance(results[0], tuple):
            return array(results, dtype=otypes[0] if otypes else None).reshape(shape)
        columns = zip(*results, strict=True)
        kinds = otypes or [None] * len(results[0])
        pairs = zip(columns, kinds, strict=True)
        return tuple(array(list(c), dtype=kind).reshape(shape) for c, kind in pairs)
