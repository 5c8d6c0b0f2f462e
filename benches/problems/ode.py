"""GradBench's ode: the last entry of an integrated chain of equations, by its coefficients."""

import numpy as np

DERIVATIVE = "grad"
SIZES = {"n = 1000, 100 steps": (1000, 100), "n = 10 000, 100 steps": (10_000, 100)}
SMALL = (6, 4)
TOLERANCE = 1e-11


def function(x, steps):
    """Integrate z[0]' = x[0], z[i]' = x[i] z[i - 1] from 0 to 2 by Runge and Kutta; return z[-1].

    Each step of order 4 reaches four entries further, so that z[-1] and its gradient are zero where
    `x` is longer than four times the number of steps, as in the sizes of the suite.
    """
    h = 2.0 / steps
    y = np.zeros(x.size)
    for _ in range(steps):
        k1 = change(x, y)
        k2 = change(x, y + 0.5 * h * k1)
        k3 = change(x, y + 0.5 * h * k2)
        k4 = change(x, y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y[-1]


def change(x, y):
    """Return the right-hand side."""
    return np.concatenate([x[:1], x[1:] * y[:-1]])


def for_jax(jax, x, steps):
    """Return the same for JAX: a scan, because an unrolled loop compiles for minutes."""
    h = 2.0 / steps

    def advance(y, _):
        k1 = change(x, y)
        k2 = change(x, y + 0.5 * h * k1)
        k3 = change(x, y + 0.5 * h * k2)
        k4 = change(x, y + h * k3)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

    return jax.lax.scan(advance, jax.numpy.zeros(x.size), length=steps)[0][-1]


def inputs(n, steps):
    """Return the coefficients and the number of steps."""
    return np.random.default_rng(31337).uniform(size=n), steps


def reference(x, steps):
    """Return the gradient, in closed form: z[-1] is the product of `x` times a number.

    With all coefficients 1 a step multiplies (1, z) by a polynomial of the shift S, which is
    1 + hS + (hS)^2/2 + (hS)^3/6 + (hS)^4/24; the number is a coefficient of its power.
    """
    h = 2.0 / steps
    step = np.array([1, h, h**2 / 2, h**3 / 6, h**4 / 24])
    power = np.ones(1)
    for _ in range(steps):
        power = np.convolve(power, step)
    number = power[x.size] if x.size < power.size else 0.0
    before = np.concatenate([[1.0], np.cumprod(x)[:-1]])
    after = np.concatenate([np.cumprod(x[::-1])[-2::-1], [1.0]])
    return number * before * after


def operations(n, steps):
    """Count the operations of a least program: about 17 an entry and step, and twice that back."""
    return 3 * 17 * n * steps
