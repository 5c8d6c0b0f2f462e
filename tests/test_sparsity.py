"""Patterns: they hold every derivative, and where it is said no more than that."""

import sys

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings

import jacrs
from tests.program_strategies import Program, programs
from tests.test_programs import QUIET, is_float, recorded

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=6) + 3.0
GRID = RANDOM.normal(size=(4, 5))
A = RANDOM.normal(size=(3, 6))
MASK = np.array([True, False, False, True, True, False])


def dense(f, *arguments, of="jacobian", argnums=0):
    """Return the derivative as a matrix."""
    derivative = jacrs.jacobian if of == "jacobian" else jacrs.hessian
    blocks = np.asarray(derivative(f, argnums)(*arguments))
    columns = np.size(arguments[argnums])
    return blocks.reshape(-1 if blocks.size else 0, columns)


def assert_exact(f, x, entries, of="jacobian"):
    """Check that the pattern is that of the derivative, and has this many entries."""
    pattern = jacrs.sparsity(f, of=of)(x)
    np.testing.assert_array_equal(pattern.toarray(), dense(f, x, of=of) != 0)
    assert pattern.nnz == entries


# --- Jacobians with as many entries as there must be


def tridiagonal(u):
    return np.exp(u[1:-1]) + u[2:] - 2 * u[1:-1] + u[:-2]


def bratu(u):
    padded = np.zeros((u.shape[0] + 2, u.shape[1] + 2))
    padded[1:-1, 1:-1] = u
    across = padded[1:-1, :-2] + padded[1:-1, 2:]
    along = padded[:-2, 1:-1] + padded[2:, 1:-1]
    return along + across - 4 * u + 0.1 * np.exp(u)


def brusselator(w, *, periodic):
    u, v = w

    def laplacian(a):
        if periodic:
            moved = [np.roll(a, s, axis) for s in (1, -1) for axis in (0, 1)]
            return sum(moved) - 4 * a
        b = np.pad(a, 1)
        return b[:-2, 1:-1] + b[2:, 1:-1] + b[1:-1, :-2] + b[1:-1, 2:] - 4 * a

    return np.stack(
        [1 + u**2 * v - 4.4 * u + 0.1 * laplacian(u), 3.4 * u - u**2 * v + 0.1 * laplacian(v)]
    )


def unrolled(x):
    y = np.zeros(x.size)
    for i in range(1, x.size - 1):
        y[i] = x[i - 1] * x[i + 1] if i % 2 else x[i] ** 2
    return y


EXACT = {
    "tridiagonal": (tridiagonal, X, 3 * 4),
    "bratu": (bratu, GRID, 5 * 20 - 2 * (4 + 5)),
    "brusselator, periodic": (
        lambda w: brusselator(w, periodic=True),
        np.stack([GRID, GRID + 3]),
        2 * 20 * 6,
    ),
    "brusselator, Dirichlet": (
        lambda w: brusselator(w, periodic=False),
        np.stack([GRID, GRID + 3]),
        2 * (20 * 6 - 18),
    ),
    "repeated indices": (lambda x: x[[0, 0, 3, 2]] * x[[1, 2, 3, 0]], X, 7),
    "added at repeated indices": (lambda x: np.bincount([0, 2, 2, 1, 2, 0], x, 4), X, 6),
    "pad": (lambda x: np.pad(x, 2) ** 2, X, 6),
    "pad by the edge": (lambda x: np.pad(x, 2, mode="edge") ** 2, X, 10),
    "pad by wrapping": (lambda x: np.pad(x, (1, 2), mode="wrap"), X, 9),
    "roll": (lambda x: np.roll(x, 2) - x, X, 12),
    "negative steps": (lambda x: x[::-2] * x[1::2], X, 5),
    "sort": (np.sort, X, 6),
    "cumsum": (np.cumsum, X, 21),
    "cumprod": (np.cumprod, X, 21),
    "sum of rows": (lambda x: np.sum(x, axis=1), GRID, 20),
    "product": (lambda x: np.prod(x, axis=0), GRID, 20),
    "mean from the middle": (lambda x: x - x.mean(), X, 36),
    "outer sum": (lambda x: x[:, None] + x**2, X, 36 + 30),
    "pairs": (lambda x: (x[:, None] - x) ** 3, X, 30 * 2),
    "matmul": (lambda x: A @ x, X, 18),
    "block diagonal": (lambda x: (x.reshape(2, 3) @ A[:, :3].T).ravel(), X, 2 * 9),
    "kron": (lambda x: np.kron(x[:2], x[2:]), X, 16),
    "a mask from outside": (lambda x: np.where(MASK, x, x[::-1] ** 2), X, 6),
    "diagonal matrix times vector": (lambda x: np.diag(x) @ x, X, 6),
    "trace": (lambda x: np.trace(x[:4, :4]), GRID, 4),
    "lower triangle": (lambda x: np.tril(x[:4, :4]), GRID, 10),
    "mask": (lambda x: x[x > 3], X, int(np.sum(X > 3))),
    "transposed": (lambda x: x.T.reshape(2, -1)[::-1], GRID, 20),
    "concatenated": (lambda x: np.concatenate([x[2:] ** 2, x[:1], np.ones(2)]), X, 5),
    "one by one": (unrolled, X, 6),
    "stopped": (lambda x: x * jacrs.stop_gradient(x[::-1]), X, 6),
    "steps": (lambda x: np.floor(x) * 2.0 + np.sign(x), X, 0),
    "repeated": (lambda x: np.repeat(x, 2), X, 12),
    "constant": (lambda x: np.ones((2, 3)), X, 0),
    "without elements": (lambda x: x[:0], X, 0),
    "product of nothing": (lambda x: np.prod(x[:0]) * x, X, 6),
    "sum of nothing": (lambda x: np.sum(x[:0]) + x, X, 6),
    "einsum": (lambda x: np.einsum("ij,j->ij", x, x[0]), GRID, 15 * 2 + 5),
}


