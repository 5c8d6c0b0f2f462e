"""Chooses the real module or its stand-in, and checks a recorded derivative."""

import importlib.util
import sys
from pathlib import Path

import numpy as np

_PYTHON = Path(__file__).parents[2] / "python"


def _native():
    try:
        import jacrs
        import jacrs._jacrs as native
    except ImportError:
        for name in [n for n in sys.modules if n.partition(".")[0] == "jacrs"]:
            del sys.modules[name]
        return None
    complete = all(hasattr(native, n) for n in ("Tracer", "is_recording", "lift", "pack"))
    if complete and hasattr(jacrs, "jvp"):
        return jacrs.jvp
    for name in [n for n in sys.modules if n.partition(".")[0] == "jacrs"]:
        del sys.modules[name]
    return None


jvp = _native()
MOCKED = jvp is None
if MOCKED:
    spec = importlib.util.spec_from_file_location(
        "jacrs_scope_mock", Path(__file__).parents[1] / "scope_mock.py"
    )
    mock = importlib.util.module_from_spec(spec)
    sys.modules["jacrs_scope_mock"] = mock
    spec.loader.exec_module(mock)
    mock.install("jacrs", str(_PYTHON / "jacrs"))
    jvp = mock.jvp

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
