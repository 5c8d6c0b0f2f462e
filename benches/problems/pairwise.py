"""The dense Jacobian of sums over all pairs: through intermediates of n x n numbers each."""

import numpy as np

DERIVATIVE = "jacobian"
SIZES = {"n = 400": (400,)}
SMALL = (7,)
TOLERANCE = 1e-12
CASADI_SYMBOL = "MX"


def function(x):
    """Return the force on each point: one that falls off with the distance."""
    d = x[:, None] - x[None, :]
    return np.sum(d * np.exp(-d * d), axis=1)


def inputs(n):
    """Return the points."""
    return (np.random.default_rng(2).normal(size=n),)


def symbolic(casadi, x):
    """Return the same for CasADi."""
    n = x.shape[0]
    d = casadi.repmat(x, 1, n) - casadi.repmat(x.T, n, 1)
    return casadi.sum2(d * casadi.exp(-d * d))


def reference(x):
    """Return the Jacobian, by hand: g'(d) = (1 - 2 d^2) exp(-d^2) for each pair."""
    d = x[:, None] - x[None, :]
    slope = (1 - 2 * d * d) * np.exp(-d * d)
    return np.diag(np.sum(slope, axis=1)) - slope


def operations(n):
    """Count the operations of a least program: the slope is even, so half of the pairs do."""
    return 6 * n**2 // 2 + n**2
