"""Linear algebra where it is hard: singular matrices, repeated values, errors, what is shared."""

import itertools
import math
import sys
from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import jacrs
from jacrs._jacrs import Session
from tests.differences import richardson_jacobian

RNG = np.random.default_rng(20)


def derivative(f, at):
    """By differences, of a function of a number."""
    return richardson_jacobian(lambda t: f(float(t)), np.float64(at))


def definite(x):
    return x @ np.swapaxes(x, -1, -2) + np.eye(x.shape[-1], dtype=x.dtype)


# --- determinants at singular matrices, against exact arithmetic


def exact_derivative(a, directions):
    """The mixed derivative of the determinant: polynomials in one variable a direction, squares
    left out, over fractions."""
    n, count = len(a), len(directions)
    one = frozenset()

    def entry(i, j):
        terms = {one: Fraction(float(a[i][j]))}
        terms.update(
            (frozenset([k]), Fraction(float(e[i][j]))) for k, e in enumerate(directions)
        )
        return terms

    def times(p, q):
        product = {}
        for s, t in itertools.product(p, q):
            if not s & t:
                product[s | t] = product.get(s | t, 0) + p[s] * q[t]
        return product

    total = Fraction(0)
    for order in itertools.permutations(range(n)):
        inversions = sum(x > y for x, y in itertools.combinations(order, 2))
        term = {one: Fraction((-1) ** inversions)}
        for i, j in enumerate(order):
            term = times(term, entry(i, j))
        total += term.get(frozenset(range(count)), 0)
    return float(total)


def along(f, directions):
    """The derivative of `f` along each direction in turn."""
    for e in directions:
        f = lambda x, f=f, e=e: jacrs.jvp(f, (x,), (e,))[1]  # noqa: E731
    return f


def of_rank(n, rank):
    """Small integers, so that the rank is exact."""
    left, right = RNG.integers(-2, 3, (2, n, rank))
    left[:rank] += 3 * np.eye(rank, dtype=int)
    right[:rank] += 3 * np.eye(rank, dtype=int)
    return (left @ right.T).astype(float)


@pytest.mark.parametrize(
    ("n", "rank"), [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2), (4, 2), (4, 3), (4, 4), (5, 3)]
)
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_det_to_every_order(n, rank, order):
    a = of_rank(n, rank)
    directions = [RNG.integers(-3, 4, (n, n)).astype(float) for _ in range(order)]
    wanted = exact_derivative(a, directions)
    scale = max(1.0, np.abs(a).max()) ** n
    bound = 1e-12 * max(abs(wanted), scale)
    assert abs(along(np.linalg.det, directions)(a) - wanted) <= bound
    if order:
        gradient = jacrs.grad(along(np.linalg.det, directions[1:]))(a)
        assert abs(np.sum(gradient * directions[0]) - wanted) <= bound


def test_third_derivatives_in_every_mode():
    a = of_rank(3, 1)
    full = jacrs.jacfwd(jacrs.jacrev(jacrs.grad(np.linalg.det)))(a)
    also = jacrs.jacrev(jacrs.jacfwd(jacrs.jacfwd(np.linalg.det)))(a)
    eye = np.eye(9).reshape(9, 3, 3)
    wanted = [exact_derivative(a, picks) for picks in itertools.product(eye, repeat=3)]
    for found in (full, also):
        np.testing.assert_allclose(np.reshape(found, -1), wanted, atol=1e-13)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-2, 2), min_size=9, max_size=9))
def test_cofactors_of_small_integers(entries):
    a = np.reshape(entries, (3, 3)).astype(float)
    eye = np.eye(9).reshape(9, 3, 3)
    wanted = [exact_derivative(a, [e]) for e in eye]
    np.testing.assert_allclose(jacrs.grad(np.linalg.det)(a).ravel(), wanted, atol=1e-12)
    second = jacrs.hessian(np.linalg.det)(a).reshape(9, 9)
    wanted = [[exact_derivative(a, [e, f]) for f in eye] for e in eye]
    np.testing.assert_allclose(second, wanted, atol=1e-12)


def test_cofactors_near_a_singular_matrix():
    """Where the inverse has lost its digits and the cofactors have not."""
    q, r = (np.linalg.qr(RNG.normal(size=(6, 6)))[0] for _ in range(2))
    for smallest in (1e-3, 1e-8, 1e-14, 0.0):
        s = np.array([3.0, 2.0, 1.5, 1.0, 0.5, smallest])
        a = (q * s) @ r
        rest = np.prod(s) / s[:-1] if smallest else np.zeros(5)
        middle = np.diag(np.append(rest, np.prod(s[:-1])))
        wanted = np.linalg.det(q) * np.linalg.det(r) * q @ middle @ r
        np.testing.assert_allclose(jacrs.grad(np.linalg.det)(a), wanted, atol=1e-12)


