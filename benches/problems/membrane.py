"""The sparse Hessian of the area of a membrane that hangs in a frame."""

import numpy as np

DERIVATIVE = "sparse_hessian"
SIZES = {"n = 40 000": (200,)}
SMALL = (4,)
TOLERANCE = 1e-13


def function(x, side):
    """Return the area over a square, of triangles; the height is zero in the frame."""
    u = np.pad(x.reshape(side, side), 1)
    p, q = u[1:, :-1] - u[:-1, :-1], u[:-1, 1:] - u[:-1, :-1]
    return np.sum(np.sqrt((side + 1.0) ** -2 + p * p + q * q))


def inputs(side):
    """Return heights on the grid, and its side."""
    return np.random.default_rng(8).uniform(size=side * side) / side, side


def symbolic(casadi, x, side):
    """Return the same for CasADi."""
    inner = casadi.reshape(x, side, side)
    row, column = casadi.SX(1, side), casadi.SX(side + 2, 1)
    u = casadi.horzcat(column, casadi.vertcat(row, inner, row), column)
    p, q = u[1:, :-1] - u[:-1, :-1], u[:-1, 1:] - u[:-1, :-1]
    return casadi.sum1(casadi.vec(casadi.sqrt((side + 1.0) ** -2 + p * p + q * q)))


def reference(x, side):
    """Return the Hessian: that of each triangle by hand, added up."""
    from scipy import sparse

    u = np.pad(x.reshape(side, side), 1)
    p, q = u[1:, :-1] - u[:-1, :-1], u[:-1, 1:] - u[:-1, :-1]
    square = (side + 1.0) ** -2
    root = np.sqrt(square + p * p + q * q)
    pp, qq, pq = (square + q * q) / root**3, (square + p * p) / root**3, -p * q / root**3
    local = [[pp + 2 * pq + qq, -pp - pq, -qq - pq], [-pp - pq, pp, pq], [-qq - pq, pq, qq]]
    number = np.pad(np.arange(side * side).reshape(side, side), 1, constant_values=-1)
    corner = np.stack([number[:-1, :-1], number[1:, :-1], number[:-1, 1:]])
    rows, columns = np.broadcast_arrays(corner[:, None], corner[None])
    inside = (rows >= 0) & (columns >= 0)  # the frame does not move
    entries = np.array(local)[inside], (rows[inside], columns[inside])
    return sparse.csr_array(entries, shape=(side * side, side * side))


def operations(side):
    """Count the operations of a least program: a root and three quotients for each triangle."""
    return 20 * (side + 1) ** 2
