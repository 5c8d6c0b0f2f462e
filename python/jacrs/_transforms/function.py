"""What the transforms return: a function of the same arguments as the one it was made from."""

from __future__ import annotations

import functools
from types import MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._jacrs import Replay
from jacrs._transforms.arguments import Arguments, checked_argnums
from jacrs._transforms.leaves import F64
from jacrs._transforms.recording import Recorded, record, record_array
from jacrs._trees import found_by_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from jacrs._jacrs import Session


class Transformed:
    """A transformed function: keeps the name, signature and documentation of the original.

    A class and not a closure, so that it can be pickled wherever the function can.
    """

    name = "transform"
    has_short_way = True
    takes_out = False
    of_scalars = False

    def __new__(cls, f: Callable[..., Any], *options: Any) -> Any:
        """Make a transform of `f`; of a compiled function, the compiled transform."""
        compiled: Any = f
        if isinstance(f, Replay):
            return compiled.transformed(cls, *options)
        return super().__new__(cls)

    def __init__(self, f: Callable[..., Any], argnums: Any, has_aux: bool, *options: Any) -> None:  # noqa: FBT001
        if not callable(f):
            raise errors.not_callable(self.name, f)
        functools.update_wrapper(self, f)
        self._f = f
        self._argnums = checked_argnums(argnums)
        self._has_aux = has_aux
        self._options = options
        self._quick = self.has_short_way and self._argnums == 0 and not has_aux

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Call the transformed function; `out=` is for its result where it `takes_out`."""
        if self._quick and len(args) == 1 and not keywords:
            x = args[0]
            if type(x) is np.ndarray and x.dtype is F64:
                recorded = record_array(self._f, x, self.of_scalars)
                if type(recorded) is tuple:
                    session, source, y = recorded
                    return self._short(session, source, y)
                return self._finish(recorded)
        out = keywords.pop("out", None) if self.takes_out else None
        recorded = self._record(Arguments(args, keywords, self._argnums))
        return self._finish(recorded) if out is None else self._finish(recorded, out)

    def _record(self, arguments: Arguments) -> Recorded:
        return record(self._f, arguments, has_aux=self._has_aux)

    def _finish(self, recorded: Recorded, out: Any = None) -> Any:
        """Return what the transform makes of a recorded call, written to `out` if it is given."""
        raise NotImplementedError

    def _short(self, session: Session, source: Any, y: Any) -> Any:
        """Do what `_finish` does for what `record_array` returns."""
        raise NotImplementedError

    def derivative_of(self, result: Any) -> Any:
        """Return the part of a result that `out=` is for."""
        return result[0] if self._has_aux else result

    def with_derivative(self, result: Any, out: Any) -> Any:
        """Return a result with `out` for that part."""
        return (out, result[1]) if self._has_aux else out

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind as a method, as functions do; the instance is argument 0."""
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        if found_by_name(self) is self:
            return self.__qualname__  # a decorated function: found by its name, as functions are
        return type(self), (self._f, self._argnums, self._has_aux, *self._options)

    def __repr__(self) -> str:
        return f"<jacrs.{self.name} of {self._f!r}>"
