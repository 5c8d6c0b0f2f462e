"""The gradient through the steps of an integrator, written as a Python loop over scalars."""

import numpy as np

from benches.problems.references import complex_step_gradient

DERIVATIVE = "grad"
SIZES = {"300 steps": (300,)}
SMALL = (5,)
TOLERANCE = 1e-11


def function(x, steps):
    """Return the size of a population after classical Runge-Kutta steps.

    Prey and predators begin at `x[0]` and `x[1]`; `x[2:]` are the four rates of Lotka and Volterra.
    """
    u, v = x[0], x[1]
    rates = x[2], x[3], x[4], x[5]
    for _ in range(steps):
        u, v = step(u, v, rates, 0.01)
    return u + v


def step(u, v, rates, h):
    """Advance by `h`."""
    p1, q1 = slope(u, v, rates)
    p2, q2 = slope(u + 0.5 * h * p1, v + 0.5 * h * q1, rates)
    p3, q3 = slope(u + 0.5 * h * p2, v + 0.5 * h * q2, rates)
    p4, q4 = slope(u + h * p3, v + h * q3, rates)
    u = u + h / 6 * (p1 + 2 * p2 + 2 * p3 + p4)
    v = v + h / 6 * (q1 + 2 * q2 + 2 * q3 + q4)
    return u, v


def slope(u, v, rates):
    """Return the changes of prey and predators."""
    a, b, c, d = rates
    return a * u - b * u * v, c * u * v - d * v


def inputs(steps):
    """Return populations and rates, and the number of steps."""
    return np.array([1.3, 0.7, 1.1, 0.8, 0.6, 1.2]), steps


def symbolic(_casadi, x, steps):
    """Return the same for CasADi: its scalars go through the loop."""
    return function(x, steps)


def for_jax(jax, x, steps):
    """Return the same for JAX: a scan, because an unrolled loop compiles for minutes."""
    rates = x[2], x[3], x[4], x[5]
    (u, v), _ = jax.lax.scan(
        lambda state, _: (step(*state, rates, 0.01), None), (x[0], x[1]), length=steps
    )
    return u + v


def reference(x, steps):
    """Return the gradient, by complex steps."""
    return complex_step_gradient(function, x, steps)


def operations(steps):
    """Count the operations of a least program: 58 a step, and twice that on the way back."""
    return 3 * 58 * steps
