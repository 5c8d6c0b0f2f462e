"""Factorisations: repeated values, deficient ranks, what is shared, values of every size."""

import itertools
import math

import numpy as np
import pytest

import jacrs
from jacrs._jacrs import Session
from tests.differences import richardson_jacobian

RNG = np.random.default_rng(20)


def derivative(f, at):
    """By differences, of a function of a number."""
    return richardson_jacobian(lambda t: f(float(t)), np.float64(at))


def along(f, directions):
    """The derivative of `f` along each direction in turn."""
    for e in directions:
        f = lambda x, f=f, e=e: jacrs.jvp(f, (x,), (e,))[1]  # noqa: E731
    return f


def definite(x):
    return x @ np.swapaxes(x, -1, -2) + np.eye(x.shape[-1], dtype=x.dtype)


# --- repeated eigenvalues and singular values


def test_repeated_eigenvalues():
    q = np.linalg.qr(RNG.normal(size=(4, 4)))[0]
    a = (q * [1.0, 2.0, 2.0, 5.0]) @ q.T
    a = (a + a.T) / 2
    gradient = jacrs.grad(lambda x: np.sum(np.linalg.eigvalsh((x + x.T) / 2) ** 3))(a)
    np.testing.assert_allclose(gradient, 3 * a @ a, atol=1e-12)
    lowest = jacrs.grad(lambda x: np.linalg.eigvalsh((x + x.T) / 2)[0])(a)
    np.testing.assert_allclose(lowest, np.outer(q[:, 0], q[:, 0]), atol=1e-12)
    for k in (1, 2):  # these two vectors are not functions of the matrix
        for mode in (jacrs.jacfwd, jacrs.jacrev):
            turned = mode(lambda x, k=k: np.linalg.eigh(x)[1][:, k])(a)
            assert np.mean(np.isfinite(turned[:, *np.tril_indices(4)])) < 0.5
            assert np.all(turned[:, *np.triu_indices(4, 1)] == 0.0)  # not read
    assert not np.isfinite(jacrs.hessian(lambda x: np.linalg.eigvalsh(x)[1])(a)).all()


def test_repeated_singular_values():
    u, v = (np.linalg.qr(RNG.normal(size=(n, 3)))[0] for n in (5, 4))
    a = (u * [2.0, 2.0, 1.0]) @ v.T
    np.testing.assert_allclose(
        jacrs.grad(lambda x: np.linalg.norm(x, "nuc"))(a), u @ v.T, atol=1e-12
    )
    for kind in (jacrs.jacfwd, jacrs.jacrev):
        assert not np.isfinite(kind(lambda x: np.linalg.svd(x, False)[0])(a)).all()
    # Both share the derivative of the largest.
    shared = jacrs.grad(lambda x: np.linalg.norm(x, 2))(np.diag([1.0, 3.0, 3.0]))
    np.testing.assert_allclose(shared, np.diag([0.0, 0.5, 0.5]), atol=1e-14)


def test_a_singular_value_of_zero():
    a = np.outer([1.0, 2.0, 2.0], [0.6, 0.8])
    slopes = jacrs.jacrev(lambda x: np.linalg.svd(x, compute_uv=False))(a)
    np.testing.assert_allclose(slopes[0], np.outer([1 / 3, 2 / 3, 2 / 3], [0.6, 0.8]), atol=1e-14)
    assert np.all(slopes[1] == 0.0)
    assert not np.isfinite(jacrs.jacrev(lambda x: np.linalg.svd(x, False)[0][:, 1])(a)).all()


# --- pseudoinverses of any rank


@pytest.mark.parametrize(
    ("m", "n", "rank"), [(5, 3, 3), (3, 5, 3), (5, 4, 2), (3, 4, 1), (4, 4, 3)]
)
def test_pinv_at_constant_rank(m, n, rank):
    left, right, dl, dr = (RNG.normal(size=(k, rank)) for k in (m, n, m, n))
    path = lambda t: (left + t * dl) @ (right + t * dr).T  # noqa: E731
    a, da = path(0.0), dl @ right.T + left @ dr.T
    inverse = lambda x: np.linalg.pinv(x, rcond=1e-9)  # noqa: E731
    wanted = derivative(lambda t: inverse(path(t)), 0.0)
    scale = np.abs(wanted).max()
    _, found = jacrs.jvp(inverse, (a,), (da,))
    np.testing.assert_allclose(found, wanted, atol=1e-7 * scale)
    weights = RNG.normal(size=found.shape)
    _, pullback = jacrs.vjp(inverse, a)
    assert np.sum(pullback(weights) * da) == pytest.approx(np.sum(weights * found), rel=1e-10)
    b = RNG.normal(size=m)
    solution = lambda x: np.linalg.lstsq(x, b, rcond=1e-9)[0]  # noqa: E731
    np.testing.assert_allclose(jacrs.jvp(solution, (a,), (da,))[1], found @ b, atol=1e-12 * scale)


