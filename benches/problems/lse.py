"""GradBench's lse: the gradient of the logarithm of a sum of exponentials."""

import numpy as np

DERIVATIVE = "grad"
SIZES = {"n = 10 000": (10_000,), "n = 160 000": (160_000,)}
SMALL = (7,)
TOLERANCE = 1e-10  # the slope through `top` cancels: an error of 1e-16, and entries of 1e-5


def function(x):
    """Return log(sum(exp(x))), shifted so that nothing overflows."""
    top = np.max(x)
    return np.log(np.sum(np.exp(x - top))) + top


def inputs(n):
    """Return the numbers."""
    return (np.random.default_rng(31337).uniform(size=n),)


def reference(x):
    """Return the gradient, by hand: the softmax."""
    weights = np.exp(x - x.max())
    return weights / weights.sum()


def operations(n):
    """Count the operations of a least program."""
    return 4 * n
