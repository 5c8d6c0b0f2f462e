"""Determinants: derivatives at singular matrices, to every order, against exact arithmetic."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jacrs

RNG = np.random.default_rng(20)


def exact_derivative(a, directions):
    """The mixed derivative of the determinant: polynomials in one variable a direction, squares
    left out, over fractions."""
    n, count = len(a), len(directions)
    one = frozenset()

    def entry(i, j):
        terms = {one: Fraction(float(a[i][j]))}
        terms.update((frozenset([k]), Fraction(float(e[i][j]))) for k, e in enumerate(directions))
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
    assert jacrs.vjp(np.linalg.det, a)[0] == pytest.approx(1e50)
    for rank in (6, 5):  # cofactors that fit, of a determinant that does not
        q, r = (np.linalg.qr(RNG.normal(size=(6, 6)))[0] for _ in range(2))
        x = (q * (np.arange(6) < rank)) @ r
        gradient = jacrs.grad(np.linalg.det)(x)
        np.testing.assert_allclose(jacrs.grad(np.linalg.det)(1e60 * x), 1e300 * gradient, rtol=1e-9)
        np.testing.assert_allclose(
            jacrs.grad(np.linalg.det)(1e-60 * x), 1e-300 * gradient, rtol=1e-9
        )
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
