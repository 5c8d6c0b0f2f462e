"""Nested containers of arrays, taken apart into their leaves and put together again.

Tuples, named tuples, dicts and lists are containers, and so are dataclasses and what is registered
(`_pytrees`); None is an empty one; all else is a leaf. One exception spares surprises: **a list
that holds only numbers, nested evenly, is the array that `np.array` makes of it**, so `[1.0, 2.0]`
is a vector, as everywhere in NumPy. Whatever has no dimensions counts as a number. A list of
vectors, or of lists of unequal length, is a container, and so is every tuple.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, defaultdict
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._jacrs import Tracer
from jacrs._pytrees import FieldsOf, Registered, children_of
from jacrs._scope import follow_argument
from jacrs._scope.building import array
from jacrs._scope.classes import real_class
from jacrs._scope.state import current_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_NUMBERS = (float, int, complex, np.generic)


class Node:
    """How one container is built: the keys of its children, the children, what makes it anew."""

    __slots__ = ("children", "keys", "kind", "make")

    def __init__(
        self,
        kind: type | None,
        keys: Sequence[Any] = (),
        children: Sequence[Node] = (),
        make: Callable[[Any], Any] | None = None,
    ) -> None:
        self.kind = kind
        self.keys = keys
        self.children = children
        self.make: Any = make or kind

    def unflatten(self, leaves: Iterator[Any]) -> Any:
        """Build the container out of its leaves."""
        if self is LEAF:
            return next(leaves)
        if self is NOTHING:
            return None
        items = [child.unflatten(leaves) for child in self.children]
        return self.make(zip(self.keys, items, strict=True) if _is_dict(self) else items)

    def paths(self, prefix: str) -> Iterator[str]:
        """Name the leaves in their order, as one would write them in Python."""
        if self is LEAF:
            yield prefix
        for key, child in zip(self.keys, self.children, strict=True):
            yield from child.paths(_path(prefix, self.kind, key))

    def count(self) -> int:
        """Return how many leaves there are."""
        return 1 if self is LEAF else sum(child.count() for child in self.children)

    def __repr__(self) -> str:
        if self is LEAF:
            return "*"
        if self is NOTHING:
            return "None"
        return f"{self.kind and self.kind.__name__}({', '.join(map(repr, self.children))})"


LEAF = Node(None)
NOTHING = Node(type(None))


def as_it_is(values: list[Any]) -> Any:
    """Return the array of a list of numbers."""
    return array(values)


def as_floats(values: list[Any]) -> Any:
    """Return the array of a list of numbers, integers turned into floats."""
    result = array(values)
    return result.astype(np.float64) if result.dtype.kind in "iu" else result


def flatten(value: Any, leaves: list[Any], from_numbers: Callable[[list[Any]], Any] | None) -> Node:
    """Append the leaves of `value`, in order, and return how it is built.

    `from_numbers` makes the leaf that stands for a list of numbers; None leaves it a container.
    """
    kind = type(value)
    if kind is np.ndarray or kind is float or isinstance(value, Tracer):
        leaves.append(value)
        return LEAF
    if value is None:
        return NOTHING
    if kind is list and from_numbers is not None and is_array_like(value):
        leaves.append(from_numbers(value))
        return LEAF
    found = _children(value, kind)
    if found is None:
        leaves.append(value)
        return LEAF
    keys, items, make = found
    children = [flatten(item, leaves, from_numbers) for item in items]
    return Node(kind, keys, children, make)


def unflatten(node: Node, leaves: list[Any]) -> Any:
    """Return a container built like `node` out of the leaves."""
    return leaves[0] if node is LEAF else node.unflatten(iter(leaves))


def flatten_like(node: Node, value: Any, leaves: list[Any], where: str) -> None:
    """Append the leaves of `value`, which must be built like `node`; else raise ArgumentError.

    Where `node` has a leaf the whole of what `value` has there is taken, a list of numbers too.
    """
    if node is LEAF:
        leaves.append(value)
        return
    items = _matching(node, value, where)
    for key, child, item in zip(node.keys, node.children, items, strict=True):
        flatten_like(child, item, leaves, _path(where, node.kind, key))


def map_leaves(function: Callable[[Any], Any], value: Any, holders: tuple[Any, ...] = ()) -> Any:
    """Apply `function` to the leaves of any nested containers; lists of numbers stay lists.

    A container that is inside of itself is left there as it is: `holders` are those around `value`.
    """
    if value is None:
        return None
    found = _children(value, type(value))
    if found is None:
        return function(value)
    if any(value is holder for holder in holders):
        return value
    keys, items, make = found
    mapped = [map_leaves(function, item, (*holders, value)) for item in items]
    if all(new is old for new, old in zip(mapped, items, strict=True)):
        return value
    return make(zip(keys, mapped, strict=True) if isinstance(value, dict) else mapped)


def map_prefix(
    function: Callable[[Any, Any, str], Any], prefix: Any, value: Any, where: str
) -> Any:
    """Apply `function` to each leaf of `prefix`, what `value` has there, and the path of that.

    `value` must be built like `prefix` down to its leaves, of which None is one; what comes back is
    built like it too.
    """
    found = None if prefix is None else _children(prefix, type(prefix))
    if found is None:
        return function(prefix, value, where)
    keys, items, _ = found
    kind = type(prefix)
    given = _matching(Node(kind, keys, (LEAF,) * len(keys)), value, where)
    mapped = {
        key: map_prefix(function, item, part, _path(where, kind, key))
        for key, item, part in zip(keys, items, given, strict=True)
    }
    own, _, make = _children(value, type(value)) or found
    in_order = {key: mapped[key] for key in own}
    return make(in_order.items() if isinstance(value, dict) else in_order.values())


def is_array_like(values: list[Any]) -> bool:
    """Tell whether the list holds numbers only, nested evenly."""
    return _shape(values) is not None


def _shape(value: Any) -> tuple[int, ...] | None:
    """Return the shape of nested lists of numbers; None where they are no array."""
    if type(value) is not list:
        return () if _is_number(value) else None
    if not value:
        return (0,)
    first = _shape(value[0])
    if first is None:
        return None
    if first == ():
        even = all(_is_number(item) for item in value)
    else:  # the first is not asked again: that would double the time with each level
        even = all(_shape(item) == first for item in islice(value, 1, None))
    return (len(value), *first) if even else None


def _is_number(value: Any) -> bool:
    if isinstance(value, _NUMBERS):
        return True
    return isinstance(value, Tracer | np.ndarray) and value.ndim == 0


def _children(value: Any, kind: type) -> tuple[Sequence[Any], Sequence[Any], Any] | None:
    """Return keys, items and maker of a container; None for a leaf."""
    if kind is tuple or kind is list:
        return range(len(value)), value, kind
    if kind is dict or kind is OrderedDict:
        return list(value), list(value.values()), kind
    if kind is defaultdict:
        return list(value), list(value.values()), partial(defaultdict, value.default_factory)
    fields = getattr(kind, "_fields", None)
    if fields is not None and issubclass(kind, tuple):
        return fields, value, partial(make_named, kind)
    return children_of(value, kind)


def found_by_name(value: Any) -> Any:
    """Return what the module of `value` has under its qualified name; None for nothing."""
    found: Any = sys.modules.get(getattr(value, "__module__", None) or "")
    for part in (getattr(value, "__qualname__", None) or "").split("."):
        found = getattr(found, part, None)
    return found


def children_and_maker(value: Any) -> tuple[Sequence[Any], Sequence[Any], Any] | None:
    """Return keys, children and maker of a container; None for a leaf."""
    return _children(value, type(value))


def make_named(kind: type, items: list[Any]) -> Any:
    """Make a named tuple; outside of recorded code, of the user's class and not its double."""
    cls: Any = follow_argument(kind) if current_state().depth else real_class(kind)
    return cls._make(items)


