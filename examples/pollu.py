"""Stiff chemistry: the Jacobian of plain NumPy code inside SciPy's Radau solver.

POLLU is the chemical part of an air-pollution model: 20 species, 25 reactions, rate constants
from 1e-4 to 4e11. An implicit solver needs the Jacobian of the right-hand side; SciPy estimates it
by finite differences unless it is given one. Here jacrs gives it, from the code as written.

Problem: J. G. Verwer, Gauss-Seidel iteration for stiff ODEs from chemical kinetics,
SIAM J. Sci. Comput. 15 (1994) 1243-1259. Constants and reference solution: F. Mazzia and
C. Magherini, Test Set for Initial Value Problem Solvers, release 2.4 (2008), problem POLLU.
"""

import time
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

import jacrs

PICTURES = Path(__file__).parent / "out"

SPECIES = [
    "NO2", "NO", "O3P", "O3", "HO2", "OH", "HCHO", "CO", "ALD", "MEO2",
    "C2O3", "CO2", "PAN", "CH3O", "HNO3", "O1D", "SO2", "SO4", "NO3", "N2O5",
]  # fmt: skip

k = np.array(
    [
        0.35, 26.6, 1.23e4, 8.6e-4, 8.2e-4, 1.5e4, 1.3e-4, 2.4e4, 1.65e4, 9e3, 0.022, 1.2e4, 1.88,
        1.63e4, 4.8e6, 3.5e-4, 0.0175, 1e8, 4.44e11, 1240.0, 2.1, 5.78, 0.0474, 1780.0, 3.12,
    ]
)  # fmt: skip

# Computed by the authors of the test set with RADAU5 at rtol = atol = 1.1e-18.
REFERENCE = np.array(
    [
        0.5646255480022769e-1, 0.1342484130422339, 0.4139734331099427e-8, 0.5523140207484359e-2,
        0.2018977262302196e-6, 0.1464541863493966e-6, 0.7784249118997964e-1, 0.3245075353396018,
        0.7494013383880406e-2, 0.1622293157301561e-7, 0.1135863833257075e-7, 0.2230505975721359e-2,
        0.2087162882798630e-3, 0.1396921016840158e-4, 0.8964884856898295e-2, 0.4352846369330103e-17,
        0.6899219696263405e-2, 0.1007803037365946e-3, 0.1772146513969984e-5, 0.5682943292316392e-4,
    ]
)  # fmt: skip


def initial_state():
    """Return the concentrations at t = 0."""
    y = np.zeros(20)
    y[[1, 3, 6, 7, 8, 16]] = 0.2, 0.04, 0.1, 0.3, 0.01, 0.007
    return y


def pollu(t, y):  # noqa: ARG001 - the signature SciPy asks for
    """Return dy/dt: concentrations in ppm, time in minutes."""
    r = np.zeros(25)
    r[0] = k[0] * y[0]
    r[1] = k[1] * y[1] * y[3]
    r[2] = k[2] * y[4] * y[1]
    r[3] = k[3] * y[6]
    r[4] = k[4] * y[6]
    r[5] = k[5] * y[6] * y[5]
    r[6] = k[6] * y[8]
    r[7] = k[7] * y[8] * y[5]
    r[8] = k[8] * y[10] * y[1]
    r[9] = k[9] * y[10] * y[0]
    r[10] = k[10] * y[12]
    r[11] = k[11] * y[9] * y[1]
    r[12] = k[12] * y[13]
    r[13] = k[13] * y[0] * y[5]
    r[14] = k[14] * y[2]
    r[15] = k[15] * y[3]
    r[16] = k[16] * y[3]
    r[17] = k[17] * y[15]
    r[18] = k[18] * y[15]
    r[19] = k[19] * y[16] * y[5]
    r[20] = k[20] * y[18]
    r[21] = k[21] * y[18]
    r[22] = k[22] * y[0] * y[3]
    r[23] = k[23] * y[18] * y[0]
    r[24] = k[24] * y[19]

    dy = np.zeros(20)
    dy[0] = -r[0] - r[9] - r[13] - r[22] - r[23]
    dy[0] += r[1] + r[2] + r[8] + r[10] + r[11] + r[21] + r[24]
    dy[1] = -r[1] - r[2] - r[8] - r[11] + r[0] + r[20]
    dy[2] = -r[14] + r[0] + r[16] + r[18] + r[21]
    dy[3] = -r[1] - r[15] - r[16] - r[22] + r[14]
    dy[4] = -r[2] + 2 * r[3] + r[5] + r[6] + r[12] + r[19]
    dy[5] = -r[5] - r[7] - r[13] - r[19] + r[2] + 2 * r[17]
    dy[6] = -r[3] - r[4] - r[5] + r[12]
    dy[7] = r[3] + r[4] + r[5] + r[6]
    dy[8] = -r[6] - r[7]
    dy[9] = -r[11] + r[6] + r[8]
    dy[10] = -r[8] - r[9] + r[7] + r[10]
    dy[11] = r[8]
    dy[12] = -r[10] + r[9]
    dy[13] = -r[12] + r[11]
    dy[14] = r[13]
    dy[15] = -r[17] - r[18] + r[15]
    dy[16] = -r[19]
    dy[17] = r[19]
    dy[18] = -r[20] - r[21] - r[23] + r[22] + r[24]
    dy[19] = -r[24] + r[23]
    return dy


