"""What recording costs: the gradient of straight-line code, per line of that code.

The functions are generated, so that they have no loop to hide in; each line is one operation.
Later calls record again but find their plan ready; the first call makes the plan as well.
"""

import time

import numpy as np
import pytest

import jacrs
from benches import tools

OPERATIONS = ["a = b + c", "b = np.sin(a)", "c = b * d", "d = np.cos(a)"]  # stay within [-2, 2]
LINES = [20, 200, 2000, 20_000]
POINTS = {"scalars": np.linspace(0.1, 0.4, 4), "arrays": np.linspace(0.1, 0.9, 32).reshape(4, 8)}
TITLE = "recording: microseconds per line, gradient included"
COLUMNS = ("function", "tool", "NumPy itself", "later calls", "first call")

# JAX traces once and compiles for minutes at these lengths: its row would be of another kind.
TOOLS = [name for name in ("jacrs", "jacrs, compiled", "autograd") if name in tools.installed()]


def straight_line(lines):
    """Make a function of that many operations on the four rows of its argument."""
    body = [OPERATIONS[i % len(OPERATIONS)] for i in range(lines)]
    unpack = "a, b, c, d = x[0], x[1], x[2], x[3]"
    source = "\n    ".join(["def f(x):", unpack, *body, "return np.sum(a + b + c + d)"])
    namespace = {"np": np}
    exec(compile(source, f"<{lines} lines>", "exec"), namespace)
    return namespace["f"]


def by_complex_step(f, x, direction):
    """Return the derivative along `direction`, exact to rounding: sin and cos are holomorphic."""
    step = 1e-30
    return f(x + 1j * step * direction).imag / step


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("kind", POINTS)
@pytest.mark.parametrize("lines", LINES)
def test_recording(lines, kind, tool, benchmark, table):
    f, x = straight_line(lines), POINTS[kind]
    gradient = tools.TOOLS[tool].load()(tools.Task(f, "grad", (x,)))
    first, result = timed(gradient, x)
    direction = np.cos(np.arange(x.size)).reshape(x.shape)
    expected = by_complex_step(f, x, direction)
    np.testing.assert_allclose(np.sum(result * direction), expected, rtol=1e-9, atol=1e-12)

    benchmark.group = f"{lines} lines of {kind}"
    benchmark.pedantic(gradient, (x,), rounds=rounds(lines), warmup_rounds=1)
    itself = min(timed(f, x)[0] for _ in range(rounds(lines)))
    later = benchmark.stats.stats.median
    times = (f"{1e6 * seconds / lines:.3f}" for seconds in (itself, later, first))
    table(TITLE, COLUMNS, (f"{lines} lines of {kind}", tool, *times))


def rounds(lines):
    """Choose how often to run: about as many lines for each length."""
    return max(5, 40_000 // lines)


def timed(call, x):
    """Return the seconds of one call, and its result."""
    start = time.perf_counter()
    result = call(x)
    return time.perf_counter() - start, result


def loop(operations):
    """Make a function of that many scalar operations, in a loop."""

    def f(x):
        a, b, c = x[0], x[1], x[2]
        for _ in range(operations // 2):
            a = a * b + c
        return a

    return f


def test_first_call_of_a_loop(benchmark):
    x, operations = np.array([0.5, 0.9, 0.1]), iter(range(100_000, 200_000, 2))

    def first_call():  # each of another length, or the plan would be ready
        f = loop(next(operations))
        return f, jacrs.grad(f)(x)

    f, gradient = benchmark.pedantic(first_call, rounds=10)
    differences = [by_complex_step(f, x, direction) for direction in np.eye(3)]
    np.testing.assert_allclose(gradient, differences, rtol=1e-9, atol=1e-12)
