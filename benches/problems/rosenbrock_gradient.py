"""The gradient of a long vector's scalar: slices, powers and one sum."""

import numpy as np

DERIVATIVE = "grad"
SIZES = {"n = 20 000": (20_000,)}
SMALL = (7,)
TOLERANCE = 1e-13


def function(x):
    """Return Rosenbrock's valley in n dimensions."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def inputs(n):
    """Return the input: numbers around the minimum."""
    return (1 + 0.3 * np.sin(np.arange(n)),)


def symbolic(casadi, x):
    """Return the same for CasADi."""
    return casadi.sum1(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def reference(x):
    """Return the gradient, by hand."""
    valley = x[1:] - x[:-1] ** 2
    gradient = np.zeros_like(x)
    gradient[:-1] = -400 * x[:-1] * valley - 2 * (1 - x[:-1])
    gradient[1:] += 200 * valley
    return gradient


def operations(n):
    """Count the operations of a least program."""
    return 9 * n
