"""Factors that are no functions of the matrix have no derivative, whatever the zeros; all others
have the right one."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jacrs
from tests.differences import richardson_jacobian

RNG = np.random.default_rng(21)


def both(f, x):
    """The Jacobian, which is the same in both modes, NaN included."""
    forward, back = (np.asarray(mode(f)(x)) for mode in (jacrs.jacfwd, jacrs.jacrev))
    assert np.array_equal(np.isnan(forward), np.isnan(back))
    assert not np.isinf(forward).any()
    scale = max(1.0, np.nanmax(np.abs(forward), initial=0.0))
    np.testing.assert_allclose(forward, back, rtol=0, atol=1e-9 * scale)
    return forward


def orthogonal(draw, n):
    """Dense, or with as many exact zeros as there can be."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    if draw(st.booleans()):
        return np.eye(n)[rng.permutation(n)]
    return np.linalg.qr(rng.normal(size=(n, n)))[0]


def along(f, directions):
    """The derivative of `f` along each direction in turn."""
    for e in directions:
        f = lambda x, f=f, e=e: jacrs.jvp(f, (x,), (e,))[1]  # noqa: E731
    return f


def signs(columns, start):
    """What gives columns the signs of others."""
    return np.where(np.sum(columns * start, axis=0) < 0, -1.0, 1.0)


def aligned(vectors, at):
    """NumPy's columns with the signs that ours have at a point."""
    start = jacrs.vjp(vectors, at)[0]
    return lambda x: vectors(x) * signs(vectors(x), start)


def assert_columns(found, wanted, exists):
    """Columns, the second axis of Jacobians, are right where they exist, else NaN."""
    for k, regular in enumerate(exists):
        if regular:
            scale = max(1.0, np.abs(wanted[:, k]).max())
            np.testing.assert_allclose(found[:, k], wanted[:, k], rtol=0, atol=1e-6 * scale)
        else:
            assert np.isnan(found[:, k]).all()


# --- eigenvectors


@st.composite
def symmetric_matrices(draw):
    w = np.sort(np.array(draw(st.lists(st.integers(-3, 3), min_size=1, max_size=5)), float))
    q = orthogonal(draw, len(w))
    a = (q * w) @ q.T
    return np.tril(a) + np.tril(a, -1).T, w


def simple(w):
    return [np.sum(w == x) == 1 for x in w]


@settings(max_examples=40, deadline=None)
@given(symmetric_matrices(), st.sampled_from("LU"))
def test_eigenvectors(matrix, uplo):
    a, w = matrix
    n = len(w)
    read = np.tril_indices(n) if uplo == "L" else np.triu_indices(n)
    unread = np.triu_indices(n, 1) if uplo == "L" else np.tril_indices(n, -1)
    vectors = lambda x: np.linalg.eigh(x, UPLO=uplo)[1]  # noqa: E731
    found = both(vectors, a)
    assert np.all(found[:, :, *unread] == 0.0)
    wanted = richardson_jacobian(aligned(vectors, a), a)
    assert_columns(found[:, :, *read], wanted[:, :, *read], simple(w))


@settings(max_examples=40, deadline=None)
@given(symmetric_matrices())
def test_eigenvalues(matrix):
    """Each has the slope along its vector; what repeated ones have in common is right."""
    a, w = matrix
    found = both(lambda x: np.linalg.eigvalsh((x + x.T) / 2), a)
    for x in set(w):
        _, v = np.linalg.eigh(a)
        v = v[:, w == x]
        np.testing.assert_allclose(found[w == x].sum(axis=0), v @ v.T, atol=1e-11)
    # Of the second order only simple ones have a derivative.
    second = both(jacrs.jacfwd(np.linalg.eigvalsh), a)
    for k, regular in enumerate(simple(w)):
        below = second[k][*np.tril_indices(len(w))][:, *np.tril_indices(len(w))]
        assert np.isfinite(below).all() if regular else np.isnan(below).all()