def test_least_squares_returns_what_numpy_returns():
    cases = [(4, 2, 2), (2, 4, 2), (4, 3, 2), (3, 3, 3)]
    for (m, n, rank), columns in itertools.product(cases, (None, 0, 1, 3)):
        a = RNG.normal(size=(m, rank)) @ RNG.normal(size=(rank, n))
        b = RNG.normal(size=m if columns is None else (m, columns))
        found = {}

        def f(x, a=a, b=b, found=found):
            result = np.linalg.lstsq(a * x, b, rcond=1e-9)
            found["rank"] = result[2]
            return tuple(result[k] for k in (0, 1, 3))

        values, _ = jacrs.vjp(f, 1.0)
        x, residuals, wanted, s = np.linalg.lstsq(a, b, rcond=1e-9)
        assert found["rank"] == wanted
        for value, expected in zip(values, (x, residuals, s), strict=True):
            assert value.shape == expected.shape
            np.testing.assert_allclose(value, expected, atol=1e-12)


# --- factored once


def gaussian(k, y):
    """The logarithm of a density: a system and a determinant of one matrix."""
    return -0.5 * (y @ np.linalg.solve(k, y) + np.linalg.slogdet(k)[1])


def nodes_of(text, name):
    return sum(f"= {name}(" in line for line in text.splitlines())


def test_value_and_derivatives_share_one_factorisation():
    k, y = definite(RNG.normal(size=(4, 4))), RNG.normal(size=4)
    session = Session()
    session.open()
    try:
        x = session.argument(k, differentiable=True)
        value = gaussian(x, y)
        (first,) = session.vjp([value], [x], [1.0])
        (second,) = session.jvp([first], [x], [np.ones((4, 4))])
        assert nodes_of(session.graph([value, first, second]), "lu") == 1
        w, v = np.linalg.eigh(x)
        s = np.linalg.eigvalsh(x)
        (third,) = session.vjp([np.sum(w) + np.sum(v) + np.sum(s)], [x], [1.0])
        assert nodes_of(session.graph([third, w, v, s]), "eigh") == 1
        u, t, vt = np.linalg.svd(x)
        norm = np.linalg.norm(x, 2) + np.linalg.norm(x, "nuc") + np.sum(np.linalg.pinv(x))
        (fourth,) = session.vjp([norm + np.sum(u @ vt) + np.sum(t)], [x], [1.0])
        assert nodes_of(session.graph([fourth, norm]), "svd") == 1
    finally:
        session.close()
    inverse = np.linalg.inv(k)
    wanted = 0.5 * (np.outer(inverse @ y, inverse @ y) - inverse)
    np.testing.assert_allclose(jacrs.grad(gaussian)(k, y), wanted, atol=1e-13)


# --- values, whatever the size and the layout


def sign_free(name):
    return {
        "eigh": lambda x: np.abs(np.linalg.eigh(x)[1]),
        "svd": lambda x: np.abs(np.linalg.svd(x, full_matrices=False)[0]),
        "q": lambda x: np.linalg.qr(x)[0],
        "r": lambda x: np.linalg.qr(x)[1],
        "cholesky": lambda x: np.linalg.cholesky(definite(x)),
        "slogdet": lambda x: np.stack(np.linalg.slogdet(x)),
        "inv": np.linalg.inv,
        "solve": lambda x: np.linalg.solve(x, x[..., ::2] ** 2),
        "pinv": np.linalg.pinv,
        "eigvalsh": np.linalg.eigvalsh,
        "norm": lambda x: np.linalg.norm(x, "nuc", (-2, -1)),
        "det": lambda x: np.linalg.det(x / math.sqrt(x.shape[-1])),
    }[name]


