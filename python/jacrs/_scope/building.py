"""`np.array` and its kin for recorded code: arrays built out of tracers."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._scope.captured import made
from jacrs._scope.native import ArrayTracer, Tracer, is_recording, pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NUMBERS = frozenset({float, int, bool, complex, np.float64, np.float32, np.int64, np.bool_})
_NO_COPY = "Unable to avoid copy while creating an array as requested."


def array(
    object: Any,  # noqa: A002 - NumPy's name
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
    **keywords: Any,
) -> Any:
    """Return what `np.array` returns, as a tracer where floats are made or tracers given."""
    if not is_recording():
        return np.array(object, dtype, copy=copy, order=order, subok=subok, ndmin=ndmin, **keywords)
    if isinstance(object, Tracer):
        result = _from_tracer(object, dtype, copy=copy, order=order)
    elif isinstance(object, list | tuple) and has_tracer(object):
        if copy is False:
            raise ValueError(_NO_COPY)
        result = _from_nested(object, dtype)
    elif isinstance(object, np.ndarray) and object.dtype == np.object_ and has_tracer(object.flat):
        result = _from_leaves(object.ravel().tolist(), object.shape, dtype)
    else:
        # Without ndmin, which would make a fresh array look like a view of another.
        plain = np.array(object, dtype, copy=copy, order=order, subok=subok, **keywords)
        result = plain if _aliases(plain, object) else made(plain)
    missing = ndmin - result.ndim
    return result.reshape((1,) * missing + result.shape) if missing > 0 else result


def asarray(a: Any, dtype: Any = None, order: Any = None, **keywords: Any) -> Any:
    """Return `a` itself where it is an array already, as `np.asarray` does."""
    if not is_recording():
        return np.asarray(a, dtype, order, **keywords)
    copy = keywords.pop("copy", None)
    keywords.pop("device", None)
    return array(a, dtype, copy=copy, order=order or "K", **keywords)


def asanyarray(a: Any, dtype: Any = None, order: Any = None, **keywords: Any) -> Any:
    """Return `a` itself where it is an array already, subclasses too."""
    if not is_recording():
        return np.asanyarray(a, dtype, order, **keywords)
    return asarray(a, dtype, order, subok=True, **keywords)


def ascontiguousarray(a: Any, dtype: Any = None, **keywords: Any) -> Any:
    """Return `a` in C order and with one dimension at least."""
    if not is_recording():
        return np.ascontiguousarray(a, dtype, **keywords)
    return array(a, dtype, copy=None, order="C", ndmin=1)


def asfortranarray(a: Any, dtype: Any = None, **keywords: Any) -> Any:
    """Return `a` in Fortran order and with one dimension at least."""
    if not is_recording():
        return np.asfortranarray(a, dtype, **keywords)
    return array(a, dtype, copy=None, order="F", ndmin=1)


def fromiter(iter: Iterable[Any], dtype: Any, count: int = -1, **keywords: Any) -> Any:  # noqa: A002
    """Return the items of an iterator as a vector."""
    if not is_recording():
        return np.fromiter(iter, dtype, count, **keywords)
    items = list(iter if count < 0 else islice(iter, count))
    if not has_tracer(items):
        return made(np.fromiter(items, dtype, count, **keywords))
    if len(items) < count:
        raise ValueError(
            f"iterator too short: Expected {count} but iterator had only {len(items)} items."
        )
    return _from_leaves(items, (len(items),), dtype)


def has_tracer(items: Iterable[Any]) -> bool:
    """Tell whether a tracer is among the items, at any depth of lists and tuples."""
    for item in items:
        if type(item) in _NUMBERS:
            continue
        if isinstance(item, Tracer):
            return True
        if isinstance(item, list | tuple) and has_tracer(item):
            return True
        if isinstance(item, np.ndarray) and item.dtype == np.object_ and has_tracer(item.flat):
            return True
    return False


def _aliases(result: Any, given: Any) -> bool:
    """Tell whether `result` is memory of the caller's, to which writes must go."""
    return result is given or (
        isinstance(result, np.ndarray) and (result.base is not None or not result.flags.owndata)
    )


def _from_tracer(given: Any, dtype: Any, *, copy: bool | None, order: Any) -> Any:
    wanted = given.dtype if dtype is None else np.dtype(dtype)
    if wanted != given.dtype:
        if copy is False:
            raise ValueError(_NO_COPY)
        given, copy = given.astype(wanted), None
    if not isinstance(given, ArrayTracer):  # a scalar becomes an array without dimensions
        return pack([given], (), given.dtype)
    if copy:
        return given.copy(order)
    if order in ("C", "F") and not _is_contiguous(given, order):
        if copy is False:
            raise ValueError(_NO_COPY)
        return given.copy(order)
    return given


def _is_contiguous(given: Any, order: str) -> bool:
    """Tell whether an array lies in memory in an order, without gaps."""
    steps = zip(given.shape, given.strides, strict=True)
    expected = given.itemsize
    for length, step in reversed(list(steps)) if order == "C" else steps:
        if length != 1 and step != expected:
            return bool(given.size == 0)
        expected *= length
    return True


def _from_nested(nested: Any, dtype: Any) -> Any:
    """Build an array out of nested lists; its shape and dtype, and its errors, are NumPy's."""
    model = np.array(_without_tracers(nested), dtype)
    leaves = list(_leaves(nested))
    if model.size == len(leaves) and all(_is_scalar(leaf) for leaf in leaves):
        return _from_leaves(leaves, model.shape, model.dtype)
    if model.dtype.kind not in "fiub":
        raise errors.no_array_of(model.dtype)
    built = _stack(nested)
    return built if built.dtype == model.dtype else built.astype(model.dtype)


def _stack(node: Any) -> Any:
    if isinstance(node, list | tuple):
        return np.stack([_stack(child) for child in node]) if has_tracer(node) else np.array(node)
    return node


def _from_leaves(leaves: list[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    if dtype is None:
        dtype = np.array([_model(leaf) for leaf in leaves]).dtype
    dtype = np.dtype(dtype)
    if dtype.kind in "OUSV":
        return _object_array(leaves, shape, dtype)
    scalars = [leaf if isinstance(leaf, Tracer) else _number(leaf) for leaf in leaves]
    return pack(scalars, shape, dtype)


def _object_array(leaves: list[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    if dtype.kind != "O":
        raise errors.no_array_of(dtype)
    result = np.empty(len(leaves), dtype=object)
    for index, leaf in enumerate(leaves):
        result[index] = leaf
    return result.reshape(shape)


def _number(leaf: Any) -> Any:
    return leaf.item() if isinstance(leaf, np.generic | np.ndarray) else leaf


def _is_scalar(leaf: Any) -> bool:
    return type(leaf) in _NUMBERS or np.ndim(leaf) == 0


def _model(leaf: Any) -> Any:
    return np.zeros(leaf.shape, leaf.dtype) if isinstance(leaf, Tracer) else leaf


def _without_tracers(node: Any) -> Any:
    if isinstance(node, list | tuple):
        return [_without_tracers(child) for child in node]
    return _model(node)


def _leaves(node: Any) -> Iterator[Any]:
    if isinstance(node, list | tuple):
        return chain.from_iterable(map(_leaves, node))
    return iter((node,))