def _is_dict(node: Node) -> bool:
    return node.kind is not None and issubclass(node.kind, dict)


def _path(prefix: str, kind: type | None, key: Any) -> str:
    named = isinstance(key, str) and kind is not None and not issubclass(kind, dict)
    return f"{prefix}.{key}" if named else f"{prefix}[{key!r}]"


def _matching(node: Node, value: Any, where: str) -> Sequence[Any]:
    """Return the children of `value`, after a check that it is built like `node`."""
    if node.kind is None or node is NOTHING:
        if value is not None:
            raise errors.wrong_structure(where, "None", errors.describe(value))
        return ()
    if _is_dict(node):
        keys = list(node.keys)
        if isinstance(value, dict) and value.keys() == set(keys):
            return [value[key] for key in keys]
        given = f"one with {list(value)}" if isinstance(value, dict) else errors.describe(value)
        raise errors.wrong_structure(where, f"a dict with the keys {keys}", given)
    kind, size = node.kind, len(node.keys)
    if isinstance(node.make, FieldsOf | Registered):
        found = children_of(value, type(value))
        if found is None or not node.make.fits(found[2]):
            name = errors.article(node.make.cls.__name__)
            same = found is not None and found[2].cls is node.make.cls
            given = "one with other parts" if same else errors.describe(value)
            raise errors.wrong_structure(where, name, given)
        return found[1]
    alike = isinstance(value, kind) or getattr(value, "_fields", None) == node.keys
    if alike and len(value) == size:
        return list(value)
    given = f"one of {len(value)}" if alike else errors.describe(value)
    raise errors.wrong_structure(where, f"{errors.article(kind.__name__)} of {size}", given)
