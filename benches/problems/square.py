"""The smallest useful Jacobian: what a call costs when there is nothing to compute."""

import numpy as np

DERIVATIVE = "jacobian"


def function(x):
    """Square each entry."""
    return x**2


def point():
    """Return the input."""
    return np.array([1.0, -2.0, 3.0])


def reference(x):
    """Return the Jacobian, by hand."""
    return np.diag(2 * x)
