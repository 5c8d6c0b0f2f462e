"""Whole derivatives, NumPy in and fresh result out, against the hand-written derivative and peers.

`first` is the time to build the transform and call it once; the median is of later calls.
"""

import time

import numpy as np
import pytest

from benches import tools
from benches.problems import kinetics, rosenbrock_gradient, square

PROBLEMS = {
    "square": square,
    "kinetics": kinetics,
    "rosenbrock_gradient": rosenbrock_gradient,
}
TOOLS = tools.available()
TITLE = "derivatives: median of a call"
COLUMNS = ("problem", "tool", "median us", "first us")


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_derivative(problem, tool, benchmark, table):
    case = PROBLEMS[problem]
    x = case.point()
    start = time.perf_counter()
    derivative = TOOLS[tool](case.function, case.DERIVATIVE)
    result = derivative(x)
    first = time.perf_counter() - start
    np.testing.assert_allclose(result, case.reference(x), rtol=1e-12, atol=1e-12)

    benchmark.group = problem
    benchmark(derivative, x)
    table(TITLE, COLUMNS, (problem, tool, microseconds(benchmark), f"{first * 1e6:.0f}"))


@pytest.mark.parametrize("what", ["function", "reference"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_numpy(problem, what, benchmark, table):
    case = PROBLEMS[problem]
    benchmark.group = problem
    benchmark(getattr(case, what), case.point())
    name = {"function": "NumPy, f itself", "reference": "NumPy, by hand"}[what]
    table(TITLE, COLUMNS, (problem, name, microseconds(benchmark), "-"))


def microseconds(benchmark):
    return f"{benchmark.stats.stats.median * 1e6:.2f}"