def test_determinants_of_any_size():
    """Products of pivots neither overflow nor vanish on the way."""
    a = np.diag([1e200, 1e200, 1e-250, 1e-100])
    value, gradient = jacrs.value_and_grad(np.linalg.det)(a)
    assert value == pytest.approx(1e50)
    np.testing.assert_allclose(np.diag(gradient)[2:], [1e300, 1e150])
    assert jacrs.jvp(np.linalg.det, (np.eye(400) * 10,), (np.eye(400),))[0] == math.inf
    sign, logdet = jacrs.jvp(lambda x: tuple(np.linalg.slogdet(x)), (a,), (a,))[0]
    assert sign == 1.0
    assert logdet == pytest.approx(50 * math.log(10))


def test_the_logarithm_at_a_singular_matrix():
    a = of_rank(3, 2)
    (sign, logdet), (slope, tangent) = jacrs.jvp(
        lambda x: tuple(np.linalg.slogdet(x)), (a,), (np.eye(3),)
    )
    assert abs(sign) <= 1.0
    assert slope == 0.0
    assert logdet < -30.0
    exact = np.diag([1.0, 0.0, 2.0])
    (sign, logdet), (_, tangent) = jacrs.jvp(
        lambda x: tuple(np.linalg.slogdet(x)), (exact,), (np.eye(3),)
    )
    assert (sign, logdet) == (0.0, -math.inf)
    assert not np.isfinite(tangent)


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
            assert not np.isfinite(turned).all(axis=(1, 2)).any()
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


@pytest.mark.parametrize(("m", "n", "rank"), [(5, 3, 3), (3, 5, 3), (5, 4, 2), (3, 4, 1), (4, 4, 3)])
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

        def f(x, a=a, found=found):
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


# --- errors


def fails(call):
    with pytest.raises(np.linalg.LinAlgError) as caught:
        call()
    assert isinstance(caught.value, jacrs.LinAlgError)
    return str(caught.value)


def late(x):
    y = x + 1.0
    y = y * 2.0
    z = np.linalg.solve(y, np.ones(2))  # here
    return np.sum(z * z)


SINGULAR = np.zeros((2, 2))
PLACE = f"test_linalg.py:{late.__code__.co_firstlineno + 3} in late: np.linalg.solve(y, np.ones(2))"


@pytest.mark.parametrize(
    "transform",
    [
        lambda: jacrs.grad(late)(SINGULAR),
        lambda: jacrs.jvp(late, (SINGULAR,), (np.eye(2),)),
        lambda: jacrs.vjp(late, SINGULAR),
        lambda: jacrs.jacobian(late)(SINGULAR),
        lambda: jacrs.jacrev(late)(SINGULAR),
        lambda: jacrs.hessian(late)(SINGULAR),
        lambda: jacrs.grad(lambda x: late(x) if late(x) > 0 else 0.0)(SINGULAR),
    ],
)
def test_a_run_that_fails_names_the_line(transform):
    text = fails(transform)
    message, place = text.split("\n  at ")
    assert message == "Singular matrix"
    assert place.endswith(PLACE)


def test_a_tape_names_the_line():
    def taped():
        with jacrs.Tape() as tape:
            x = tape.watch(SINGULAR)
            np.linalg.inv(x)

    assert fails(taped).endswith("in test_a_tape_names_the_line.<locals>.taped: np.linalg.inv(x)")


FAILING = {
    "Matrix is not positive definite": (np.linalg.cholesky, -np.eye(3)),
    "SVD did not converge": (lambda x: np.linalg.svd(x)[1], np.array([[1.0, math.nan]])),
    "Last 2 dimensions of the array must be square": (np.linalg.inv, np.ones((2, 3))),
    "1-dimensional array given. Array must be at least two-dimensional": (np.linalg.det, np.ones(3)),
    "Incompatible dimensions": (lambda x: np.linalg.lstsq(x, x[1:])[0], np.ones((3, 3))),
    "cond is not defined on empty arrays": (np.linalg.cond, np.ones((0, 3))),
    "singular matrix: resolution failed at diagonal 1": (
        lambda x: scipy.linalg.solve_triangular(x, np.ones(2)),
        np.diag([1.0, 0.0]),
    ),
}


@pytest.mark.parametrize("message", FAILING)
def test_messages_are_those_of_numpy(message):
    function, x = FAILING[message]

    def recorded(x):
        return np.sum(function(x))

    text = fails(lambda: jacrs.grad(recorded)(x))
    assert text.split("\n")[0] == message
    assert f"test_linalg.py:{recorded.__code__.co_firstlineno + 1} in recorded" in text or (
        "in <lambda>" in text
    )
    if "SVD" not in message:  # what fails to converge depends on LAPACK
        with pytest.raises(np.linalg.LinAlgError) as theirs:
            function(x)
        assert str(theirs.value).startswith(message)


