"""What running a recorded function costs, with nothing recorded in the timed part.

A pullback is a plan made once and run at every call, from a handful of elements (the cost of a
call) to a million (the cost of an element).
"""

import numpy as np
import pytest

import jacrs

SIZES = [10, 1000, 100_000, 1_000_000]
TITLE = "replay: a recorded elementwise function"
COLUMNS = ("size", "what", "median us", "ns per element")


def wave(x):
    return np.exp(-x * x) * np.sin(3 * x) + x


def slope(x):
    """Return the derivative of `wave`, by hand."""
    return np.exp(-x * x) * (3 * np.cos(3 * x) - 2 * x * np.sin(3 * x)) + 1


@pytest.mark.parametrize("size", SIZES)
def test_function_itself(size, benchmark, table):
    report(benchmark, table, size, "NumPy, f itself", wave, points(size))


@pytest.mark.parametrize("size", SIZES)
def test_slope_by_hand(size, benchmark, table):
    report(benchmark, table, size, "NumPy, slope by hand", slope, points(size))


@pytest.mark.parametrize("size", SIZES)
def test_pullback(size, benchmark, table):
    x, cotangent = points(size), np.cos(np.arange(size))
    y, pullback = jacrs.vjp(wave, x)
    np.testing.assert_allclose(y, wave(x), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(pullback(cotangent), cotangent * slope(x), rtol=1e-12, atol=1e-13)
    report(benchmark, table, size, "jacrs, pullback", pullback, cotangent)


@pytest.mark.parametrize("size", SIZES)
def test_recorded_jvp(size, benchmark, table):
    """Record as well: beside the pullback it shows what recording adds."""
    x, tangent = points(size), np.cos(np.arange(size))

    def product(x):
        return jacrs.jvp(wave, (x,), (tangent,))

    _, jv = product(x)
    np.testing.assert_allclose(jv, tangent * slope(x), rtol=1e-12, atol=1e-13)
    report(benchmark, table, size, "jacrs, recorded jvp", product, x)


@pytest.mark.parametrize("size", SIZES)
def test_compiled_gradient(size, benchmark, table):
    gradient = jacrs.compile(jacrs.grad(lambda x: np.sum(wave(x))))
    x = points(size)
    np.testing.assert_allclose(gradient(x), slope(x), rtol=1e-12, atol=1e-13)
    report(benchmark, table, size, "jacrs, compiled gradient", gradient, x)


def points(size):
    return np.linspace(-2, 2, size)


def report(benchmark, table, size, what, call, argument):
    """Time a call and add its row to the table."""
    benchmark.group = f"{size} elements"
    benchmark(call, argument)
    median = benchmark.stats.stats.median
    table(TITLE, COLUMNS, (str(size), what, f"{median * 1e6:.2f}", f"{median / size * 1e9:.2f}"))