@pytest.mark.parametrize("name", EXACT)
def test_a_pattern_has_just_the_entries_of_the_jacobian(name):
    f, x, entries = EXACT[name]
    if "pairs" in name:  # zero on the diagonal of the pairs, by value
        pattern = jacrs.sparsity(f)(x).toarray()
        assert pattern.sum() == entries + x.size
        assert not np.any(dense(f, x)[~pattern])
        return
    if name == "constant":
        assert jacrs.sparsity(f)(x).shape == (6, 6)
        assert jacrs.sparsity(f)(x).nnz == entries
        return
    assert_exact(f, x, entries)


def test_a_choice_depends_on_both_sides():
    x = np.array([1.0, 2.0, 3.0])
    for f in (
        lambda x: np.where(x > 0, x, x[::-1]),
        lambda x: np.maximum(x, x[::-1]),
    ):
        assert jacrs.sparsity(f)(x).toarray().astype(int).tolist() == [
            [1, 0, 1],
            [0, 1, 0],
            [1, 0, 1],
        ]
    assert jacrs.sparsity(np.max)(x).nnz == 3

    def replaced(x):
        y = x.copy()
        y[y > 2] = x[0]
        return y

    assert jacrs.sparsity(replaced)(x).nnz == 5


def test_a_branch_is_the_one_that_is_taken():
    def f(x):
        return x[:2] if x[0] > 0 else x[1:] * x[0]

    assert jacrs.sparsity(f)(np.array([1.0, 2.0, 3.0])).nnz == 2
    assert jacrs.sparsity(f)(np.array([-1.0, 2.0, 3.0])).nnz == 4


def test_what_is_in_index_arrays_decides():
    index = np.array([0, 1, 2])

    def f(x, k):
        return x[index] * x[k]

    x = np.arange(1.0, 5.0)
    first = jacrs.sparsity(f)(x, np.array([1, 2, 3]))
    assert first.nnz == 6
    assert jacrs.sparsity(f)(x, np.array([0, 1, 2])).nnz == 3
    index[:] = 3
    second = jacrs.sparsity(f)(x, np.array([1, 2, 3]))
    assert second != first
    assert second.indices.tolist() == [1, 3, 2, 3, 3]
    mask = MASK.copy()
    first = jacrs.sparsity(lambda x: np.where(mask, x, 0.0))(X)
    mask[:] = ~mask
    assert jacrs.sparsity(lambda x: np.where(mask, x, 0.0))(X) != first
    # The same code, compiled or not, with another order of the values.
    for g in (np.sort, jacrs.compile(np.sort)):
        orders = [
            jacrs.sparsity(g)(x).indices for x in (np.array([2.0, 1.0]), np.array([1.0, 2.0]))
        ]
        assert [order.tolist() for order in orders] == [[1, 0], [0, 1]]


# --- Hessians


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


