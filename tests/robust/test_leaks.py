"""Tracers where they do not belong: right, or an error; never a constant in silence."""

import array
import asyncio
import copy
import ctypes
import decimal
import fractions
import functools
import gc
import json
import math
import pickle
import statistics
import struct
import sys
import time
import traceback
import weakref
from collections import Counter

import numpy as np
import pytest

import jacrs
from jacrs import _jacrs

X = np.linspace(0.1, 1.0, 6)

REFUSED = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "reduce": lambda x: x.__reduce_ex__(4),
    "hash": lambda x: hash(x) * x,
    "hash of a number": lambda x: hash(x[0]) * x,
    "a key": lambda x: {x[0]: 1.0}[x[0]] * x,
    "a member of a set": lambda x: len({x[0], x[1]}) * x,
    "lru_cache": lambda x: functools.lru_cache(lambda a: a * 2)(x[0]) * x,
    "Counter": lambda x: len(Counter([x[0]])) * x,
    "array interface": lambda x: np.array(x.__array_interface__),
    "array struct": lambda x: x.__array_struct__,
    "memoryview": lambda x: np.array(memoryview(x)),
    "frombuffer": np.frombuffer,
    "buffer of an array": lambda x: np.ndarray(6, buffer=x),
    "ctypes attribute": lambda x: x.ctypes,
    "data": lambda x: x.data,
    "tobytes": lambda x: np.frombuffer(x.tobytes()),
    "tofile": lambda x: x.tofile("nowhere"),
    "bytes": lambda x: np.frombuffer(bytes(x)),
    "bytearray": lambda x: np.frombuffer(bytearray(x)),
    "c_double": lambda x: ctypes.c_double(x[0]).value * x,
    "a ctypes array": lambda x: np.array((ctypes.c_double * 6)(*x)),
    "array.array": lambda x: np.array(array.array("d", x)),
    "struct": lambda x: struct.pack("d", x[0]),
    "dlpack": np.from_dlpack,
    "object array": lambda x: np.array([x[0], x[1]], dtype=object),
    "np.float64": lambda x: np.float64(x[0]) * x,
    "float": lambda x: float(x[0]) * x,
    "complex": lambda x: abs(complex(x[0])) * x,
    "percent format": lambda x: float("%.17g" % x[0]) * x,  # noqa: UP031
    "json": lambda x: json.loads(json.dumps([x[0]])),
    "Fraction": lambda x: float(fractions.Fraction(x[0])) * x,
    "Decimal": lambda x: float(decimal.Decimal(x[0])) * x,
    "statistics": lambda x: statistics.mean(x) * x,
    "as_integer_ratio": lambda x: x[0].as_integer_ratio()[0] * x,
    "hex": lambda x: float.fromhex(x[0].hex()) * x,
    "range": lambda x: len(range(x[0])) * x,
    "an index": lambda x: x[: x[0]],
    "sleep": lambda x: time.sleep(x[0]) or x,
    "a weak reference": lambda x: weakref.ref(x)() * 2,
    "require": np.require,
    "random": lambda x: np.random.default_rng(0).normal(x),
    "a matrix": lambda x: np.ma.array(np.ones(6)) * x,
    "save": lambda x: np.save("nowhere", x),
    "float's own product": lambda x: float.__mul__(2.0, x[0]) * x,
}


@pytest.mark.parametrize("use", REFUSED)
def test_refused(use):
    with pytest.raises((TypeError, AttributeError, struct.error)) as info:
        jacrs.jacobian(REFUSED[use])(X)
    assert str(info.value)
    assert not _jacrs.is_recording()


IDENTITY = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "list": lambda x: np.array(list(x)),
    "tolist": lambda x: np.array(x.tolist()),
    "fromiter": lambda x: np.fromiter(x, float),
    "asarray": np.asarray,
    "ascontiguousarray": np.ascontiguousarray,
    "np.copy": np.copy,
    "map": lambda x: np.array(list(map(lambda v: v * 1.0, x))),  # noqa: C417
    "iterator": lambda x: np.array([next(it) for it in [iter(x)] for _ in range(6)]),
    "unpacked": lambda x: np.stack([*x]),
    "items": lambda x: np.array([x.item(i) for i in range(6)]),
    "fill": lambda x: np.stack([filled(v) for v in x]),
    "in a container": lambda x: copy.deepcopy({"a": [x, (x,)]})["a"][1][0],
    "a closure": lambda x: called(lambda: x),
    "a generator": lambda x: np.array([v for v in (w for w in x)]),  # noqa: C416
    "divmod": lambda x: sum(divmod(x, 2.0)),
    "fsum": lambda x: np.stack([math.fsum([v]) for v in x]),
    "coroutine": lambda x: asyncio.run(later(x)),
}


def called(function):
    return function()


def filled(v):
    y = np.zeros(1)
    y.fill(v)
    return y[0]


