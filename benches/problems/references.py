"""Derivatives by complex steps, exact to rounding, for problems without a closed form.

f(x + ih).imag / h is the derivative of a holomorphic f: nothing cancels, so h can be tiny. Squire
and Trapp, SIAM Review 40 (1998).
"""

from typing import NamedTuple

import numpy as np

STEP = 1e-30


class Along(NamedTuple):
    """A gradient known by its products with some directions only, one a row."""

    directions: np.ndarray
    products: np.ndarray


def complex_step(function, x, direction, *constants):
    """Return the derivative of `function` at `x` along `direction`."""
    return np.imag(function(x + 1j * STEP * direction, *constants)) / STEP


def complex_step_jacobian(function, x, *constants):
    """Return the Jacobian: a column for each entry of the vector `x`."""
    columns = [complex_step(function, x, direction, *constants) for direction in np.eye(x.size)]
    return np.stack(columns, axis=-1)


def complex_step_gradient(function, x, *constants):
    """Return the gradient of a scalar function."""
    return complex_step_jacobian(function, x, *constants)


def complex_step_along(function, x, *constants, count=4):
    """Return the products of the gradient with a few directions, where a whole one takes long."""
    directions = np.random.default_rng(9).normal(size=(count, x.size))
    products = [complex_step(function, x, direction, *constants) for direction in directions]
    return Along(directions, np.array(products))