HESSIANS = {
    "sum of squares": (lambda x: np.sum(x**2), 6),
    "linear": (lambda x: np.sum(3 * x) + x[2], 0),
    "neighbours": (lambda x: np.sum(x[:-1] * x[1:]), 10),
    "rosenbrock": (rosenbrock, 16),
    "product of all": (np.prod, 30),
    "separable": (lambda x: np.sum(np.exp(x) + 2 * x**3), 6),
    "linear and separable and interacting": (lambda x: x[0] ** 2 + x[1] * x[2] + 3 * x[3], 3),
    "part of a square": (lambda x: np.sum((x**2)[2:5]), 3),
    "square of a part": (lambda x: np.sum(x[2:5] ** 2), 3),
    "norm": (lambda x: np.sqrt(np.sum(x**2)), 36),
    "log of a sum": (lambda x: np.log(np.sum(np.exp(x))), 36),
    "largest": (np.max, 0),
    "absolute values": (lambda x: np.sum(np.abs(x)), 0),
    "quadratic form": (lambda x: x @ (A.T @ A) @ x, 36),
    "chosen": (lambda x: np.sum(x[[0, 1, 1]] * x[[2, 2, 4]]), 6),
    "padded": (lambda x: np.sum(np.pad(x, 1)[1:] ** 2), 6),
    "constant": (lambda x: 2.0, 0),
}


@pytest.mark.parametrize("name", HESSIANS)
def test_a_pattern_has_just_the_entries_of_the_hessian(name):
    f, entries = HESSIANS[name]
    assert_exact(f, X, entries, of="hessian")


def test_the_hessian_of_a_field_is_that_of_its_stencil():
    energy = lambda u: np.sum((np.roll(u, 1, 0) - u) ** 2 + (np.roll(u, 1, 1) - u) ** 2)  # noqa: E731
    assert_exact(energy, GRID, 5 * 20, of="hessian")
    assert jacrs.sparsity(energy, of="hessian")(GRID).counts.rows.tolist() == [5] * 20


def test_a_hessian_is_of_one_number():
    with pytest.raises(jacrs.ShapeError, match="returns one number"):
        jacrs.sparsity(lambda x: x, of="hessian")(X)


# --- containers, dtypes, several arguments


def test_rows_and_columns_are_those_of_all_leaves():
    def f(state, scale):
        a, b = state["a"], state["b"]
        return {"p": a[1:] * scale, "q": (b, 3), "r": np.ones(2)}

    state = {"a": np.arange(3.0), "b": np.float32(2.0)}
    pattern = jacrs.sparsity(f)(state, 2.0)
    expected = np.zeros((2 + 1 + 1 + 2, 4), bool)
    expected[[0, 1, 2], [1, 2, 3]] = True
    np.testing.assert_array_equal(pattern.toarray(), expected)
    both = jacrs.sparsity(f, argnums=(1, 0))(state, 2.0)
    assert both.shape == (6, 5)
    np.testing.assert_array_equal(both.toarray()[:, 1:], expected)
    np.testing.assert_array_equal(both.toarray()[:, 0], [True, True, False, False, False, False])
    squares = jacrs.sparsity(lambda s: s["a"] @ s["a"] * s["b"], of="hessian")(state)
    np.testing.assert_array_equal(
        squares.toarray().astype(int),
        [[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 0]],
    )


def test_floats_of_single_precision_and_numbers():
    assert jacrs.sparsity(lambda x: x * x[::-1])(np.ones(4, np.float32)).nnz == 8
    assert jacrs.sparsity(lambda x: x**2)(3.0).toarray().tolist() == [[True]]
    assert jacrs.sparsity(lambda x: x)(np.ones(0)).shape == (0, 0)
    with pytest.raises(jacrs.DTypeError):
        jacrs.sparsity(lambda x: x)(np.arange(3))


def test_the_gradient_is_a_function_like_any_other():
    hessian = jacrs.sparsity(rosenbrock, of="hessian")(X)
    assert jacrs.sparsity(jacrs.grad(rosenbrock))(X) == hessian
    assert hessian == hessian.T


# --- random programs


def float_rows(values):
    return np.concatenate([np.zeros(0, bool), *(np.full(np.size(v), is_float(v)) for v in values)])


@given(programs())
@settings(max_examples=600, suppress_health_check=QUIET, deadline=None)
def test_no_derivative_of_a_random_program_is_missing(program: Program):
    f, x = program.function(), program.x
    values, blocks = recorded(jacrs.value_and_jacobian(f), x)
    parts = [np.reshape(b, (np.size(v), x.size)) for b, v in zip(blocks, values, strict=True)]
    jacobian = np.concatenate([np.zeros((0, x.size)), *parts])
    pattern = jacrs.sparsity(f)(x)
    assert pattern.shape == jacobian.shape
    assert not np.any(jacobian[~pattern.toarray()])
    assert not np.any(pattern.counts.rows[~float_rows(values)])


@given(programs(statements=6))
@settings(max_examples=300, suppress_health_check=QUIET, deadline=None)
def test_no_second_derivative_of_a_random_program_is_missing(program: Program):
    f, x = program.function(), program.x

    def total(x):
        return sum([np.sum(y**2) for y in f(x) if is_float(y)], 0.0 * x.sum())

    hessian = recorded(jacrs.hessian(total), x).reshape(x.size, x.size)
    pattern = jacrs.sparsity(total, of="hessian")(x)
    assert not np.any(hessian[~pattern.toarray()])


