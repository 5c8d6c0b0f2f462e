"""What second derivatives cost, in gradients: a product with the Hessian should be a few of them.

All record at every call, as the gradient does. `out=` is measured against a fresh result.
"""

import numpy as np
import pytest

import jacrs

SIZES = [10, 1000, 100_000]
TITLE = "second derivatives: cost in gradients"
COLUMNS = ("size", "what", "median us", "gradients")
gradients = {}


def chain(x):
    """Couple neighbours, cheaply enough that overheads show."""
    return np.sum(np.exp(-0.1 * x[1:] * x[:-1]) + np.sin(x[1:]) ** 2)


def hessian_times(x, u):
    """Return the product of the Hessian of `chain` with `u`, by hand."""
    a, b, s, t = x[1:], x[:-1], u[1:], u[:-1]
    e = np.exp(-0.1 * a * b)
    mixed = (0.01 * a * b - 0.1) * e
    result = np.zeros_like(x)
    result[1:] += 0.01 * b * b * e * s + mixed * t + 2 * np.cos(2 * a) * s
    result[:-1] += 0.01 * a * a * e * t + mixed * s
    return result


CALLS = {
    "gradient": lambda x, _: jacrs.grad(chain)(x),
    "hvp": lambda x, u: jacrs.hvp(chain, (x,), (u,))[0],
    "vhp": lambda x, u: jacrs.vhp(chain, (x,), (u,))[0],
}


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.parametrize("size", SIZES)
def test_products(size, what, benchmark, table):
    x, u = np.linspace(-2.0, 2.0, size), np.cos(np.arange(size))
    result = CALLS[what](x, u)
    if what != "gradient":
        np.testing.assert_allclose(result, hessian_times(x, u), rtol=1e-12, atol=1e-12)
    benchmark.group = f"second {size}"
    benchmark(CALLS[what], x, u)
    report(benchmark, table, size, what)


@pytest.mark.parametrize("size", [10, 300])
def test_value_gradient_and_hessian(size, benchmark, table):
    x = np.linspace(-2.0, 2.0, size)
    call = jacrs.value_grad_and_hessian(chain)
    np.testing.assert_array_equal(call(x)[2], jacrs.hessian(chain)(x))
    benchmark.group = f"second {size}"
    benchmark(call, x)
    report(benchmark, table, size, "value_grad_and_hessian")


@pytest.mark.parametrize("place", ["fresh", "out", "strided out"])
@pytest.mark.parametrize("size", [20, 1000])
def test_out(size, place, benchmark, table):
    x = np.linspace(-2.0, 2.0, size)
    call = jacrs.jacobian(lambda x: np.sin(x) * np.roll(x, 1))
    keywords = {} if place == "fresh" else {"out": np.zeros((size, size))}
    if place == "strided out":
        keywords = {"out": np.zeros((size, size)).T}
    np.testing.assert_array_equal(call(x, **keywords), call(x))
    benchmark.group = f"out {size}"
    benchmark(call, x, **keywords)
    report(benchmark, table, size, f"jacobian, {place}")


def report(benchmark, table, size, what):
    median = benchmark.stats.stats.median
    if what == "gradient":
        gradients[size] = median
    ratio = f"{median / gradients[size]:.2f}" if size in gradients else "-"
    table(TITLE, COLUMNS, (str(size), what, f"{median * 1e6:.1f}", ratio))
