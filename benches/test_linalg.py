"""Gradients of linear algebra against NumPy's plain value: how many values a gradient costs."""

import time

import numpy as np
import pytest

import jacrs

SIZES = {"3, 10000 of them": (10_000, 3), "100": (1, 100), "500": (1, 500)}
TITLE = "linear algebra: median of a call"
COLUMNS = ("function", "size", "NumPy us", "gradient us", "ratio")


def points(count, n):
    x = np.random.default_rng(0).normal(size=(count, n, n))
    return x @ np.swapaxes(x, -1, -2) / n + np.eye(n)


FUNCTIONS = {
    "solve": lambda x: np.sum(np.linalg.solve(x, np.ones((x.shape[-1], 1)))),
    "log det": lambda x: np.sum(np.linalg.slogdet(x)[1]),
    "cholesky": lambda x: np.sum(np.linalg.cholesky(x)),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradient(name, size, benchmark, table):
    function, x = FUNCTIONS[name], points(*SIZES[size])
    gradient = jacrs.grad(function)
    direction = np.random.default_rng(1).normal(size=x.shape)
    step = 1e-6
    moved = [function(x + h * direction) for h in (step, -step)]
    slope = (moved[0] - moved[1]) / (2 * step)
    assert np.sum(gradient(x) * direction) == pytest.approx(slope, rel=1e-4, abs=1e-4)

    benchmark.group = f"{name}, {size}"
    benchmark(gradient, x)
    ours = benchmark.stats.stats.median * 1e6
    plain = median(function, x)
    table(TITLE, COLUMNS, (name, size, f"{plain:.1f}", f"{ours:.1f}", f"{ours / plain:.1f}"))


def median(function, x):
    """Time the value in the same way; in microseconds."""
    times = []
    for _ in range(30):
        start = time.perf_counter()
        function(x)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e6
