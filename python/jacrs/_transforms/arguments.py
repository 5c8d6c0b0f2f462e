"""The arguments of one call: which are differentiated, and what must be true of them."""

from __future__ import annotations

import operator
from copy import copy
from functools import partial
from itertools import chain
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._scope import follow_argument
from jacrs._transforms.leaves import F64, as_given, differentiable, vector_like
from jacrs._trees import LEAF, Node, as_floats, flatten, flatten_like, unflatten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Argnums = int | tuple[int, ...]


class Arguments:
    """What a function is called with, its differentiated arguments as leaves.

    Nothing has been recorded yet when this raises.
    """

    __slots__ = ("args", "keywords", "leaves", "nodes", "numbers", "positions", "single")

    def __init__(
        self, args: Sequence[Any], keywords: dict[str, Any], argnums: Argnums | None
    ) -> None:
        """Take the arguments of a call; None for `argnums` are all positional ones, a tuple."""
        self.args = args
        self.keywords = keywords
        self.single = type(argnums) is int
        self.numbers = False
        if argnums is None:
            self.positions: Sequence[int] = range(len(args))
        elif argnums == 0 and args:
            self.positions = (0,)
        else:
            self.positions = _positions(argnums, len(args), keywords)
        if len(self.positions) == 1:
            first = args[self.positions[0]]
            if type(first) is np.ndarray and first.dtype is F64:  # most calls are of one array
                self.nodes: list[Node] = [LEAF]
                self.leaves: list[Any] = [first]
                return
        leaves: list[Any] = []
        self.nodes = [flatten(args[i], leaves, as_floats) for i in self.positions]
        self.leaves = [differentiable(leaf, partial(self.path, i)) for i, leaf in enumerate(leaves)]
        self.numbers = any(isinstance(leaf, np.generic) for leaf in self.leaves)

    def over(self, inputs: list[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        """Return the arguments as recorded code gets them, `inputs` in place of the leaves."""
        args, keywords = self.args, self.keywords
        if keywords:
            keywords = {name: follow_argument(value) for name, value in keywords.items()}
        if self.numbers:
            inputs = list(map(as_given, inputs, self.leaves))
        if len(args) == 1 and self.nodes[0] is LEAF:
            return inputs, keywords
        replaced = dict(zip(self.positions, self.parts(inputs), strict=True))
        return [follow_argument(replaced.get(i, arg)) for i, arg in enumerate(args)], keywords

    def apart(self) -> Arguments:
        """Return how the differentiated arguments are built and shaped, without their values."""
        rest = copy(self)
        rest.args, rest.keywords = (), {}
        rest.leaves = [np.broadcast_to(np.zeros((), x.dtype), x.shape) for x in self.leaves]
        return rest

    def size(self) -> int:
        """Return how many numbers are differentiated."""
        return sum(prod(leaf.shape) for leaf in self.leaves)

    def parts(self, leaves: Sequence[Any]) -> list[Any]:
        """Return one object for each differentiated argument, built like it out of `leaves`."""
        supply = iter(leaves)
        return [next(supply) if n is LEAF else n.unflatten(supply) for n in self.nodes]

    @property
    def node(self) -> Node:
        """How what `like` returns is built."""
        return self.nodes[0] if self.single else Node(tuple, range(len(self.nodes)), self.nodes)

    def like(self, leaves: list[Any]) -> Any:
        """Return what is built like the argument, or a tuple for several, out of `leaves`."""
        if self.single:
            return unflatten(self.nodes[0], leaves)
        return tuple(self.parts(leaves))

    def tangents(self, given: Sequence[Any], name: str = "tangents") -> list[Any]:
        """Return the leaves of the tangents, one for each argument, that fit the primals."""
        if type(given) is not tuple and type(given) is not list:
            raise errors.not_a_tuple(name, given)
        if len(given) != len(self.nodes):
            raise errors.wrong_count(name, len(self.nodes), len(given))
        leaves: list[Any] = []
        for i, (node, value) in enumerate(zip(self.nodes, given, strict=True)):
            flatten_like(node, value, leaves, f"{name}[{i}]")
        return [
            vector_like(
                leaf,
                primal.shape,
                primal.dtype,
                partial(self.path, i, name + "[{}]"),
                partial(self.path, i),
            )
            for i, (leaf, primal) in enumerate(zip(leaves, self.leaves, strict=True))
        ]

    def path(self, index: int, name: str = "argument {}") -> str:
        """Name a leaf, in an error."""
        prefixes = map(name.format, self.positions)
        return _nth(self.nodes, prefixes, index)


def _nth(nodes: Sequence[Node], prefixes: Iterator[str], index: int) -> str:
    paths = chain.from_iterable(map(Node.paths, nodes, prefixes))
    return list(paths)[index]


def checked_argnums(argnums: Any) -> Argnums:
    """Return `argnums` as an int or a tuple of ints; raise where it is neither."""
    if type(argnums) is int:
        return argnums
    if isinstance(argnums, tuple | list):
        return tuple(_position(number, argnums) for number in argnums)
    return _position(argnums, argnums)


def _position(number: Any, argnums: Any) -> int:
    if isinstance(number, bool):
        raise errors.bad_argnums(argnums)
    try:
        return operator.index(number)
    except TypeError:
        raise errors.bad_argnums(argnums) from None


def _positions(argnums: Argnums, count: int, keywords: dict[str, Any]) -> tuple[int, ...]:
    numbers = (argnums,) if isinstance(argnums, int) else argnums
    for number in numbers:
        if not -count <= number < count:
            raise errors.argnums_range(number, count, list(keywords))
    positions = tuple(number % count for number in numbers)
    if len(set(positions)) != len(positions):
        raise errors.argnums_repeat(numbers)
    return positions
