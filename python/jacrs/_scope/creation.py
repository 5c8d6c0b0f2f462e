"""Functions that make fresh arrays: their floats are recordable buffers in recorded code."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs._scope.building import array, has_tracer
from jacrs._scope.captured import made
from jacrs._scope.native import Tracer, is_recording

if TYPE_CHECKING:
    from collections.abc import Callable

# What is often written to element by element after it is made.
_MAKERS = (
    "zeros ones eye identity tri tril triu diag diagflat vander copy full_like zeros_like "
    "ones_like linspace logspace geomspace tile repeat fromfunction"
).split()


def maker(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with fresh float results that can hold recorded values."""

    @functools.wraps(function)
    def make(*args: Any, **keywords: Any) -> Any:
        result = function(*_built(args), **keywords)
        if isinstance(result, tuple):  # linspace(..., retstep=True)
            return tuple(map(made, result))
        return made(result)

    return make


def taker(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with lists that hold tracers made arrays: NumPy does not look into them."""

    @functools.wraps(function)
    def take(*args: Any, **keywords: Any) -> Any:
        return function(*_built(args), **keywords)

    return take


def joiner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the parts of its first argument made arrays: lists with tracers."""

    @functools.wraps(function)
    def join(parts: Any, *args: Any, **keywords: Any) -> Any:
        if isinstance(parts, list | tuple) and is_recording() and has_tracer(parts):
            parts = _built(tuple(parts))
        return function(parts, *args, **keywords)

    return join


def _built(args: tuple[Any, ...]) -> Any:
    for arg in args:
        if (type(arg) is list or type(arg) is tuple) and is_recording() and has_tracer(arg):
            break
    else:
        return args
    return [
        array(arg) if isinstance(arg, list | tuple) and has_tracer(arg) else arg for arg in args
    ]


def empty(*args: Any, **keywords: Any) -> Any:
    """Return zeros while recording: what is never written has a value, the same at each call."""
    return made(np.zeros(*args, **keywords)) if is_recording() else np.empty(*args, **keywords)


def empty_like(*args: Any, **keywords: Any) -> Any:
    """Return zeros while recording, as `empty` does."""
    make = np.zeros_like if is_recording() else np.empty_like
    return made(make(*args, **keywords))


def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", **keywords: Any) -> Any:
    """Return an array filled with a number or a recorded value."""
    nested = isinstance(fill_value, list | tuple) and is_recording() and has_tracer(fill_value)
    if not nested and not isinstance(fill_value, Tracer):
        return made(np.full(shape, fill_value, dtype, order, **keywords))
    value = array(fill_value, copy=None)
    result = made(np.zeros(shape, value.dtype if dtype is None else dtype, order))
    result[...] = value
    return result


def full_like(a: Any, fill_value: Any, *args: Any, **keywords: Any) -> Any:
    """Return an array like `a` filled with a number or a recorded value."""
    if not isinstance(fill_value, Tracer) or isinstance(a, Tracer):
        return made(np.full_like(a, fill_value, *args, **keywords))
    result = made(np.zeros_like(a, *args, **keywords))
    result[...] = fill_value
    return result


def arange(*args: Any, **keywords: Any) -> Any:
    """Return evenly spaced numbers; how many there are follows the values of recorded bounds."""
    keywords.pop("like", None)  # says where the array is made: here, either way
    if not any(isinstance(value, Tracer) for value in (*args, *keywords.values())):
        return made(np.arange(*args, **keywords))
    names = ("start", "stop", "step", "dtype")
    given = dict(zip(names if len(args) > 1 else ("stop",), args, strict=False), **keywords)
    if given.get("stop") is None:  # `arange(start=n)` is `arange(n)`
        given["stop"] = given.pop("start")
    start, step = given.get("start") or 0, given.get("step")
    step = 1 if step is None else step
    count = max(int(np.ceil((given["stop"] - start) / step)), 0)
    result = start + step * np.arange(count)
    dtype = given.get("dtype")
    return result if dtype is None else result.astype(dtype)


# NumPy looks for tracers in the list of parts, but not in parts that are lists themselves.
_JOINERS = "concatenate concat stack hstack vstack dstack column_stack".split()
# What is often given a list.
_TAKERS = (
    "sum prod mean std var median max min amax amin ptp argmax argmin average cumsum cumprod diff "
    "dot inner outer cross vdot kron trace sort argsort any all clip interp polyval convolve roll "
    "flip reshape ravel squeeze transpose atleast_1d atleast_2d trapezoid"
).split()
_LINALG_TAKERS = (
    "norm det slogdet inv pinv solve lstsq eigh eigvalsh cholesky qr svd cond matrix_rank "
    "matrix_power"
).split()


def linalg_substitutes() -> dict[str, Callable[..., Any]]:
    """Return what stands for functions of `np.linalg`, by name."""
    return {name: taker(getattr(np.linalg, name)) for name in _LINALG_TAKERS}


def substitutes() -> dict[str, Callable[..., Any]]:
    """Return what stands for NumPy's makers, by name."""
    table = {name: maker(getattr(np, name)) for name in _MAKERS}
    table.update((name, taker(getattr(np, name))) for name in _TAKERS if hasattr(np, name))
    table.update((name, joiner(getattr(np, name))) for name in _JOINERS if hasattr(np, name))
    for function in (empty, empty_like, full, full_like, arange):
        table[function.__name__] = functools.wraps(getattr(np, function.__name__))(function)
    return table