NAMES = "eigh svd q r cholesky slogdet inv solve pinv eigvalsh norm det".split()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_numpy(name, dtype):
    f = sign_free(name)
    for n in (1, 2, 5, 15, 16, 17, 33, 64, 65, 130):
        x = (RNG.normal(size=(2, n, n)) + 0.5 * math.sqrt(n) * np.eye(n)).astype(dtype)[:, :, ::-1]
        found, wanted = jacrs.vjp(f, x)[0], f(x)
        assert found.dtype == wanted.dtype == dtype
        scale = np.abs(wanted).max()
        bound = {np.float64: 1e-11, np.float32: 3e-3}[dtype]
        if name in ("eigh", "svd"):  # vectors are as sure as their values are apart
            bound *= 100
        np.testing.assert_allclose(found, wanted, atol=bound * scale, rtol=0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
def test_modes_agree(name, dtype):
    f = sign_free(name)
    x = (RNG.normal(size=(24, 24)) + 3 * np.eye(24)).astype(dtype)
    t = RNG.normal(size=x.shape).astype(dtype)
    y, forward = jacrs.jvp(f, (x,), (t,))
    weights = RNG.normal(size=y.shape).astype(dtype)
    (back,) = (jacrs.vjp(f, x)[1](weights),)
    assert forward.dtype == back.dtype == dtype
    a, b = np.sum(weights * forward, dtype=float), np.sum(back * t, dtype=float)
    size = np.sum(np.abs(weights * forward), dtype=float) + np.sum(np.abs(back * t), dtype=float)
    assert abs(a - b) <= {np.float64: 1e-11, np.float32: 2e-3}[dtype] * size


def test_the_signs_that_the_conventions_promise():
    for shape in ((6, 4), (4, 6), (5, 5)):
        x = RNG.normal(size=shape)
        u, s, vt = jacrs.vjp(lambda x: tuple(np.linalg.svd(x)), x)[0]
        k = min(shape)
        np.testing.assert_allclose(u[:, :k] * s @ vt[:k], x, atol=1e-13)
        assert np.all(u[np.abs(u).argmax(axis=0), np.arange(len(u))] > 0)
        rest = vt[k:]
        assert np.all(rest[np.arange(len(rest)), np.abs(rest).argmax(axis=1)] > 0)
    v = jacrs.vjp(lambda x: np.linalg.eigh(x)[1], definite(x))[0]
    assert np.all(v[np.abs(v).argmax(axis=0), np.arange(5)] > 0)


def test_qr_of_deficient_matrices_is_that_of_numpy():
    for a in (
        [[0.0, 1.0], [0.0, 2.0]], np.zeros((3, 2)), np.eye(3), [[-1.0, 2.0], [0.0, 3.0]],
        [[0.0, 3.0, 1.0], [0.0, 4.0, 1.0], [0.0, 0.0, 2.0], [0.0, 0.0, 5.0]],
    ):  # fmt: skip
        x = np.array(a)
        q, r = jacrs.vjp(lambda x: tuple(np.linalg.qr(x, "complete")), x)[0]
        expected = np.linalg.qr(x, "complete")
        np.testing.assert_allclose(q, expected[0], atol=1e-15)
        np.testing.assert_allclose(r, expected[1], atol=1e-15)


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e150, 1e250])
def test_matrices_of_any_size(scale):
    x = RNG.normal(size=(4, 4))
    for f in (np.linalg.eigvalsh, lambda x: np.linalg.svd(x)[1], lambda x: np.linalg.qr(x)[1]):
        found, wanted = jacrs.vjp(f, x * scale)[0], f(x) * scale
        np.testing.assert_allclose(np.abs(found), np.abs(wanted), rtol=1e-10, atol=1e-13 * scale)


# --- higher orders


@pytest.mark.parametrize("name", ["eigh", "svd", "q", "r", "cholesky", "pinv", "eigvalsh", "norm"])
def test_third_derivatives_along_a_line(name):
    f = sign_free(name)
    a, e = RNG.normal(size=(2, 4, 4)) + np.diag([1.0, 2.0, 4.0, 7.0])
    second = along(f, [e, e])
    wanted = derivative(lambda t: np.asarray(second(a + t * e)), 0.0)
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(along(second, [e])(a), wanted, atol=1e-6 * scale)
    weights = RNG.normal(size=np.shape(wanted))
    back = jacrs.grad(lambda x: np.sum(weights * second(x)))(a)
    assert np.sum(back * e) == pytest.approx(np.sum(weights * wanted), rel=1e-5)