def solve(jac):
    """Integrate to t = 60; return the solution, the calls of `pollu` and the seconds taken."""
    calls = 0

    def counted(t, y):
        nonlocal calls
        calls += 1
        return pollu(t, y)

    start = time.perf_counter()
    solution = solve_ivp(
        counted, (0, 60), initial_state(), method="Radau", jac=jac, rtol=1e-6, atol=1e-15
    )
    return solution, calls, time.perf_counter() - start


def central_differences(y):
    """Return the Jacobian by central differences: exact at any step, as the model is quadratic."""
    columns = [(pollu(0, y + e) - pollu(0, y - e)) / 2 for e in np.eye(20)]
    return np.array(columns).T


def worst_relative(a, b):
    """Return the largest difference of `a` from `b`, relative to the largest entry of b's row."""
    scale = np.max(np.abs(b), axis=1, keepdims=True)
    return np.max(np.abs(a - b) / np.where(scale > 0, scale, 1))


def print_runs(runs):
    """Print one line for each run and what jacrs saved."""
    print(f"{'Jacobian by':<20}{'worst error':>13}{'calls of f':>12}{'Jacobians':>11}{'time':>11}")
    for name, (solution, calls, seconds) in runs.items():
        error = np.max(np.abs(solution.y[:, -1] / REFERENCE - 1))
        print(f"{name:<20}{error:>13.1e}{calls:>12}{solution.njev:>11}{seconds * 1e3:>8.1f} ms")
    (_, ours, _), (_, theirs, _) = runs.values()
    print(f"calls of f saved: {theirs - ours} of {theirs} (each jacrs Jacobian records f once)")


def check_jacobians(jac, end):
    """Print how far the Jacobian is from central differences, at both ends of the run."""
    print("\nlargest difference from central differences, relative to its row:")
    for name, y in {"initial state": initial_state(), "end state": end}.items():
        print(f"  {name:<18}{worst_relative(jac(0.0, y), central_differences(y)):>8.1e}")


def draw(solution, pattern):
    """Write the two pictures."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        print("\nno pictures: they need matplotlib (pip install matplotlib)")
        return
    mpl.use("Agg")
    PICTURES.mkdir(exist_ok=True)
    draw_pattern(pattern)
    draw_solution(solution)
    print("\npictures: examples/out/pollu_pattern.png, examples/out/pollu_solution.png")


def draw_pattern(pattern):
    """Draw where the Jacobian is not zero, rows and columns named by species."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 6.2), layout="constrained")
    axes.spy(pattern, markersize=9, marker="s", color="#2a6f97")
    axes.set_xticks(range(20), SPECIES, rotation=90, fontsize=8)
    axes.set_yticks(range(20), SPECIES, fontsize=8)
    axes.tick_params(length=0)
    axes.set_axisbelow(True)
    axes.grid(color="0.92")
    axes.set_xlabel("change of this species ...")
    axes.set_ylabel("... changes the rate of this one")
    axes.set_title(f"POLLU: {np.count_nonzero(pattern)} of {pattern.size} entries", loc="left")
    figure.savefig(PICTURES / "pollu_pattern.png", dpi=160)
    plt.close(figure)


def draw_solution(solution):
    """Draw some species over time, on logarithmic axes, each named at its curve."""
    from matplotlib import pyplot as plt

    shown = ["NO", "NO2", "O3", "CO2", "PAN", "N2O5", "NO3", "HO2", "O3P"]
    figure, axes = plt.subplots(figsize=(7.6, 5.2), layout="constrained")
    colours = plt.get_cmap("viridis")(np.linspace(0.05, 0.85, len(shown)))
    late = solution.t > 1e-4
    for name, colour in zip(shown, colours, strict=True):
        y = solution.y[SPECIES.index(name)]
        axes.loglog(solution.t[late], y[late], color=colour, linewidth=1.8)
        axes.annotate(
            name, (60, y[-1]), (5, 0), textcoords="offset points", color=colour, va="center"
        )
    axes.set(xlim=(1e-4, 60), ylim=(1e-10, 1), xlabel="time / min", ylabel="concentration / ppm")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="0.92")
    axes.set_title("POLLU: from milliseconds to an hour", loc="left")
    figure.savefig(PICTURES / "pollu_solution.png", dpi=160)
    plt.close(figure)


def main():
    """Solve with both Jacobians, compare, draw."""
    jac = jacrs.jacobian(pollu, argnums=1)
    runs = {"jacrs": solve(jac), "finite differences": solve(None)}
    solution = runs["jacrs"][0]
    end = solution.y[:, -1]

    print("POLLU: 20 species, 25 reactions, Radau from t = 0 to 60 min (rtol 1e-6)\n")
    print_runs(runs)
    check_jacobians(jac, end)
    draw(solution, jac(0.0, end) != 0)


if __name__ == "__main__":
    main()
