"""GradBench's det: the gradient of a determinant by recursive expansion along the first row."""

import numpy as np

DERIVATIVE = "grad"
SIZES = {"5 x 5": (5,), "7 x 7": (7,), "9 x 9": (9,)}
SMALL = (4,)
TOLERANCE = 1e-9


def function(x, side):
    """Return the determinant of the matrix whose rows follow each other in `x`."""
    return minor(x, side, 0, list(range(side)))


def minor(x, side, row, columns):
    """Return the determinant of the lower rows and some of the columns."""
    if len(columns) == 1:
        return x[row * side + columns[0]]
    total = 0.0
    for place, column in enumerate(columns):
        others = columns[:place] + columns[place + 1 :]
        term = x[row * side + column] * minor(x, side, row + 1, others)
        total = total + term if place % 2 == 0 else total - term
    return total


def inputs(side):
    """Return the entries, and the number of rows."""
    return np.random.default_rng(31337).uniform(size=side * side), side


def symbolic(_casadi, x, side):
    """Return the same for CasADi: its scalars go through the recursion."""
    return function(x, side)


def reference(x, side):
    """Return the gradient, by hand: the cofactors."""
    A = x.reshape(side, side)
    return (np.linalg.det(A) * np.linalg.inv(A).T).ravel()


def operations(side):
    """Count the operations of a least program: each minor of some columns once, and its sweep."""
    return 6 * side * 2 ** (side - 1)
