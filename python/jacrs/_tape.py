"""`Tape`: derivatives of what happens inside a `with`, rather than inside a function."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from jacrs import _jacrs, errors
from jacrs._jacrs import Session, Tracer
from jacrs._transforms.jacobians import checked_mode
from jacrs._transforms.leaves import as_given, differentiable, plain
from jacrs._transforms.results import Result
from jacrs._trees import Node, as_floats, flatten, unflatten

if TYPE_CHECKING:
    from types import TracebackType

_OUTPUTS = (Tracer, np.ndarray, np.generic, int, float)
_UNCONNECTED = ("zero", "none", "raise")


class _Watched(NamedTuple):
    """A watched array: what the user holds, what it is an alias of, and what it looked like."""

    given: Any
    source: Any
    shape: tuple[int, ...]
    dtype: Any


class Tape:
    """Records what is computed from watched arrays, inside its `with`.

    Derivatives may be asked for inside the `with`, where they are recorded in turn and can be
    differentiated again, and after it, where they are arrays; any number of times. Within a
    recorded function a tape joins the recording, and all it gives is recorded.

    Code inside the `with` is run as it stands, where a transform would follow the function it is
    given: arrays that are to be filled with recorded values are made by `jacrs.numpy`.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> with jacrs.Tape() as tape:
    ...     x = tape.watch(np.array([1.0, 2.0, 3.0]))
    ...     y = x**2
    ...     second = y[1]
    >>> tape.gradient(second, x)
    array([0., 4., 0.])
    >>> tape.value(y)
    array([1., 4., 9.])
    """

    def __init__(self) -> None:
        self._session = Session()
        self._state = "new"
        self._watched: dict[int, _Watched] = {}

    def __enter__(self) -> Self:
        if self._state != "new":
            raise errors.tape_again()
        self._session.open()
        self._state = "open"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._state = "closed"
        self._session.close()

    def watch(self, value: Any) -> Any:
        """Return `value` as recorded arrays, with respect to which gradients can be taken.

        Parameters
        ----------
        value : array, number or containers of them
            float64 or float32; numbers and lists of numbers become float64. A recorded array is
            watched from here on: its own inputs see what comes after as well.

        Returns
        -------
        recorded arrays, in containers like those of `value`.

        Raises
        ------
        TraceError
            Outside of the tape's `with`.
        DTypeError
            For what cannot be differentiated.
        """
        if self._state != "open":
            raise errors.tape_outside("tape.watch")
        leaves: list[Any] = []
        node = flatten(value, leaves, as_floats)
        checked = [
            differentiable(leaf, partial(_path, node, "value", i)) for i, leaf in enumerate(leaves)
        ]
        watched = []
        for leaf in checked:
            source = self._session.argument(leaf, differentiable=True, keep=True)
            given = as_given(source, leaf)
            self._watched[id(given)] = _Watched(given, source, source.shape, source.dtype)
            watched.append(given)
        return unflatten(node, watched)

    def value(self, recorded: Any) -> Any:
        """Return the numbers of recorded arrays, in the same containers.

        Examples
        --------
        >>> import jacrs
        >>> with jacrs.Tape() as tape:
        ...     y = tape.watch(3.0) ** 2
        ...     print(tape.value(y))
        9.0
        """
        self._require_started("tape.value")
        leaves: list[Any] = []
        node = flatten(recorded, leaves, None)
        tracers = [leaf for leaf in leaves if isinstance(leaf, Tracer)]
        inside = self._recorded
        arrays = map(_jacrs.value, tracers) if inside else self._session.values(tracers)
        supply = iter(list(arrays) if tracers else ())
        return unflatten(
            node,
            [plain(next(supply)) if isinstance(x, Tracer) else plain(np.array(x)) for x in leaves],
        )

    def gradient(
        self,
        outputs: Any,
        inputs: Any,
        output_gradients: Any = None,
        unconnected: str = "zero",
    ) -> Any:
        """Return the gradient of the sum of `outputs` by each of `inputs`.

        Parameters
        ----------
        outputs : recorded arrays, in any containers
            One number each, or anything with `output_gradients`.
        inputs : recorded arrays, in any containers
            What `watch` returned.
        output_gradients : like `outputs`, optional
            The weights of the sum: arrays of the shapes of `outputs`.
        unconnected : {"zero", "none", "raise"}
            What an input gets on which no output depends: zeros, None, or IndependentError.

        Returns
        -------
        Arrays built and shaped like `inputs`; recorded ones inside the `with`.

        Raises
        ------
        ShapeError
            An output has several numbers and there are no `output_gradients`, or they do not fit.
        TraceError
            An input is not watched.

        Examples
        --------
        >>> import numpy as np, jacrs
        >>> with jacrs.Tape() as tape:
        ...     x = tape.watch(3.0)
        ...     first = tape.gradient(x**3, x)
        >>> tape.gradient(first, x)
        np.float64(18.0)
        """
        self._require_started("tape.gradient")
        if unconnected not in _UNCONNECTED:
            raise errors.bad_choice("unconnected", unconnected, _UNCONNECTED)
        result = self._result(outputs)
        node, models = self._sources(inputs)
        sources = [model.source for model in models]
        along = self._along(result, output_gradients)
        gradient = result.vjp(sources, along, models)[1]
        if unconnected != "zero":
            gradient = self._connected(gradient, result, sources, node, unconnected)
        return unflatten(node, gradient)

    def jacobian(self, outputs: Any, inputs: Any, mode: str | None = None) -> Any:
        """Return the Jacobian of `outputs` by `inputs`.

        Containers nest as those of `jacrs.jacobian` do: of `outputs` outside, of `inputs` inside;
        a block has the shape `y.shape + x.shape`. `mode` is None, "forward" or "reverse".

        Examples
        --------
        >>> import numpy as np, jacrs
        >>> with jacrs.Tape() as tape:
        ...     x = tape.watch(np.array([1.0, 2.0]))
        ...     y = x[0] * x
        >>> tape.jacobian(y, x)
        array([[2., 0.],
               [2., 1.]])
        """
        self._require_started("tape.jacobian")
        checked_mode(mode)
        result = self._result(outputs)
        node, models = self._sources(inputs)
        sources = [model.source for model in models]
        rows = result.jacobian(result.outputs, sources, mode)[1]

        def constant(index: int) -> Any:
            return unflatten(node, [result.zeros_for(index, x.shape, x.dtype) for x in models])

        return result.like((unflatten(node, row) for row in rows), constant)

    @property
    def _recorded(self) -> bool:
        """Whether what the tape gives is recorded."""
        return self._state == "open" or self._session.joined

    def _require_started(self, call: str) -> None:
        if self._state == "new":
            raise errors.tape_not_started(call)

    def _result(self, outputs: Any) -> Result:
        leaves: list[Any] = []
        node = flatten(outputs, leaves, None)
        for index, leaf in enumerate(leaves):
            if not isinstance(leaf, _OUTPUTS):
                raise errors.not_an_output(_path(node, "outputs", index), leaf)
        recorded = self._recorded
        models = None if recorded else self._models(leaves)
        return Result(self._session, node, leaves, "outputs", recorded=recorded, models=models)

    def _models(self, leaves: list[Any]) -> list[Any] | None:
        """Return what has the shapes of the leaves where these no longer tell: their values."""
        try:
            for leaf in leaves:
                _ = leaf.shape if isinstance(leaf, Tracer) else None
        except errors.JacrsError:
            tracers = [leaf for leaf in leaves if isinstance(leaf, Tracer)]
            values = iter(self._session.values(tracers))
            return [next(values) if isinstance(x, Tracer) else np.array(x) for x in leaves]
        return None

    def _sources(self, inputs: Any) -> tuple[Node, list[_Watched]]:
        leaves: list[Any] = []
        node = flatten(inputs, leaves, None)
        for index, leaf in enumerate(leaves):
            if id(leaf) not in self._watched:
                raise errors.not_watched(_path(node, "inputs", index), leaf)
        return node, [self._watched[id(leaf)] for leaf in leaves]

    def _along(self, result: Result, given: Any) -> list[Any]:
        """Return the weights of the outputs; ones where none are given and none are needed."""
        if given is not None:
            return result.cotangents(given, "output_gradients")
        for index, shape in enumerate(result.shapes):
            if shape != ():
                raise errors.needs_gradients(result.path(index), shape)
        return [
            np.ones((), dtype)
            for dtype, live in zip(result.dtypes, result.live, strict=True)
            if live
        ]

    def _connected(
        self, gradient: list[Any], result: Result, sources: list[Any], node: Node, unconnected: str
    ) -> list[Any]:
        """Return the gradient, with None or an error for inputs that no output depends on."""
        table = self._session.depends(result.outputs, sources)
        reached = [any(row[i] for row in table) for i in range(len(sources))]
        if unconnected == "raise" and not all(reached):
            where = _path(node, "inputs", reached.index(False))
            raise errors.unconnected(where)
        return [leaf if found else None for leaf, found in zip(gradient, reached, strict=True)]


def _path(node: Node, name: str, index: int) -> str:
    return list(node.paths(name))[index]
