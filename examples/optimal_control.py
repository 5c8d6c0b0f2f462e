"""Swinging up a pole on a cart: optimal control by collocation, with sparse second derivatives.

A cart is to swing up the pole that hangs from it, and stop one metre further, with least effort.
States and forces at the ends of all segments are unknowns, the equations of motion in each segment
constraints (trapezoidal collocation). A Newton method for the conditions of optimality takes the
sparse Jacobian of the constraints and the sparse Hessian of the Lagrangian, and factors one sparse
matrix a step. jacrs gives both from the code as written.

    python examples/optimal_control.py [SEGMENTS]

Problem: M. Kelly, An Introduction to Trajectory Optimization: How to Do Your Own Direct
Collocation, SIAM Review 59 (2017) 849-904, section 6.
"""

import sys
import time
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

import jacrs

PICTURES = Path(__file__).parent / "out"

DURATION, DISTANCE = 2.0, 1.0
CART, POLE, LENGTH, GRAVITY = 1.0, 0.3, 0.5, 9.81
START, END = np.array([0.0, 0.0, 0.0, 0.0]), np.array([DISTANCE, np.pi, 0.0, 0.0])


def motion(states, force):
    """Return the rates of position, angle (0 hangs), and their speeds, a row for each time."""
    _, angle, speed, turning = states.T
    sine, cosine = np.sin(angle), np.cos(angle)
    mass = CART + POLE * sine**2
    push = force + POLE * LENGTH * sine * turning**2
    cart = (push + POLE * GRAVITY * cosine * sine) / mass
    pole = -(push * cosine + (CART + POLE) * GRAVITY * sine) / (LENGTH * mass)
    return np.stack([speed, turning, cart, pole], axis=1)


def effort(z):
    """Return the integral of the squared force."""
    force = z.reshape(-1, 5)[:, 4]
    return DURATION / (len(force) - 1) * np.sum((force[1:] ** 2 + force[:-1] ** 2) / 2)


def defects(z):
    """Return what is to be zero: of the equations of motion, and of both ends."""
    z = z.reshape(-1, 5)
    states, rates = z[:, :4], motion(z[:, :4], z[:, 4])
    steps = states[1:] - states[:-1]
    width = DURATION / len(steps)
    missed = steps - width / 2 * (rates[1:] + rates[:-1])
    return np.concatenate([states[0] - START, missed.ravel(), states[-1] - END])


def lagrangian(z, multipliers):
    """Return effort plus multipliers times defects."""
    return effort(z) + multipliers @ defects(z)


def guess(segments):
    """Return a straight line from start to end, without force."""
    line = np.linspace(0, 1, segments + 1)[:, None]
    return np.hstack([START + line * (END - START), np.zeros_like(line)]).ravel()


def newton(z):
    """Solve the conditions of optimality; return the unknowns, the steps and the last matrix.

    The unknowns are `z` and a multiplier for each defect. Of a step that would change one of them
    by more than 1, a part is made.
    """
    constraints = jacrs.compile(jacrs.value_and_sparse_jacobian(defects))
    second = jacrs.compile(jacrs.value_and_sparse_hessian(lagrangian))
    multipliers = np.zeros(len(defects(z)))
    steps, step = [], np.inf
    while np.max(np.abs(step)) > 1e-10:
        start = time.perf_counter()
        missed, A = constraints(z)
        _, gradient, H = second(z, multipliers)
        derived = time.perf_counter()
        matrix = sparse.block_array([[H, A.T], [A, None]], format="csc")
        step = splu(matrix).solve(-np.concatenate([gradient, missed]))
        solved = time.perf_counter()
        part = min(1.0, 1 / np.max(np.abs(step[: len(z)])))
        z, multipliers = z + part * step[: len(z)], multipliers + part * step[len(z) :]
        errors = np.max(np.abs(missed)), np.max(np.abs(gradient))
        steps.append((*errors, part, derived - start, solved - derived))
        if len(steps) == 100:
            sys.exit("Newton's method does not converge.")
    return z, steps, matrix


def print_steps(steps):
    """Print some of the steps, and what the derivatives take of the time."""
    print(f"{'step':<6}{'defects':>10}{'gradient':>12}{'part':>8}{'derivatives':>15}{'solve':>13}")
    for i, (missed, slope, part, derived, solved) in enumerate(steps, 1):
        if i % 5 == 1 or i > len(steps) - 5:
            seconds = f"{derived * 1e6:>12.0f} us{solved * 1e6:>10.0f} us"
            print(f"{i:<6}{missed:>10.1e}{slope:>12.1e}{part:>8.2f}{seconds}")
    print(f"\nfirst derivatives, with recording and structure: {steps[0][3] * 1e3:.1f} ms")


def draw(z, matrix):
    """Write the picture: how cart and pole move, the force, and where the matrix is not zero."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        print("\nno picture: it needs matplotlib (pip install matplotlib)")
        return
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    z = z.reshape(-1, 5)
    t = np.linspace(0, DURATION, len(z))
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.3), layout="constrained")
    for i in np.linspace(0, len(z) - 1, 16).astype(int):
        place, angle = z[i, :2]
        tip = place + LENGTH * np.sin(angle), -LENGTH * np.cos(angle)
        colour = plt.get_cmap("viridis")(0.9 * t[i] / DURATION)
        left.plot([place, tip[0]], [0, tip[1]], color=colour, linewidth=1.5)
        left.plot(place, 0, "s", color=colour, markersize=4)
    left.set(aspect="equal", xlabel="place")
    left.set_title("From hanging to standing", loc="left")
    middle.plot(t, z[:, 4], color="#2a6f97")
    middle.set(xlabel="time", ylabel="force")
    middle.grid(color="0.92")
    middle.spines[["top", "right"]].set_visible(False)
    right.spy(matrix, markersize=0.6, color="#2a6f97")
    right.set_title("Hessian and constraints", loc="left")
    PICTURES.mkdir(exist_ok=True)
    figure.savefig(PICTURES / "optimal_control.png", dpi=160)
    plt.close(figure)
    print("\npicture: examples/out/optimal_control.png")


def main(segments=100):
    """Solve from a straight line, print, draw."""
    z, steps, matrix = newton(guess(segments))
    print(f"Cart and pole: {segments} segments, {z.size} unknowns, {defects(z).size} constraints")
    print(f"matrix of a step: {matrix.shape[0]} x {matrix.shape[1]}, {matrix.nnz} entries\n")
    print_steps(steps)
    print(f"\nleast effort: {effort(z):.6f}, largest force {np.max(np.abs(z[4::5])):.3f}")
    draw(z, matrix)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