def group_slope(a, k, e):
    """The second derivative of a simple eigenvalue along `e`, whatever the others are."""
    w, v = np.linalg.eigh(a)
    others = np.arange(len(w)) != k
    row = v[:, others].T @ e @ v[:, k]
    return 2 * np.sum(row**2 / (w[k] - w[others]))


SPECTRA = [[1.0, 2, 2], [0.0, 0, 3, 3, 5], [-1.0, 1, 1, 1], [2.0, 2, 4, 5]]


@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
@pytest.mark.parametrize("dense", [True, False])
def test_simple_eigenvalues_beside_repeated_ones(spectrum, dense):
    w = np.array(spectrum)
    n = len(w)
    q = np.linalg.qr(RNG.normal(size=(n, n)))[0] if dense else np.eye(n)
    a = (q * w) @ q.T
    a = (a + a.T) / 2
    e = RNG.normal(size=(n, n))
    e += e.T
    for k in np.flatnonzero(simple(w)):
        value = lambda x, k=k: np.linalg.eigvalsh((x + x.T) / 2)[k]  # noqa: E731
        wanted = group_slope(a, k, e)
        for outer, inner in [
            (jacrs.jacfwd, jacrs.jacrev), (jacrs.jacrev, jacrs.jacfwd),
            (jacrs.jacfwd, jacrs.jacfwd), (jacrs.jacrev, jacrs.jacrev),
        ]:  # fmt: skip
            hessian = outer(inner(value))(a)
            np.testing.assert_allclose(hessian.transpose(2, 3, 0, 1), hessian, atol=1e-11)
            assert np.sum(hessian * np.multiply.outer(e, e)) == pytest.approx(wanted, rel=1e-10)
        third = richardson_jacobian(lambda t, k=k: group_slope(a + t * e, k, e), 0.0)
        assert along(value, [e, e, e])(a) == pytest.approx(float(third), rel=1e-6)
        back = jacrs.grad(along(value, [e, e]))(a)
        assert np.sum(back * e) == pytest.approx(float(third), rel=1e-6)
        fourth = richardson_jacobian(lambda t, f=value: along(f, [e, e, e])(a + t * e), 0.0)
        assert along(value, [e] * 4)(a) == pytest.approx(float(fourth), rel=1e-5)
        # The vector, of the second order.
        vector = lambda x, k=k: np.linalg.eigh((x + x.T) / 2)[1][:, k]  # noqa: E731
        wanted = richardson_jacobian(lambda t, f=vector: along(f, [e])(a + t * e), 0.0)
        np.testing.assert_allclose(along(vector, [e, e])(a), wanted, rtol=1e-6, atol=1e-6)


def test_repeated_vectors_have_no_derivative_of_any_order():
    for a in (np.eye(3), np.diag([1.0, 2.0, 2.0]), np.zeros((2, 2))):
        n = len(a)
        lost = np.sum(np.diag(a) == a[-1, -1])
        units = [np.outer(np.eye(n)[i], np.eye(n)[j]) for i in range(n) for j in range(i + 1)]
        for first in units:
            for second in units:
                for f in (
                    lambda x: np.linalg.eigh(x)[1][:, -1],
                    lambda x: np.linalg.svd(np.tril(x) + np.tril(x, -1).T + np.eye(len(x)))[0][
                        :, 0
                    ],
                    lambda x: np.linalg.svd(x - 5 * np.eye(len(x)))[2][-1],
                ):
                    vector = along(f, [first, second])(a)
                    repeated = lost > 1
                    assert np.isnan(vector).all() == repeated


# --- singular vectors


@st.composite
def rectangular_matrices(draw):
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    k = min(m, n)
    s = np.sort(np.array(draw(st.lists(st.integers(0, 3), min_size=k, max_size=k)), float))[::-1]
    u, v = orthogonal(draw, m), orthogonal(draw, n)
    return (u[:, :k] * s) @ v[:, :k].T, s


