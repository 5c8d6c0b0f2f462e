"""The sparse Jacobian of Bratu's problem: Laplace's operator and an exponential on a square."""

import numpy as np

DERIVATIVE = "sparse_jacobian"
SIZES = {"n = 40 000": (200,)}
SMALL = (4,)
TOLERANCE = 1e-13
HEAT = 6.0


def function(x, side):
    """Return the residual at each point of a grid whose border is zero."""
    u = np.pad(x.reshape(side, side), 1)
    centre = u[1:-1, 1:-1]
    around = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
    return ((around - 4 * centre) * (side + 1) ** 2 + HEAT * np.exp(centre)).ravel()


def inputs(side):
    """Return values on the grid, and its side."""
    return np.random.default_rng(4).uniform(size=side * side), side


def symbolic(casadi, x, side):
    """Return the same for CasADi."""
    inner = casadi.reshape(x, side, side)
    row, column = casadi.SX(1, side), casadi.SX(side, 1)
    around = casadi.vertcat(inner[1:, :], row) + casadi.vertcat(row, inner[:-1, :])
    around += casadi.horzcat(inner[:, 1:], column) + casadi.horzcat(column, inner[:, :-1])
    return casadi.vec((around - 4 * inner) * (side + 1) ** 2 + HEAT * casadi.exp(inner))


def reference(x, side):
    """Return the Jacobian, by hand: a sum of Kronecker products, and a diagonal."""
    from scipy import sparse

    line = sparse.diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(side, side))
    laplace = sparse.kron(line, sparse.eye_array(side)) + sparse.kron(sparse.eye_array(side), line)
    return (laplace * (side + 1) ** 2 + sparse.diags_array(HEAT * np.exp(x))).tocsr()


def operations(side):
    """Count the operations of a least program: only the diagonal has to be computed."""
    return 3 * side**2
