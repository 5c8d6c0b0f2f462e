"""Where cameras stood and what they saw: least squares with a sparse Jacobian.

Bundle adjustment finds cameras and points of a scene from where the points are in the pictures. A
residual depends on one camera and one point, so that few entries of the Jacobian are not zero:
jacrs gives these to `least_squares`, from vectorised NumPy code with gathers.

    python examples/bundle_adjustment.py [CAMERAS POINTS]

The model of a camera, with 11 parameters, is that of the bundle adjustment of ADBench (Šrajer,
Kukelova and Fitzgibbon, "A benchmark of selected algorithmic differentiation tools on some problems
in computer vision and machine learning", Optimization Methods and Software 33, 2018). The scene is
made up: what is found can be compared with what is true.
"""

import sys
import time
import timeit
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

import jacrs

PICTURES = Path(__file__).parent / "out"

NOISE = 1e-3  # of what is seen, where pictures are about one wide
SEEN_BY = 4  # cameras see each point


def rotate(axes, points):
    """Return the points turned about axes as long as the angle (Rodrigues)."""
    angle = np.sqrt(np.sum(axes * axes, axis=1, keepdims=True))
    axis = axes / angle
    along = np.sum(axis * points, axis=1, keepdims=True) * (1 - np.cos(angle))
    return points * np.cos(angle) + np.cross(axis, points) * np.sin(angle) + axis * along


def project(cameras, points):
    """Return where each camera sees its point: turned, moved, divided by the depth, bent."""
    turn, place, focus, centre, bend = np.split(cameras, [3, 6, 7, 9], axis=1)
    turned = rotate(turn, points - place)
    flat = turned[:, :2] / turned[:, 2:]
    square = np.sum(flat * flat, axis=1, keepdims=True)
    return flat * (1 + bend[:, :1] * square + bend[:, 1:] * square**2) * focus + centre


def residuals(x, camera_of, point_of, seen, cameras):
    """Return by how much each view is off: `x` has 11 numbers a camera, then 3 a point."""
    lenses = x[: 11 * cameras].reshape(-1, 11)
    points = x[11 * cameras :].reshape(-1, 3)
    return (project(lenses[camera_of], points[point_of]) - seen).ravel()


def scene(cameras, points):
    """Return what is true, a first guess, and who sees what and where."""
    generator = np.random.default_rng(11)
    lenses = np.zeros((cameras, 11))
    lenses[:, :3] = generator.normal(size=(cameras, 3)) * 0.2
    lenses[:, 3:6] = generator.uniform([-1, -1, -6], [1, 1, -4], size=(cameras, 3))
    lenses[:, 6] = generator.uniform(0.8, 1.2, size=cameras)
    lenses[:, 7:9] = generator.normal(size=(cameras, 2)) * 0.01
    lenses[:, 9:] = generator.normal(size=(cameras, 2)) * 0.02
    truth = np.concatenate([lenses, generator.uniform(-1, 1, size=(points, 3))], axis=None)

    first = np.arange(points)[:, None] + np.arange(min(SEEN_BY, cameras))
    camera_of, point_of = (first % cameras).ravel(), np.repeat(np.arange(points), first.shape[1])
    seen = residuals(truth, camera_of, point_of, 0.0, cameras).reshape(-1, 2)
    seen += NOISE * generator.normal(size=seen.shape)
    guess = truth + 0.02 * generator.normal(size=truth.size)
    return truth, guess, (camera_of, point_of, seen, cameras)


def adjust(guess, views, **jacobian):
    """Fit cameras and points; return the result, the calls of `residuals` and the seconds."""
    calls = 0

    def counted(x, *views):
        nonlocal calls
        calls += 1
        return residuals(x, *views)

    options = {"x_scale": "jac", "tr_solver": "lsmr", "ftol": 1e-6, **jacobian}
    start = time.perf_counter()
    result = least_squares(counted, guess, args=views, **options)
    return result, calls, time.perf_counter() - start


def off(x, views):
    """Return by how much the views are off: the root of the mean square."""
    return np.sqrt(np.mean(residuals(x, *views) ** 2))


def print_runs(runs, views):
    """Print a line for each run, and what jacrs saved."""
    print(f"{'Jacobian by':<20}{'off by':>11}{'calls of f':>12}{'Jacobians':>11}{'time':>10}")
    for name, (result, calls, seconds) in runs.items():
        print(
            f"{name:<20}{off(result.x, views):>11.3e}{calls:>12}{result.njev:>11}{seconds:>8.2f} s"
        )
    (_, ours, _), (_, theirs, _) = runs.values()
    print(f"calls of f saved: {theirs - ours} of {theirs}")


def print_costs(jac, x, views):
    """Print how long a Jacobian takes, beside the function itself."""
    own, derived = (
        min(timeit.repeat(lambda call=call: call(x, *views), number=1)) for call in (residuals, jac)
    )
    print(f"a call of f takes {own * 1e3:.1f} ms, a Jacobian {derived * 1e3:.1f} ms")


def draw(pattern, guess, found, views):
    """Write the picture: where entries are, and what the first camera sees."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        print("\nno picture: it needs matplotlib (pip install matplotlib)")
        return
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    camera_of, _, seen, _ = views
    own = np.flatnonzero(camera_of == 0)[:60]
    before, after = (seen + residuals(x, *views).reshape(seen.shape) for x in (guess, found))
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.4), layout="constrained")
    pattern.spy(left)
    left.set_aspect("auto")
    left.set(xlabel="cameras, then points", ylabel="views")
    right.plot(*np.stack([seen[own].T, before[own].T], axis=1), color="0.75", linewidth=1)
    right.plot(*seen[own].T, "o", color="#e07a5f", markersize=5, label="seen")
    right.plot(*before[own].T, ".", color="0.55", markersize=4, label="first guess")
    right.plot(*after[own].T, "x", color="#2a6f97", markersize=5, label="fit")
    right.set(aspect="equal")
    right.legend(frameon=False)
    right.set_title("Points in the first camera", loc="left")
    right.spines[["top", "right"]].set_visible(False)
    PICTURES.mkdir(exist_ok=True)
    figure.savefig(PICTURES / "bundle_adjustment.png", dpi=160)
    plt.close(figure)
    print("\npicture: examples/out/bundle_adjustment.png")


def main(cameras=49, points=7776):
    """Fit with both Jacobians, compare with what is true, draw."""
    truth, guess, views = scene(cameras, points)
    pattern = jacrs.sparsity(residuals)(guess, *views)
    rows, columns = pattern.shape
    print(f"Bundle adjustment: {cameras} cameras, {points} points, {rows // 2} views")
    print(f"Jacobian: {rows} x {columns}, {pattern.nnz} entries\n")
    jac = jacrs.compile(jacrs.sparse_jacobian(residuals))
    runs = {
        "jacrs": adjust(guess, views, jac=jac),
        "finite differences": adjust(guess, views, jac_sparsity=pattern.to_scipy()),
    }
    print(f"the first guess is off by {off(guess, views):.3e}, the truth {off(truth, views):.3e}")
    print_runs(runs, views)
    print_costs(jac, guess, views)
    draw(pattern, guess, runs["jacrs"][0].x, views)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
