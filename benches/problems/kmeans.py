"""GradBench's kmeans: gradient and Hessian's diagonal of the distances to the nearest centre."""

import numpy as np

DERIVATIVE = "grad_and_hvp"  # the Hessian is diagonal: its product with ones is all of it
SIZES = {"k = 10, n = 10 000": (10, 10_000, 8), "k = 100, n = 10 000": (100, 10_000, 8)}
SMALL = (3, 20, 2)
TOLERANCE = 1e-10


def function(centres, points):
    """Return the sum of squared distances from each point to its nearest centre."""
    centres = centres.reshape(-1, points.shape[1])
    difference = points[:, None, :] - centres[None, :, :]
    return np.sum(np.min(np.sum(difference * difference, axis=2), axis=1))


def inputs(k, n, d):
    """Return centres and points; the last points are the centres, so that none is alone."""
    points = np.random.default_rng(31337).uniform(size=(n, d))
    return points[-k:].ravel(), points


def reference(centres, points):
    """Return gradient and Hessian's diagonal, by hand: sums and counts over the clusters."""
    centres = centres.reshape(-1, points.shape[1])
    distances = np.sum((points[:, None, :] - centres) ** 2, axis=2)
    nearest = np.argmin(distances, axis=1)
    sums = np.zeros_like(centres)
    np.add.at(sums, nearest, points)
    counts = np.bincount(nearest, minlength=len(centres))[:, None]
    return np.stack([2 * (counts * centres - sums), 2 * counts * np.ones_like(centres)]).reshape(
        2, -1
    )


def operations(k, n, d):
    """Count the operations of a least program: the distances, and a sum of points."""
    return 3 * k * n * d + 2 * n * d
