"""The sparse Jacobian of the Brusselator: two substances that react and spread on a torus."""

import numpy as np

DERIVATIVE = "sparse_jacobian"
SIZES = {"n = 20 000": (100,)}
SMALL = (4,)
TOLERANCE = 1e-13
A, B, SPREAD = 3.4, 1.0, 0.1


def function(x, side):
    """Return dx/dt on a periodic grid."""
    u, v = x.reshape(2, side, side)
    reaction = u * u * v
    du = B + reaction - (A + 1) * u + SPREAD * laplace(u, side)
    dv = A * u - reaction + SPREAD * laplace(v, side)
    return np.concatenate([du.ravel(), dv.ravel()])


def laplace(u, side):
    """Return the five-point Laplace operator of a field."""
    around = np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1)
    return (around - 4 * u) * side**2


def inputs(side):
    """Return both concentrations on the grid, and its side."""
    return np.random.default_rng(5).uniform(0.5, 2.0, size=2 * side * side), side


def symbolic(casadi, x, side):
    """Return the same for CasADi."""

    def spread(u):
        rows = casadi.vertcat(u[1:, :], u[0, :]) + casadi.vertcat(u[-1, :], u[:-1, :])
        columns = casadi.horzcat(u[:, 1:], u[:, 0]) + casadi.horzcat(u[:, -1], u[:, :-1])
        return (rows + columns - 4 * u) * side**2

    u, v = (casadi.reshape(part, side, side) for part in casadi.vertsplit(x, side * side))
    reaction = u * u * v
    du = B + reaction - (A + 1) * u + SPREAD * spread(u)
    dv = A * u - reaction + SPREAD * spread(v)
    return casadi.vertcat(casadi.vec(du), casadi.vec(dv))


def reference(x, side):
    """Return the Jacobian, by hand: Kronecker products of a ring, and four diagonals."""
    from scipy import sparse

    ring = sparse.diags_array([1.0, 1.0, -2.0, 1.0, 1.0], offsets=[1 - side, -1, 0, 1, side - 1],
                              shape=(side, side))  # fmt: skip
    eye = sparse.eye_array(side)
    spread = SPREAD * side**2 * (sparse.kron(ring, eye) + sparse.kron(eye, ring))
    u, v = x.reshape(2, -1)
    diagonal = sparse.diags_array
    blocks = [
        [spread + diagonal(2 * u * v - A - 1), diagonal(u * u)],
        [diagonal(A - 2 * u * v), spread + diagonal(-u * u)],
    ]
    return sparse.block_array(blocks, format="csr")


def operations(side):
    """Count the operations of a least program: only the four diagonals have to be computed."""
    return 7 * side**2
