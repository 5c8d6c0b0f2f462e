"""How arguments are taken apart, and how results are put together, for `Replay`."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._jacrs import ArrayTracer, Tracer
from jacrs._pytrees import FieldsOf, Registered
from jacrs._scope.plain import PLAIN
from jacrs._transforms.entries import Matrix
from jacrs._transforms.matrix import LazyJacobian
from jacrs._transforms.products import Pullback
from jacrs._trees import children_and_maker

if TYPE_CHECKING:
    from jacrs._transforms.recording import Again


def taken_apart(value: Any) -> tuple[list[Any], Any] | None:
    """Return the parts of a container that is no tuple, list or dict, and what rebuilds it.

    What a container keeps beside its children is a part too: a trace holds for it alone.
    """
    found = children_and_maker(value)
    if found is None:
        return None
    keys, items, make = found
    rest: list[Any] = []
    if isinstance(make, FieldsOf):
        make.inside = None  # arguments are of the user's class, whoever asks
        rest = list(make.static.values())
    elif isinstance(make, Registered):
        rest = [make.aux]
    elif isinstance(value, dict):
        rest = list(keys)
        if isinstance(value, defaultdict):
            rest.append(value.default_factory)

    def rebuild(parts: list[Any]) -> Any:
        own = parts[: len(items)]
        return make(zip(keys, own, strict=True) if isinstance(value, dict) else own)

    return [*items, *rest], rebuild


def built(value: Any, outputs: list[Any], maps: list[Again]) -> tuple[Any, ...]:
    """Say how a result is put together.

    What of it is computed is appended to `outputs`, linear maps at the point to `maps`.
    """
    kind = type(value)
    if isinstance(value, Tracer):
        outputs.append(value)
        return ("array" if isinstance(value, ArrayTracer) else "scalar", len(outputs) - 1)
    if isinstance(value, np.ndarray):
        return ("copy", value.view(np.ndarray).copy())
    if kind in PLAIN or isinstance(value, np.generic):
        return ("constant", value)
    if kind is tuple or kind is list:
        return (kind.__name__, [built(item, outputs, maps) for item in value])
    if kind is dict:
        return ("dict", list(value), [built(item, outputs, maps) for item in value.values()])
    if isinstance(value, Pullback | LazyJacobian):
        return _map(value.again(), maps)
    if isinstance(value, Matrix):
        return ("made", value.make, [built(value.entries, outputs, maps)])
    found = children_and_maker(value)
    if found is None:
        raise errors.not_a_result("the result", value)
    keys, items, make = found
    parts = [built(item, outputs, maps) for item in items]
    if isinstance(value, dict):
        return ("made", partial(made_dict, make, list(keys)), parts)
    return ("made", make, parts)


def _map(again: Again, maps: list[Again]) -> tuple[Any, ...]:
    if not again.outputs or not again.inputs:
        return ("constant", again.make(None))
    maps.append(again)
    return ("made", partial(_made_of_one, again.make), [("map", len(maps) - 1)])


def _made_of_one(make: Any, parts: list[Any]) -> Any:
    return make(parts[0])


def made_dict(make: Any, keys: list[Any], items: list[Any]) -> Any:
    return make(zip(keys, items, strict=True))
