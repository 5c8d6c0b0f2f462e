"""`J.sparse()`: the entries of a lazy Jacobian, those of `sparse_jacobian` and of `J.dense()`."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings

import jacrs
from tests.program_strategies import Program, programs
from tests.test_programs import QUIET, is_float

FORMATS = ["csr", "csc", "coo", "bsr"]
X = np.array([0.7, 1.3, -0.4, 0.2])


def wave(x):
    return np.concatenate([np.sin(x[1:]) * x[:-1], [np.sum(x**2)], np.zeros(1), x[::-1] ** 3])


def check(J, form="csr"):
    for matrix in (J, J.T):
        found = matrix.sparse(form)
        assert (found.format, found.shape, found.dtype) == (form, matrix.shape, matrix.dtype)
        assert found.has_canonical_format
        np.testing.assert_allclose(found.toarray(), matrix.dense(), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("form", FORMATS)
def test_entries_in_all_formats(form):
    _, J = jacrs.linearize(wave, X)
    check(J, form)
    expected = jacrs.sparse_jacobian(wave, format=form)(X)
    assert J.sparse(form).nnz == expected.nnz
    np.testing.assert_array_equal(J.sparse(form).toarray(), expected.toarray())
    assert type(J.sparse()) is scipy.sparse.csr_array


@pytest.mark.parametrize("form", FORMATS)
def test_index_arrays_are_shared_unless_asked_for(form):
    _, J = jacrs.linearize(wave, X)

    def arrays(matrix):
        return matrix.coords if form == "coo" else (matrix.indices, matrix.indptr)

    for matrix in (J, J.T):
        shared, again = arrays(matrix.sparse(form)), arrays(matrix.sparse(form))
        own = arrays(matrix.sparse(form, copy_structure=True))
        for a, b, c in zip(shared, again, own, strict=True):
            assert np.shares_memory(a, b)
            assert not a.flags.writeable
            assert c.flags.writeable
            assert not np.shares_memory(a, c)
            np.testing.assert_array_equal(a, c)


def test_blocks_are_as_large_as_asked_for():
    def f(x):
        return np.concatenate([x[:2] ** 2, [x[0] * x[3], x[3]], x[2:] ** 2])

    _, J = jacrs.linearize(f, X)
    for matrix, shape in ((J, (3, 2)), (J.T, (2, 3)), (J, (1, 4)), (J.T, (4, 6))):
        found = matrix.sparse("bsr", blocksize=shape)
        assert found.blocksize == shape
        np.testing.assert_array_equal(found.toarray(), matrix.dense())


def test_it_is_the_jacobian_at_its_point():
    x = X.copy()
    _, J = jacrs.linearize(wave, x)
    x[:] = 0.0
    np.testing.assert_array_equal(J.sparse().toarray(), jacrs.sparse_jacobian(wave)(X).toarray())
    _, K = jacrs.linearize(wave, 2 * X)
    assert np.shares_memory(J.sparse().indices, K.sparse().indices)
    np.testing.assert_allclose(K.sparse().toarray(), jacrs.jacobian(wave)(2 * X), rtol=1e-14)
    compiled = jacrs.compile(wave)
    for scale in (1.0, 2.0):
        check(jacrs.linearize(compiled, scale * X)[1])


def test_containers_arguments_and_results_that_depend_on_nothing():
    def f(p, t):
        return {"sum": p["a"] * t[0] + p["b"], "count": np.argsort(t), "pair": (t**2, 3.0)}

    p, t = {"a": 2.0, "b": np.array([1.0, -1.0])}, np.array([0.5, 0.25, 4.0])
    _, J = jacrs.linearize(f, p, t)
    check(J)
    assert J.sparse().nnz == jacrs.sparse_jacobian(f, (0, 1))(p, t).nnz
    for f in (lambda x: 3.0, lambda x: np.ones(2), np.argsort, lambda x: x[:0]):
        check(jacrs.linearize(f, X)[1])
    check(jacrs.linearize(lambda x: x, X[:0])[1])
    check(jacrs.linearize(lambda: np.ones(2))[1])
    check(jacrs.linearize(np.exp, X.astype(np.float32))[1])
    check(jacrs.linearize(lambda x: x.astype(np.float32) ** 2, np.ones(2))[1])


def test_other_contents_of_indices_have_another_structure():
    k = np.array([0, 1, 3])

    def g(x):
        return x[k] ** 2

    for places in ([0, 1, 3], [3, 3, 2], [0, 1, 3]):
        k[:] = places
        _, J = jacrs.linearize(g, X)
        check(J)
        np.testing.assert_array_equal(J.sparse().indices, places)
    for x in (X, X[::-1].copy(), X):
        check(jacrs.linearize(np.sort, x)[1])


def test_within_recordings():
    _, J = jacrs.linearize(wave, X)
    matrix = J.sparse().toarray()
    found = jacrs.jacobian(lambda u: J.sparse().toarray() @ u)(X)
    np.testing.assert_allclose(found, matrix)
    with pytest.raises(jacrs.TraceError, match="cannot be recorded"):
        jacrs.jacobian(lambda x: jacrs.linearize(wave, x)[1].sparse().data)(X)


def test_errors():
    _, J = jacrs.linearize(wave, X)
    with pytest.raises(jacrs.ArgumentError, match="format must be"):
        J.sparse("lil")
    for options in ({}, {"format": "csc"}):
        with pytest.raises(jacrs.ArgumentError, match="blocksize"):
            J.sparse(**options, blocksize=(1, 1))
    for matrix, shape in ((J, (3, 3)), (J.T, (3, 3)), (J, (0, 1)), (J, 2)):
        with pytest.raises(jacrs.JacrsError, match="block"):
            matrix.sparse("bsr", blocksize=shape)


@given(programs())
@settings(max_examples=100, suppress_health_check=QUIET, deadline=None)
def test_entries_of_random_programs(program: Program):
    f, x = program.function(), program.x
    if not any(map(is_float, f(x))):
        return
    with np.errstate(all="ignore"):
        _, J = jacrs.linearize(f, x)
        found, expected = J.sparse().toarray(), J.dense()
    scale = np.maximum(1, np.max(np.abs(expected), initial=0))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * scale)
