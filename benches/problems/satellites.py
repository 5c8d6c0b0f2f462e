"""Many small Jacobians at once: the acceleration of each satellite by its own six coordinates."""

import numpy as np

DERIVATIVE = "batched_jacobian"
SIZES = {"20 000 x (6 -> 3)": (20_000,)}
SMALL = (5,)
TOLERANCE = 1e-12
PULL, DRAG = 1.0, 0.05


def function(x):
    """Return the acceleration of one satellite by gravity and drag."""
    position, velocity = x[:3], x[3:]
    distance = np.sqrt(np.sum(position * position))
    speed = np.sqrt(np.sum(velocity * velocity))
    return -PULL / distance**3 * position - DRAG * speed * velocity


def inputs(n):
    """Return positions and velocities, a satellite a row."""
    return (np.random.default_rng(6).uniform(0.5, 1.5, size=(n, 6)),)


def symbolic(casadi, x):
    """Return the same for CasADi."""
    position, velocity = x[:3], x[3:]
    distance, speed = casadi.norm_2(position), casadi.norm_2(velocity)
    return -PULL / distance**3 * position - DRAG * speed * velocity


def reference(x):
    """Return the Jacobians, by hand."""
    r, v = x[:, :3], x[:, 3:]
    distance = np.linalg.norm(r, axis=1)[:, None, None]
    speed = np.linalg.norm(v, axis=1)[:, None, None]
    by_position = np.eye(3) / distance**3 - 3 * r[:, :, None] * r[:, None, :] / distance**5
    by_velocity = np.eye(3) * speed + v[:, :, None] * v[:, None, :] / speed
    return np.concatenate([-PULL * by_position, -DRAG * by_velocity], axis=2)


def operations(n):
    """Count the operations of a least program: symmetric parts once."""
    return 50 * n
