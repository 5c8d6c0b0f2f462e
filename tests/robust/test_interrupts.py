"""Ctrl-C: whatever is under way ends soon, gives its memory back, and the next call works."""

import signal
import sys

import pytest

from tests.robust.processes import run

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="needs a timer of the system's"
)

PRELUDE = """
import gc, resource, signal, time
import numpy as np
import jacrs
from jacrs import _jacrs

def chain(n):
    def f(x):
        y = x[0]
        for _ in range(n):
            y = y * x[1] + x[0]
        return y
    return f

def stop(number, frame):
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, stop)

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def interrupted(work, after):
    '''Run work and interrupt it; return the seconds that it went on.'''
    # Again after a second: Python ignores what a handler raises in a finalizer.
    signal.setitimer(signal.ITIMER_REAL, after, 1.0)
    start = time.perf_counter()
    try:
        while True:
            work()
    except KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, 0)
        waited = time.perf_counter() - start - after
    assert not _jacrs.is_recording()
    assert jacrs.grad(lambda x: x * x)(3.0) == 6.0
    return waited
"""

# Seconds, on a machine that does other things as well: what goes on without looking takes longer.
SOON = 5.0

WORK = {
    "a long recording": "lambda: jacrs.grad(chain(10**8))(np.array([0.5, 0.25]))",
    "a long Jacobian": "lambda: jacrs.jacobian(network)(np.linspace(0.0, 1.0, 1500))",
    "a long plan": "lambda: jacrs.grad(waves)(big)",
    "a value on demand": "lambda: jacrs.grad(branching)(big)",
    "an inner derivative": "lambda: jacrs.grad(inner)(big)",
}


@pytest.mark.parametrize("work", WORK)
def test_work_ends_soon(work):
    out = run(
        PRELUDE
        + f"""
matrix = np.random.default_rng(0).normal(size=(1500, 1500)) / 39
big = np.random.default_rng(0).normal(size=2_000_000)

def network(x):
    for _ in range(40):
        x = np.tanh(matrix @ x)
    return x

def waves(x):
    for _ in range(60):
        x = np.sin(x) * x
    return x.sum()

def branching(x):
    for _ in range(60):
        x = np.sin(x) * x
    return x.sum() if x.sum() > 0 else 2 * x.sum()

def inner(x):
    return np.sum(jacrs.grad(waves)(x))

print(interrupted({WORK[work]}, 0.4))
"""
    )
    assert float(out) < SOON


def test_planning_ends_soon():
    """Planning two million nodes takes seconds; it is interrupted at several times."""
    out = run(
        PRELUDE
        + """
from jacrs._jacrs import Session

x = np.array([0.5, 0.25])
session = Session()
session.open()
source = session.argument(x, differentiable=True)
y = chain(1_000_000)(source)
session.close()
waits = []
for after in (0.1, 0.4, 0.8, 1.2):
    waits.append(interrupted(lambda: (session.pullback([y], [source]), 1 / 0), after))
print(max(waits))
"""
    )
    assert float(out) < SOON


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_comes_back():
    out = run(
        PRELUDE
        + """
matrix = np.random.default_rng(0).normal(size=(1200, 1200)) / 35

def network(x):
    for _ in range(40):
        x = np.tanh(matrix @ x)
    return x

x = np.linspace(0.0, 1.0, 1200)
work = lambda: jacrs.jacobian(network)(x)
for _ in range(3):
    interrupted(work, 0.2)
gc.collect()
before = resident()
for _ in range(16):
    interrupted(work, 0.2)
gc.collect()
print(resident() - before)
"""
    )
    # One Jacobian is 11.5 MB: sixteen that stay would be 184.
    assert int(out) < 100_000_000