# --- size


def test_a_million_elements_take_memory_for_their_entries():
    n = 1000
    pattern = jacrs.sparsity(bratu)(np.zeros((n, n)))
    assert pattern.nnz == 5 * n * n - 4 * n
    assert pattern.indices.dtype == np.int32
    assert pattern.bandwidth == (n, n)
    # Each row is that of a five-point stencil.
    k = 500 * n + 500
    row = pattern.indices[pattern.indptr[k] : pattern.indptr[k + 1]]
    assert row.tolist() == [k - n, k - 1, k, k + 1, k + n]


def test_dense_rows_between_are_shared():
    assert jacrs.sparsity(lambda x: np.sum((x - x.mean()) ** 2))(np.ones(10**6)).nnz == 10**6


def test_a_pattern_that_does_not_fit_is_refused():
    with pytest.raises(jacrs.MemoryLimitError, match="at least 1000000000000 entries"):
        jacrs.sparsity(lambda x: x - x.mean())(np.ones(10**6))
    limit = jacrs.config.memory_limit
    jacrs.config.memory_limit = 64 << 20
    try:
        with pytest.raises(jacrs.MemoryLimitError, match="a sparsity pattern"):
            jacrs.sparsity(np.cumsum)(np.ones(100_000))
    finally:
        jacrs.config.memory_limit = limit


# --- what a pattern is asked


def test_conversions():
    pattern = jacrs.sparsity(bratu)(GRID)
    expected = scipy.sparse.csr_array(dense(bratu, GRID) != 0)
    for name in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok"):
        matrix = pattern.to_scipy(name)
        assert (matrix.format, matrix.dtype) == (name, bool)
        np.testing.assert_array_equal(matrix.toarray(), expected.toarray())
    np.testing.assert_array_equal(pattern.indptr, expected.indptr)
    np.testing.assert_array_equal(pattern.indices, expected.indices)
    np.testing.assert_array_equal(pattern.counts.rows, expected.sum(axis=1))
    np.testing.assert_array_equal(pattern.counts.columns, expected.sum(axis=0))
    np.testing.assert_array_equal(pattern.T.toarray(), pattern.toarray().T)
    assert pattern.bandwidth == (5, 5)
    assert pattern.to_scipy(dtype=float).sum() == pattern.nnz
    assert np.shares_memory(pattern.to_scipy().indices, pattern.indices)
    with pytest.raises(jacrs.ArgumentError, match="format must be"):
        pattern.to_scipy("dense")


def test_arrays_are_read_only_and_patterns_compare():
    pattern = jacrs.sparsity(bratu)(GRID)
    for array in (pattern.indptr, pattern.indices):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert pattern == jacrs.sparsity(bratu)(GRID + 1)
    assert hash(pattern) == hash(jacrs.sparsity(bratu)(GRID + 1))
    assert pattern != jacrs.sparsity(bratu)(GRID.T)
    assert pattern != "pattern"
    assert repr(pattern) == "<jacrs Pattern: 20 x 20, 82 entries>"
    assert repr(jacrs.sparsity(lambda x: x[:1])(X)) == "<jacrs Pattern: 1 x 6, 1 entry>"


def test_a_picture():
    figure = pytest.importorskip("matplotlib.figure", reason="pictures need Matplotlib")
    pattern = jacrs.sparsity(bratu)(GRID)
    axes = figure.Figure().subplots()
    assert pattern.spy(axes) is axes
    np.testing.assert_array_equal(axes.images[0].get_array(), pattern.toarray())
    large = jacrs.sparsity(tridiagonal)(np.ones(5000))
    cells = large.spy(figure.Figure().subplots()).images[0].get_array()
    assert cells.shape == (512, 512)
    assert np.all(np.diagonal(cells))
    assert not np.any(np.triu(cells, 2))


def test_scipy_and_matplotlib_are_only_needed_where_they_are_used(monkeypatch):
    pattern = jacrs.sparsity(bratu)(GRID)
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"Pattern\.to_scipy\(\) needs SciPy"):
        pattern.to_scipy()
    with pytest.raises(ImportError, match=r"Pattern\.spy\(\) needs Matplotlib"):
        pattern.spy()


def test_what_cannot_be_asked():
    with pytest.raises(jacrs.ArgumentError, match="of must be 'jacobian' or 'hessian'"):
        jacrs.sparsity(bratu, of="gradient")
    with pytest.raises(jacrs.DTypeError, match="needs a function"):
        jacrs.sparsity(3)
    with pytest.raises(jacrs.TraceError, match="outside of the recorded function"):
        jacrs.grad(lambda x: jacrs.sparsity(np.sin)(x).nnz * x)(1.0)
