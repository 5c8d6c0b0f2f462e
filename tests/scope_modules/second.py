"""Another module of the user's."""

# ruff: noqa: PLW0603 - this is what users write

import numpy as np

from . import nested

CONSTANT = 4.0
SEEN = 0


def helper(x):
    global SEEN
    SEEN += 1
    y = np.zeros(3)
    y[1] = CONSTANT * x[0]
    return y + nested.deep(x)
