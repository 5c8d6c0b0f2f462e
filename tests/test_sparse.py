"""Sparse Jacobians and Hessians: those of the dense transforms, in every way and format."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings

import jacrs
from tests.differences import richardson_jacobian
from tests.program_strategies import Program, programs
from tests.test_programs import QUIET, is_float, recorded
from tests.test_sparsity import EXACT, GRID, HESSIANS, X, bratu, brusselator, dense, tridiagonal

WAYS = [None, "forward", "reverse", "bidirectional"]
FORMATS = ["csr", "csc", "coo", "bsr"]


@pytest.mark.parametrize("mode", WAYS)
@pytest.mark.parametrize("name", EXACT)
def test_entries_are_those_of_the_dense_jacobian(name, mode):
    f, x, _ = EXACT[name]
    J = jacrs.sparse_jacobian(f, mode=mode)(x)
    assert type(J) is scipy.sparse.csr_array
    assert J.nnz == jacrs.sparsity(f)(x).nnz
    np.testing.assert_allclose(J.toarray(), dense(f, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", [*WAYS, "star"])
@pytest.mark.parametrize("name", HESSIANS)
def test_entries_are_those_of_the_dense_hessian(name, mode):
    f, _ = HESSIANS[name]
    H = jacrs.sparse_hessian(f, mode=mode)(X)
    np.testing.assert_allclose(H.toarray(), dense(f, X, of="hessian"), rtol=1e-12, atol=1e-10)


def test_entries_are_those_of_differences():
    for f in (tridiagonal, lambda x: np.convolve(np.sin(x), [1.0, -2.0, 0.5])):
        J = jacrs.sparse_jacobian(f)(X)
        np.testing.assert_allclose(J.toarray(), richardson_jacobian(f, X), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("form", FORMATS)
def test_formats_are_the_same_matrix(form):
    for f, x in (
        (bratu, GRID),
        (lambda w: brusselator(w, periodic=True), np.stack([GRID, GRID + 3])),
        (lambda x: x[:4] * x[2:], X),
        (lambda x: x[:0], X),
    ):
        J = jacrs.sparse_jacobian(f, format=form)(x)
        assert J.format == form
        np.testing.assert_allclose(J.toarray(), dense(f, x), rtol=1e-13, atol=1e-13)
        assert J.has_canonical_format
        J.data = J.data + 1  # what is said of it is true
        J.check_format(full_check=True) if form != "coo" else J.sum_duplicates()


def test_blocks():
    def pairs(x):
        return (x.reshape(-1, 2) @ np.array([[1.0, 2.0], [3.0, 4.0]])).ravel() * x

    J = jacrs.sparse_jacobian(pairs, format="bsr", blocksize=(2, 2))(X)
    assert (J.blocksize, J.data.shape) == ((2, 2), (3, 2, 2))
    np.testing.assert_allclose(J.toarray(), dense(pairs, X))
    J = jacrs.sparse_jacobian(pairs, format="bsr", blocksize=(3, 2))(X)
    np.testing.assert_allclose(J.toarray(), dense(pairs, X))


def test_value_gradient_and_aux_from_one_run():
    y, J = jacrs.value_and_sparse_jacobian(tridiagonal)(X)
    np.testing.assert_array_equal(y, tridiagonal(X))
    np.testing.assert_allclose(J.toarray(), dense(tridiagonal, X))
    (y, aux), J = jacrs.value_and_sparse_jacobian(lambda x: (x**2, x.sum()), has_aux=True)(X)
    assert aux == pytest.approx(X.sum())
    J, aux = jacrs.sparse_jacobian(lambda x: (x**2, "text"), has_aux=True)(X)
    assert aux == "text"
    np.testing.assert_allclose(J.diagonal(), 2 * X)
    f = HESSIANS["rosenbrock"][0]
    value, gradient, H = jacrs.value_and_sparse_hessian(f)(X)
    assert value == pytest.approx(f(X), rel=1e-14)
    np.testing.assert_allclose(gradient, jacrs.grad(f)(X), rtol=1e-14)
    np.testing.assert_allclose(H.toarray(), jacrs.hessian(f)(X), rtol=1e-14)
    assert abs(H - H.T).max() == 0


def test_several_arguments_and_containers():
    def f(state, scale):
        return {"p": state["a"][1:] * scale, "q": (state["b"], 3), "r": np.ones(2)}

    state = {"a": np.arange(3.0), "b": np.float32(2.0)}
    J = jacrs.sparse_jacobian(f, argnums=(1, 0))(state, 2.0)
    expected = [[1, 0, 2, 0, 0], [2, 0, 0, 2, 0], [0, 0, 0, 0, 1], *[[0] * 5] * 3]
    np.testing.assert_array_equal(J.toarray(), expected)
    J = jacrs.sparse_jacobian(lambda x, *, k: x * k)(X, k=2.0)
    np.testing.assert_array_equal(J.diagonal(), np.full(6, 2.0))


def test_dtypes_and_odd_shapes():
    J = jacrs.sparse_jacobian(lambda x: x * x[::-1])(np.ones(3, np.float32))
    assert J.dtype == np.float32
    J = jacrs.sparse_jacobian(lambda x: x**2)(3.0)
    assert (J.shape, J.toarray().tolist()) == ((1, 1), [[6.0]])
    assert jacrs.sparse_jacobian(lambda x: x)(np.ones(0)).shape == (0, 0)
    assert jacrs.sparse_jacobian(lambda x: x > 0)(X).nnz == 0
    strided = np.arange(24.0).reshape(4, 6)[::2, ::-3]
    J = jacrs.sparse_jacobian(lambda x: np.sin(x).T)(strided)
    np.testing.assert_allclose(J.toarray(), dense(lambda x: np.sin(x).T, strided))
    with pytest.raises(jacrs.DTypeError):
        jacrs.sparse_jacobian(lambda x: x)(np.arange(3))


def arrowhead(x):
    """Return a function of all elements, and functions of the first one with each of the others."""
    return np.concatenate([np.array([np.prod(x)]), np.sin(x[0] * x[1:])])


def test_a_dense_row_and_a_dense_column_go_both_ways():
    x = np.linspace(0.5, 1.5, 40)
    for f in (arrowhead, lambda x: arrowhead(x[::-1])[::-1], lambda x: (arrowhead(x), x[3] * x)):
        expected = jacrs.sparse_jacobian(f, mode="forward")(x).toarray()
        np.testing.assert_allclose(expected, jacrs.sparse_jacobian(f, mode="reverse")(x).toarray())
        for mode in ("bidirectional", None):
            J = jacrs.sparse_jacobian(f, mode=mode)(x)
            np.testing.assert_allclose(J.toarray(), expected, rtol=1e-13)
        _, J = jacrs.compile(jacrs.value_and_sparse_jacobian(f, mode="bidirectional"))(x)
        np.testing.assert_allclose(J.toarray(), expected, rtol=1e-13)


def test_bidirectional_of_several_arguments_and_dtypes():
    def f(x, y):
        return {"a": np.sum(x) * y, "b": np.float32(2) * x * y[0], "c": np.sum(x * x)}

    x, y = np.arange(1.0, 5.0, dtype=np.float32), np.arange(1.0, 4.0)
    modes = ("forward", "reverse", "bidirectional")
    matrices = [jacrs.sparse_jacobian(f, argnums=(0, 1), mode=m)(x, y).toarray() for m in modes]
    for J in matrices[1:]:
        np.testing.assert_allclose(J, matrices[0], rtol=1e-6)
        assert J.dtype == matrices[0].dtype


def test_many_colours_go_in_panels():
    weights = np.random.default_rng(7).normal(size=(90, 150))

    def f(x):
        return weights @ np.sin(x)

    for mode in WAYS:
        J = jacrs.sparse_jacobian(f, mode=mode)(np.linspace(0, 1, 150))
        np.testing.assert_allclose(J.toarray(), weights * np.cos(np.linspace(0, 1, 150)))


def test_a_guarded_branch_adds_nothing():
    def f(x):
        return np.where(x > 0, np.sqrt(np.where(x > 0, x, 0.0)), 0.0) + x[::-1]

    x = np.array([0.0, 4.0, -1.0])
    for mode in WAYS:
        J = jacrs.sparse_jacobian(f, mode=mode)(x)
        np.testing.assert_array_equal(J.toarray(), dense(f, x))


# --- structure


def test_index_arrays_are_shared_and_read_only():
    jacobian = jacrs.sparse_jacobian(tridiagonal)
    first, second = jacobian(X), jacobian(X + 1)
    assert np.shares_memory(first.indices, second.indices)
    assert not np.shares_memory(first.data, second.data)
    for array in (first.indices, first.indptr):
        assert not array.flags.writeable
    private = jacrs.sparse_jacobian(tridiagonal, copy_structure=True)(X)
    assert private.indices.flags.writeable
    assert not np.shares_memory(first.indices, private.indices)


def test_another_connectivity_of_the_same_shape_has_its_own_structure():
    index = np.array([0, 1, 2])
    mask = np.array([True, False, True])

    def f(x, k):
        return np.where(mask, x[index] * x[k], x[3])

    x, k = np.arange(1.0, 5.0), np.array([1, 2, 3])
    for sparse in (jacrs.sparse_jacobian(f), jacrs.compile(jacrs.sparse_jacobian(f))):
        index[:], mask[:] = [0, 1, 2], [True, False, True]

        def check(k, sparse=sparse):
            J = sparse(x, k)
            np.testing.assert_array_equal(J.toarray(), jacrs.jacobian(f)(x, k))
            assert J.nnz == jacrs.sparsity(f)(x, k).nnz

        check(k)
        check(k[::-1].copy())
        index[:] = [3, 3, 0]
        check(k)
        mask[:] = ~mask
        check(k)
        check(k)


def test_an_order_that_the_values_decide_is_looked_at_again():
    for sparse in (jacrs.sparse_jacobian(np.sort), jacrs.compile(jacrs.sparse_jacobian(np.sort))):
        for x in ([2.0, 1.0, 3.0], [1.0, 2.0, 3.0], [3.0, 1.0, 2.0], [2.0, 1.0, 3.0]):
            x = np.array(x)  # noqa: PLW2901
            np.testing.assert_array_equal(sparse(x).toarray(), jacrs.jacobian(np.sort)(x))


def test_a_branch_brings_its_own():
    def f(x):
        return x[:2] if x[0] > 0 else x[1:] * x[0]

    for sparse in (jacrs.sparse_jacobian(f), jacrs.compile(jacrs.sparse_jacobian(f))):
        for sign in (1.0, -1.0, 1.0):
            x = sign * np.array([1.0, 2.0, 3.0])
            np.testing.assert_array_equal(sparse(x).toarray(), jacrs.jacobian(f)(x))


SCALE = 2.0


def test_globals_are_read_anew(monkeypatch):
    def f(x):
        return SCALE * x[:-1] * x[1:] if SCALE > 0 else x

    for sparse in (jacrs.sparse_jacobian(f), jacrs.compile(jacrs.sparse_jacobian(f))):
        for scale in (2.0, 3.0, -1.0):
            monkeypatch.setitem(globals(), "SCALE", scale)
            np.testing.assert_array_equal(sparse(X).toarray(), dense(f, X))


# --- out


@pytest.mark.parametrize("form", FORMATS)
def test_out_takes_the_entries(form):
    jacobian = jacrs.sparse_jacobian(tridiagonal, format=form)
    for sparse in (jacobian, jacrs.compile(jacobian)):
        out = jacobian(X)
        data = out.data
        assert sparse(2 * X, out=out) is out
        assert out.data is data
        np.testing.assert_array_equal(out.toarray(), jacobian(2 * X).toarray())
    out = jacrs.sparse_jacobian(tridiagonal)(2 * X)
    y, J = jacrs.value_and_sparse_jacobian(tridiagonal)(X, out=out)
    np.testing.assert_array_equal(y, tridiagonal(X))
    assert J is out
    np.testing.assert_array_equal(out.toarray(), dense(tridiagonal, X))


def test_an_out_that_does_not_fit_is_refused():
    jacobian = jacrs.sparse_jacobian(tridiagonal)
    out = jacobian(X)
    before = out.data.copy()
    for wrong, text in (
        (out.tocsc(), "format csr of shape"),
        (np.zeros((4, 6)), "it is ndarray"),
        (jacobian(np.ones(7)), "of shape"),
        (jacrs.sparse_jacobian(lambda x: x[:4] * x[2:])(X), "entries in other places"),
        (out.astype(np.float32), "dtype float64"),
    ):
        with pytest.raises(jacrs.ArgumentError, match=text):
            jacobian(X, out=wrong)
    out.data.flags.writeable = False
    with pytest.raises(jacrs.ArgumentError, match="read-only"):
        jacobian(2 * X, out=out)
    np.testing.assert_array_equal(out.data, before)


# --- compiled, and inside of others


def test_a_compiled_jacobian_is_replayed():
    jacobian = jacrs.compile(jacrs.sparse_jacobian(tridiagonal))
    np.testing.assert_array_equal(jacobian(X).toarray(), dense(tridiagonal, X))
    np.testing.assert_array_equal(jacobian(X + 1).toarray(), dense(tridiagonal, X + 1))
    assert (jacobian.n_traces, jacobian.n_replays) == (1, 2)
    same = jacrs.sparse_jacobian(jacrs.compile(tridiagonal))
    np.testing.assert_array_equal(same(X).toarray(), dense(tridiagonal, X))
    assert isinstance(same, type(jacobian))


def test_a_sparse_matrix_is_not_recorded():
    sparse = jacrs.sparse_jacobian(tridiagonal)
    for use in (
        lambda x: sparse(x).sum(),
        lambda x: np.sum(sparse(x) @ x),
        lambda x: np.sum(x[:4] @ sparse(x)),
        lambda x: sparse(x)[0, 0],
        lambda x: np.sum(sparse(x) * 2.0),
        lambda x: np.sum(np.asarray(sparse(x))),
        lambda x: np.sum(np.exp(sparse(x))),
    ):
        with pytest.raises(jacrs.TraceError, match="cannot be recorded"):
            jacrs.grad(use)(X)
    with pytest.raises(jacrs.TraceError, match="cannot be recorded"):
        jacrs.grad(lambda x: sparse(x, out=sparse(X)))(X)


def test_derivatives_of_derivatives():
    J = jacrs.sparse_jacobian(jacrs.grad(HESSIANS["rosenbrock"][0]))(X)
    np.testing.assert_allclose(J.toarray(), jacrs.hessian(HESSIANS["rosenbrock"][0])(X))


def test_it_says_what_it_does():
    text = jacrs.explain(jacrs.sparse_jacobian(tridiagonal))(X)
    assert text.splitlines() == [
        "<jacrs Pattern: 4 x 6, 12 entries>",
        "structured: coefficients and selections, no seeds",
    ]
    text = jacrs.explain(jacrs.sparse_jacobian(tridiagonal, mode="forward"))(X)
    assert text.splitlines()[1] == "forward: columns in 3 colours"
    text = jacrs.explain(jacrs.sparse_jacobian(tridiagonal, mode="reverse"))(X)
    assert text.splitlines()[1] == "reverse: rows in 3 colours"
    arrow = jacrs.sparse_hessian(lambda x: np.sum(x[0] * x**2), mode="star")
    assert jacrs.explain(arrow)(X).splitlines()[1] == "star: columns in 2 colours"
    text = jacrs.explain(jacrs.sparse_jacobian(arrowhead, mode="bidirectional"))(X)
    assert text.splitlines()[1] == "bidirectional: columns in 2 colours, rows in 1"


def test_what_cannot_be_asked():
    for options, text in (
        ({"format": "lil"}, "format must be"),
        ({"mode": "sideways"}, "mode must be"),
        ({"mode": "star"}, "mode must be"),
        ({"blocksize": (2, 2)}, "blocksize must be two positive integers"),
        ({"format": "bsr", "blocksize": (0, 2)}, "blocksize must be"),
        ({"format": "bsr", "blocksize": 2}, "blocksize must be"),
    ):
        with pytest.raises(jacrs.ArgumentError, match=text):
            jacrs.sparse_jacobian(tridiagonal, **options)
    with pytest.raises(jacrs.ShapeError, match="returns one number"):
        jacrs.sparse_hessian(lambda x: x)(X)


def test_what_does_not_fit_is_refused_before_work():
    with pytest.raises(jacrs.MemoryLimitError):
        jacrs.sparse_jacobian(lambda x: x - x.mean())(np.ones(10**6))


# --- random programs


@given(programs())
@settings(max_examples=300, suppress_health_check=QUIET, deadline=None)
def test_entries_of_random_programs(program: Program):
    f, x = program.function(), program.x
    values, blocks = recorded(jacrs.value_and_jacobian(f), x)
    if not any(map(is_float, values)):
        return
    parts = [np.reshape(b, (np.size(v), x.size)) for b, v in zip(blocks, values, strict=True)]
    expected = np.concatenate([np.zeros((0, x.size)), *parts])
    scale = np.maximum(1, np.max(np.abs(expected), initial=0))
    for mode in WAYS:
        J = jacrs.sparse_jacobian(f, mode=mode)(x).toarray()
        np.testing.assert_allclose(J, expected, rtol=1e-9, atol=1e-9 * scale)


@given(programs(statements=6))
@settings(max_examples=100, suppress_health_check=QUIET, deadline=None)
def test_second_entries_of_random_programs(program: Program):
    f, x = program.function(), program.x

    def total(x):
        return sum([np.sum(y**2) for y in f(x) if is_float(y)], 0.0 * x.sum())

    expected = recorded(jacrs.hessian(total), x).reshape(x.size, x.size)
    scale = np.maximum(1, np.max(np.abs(expected), initial=0))
    for mode in (*WAYS, "star"):
        H = jacrs.sparse_hessian(total, mode=mode)(x).toarray()
        np.testing.assert_allclose(H, expected, rtol=1e-9, atol=1e-9 * scale)
