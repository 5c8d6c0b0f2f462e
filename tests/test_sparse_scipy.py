"""Sparse derivatives inside of SciPy's solvers: each result beside an answer by other means."""

import numpy as np
import pytest
import scipy.sparse
from scipy.integrate import solve_ivp
from scipy.optimize import (
    NonlinearConstraint,
    OptimizeResult,
    least_squares,
    minimize,
    newton_krylov,
    root,
)
from scipy.sparse.linalg import LinearOperator, spilu, splu, spsolve

import jacrs

SIDE = 9
HEAT = 5.0
LINE = np.diag(np.full(SIDE, -2.0)) + np.eye(SIDE, k=1) + np.eye(SIDE, k=-1)
LAPLACE = (np.kron(LINE, np.eye(SIDE)) + np.kron(np.eye(SIDE), LINE)) * (SIDE + 1) ** 2
START = np.zeros(SIDE * SIDE)


def bratu(u):
    """Return the residual on a square whose border is zero; its matrix is made nowhere in it."""
    grid = np.pad(u.reshape(SIDE, SIDE), 1)
    inner = grid[1:-1, 1:-1]
    around = grid[2:, 1:-1] + grid[:-2, 1:-1] + grid[1:-1, 2:] + grid[1:-1, :-2]
    return ((around - 4 * inner) * (SIDE + 1) ** 2 + HEAT * np.exp(inner)).ravel()


@pytest.fixture(scope="module")
def solution():
    """The solution by Newton's method with the dense matrix, written by hand."""
    u = START
    for _ in range(8):
        residual = LAPLACE @ u + HEAT * np.exp(u)
        u = u - np.linalg.solve(LAPLACE + np.diag(HEAT * np.exp(u)), residual)
    assert np.max(np.abs(LAPLACE @ u + HEAT * np.exp(u))) < 1e-10
    return u


def newton(solve):
    u = START
    for _ in range(8):
        u = u - solve(u, bratu(u))
    return u


FACES = [lambda f: f, jacrs.compile]


# --- equations


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("form", ["csr", "csc"])
def test_newton_with_direct_solves(face, form, solution):
    J = face(jacrs.sparse_jacobian(bratu, format=form))
    direct = newton(lambda u, r: spsolve(J(u), r))
    np.testing.assert_allclose(direct, solution, rtol=1e-12)


def test_newton_with_factors_and_one_matrix_written_again(solution):
    jacobian = jacrs.compile(jacrs.sparse_jacobian(bratu, format="csc"))
    J = jacobian(START)

    def solve(u, r):
        return splu(jacobian(u, out=J)).solve(r)

    np.testing.assert_allclose(newton(solve), solution, rtol=1e-12)


def test_newton_from_value_and_jacobian_of_one_run(solution):
    both = jacrs.compile(jacrs.value_and_sparse_jacobian(bratu))
    u = START
    for _ in range(8):
        r, J = both(u)
        u = u - spsolve(J, r)
    np.testing.assert_allclose(u, solution, rtol=1e-12)


def preconditioner(u):
    """Return the incomplete factors of the Jacobian as SciPy's Krylov methods take them."""
    factors = spilu(jacrs.sparse_jacobian(bratu, format="csc")(u))
    return LinearOperator((u.size, u.size), factors.solve)


def test_newton_krylov_with_our_preconditioner(solution):
    calls = {}
    for inner_M in (None, preconditioner(START)):
        seen = []

        def counted(u, seen=seen):
            seen.append(None)
            return bratu(u)

        u = newton_krylov(counted, START, inner_M=inner_M, f_tol=1e-9)
        np.testing.assert_allclose(u, solution, rtol=1e-9)
        calls[inner_M is None] = len(seen)
    assert calls[False] < calls[True] / 2


def test_root_by_krylov_and_by_hybr(solution):
    options = {"fatol": 1e-9, "jac_options": {"inner_M": preconditioner(START)}}
    found = root(bratu, START, method="krylov", options=options)
    np.testing.assert_allclose(found.x, solution, rtol=1e-9)
    sparse = jacrs.sparse_jacobian(bratu)
    found = root(bratu, START, jac=lambda u: sparse(u).toarray(), method="hybr", tol=1e-13)
    np.testing.assert_allclose(found.x, solution, rtol=1e-11)
    assert found.njev < 5


# --- least squares


def chain(x):
    """Return Broyden's tridiagonal residuals, and pulls towards numbers that do not fit them."""
    padded = np.pad(x, 1)
    equations = (3 - 2 * x) * x - padded[:-2] - 2 * padded[2:] + 1
    return np.concatenate([equations, 0.3 * (x - np.cos(np.arange(x.size)))])


@pytest.mark.parametrize("bounds", [(-np.inf, np.inf), (-0.5, 0.1)])
@pytest.mark.parametrize("face", FACES)
def test_least_squares(face, bounds):
    tight = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-12, "bounds": bounds}
    x = np.full(40, -0.4)
    expected = least_squares(chain, x, "3-point", **tight)  # dense, by differences
    J = face(jacrs.sparse_jacobian(chain))
    found = least_squares(chain, x, J, **tight, tr_solver="lsmr", tr_options={"atol": 1e-14})
    assert scipy.sparse.issparse(found.jac)
    np.testing.assert_allclose(found.x, expected.x, rtol=1e-6, atol=1e-8)
    assert found.cost <= expected.cost * (1 + 1e-12)
    assert np.any(found.active_mask) == np.isfinite(bounds[0])
    np.testing.assert_allclose(found.jac.toarray(), expected.jac, atol=1e-6)
    pattern = jacrs.sparsity(chain)(x).to_scipy()
    grouped = least_squares(chain, x, "3-point", jac_sparsity=pattern, **tight)
    np.testing.assert_allclose(grouped.x, expected.x, rtol=1e-6, atol=1e-8)
