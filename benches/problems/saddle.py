"""GradBench's saddle: a minimum over x of a maximum over y, each by descent; nested derivatives.

Pearlmutter and Siskind, "Using programming language theory to make automatic differentiation sound
and efficient" (2008).
"""

import numpy as np

from benches.problems.descent import argmin

DERIVATIVE = "nested"
SIZES = {"to the end": (10_000,)}
SMALL = (25,)
TOLERANCE = 1e-6


def function(start, steps, derive):
    """Return the saddle point; `derive` is the tool's transform, used inside of itself."""

    def worst(x):
        return argmin(lambda y: -height(x, y), derive(lambda y: -height(x, y)), start, steps)

    def highest(x):
        return height(x, worst(x))

    best = argmin(highest, derive(highest), start, steps)
    return np.concatenate([best, worst(best)])


def height(x, y):
    """Return the surface."""
    return np.sum(x**2) - np.sum(y**2)


def inputs(steps):
    """Return where both descents start, and how many steps they may take."""
    return np.array([1.0, 1.0]), steps


def reference(start, steps):
    """Return the point, with slopes by hand: what is worst in y does not depend on x."""
    worst = argmin(lambda y: np.sum(y**2), lambda y: 2 * y, start, steps)
    best = argmin(lambda x: height(x, worst), lambda x: 2 * x, start, steps)
    return np.concatenate([best, worst])
