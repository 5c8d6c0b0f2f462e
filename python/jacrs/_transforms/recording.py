"""One recording of one call, and its result as leaves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._jacrs import Session, Tracer
from jacrs._scope import recording_scope
from jacrs._scope.captured import Captured
from jacrs._transforms.leaves import is_float, plain, result_leaf, zeros
from jacrs._trees import LEAF, flatten, map_leaves, unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jacrs._transforms.arguments import Arguments

RESULT = "the result"


class Recorded:
    """A call of `f` that has been recorded: its inputs, and the leaves of its result.

    `outputs` are the leaves that can have a derivative: float tracers. Other leaves are constant.
    Within an outer recording (`joined`) all results stay tracers; else they are arrays.
    """

    __slots__ = (
        "arguments",
        "aux",
        "dtypes",
        "inputs",
        "joined",
        "leaves",
        "live",
        "node",
        "outputs",
        "session",
        "shapes",
    )

    def __init__(
        self, session: Session, arguments: Arguments, inputs: list[Any], result: Any
    ) -> None:
        self.session = session
        self.joined = session.joined
        self.arguments = arguments
        self.inputs = inputs
        self.aux: Any = None
        leaves: list[Any] = []
        if type(result) is Tracer:
            leaves.append(result)
            self.node = LEAF
        elif result is None:
            raise errors.returned_nothing()
        else:
            self.node = flatten(result, leaves)
            leaves = [result_leaf(leaf, partial(self._path, i)) for i, leaf in enumerate(leaves)]
        self.leaves = leaves
        self.shapes = [leaf.shape for leaf in leaves]
        self.dtypes = [leaf.dtype for leaf in leaves]
        self.live = [
            type(leaf) is Tracer and is_float(dtype)
            for leaf, dtype in zip(leaves, self.dtypes, strict=True)
        ]
        self.outputs = [leaf for leaf, live in zip(leaves, self.live, strict=True) if live]

    def _path(self, index: int) -> str:
        return list(self.node.paths(RESULT))[index]

    def like_result(self, of_outputs: Sequence[Any], constant: Callable[[int], Any]) -> Any:
        """Build what is like the result: given for the outputs, `constant(i)` for the others."""
        supply = iter(of_outputs)
        leaves = [next(supply) if live else constant(i) for i, live in enumerate(self.live)]
        return unflatten(self.node, leaves)

    def value(self, of_outputs: Sequence[Any]) -> Any:
        """Return the result of the function; `of_outputs` are the arrays of the outputs."""
        if self.joined:
            return unflatten(self.node, self.leaves)
        return self.like_result(map(plain, of_outputs), self._constant)

    def _constant(self, index: int) -> Any:
        leaf = self.leaves[index]
        if type(leaf) is Tracer:  # integers, booleans
            leaf = self.session.values([leaf])[0]
        return plain(np.array(leaf))

    def zeros_for(self, index: int, shape: tuple[int, ...] = (), dtype: Any = None) -> Any:
        """Return the derivative of a constant leaf, `shape` more dimensions behind its own."""
        result = zeros(
            self.shapes[index] + shape, dtype or self.dtypes[index], recorded=self.joined
        )
        return result if self.joined else plain(result)

    def with_aux(self, *results: Any) -> Any:
        """Return the results, with the auxiliary data last."""
        return *results, self.auxiliary()

    def auxiliary(self) -> Any:
        """Return the auxiliary data, its tracers turned into arrays at the outermost level."""
        if self.joined:
            return self.aux
        tracers: dict[int, Any] = {}

        def note(leaf: Any) -> Any:
            if type(leaf) is Tracer:
                tracers[id(leaf)] = leaf
            return leaf.view(np.ndarray) if type(leaf) is Captured else leaf

        aux = map_leaves(note, self.aux)
        if not tracers:
            return aux
        arrays = map(plain, self.session.values(list(tracers.values())))
        values = dict(zip(tracers, arrays, strict=True))
        return map_leaves(lambda leaf: values.get(id(leaf), leaf), aux)


def record(
    f: Callable[..., Any],
    arguments: Arguments,
    *,
    has_aux: bool = False,
    then: Callable[[Recorded], None] | None = None,
) -> Recorded:
    """Record one call of `f`; `then` is called with it while it is still being recorded."""
    session = Session()
    session.open()
    try:
        with recording_scope(f) as g:
            inputs = [session.argument(x, differentiable=True) for x in arguments.leaves]
            args, keywords = arguments.over(inputs)
            result = g(*args, **keywords) if keywords else g(*args)
        aux = None
        if has_aux:
            if type(result) is not tuple or len(result) != 2:  # noqa: PLR2004
                raise errors.no_pair(result)
            result, aux = result
        recorded = Recorded(session, arguments, inputs, result)
        recorded.aux = aux
        if then is not None:
            then(recorded)
    finally:
        session.close()
    return recorded
