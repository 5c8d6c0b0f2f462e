"""Containers of the user's own: dataclasses by their fields, registered types by two functions.

Both are rebuilt around other leaves: recorded arrays, a gradient, a tangent. A dataclass is rebuilt
without its `__init__` and `__post_init__`, field by field: what they check or compute is meant for
the numbers that the object was made of, and would change a gradient silently if it scaled them.
Attributes that are no fields are not there afterwards, rather than out of date.

Recorded code sees doubles of the user's classes (`_scope.classes`): what is rebuilt for it is an
instance of the double, what is rebuilt for the user one of the class.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._jacrs import Tracer
from jacrs._scope import follow_argument
from jacrs._scope.classes import real_class
from jacrs._scope.state import current_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FIXED = (tuple, list, dict, str, bytes, bool, int, float, complex, np.ndarray, np.generic, Tracer)
_registered: dict[type, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {}


def register_pytree_node(
    cls: type,
    flatten: Callable[[Any], tuple[Sequence[Any], Any]],
    unflatten: Callable[[Any, Sequence[Any]], Any],
) -> None:
    """Make instances of `cls` containers, taken apart and rebuilt by functions of yours.

    They may then be arguments, results, tangents and cotangents, and parts of other containers. The
    signature is that of `jax.tree_util.register_pytree_node`. Dataclasses and named tuples are
    containers without it.

    Parameters
    ----------
    cls : type
        The class; its subclasses are not registered with it.
    flatten : callable
        `flatten(instance)` gives `(children, aux)`: the parts that are differentiated, a sequence,
        and anything else that it takes to rebuild the instance, comparable by `==`.
    unflatten : callable
        `unflatten(aux, children)` gives the instance again. The children may be arrays, recorded
        arrays or parts of a derivative: it should store them and not compute with them.

    Raises
    ------
    DTypeError
        `cls` is no class, or one that is known already, or the others are no functions.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> class Line:
    ...     def __init__(self, slope, offset, name):
    ...         self.slope, self.offset, self.name = slope, offset, name
    >>> jacrs.register_pytree_node(
    ...     Line,
    ...     lambda line: ((line.slope, line.offset), line.name),
    ...     lambda name, children: Line(*children, name),
    ... )
    >>> line = Line(2.0, 1.0, "first")
    >>> gradient = jacrs.grad(lambda p: (p.slope * 3.0 + p.offset) ** 2)(line)
    >>> gradient.slope, gradient.offset, gradient.name
    (np.float64(42.0), np.float64(14.0), 'first')
    """
    cls = _own_class(cls)
    functions: dict[str, Any] = {"flatten": flatten, "unflatten": unflatten}
    for name, function in functions.items():
        if not callable(function):
            raise errors.not_a_registrant(name, function)
    if cls in _registered:
        raise errors.registered_already(cls)
    _registered[cls] = flatten, unflatten


def is_registered(cls: type) -> bool:
    """Tell whether a class was registered."""
    return cls in _registered


def _own_class(cls: Any) -> type:
    if not isinstance(cls, type):
        raise errors.not_a_class(cls)
    if cls in (*_FIXED, type(None), object) or issubclass(cls, np.ndarray | np.generic | Tracer):
        raise errors.fixed_type(cls)
    return real_class(cls)


class FieldsOf:
    """Rebuilds a dataclass: its differentiated fields from items, the others as they were."""

    __slots__ = ("cls", "inside", "names", "static")

    def __init__(self, kind: type, names: Sequence[str], static: dict[str, Any]) -> None:
        self.cls = real_class(kind)
        self.inside = kind if current_state().depth else None  # the class that recorded code sees
        self.names = names
        self.static = static

    def __call__(self, items: Sequence[Any]) -> Any:
        cls: Any = self.cls
        if current_state().depth:
            cls = self.inside or follow_argument(cls)
        made = cls.__new__(cls)
        for name, item in zip(self.names, items, strict=True):
            object.__setattr__(made, name, item)
        for name, value in self.static.items():
            object.__setattr__(made, name, follow_argument(value))
        return made

    def fits(self, other: Rebuild) -> bool:
        """Tell whether another object is of the same class and has the same fields."""
        return isinstance(other, FieldsOf) and (self.cls, self.names) == (other.cls, other.names)


class Registered:
    """Rebuilds an instance of a registered type."""

    __slots__ = ("aux", "cls", "count")

    def __init__(self, cls: type, aux: Any, count: int) -> None:
        self.cls = cls
        self.aux = aux
        self.count = count

    def __call__(self, items: Sequence[Any]) -> Any:
        return follow_argument(_registered[self.cls][1])(self.aux, tuple(items))

    def fits(self, other: Rebuild) -> bool:
        """Tell whether another object is of the same class, with as many children and equal aux."""
        return (
            isinstance(other, Registered)
            and (self.cls, self.count) == (other.cls, other.count)
            and _equal(self.aux, other.aux)
        )


Rebuild = FieldsOf | Registered


def _equal(first: Any, second: Any) -> bool:
    original = current_state().original
    if original(first) is original(second):
        return True
    try:
        return bool(first == second)
    except ValueError:  # arrays, whose comparison has no truth value
        return False


def children_of(value: Any, kind: Any) -> tuple[Sequence[Any], Sequence[Any], Rebuild] | None:
    """Return keys, items and what rebuilds the container; None for what is none."""
    cls = real_class(kind)
    functions = _registered.get(cls)
    if functions is not None:
        children, aux = _flattened(functions[0], value, cls)
        return range(len(children)), children, Registered(cls, aux, len(children))
    if not hasattr(kind, "__dataclass_fields__") or issubclass(kind, (*_FIXED, type, enum.Enum)):
        return None
    names, items, static = [], [], {}
    for field in dataclasses.fields(kind):
        try:
            item = getattr(value, field.name)
        except AttributeError:
            continue  # never set: it has no default, and is not set by `__init__`
        if field.metadata.get("static"):
            static[field.name] = item
        else:
            names.append(field.name)
            items.append(item)
    return names, items, FieldsOf(kind, names, static)


def _flattened(flatten: Any, value: Any, cls: type) -> tuple[list[Any], Any]:
    found = follow_argument(flatten)(value)
    if type(found) is not tuple or len(found) != 2:
        raise errors.bad_flatten(cls, found)
    children, aux = found
    try:
        return list(children), aux
    except TypeError:
        raise errors.bad_flatten(cls, found) from None
