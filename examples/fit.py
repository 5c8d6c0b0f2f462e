"""Nonlinear least squares: fit a published data set and meet its certified parameters.

Thurber: electron mobility in silicon against the logarithm of the density, 37 measurements, a
rational model with 7 parameters, rated "higher" in difficulty. SciPy's `least_squares` takes the
Jacobian of the residuals from jacrs or, for comparison, from its own finite differences.

Data, model, start values and certified results: National Institute of Standards and Technology,
Statistical Reference Datasets, nonlinear regression, data set Thurber.
"""

from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

import jacrs

PICTURES = Path(__file__).parent / "out"

log_density = np.array(
    [
        -3.067, -2.981, -2.921, -2.912, -2.840, -2.797, -2.702, -2.699, -2.633, -2.481,
        -2.363, -2.322, -1.501, -1.460, -1.274, -1.212, -1.100, -1.046, -0.915, -0.714,
        -0.566, -0.545, -0.400, -0.309, -0.109, -0.103, 0.010, 0.119, 0.377, 0.790,
        0.963, 1.006, 1.115, 1.572, 1.841, 2.047, 2.200,
    ]
)  # fmt: skip

mobility = np.array(
    [
        80.574, 84.248, 87.264, 87.195, 89.076, 89.608, 89.868, 90.101, 92.405, 95.854,
        100.696, 101.060, 401.672, 390.724, 567.534, 635.316, 733.054, 759.087, 894.206, 990.785,
        1090.109, 1080.914, 1122.643, 1178.351, 1260.531, 1273.514, 1288.339, 1327.543, 1353.863,
        1414.509, 1425.208, 1421.384, 1442.962, 1464.350, 1468.705, 1447.894, 1457.628,
    ]
)  # fmt: skip

START = np.array([1000, 1000, 400, 40, 0.7, 0.3, 0.03])  # the harder of the two published starts

CERTIFIED = np.array(
    [
        1.2881396800e3, 1.4910792535e3, 5.8323836877e2, 7.5416644291e1,
        9.6629502864e-1, 3.9797285797e-1, 4.9727297349e-2,
    ]
)  # fmt: skip

CERTIFIED_DEVIATION = np.array(
    [
        4.6647963344, 3.9571156086e1, 2.8698696102e1, 5.5675370270,
        3.1333340687e-2, 1.4984928198e-2, 6.5842344623e-3,
    ]
)  # fmt: skip


def model(b, x):
    """Return the mobility at x."""
    numerator = b[0] + b[1] * x + b[2] * x**2 + b[3] * x**3
    return numerator / (1 + b[4] * x + b[5] * x**2 + b[6] * x**3)


def residuals(b):
    """Return model minus measurement."""
    return model(b, log_density) - mobility


def fit(jac):
    """Fit from the published start; return the result and the calls of `residuals`."""
    calls = 0

    def counted(b):
        nonlocal calls
        calls += 1
        return residuals(b)

    tight = 1e-15
    result = least_squares(counted, START, jac, x_scale="jac", xtol=tight, ftol=tight, gtol=tight)
    return result, calls


def standard_deviations(result):
    """Return the standard deviations of the parameters, from the Jacobian at the solution."""
    degrees_of_freedom = mobility.size - START.size
    variance = 2 * result.cost / degrees_of_freedom
    _, r = np.linalg.qr(result.jac)
    return np.sqrt(variance * np.sum(np.linalg.inv(r) ** 2, axis=1))


def worst_relative(a, b):
    """Return the largest relative difference of `a` from `b`."""
    return np.max(np.abs(a / b - 1))


def print_parameters(result):
    """Print our parameters and standard deviations beside the certified ones."""
    print(f"{'':<4}{'certified':>19}{'jacrs':>20}{'certified s.d.':>20}{'jacrs':>18}")
    rows = zip(CERTIFIED, result.x, CERTIFIED_DEVIATION, standard_deviations(result), strict=True)
    for i, (certified, ours, deviation, our_deviation) in enumerate(rows, 1):
        print(f"b{i:<3}{certified:>19.10e}{ours:>20.10e}{deviation:>20.10e}{our_deviation:>18.10e}")


def print_runs(runs):
    """Print accuracy and cost of each run."""
    columns = ["worst error", "of the s.d.", "calls of f", "Jacobians"]
    print(f"\n{'Jacobian by':<20}" + "".join(f"{column:>13}" for column in columns))
    for name, (result, calls) in runs.items():
        error = worst_relative(result.x, CERTIFIED)
        of_deviation = worst_relative(standard_deviations(result), CERTIFIED_DEVIATION)
        print(f"{name:<20}{error:>13.1e}{of_deviation:>13.1e}{calls:>13}{result.njev:>13}")
    (_, ours), (_, theirs) = runs.values()
    print(f"calls of f saved: {theirs - ours} of {theirs} (each jacrs Jacobian records f once)")


def draw(result):
    """Write the picture of the fit and its residuals."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        print("\nno picture: it needs matplotlib (pip install matplotlib)")
        return
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    x = np.linspace(log_density[0] - 0.05, log_density[-1] + 0.05, 400)
    figure, (above, below) = plt.subplots(
        2, sharex=True, figsize=(7.2, 5.4), height_ratios=[3, 1], layout="constrained"
    )
    above.plot(x, model(START, x), color="0.7", linestyle="--", label="start")
    above.plot(x, model(result.x, x), color="#2a6f97", linewidth=2, label="fit")
    above.plot(log_density, mobility, "o", color="#e07a5f", markersize=4.5, label="measured")
    above.set(ylabel="electron mobility", ylim=(0, 1700))
    above.legend(frameon=False)
    above.set_title("Thurber: a rational model with 7 parameters", loc="left")
    below.axhline(0, color="0.7", linewidth=1)
    below.vlines(log_density, 0, -residuals(result.x), color="#e07a5f", linewidth=1.5)
    below.set(xlabel="log(density)", ylabel="measured - fit")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    PICTURES.mkdir(exist_ok=True)
    figure.savefig(PICTURES / "fit.png", dpi=160)
    plt.close(figure)
    print("\npicture: examples/out/fit.png")


def main():
    """Fit with both Jacobians, compare with the certified values, draw."""
    runs = {
        "jacrs": fit(jacrs.jacobian(residuals)),
        "finite differences": fit("2-point"),
    }
    result = runs["jacrs"][0]
    print("Thurber (NIST StRD): 37 measurements, 7 parameters, trust region\n")
    print_parameters(result)
    print_runs(runs)
    draw(result)


if __name__ == "__main__":
    main()
