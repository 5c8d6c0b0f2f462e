"""Dense Jacobians whose entries are computed without seeds, because few paths lead to each."""

import numpy as np
import pytest
from hypothesis import given, settings

import jacrs
from benches.problems import layers, pairwise
from tests.program_strategies import Program, programs
from tests.test_programs import QUIET, is_float, recorded

MODES = ["forward", "reverse"]
N = 70
X = np.linspace(0.2, 1.9, N)
WITHOUT_SEEDS = "entry by entry"


def stencil(x):
    return np.exp(x[1:-1]) * (x[2:] - 2 * x[1:-1] + x[:-2])


def by_columns(f, x):
    """Return the Jacobian from one product after the other."""
    columns = [jacrs.jvp(f, (x,), (e.reshape(x.shape),))[1] for e in np.eye(x.size, dtype=x.dtype)]
    return np.stack(columns, axis=-1).reshape(np.shape(f(x)) + x.shape)


@pytest.mark.parametrize("mode", MODES)
def test_dense_through_sparse_intermediates(mode):
    inputs = pairwise.inputs(N)
    assert WITHOUT_SEEDS in jacrs.explain(pairwise.function, mode=mode)(*inputs)
    expected = pairwise.reference(*inputs)
    derivative = jacrs.jacobian(pairwise.function, mode=mode)
    compiled = jacrs.compile(derivative)
    out = np.full((2 * N, N), np.nan)[::2].T
    assert out.shape == expected.shape
    for result in (derivative(*inputs), compiled(*inputs), compiled(*inputs, out=out)):
        np.testing.assert_allclose(result, expected, rtol=1e-13, atol=1e-13)
    y, J = jacrs.value_and_jacobian(pairwise.function, mode=mode)(*inputs)
    np.testing.assert_allclose(y, pairwise.function(*inputs), rtol=1e-14)
    np.testing.assert_allclose(J, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("mode", MODES)
def test_a_stencil(mode):
    assert WITHOUT_SEEDS in jacrs.explain(stencil, mode=mode)(X)
    J = jacrs.jacobian(stencil, mode=mode)(X)
    np.testing.assert_allclose(J, by_columns(stencil, X), rtol=1e-14, atol=1e-14)
    assert np.count_nonzero(J) <= 3 * (N - 2)


@pytest.mark.parametrize("mode", MODES)
def test_where_seeds_are_better(mode):
    """Sums of everything beside single elements, and places that the values decide."""
    for f in (lambda x: x * np.sum(x**2), lambda x: np.sort(np.sin(7 * x)) * x):
        assert " lanes" in jacrs.explain(f, mode=mode)(X)
        J = jacrs.jacobian(f, mode=mode)(X)
        np.testing.assert_allclose(J, by_columns(f, X), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("mode", MODES)
def test_dense_factors(mode):
    inputs = layers.inputs(N)
    J = jacrs.jacobian(layers.function, mode=mode)(*inputs)
    np.testing.assert_allclose(J, layers.reference(*inputs), rtol=1e-11, atol=1e-14)
    weights = np.cos(np.arange((N + 3) * N)).reshape(N + 3, N)
    J = jacrs.jacobian(lambda x: np.tanh(weights @ x), mode=mode)(X)
    slopes = 1 - np.tanh(weights @ X) ** 2
    np.testing.assert_allclose(J, slopes[:, None] * weights, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("mode", MODES)
def test_containers_and_dtypes(mode):
    def f(p, w):
        a, b = p["a"], p["b"]
        return [np.outer(a, b).sum(axis=0) * w, np.exp(a[1:]) - a[:-1], b[:0], b[0], 3]

    def blocks(n):
        p = {"a": X[:n], "b": np.full(n, 2, np.float32)}
        return jacrs.jacobian(f, argnums=(0, 1), mode=mode)(p, 0.5)

    for (by_p, by_w), (few, _), m in zip(blocks(N), blocks(3), [N, N - 1, 0, 1, 1], strict=True):
        for name in "ab":
            assert by_p[name].size == m * N
            assert by_p[name].shape[-1] == N
            assert by_p[name].dtype == few[name].dtype
        assert by_w.size == m
    (first, by_w), (second, _), _, (element, _), (integer, _) = blocks(N)
    np.testing.assert_allclose(first["a"], np.ones((N, N)), rtol=1e-14)
    np.testing.assert_allclose(first["b"], np.eye(N) * X.sum() / 2, rtol=1e-14)
    np.testing.assert_allclose(by_w, np.full(N, 2 * X.sum()), rtol=1e-14)
    np.testing.assert_allclose(second["a"], np.eye(N, k=1)[:-1] * np.exp(X) - np.eye(N)[:-1])
    np.testing.assert_array_equal(element["b"], np.eye(N)[0])
    assert not np.any(second["b"])
    assert not np.any(integer["a"])


def test_derivatives_of_it():
    second = jacrs.jacobian(jacrs.jacobian(stencil))(X[:66])
    tangents = [jacrs.jvp(jacrs.jacobian(stencil), (X[:66],), (e,))[1] for e in np.eye(66)]
    np.testing.assert_allclose(second, np.stack(tangents, axis=-1), rtol=1e-13, atol=1e-13)

    def energy(x):
        return np.sum(np.exp(-((x[:, None] - x) ** 2)))

    H = jacrs.hessian(energy)(X)
    np.testing.assert_allclose(H, by_columns(jacrs.grad(energy), X), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("mode", MODES)
def test_singular_points_are_what_seeds_give(mode):
    x = X.copy()
    x[[0, 5, 6, 20, 40]] = 0.0, np.nan, np.inf, -np.inf, 0.0

    def f(x):
        root = np.sqrt(x * x) * np.roll(x, 1)
        return np.where(x > 1, np.log(x), x) / np.roll(x, -1) + root

    with np.errstate(all="ignore"):
        assert WITHOUT_SEEDS in jacrs.explain(f, mode=mode)(x)
        J = jacrs.jacobian(f, mode=mode)(x)
        expected = by_columns(f, x)
    np.testing.assert_allclose(J, expected, rtol=1e-14)


@given(programs(statements=6))
@settings(max_examples=100, suppress_health_check=QUIET, deadline=None)
def test_repeated_random_programs(program: Program):
    """A program on each row: the blocks beside the diagonal are zero, those on it its own."""
    f, x = program.function(), program.x
    if x.size == 0:
        return
    rows = -(-64 // x.size)

    def total(x):
        parts = [np.ravel(y) for y in f(x) if is_float(y)]
        return np.concatenate([0.0 * np.ravel(x), *parts])

    def repeated(X):
        return np.stack([total(X[k]) for k in range(rows)])

    own = recorded(jacrs.jacobian(total, mode="forward"), x)
    expected = np.zeros((rows, own.shape[0], rows, *x.shape))
    for k in range(rows):
        expected[k, :, k] = own
    scale = np.maximum(1, np.max(np.abs(own), initial=0))
    for mode in MODES:
        J = recorded(jacrs.jacobian(repeated, mode=mode), np.stack([x] * rows))
        np.testing.assert_allclose(J, expected, rtol=1e-9, atol=1e-9 * scale)
