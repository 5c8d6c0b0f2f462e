"""A dense Hessian whose matrix is tridiagonal."""

import numpy as np

from benches.problems import rosenbrock_gradient

DERIVATIVE = "hessian"
SIZES = {"n = 100": (100,)}
SMALL = (6,)
TOLERANCE = 1e-13


def function(x):
    """Return Rosenbrock's valley in n dimensions."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


inputs = rosenbrock_gradient.inputs
symbolic = rosenbrock_gradient.symbolic


def reference(x):
    """Return the Hessian, by hand."""
    n = x.size
    diagonal = np.zeros(n)
    diagonal[:-1] = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    diagonal[1:] += 200
    beside = -400 * x[:-1]
    return np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)


def operations(n):
    """Count the operations of a least program."""
    return 6 * n
