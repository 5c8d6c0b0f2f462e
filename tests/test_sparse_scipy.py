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


# --- stiff equations


def reaction(_t, w):
    """Return dw/dt of two substances that react and spread on a line (Brusselator)."""
    u, v = np.pad(w.reshape(2, -1), ((0, 0), (1, 1)), mode="edge")
    spread = 400 * np.stack([u[2:] - 2 * u[1:-1] + u[:-2], v[2:] - 2 * v[1:-1] + v[:-2]])
    u, v = u[1:-1], v[1:-1]
    return (spread + np.stack([1 + u * u * v - 4 * u, 3 * u - u * u * v])).ravel()


CONCENTRATIONS = np.concatenate([1 + np.sin(np.linspace(0, 3, 25)), np.full(25, 3.0)])


@pytest.fixture(scope="module")
def explicit():
    """The solution of an explicit method, which needs no Jacobian."""
    found = solve_ivp(reaction, (0, 1), CONCENTRATIONS, "DOP853", rtol=1e-11, atol=1e-12)
    return found.y[:, -1]


@pytest.mark.parametrize("method", ["BDF", "Radau"])
@pytest.mark.parametrize("form", ["csr", "csc"])
@pytest.mark.parametrize("face", FACES)
def test_stiff_equations(face, form, method, explicit):
    calls = 0

    def counted(t, w):
        nonlocal calls
        calls += 1
        return reaction(t, w)

    J = face(jacrs.sparse_jacobian(reaction, 1, format=form))
    options = {"method": method, "rtol": 1e-7, "atol": 1e-9}
    ours = solve_ivp(counted, (0, 1), CONCENTRATIONS, jac=J, **options)
    np.testing.assert_allclose(ours.y[:, -1], explicit, rtol=1e-5)
    assert ours.njev > 0
    assert calls == ours.nfev  # none for the Jacobian


@pytest.mark.parametrize("method", ["BDF", "Radau"])
def test_stiff_equations_with_our_pattern(method, explicit):
    pattern = jacrs.sparsity(reaction, 1)(0.0, CONCENTRATIONS)
    options = {"method": method, "rtol": 1e-7, "atol": 1e-9}
    calls = []
    for sparsity in (None, pattern.to_scipy()):
        seen = []

        def counted(t, w, seen=seen):
            seen.append(None)
            return reaction(t, w)

        theirs = solve_ivp(counted, (0, 1), CONCENTRATIONS, jac_sparsity=sparsity, **options)
        np.testing.assert_allclose(theirs.y[:, -1], explicit, rtol=1e-5)
        calls.append(len(seen))
    assert calls[1] < calls[0]


def test_a_constant_jacobian(explicit):
    J = jacrs.sparse_jacobian(reaction, 1)(0.0, CONCENTRATIONS)
    found = solve_ivp(reaction, (0, 1), CONCENTRATIONS, "Radau", jac=J, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.y[:, -1], explicit, rtol=1e-5)


# --- minimisation with constraints


def roughness(x):
    """Return a sum of squares of second differences, and of quartic pulls."""
    return np.sum((x[2:] - 2 * x[1:-1] + x[:-2]) ** 2) + 0.1 * np.sum((x - 1) ** 4)


def links(x):
    """Return what is to be zero: each link has the length that it should have."""
    return x[1::2] ** 2 + x[::2] ** 2 - 1


def lagrangian(x, weights):
    return weights @ links(x)


POINT = np.tile([0.9, 0.2], 6) + np.linspace(0, 0.3, 12)


@pytest.fixture(scope="module")
def constrained():
    """The minimum by another method, that takes differences."""
    exact = {"type": "eq", "fun": links}
    options = {"ftol": 1e-14, "maxiter": 300}
    found = minimize(
        roughness, POINT, method="SLSQP", jac="3-point", constraints=exact, options=options
    )
    assert np.max(np.abs(links(found.x))) < 1e-10
    return found


@pytest.mark.parametrize("face", FACES)
def test_trust_region_with_sparse_constraints(face, constrained):
    found = minimize(
        jacrs.value_and_grad(roughness),
        POINT,
        method="trust-constr",
        jac=True,
        hess=face(jacrs.sparse_hessian(roughness)),
        constraints=NonlinearConstraint(
            links,
            0,
            0,
            jac=face(jacrs.sparse_jacobian(links)),
            hess=face(jacrs.sparse_hessian(lagrangian)),
        ),
        options={"gtol": 1e-10, "xtol": 1e-12},
    )
    assert isinstance(found, OptimizeResult)
    assert scipy.sparse.issparse(found.jac[0])
    assert found.constr_violation < 1e-10
    assert found.fun == pytest.approx(constrained.fun, rel=1e-8)
    np.testing.assert_allclose(found.x, constrained.x, atol=1e-5)