def singular_columns(s, size, width):
    """Which vectors of one side are functions of the matrix."""
    k, rank = len(s), np.sum(s > 0)
    exists = [np.sum(s == x) == 1 and (x > 0 or size == k) for x in s]
    return exists + [rank == k] * (width - k)


def check_side(vectors, a, s, size):
    found, k = both(vectors, a), len(s)
    exists = singular_columns(s, size, found.shape[1])
    if size - k > 1 and exists[-1]:  # fixed up to a rotation: the smallest derivative
        start = jacrs.vjp(vectors, a)[0]
        inside = np.einsum("ik,ijmn->kjmn", start[:, k:], found[:, k:])
        np.testing.assert_allclose(inside, 0.0, atol=1e-11)
        span = lambda x: vectors(x)[:, k:] @ vectors(x)[:, k:].T  # noqa: E731
        np.testing.assert_allclose(both(span, a), richardson_jacobian(span, a), atol=1e-6)
        exists = exists[:k]
    assert_columns(found, richardson_jacobian(aligned(vectors, a), a), exists)


@settings(max_examples=60, deadline=None)
@given(rectangular_matrices(), st.booleans())
def test_singular_vectors(matrix, full):
    a, s = matrix
    check_side(lambda x: np.linalg.svd(x, full)[0], a, s, a.shape[0])
    check_side(lambda x: np.linalg.svd(x, full)[2].T, a, s, a.shape[1])


@settings(max_examples=40, deadline=None)
@given(rectangular_matrices())
def test_singular_values(matrix):
    a, s = matrix
    found = both(lambda x: np.linalg.svd(x, compute_uv=False), a)
    u, _, vt = np.linalg.svd(a, full_matrices=False)
    for x in set(s):
        wanted = u[:, s == x] @ vt[s == x] if x > 0 else 0.0
        np.testing.assert_allclose(found[s == x].sum(axis=0), wanted + 0 * a, atol=1e-11)
    nuclear = both(lambda x: np.linalg.norm(x, "nuc"), a)
    np.testing.assert_allclose(nuclear, u[:, s > 0] @ vt[s > 0], atol=1e-11)
    second = both(jacrs.jacfwd(lambda x: np.linalg.svd(x, compute_uv=False)), a)
    for k, x in enumerate(s):
        regular = x > 0 and np.sum(s == x) == 1
        assert np.isfinite(second[k]).all() if regular else np.isnan(second[k]).all()


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("m", "n", "spectrum"),
    [(4, 3, [3.0, 2, 2]), (3, 4, [3.0, 3, 1]), (3, 3, [2.0, 1, 0]), (3, 3, [4.0, 2, 2]),
     (4, 4, [5.0, 3, 0, 0]), (5, 3, [2.0, 0, 0]), (4, 2, [2.0, 1])],
)  # fmt: skip
@pytest.mark.parametrize("dense", [True, False])
def test_simple_singular_vectors_to_third_order(m, n, spectrum, full, dense):
    s = np.array(spectrum)
    k = len(s)
    u, v = (np.linalg.qr(RNG.normal(size=(j, j)))[0] if dense else np.eye(j) for j in (m, n))
    a = (u[:, :k] * s) @ v[:, :k].T
    e = RNG.normal(size=(m, n))
    left, right = singular_columns(s, m, k), singular_columns(s, n, k)
    for j in range(k):
        for side, lost in ((0, not left[j]), (2, not right[j])):
            start = jacrs.vjp(lambda x: tuple(np.linalg.svd(x, full)), a)[0][side]

            def vector(x, j=j, side=side, start=start):
                line = np.linalg.svd(x, full)[side]
                line, at = (line[:, j], start[:, j]) if side == 0 else (line[j], start[j])
                return line * np.sign(line @ at)

            partner = left[j] and right[j]
            for order in (1, 2, 3):
                found = along(vector, [e] * order)(a)
                if lost or (order > 1 and not partner):
                    assert np.isnan(found).all()
                    continue
                lower = along(vector, [e] * (order - 1))
                wanted = richardson_jacobian(lambda t, f=lower: f(a + t * e), 0.0, step=0.01)
                scale = max(1.0, np.abs(wanted).max())
                np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * scale)
                weights = RNG.normal(size=found.shape)
                back = jacrs.grad(lambda x, f=lower, c=weights: np.sum(c * f(x)))(a)
                assert np.sum(back * e) == pytest.approx(np.sum(weights * found), abs=1e-8 * scale)


