"""Threads: plans, pullbacks, tapes and recordings that are shared, or ended by another thread."""

import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import jacrs
from jacrs import _jacrs
from jacrs._jacrs import Session
from tests.robust.processes import run

X = np.linspace(0.2, 1.4, 64)


def model(x):
    return np.cumsum(np.tanh(x) * x[::-1]) * np.sum(np.exp(-x))


@pytest.fixture
def threads():
    before = jacrs.num_threads()
    yield jacrs.set_num_threads
    jacrs.set_num_threads(before)


def test_the_number_of_threads_changes_during_runs(threads):
    """Results are those of any number."""
    right = [jacrs.jacobian(model)(X + k).tobytes() for k in range(4)]
    stop = threading.Event()

    def change():
        k = 0
        while not stop.is_set():
            threads(1 + k % 4)
            k += 1
            time.sleep(0)

    with ThreadPoolExecutor(5) as pool:
        changing = pool.submit(change)
        try:
            jobs = [pool.submit(jacrs.jacobian(model), X + k % 4) for k in range(80)]
            found = [job.result(120).tobytes() for job in jobs]
        finally:
            stop.set()
        changing.result(120)
    assert found == [right[k % 4] for k in range(80)]


def test_a_tape_is_asked_by_many_threads():
    with jacrs.Tape() as tape:
        x = tape.watch(X)
        y = model(x)
    right = tape.jacobian(y, x).tobytes()
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(tape.jacobian, y, x) for _ in range(40)]
        assert {job.result(120).tobytes() for job in jobs} == {right}
        values = [pool.submit(tape.value, y) for _ in range(40)]
        assert len({job.result(120).tobytes() for job in values}) == 1


def test_executors_in_a_recorded_function():
    """What threads of the function's own compute is theirs; it is no part of the recording."""

    def f(x):
        with ThreadPoolExecutor(4) as pool:
            inner = list(pool.map(jacrs.grad(lambda t: t**3), [1.0, 2.0, 3.0]))
        return np.sum(x * sum(inner))

    np.testing.assert_array_equal(jacrs.grad(f)(X), np.full(64, 42.0))


ELSEWHERE = "a recording ends in the thread in which it began"


def in_thread(action):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(action).result(120)


def test_closing_in_another_thread():
    """It is refused, and takes no recording away, neither here nor there."""
    session = Session()
    session.open()
    x = session.argument(X, differentiable=True)

    def action():
        other = Session()
        other.open()
        y = other.argument(X, differentiable=True)
        with pytest.raises(jacrs.TraceError, match=ELSEWHERE):
            session.close()
        total = np.sum(y * y)
        other.close()
        return other.run_vjp([total], [y], [1.0])[1][0]

    np.testing.assert_array_equal(in_thread(action), 2 * X)
    total = np.sum(x * x)
    session.close()
    np.testing.assert_array_equal(session.run_vjp([total], [x], [1.0])[1][0], 2 * X)
    assert not _jacrs.is_recording()


def test_leaving_a_tape_in_another_thread():
    tape = jacrs.Tape()
    tape.__enter__()
    with pytest.raises(jacrs.TraceError, match=ELSEWHERE):
        in_thread(lambda: tape.__exit__(None, None, None))
    assert _jacrs.is_recording()
    tape._session.close()
    assert not _jacrs.is_recording()


def test_an_abandoned_recording_ends():
    """As a tape that is entered and lost, or whose generator ends in another thread."""
    tape = jacrs.Tape()
    tape.__enter__()
    tape.watch(1.0)
    del tape
    gc.collect()
    assert not _jacrs.is_recording()
    assert jacrs.grad(lambda x: x * x)(3.0) == 6.0

    def items():
        with jacrs.Tape() as tape:
            yield tape.watch(1.0)

    generator = items()
    next(generator)
    with pytest.raises(jacrs.TraceError, match=ELSEWHERE):
        in_thread(generator.close)
    del generator
    gc.collect()
    assert not _jacrs.is_recording()


def test_a_session_is_opened_twice_by_two_threads():
    """Both get an error or a recording; nobody waits for a lock that an error is made under."""
    for _ in range(50):
        session = Session()

        def use(session=session):
            try:
                session.open()
            except jacrs.InternalError:
                return 0
            try:
                session.check()
            finally:
                session.close()
            return 1

        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(use) for _ in range(4)]
            assert sum(job.result(120) for job in jobs) == 1


@pytest.mark.parametrize("joined", [False, True])
def test_the_interpreter_ends_while_threads_are_in_calls(joined):
    run(
        f"""
        import threading, time
        import numpy as np
        import jacrs

        matrix = np.random.default_rng(0).normal(size=(500, 500)) / 23

        def f(x):
            for _ in range(20):
                x = np.tanh(matrix @ x)
            return x

        started = threading.Event()

        def loop():
            jacrs.grad(lambda x: x)(1.0)
            started.set()
            for _ in range({3 if joined else 10**6}):
                jacrs.jacobian(f)(np.linspace(0.0, 1.0, 500))

        threads = [threading.Thread(target=loop, daemon={not joined}) for _ in range(2)]
        for thread in threads:
            thread.start()
        started.wait()
        time.sleep(0.2)
        """
    )


def test_arguments_change_during_runs():
    """The numbers are unspecified then, and nothing else is."""
    run(
        """
        import threading
        import numpy as np
        import jacrs

        x = np.linspace(0.1, 1.0, 20_000)
        index = np.arange(20_000)
        stop = threading.Event()

        def change():
            rng = np.random.default_rng(0)
            while not stop.is_set():
                x[rng.integers(0, x.size, 100)] = rng.normal()
                index[rng.integers(0, x.size, 100)] = rng.integers(-(2**62), 2**62)

        def f(x):
            y = np.zeros(20_000)
            y[1:] = np.sort(x)[1:] * x[:-1]
            y[x > 0.5] *= 2.0
            return np.sum(y * np.exp(-x)) if x[0] > 0 else np.sum(x[np.argsort(x)] * y)

        def g(x):
            return np.sum(x[index] * x)

        thread = threading.Thread(target=change)
        thread.start()
        seen, errors = 0, 0
        try:
            for k in range(300):
                for function in (f, g):
                    try:
                        gradient = jacrs.grad(function)(x)
                    except (jacrs.JacrsError, IndexError) as error:
                        assert not isinstance(error, jacrs.errors.InternalError), error
                        errors += 1
                    else:
                        assert gradient.shape == x.shape
                        seen += 1
        finally:
            stop.set()
        thread.join()
        assert seen + errors == 600
        """
    )
