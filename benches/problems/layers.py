"""The dense Jacobian of three layers tanh(A x), by products of matrices."""

import numpy as np

DERIVATIVE = "jacobian"
SIZES = {"n = 256": (256,)}
SMALL = (7,)
TOLERANCE = 1e-12
CASADI_SYMBOL = "MX"


def function(x, A):
    """Apply the layer three times."""
    for _ in range(3):
        x = np.tanh(A @ x)
    return x


def inputs(n):
    """Return the input and the matrix, scaled such that tanh neither vanishes nor saturates."""
    generator = np.random.default_rng(1)
    return generator.normal(size=n), generator.normal(size=(n, n)) / np.sqrt(n)


def symbolic(casadi, x, A):
    """Return the same for CasADi."""
    for _ in range(3):
        x = casadi.tanh(casadi.mtimes(A, x))
    return x


def reference(x, A):
    """Return the Jacobian, by the chain rule."""
    jacobian = np.eye(x.size)
    for _ in range(3):
        x = np.tanh(A @ x)
        jacobian = (1 - x**2)[:, None] * (A @ jacobian)
    return jacobian


def operations(n):
    """Count the operations of a least program: two products of matrices."""
    return 4 * n**3
