"""Parts of a Jacobian and products with it, against the same taken from the dense Jacobian."""

import timeit

import numpy as np
import pytest

import jacrs

TITLE = "linearize: median of a call"
COLUMNS = ("part", "n", "lazy us", "dense us")
SIZES = (100, 1_000)
VECTOR = np.random.default_rng(3).normal(size=max(SIZES))


def diffusion(u):
    """Return the rate of a nonlinear diffusion on a line."""
    flux = np.exp(0.5 * (u[1:] + u[:-1])) * np.diff(u)
    return np.concatenate([flux[:1], np.diff(flux), -flux[-1:]])


# Of a matrix, lazy or dense.
PARTS = {
    "J[i, j]": lambda J: J[len(J) // 2, len(J) // 2 - 1],
    "J[i]": lambda J: J[len(J) // 2],
    "J[:, j]": lambda J: J[:, 3],
    "J @ u": lambda J: J @ VECTOR[: len(J)],
    "v @ J": lambda J: VECTOR[: len(J)] @ J,
    "J.diagonal()": lambda J: J.diagonal(),
    "np.asarray(J)": np.asarray,
}


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("part", PARTS)
def test_part(part, n, benchmark, table):
    take = PARTS[part]
    x = np.linspace(0.0, 1.0, n)
    _, J = jacrs.linearize(diffusion, x)
    jacobian = jacrs.jacobian(diffusion)
    np.testing.assert_allclose(take(J), take(jacobian(x)), rtol=1e-11, atol=1e-11)

    dense = median_of(lambda: take(jacobian(x)))
    benchmark(take, J)
    median = benchmark.stats.stats.median * 1e6
    table(TITLE, COLUMNS, (part, str(n), f"{median:.1f}", f"{dense:.1f}"))


def median_of(call, times=7):
    """Return the median time of a call, in microseconds."""
    return float(np.median(timeit.repeat(call, number=1, repeat=times))) * 1e6
