"""The smallest useful Jacobian: what a call costs when there is nothing to compute."""

import numpy as np

DERIVATIVE = "jacobian"
SIZES = {"n = 3": ()}
SMALL = ()
TOLERANCE = 1e-15


def function(x):
    """Square each entry."""
    return x**2


def inputs():
    """Return the input."""
    return (np.array([1.0, -2.0, 3.0]),)


def symbolic(_casadi, x):
    """Return the same for CasADi."""
    return x**2


def reference(x):
    """Return the Jacobian, by hand."""
    return np.diag(2 * x)


def operations():
    """Count the operations of a least program."""
    return 3
