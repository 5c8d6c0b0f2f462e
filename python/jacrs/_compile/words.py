"""Calls and traces in words, for those who look for a trace that holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs.errors import article, describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LONGEST = 40
_MOST = 8
_SHOWN = (type(None), bool, int, str, bytes, complex)


def call_in_words(args: tuple[Any, ...], keywords: dict[str, Any]) -> str:
    """Describe the arguments of a call."""
    named = (f"{name}={_value(x)}" for name, x in keywords.items())
    return f"({', '.join([*map(_value, args), *named])})"


def trace_in_words(arguments: tuple[Any, ...], decisions: Sequence[float] | None) -> str:
    """Describe what a trace holds for."""
    positional, named = arguments
    words = [*map(_form, positional), *(f"{name}={_form(form)}" for name, form in named)]
    text = f"({', '.join(words)})"
    if not decisions:
        return text
    shown = ", ".join(f"{x:g}" for x in decisions[:_MOST])
    return f"{text} where branches were decided by {shown}" + ", ..." * (len(decisions) > _MOST)


def _array(dtype: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> str:
    """Describe an array; its strides, in elements, where it is not in C order."""
    text = f"{dtype} array of shape {shape}"
    dense = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    known = [i for i, n in enumerate(shape) if n != 1]
    if 0 in shape or all(strides[i] == dense[i] for i in known):
        return text
    return f"{text} with strides {strides}"


def _value(value: Any) -> str:
    kind = type(value)
    if kind is np.ndarray:
        steps = tuple(s // value.itemsize if value.itemsize else s for s in value.strides)
        return _array(value.dtype, value.shape, steps)
    if kind is tuple or kind is list:
        return _sequence(kind, map(_value, value))
    if kind is dict:
        return _mapping((key, _value(item)) for key, item in value.items())
    if kind in _SHOWN:
        text = repr(value)
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    return describe(value)


def _form(form: tuple[Any, ...]) -> str:
    match form:
        case ("array", dtype, shape, strides):
            return _array(dtype, shape, strides)
        case (("number" | "scalar") as kind,):
            return "a float" if kind == "number" else "a float64"
        case ("plain", np.ndarray() | np.generic() as value):
            return f"the same {describe(value).partition(' ')[2]}"
        case ("plain", float() as value):
            return f"the float {value!r}"
        case ("plain", value):
            return _value(value)
        case ("tuple" | "list" as kind, forms):
            return _sequence(list if kind == "list" else tuple, map(_form, forms))
        case ("dict", keys, forms):
            return _mapping(zip(keys, map(_form, forms), strict=True))
        case ("node", cls, _):
            return f"{article(cls.__name__)} of the same parts"
    return f"the same {type(form[1]).__name__}"


def _sequence(kind: type, words: Iterable[str]) -> str:
    found = list(words)
    shown = ", ".join(found[:_MOST]) + ", ..." * (len(found) > _MOST)
    return f"[{shown}]" if kind is list else f"({shown}{',' * (len(found) == 1)})"


def _mapping(items: Iterable[tuple[Any, str]]) -> str:
    found = [f"{key!r}: {words}" for key, words in items]
    return "{" + ", ".join(found[:_MOST]) + ", ..." * (len(found) > _MOST) + "}"
