"""The classes of what jacrs raises."""

from __future__ import annotations

import numpy as np


class JacrsError(Exception):
    """The base of all errors that jacrs raises."""


class TraceError(JacrsError, TypeError):
    """Something that would lose a derivative, or a tracer used where it must not be."""


class UnsupportedError(TraceError):
    """An operation that jacrs cannot record."""


class ImpureError(TraceError):
    """Something in a compiled function that a replay would not do again."""


class ShapeError(JacrsError, ValueError):
    """Shapes that do not fit together."""


class ArgumentError(JacrsError, ValueError):
    """An argument whose value or structure has no meaning here."""


class DTypeError(JacrsError, TypeError):
    """A type or dtype that cannot be differentiated, or not the one asked for."""


class BoundsError(JacrsError, IndexError):
    """An index outside its axis."""


class LinAlgError(JacrsError, np.linalg.LinAlgError):
    """A matrix that cannot be factored: singular, not positive definite, not square, not finite."""


class MemoryLimitError(JacrsError, MemoryError):
    """A result or its scratch that would not fit in memory."""


class IndependentError(JacrsError, ValueError, RuntimeError):
    """An output that does not depend on an input, where that was not allowed."""


class SaveError(JacrsError, TypeError):
    """A compiled function that holds what cannot be saved."""


class FormatError(JacrsError, ValueError):
    """Bytes that are no saved function, or one that cannot be loaded here."""


class NoTraceError(JacrsError, ValueError):
    """A call of a loaded function for which nothing was saved."""


class InternalError(JacrsError, RuntimeError):
    """A broken invariant of jacrs itself: always a bug of ours."""


for _cls in (JacrsError, *JacrsError.__subclasses__(), *TraceError.__subclasses__()):
    _cls.__module__ = "jacrs.errors"  # where users import them from, and pickles look for them