# --- orthogonal factors


@st.composite
def dependent_matrices(draw):
    """With zeros and copies of columns among them."""
    m, n = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    a = rng.normal(size=(m, n)) if draw(st.booleans()) else np.eye(m, n)
    for j in range(n):
        kind = draw(st.sampled_from(["kept", "kept", "zero", "copy"]))
        if kind == "zero":
            a[:, j] = 0.0
        elif kind == "copy" and j > 0:
            a[:, j] = 2.0 * a[:, draw(st.integers(0, j - 1))]
    return a


@settings(max_examples=80, deadline=None)
@given(dependent_matrices(), st.sampled_from(["reduced", "complete"]))
def test_qr_of_dependent_columns(a, mode):
    m, n = a.shape
    k = min(m, n)
    needed = k - 1 if k == m else k
    ranks = [np.linalg.matrix_rank(a[:, : j + 1]) for j in range(needed)]
    first = next((j for j, rank in enumerate(ranks) if rank <= j), m)
    q, r = (lambda x, i=i: np.linalg.qr(x, mode)[i] for i in (0, 1))
    found = both(q, a)
    width = found.shape[1]
    wanted = richardson_jacobian(aligned(q, a), a, step=1e-3)
    free = m - k > 1 and width == m and first == m
    kept = k if free else width  # columns that complete a basis are fixed up to a rotation
    assert_columns(found[:, :kept], wanted[:, :kept], [j < first for j in range(kept)])
    start = jacrs.vjp(q, a)[0]
    plain = lambda x: r(x) * signs(q(x), start)[:, None]  # noqa: E731
    found, wanted = both(r, a), richardson_jacobian(plain, a, step=1e-3)
    for i, j in np.ndindex(width, n):
        if i > j:
            assert np.all(found[i, j] == 0.0)
        elif i < first:
            scale = max(1.0, np.abs(wanted[i, j]).max())
            np.testing.assert_allclose(found[i, j], wanted[i, j], rtol=0, atol=1e-6 * scale)
        else:
            assert np.isnan(found[i, j]).all()


def test_second_derivatives_beside_dependent_columns():
    a = RNG.normal(size=(4, 3))
    a[:, 2] = a[:, 0] - 2 * a[:, 1]
    e = RNG.normal(size=a.shape)
    for part in (lambda x: np.linalg.qr(x)[0][:, :2], lambda x: np.linalg.qr(x)[1][:2, :2]):
        wanted = richardson_jacobian(lambda t, f=part: along(f, [e])(a + t * e), 0.0, step=1e-3)
        np.testing.assert_allclose(along(part, [e, e])(a), wanted, rtol=1e-6, atol=1e-6)
        weights = RNG.normal(size=wanted.shape)
        back = jacrs.grad(lambda x, f=part, c=weights: np.sum(c * along(f, [e])(x)))(a)
        assert np.sum(back * e) == pytest.approx(np.sum(weights * wanted), rel=1e-6)
    for last in (lambda x: np.linalg.qr(x)[0][:, 2], lambda x: np.linalg.qr(x)[1][2, 2]):
        assert np.isnan(along(last, [e])(a)).all()
        assert np.isnan(along(last, [e, e])(a)).all()


