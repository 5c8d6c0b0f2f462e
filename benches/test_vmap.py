"""A small function mapped over many lanes, against NumPy code vectorised by hand, and a loop."""

import numpy as np
import pytest

import jacrs

LANES = [100, 100_000]
TITLE = "vmap: a function of three numbers, in lanes"
COLUMNS = ("lanes", "what", "median us", "ns per lane")


def wave(x):
    return np.sin(x[0]) * np.exp(-(x[1] ** 2)) + x[0] * x[2]


def waves(x):
    """Return `wave` of each row."""
    return np.sin(x[:, 0]) * np.exp(-(x[:, 1] ** 2)) + x[:, 0] * x[:, 2]


def slopes(x):
    """Return the gradient of `wave` at each row, by hand."""
    bell = np.exp(-(x[:, 1] ** 2))
    first = np.cos(x[:, 0]) * bell + x[:, 2]
    return np.stack([first, -2 * x[:, 1] * bell * np.sin(x[:, 0]), x[:, 0]], axis=1)


CASES = {
    "NumPy, f by hand": (waves, waves),
    "vmap(f)": (jacrs.vmap(wave), waves),
    "loop over f": (lambda x: np.array([wave(row) for row in x]), waves),
    "NumPy, gradient by hand": (slopes, slopes),
    "vmap(grad(f))": (jacrs.vmap(jacrs.grad(wave)), slopes),
    "loop over grad(f)": (lambda x: np.stack([jacrs.grad(wave)(row) for row in x]), slopes),
}


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("what", CASES)
def test_lanes(what, lanes, benchmark, table):
    f, reference = CASES[what]
    x = np.random.default_rng(0).normal(size=(lanes, 3))
    np.testing.assert_allclose(f(x), reference(x), rtol=1e-13, atol=1e-13)
    benchmark.group = f"{lanes} lanes"
    benchmark(f, x)
    median = benchmark.stats.stats.median
    table(TITLE, COLUMNS, (str(lanes), what, f"{median * 1e6:.1f}", f"{median * 1e9 / lanes:.1f}"))
