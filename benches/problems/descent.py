"""Gradient descent as GradBench has it for particle and saddle: its steps are part of them."""

import numpy as np


def argmin(f, gradient, x, steps):
    """Return where descent from `x` ends; ten good steps double their size, a bad one halves it.

    It gives up after so many steps.
    """
    value, slope = f(x), gradient(x)
    size, good = 1e-5, 0
    for _ in range(steps):
        if np.sqrt(np.sum(slope**2)) <= 1e-5:
            break
        if good == 10:
            size, good = 2 * size, 0
            continue
        moved = x - size * slope
        if np.sqrt(np.sum((moved - x) ** 2)) <= 1e-5:
            break
        new = f(moved)
        if new < value:
            x, value, slope, good = moved, new, gradient(moved), good + 1
        else:
            size, good = size / 2, 0
    return x