# --- condition numbers


@pytest.mark.parametrize("order", [None, 2, 1, -1, np.inf, "fro"])
def test_condition_numbers_of_singular_matrices(order):
    f = lambda x: np.linalg.cond(x, order)  # noqa: E731
    for a in (np.diag([1.0, 0.0]), np.zeros((2, 2)), np.array([[1.0, 2.0], [2.0, 4.0]])):
        assert np.isnan(both(f, a)).all()
    stack = np.stack([np.diag([1.0, 0.0]), np.array([[3.0, 1.0], [0.5, 2.0]])])
    found = both(lambda x: np.sum(np.linalg.cond(x, order)[1:]), stack)
    np.testing.assert_allclose(found[1], richardson_jacobian(f, stack[1]), atol=1e-6)


def test_ties_of_condition_numbers_are_shared():
    for tie in (np.eye(3), np.fliplr(np.diag([2.0, -2.0, 2.0]))):
        assert np.all(both(np.linalg.cond, tie) == 0.0)


# --- stacks, lanes, single precision


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_matrices_of_a_stack_do_not_infect_each_other(dtype):
    regular = (RNG.normal(size=(3, 3)) + np.diag([0.0, 3.0, 7.0])).astype(dtype)
    deficient = np.zeros((3, 3))
    stack = np.stack([regular, np.eye(3), regular.T, deficient]).astype(dtype)
    for f in (
        lambda x: np.linalg.eigh(x)[1],
        lambda x: np.linalg.svd(x)[0],
        lambda x: np.linalg.svd(x[..., :2])[2],
        lambda x: np.linalg.qr(x[..., :2], "complete")[0],
        lambda x: np.linalg.qr(x)[1],
    ):
        bound = {np.float64: 1e-11, np.float32: 1e-3}[dtype]
        single = [jacrs.jacfwd(f)(x) for x in stack]
        assert single[0].dtype == dtype
        for lanes in (f, lambda x, f=f: jacrs.vmap(f)(x)):
            for mode in (jacrs.jacfwd, jacrs.jacrev):
                found = mode(lanes)(stack)
                for i, wanted in enumerate(single):
                    np.testing.assert_allclose(found[i][..., i, :, :], wanted, atol=bound)
                    assert all(np.all(found[i][..., j, :, :] == 0.0) for j in range(4) if j != i)
        assert np.isfinite(single[0]).all()
        assert np.isnan(single[3]).any()


def test_no_weight_no_pole():
    """A vector that is not defined adds nothing where nothing is asked of it."""
    a = np.diag([1.0, 2.0, 2.0])
    weights = RNG.normal(size=3)
    gradient = jacrs.grad(lambda x: np.linalg.eigh(x)[1][:, 0] @ weights)(a)
    wanted = np.array([[0.0, 0, 0], [-weights[1], 0, 0], [-weights[2], 0, 0]])
    np.testing.assert_allclose(gradient, wanted, atol=1e-14)
    _, tangent = jacrs.jvp(lambda x: np.linalg.eigh(x)[1], (a,), (np.zeros((3, 3)),))
    assert np.all(tangent == 0.0)
    upper = np.triu(np.ones((3, 3)), 1)  # not read
    assert np.all(jacrs.jvp(lambda x: np.linalg.eigh(x)[1], (a,), (upper,))[1] == 0.0)
    # Infinite slopes of the matrix meet exact zeros of the vectors.
    steep = lambda x: np.linalg.eigh(np.diag(np.sqrt(x)))[1]  # noqa: E731
    for mode in (jacrs.jacfwd, jacrs.jacrev):
        assert np.all(mode(steep)(np.array([0.0, 1.0])) == 0.0)
    lowest = lambda x: np.linalg.eigvalsh(np.diag(np.sqrt(x)))[0]  # noqa: E731
    assert jacrs.grad(lowest)(np.array([0.0, 1.0]))[0] == math.inf
