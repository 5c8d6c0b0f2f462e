"""GradBench's ht, from ADBench: the Jacobian of a hand model with 22 bones by its 26 angles.

The suite's hand is measured; this one is made up, of about the same sizes.
"""

import numpy as np

from benches.problems.references import complex_step_jacobian

DERIVATIVE = "jacobian"
SIZES = {"544 vertices, 100 points": (544, 100), "12 000 vertices, 800 points": (12_000, 800)}
SMALL = (30, 6)
TOLERANCE = 1e-11
# The wrist, five fingers of four bones each, and the forearm.
PARENTS = [-1, *[0 if bone % 4 == 0 else bone for bone in range(20)], 0]


def function(theta, bases, inverses, vertices, weights, matches, targets):
    """Return the distances of matched vertices of the posed hand from what was measured."""
    placed = []
    for bone, angles in enumerate(finger_angles(theta)):
        relative = bases[bone] @ joint(angles)
        placed.append(relative if bone == 0 else placed[PARENTS[bone]] @ relative)
    positions = 0.0
    for bone in range(len(placed)):
        moved = (placed[bone] @ inverses[bone] @ vertices)[:3]
        positions = positions + moved * weights[bone]
    positions = rotation(theta[:3]) @ positions + theta[3:6, None]
    return (targets - positions[:, matches].T).ravel()


def finger_angles(theta):
    """Return three Euler angles for each bone: four of each finger are free, the rest are zero."""
    angles = [(0.0, 0.0, 0.0)]
    for finger in range(5):
        bend, spread, middle, tip = theta[6 + 4 * finger : 10 + 4 * finger]
        angles += [(0.0, 0.0, 0.0), (bend, spread, 0.0), (middle, 0.0, 0.0), (tip, 0.0, 0.0)]
    return [*angles, (0.0, 0.0, 0.0)]


def joint(angles):
    """Return the matrix that turns about x, then y, then z; the angles come as x, z, y."""
    (cx, cz, cy), (sx, sz, sy) = np.cos(np.array(angles)), np.sin(np.array(angles))
    return np.array(
        [
            [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx, 0.0],
            [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx, 0.0],
            [-sy, cy * sx, cy * cx, 0.0],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )


def rotation(turn):
    """Return the matrix that turns about an axis as long as the angle."""
    angle = np.sqrt(np.sum(turn * turn))
    x, y, z = turn / angle
    s, c = np.sin(angle), np.cos(angle)
    return np.array(
        [
            [x * x + (1 - x * x) * c, x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
            [x * y * (1 - c) + z * s, y * y + (1 - y * y) * c, y * z * (1 - c) - x * s],
            [x * z * (1 - c) - y * s, y * z * (1 - c) + x * s, z * z + (1 - z * z) * c],
        ]
    )


def inputs(vertices, points):
    """Return the angles, and a made-up hand with what was measured of it."""
    generator = np.random.default_rng(31337)
    theta = generator.uniform(0.1, 0.6, size=26)
    bases, inverses = generator.normal(size=(2, 22, 4, 4)) * 0.3 + np.eye(4)
    bases[:, 3], inverses[:, 3] = [0, 0, 0, 1], [0, 0, 0, 1]
    places = np.vstack([generator.normal(size=(3, vertices)), np.ones(vertices)])
    weights = generator.dirichlet(np.full(22, 0.2), size=vertices).T.copy()
    matches = generator.integers(vertices, size=points)
    return theta, bases, inverses, places, weights, matches, generator.normal(size=(points, 3))


def reference(theta, *hand):
    """Return the Jacobian, by complex steps."""
    return complex_step_jacobian(function, theta, *hand)


def operations(_vertices, points):
    """Count the operations of a least program: 22 bones move what is matched, 27 times."""
    return 27 * 22 * 24 * points
