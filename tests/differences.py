"""Derivatives by finite differences, good to about ten digits: the answer to compare with."""

import numpy as np


def richardson_jacobian(f, x, step=0.02, levels=6):
    """Return the Jacobian of `f` at the array `x`, of shape `f(x).shape + x.shape`."""
    return jacobian_and_error(f, x, step, levels)[0]


def jacobian_and_error(f, x, step=0.02, levels=6):
    """Return the Jacobian of `f` at the array `x`, and how wrong each of its elements may be.

    Central differences have an error in even powers of the step. Halving it `levels` times and
    extrapolating removes them one by one; for every element the entry of the table wins that
    agrees best with its neighbours. Near a kink or a jump nothing agrees.
    """
    x = np.asarray(x, dtype=np.float64)
    y = np.asarray(f(x), dtype=np.float64)
    found = np.zeros((2, *y.shape, x.size))
    for column, place in enumerate(np.ndindex(x.shape)):
        direction = np.zeros(x.shape)
        direction[place] = 1.0
        found[0, ..., column], found[1, ..., column] = _along(f, x, direction, step, levels)
    jacobian, error = found.reshape(2, *y.shape, *x.shape)
    return jacobian, error


def _along(f, x, direction, step, levels):
    previous, best, error = [], None, np.inf
    for level in range(levels):
        h = step / 2**level
        plus, minus = (np.asarray(f(x + s * direction), dtype=np.float64) for s in (h, -h))
        row = [(plus - minus) / (2 * h)]
        best = row[0] if best is None else best
        for order, coarse in enumerate(previous, 1):
            row.append(row[-1] + (row[-1] - coarse) / (4**order - 1))
            moved = np.maximum(np.abs(row[-1] - row[-2]), np.abs(row[-1] - coarse))
            best = np.where(moved < error, row[-1], best)
            error = np.fmin(moved, error)
        previous = row
    return best, error
