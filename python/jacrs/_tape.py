"""`Tape`: derivatives of what happens inside a `with`, rather than inside a function."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import _jacrs, errors
from jacrs._jacrs import Session, Tracer
from jacrs._transforms.leaves import (
    F64,
    differentiable,
    is_float,
    plain,
    result_leaf,
    vector_like,
    zeros,
)
from jacrs._trees import Node, as_floats, flatten, flatten_like, unflatten

if TYPE_CHECKING:
    from types import TracebackType

_UNCONNECTED = ("zero", "none", "raise")
_MODES = (None, "forward", "reverse")


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
        self._watched: dict[int, Any] = {}

    def __enter__(self) -> Tape:
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

    @property
    def _recorded(self) -> bool:
        """Whether what the tape gives is recorded."""
        return self._state == "open" or self._session.joined

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
            differentiable(leaf, partial(_path, node, "the watched value", i))
            for i, leaf in enumerate(leaves)
        ]
        watched = [self._session.argument(leaf, differentiable=True) for leaf in checked]
        self._watched.update((id(tracer), tracer) for tracer in watched)
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
        node = flatten(recorded, leaves)
        return unflatten(node, [plain(np.array(leaf)) for leaf in self._arrays(leaves)])

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
        results = _Results(self, outputs)
        node, sources = self._inputs(inputs)
        along = results.along(output_gradients)
        session = self._session
        if not results.live:
            gradient = [zeros(x.shape, x.dtype, recorded=self._recorded) for x in self._facts(sources)]
        elif self._recorded:
            gradient = session.vjp(results.live, sources, along)
        else:
            gradient = session.run_vjp(results.live, sources, along)[1]
        if not self._recorded:
            gradient = [plain(leaf) for leaf in gradient]
        if unconnected != "zero":
            gradient = self._connected(gradient, results.live, sources, node, unconnected)
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
        raise NotImplementedError
