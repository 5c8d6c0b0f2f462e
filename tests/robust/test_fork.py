"""Processes: a child has threads of its own, whatever its parent did when it was made."""

import os
import sys

import pytest

from tests.robust.processes import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

PRELUDE = """
import os, sys, threading, time
import numpy as np
import jacrs

MATRIX = np.random.default_rng(0).normal(size=(300, 300)) / 17
X = np.linspace(0.0, 1.0, 300)

def f(x):
    for _ in range(3):
        x = np.tanh(MATRIX @ x)
    return x

def work(shift=0.0):
    return jacrs.jacobian(f)(X + shift).tobytes()

def in_child(action):
    '''Run it in a child; tell whether it was true there. A child that hangs is killed.'''
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if action() else 3)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(4)
    for _ in range(3000):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.01)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return False
"""


def test_children_and_their_children():
    run(
        PRELUDE
        + """
jacrs.set_num_threads(3)
right = work()
assert in_child(lambda: work() == right and in_child(lambda: work() == right))
assert work() == right
"""
    )


def test_fork_while_threads_are_in_calls():
    run(
        PRELUDE
        + """
jacrs.set_num_threads(3)
right = work()
stop = threading.Event()

def loop():
    while not stop.is_set():
        work(np.random.default_rng().random())

threads = [threading.Thread(target=loop) for _ in range(3)]
for thread in threads:
    thread.start()
try:
    assert all(in_child(lambda: work() == right) for _ in range(15))
finally:
    stop.set()
for thread in threads:
    thread.join()
assert work() == right
"""
    )


def test_fork_inside_a_recording():
    """The child goes on recording, as the parent does."""
    run(
        PRELUDE
        + """
def record(x):
    y = np.sum(np.sin(x) * x)
    def action():
        with jacrs.Tape() as tape:   # joins the recording
            t = tape.watch(2.0)
            slope = tape.gradient(t * t, t)
        return float(jacrs.stop_gradient(slope)) == 4.0
    assert in_child(action)
    return y

np.testing.assert_allclose(jacrs.grad(record)(X), np.cos(X) * X + np.sin(X))
def whole(x):
    children.append(os.fork())
    return np.sum(np.sin(x) * x)

children = []
gradient = jacrs.grad(whole)(X)
np.testing.assert_allclose(gradient, np.cos(X) * X + np.sin(X))
if children[0] == 0:
    os._exit(0)
assert os.waitpid(children[0], 0)[1] == 0
"""
    )


def test_fork_in_a_signal_handler_during_a_run():
    """The child has only the thread that forked: its run ends with an error, its next one works."""
    run(
        PRELUDE
        + """
import signal

jacrs.set_num_threads(4)
big = np.random.default_rng(1).normal(size=(900, 900)) / 30

def long(x):
    for _ in range(15):
        x = np.tanh(big @ x)
    return x

x = np.linspace(0.0, 1.0, 900)
right = work()
parent = os.getpid()
children = []

def handler(number, frame):
    if os.getpid() == parent and len(children) < 3:
        children.append(os.fork())

signal.signal(signal.SIGALRM, handler)
for _ in range(50):
    signal.setitimer(signal.ITIMER_REAL, 0.03)
    try:
        jacrs.jacobian(long)(x)
    except jacrs.JacrsError as error:
        assert os.getpid() != parent and "forked" in str(error), error
    if os.getpid() != parent:
        os._exit(0 if work() == right else 3)
    if len(children) == 3:
        break
signal.setitimer(signal.ITIMER_REAL, 0)
for child in children:
    for _ in range(3000):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.01)
    else:
        os.kill(child, 9)
        raise AssertionError("a child hangs")
    assert status == 0, status
assert children
"""
    )


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_multiprocessing(method, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        PRELUDE
        + f"""
import multiprocessing

def digest(k):
    return work(k).hex()

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    right = [digest(k) for k in range(4)]
    with context.Pool(2) as pool:
        assert pool.map(digest, range(4)) == right
"""
    )
    source = f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')"
    if method == "fork":
        run(source)
        return
    # The children import the program under its own name.
    run(
        f"import subprocess, sys; subprocess.run([sys.executable, {str(program)!r}], check=True)",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
