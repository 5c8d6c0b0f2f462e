"""GradBench's ba, from ADBench: the sparse Jacobian of a bundle adjustment."""

import numpy as np

DERIVATIVE = "sparse_jacobian"
SIZES = {
    "49 cameras, 7776 points, 31 843 views": (49, 7776, 31_843),
    "161 cameras, 48 126 points, 182 072 views": (161, 48_126, 182_072),
}
SMALL = (2, 3, 5)
TOLERANCE = 1e-10


def function(x, camera_of, point_of, seen, cameras):
    """Return the weighted errors of all views, and those of the weights.

    `x` holds 11 parameters of each camera, 3 of each point, and the weights of the views.
    """
    views = len(camera_of)
    lenses = x[: 11 * cameras].reshape(cameras, 11)[camera_of]
    points = x[11 * cameras : x.size - views].reshape(-1, 3)[point_of]
    weights = x[x.size - views :]
    errors = weights[:, None] * (project(lenses, points) - seen)
    return np.concatenate([errors.ravel(), 1 - weights**2])


def project(lenses, points):
    """Return where each camera sees its point."""
    turned = rotate(lenses[:, :3], points - lenses[:, 3:6])
    flat = turned[:, :2] / turned[:, 2:]
    square = np.sum(flat * flat, axis=1, keepdims=True)
    bent = flat * (1 + lenses[:, 9:10] * square + lenses[:, 10:11] * square * square)
    return bent * lenses[:, 6:7] + lenses[:, 7:9]


def rotate(axes, points):
    """Return the points turned about axes as long as the angle (Rodrigues)."""
    angle = np.sqrt(np.sum(axes * axes, axis=1, keepdims=True))
    axis = axes / angle
    along = np.sum(axis * points, axis=1, keepdims=True) * (1 - np.cos(angle))
    return points * np.cos(angle) + cross(axis, points) * np.sin(angle) + axis * along


def cross(a, b):
    """Return the cross products of rows."""
    return np.stack(
        [
            a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1],
            a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
            a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0],
        ],
        axis=1,
    )


def inputs(cameras, points, views):
    """Return parameters, who sees what and where, and the number of cameras.

    The suite repeats one camera and one point; here each has its own, so that a mistake shows.
    """
    generator = np.random.default_rng(31337)
    places = np.arange(views)
    lenses = generator.uniform(0.5, 1.5, size=(cameras, 11))
    lenses[:, :3] *= 0.2  # every point stays in front
    seen_from = generator.uniform([-1, -1, 4], [1, 1, 6], size=(points, 3))
    weights = generator.uniform(0.5, 1.5, size=views)
    x = np.concatenate([lenses.ravel(), seen_from.ravel(), weights])
    return x, places % cameras, places % points, generator.normal(size=(views, 2)), cameras


def reference(x, camera_of, point_of, seen, cameras):
    """Return the Jacobian: complex steps in the 15 numbers that a view depends on."""
    from scipy import sparse

    views, first = len(camera_of), 11 * cameras
    places = np.arange(views)
    columns = np.concatenate(
        [
            11 * camera_of[:, None] + np.arange(11),
            first + 3 * point_of[:, None] + np.arange(3),
            x.size - views + places[:, None],
        ],
        axis=1,
    )
    local = x[columns]
    values = np.stack([view_slope(local, seen, parameter) for parameter in range(15)], axis=2)
    rows = np.broadcast_to(2 * places[:, None, None] + np.arange(2)[:, None], values.shape)
    entries = np.concatenate([values.ravel(), -2 * local[:, 14]])
    rows = np.concatenate([rows.ravel(), 2 * views + places])
    spread = np.broadcast_to(columns[:, None, :], values.shape)
    columns = np.concatenate([spread.ravel(), columns[:, 14]])
    return sparse.csr_array((entries, (rows, columns)), shape=(3 * views, x.size))


def view_slope(local, seen, parameter):
    """Return the derivative of each view's two errors by one of its own 15 numbers."""
    moved = local.astype(complex)
    moved[:, parameter] += 1e-30j
    errors = moved[:, 14:] * (project(moved[:, :11], moved[:, 11:14]) - seen)
    return errors.imag / 1e-30


def operations(_cameras, _points, views):
    """Count the operations of a least program: about 60 a view forwards, and 15 derivatives."""
    return 400 * views
