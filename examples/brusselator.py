"""Two substances that react and spread: a sparse Jacobian inside of SciPy's BDF solver.

The Brusselator on a periodic square, disturbed from t = 1.1 on in a small disc, is stiff: its
solver needs the Jacobian of 2 x SIDE x SIDE equations. jacrs gives it from the code as written, as
a sparse matrix; without it SciPy takes differences, told by jacrs where the entries are.

    python examples/brusselator.py [SIDE]

Problem: E. Hairer and G. Wanner, Solving Ordinary Differential Equations II (2nd ed., Springer
1996), section IV.10, BRUSS-2D.
"""

import math
import sys
import time
import timeit
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

import jacrs

PICTURES = Path(__file__).parent / "out"

SPREAD = 0.1
SHOWN = [0.0, 1.5, 4.0, 11.5]


def grid(side):
    """Return the coordinates of the points of the square."""
    return np.meshgrid(np.arange(side) / side, np.arange(side) / side, indexing="ij")


def initial_state(side):
    """Return both concentrations at t = 0."""
    x, y = grid(side)
    return np.concatenate([22 * (y * (1 - y)) ** 1.5, 27 * (x * (1 - x)) ** 1.5], axis=None)


def laplace(u):
    """Return u_xx + u_yy on the periodic grid."""
    around = np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1)
    return (around - 4 * u) * len(u) ** 2


def brusselator(t, w):
    """Return dw/dt."""
    side = math.isqrt(w.size // 2)
    u, v = w.reshape(2, side, side)
    reaction = u * u * v
    du = 1 + reaction - 4.4 * u + SPREAD * laplace(u)
    dv = 3.4 * u - reaction + SPREAD * laplace(v)
    if t >= 1.1:
        x, y = grid(side)
        du += 5.0 * ((x - 0.3) ** 2 + (y - 0.6) ** 2 <= 0.01)
    return np.concatenate([du, dv], axis=None)


def solve(side, **jacobian):
    """Integrate in two parts, as the right-hand side jumps; return states, calls and seconds."""
    calls = evaluated = 0

    def counted(t, w):
        nonlocal calls
        calls += 1
        return brusselator(t, w)

    start = time.perf_counter()
    w, states = initial_state(side), []
    for begin, end in ((0.0, 1.1), (1.1, 11.5)):
        times = [*(t for t in SHOWN if begin <= t < end), end]
        solution = solve_ivp(
            counted, (begin, end), w, "BDF", times, rtol=1e-6, atol=1e-8, **jacobian
        )
        states += list(solution.y.T[:-1])
        w, evaluated = solution.y[:, -1], evaluated + solution.njev
    return np.array([*states, w]), calls, evaluated, time.perf_counter() - start


def print_runs(runs):
    """Print a line for each run, and what jacrs saved."""
    print(f"{'Jacobian by':<20}{'calls of f':>12}{'Jacobians':>11}{'time':>11}")
    for name, (_, calls, evaluated, seconds) in runs.items():
        print(f"{name:<20}{calls:>12}{evaluated:>11}{seconds * 1e3:>8.0f} ms")
    (ours, our_calls, _, _), (theirs, their_calls, _, _) = runs.values()
    print(f"calls of f saved: {their_calls - our_calls} of {their_calls}")
    print(f"largest difference of the results: {np.max(np.abs(ours - theirs)):.1e}")


def print_costs(jac, w):
    """Print how long a Jacobian takes, beside the function itself."""
    seconds = []
    for call in (brusselator, jac):
        call(0.0, w)
        seconds.append(min(timeit.repeat(lambda call=call: call(0.0, w), number=10)) / 10)
    own, derived = seconds
    print(f"a call of f takes {own * 1e6:.0f} us, a Jacobian {derived * 1e6:.0f} us")


def draw(states):
    """Write the picture: the first concentration at some times."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        print("\nno picture: it needs matplotlib (pip install matplotlib)")
        return
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, row = plt.subplots(1, len(SHOWN), figsize=(9, 2.5), layout="constrained")
    for axes, t, w in zip(row, SHOWN, states, strict=True):
        side = math.isqrt(w.size // 2)
        shown = axes.imshow(w[: w.size // 2].reshape(side, side).T, origin="lower", cmap="viridis")
        axes.set(xticks=[], yticks=[])
        axes.set_title(f"t = {t:g}", loc="left")
        figure.colorbar(shown, ax=axes)
    PICTURES.mkdir(exist_ok=True)
    figure.savefig(PICTURES / "brusselator.png", dpi=160)
    plt.close(figure)
    print("\npicture: examples/out/brusselator.png")


def main(side=32):
    """Solve with both Jacobians, compare, draw."""
    pattern = jacrs.sparsity(brusselator, argnums=1)(0.0, initial_state(side))
    print(f"Brusselator: {pattern.shape[1]} equations, {pattern.nnz} entries of the Jacobian\n")
    jac = jacrs.compile(jacrs.sparse_jacobian(brusselator, argnums=1, format="csc"))
    runs = {
        "jacrs": solve(side, jac=jac),
        "finite differences": solve(side, jac_sparsity=pattern.to_scipy("csc")),
    }
    print_runs(runs)
    print_costs(jac, runs["jacrs"][0][-1])
    draw(runs["jacrs"][0])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
