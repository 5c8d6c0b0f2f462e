"""Recordings belong to one thread and one call; results do not depend on how many threads run."""

import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import jacrs
from jacrs import _jacrs
from jacrs._jacrs import Session

X = np.linspace(0.3, 1.7, 7)


def model(x):
    y = np.zeros(len(x))
    y[1:] = x[:-1] * np.sin(x[1:])
    for i in range(len(x)):
        y[i] += x[i] ** 2 if x[i] > 1.0 else np.exp(-x[i])
    return np.cumsum(y) * x.sum()


def together(count, work):
    """Run `work(k)` on threads that all start at once; return the results."""
    barrier = threading.Barrier(count)

    def run(k):
        barrier.wait()
        return work(k)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


# --- recordings of several threads


@pytest.mark.parametrize("count", [2, 8])
def test_threads_record_at_once(count):
    """Each records a function of its own, some of them many nodes long."""

    def work(k):
        def f(x):
            y = x
            for i in range(20 * (k + 1)):
                y = np.sin(y * (1 + 0.01 * i)) + x * k
            return y

        return [jacrs.jacobian(f)(X + k) for _ in range(10)]

    found = together(count, work)
    for k in range(count):
        alone = work(k)
        for jacobian in found[k]:
            np.testing.assert_array_equal(jacobian, alone[0])


def test_one_function_on_eight_threads():
    jacobian = jacrs.jacobian(model)
    points = [X + 0.1 * k for k in range(8)]
    expected = [jacobian(x) for x in points]
    found = together(8, lambda k: [jacobian(points[k]) for _ in range(20)])
    for mine, right in zip(found, expected, strict=True):
        for one in mine:
            np.testing.assert_array_equal(one, right)


def test_threads_share_one_pullback():
    _, pullback = jacrs.vjp(model, X)
    weights = np.random.default_rng(3).normal(size=(8, 7))
    expected = [pullback(w) for w in weights]
    found = together(8, lambda k: [pullback(weights[k]) for _ in range(20)])
    for mine, right in zip(found, expected, strict=True):
        for one in mine:
            np.testing.assert_array_equal(one, right)


def test_a_thread_started_while_recording_records_for_itself():
    def f(x):
        with ThreadPoolExecutor(1) as pool:
            inner = pool.submit(jacrs.grad(lambda t: t**3), 2.0).result()
        return x * inner

    assert jacrs.grad(f)(1.0) == 12.0


# --- tracers where they do not belong

NO_RECORDING = (
    "there is no recording on this thread: tracers exist only while jacrs records a function. "
    "Return what you need from the function, or keep float(jacrs.stop_gradient(x)); "
    "after a Tape ask it, tape.value(y)"
)
OTHER_RECORDING = (
    "this tracer belongs to another recording (it was kept after its function returned, or handed "
    "to another thread); return the value from the function instead of storing it"
)


def place(line):
    return rf"\n  at {re.escape(os.path.relpath(__file__))}:\d+ in .*: {re.escape(line)}"


def test_a_tracer_of_another_thread():
    def use(x):
        return x + 1.0

    def f(x):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(use, x).result()

    with pytest.raises(jacrs.TraceError, match=rf"^{re.escape(NO_RECORDING)}{place('x + 1.0')}$"):
        jacrs.grad(f)(1.0)
    assert not _jacrs.is_recording()


def test_a_tracer_of_another_thread_that_records():
    ready, used = threading.Event(), threading.Event()
    handed = []

    def first(x):
        handed.append(x)
        ready.set()
        assert used.wait(10)
        return x

    def second(x):
        return x * handed[0]

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(jacrs.grad(first), 1.0)
        assert ready.wait(10)
        expected = rf"^{re.escape(OTHER_RECORDING)}{place('x * handed[0]')}$"
        with pytest.raises(jacrs.TraceError, match=expected):
            jacrs.grad(second)(1.0)
        used.set()
        assert other.result() == 1.0


class Keeper:
    kept = None