async def later(x):
    await asyncio.sleep(0)
    return x


@pytest.mark.parametrize("use", IDENTITY)
def test_no_derivative_is_lost(use):
    np.testing.assert_array_equal(jacrs.jacobian(IDENTITY[use])(X), np.eye(6))


STEPS = {
    "int": lambda x: int(x[0] * 10) * x,
    "round": lambda x: round(x[0]) * x,
    "floor": lambda x: math.floor(x[0]) * x,
    "in": lambda x: (0.1 in x) * x,
    "comparison": lambda x: (x == None) * x,  # noqa: E711
    "isnan": lambda x: np.isnan(x) * x,
    "length": lambda x: len(x) * x,
    "sign": lambda x: np.sign(x) * x,
}


@pytest.mark.parametrize("use", STEPS)
def test_steps_are_constants(use):
    """Their derivative is zero, so that of the product is the step itself."""
    f = STEPS[use]
    expected = np.asarray(f(X), dtype=float) / X
    np.testing.assert_allclose(jacrs.jacobian(f)(X), np.diag(expected), rtol=1e-15)


class Place:
    kept = None


def test_in_the_traceback_of_an_exception():
    """Its frames hold tracers of a recording that is over."""

    def bad(x):
        y = x * 2
        raise ValueError(y.shape)

    with pytest.raises(ValueError, match="6") as info:
        jacrs.jacobian(bad)(X)
    kept = info.traceback[-1].frame.f_locals["y"]
    assert repr(kept) == "Tracer(of a recording that has ended)"
    assert "Tracer(of a recording" in "".join(
        traceback.TracebackException.from_exception(info.value, capture_locals=True).format()
    )
    with pytest.raises(jacrs.TraceError, match="no recording on this thread"):
        kept + 1
    with pytest.raises(jacrs.TraceError, match="belongs to another recording"):
        jacrs.jacobian(lambda x: x * kept)(X)


def test_a_generator_that_is_resumed_in_another_recording():
    def items(x):
        for v in x:
            yield v * 2

    def start(x):
        Place.kept = items(x)
        return next(Place.kept)

    jacrs.grad(start)(X)
    with pytest.raises(jacrs.TraceError, match="belongs to another recording"):
        jacrs.grad(lambda x: x[0] + next(Place.kept))(X)
    Place.kept = None


def test_a_tape_that_is_suspended():
    """While its generator waits, what runs on the thread joins its recording: nothing is lost."""

    def outer():
        with jacrs.Tape() as tape:
            x = tape.watch(3.0)
            yield x
            yield tape.gradient(x * x, x)

    generator = outer()
    x = next(generator)
    inner = jacrs.grad(lambda t: t * t)(x)
    assert isinstance(inner, _jacrs.Tracer)
    assert float(jacrs.stop_gradient(inner)) == 6.0
    assert float(jacrs.stop_gradient(next(generator))) == 6.0
    generator.close()
    assert not _jacrs.is_recording()


def test_tasks_that_take_turns():
    """Tapes are not nested then: what is asked of the second after the first ended is an error."""

    async def first(entered, go):
        with jacrs.Tape() as tape:
            x = tape.watch(2.0)
            entered.set()
            await go.wait()
            slope = tape.gradient(x * x, x)
            return tape.value(slope)

    async def second(entered, done):
        await entered.wait()
        with jacrs.Tape() as tape:
            x = tape.watch(3.0)
            done.set()
            await asyncio.sleep(0.01)
            with pytest.raises(jacrs.TraceError, match="no recording on this thread"):
                x * x

    async def both():
        entered, go = asyncio.Event(), asyncio.Event()
        results = await asyncio.gather(first(entered, go), second(entered, go))
        return results[0]

    assert asyncio.run(both()) == 4.0
    assert not _jacrs.is_recording()


def test_functions_made_anew_are_not_kept():
    kept = []
    for i in range(50):
        function = lambda x, i=i: x * i  # noqa: E731
        jacrs.grad(function)(1.0)
        jacrs.jacobian(function)(X)
        kept.append(weakref.ref(function))
    del function
    gc.collect()
    assert not any(reference() for reference in kept)


def test_code_made_anew_is_not_kept():
    codes = []
    for i in range(50):
        function = eval(f"lambda x: [x * {i}.5 + v for v in x]", globals())
        jacrs.jacobian(function)(X)
        codes.append(weakref.ref(function.__code__))
        del function
    gc.collect()
    assert not any(code() for code in codes)


def test_results_and_arguments_are_not_kept():
    x = np.ones(100_000)
    before = sys.getrefcount(x)
    gradient = jacrs.grad(lambda x: np.sum(x * x))(x)
    _, pullback = jacrs.vjp(lambda x: np.sum(x * x), x)
    pullback(1.0)
    assert gradient[0] == 2.0
    del pullback
    gc.collect()
    assert sys.getrefcount(x) == before
