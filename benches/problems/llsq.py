"""GradBench's llsq: the gradient of a least-squares fit of a polynomial to the sign function."""

import numpy as np

DERIVATIVE = "grad"
SIZES = {"n = 1024, m = 128": (1024, 128), "n = 8196, m = 128": (8196, 128)}
SMALL = (10, 3)
TOLERANCE = 1e-10


def function(x, n):
    """Return half the sum of squared residuals at `n` points of [-1, 1]."""
    t = np.linspace(-1.0, 1.0, n)
    powers = t[:, None] ** np.arange(x.size)
    return 0.5 * np.sum((np.sign(t) - powers @ x) ** 2)


def inputs(n, m):
    """Return the coefficients and the number of points."""
    return np.random.default_rng(31337).uniform(size=m), n


def reference(x, n):
    """Return the gradient, by hand: the normal equations."""
    t = np.linspace(-1, 1, n)
    powers = np.vander(t, x.size, increasing=True)
    return powers.T @ (powers @ x - np.sign(t))


def operations(n, m):
    """Count the operations of a least program: powers once, and two products with them."""
    return 5 * n * m
