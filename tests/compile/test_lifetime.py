"""Threads, forks, interrupts, pickles and memory of compiled functions."""

import gc
import os
import pickle
import signal
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import jacrs
from tests.compile.following import X, replayed, same


@jacrs.compile
def decorated(x):
    """Return the double."""
    return x * 2.0


def plain(x):
    return x * 3.0


def branching(x):
    return np.sin(x) if x[0] > 0 else np.cos(x) * x[1]


def test_threads_with_different_branches():
    compiled = jacrs.compile(jacrs.jacobian(branching))
    points = [X * (-1) ** k * (1 + k / 7) for k in range(8)]
    expected = [jacrs.jacobian(branching)(x) for x in points]
    failures = []

    def work(k):
        try:
            for _ in range(50):
                same(compiled(points[k]), expected[k])
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert 2 <= compiled.n_traces <= 16


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_goes_on():
    compiled = jacrs.compile(jacrs.jacobian(branching))
    compiled(X)
    child = os.fork()
    if child == 0:
        ok = np.allclose(compiled(X), np.diag(np.cos(X))) and compiled(-X) is not None
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_pickles():
    again = pickle.loads(pickle.dumps(decorated))
    assert again is decorated
    other = pickle.loads(pickle.dumps(jacrs.compile(plain, strict=True)))
    same(other(X), 3 * X)
    assert other._strict
    derivative = pickle.loads(pickle.dumps(jacrs.compile(jacrs.jacobian(plain))))
    same(derivative(X), np.eye(3) * 3)
    assert decorated.__name__ == "decorated"
    assert decorated.__doc__ == "Return the double."


def test_what_is_no_function_is_refused():
    with pytest.raises(jacrs.DTypeError) as caught:
        jacrs.compile(3.0)
    assert str(caught.value).startswith("compile needs a function, not a float")


def test_a_cycle_with_its_object_is_collected():
    class Model:
        def __init__(self):
            self.k = np.ones(3)
            self.jac = jacrs.compile(jacrs.jacobian(self.f))
            self.own = jacrs.compile(lambda m, x: x * m.k)

        def f(self, x):
            return x * self.k

    m = Model()
    same(m.jac(X), np.eye(3))
    same(m.own(m, X), X)
    gone = weakref.ref(m)
    del m
    gc.collect()
    assert gone() is None


def test_many_calls_take_no_memory():
    held = {"k": np.ones(3)}
    compiled = jacrs.compile(lambda x, a: x * held["k"] * a if x[0] > 0 else -x)
    calls = [(X, 2.0), (-X, 3.0)]

    def many(n):
        for _ in range(n):
            for args in calls:
                compiled(*args)

    many(200)
    gc.collect()
    tracemalloc.start()
    before, blocks = tracemalloc.get_traced_memory()[0], sys.getallocatedblocks()
    many(50_000)
    gc.collect()
    grown, more = tracemalloc.get_traced_memory()[0] - before, sys.getallocatedblocks() - blocks
    tracemalloc.stop()
    assert grown < 50_000
    assert more < 1_000
    assert compiled.n_traces == 2


def test_an_interrupt_while_recording_leaves_all_as_it_was():
    class Model:
        last = 1.0

    m = Model()

    def f(x):
        m.last = x
        signal.raise_signal(signal.SIGINT)
        return x

    compiled = jacrs.compile(f)
    with pytest.raises(KeyboardInterrupt):
        compiled(X)
    assert m.last == 1.0
    assert (compiled.n_traces, sys.getprofile()) == (0, None)
    same(decorated(X), 2 * X)


def test_a_profiler_goes_on():
    seen = []

    def look(frame, event, arg):
        seen.append(event)

    sys.setprofile(look)
    try:
        jacrs.compile(plain)(X)
        assert sys.getprofile() is look
    finally:
        sys.setprofile(None)
    assert seen


def test_recursion_and_generators():
    def power(x, n):
        return x if n == 0 else power(x, n - 1) * x

    def halves(x):
        while x[0] > 0.25:
            yield x
            x = x / 2

    compiled = jacrs.compile(lambda x, n: power(x, n) + sum(halves(x), 0.0 * x))
    for n in (3, 4):
        for x in (X, X * 1.1, X * 3):
            same(compiled(x, n), power(x, n) + sum(halves(x), 0.0 * x))
    assert compiled.n_traces == 4

    @jacrs.compile
    def factorial(x, n):
        return x if n <= 1 else factorial(x, n - 1) * n

    same(factorial(X, 4), 24 * X)
    same(replayed(factorial, 2 * X, 4), 48 * X)

    def endless(x):
        return endless(x)

    with pytest.raises(RecursionError):
        jacrs.compile(endless)(X)


def test_a_result_that_takes_too_much_memory():
    compiled = jacrs.compile(jacrs.jacobian(lambda x: np.outer(x, x)))
    same(compiled(X), jacrs.jacobian(lambda x: np.outer(x, x))(X))
    large = np.ones(3000)
    for _ in range(2):
        with pytest.raises(jacrs.MemoryLimitError):
            compiled(large)
    same(replayed(compiled, 2 * X), jacrs.jacobian(lambda x: np.outer(x, x))(2 * X))


def test_explain():
    compiled = jacrs.compile(branching)
    assert compiled.explain() == "branching: 0 traces, 0 replays"
    compiled(X)
    lines = compiled.explain().splitlines()
    assert lines[:2] == ["branching: 1 traces, 1 replays", "trace 0"]
    assert "  holds while unchanged: branching.__code__" in lines
    assert "elementwise operations" in lines[-1]
