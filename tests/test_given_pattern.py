"""`pattern=`: the entries of a pattern that the user gives, and what is told of a wrong one."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import jacrs

FORMATS = ["csr", "csc", "coo", "bsr"]
WAYS = [None, "forward", "reverse"]
X = np.array([0.7, -1.3, 0.4, 2.0, -0.6])


def tridiagonal(x):
    return x[1:-1] ** 2 * x[2:] + np.sin(x[:-2])


def dense(f, x):
    return jacrs.jacobian(f)(x)


@st.composite
def problems(draw):
    """Draw coefficients, some of them zero, more places beside them, and a point."""
    rows, columns = draw(st.integers(0, 7)), draw(st.integers(0, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    A = rng.normal(size=(rows, columns)) * (rng.random((rows, columns)) < rng.random())
    more = rng.random((rows, columns)) < rng.random()
    return A, (A != 0) | more, rng.uniform(0.5, 2.0, columns)


def function_of(A):
    return lambda x: A @ np.sin(x) + (A @ x) ** 2


@given(problems(), st.sampled_from(WAYS), st.sampled_from(FORMATS))
@settings(max_examples=150, deadline=None)
def test_a_pattern_with_more_entries_gives_the_same(problem, mode, form):
    A, wider, x = problem
    f = function_of(A)
    J = jacrs.sparse_jacobian(f, pattern=wider, mode=mode, format=form)(x)
    np.testing.assert_allclose(J.toarray(), dense(f, x), rtol=1e-12, atol=1e-12)
    if form != "bsr":
        assert J.nnz == np.count_nonzero(wider)
    found = jacrs.sparse_jacobian(f)(x)
    np.testing.assert_allclose(J.toarray(), found.toarray(), rtol=1e-12, atol=1e-12)


@given(problems(), st.sampled_from(WAYS), st.data())
@settings(max_examples=100, deadline=None)
def test_a_pattern_without_an_entry_raises(problem, mode, data):
    A, wider, x = problem
    entries = np.argwhere(dense(function_of(A), x))
    if not len(entries):
        return
    i, j = data.draw(st.sampled_from(entries.tolist()))
    wider[i, j] = False
    with pytest.raises(jacrs.ArgumentError, match=f"row {i}, column {j},"):
        jacrs.sparse_jacobian(function_of(A), pattern=wider, mode=mode)(x)


@given(problems(), st.sampled_from([*WAYS, "star"]), st.data())
@settings(max_examples=100, deadline=None)
def test_hessians(problem, mode, data):
    A, _, x = problem
    f = lambda x: np.sum((A @ x) ** 3) + np.sum(np.cos(x))  # noqa: E731
    expected = jacrs.hessian(f)(x)
    found = (expected != 0) | np.eye(x.size, dtype=bool)
    H = jacrs.sparse_hessian(f, pattern=found, mode=mode)(x)
    np.testing.assert_allclose(H.toarray(), expected, rtol=1e-10, atol=1e-10)
    entries = np.argwhere(np.abs(expected) > 1e-9)
    if not len(entries):
        return
    i, j = data.draw(st.sampled_from(entries.tolist()))
    found[i, j] = found[j, i] = False
    with pytest.raises(jacrs.ArgumentError, match="outside of the given pattern"):
        jacrs.sparse_hessian(f, pattern=found, mode=mode)(x)


def test_all_kinds_of_patterns():
    found = jacrs.sparsity(tridiagonal)(X)
    expected = jacrs.sparse_jacobian(tridiagonal)(X)
    forms = ["csr", "csc", "coo", "dia", "lil", "dok"]
    kinds = [found, found.toarray(), expected, *map(found.to_scipy, forms)]
    kinds += [scipy.sparse.csr_matrix(found.to_scipy()), found.to_scipy("bsr")]
    zeros = expected.copy()
    zeros.data[:] = 0.0
    diagonals = scipy.sparse.dia_array((np.zeros((3, 5)), [0, 1, 2]), (3, 5))
    rows, columns = expected.tocoo().coords
    twice = scipy.sparse.coo_array(
        (np.ones(2 * rows.size), (np.tile(rows[::-1], 2), np.tile(columns[::-1], 2))), (3, 5)
    )
    for pattern in [*kinds, zeros, diagonals, twice]:
        J = jacrs.sparse_jacobian(tridiagonal, pattern=pattern)(X)
        np.testing.assert_array_equal(J.indices, expected.indices)
        np.testing.assert_array_equal(J.indptr, expected.indptr)
        np.testing.assert_allclose(J.data, expected.data, rtol=1e-15)


def test_a_pattern_is_taken_as_it_is_now():
    mask = jacrs.sparsity(tridiagonal)(X).toarray()
    jacobian = jacrs.sparse_jacobian(tridiagonal, pattern=mask)
    mask[:] = False
    np.testing.assert_allclose(jacobian(X).toarray(), dense(tridiagonal, X))


def test_values_arguments_and_aux():
    def f(a, b):
        return {"p": a[1:] * b, "q": b**2}, "text"

    a, b = np.arange(3.0), 2.0
    pattern = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [1, 0, 0, 0]], bool)
    (value, aux), J = jacrs.value_and_sparse_jacobian(f, (1, 0), has_aux=True, pattern=pattern)(
        a, b
    )
    assert (aux, value["q"]) == ("text", 4.0)
    np.testing.assert_array_equal(J.toarray(), [[1, 0, 2, 0], [2, 0, 0, 2], [4, 0, 0, 0]])
    f = lambda x: np.sum(x**3)  # noqa: E731
    value, gradient, H = jacrs.value_and_sparse_hessian(f, pattern=np.eye(5, dtype=bool))(X)
    np.testing.assert_allclose(gradient, 3 * X**2)
    np.testing.assert_allclose(H.diagonal(), 6 * X)
    x = X.astype(np.float32)
    J = jacrs.sparse_jacobian(lambda x: np.exp(x) * 3, pattern=np.eye(5, dtype=bool))(x)
    assert J.dtype == np.float32
    assert jacrs.sparse_jacobian(lambda x: x, pattern=np.zeros((0, 0), bool))(X[:0]).shape == (0, 0)
    nothing = np.zeros((5, 5), bool)
    assert jacrs.sparse_jacobian(lambda x: x > 0, pattern=nothing)(X).nnz == 0


@pytest.mark.parametrize("form", FORMATS)
def test_compiled_and_out(form):
    pattern = np.ones((3, 5), bool)
    pattern[0, 4] = pattern[2, 0] = False
    jacobian = jacrs.sparse_jacobian(tridiagonal, pattern=pattern, format=form)
    compiled = jacrs.compile(jacobian)
    for x in (X, 2 * X):
        np.testing.assert_allclose(compiled(x).toarray(), dense(tridiagonal, x), rtol=1e-14)
    assert (compiled.n_traces, compiled.n_replays) == (1, 2)
    out = jacobian(X)
    for sparse in (jacobian, compiled):
        assert sparse(3 * X, out=out) is out
        np.testing.assert_allclose(out.toarray(), dense(tridiagonal, 3 * X), rtol=1e-14)
    assert jacrs.sparse_jacobian(jacrs.compile(tridiagonal), pattern=pattern)(X).nnz == 13


def test_it_says_what_it_does():
    pattern = jacrs.sparsity(tridiagonal)(X)
    text = jacrs.explain(jacrs.sparse_jacobian(tridiagonal, pattern=pattern))(X)
    assert text.splitlines() == [
        "<jacrs Pattern: 3 x 5, 9 entries>",
        "forward: columns in 3 colours, pattern as given",
    ]


def test_patterns_and_transforms_are_pickled():
    pattern = jacrs.sparsity(np.sin)(X)
    assert pickle.loads(pickle.dumps(pattern)) == pattern
    jacobian = pickle.loads(pickle.dumps(jacrs.sparse_jacobian(np.sin, pattern=pattern)))
    np.testing.assert_allclose(jacobian(X).diagonal(), np.cos(X))


# --- when it is checked


def wrong(f, x):
    return pytest.raises(jacrs.ArgumentError, match="outside of the given pattern")


def test_a_wrong_pattern_raises_compiled_too():
    for of in (jacrs.sparse_jacobian, jacrs.value_and_sparse_jacobian):
        sparse = of(tridiagonal, pattern=np.eye(3, 5, dtype=bool))
        for call in (sparse, sparse, jacrs.compile(sparse)):
            with wrong(tridiagonal, X):
                call(X)
            with wrong(tridiagonal, X):
                call(X, out=jacrs.sparse_jacobian(tridiagonal)(X))


def test_another_branch_is_checked_anew():
    def f(x):
        return x**2 if x[0] > 0 else x * x[::-1]

    eye = np.eye(5, dtype=bool)
    for sparse in (
        jacrs.sparse_jacobian(f, pattern=eye),
        jacrs.compile(jacrs.sparse_jacobian(f, pattern=eye)),
    ):
        np.testing.assert_allclose(sparse(X).diagonal(), 2 * X)
        with wrong(f, X):
            sparse(-X)
        np.testing.assert_allclose(sparse(X).diagonal(), 2 * X)


def test_other_contents_of_indices_are_checked_anew():
    def f(x, k):
        return x[k] ** 2

    eye, k = np.eye(5, dtype=bool), np.arange(5)
    for sparse in (
        jacrs.sparse_jacobian(f, pattern=eye),
        jacrs.compile(jacrs.sparse_jacobian(f, pattern=eye)),
    ):
        np.testing.assert_allclose(sparse(X, k).diagonal(), 2 * X)
        with wrong(f, X):
            sparse(X, k[::-1].copy())
        np.testing.assert_allclose(sparse(X, k).diagonal(), 2 * X)


def test_another_function_of_the_same_operations_is_checked():
    def linear(A):
        return lambda x: A @ x

    eye = np.eye(5)
    for A in (eye, 2 * eye):
        J = jacrs.sparse_jacobian(linear(A), pattern=eye != 0)(X)
        np.testing.assert_array_equal(J.toarray(), A)
    with wrong(None, X):
        jacrs.sparse_jacobian(linear(np.ones((5, 5))), pattern=eye != 0)(X)


def test_what_is_not_finite_is_checked_later():
    def f(x):
        return np.log(x) * x[::-1]

    poles = np.zeros(5)
    for sparse in (
        jacrs.sparse_jacobian(f, pattern=np.eye(5, dtype=bool)),
        jacrs.compile(jacrs.sparse_jacobian(f, pattern=np.eye(5, dtype=bool))),
    ):
        with np.errstate(all="ignore"):
            assert not np.isfinite(sparse(poles).data).any()
            assert not np.isfinite(sparse(poles).data).any()
        with wrong(f, X):
            sparse(np.abs(X))
    right = np.eye(5, dtype=bool) | np.eye(5, dtype=bool)[::-1]
    sparse = jacrs.compile(jacrs.sparse_jacobian(f, pattern=right))
    for x in (poles, np.abs(X), 2 * np.abs(X), poles):
        with np.errstate(all="ignore"):
            found, expected = sparse(x).toarray(), jacrs.sparse_jacobian(f)(x).toarray()
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    assert sparse.n_traces <= 2


def test_what_cancels_is_no_entry():
    """Rounding differs between products and entries; rows that differ are looked at alone."""

    def f(x):
        big = 1e9 * x[0]
        return np.stack([(big + x[1]) - big, (x[0] + big) - big + x[2]])

    pattern = np.array([[0, 1, 0], [1, 0, 1]], bool)
    J = jacrs.sparse_jacobian(f, pattern=pattern)(np.array([0.3, 0.7, 1.1]))
    np.testing.assert_allclose(J.toarray(), [[0, 1, 0], [1, 0, 1]], atol=1e-6)


def test_shapes():
    for pattern in (np.ones((3, 4), bool), np.ones((2, 5), bool)):
        with pytest.raises(jacrs.ShapeError, match="pattern has shape"):
            jacrs.sparse_jacobian(tridiagonal, pattern=pattern)(X)
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x)

    with pytest.raises(jacrs.ShapeError, match=r"matrix of shape \(5, 5\)"):
        jacrs.sparse_hessian(f, pattern=np.ones((5, 4), bool))(X)
    assert not calls
