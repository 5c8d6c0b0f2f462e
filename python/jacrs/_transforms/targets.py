"""`out=`: derivatives written into arrays of the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from jacrs import errors
from jacrs._jacrs import ArrayTracer, Tracer, shares_memory
from jacrs._transforms.leaves import is_plain_array
from jacrs._trees import flatten_like

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jacrs._transforms.recording import Recorded
    from jacrs._trees import Node

    Kind = tuple[tuple[int, ...], Any]

_WORK = 10_000  # for the exact answer of np.shares_memory; what takes longer counts as shared


class Target:
    """The arrays that a derivative is to be written into: all checked before anything is run."""

    __slots__ = ("_given", "_nodes", "arrays")

    def __init__(
        self,
        given: Any,
        nodes: Sequence[Node],
        kinds: Sequence[Kind],
        recorded: Recorded,
        name: str = "out",
    ) -> None:
        """Check that `given` nests as `nodes` do, one in the other, with arrays of `kinds`.

        What else there is to compute of the call is computed now: its inputs may share memory
        with these arrays.
        """
        self._given = given
        self._nodes = nodes
        self.arrays: list[Any] = []
        for (array, where), kind in zip(self._leaves(given, name), kinds, strict=True):
            check_target(array, kind, where, recorded=recorded.joined)
            self.arrays.append(array)
        apart(self.arrays, name)
        recorded.settle()

    def of_outputs(self, live: Sequence[bool]) -> list[Any] | None:
        """Return the arrays for what is run; None where nothing is, or it stays recorded."""
        if not self.arrays or isinstance(self.arrays[0], Tracer):
            return None
        each = len(self.arrays) // len(live)
        return [array for i, array in enumerate(self.arrays) if live[i // each]]

    def fill(self, derivative: Any) -> Any:
        """Write what has not been written there yet, and return what was given."""
        blocks = self._leaves(derivative, "out")
        for array, (block, _) in zip(self.arrays, blocks, strict=True):
            if block is not array:
                array[...] = block
        return self._given

    def _leaves(self, value: Any, name: str) -> Iterator[tuple[Any, str]]:
        level = [(value, name)]
        for node in self._nodes:
            inner: list[tuple[Any, str]] = []
            for item, where in level:
                found: list[Any] = []
                flatten_like(node, item, found, where)
                inner.extend(zip(found, node.paths(where), strict=True))
            level = inner
        return iter(level)


def check_target(array: Any, kind: Kind, where: str, *, recorded: bool) -> None:
    """Raise where a result of this shape and dtype cannot be written to `array`."""
    shape, dtype = kind
    if recorded:
        if not isinstance(array, ArrayTracer):
            raise errors.out_of_recording(where, array)
    elif not is_plain_array(array):
        raise errors.not_an_out(where, array)
    if array.shape != shape:
        raise errors.wrong_out_shape(where, array.shape, shape)
    if array.dtype != dtype:
        raise errors.wrong_out_dtype(where, array.dtype, dtype)
    if not recorded and not array.flags.writeable:
        raise errors.readonly_out(where)
    if not recorded and overlaps_itself(array):
        raise errors.overlapping_outs(where, where)


def overlaps_itself(array: Any) -> bool:
    """Tell whether two elements may lie at one address, as in broadcast views."""
    if array.size == 0:
        return False
    reach = array.itemsize
    steps = zip(array.strides, array.shape, strict=True)
    for stride, count in sorted((abs(stride), n) for stride, n in steps if n > 1):
        if stride < reach:
            return True
        reach += stride * (count - 1)
    return False


def apart(arrays: Sequence[Any], name: str) -> None:
    """Raise where two of the arrays share memory."""
    if len(arrays) < 2:
        return
    if isinstance(arrays[0], Tracer):
        pairs = ((a, b) for i, a in enumerate(arrays) for b in arrays[:i])
        if any(shares_memory(a, b) for a, b in pairs):
            raise errors.overlapping_outs(f"one part of {name}", "another")
        return
    spans = [(byte_bounds(a), i) for i, a in enumerate(arrays) if a.size]
    open_spans: list[tuple[int, int]] = []
    for (low, high), index in sorted(spans):
        open_spans = [(end, other) for end, other in open_spans if end > low]
        for _, other in open_spans:
            if _share(arrays[index], arrays[other]):
                raise errors.overlapping_outs(f"one part of {name}", "another")
        open_spans.append((high, index))


def _share(first: Any, second: Any) -> bool:
    try:
        shared: Any = np.shares_memory
        return bool(shared(first, second, max_work=_WORK))
    except np.exceptions.TooHardError:
        return True
