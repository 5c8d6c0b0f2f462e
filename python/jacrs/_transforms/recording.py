"""One recording of one call, and its result as leaves."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jacrs import errors
from jacrs._jacrs import Session, Tracer
from jacrs._scope import recording_scope
from jacrs._scope.captured import Captured
from jacrs._scope.scope import raise_hidden
from jacrs._scope.state import current_state
from jacrs._transforms.arguments import Arguments
from jacrs._transforms.leaves import plain
from jacrs._transforms.results import Result
from jacrs._trees import as_it_is, flatten, map_leaves

if TYPE_CHECKING:
    from collections.abc import Callable


class Again(NamedTuple):
    """A linear map that a recorded call returned, made again wherever the recording is run again.

    `make` turns what is native of it into what the call returned: None where there are no outputs
    or no inputs. `starts` are the first rows of the outputs of a Jacobian; a pullback has none.
    """

    outputs: list[Any]
    inputs: list[Any]
    starts: list[int] | None
    make: Callable[[Any], Any]


class Recorded:
    """A call of `f` that has been recorded: its inputs, its result, its auxiliary data.

    Within an outer recording (`joined`) all that comes of it stays recorded.
    """

    __slots__ = ("arguments", "aux", "derivatives", "inputs", "joined", "result", "session")

    def __init__(
        self, session: Session, arguments: Arguments, inputs: list[Any], result: Any, aux: Any
    ) -> None:
        self.session: Any = session
        self.joined = session.joined
        self.arguments = arguments
        self.inputs = inputs
        self.aux = aux
        self.derivatives: list[Any] = []  # of the outputs, for who differentiates them again
        if result is None:
            raise errors.returned_nothing()
        leaves: list[Any] = []
        node = flatten(result, leaves, as_it_is)
        self.result = Result(session, node, leaves, "result", recorded=self.joined)

    def release(self) -> None:
        """Let go of the recording: of the result what is left is how it is built."""
        self.session = self.result.session = None
        self.inputs, self.aux = [], None
        self.result.leaves, self.result.outputs = [], []

    def apart(self) -> Recorded:
        """Return how arguments and result are built and shaped, which outlasts the recording."""
        rest = copy(self)
        rest.arguments, rest.result = self.arguments.apart(), copy(self.result)
        rest.joined = rest.result.recorded = False
        rest.derivatives = []
        rest.release()
        return rest

    def settle(self) -> None:
        """Compute what only depends on the inputs, before these may be written to."""
        if not self.joined:
            self.aux = self.auxiliary()
            self.result.settle()

    def auxiliary(self) -> Any:
        """Return the auxiliary data, its tracers turned into arrays at the outermost level."""
        if self.joined:
            return map_leaves(lambda x: plain(x) if isinstance(x, Tracer) else x, self.aux)
        tracers: dict[int, Any] = {}

        def note(leaf: Any) -> Any:
            if isinstance(leaf, Tracer):
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
        _check(session, arguments)
        aux = None
        if has_aux:
            if type(result) is not tuple or len(result) != 2:
                raise errors.no_pair(result)
            result, aux = result
        recorded = Recorded(session, arguments, inputs, result, aux)
        if then is not None:
            then(recorded)
    finally:
        session.close()
    return recorded


def _check(session: Session, arguments: Arguments) -> None:
    """Raise what the recorded function has hidden: a refusal that it caught, a write to `x`."""
    changed = session.check()
    if changed is not None:
        raise errors.argument_changed(arguments.path(changed))


def record_array(
    f: Callable[..., Any],
    x: Any,
    scalar: bool,  # noqa: FBT001 - names cost a tenth of the call
) -> Any:
    """Record `f(x)` for one float64 array: the short way, for what most calls are.

    Return the session, the input and the output where that is all there is to know: one float64
    array, without dimensions if it is to be a `scalar`, and no outer recording. Else `Recorded`.
    """
    scope, session = current_state(), Session()
    session.open()
    try:
        g = scope.begin(f)
        try:
            source = session.argument(x, True)  # noqa: FBT003 - as above
            y = g(source)
        except ValueError as error:
            raise_hidden(error)
            raise
        finally:
            scope.end()
        if session.check() is not None:
            raise errors.argument_changed("argument 0")
        if session.ends_with(y, scalar):
            return session, source, y
        return Recorded(session, Arguments((x,), {}, 0), [source], y, None)
    finally:
        session.close()
