"""What was computed, as leaves: those that have a derivative, and constants."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs._jacrs import Session, Tracer
from jacrs._transforms.leaves import (
    F64,
    first_axis,
    is_float,
    plain,
    result_leaf,
    vector_like,
    zeros,
)
from jacrs._trees import LEAF, Node, flatten_like, unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class Result:
    """The leaves of a result, and how it is built.

    `outputs` are the leaves that can have a derivative: float tracers. Other leaves are constant.
    If `recorded`, all that is made of it stays recorded; else it becomes arrays.
    """

    __slots__ = (
        "dtypes",
        "leaves",
        "live",
        "name",
        "node",
        "outputs",
        "recorded",
        "session",
        "shapes",
    )

    def __init__(
        self,
        session: Session,
        node: Node,
        leaves: list[Any],
        name: str,
        *,
        recorded: bool,
        models: Sequence[Any] | None = None,
    ) -> None:
        """Check the leaves; `models` have their shapes and dtypes where a tracer's are gone."""
        self.session: Any = session
        self.node = node
        self.name = name
        self.recorded = recorded
        if node is LEAF and models is None:  # most results are one array
            leaf = leaves[0]
            if isinstance(leaf, Tracer):
                dtype = leaf.dtype
                self.leaves, self.shapes, self.dtypes = leaves, [leaf.shape], [dtype]
                live = dtype is F64 or is_float(dtype)
                self.live, self.outputs = [live], leaves if live else []
                return
        self._take(leaves, models)

    def _take(self, leaves: list[Any], models: Sequence[Any] | None) -> None:
        leaves = [result_leaf(leaf, partial(self.path, i)) for i, leaf in enumerate(leaves)]
        models = models or leaves
        self.leaves = leaves
        self.shapes = [leaf.shape for leaf in models]
        self.dtypes = [leaf.dtype for leaf in models]
        self.live = [
            isinstance(leaf, Tracer) and is_float(dtype)
            for leaf, dtype in zip(leaves, self.dtypes, strict=True)
        ]
        self.outputs = [leaf for leaf, live in zip(leaves, self.live, strict=True) if live]

    def path(self, index: int, name: str = "") -> str:
        """Name a leaf, in an error."""
        name = name or self.name
        return list(self.node.paths(name))[index] if self.node is not LEAF else _whole(name)

    def like(self, of_outputs: Iterable[Any], constant: Callable[[int], Any]) -> Any:
        """Build what is like the result: given for the outputs, `constant(i)` for the others."""
        supply = iter(of_outputs)
        if self.node is LEAF and self.outputs:
            return next(supply)
        leaves = [next(supply) if live else constant(i) for i, live in enumerate(self.live)]
        return unflatten(self.node, leaves)

    def value(self, of_outputs: Sequence[Any]) -> Any:
        """Return the result itself; `of_outputs` are the arrays of the outputs."""
        if self.recorded:
            return unflatten(self.node, list(map(plain, self.leaves)))
        return self.like(map(plain, of_outputs), self._constant)

    def settle(self) -> None:
        """Compute the leaves that are no outputs."""
        for index, live in enumerate(self.live):
            if not live:
                self.leaves[index] = np.array(self._constant(index))

    def _constant(self, index: int) -> Any:
        leaf = self.leaves[index]
        if isinstance(leaf, Tracer):  # integers, booleans
            leaf = self.session.values([leaf])[0]
        return plain(np.array(leaf))

    def zeros_for(self, index: int, shape: tuple[int, ...] = (), dtype: Any = None) -> Any:
        """Return the derivative of a constant leaf, `shape` more dimensions behind its own."""
        return self.zero(self.shapes[index] + shape, dtype or self.dtypes[index])

    def zero(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return a derivative that is zero."""
        return plain(zeros(shape, dtype, recorded=self.recorded))

    def cotangents(self, given: Any, name: str, *, lanes: bool = False) -> list[Any]:
        """Return the cotangents of the outputs, after a check of all that was given.

        Those of `lanes` have an axis more, the first, of the same length for all.
        """
        leaves: list[Any] = []
        flatten_like(self.node, given, leaves, name)
        lead = (first_axis(leaves[0], self.path(0, name)),) if lanes and leaves else ()
        along = [
            vector_like(
                leaf,
                lead + self.shapes[i],
                self.dtypes[i] if is_float(self.dtypes[i]) else F64,
                partial(self.path, i, name),
                partial(self.path, i),
            )
            for i, leaf in enumerate(leaves)
        ]
        return [vector for vector, live in zip(along, self.live, strict=True) if live]

    def jvp(self, inputs: list[Any], along: list[Any]) -> tuple[list[Any], list[Any]]:
        """Return the values of the outputs, and their tangents.

        There are no values if `recorded`.
        """
        if not self.outputs:
            return [], []
        if self.recorded:
            return [], self.session.jvp(self.outputs, inputs, along)
        values, tangents = self.session.run_jvp(self.outputs, inputs, along)
        return values, [plain(leaf) for leaf in tangents]

    def vjp(
        self, inputs: list[Any], along: list[Any], models: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """Return the values of the outputs, and the cotangents of the inputs.

        `models` have the shapes and dtypes of the inputs. There are no values if `recorded`.
        """
        if not self.outputs or not inputs:
            return self._values(self.outputs), [self.zero(x.shape, x.dtype) for x in models]
        if self.recorded:
            return [], self.session.vjp(self.outputs, inputs, along)
        values, pulled = self.session.run_vjp(self.outputs, inputs, along)
        return values, [plain(leaf) for leaf in pulled]

    def jacobian(
        self,
        outputs: list[Any],
        inputs: list[Any],
        mode: str | None,
        chunk_size: int | None = None,
        targets: list[Any] | None = None,
    ) -> tuple[list[Any], list[list[Any]]]:
        """Return the values of `outputs`, and for each its Jacobian by each input.

        `chunk_size` directions are computed at a time. The blocks are written to `targets`, in
        the same order, where that can be done at once; others come back as arrays of their own.
        """
        if not outputs or not inputs:
            return self._values(outputs), [[] for _ in outputs]
        if self.recorded:
            return [], self.session.jacobian(outputs, inputs, mode)
        values, rows = self.session.run_jacobian(outputs, inputs, mode, chunk_size, targets)
        for row in rows:
            row[:] = map(plain, row)
        return values, rows

    def _values(self, outputs: list[Any]) -> list[Any]:
        return self.session.values(outputs) if outputs and not self.recorded else []


def _whole(name: str) -> str:
    return f"the {name}" if name in ("result", "cotangent") else name
