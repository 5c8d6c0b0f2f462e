"""`scipy.linalg` in recorded code: values, derivatives, refusals, and that SciPy stays optional."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg

import jacrs
from tests.differences import richardson_jacobian

RNG = np.random.default_rng(20)


def derivative(f, at):
    """By differences, of a function of a number."""
    return richardson_jacobian(lambda t: f(float(t)), np.float64(at))


def definite(x):
    return x @ np.swapaxes(x, -1, -2) + np.eye(x.shape[-1], dtype=x.dtype)


SCIPY = {
    "solve": scipy.linalg.solve,
    "solve sym": lambda x, b: scipy.linalg.solve(x, b, assume_a="sym"),
    "solve pos": lambda x, b: scipy.linalg.solve(definite(x), b, lower=True, assume_a="pos"),
    "solve upper": lambda x, b: scipy.linalg.solve(np.triu(x), b, assume_a="upper triangular"),
    "solve transposed": lambda x, b: scipy.linalg.solve(x, b, transposed=True),
    "triangular": scipy.linalg.solve_triangular,
    "triangular lower": lambda x, b: scipy.linalg.solve_triangular(x, b[:, 0], lower=True),
    "triangular T": lambda x, b: scipy.linalg.solve_triangular(x, b, trans="T", lower=True),
    "triangular unit": lambda x, b: scipy.linalg.solve_triangular(x, b, 1, unit_diagonal=True),
    "cholesky": lambda x, b: scipy.linalg.cholesky(definite(x)),
    "cholesky lower": lambda x, b: scipy.linalg.cholesky(definite(x), lower=True),
    "cho_solve": lambda x, b: scipy.linalg.cho_solve(scipy.linalg.cho_factor(definite(x)), b),
    "cho_solve lower": lambda x, b: scipy.linalg.cho_solve(
        scipy.linalg.cho_factor(definite(x), lower=True), b
    ),
    "inv": lambda x, b: scipy.linalg.inv(x),
    "det": lambda x, b: scipy.linalg.det(x),
    "qr": lambda x, b: scipy.linalg.qr(x[:, :2])[1],
    "qr economic": lambda x, b: scipy.linalg.qr(x[:, :2], mode="economic")[0],
    "qr r": lambda x, b: scipy.linalg.qr(x[:, :2], mode="r")[0],
    "eigh": lambda x, b: np.abs(scipy.linalg.eigh(x)[1]),
    "eigh upper": lambda x, b: scipy.linalg.eigh(x, lower=False, eigvals_only=True),
    "eigvalsh": lambda x, b: scipy.linalg.eigvalsh(x),
    "svd": lambda x, b: scipy.linalg.svd(x[:, :2])[1],
    "svdvals": lambda x, b: scipy.linalg.svdvals(x),
    "lstsq": lambda x, b: scipy.linalg.lstsq(x[:, :2], b)[0],
    "lstsq residuals": lambda x, b: scipy.linalg.lstsq(x[:, :2], b[:, 0])[1],
    "lstsq no residuals": lambda x, b: scipy.linalg.lstsq(x[:2], b[:2])[1],
    "pinv": lambda x, b: scipy.linalg.pinv(x[:, :2]),
    "pinv cut": lambda x, b: scipy.linalg.pinv(x, atol=0.3, return_rank=True)[0],
    "norm": lambda x, b: scipy.linalg.norm(x, 2),
}


@pytest.mark.parametrize("name", SCIPY)
def test_scipy_functions(name):
    f = SCIPY[name]
    x, b = RNG.normal(size=(3, 3)) + 2 * np.eye(3), RNG.normal(size=(3, 2))
    t, tb = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 2))
    value, tangent = jacrs.jvp(f, (x, b), (t, tb))
    expected = np.asarray(f(x, b))
    assert value.shape == expected.shape
    np.testing.assert_allclose(value, expected, atol=1e-12)
    wanted = derivative(lambda h: np.asarray(f(x + h * t, b + h * tb)), 0.0)
    np.testing.assert_allclose(tangent, wanted, rtol=1e-6, atol=1e-7)


def test_scipy_stays_optional():
    code = (
        "import sys, numpy as np, jacrs; jacrs.grad(np.linalg.det)(np.eye(2)); "
        "assert not any(name.startswith('scipy') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_scipy_refusals():
    refused = {
        "assume_a": lambda x: scipy.linalg.solve(x, x, assume_a="banded"),
        "pivoting": lambda x: scipy.linalg.qr(x, pivoting=True)[1],
        "with b": lambda x: scipy.linalg.eigh(x, x)[0],
        "subset_by_index": lambda x: scipy.linalg.eigh(x, subset_by_index=[0, 1])[0],
    }
    for word, function in refused.items():
        with pytest.raises(jacrs.UnsupportedError, match=word):
            jacrs.jacobian(function)(np.eye(3))
