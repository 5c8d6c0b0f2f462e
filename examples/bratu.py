"""A nonlinear equation with 100 000 unknowns: Newton's method with sparse Jacobians.

Bratu's problem is the temperature u of a body that heats itself: in the unit square

    u_xx + u_yy + heat exp(u) = 0,    u = 0 on the border,

here by differences on a grid. There is a solution for heat up to 6.808124423, and two below that:
from u = 0 Newton's method finds the lower one. Each row of the Jacobian has five entries. jacrs
finds them from the code as written, and hands over the matrix that SciPy factors.

    python examples/bratu.py [SIDE]
"""

import math
import sys
import time
from pathlib import Path

import numpy as np
from scipy.sparse.linalg import splu

import jacrs

PICTURES = Path(__file__).parent / "out"

HEAT = 6.0


def residual(u):
    """Return what is to be zero at each point of the grid, times the square of its width."""
    side = math.isqrt(u.size)
    grid = np.pad(u.reshape(side, side), 1)
    inner = grid[1:-1, 1:-1]
    around = grid[2:, 1:-1] + grid[:-2, 1:-1] + grid[1:-1, 2:] + grid[1:-1, :-2]
    return (around - 4 * inner + HEAT / (side + 1) ** 2 * np.exp(inner)).ravel()


def newton(u):
    """Solve from `u`; return the solution, and for each step residual, change and seconds."""
    both = jacrs.compile(jacrs.value_and_sparse_jacobian(residual, format="csc"))
    steps, change = [], math.inf
    while change > 1e-9:  # it squares with each step: the next one would be rounding
        start = time.perf_counter()
        r, J = both(u)
        derived = time.perf_counter()
        step = factors(J).solve(r)
        solved = time.perf_counter()
        u, change = u - step, np.max(np.abs(step))
        steps.append((np.max(np.abs(r)), change, derived - start, solved - derived))
        if len(steps) == 20:
            sys.exit("Newton's method does not converge: is there a solution?")
    return u, steps


def factors(J):
    """Factor a matrix whose structure is symmetric, and which needs no pivots."""
    return splu(J, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0, options={"SymmetricMode": True})


def print_steps(steps):
    """Print a line for each step, and what the derivatives take of the time."""
    print(f"{'step':<6}{'residual':>10}{'change of u':>14}{'value and Jacobian':>21}{'solve':>13}")
    for i, (r, change, derived, solved) in enumerate(steps, 1):
        seconds = f"{derived * 1e3:>18.2f} ms{solved * 1e3:>10.1f} ms"
        print(f"{i:<6}{r:>10.1e}{change:>14.1e}{seconds}")
    _, _, first, _ = steps[0]
    derived = np.mean([step[2] for step in steps[1:]])
    solved = np.mean([step[3] for step in steps[1:]])
    print(f"\nfirst value and Jacobian, with recording and structure: {first * 1e3:.1f} ms")
    print(f"value and Jacobian after that: {derived / (derived + solved):.2%} of the time")


def draw(u, steps):
    """Write the picture: the temperature, and how the residual falls."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        print("\nno picture: it needs matplotlib (pip install matplotlib)")
        return
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    side = math.isqrt(u.size)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(8.4, 3.6), width_ratios=[1.15, 1], layout="constrained"
    )
    shown = left.imshow(u.reshape(side, side), extent=(0, 1, 0, 1), cmap="inferno")
    figure.colorbar(shown, ax=left)
    left.set(xticks=[0, 1], yticks=[0, 1])
    left.set_title(f"Bratu's problem, heat {HEAT:g}", loc="left")
    right.semilogy(range(1, len(steps) + 1), [step[0] for step in steps], "o-", color="#2a6f97")
    right.set(xlabel="step of Newton's method", ylabel="largest residual")
    right.grid(color="0.92")
    right.spines[["top", "right"]].set_visible(False)
    PICTURES.mkdir(exist_ok=True)
    figure.savefig(PICTURES / "bratu.png", dpi=160)
    plt.close(figure)
    print("\npicture: examples/out/bratu.png")


def main(side=317):
    """Solve on a grid of `side` times `side` points, print, draw."""
    start = np.zeros(side * side)
    pattern = jacrs.sparsity(residual)(start)
    print(f"Bratu: {pattern.shape[1]} unknowns, {pattern.nnz} entries of the Jacobian\n")
    u, steps = newton(start)
    print_steps(steps)
    print(f"\ngreatest temperature: {np.max(u):.6f}")
    draw(u, steps)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
