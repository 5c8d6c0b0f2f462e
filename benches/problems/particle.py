"""GradBench's particle: a charge is steered so that its path hits the origin; nested derivatives.

Pearlmutter and Siskind, "Using programming language theory to make automatic differentiation sound
and efficient" (2008).
"""

import numpy as np

from benches.problems.descent import argmin

DERIVATIVE = "nested"
SIZES = {"to the end": (10_000,)}
SMALL = (25,)
TOLERANCE = 1e-6


def function(start, steps, derive):
    """Return the control; `derive` is the tool's transform, used inside of itself."""

    def missed_by(w):
        return landing(w, derive) ** 2

    return argmin(missed_by, derive(missed_by), start, steps)


def landing(w, derive):
    """Return where the particle crosses the x axis: Euler's steps, the last one cut."""
    place, velocity = np.array([0.0, 8.0]), np.array([0.75, 0.0])

    def potential(x):
        return 1 / distance(x, 10.0, 10.0 - w[0]) + 1 / distance(x, 10.0, 0.0)

    force = derive(potential)
    while True:
        moved = place + 0.1 * velocity
        if moved[1] <= 0:
            return place[0] - place[1] / velocity[1] * velocity[0]
        place, velocity = moved, velocity - 0.1 * force(place)


def distance(x, a, b):
    """Return the distance from a fixed charge."""
    return np.sqrt((x[0] - a) ** 2 + (x[1] - b) ** 2)


def inputs(steps):
    """Return the first control, and how many steps the descent may take."""
    return np.array([0.0]), steps


def reference(start, steps):
    """Return the control, with the force by hand and the slope by complex steps."""

    def missed_by(w):
        return landing_by_hand(w[0]).real ** 2

    def slope(w):
        crossing = landing_by_hand(w[0] + 1e-30j)
        return np.array([2 * crossing.real * crossing.imag / 1e-30])

    return argmin(missed_by, slope, start, steps)


def landing_by_hand(w):
    """Return the same crossing without a derivative taken by anybody."""
    place, velocity = np.array([0.0 + 0j, 8.0]), np.array([0.75 + 0j, 0.0])
    charges = np.array([[10.0, 10.0 - w], [10.0, 0.0]])
    while True:
        moved = place + 0.1 * velocity
        if moved[1].real <= 0:
            return place[0] - place[1] / velocity[1] * velocity[0]
        apart = place - charges
        force = np.sum(apart / np.sum(apart**2, axis=1, keepdims=True) ** 1.5, axis=0)
        place, velocity = moved, velocity + 0.1 * force
