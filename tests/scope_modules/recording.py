"""Checks a recorded derivative against differences of the unrecorded function."""

import numpy as np

from jacrs import jvp

X = np.array([0.7, 1.3, -0.4])
V = np.array([0.3, -1.1, 0.6])


def check(function, reference=None, x=X, v=V):
    """Record `function`; its value and derivative must be those of the plain `reference`."""
    reference = reference or function
    value, tangent = jvp(function, (x,), (v,))
    np.testing.assert_allclose(value, reference(x), rtol=1e-12, atol=1e-12)
    step = 1e-6
    plus, minus = reference(x + step * v), reference(x - step * v)
    expected = (np.asarray(plus) - np.asarray(minus)) / (2 * step)
    np.testing.assert_allclose(tangent, expected, rtol=1e-6, atol=1e-7)
    assert np.any(expected), "the case must depend on x"