class Program:
    """The roughness under the links, as interior-point codes of IPOPT's kind ask for it.

    The structure is asked for once, as rows and columns, and values in the same order at each
    point; of the Hessian of the Lagrangian there is the lower triangle alone.
    """

    def __init__(self, x):
        self.gradient = jacrs.compile(jacrs.grad(roughness))
        self._jacobian = jacrs.compile(jacrs.sparse_jacobian(links, format="coo"))
        self._hessian = jacrs.compile(jacrs.sparse_hessian(self.weighted, format="coo"))
        self._x = x
        rows, columns = self._hessian(x, 1.0, links(x)).coords
        self._lower = rows >= columns

    objective = staticmethod(roughness)
    constraints = staticmethod(links)

    @staticmethod
    def weighted(x, factor, multipliers):
        return factor * roughness(x) + multipliers @ links(x)

    def jacobianstructure(self):
        return self._jacobian(self._x).coords

    def jacobian(self, x):
        return self._jacobian(x).data

    def hessianstructure(self):
        return tuple(c[self._lower] for c in self._hessian(self._x, 1.0, links(self._x)).coords)

    def hessian(self, x, multipliers, factor):
        return self._hessian(x, factor, multipliers).data[self._lower]


def test_structures_and_values_of_an_interior_point_code(constrained):
    program = Program(POINT)
    (rows, columns), (lower, left) = program.jacobianstructure(), program.hessianstructure()
    assert np.all(lower >= left)
    assert len(set(zip(rows, columns, strict=True))) == len(rows) == links(POINT).size * 2
    x, m = POINT, np.zeros(6)
    for _ in range(30):  # Newton's method for the conditions of first order
        A = np.zeros((6, 12))
        A[rows, columns] = program.jacobian(x)
        H = np.zeros((12, 12))
        H[lower, left] = H[left, lower] = program.hessian(x, m, 1.0)
        kkt = np.block([[H, A.T], [A, np.zeros((6, 6))]])
        step = np.linalg.solve(kkt, -np.concatenate([program.gradient(x) + A.T @ m, links(x)]))
        x, m = x + step[:12], m + step[12:]
    assert np.max(np.abs(step)) < 1e-12
    np.testing.assert_allclose(x, constrained.x, atol=1e-5)
    expected = jacrs.hessian(program.weighted)(x, 0.5, m)
    np.testing.assert_allclose(program.hessian(x, m, 0.5), expected[lower, left], atol=1e-12)


def test_ipopt_itself(constrained):
    cyipopt = pytest.importorskip("cyipopt", reason="a package of its own")
    free = {"lb": np.full(12, -1e20), "ub": np.full(12, 1e20)}
    problem = cyipopt.Problem(12, 6, Program(POINT), **free, cl=np.zeros(6), cu=np.zeros(6))
    problem.add_option("print_level", 0)
    problem.add_option("tol", 1e-10)
    x, _ = problem.solve(POINT)
    np.testing.assert_allclose(x, constrained.x, atol=1e-5)


# --- structure that is shared: what SciPy does with it

EYE = scipy.sparse.eye_array(SIDE * SIDE)
NEITHER = [  # changes the structure that is shared, nor minds that it is
    lambda J: J.sum_duplicates(),
    lambda J: J.T.sum_duplicates(),
    lambda J: J.copy().eliminate_zeros(),
    lambda J: J.tocsr().copy().resize(5, 5),
    lambda J: J + EYE,
    lambda J: J.__iadd__(EYE) if hasattr(J, "__iadd__") else None,
    lambda J: J.__imul__(2.0),
    lambda J: -J.T @ J,
    lambda J: [getattr(J, f"to{form}")() for form in ("csr", "csc", "coo", "bsr", "dia", "lil")],
    lambda J: scipy.sparse.vstack([J, EYE]),
    lambda J: J.tocsr()[3:, [1, 4, 2]],
    lambda J: J.tocsr().setdiag(1.0),
    lambda J: splu(J.tocsc()),
    lambda J: spilu(J.tocsc()),
    lambda J: spsolve(J.tocsr(), START),
    lambda J: scipy.sparse.linalg.expm_multiply(J, START),
    lambda J: scipy.sparse.linalg.lsmr(J, START),
    lambda J: scipy.sparse.csgraph.reverse_cuthill_mckee(J.tocsr()),
]
IN_PLACE = [lambda J: J.eliminate_zeros(), lambda J: J.resize(5, 5)]


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr"])
def test_shared_structure_stays_as_it_is(form):
    def f(u):
        return bratu(u) + u * np.roll(u, 5)  # with entries that are zero where u is

    shared = jacrs.sparse_jacobian(f, format=form)
    private = jacrs.sparse_jacobian(f, format=form, copy_structure=True)
    before = private(START)
    for use in NEITHER:
        use(shared(START))
        np.testing.assert_array_equal(shared(START).toarray(), before.toarray())
    for change in IN_PLACE:
        if form == "coo":  # makes arrays of its own for it
            change(shared(START))
        else:
            with pytest.raises(ValueError, match="read-only"):
                change(shared(START))
        changed = private(START)
        change(changed)
        assert changed.nnz < before.nnz
        np.testing.assert_array_equal(shared(START).toarray(), before.toarray())