def jittered(x):
    tries = 0
    while True:
        try:
            factor = np.linalg.cholesky(x + 10.0 ** (tries - 8) * tries * np.eye(3))
        except np.linalg.LinAlgError:
            tries += 1
        else:
            return np.sum(np.log(np.diag(factor)))


def test_handlers_of_the_recorded_function_are_reached():
    x = np.ones((3, 3)) - 1e-7 * np.eye(3)
    gradient = jacrs.grad(jittered)(x)
    directions = RNG.normal(size=(3, 3))
    directions = directions + directions.T
    wanted = derivative(lambda t: jittered(x + t * 1e-9 * directions) / 1e-9, 0.0)
    assert np.sum(gradient * directions) == pytest.approx(wanted, rel=1e-4)
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.cholesky(x)

    def guarded(x):
        with np.errstate(all="ignore"):
            try:
                return np.sum(np.linalg.inv(x))
            finally:
                x = None

    assert "in guarded: np.linalg.inv(x)" in fails(lambda: jacrs.grad(guarded)(SINGULAR))


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
        a = np.array(a)
        q, r = jacrs.vjp(lambda x: tuple(np.linalg.qr(x, "complete")), a)[0]
        expected = np.linalg.qr(a, "complete")
        np.testing.assert_allclose(q, expected[0], atol=1e-15)
        np.testing.assert_allclose(r, expected[1], atol=1e-15)


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e150, 1e250])
def test_matrices_of_any_size(scale):
    x = RNG.normal(size=(4, 4))
    for f in (np.linalg.eigvalsh, lambda x: np.linalg.svd(x)[1], lambda x: np.linalg.qr(x)[1]):
        found, wanted = jacrs.vjp(f, x * scale)[0], f(x) * scale
        np.testing.assert_allclose(np.abs(found), np.abs(wanted), rtol=1e-10, atol=1e-13 * scale)


def test_nan_and_infinity_are_carried():
    lost = np.array([[math.nan, 0.0], [0.0, 1.0]])
    for f in (
        np.linalg.inv, np.linalg.det, np.linalg.eigvalsh, np.linalg.cholesky,
        lambda x: np.linalg.qr(x)[1], lambda x: np.linalg.slogdet(x)[1],
        lambda x: np.linalg.eigh(x)[1], lambda x: np.linalg.solve(x, np.ones(2)),
    ):  # fmt: skip
        value, pullback = jacrs.vjp(f, lost)
        assert np.isnan(value).any()
        assert np.isnan(pullback(np.ones_like(value))).any()
    endless = np.where(np.isnan(lost), math.inf, lost)
    assert np.isnan(jacrs.vjp(lambda x: np.linalg.svd(x)[1], endless)[0]).all()
    assert jacrs.vjp(np.linalg.cond, np.zeros((2, 2)))[0] == math.inf
    assert jacrs.vjp(lambda x: np.linalg.cond(x, 1), np.zeros((2, 2)))[0] == math.inf
    assert np.isnan(jacrs.vjp(lambda x: np.linalg.cond(x, 1), lost)[0])
    guarded = jacrs.grad(lambda x: np.where(x[0, 0] > 0, np.linalg.slogdet(x)[1], x[1, 1]))
    np.testing.assert_array_equal(guarded(np.zeros((2, 2))), [[0.0, 0.0], [0.0, 1.0]])


# --- higher orders along a line, against closed forms


def test_orders_of_the_inverse():
    a, e = RNG.normal(size=(2, 3, 3)) + 2 * np.eye(3)
    inverse = np.linalg.inv(a)
    wanted = inverse
    for order in (1, 2, 3):
        wanted = -order * inverse @ e @ wanted
        found = along(np.linalg.inv, [e] * order)(a)
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
    for order, weight in ((1, 1.0), (2, -1.0), (3, 2.0)):
        found = along(lambda x: np.linalg.slogdet(x)[1], [e] * order)(a)
        power = np.trace(np.linalg.matrix_power(inverse @ e, order))
        assert found == pytest.approx(weight * power, rel=1e-10)


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


# --- scipy.linalg

SCIPY = {
    "solve": lambda x, b: scipy.linalg.solve(x, b),
    "solve sym": lambda x, b: scipy.linalg.solve(x, b, assume_a="sym"),
    "solve pos": lambda x, b: scipy.linalg.solve(definite(x), b, lower=True, assume_a="pos"),
    "solve upper": lambda x, b: scipy.linalg.solve(np.triu(x), b, assume_a="upper triangular"),
    "solve transposed": lambda x, b: scipy.linalg.solve(x, b, transposed=True),
    "triangular": lambda x, b: scipy.linalg.solve_triangular(x, b),
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
    import subprocess

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