USES = {
    "x + 1": lambda x: x + 1,
    "x[0]": lambda x: x[0],
    "np.sin(x)": lambda x: np.sin(x),  # noqa: PLW0108
    "x.shape": lambda x: x.shape,
    "x.sum()": lambda x: x.sum(),
    "np.sum(x)": lambda x: np.sum(x),  # noqa: PLW0108
    "bool(x[0])": lambda x: bool(x[0]),
    "float(x)": lambda x: float(x),  # noqa: PLW0108
    "np.asarray(x)": lambda x: np.asarray(x),  # noqa: PLW0108
    "x @ x": lambda x: x @ x,
    "len(x)": lambda x: len(x),  # noqa: PLW0108
    "list(x)": lambda x: list(x),  # noqa: PLW0108
    "x.copy()": lambda x: x.copy(),
    "x += 1": lambda x: x.__iadd__(1),
    "x[0] = 1": lambda x: x.__setitem__(0, 1),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_tracer_kept_after_its_recording(use):
    def f(x):
        Keeper.kept = x * 2
        return x

    jacrs.jacobian(f)(X)
    kept, Keeper.kept = Keeper.kept, None
    with pytest.raises(jacrs.TraceError) as info:
        use(kept)
    assert str(info.value).startswith(NO_RECORDING)
    with pytest.raises(jacrs.TraceError) as info:
        jacrs.jacobian(lambda x: use(kept) + x)(X)
    assert str(info.value).startswith(OTHER_RECORDING)
    assert repr(kept) == "Tracer(of a recording that has ended)"


def test_nested_recordings_may_share():
    inner = jacrs.grad(lambda t, a: (t * a).sum())

    def f(x):
        return inner(x[0], x) * x[1]

    np.testing.assert_allclose(jacrs.grad(f)(np.array([2.0, 3.0])), [3.0, 8.0])


# --- what ends a recording early


def test_an_exception_leaves_nothing_behind():
    def bad(x):
        y = np.zeros(7)
        y[:] = x
        raise KeyError(y.shape)

    for _ in range(3):
        with pytest.raises(KeyError, match=r"\(7,\)"):
            jacrs.jacobian(bad)(X)
        assert not _jacrs.is_recording()
    assert isinstance(np.zeros(3), np.ndarray)
    np.testing.assert_array_equal(jacrs.jacobian(lambda x: 2 * x)(X), 2 * np.eye(7))


def test_an_exception_of_an_inner_recording_is_not_the_end_of_the_outer():
    def bad(t):
        raise ZeroDivisionError

    def f(x):
        with pytest.raises(ZeroDivisionError):
            jacrs.grad(bad)(x[0])
        return x**2

    np.testing.assert_allclose(jacrs.jacobian(f)(X), np.diag(2 * X))


def test_a_generator_left_in_the_middle():
    def items(x):
        try:
            for i in range(len(x)):
                yield x[i] * x[i + 1]
        finally:
            Keeper.kept = x.shape

    def f(x):
        return next(items(x)) + sum(v for v, _ in zip(items(x), range(3), strict=False))

    gradient = jacrs.grad(f)(X)
    gc.collect()
    assert Keeper.kept == (7,)
    np.testing.assert_allclose(gradient[:2], [2 * X[1], 2 * X[0] + X[2]])


def test_deep_recursion_in_the_function():
    def down(x, n):
        return x if n == 0 else np.sin(down(x, n - 1))

    assert np.isfinite(jacrs.grad(lambda x: down(x, 500))(0.5))
    with pytest.raises(RecursionError):
        jacrs.grad(lambda x: down(x, 10**6))(0.5)
    assert not _jacrs.is_recording()
    assert jacrs.grad(lambda x: x * x)(3.0) == 6.0


def test_interrupt_while_recording():
    def f(x):
        signal.raise_signal(signal.SIGINT)
        return x

    with pytest.raises(KeyboardInterrupt):
        jacrs.grad(f)(1.0)
    assert not _jacrs.is_recording()


def again(call, *arguments):
    while True:
        call(*arguments)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer of the system's")
def test_interrupt_while_running():
    """A signal that comes in during a long run ends it, with what its handler raises."""
    matrix = np.random.default_rng(0).normal(size=(700, 700)) / 30

    def f(x):
        for _ in range(40):
            x = np.tanh(matrix @ x)
        return x

    x = np.linspace(-1.0, 1.0, 700)
    jacobian = jacrs.jacobian(f)

    def stop(_number, _frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            again(jacobian, x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not _jacrs.is_recording()
    assert np.all(np.isfinite(jacrs.jacobian(lambda x: np.sin(x))(x[:3])))  # noqa: PLW0108


# --- the same bits for every number of threads


@pytest.fixture
def threads():
    before = jacrs.num_threads()
    yield jacrs.set_num_threads
    jacrs.set_num_threads(before)


SIZES = (1, 15, 16, 17, 33, 100)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("outputs", SIZES)
@pytest.mark.parametrize("inputs", SIZES)
def test_same_bits_for_every_number_of_threads(threads, inputs, outputs, mode):
    rng = np.random.default_rng(inputs * 1000 + outputs)
    matrix, x = rng.normal(size=(outputs, inputs)), rng.normal(size=inputs)

    def f(x):
        y = np.tanh(matrix @ x) * np.exp(-x.mean())
        y[::3] = y[::3].sum() + np.cumsum(y[::3])
        return y

    both = jacrs.value_and_jacobian(f, mode=mode)
    threads(1)
    value, jacobian = both(x)
    for n in (2, 3, 1, 2):
        threads(n)
        for _ in range(2):
            again = both(x)
            assert again[0].tobytes() == value.tobytes()
            assert again[1].tobytes() == jacobian.tobytes()
    other = jacrs.jacobian(f, mode={"forward": "reverse", "reverse": "forward"}[mode])(x)
    np.testing.assert_allclose(jacobian, other, rtol=1e-11, atol=1e-13)


def test_same_bits_of_large_arrays(threads):
    x = np.random.default_rng(5).normal(size=300_000)

    def f(x):
        return np.sum(np.sin(x) * x[::-1]) + np.cumsum(x)[-1] ** 2 + (x.reshape(3, -1) ** 2).mean()

    results = []
    for n in (1, 2, 3, 3):
        threads(n)
        value, gradient = jacrs.value_and_grad(f)(x)
        _, along = jacrs.jvp(f, (x,), (np.cos(x),))
        results.append((value.tobytes(), gradient.tobytes(), along.tobytes()))
    assert len(set(results)) == 1


def test_number_of_threads_is_checked():
    for bad in (0, -1, 1.5, "two", True):
        with pytest.raises(jacrs.ArgumentError) as info:
            jacrs.set_num_threads(bad)
        assert str(info.value) == f"n must be a positive integer, not {bad!r}"


# --- growth


def count_nodes(f, x):
    """Return how many nodes the recorded graph of `f` has."""
    session = Session()
    session.open()
    try:
        tracer = session.argument(x, differentiable=True)
        y = f(tracer)
        text = session.graph([y])
    finally:
        session.close()
    return text.count("\n")


def chain(n):
    def f(x):
        y = x[0]
        for _ in range(n):
            y = y * x[1] + x[0]
        return y

    return f


def walk(n):
    """Branches on values: each asks for one more number."""

    def f(x):
        y = x[0]
        for _ in range(n):
            y = y * 0.5 + 1.0 if y < 1.5 else y - x[1]
        return y

    return f


def fill(n):
    """Writes of single elements, each read again."""

    def f(x):
        y = jacrs.numpy.zeros(n)
        y[0] = x[0]
        for i in range(1, n):
            y[i] = y[i - 1] * x[1]
        return y[n - 1]

    return f


@pytest.mark.parametrize("program", [chain, walk, fill])
def test_nodes_grow_linearly(program):
    x = np.array([0.5, 0.25])
    small, large = (count_nodes(program(n), x) for n in (200, 2000))
    assert large <= 10.5 * small
    assert large <= 12 * 2000


def seconds(work):
    gc.collect()
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize("program", [chain, walk, fill])
def test_time_grows_linearly(program):
    """Ten times the work may take thirty times as long, on a busy machine; a hundred it may not."""
    x = np.array([0.5, 0.25])
    small, large = (seconds(lambda n=n: jacrs.grad(program(n))(x)) for n in (3000, 30_000))
    assert large <= 30 * small


def test_a_million_operations():
    gradient = jacrs.grad(chain(500_000))(np.array([0.5, 0.25]))
    np.testing.assert_allclose(gradient, [4 / 3, 8 / 9], rtol=1e-12)


PER_NODE = """
import numpy as np
from jacrs._jacrs import Session

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def record(n):
    session = Session()
    session.open()
    x = session.argument(np.array([0.5, 0.25]), differentiable=True)
    a, b = x[0], x[1]
    y = a
    for _ in range(n):
        y = y * b + a
    session.close()
    return session

record(1000)
before = resident()
kept = record(1_000_000)
print((resident() - before) / 2_000_000)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_of_a_node():
    """Two million nodes, 64 bytes each at most, and some room for what else a process does."""
    command = [sys.executable, "-c", PER_NODE]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(out.stdout) <= 72
