"""`linearize`: a lazy Jacobian gives what the dense one gives, and costs what it is asked for."""

import sys

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import jacrs
from tests import test_programs
from tests.differences import richardson_jacobian
from tests.program_strategies import Program, programs
from tests.samples import FAMILIES
from tests.test_operations import failures, joined, report, weights_like

QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
RNG = np.random.default_rng(5)
MATRIX = RNG.normal(size=(3, 4))
X = np.array([0.7, 1.3, -0.4, 0.2])


def close(found, expected, tolerance=1e-12):
    expected = np.asarray(expected)
    assert np.shape(found) == expected.shape
    finite = np.abs(expected[np.isfinite(expected)])
    bound = tolerance * (1.0 + np.max(finite, initial=0.0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=bound)


def wave(x):
    """Have elements that depend on some others, on all, and on none."""
    return np.concatenate([np.sin(x[1:]) * x[:-1], [np.sum(x**2)], np.zeros(1), x[::-1] ** 3])


# --- indices


def parts(size):
    """Indices of one axis."""
    places = st.integers(-size, size - 1) if size else st.nothing()
    bound = st.none() | st.integers(-size - 2, size + 2)
    steps = st.sampled_from([None, 1, 2, 3, -1, -2])
    lists = st.lists(places, max_size=5) if size else st.just([])
    return st.one_of(
        places,
        st.builds(slice, bound, bound, steps),
        lists,
        lists.map(lambda p: np.array(p, dtype=np.int64)),
        lists.map(lambda p: np.array(p, dtype=np.int64)[None, :, None]),
        st.lists(st.booleans(), min_size=size, max_size=size).map(np.array),
        places.map(np.int64),
    )


@st.composite
def indices(draw, shape):
    """Indices of a matrix as NumPy takes them."""
    rows, columns = map(parts, shape)
    kind = draw(st.sampled_from(["one", "two", "pairs", "grid", "mask", "axes"]))
    m, n = shape
    if kind == "pairs" and m and n:
        count = draw(st.integers(0, 6))
        some = [
            draw(st.lists(st.integers(-k, k - 1), min_size=count, max_size=count)) for k in shape
        ]
        return tuple(np.array(p, dtype=np.int64) for p in some)
    if kind == "grid" and m and n:
        some = [draw(st.lists(st.integers(-k, k - 1), max_size=4)) for k in shape]
        return np.ix_(*(np.array(p, dtype=np.int64) for p in some))
    if kind == "mask":
        flags = draw(st.lists(st.booleans(), min_size=m * n, max_size=m * n))
        return np.array(flags, dtype=bool).reshape(shape)
    if kind == "axes":
        row, column = draw(rows), draw(columns)
        return draw(
            st.sampled_from(
                [
                    ...,
                    (..., column),
                    (row, ...),
                    (None, row),
                    (row, None, column),
                    (row, ..., column),
                ]
            )
        )
    return draw(rows) if kind == "one" else (draw(rows), draw(columns))


def taken(matrix, key):
    """Return what NumPy gives for an index, or the words of its error."""
    try:
        return matrix[key]
    except IndexError as error:
        return str(error)


def assert_indexed(J, dense, key, tolerance):
    expected, found = taken(dense, key), taken(J, key)
    if isinstance(expected, str):
        assert found == expected
    else:
        close(found, expected, tolerance)


def assert_matrix(J, dense, tolerance):
    """Compare everything but indices."""
    m, n = dense.shape
    assert (J.shape, J.size, J.ndim) == (dense.shape, dense.size, 2)
    close(J.dense(), dense, tolerance)
    assert J.dense().dtype == J.dtype
    for k in {-m, -1, 0, 1, n - 1, n + 3}:
        close(J.diagonal(k), np.diagonal(dense, k), tolerance)
    if not np.all(np.isfinite(dense)):
        return
    u, v = RNG.normal(size=n), RNG.normal(size=m)
    for width in (0, 2, 19):
        U, V = RNG.normal(size=(n, width)), RNG.normal(size=(width, m))
        close(J @ U, dense @ U, 4 * tolerance)
        close(V @ J, V @ dense, 4 * tolerance)
        close(J.rmatmat(V.T), dense.T @ V.T, 4 * tolerance)
    close(J @ u, dense @ u, 4 * tolerance)
    close(v @ J, v @ dense, 4 * tolerance)
    assert (J @ u).dtype == np.result_type(J.dtype, np.float64)


@given(st.data(), st.sampled_from([(np.sin, X), (wave, X), (lambda x: MATRIX @ x, X)]))
@settings(max_examples=300, suppress_health_check=QUIET, deadline=None)
def test_indices_are_those_of_numpy(data, case):
    f, x = case
    _, J = jacrs.linearize(f, x)
    dense = jacrs.jacobian(f)(x)
    assert_indexed(J, dense, data.draw(indices(dense.shape)), 1e-13)
    assert_indexed(J.T, dense.T, data.draw(indices(dense.T.shape)), 1e-13)


@given(st.data(), programs())
@settings(max_examples=300, suppress_health_check=QUIET, deadline=None)
def test_random_programs(data, program: Program):
    f, x = program.function(), program.x
    y, J = test_programs.recorded(jacrs.linearize, f, x)
    test_programs.assert_same_leaves(y, f(x.copy()), 1e-9)
    blocks = jacrs.jacrev(f)(x)
    pairs = zip(blocks, y, strict=True)
    dense = np.concatenate([np.reshape(b, (np.size(leaf), x.size)) for b, leaf in pairs])
    for _ in range(3):
        assert_indexed(J, dense, data.draw(indices(dense.shape)), 1e-10)
    assert_matrix(J, dense, 1e-10)
    along = jacrs.jvp(f, (x,), (x,))[1]
    for found, expected in zip(J(x), along, strict=True):
        close(found, expected, 1e-10)
    weights = test_programs.cotangents_like(y)
    close(J.T(weights), jacrs.vjp(f, x)[1](weights), 1e-10)


@given(st.data(), programs(dtype=np.float32))
@settings(max_examples=100, suppress_health_check=QUIET, deadline=None)
def test_random_programs_in_single_precision(data, program: Program):
    f, x = program.function(), program.x
    y, J = test_programs.recorded(jacrs.linearize, f, x)
    blocks = jacrs.jacrev(f)(x)
    pairs = zip(blocks, y, strict=True)
    dense = np.concatenate([np.reshape(b, (np.size(leaf), x.size)) for b, leaf in pairs])
    assert J.dtype == dense.dtype
    assert_indexed(J, dense, data.draw(indices(dense.shape)), 1e-3)
    assert_matrix(J, dense, 1e-3)


def sample_parts(op):
    """Whole, products, and some elements of every sample."""
    dense = op.jacobian("forward")
    _, J = jacrs.linearize(op.floats, *op.at)
    tolerance = 10 * op.tolerance
    assert_matrix(J, dense, tolerance)
    m, n = dense.shape
    if m and n:
        rows, columns = RNG.integers(0, m, 3), RNG.integers(0, n, 3)
        close(J[rows, columns], dense[rows, columns], tolerance)
        close(J[np.ix_(rows, columns)], dense[np.ix_(rows, columns)], tolerance)
        for i, j in zip(rows, columns, strict=True):
            close(J[i, j], dense[i, j], tolerance)
            close(J[i], dense[i], tolerance)
            close(J[:, j], dense[:, j], tolerance)
            close(J[i // 2 : i + 1, j // 2 :: 2], dense[i // 2 : i + 1, j // 2 :: 2], tolerance)
    if np.all(np.isfinite(dense)):
        close(joined(J(*weights_like(op.at))), dense @ joined(weights_like(op.at)), tolerance)


@pytest.mark.parametrize("family", FAMILIES)
def test_samples(family):
    report(failures(sample_parts, FAMILIES[family]), FAMILIES[family])


# --- shapes, containers, dtypes


def test_arrays_of_any_shape():
    def f(x):
        return np.stack([x.T * np.sum(x, axis=0)[:, None], np.cos(x.T)])

    x = RNG.normal(size=(3, 4))
    y, J = jacrs.linearize(f, x)
    D = jacrs.jacobian(f)(x)
    close(y, f(x))
    close(J.dense(), D.reshape(24, 12))
    close(J(x), np.tensordot(D, x, 2))
    close(J.T(y), np.tensordot(y, D, 3))
    for out in [(1, 2, 0), (0, -1), 1, (slice(None), 2), ..., -1]:
        for inner in [(0, 1), (-1,), 2, (slice(0, 2), 1), np.array([0, 2, 0]), x > 0, ...]:
            index = np.zeros(y.shape)[out].ndim
            expected = D[out].reshape(np.shape(y[out]) + x.shape)
            expected = expected[
                (slice(None),) * index + (inner if type(inner) is tuple else (inner,))
            ]
            close(J.at(out, inner), expected)
            close(J.T.at(inner, out), np.moveaxis(expected, range(index), range(-index, 0)))


def test_arguments_lie_in_memory_as_they_did():
    def f(x):
        y = x * x
        flat = y.T.reshape(-1)  # a view or a copy
        flat *= 3.0
        return y

    x = RNG.normal(size=(3, 2))
    for given_x in (x.T, np.asfortranarray(x.T), np.repeat(x, 2, axis=0)[::2].T, x.T.copy()):
        y, J = jacrs.linearize(f, given_x)
        close(y, f(given_x))
        close(J.dense(), jacrs.jacobian(f)(given_x).reshape(6, 6))


def test_numbers():
    y, J = jacrs.linearize(lambda: np.ones(2))
    assert J.dense().shape == (2, 0)
    y, J = jacrs.linearize(np.sin, 0.5)
    assert type(y) is np.float64
    assert (J.shape, len(J)) == ((1, 1), 1)
    close(J[0, 0], np.cos(0.5))
    assert type(J[0, 0]) is np.float64
    assert type(J(2.0)) is np.float64
    close(J(2.0), 2 * np.cos(0.5))
    close(J.T(3.0), 3 * np.cos(0.5))
    close(J.at((), ()), np.cos(0.5))
    close(J @ np.array([2.0]), [2 * np.cos(0.5)])


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_no_elements(shape):
    x = np.zeros(shape)
    _, J = jacrs.linearize(lambda x: (np.sin(x), np.sum(x), 2.0), x)
    assert J.shape == (2, 0)
    assert J.dense().shape == (2, 0)
    close(J @ np.zeros(0), np.zeros(2))
    assert (np.ones(2) @ J).shape == (0,)
    assert J[0].shape == (0,)
    _, J = jacrs.linearize(lambda x: x[:0], X)
    assert J.shape == (0, 4)
    close(np.zeros(0) @ J, np.zeros(4))
    assert (J @ X).shape == J[:, 1].shape == (0,)


def test_containers_and_several_arguments():
    def f(p, t):
        return {"sum": p["a"] * t[0] + p["b"], "count": np.argsort(t), "pair": (t**2, 3.0)}

    p, t = {"a": 2.0, "b": np.array([1.0, -1.0])}, np.array([0.5, 0.25, 4.0])
    _, J = jacrs.linearize(f, p, t)
    assert J.shape == (2 + 3 + 3 + 1, 3 + 3)
    along = ({"a": 1.0, "b": np.array([0.5, 0.0])}, np.array([1.0, 0.0, 2.0]))
    expected = jacrs.jvp(f, (p, t), along)[1]
    for found in (J(*along), J(along)):
        for name in ("sum", "count"):
            close(found[name], expected[name])
        close(found["pair"][0], expected["pair"][0])
        close(found["pair"][1], 0.0)
    flat = np.array([1.0, 0.5, 0.0, 1.0, 0.0, 2.0])
    product = np.concatenate([expected["sum"], np.zeros(3), expected["pair"][0], [0.0]])
    close(J @ flat, product)
    close(J.dense() @ flat, product)
    close(J[[8, 0, 4, 5]] @ flat, product[[8, 0, 4, 5]])
    close(J[5:8, 3:], np.diag(2 * t))
    cotangent = {"sum": np.ones(2), "count": np.ones(3), "pair": (t, 1.0)}
    pulled = J.T(cotangent)
    assert type(pulled) is tuple
    expected = jacrs.vjp(f, p, t)[1](cotangent)
    close(pulled[0]["a"], expected[0]["a"])
    close(pulled[1], expected[1])
    weights = np.concatenate([np.ones(5), t, [1.0]])
    close(weights @ J, np.concatenate([[expected[0]["a"]], expected[0]["b"], expected[1]]))
    close(np.stack([weights] * 20) @ J, np.stack([weights @ J] * 20))
    _, J, aux = jacrs.linearize(lambda x: (x**2, {"y": np.sin(x)}), X, has_aux=True)
    close(aux["y"], np.sin(X))
    close(J.diagonal(), 2 * X)


def test_results_that_depend_on_nothing():
    for f in (lambda x: 3.0, lambda x: np.ones(2), np.argsort, lambda x: (1.0,)):
        y, J = jacrs.linearize(f, X)
        assert not J.dense().any()
        assert J.dense().shape == J.shape == (np.size(y), 4)
        assert not (J @ X).any()
        assert not (np.ones((2, J.shape[0])) @ J).any()
        assert not np.any(J.T(y))
        assert not np.any(J(X))


def test_single_precision():
    x = X.astype(np.float32)
    y, J = jacrs.linearize(np.exp, x)
    assert y.dtype == J.dtype == J.dense().dtype == J[0].dtype == np.float32
    assert J[1, 1].dtype == (J @ x).dtype == J.diagonal().dtype == (x @ J).dtype == np.float32
    assert (J @ X).dtype == (X @ J).dtype == (J @ np.arange(4)).dtype == np.float64
    close(J @ X, np.exp(X) * X, 1e-6)
    wide = np.array([1.0, 2.0, 3.0, 4.0])
    _, J = jacrs.linearize(lambda x: x * wide, x)
    assert J.dtype == J[0].dtype == J.dense().dtype == (J @ x).dtype == (x @ J).dtype == np.float64
    close(J.diagonal(), wide)


def test_operands_of_other_kinds():
    _, J = jacrs.linearize(wave, X)
    D = J.dense()
    close(J @ [1, 2, 3, 4], D @ [1, 2, 3, 4])
    close(J @ np.array([True, False, True, True]), D @ [1, 0, 1, 1])
    z = X + 1j * X[::-1]
    close(J @ z, D @ z)
    close((D @ z) @ J, (D @ z) @ D)
    strided = RNG.normal(size=(8, 40))[::2, ::2]
    close(J @ strided, D @ strided)
    close(J @ np.asfortranarray(strided), D @ strided)
    close(strided.T @ J.T, strided.T @ D.T)
    sparse = scipy.sparse.eye_array(4, format="csr")
    close(J @ sparse, D)
    close(sparse @ J.T, D.T)
    close(np.asarray(J), D)
    close(np.array(J.T, dtype=np.float32), D.T.astype(np.float32))
    close(np.linalg.norm(J), np.linalg.norm(D))
    close([*J][1], D[1])


def test_what_it_says_of_itself():
    _, J = jacrs.linearize(wave, X)
    assert repr(J) == "<jacrs Jacobian of wave: 9 x 4, float64>"
    assert repr(J.T) == "<jacrs transposed Jacobian of wave: 4 x 9, float64>"
    assert J.T.T.shape == J.shape


# --- recorded


def test_products_and_elements_are_differentiated_again():
    A = RNG.normal(size=(4, 4))

    def total(x):
        y, J = jacrs.linearize(lambda z: A @ np.sin(z * x), x**2)
        v = np.cos(x)
        return (
            np.sum(y)
            + J[1, 2] * J[-1, 0]
            + (J @ v) @ v
            + np.sum((v @ J) ** 2)
            + np.sum(J[1:3, ::2] ** 2)
            + np.sum(J[[0, 3], [1, 1]])
            + np.sum(J.diagonal() ** 3)
            + np.sum(np.stack([v, x]) @ J)
            + np.sum(J @ np.stack([v, x], axis=1))
            + np.sum(J(v) * J.T(v))
            + np.sum(J.dense()[0] * J.T[:, 1])
            + J.at(2, 3)
        )

    def plainly(x):
        z = x**2
        J = A * (np.cos(z * x) * x)
        v = np.cos(x)
        return (
            np.sum(A @ np.sin(z * x))
            + J[1, 2] * J[-1, 0]
            + (J @ v) @ v
            + np.sum((v @ J) ** 2)
            + np.sum(J[1:3, ::2] ** 2)
            + np.sum(J[[0, 3], [1, 1]])
            + np.sum(np.diagonal(J) ** 3)
            + np.sum(np.stack([v, x]) @ J)
            + np.sum(J @ np.stack([v, x], axis=1))
            + np.sum((J @ v) * (v @ J))
            + np.sum(J[0] * J[1])
            + J[2, 3]
        )

    close(jacrs.value_and_grad(total)(X)[0], plainly(X))
    close(jacrs.grad(total)(X), richardson_jacobian(plainly, X), 1e-9)
    close(jacrs.hessian(total)(X), richardson_jacobian(jacrs.grad(total), X), 1e-8)


def test_elements_are_functions_of_the_point():
    """The derivative of an element of the Jacobian is an element of the second derivative."""
    H = jacrs.hessian(wave)(X)
    for i, j in [(0, 1), (3, 2), (4, 1), (7, 2)]:
        close(jacrs.grad(lambda x, i=i, j=j: jacrs.linearize(wave, x)[1][i, j])(X), H[i, j])
    close(jacrs.jacfwd(lambda x: jacrs.linearize(wave, x)[1][1:4])(X), H[1:4])
    close(jacrs.jacrev(lambda x: jacrs.linearize(wave, x)[1].dense())(X), H)


@given(st.data())
@settings(max_examples=60, suppress_health_check=QUIET, deadline=None)
def test_indices_within_a_recording(data):
    key = data.draw(indices((9, 4)))
    H = jacrs.hessian(wave)(X)
    expected = np.stack([H[:, :, k][key] for k in range(4)], axis=-1)
    close(jacrs.jacfwd(lambda x: jacrs.linearize(wave, x)[1][key])(X), expected)


def test_vectors_that_are_recorded_by_a_later_transform():
    """The map is a constant there, the product is linear."""
    _, J = jacrs.linearize(wave, X)
    D = J.dense()
    close(jacrs.jacobian(lambda u: J @ u)(X), D)
    close(jacrs.jacobian(lambda v: v @ J)(np.ones(9)), D.T)
    close(jacrs.jacobian(J)(X), D)
    close(jacrs.grad(lambda v: np.sum(J.T(v) ** 2))(np.ones(9)), 2 * D @ D.T @ np.ones(9))
    close(jacrs.jacobian(lambda u: J @ np.stack([u, 2 * u], axis=1))(X)[:, 1], 2 * D)
    close(jacrs.grad(lambda u: np.sum(u * J[0]) * J[1, 2])(X), D[0] * D[1, 2])
    close(jacrs.hessian(lambda u: np.sum((J @ u) ** 2))(X), 2 * D.T @ D)
    W = RNG.normal(size=(2, 9))  # captured
    close(jacrs.jacobian(lambda u: (W @ J) @ u)(X), W @ D)
    close(jacrs.jacobian(lambda u: W @ (J @ u))(X), W @ D)
    _, K = jacrs.linearize(lambda x: (x.astype(np.float32), np.sum(x)), X)
    close(jacrs.jacobian(lambda u: K @ u)(X), K.dense())


def test_a_jacobian_kept_from_a_recording_raises():
    kept = []

    def f(x):
        kept.append(jacrs.linearize(np.sin, x)[1])
        return kept[0] @ x

    jacrs.jacobian(f)(X)
    with pytest.raises(jacrs.TraceError):
        kept[0] @ X
    with pytest.raises(jacrs.TraceError):
        kept[0][0, 1]


# --- SciPy


def poisson(n):
    """Return a nonlinear Poisson problem on a grid of n x n points."""

    def residual(u):
        g = np.zeros((n + 2, n + 2))
        g[1:-1, 1:-1] = u.reshape(n, n)
        laplacian = g[2:, 1:-1] + g[:-2, 1:-1] + g[1:-1, 2:] + g[1:-1, :-2] - 4 * g[1:-1, 1:-1]
        return (laplacian * (n + 1) ** 2 - np.exp(g[1:-1, 1:-1]) + 1.0).ravel()

    return residual


def test_newton_with_gmres():
    n = 12
    residual, u = poisson(n), np.zeros(n * n)
    for _ in range(6):
        r, J = jacrs.linearize(residual, u)
        step, info = scipy.sparse.linalg.gmres(J, -r, rtol=1e-10, restart=n * n)
        assert info == 0
        u = u + step
    assert np.max(np.abs(residual(u))) < 1e-7


def test_solvers_take_it_as_it_is():
    A = RNG.normal(size=(30, 12))

    def f(x):
        return A @ np.sinh(x)

    x = RNG.normal(size=12) * 0.3
    y, J = jacrs.linearize(f, x)
    D = A * np.cosh(x)
    expected = np.linalg.lstsq(D, y, rcond=None)[0]
    close(scipy.sparse.linalg.lsmr(J, y, atol=1e-14, btol=1e-14)[0], expected, 1e-8)
    close(scipy.sparse.linalg.lsqr(J, y, atol=1e-14, btol=1e-14)[0], expected, 1e-8)
    largest = scipy.sparse.linalg.svds(J, k=3, return_singular_vectors=False)
    close(np.sort(largest), np.sort(np.linalg.svd(D)[1][:3]), 1e-9)
    square = jacrs.linearize(lambda x: A[:12] @ np.tanh(x), x)[1]
    values = scipy.sparse.linalg.eigs(square, k=2, return_eigenvectors=False)
    dense = np.linalg.eigvals(square.dense())
    close(np.sort(np.abs(values)), np.sort(np.abs(dense))[-2:], 1e-8)


def test_operators_to_calculate_with():
    _, J = jacrs.linearize(wave, X)
    D = J.dense()
    operator = scipy.sparse.linalg.aslinearoperator(J)
    close((2 * operator.T @ operator) @ X, 2 * D.T @ D @ X)
    close((J.aslinearoperator() + operator) @ X, 2 * D @ X)
    close((J.T @ J) @ X, D.T @ D @ X)
    scale = scipy.sparse.linalg.aslinearoperator(np.diag(X))
    close((J @ scale) @ X, D @ (X * X))
    assert J.aslinearoperator().shape == (9, 4)
    close(J.aslinearoperator() @ np.eye(4), D)


def test_without_scipy(monkeypatch):
    _, J = jacrs.linearize(wave, X)
    monkeypatch.setitem(sys.modules, "scipy.sparse.linalg", None)
    with pytest.raises(ImportError, match=r"needs SciPy.*pip install jacrs\[scipy\]"):
        J.aslinearoperator()


# --- errors


def test_errors():
    _, J = jacrs.linearize(wave, X)
    with pytest.raises(
        jacrs.BoundsError, match=r"^index 9 is out of bounds for axis 0 with size 9$"
    ):
        J[9]
    with pytest.raises(IndexError, match="too many indices for array: array is 2-dimensional"):
        J[0, 1, 2]
    with pytest.raises(IndexError, match="boolean index did not match indexed array along axis 1"):
        J[:, np.array([True, False])]
    with pytest.raises(IndexError, match="only integers, slices"):
        J[1.5]
    with pytest.raises(IndexError, match="shape mismatch: indexing arrays could not be broadcast"):
        J[[0, 1], [0, 1, 2]]
    with pytest.raises(jacrs.ShapeError, match=r"\(9, 4\) has 4 columns.*\(4,\).*got shape \(3,\)"):
        J @ np.ones(3)
    with pytest.raises(jacrs.ShapeError, match=r"\(9, 4\) has 9 rows.*got shape \(4,\)"):
        np.ones(4) @ J
    with pytest.raises(jacrs.ShapeError, match=r"got shape \(\)"):
        J @ 2.0
    with pytest.raises(jacrs.DTypeError, match="by numbers, not by an array of dtype <U1"):
        J @ np.array(["a"] * 4)
    with pytest.raises(jacrs.DTypeError, match="the operand is a MaskedArray"):
        J @ np.ma.array(X)
    with pytest.raises(TypeError, match="unsupported operand"):
        2.0 * J
    with pytest.raises(TypeError):
        np.sin(J)
    with pytest.raises(ValueError, match="unable to avoid copy"):
        np.asarray(J, copy=False)
    with pytest.raises(jacrs.ShapeError, match=r"tangents\[0\] has shape \(3,\), but argument 0"):
        J(np.ones(3))
    with pytest.raises(jacrs.ArgumentError, match="expected 1, got 2"):
        J(X, X)
    with pytest.raises(jacrs.ArgumentError, match=r"J.T\(...\).*expected 1, got 2"):
        J.T(X, X)
    with pytest.raises(jacrs.DTypeError, match=r"not a float: write linearize\(f, \*primals\)$"):
        jacrs.linearize(3.0, X)
    with pytest.raises(jacrs.DTypeError, match="argument 0 is an int64 array"):
        jacrs.linearize(np.sin, np.arange(3))
    _, J = jacrs.linearize(lambda x: (x, x), X)
    with pytest.raises(
        jacrs.ArgumentError, match=r"J.at is for a function of one array.*J\[rows, c"
    ):
        J.at(0, 0)
