"""Ctrl-C: whatever is under way ends soon, gives its memory back, and the next call works.

Timers and clocks are of processor time, so that other work on the machine does not count.
"""

import signal
import sys

import pytest

from tests.robust.processes import run

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="needs a timer of the system's"
)

PRELUDE = """
import gc, signal, time
import numpy as np
import jacrs
from jacrs import _jacrs

jacrs.set_num_threads(1)   # several would use several seconds of the processors a second

def chain(n):
    def f(x):
        a, b = x[0], x[1]
        y = a
        for _ in range(n):
            y = y * b + a
        return y
    return f

def stop(number, frame):
    raise KeyboardInterrupt

signal.signal(signal.SIGPROF, stop)

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def interrupted(work, after):
    '''Run work and interrupt it; return the seconds that it went on.'''
    # Again after a second: Python ignores what a handler raises in a finalizer.
    signal.setitimer(signal.ITIMER_PROF, after, 1.0)
    start = time.process_time()
    try:
        while True:
            work()
    except KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_PROF, 0)
        waited = time.process_time() - start - after
    assert not _jacrs.is_recording()
    assert jacrs.grad(lambda x: x * x)(3.0) == 6.0
    return waited
"""

SOON = 0.2  # seconds of the processor between the signal and the exception

SETUP = """
rng = np.random.default_rng(0)
pair = np.array([0.5, 0.25])
big = rng.normal(size=4_000_000)
places = rng.integers(0, big.size, big.size)
square = rng.normal(size=(2500, 2500)) / 50
some = big[:100_000]
small = rng.normal(size=(20_000, 8, 8)) + 8 * np.eye(8)
middle = rng.normal(size=(200, 120, 120)) + 20 * np.eye(120)

def value(f, x=big):
    return lambda: jacrs.vjp(f, x)

def network(x):
    for _ in range(40):
        x = np.tanh(square @ x)
    return x

def waves(x):
    for _ in range(60):
        x = np.sin(x) * x
    return x.sum()

def branching(x):
    return waves(x) if waves(x) > 0 else 2 * waves(x)

def filled(x):
    y = np.zeros(100_000)
    for i in range(100_000):
        y[i] = x[i] * 2
    return y.sum()
"""

WORK = {
    "a recording": "lambda: jacrs.grad(chain(10**8))(pair)",
    "a recording of writes": "lambda: jacrs.grad(filled)(big)",
    "a Jacobian": "lambda: jacrs.jacobian(network)(big[:2500])",
    "a gradient": "lambda: jacrs.grad(waves)(big)",
    "an inner derivative": "lambda: jacrs.grad(lambda x: np.sum(jacrs.grad(waves)(x)))(big)",
    "a Hessian": "lambda: jacrs.hessian(lambda x: np.sum(np.exp(x) * (x @ x)))(big[:3000])",
    "examples": "lambda: jacrs.vmap(jacrs.grad(waves))(big.reshape(-1, 10))",
    "long examples": "lambda: jacrs.vmap(chain(100_000))(big[:200].reshape(-1, 2))",
    "a value on demand": "lambda: jacrs.grad(branching)(big)",
    "numbers on demand": "lambda: jacrs.grad(lambda x: abs(chain(300_000)(x)))(pair)",
    "a mask": "value(lambda x: x[np.exp(np.sin(x)) > 1])",
    "an index": "value(lambda x: x[np.argsort(np.exp(x))])",
    "a search": "value(lambda x: np.interp(x, np.linspace(-1, 1, 100), np.ones(100)))",
    "a sort": "value(np.sort)",
    "a scan": "value(np.cumprod)",
    "a sum": "value(lambda x: np.sum(np.exp(x)))",
    "a gather": "value(lambda x: x[places])",
    "a transposition": "value(lambda x: x.reshape(1000, -1).T.copy())",
    "a product": "value(lambda x: x @ x, square)",
    "small systems": "value(lambda x: np.linalg.solve(x, np.ones((8, 1))), small)",
    "small determinants": "lambda: jacrs.vjp(np.linalg.det, small)[1](np.ones(20_000))",
    "singular values": "value(lambda x: np.linalg.svd(x)[1], middle)",
    "eigenvalues": "value(lambda x: np.linalg.eigh(x)[0], middle)",
    "pseudoinverses": "value(np.linalg.pinv, middle)",
    "a linear map": "(lambda J: lambda: J @ big)(jacrs.linearize(np.cumsum, big)[1])",
    "products": "(lambda J: lambda: J @ np.ones((10**5, 99)))(jacrs.linearize(np.exp, some)[1])",
}


@pytest.mark.parametrize("work", WORK)
def test_work_ends_soon(work):
    out = run(
        PRELUDE + SETUP + f"work = {WORK[work]}\n"
        "print(*(interrupted(work, after) for after in (0.05, 0.15, 0.35, 0.6)))"
    )
    assert max(map(float, out.split())) < SOON, out


PLANS = {
    "values": "session.run_values([y])",
    "jvp": "session.run_jvp([y], [source], [x])",
    "vjp": "session.run_vjp([y], [source], [np.ones(())])",
    "pullback": "session.pullback([y], [source])",
    "Jacobian": "session.run_jacobian([y], [source], None)",
    "linear map": "session.linear_map([y], [source], [0])",
}


@pytest.mark.parametrize("plan", PLANS)
def test_planning_ends_soon(plan):
    """Planning a million nodes takes seconds; it is interrupted at several times."""
    out = run(
        PRELUDE
        + f"""
from jacrs._jacrs import Session

x = np.array([0.5, 0.25])
session = Session()
session.open()
source = session.argument(x, differentiable=True)
y = chain(500_000)(source)
session.close()

def work():
    {PLANS[plan]}
    raise KeyboardInterrupt  # done already: the last of several times

print(*(interrupted(work, after) for after in (0.05, 0.15, 0.3, 0.5, 0.8)))
"""
    )
    waits = list(map(float, out.split()))
    assert waits[0] > -0.05, "planned too fast to be interrupted"
    assert max(waits) < SOON, out


def test_threads_end_with_their_caller():
    """The caller may wait for the others: it looks for signals meanwhile, and they end as well."""
    out = run(
        PRELUDE
        + """
import signal, threading
jacrs.set_num_threads(4)
stack = np.random.default_rng(0).normal(size=(12, 300, 300)) / 17

def f(x):
    for _ in range(30):
        x = np.tanh(stack @ x)
    return x

print(interrupted(lambda: jacrs.jacobian(f)(np.ones((12, 300, 1)) / 9), 0.5))
"""
    )
    assert float(out) < 4 * SOON


def test_a_caught_interrupt_ends_the_call_all_the_same():
    """It may have struck in the middle of an operation: what was recorded is not all there."""
    run(
        PRELUDE
        + SETUP
        + """
def f(x):
    try:
        bool(np.sum(np.sort(x) * np.sort(-x)) > 0)   # computed at once
    except KeyboardInterrupt:
        caught.append(True)
    return np.sum(x)

caught = []
signal.setitimer(signal.ITIMER_PROF, 0.2)
try:
    jacrs.grad(f)(big)
except KeyboardInterrupt as error:
    assert error.__notes__ == [
        "the recorded function caught this error, which ended an operation in the middle of being "
        "recorded"
    ]
else:
    raise AssertionError
assert caught
assert jacrs.grad(lambda x: x * x)(3.0) == 6.0
"""
    )


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
for _ in range(8):  # the allocator takes what it keeps
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
