"""Random NumPy programs: recorded they do what they do plain, and their derivatives are right.

Plain NumPy is the judge of values, differences of plain runs are that of derivatives. Where the
differences do not agree with themselves, at a kink or a jump, nothing is said about that element.
"""

import warnings

import numpy as np
from hypothesis import HealthCheck, assume, given, settings

import jacrs
from tests.differences import jacobian_and_error
from tests.program_strategies import Program, programs

QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
AMBIGUOUS = "writing to this array is ambiguous: it was reshaped"
ELSEWHERE = (ValueError, IndexError, NameError)  # at another point it is another program
WEIGHTS = np.random.default_rng(7).normal(size=4096)


def is_float(leaf):
    return np.asarray(leaf).dtype.kind == "f"


def flat(leaves, like=None):
    """Return the leaves end to end that are floats (or that belong to floats of `like`)."""
    pairs = zip(leaves, leaves if like is None else like, strict=True)
    parts = (np.ravel(leaf) for leaf, kind in pairs if is_float(kind))
    return np.concatenate([np.zeros(0), *parts])


def matrix(blocks, leaves, x):
    """Return the blocks of a Jacobian as one matrix, those of float leaves."""
    parts = [
        np.reshape(block, (np.size(leaf), np.size(x)))
        for block, leaf in zip(blocks, leaves, strict=True)
        if is_float(leaf)
    ]
    return np.concatenate([np.zeros((0, np.size(x))), *parts])


def cotangents_like(leaves, dtype=np.float64):
    """Return fixed random weights, shaped like the leaves."""
    parts, start = [], 0
    for leaf in leaves:
        weights = WEIGHTS[start : start + np.size(leaf)]
        parts.append(weights.reshape(np.shape(leaf)).astype(dtype if is_float(leaf) else float))
        start += np.size(leaf)
    return tuple(parts)


def recorded(call, *arguments):
    """Run a transform; it may refuse a program whose meaning NumPy leaves to a memory layout."""
    try:
        return call(*arguments)
    except jacrs.TraceError as error:
        assume(not str(error).startswith(AMBIGUOUS))
        raise


def plainly(f):
    """Return `f` as it is run for differences: its floats end to end."""

    def run(x):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return flat(f(x))

    return run


def differences(f, x, size, close=1e-6):
    """Return the derivative by differences, and where it can be believed."""
    try:
        found, doubt = jacobian_and_error(f, x)
    except ELSEWHERE:
        assume(False)
    found, doubt = (m.reshape(len(m), x.size) for m in (found, doubt))
    return found, doubt < close * size


def largest(m):
    return 1.0 + np.max(np.abs(m), initial=0.0)


def assert_same_leaves(found, expected, tolerance):
    assert len(found) == len(expected)
    for number, (a, b) in enumerate(zip(found, expected, strict=True)):
        assert (np.shape(a), np.asarray(a).dtype) == (np.shape(b), np.asarray(b).dtype), number
        np.testing.assert_allclose(a, b, tolerance, tolerance, err_msg=f"result {number}")


def assert_close(found, expected, tolerance):
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * largest(expected))


@given(programs())
@settings(max_examples=6000, suppress_health_check=QUIET)
def test_values_and_first_derivatives(program: Program):
    f, x = program.function(), program.x
    values, reverse = recorded(jacrs.value_and_jacobian(f, mode="reverse"), x)
    assert_same_leaves(values, f(x.copy()), 1e-9)

    forward = matrix(jacrs.jacfwd(f)(x), values, x)
    assert_close(matrix(reverse, values, x), forward, 1e-11)

    expected, sure = differences(plainly(f), x, largest(forward))
    np.testing.assert_allclose(forward[sure], expected[sure], rtol=0, atol=1e-5 * largest(forward))


@given(programs())
@settings(max_examples=1000, suppress_health_check=QUIET)
def test_products_are_those_with_the_jacobian(program: Program):
    f, x = program.function(), program.x
    u = WEIGHTS[: x.size].reshape(x.shape)
    values, along = recorded(jacrs.jvp, f, (x,), (u,))
    jacobian = matrix(jacrs.jacrev(f)(x), values, x)
    assert_close(flat(along, values), jacobian @ u.ravel(), 1e-11)

    y, pullback = jacrs.vjp(f, x)
    assert_same_leaves(y, values, 1e-13)
    cotangents = cotangents_like(values)
    pulled = pullback(cotangents)
    assert pulled.shape == x.shape
    assert_close(np.ravel(pulled), flat(cotangents, values) @ jacobian, 1e-11)
    assert_close(np.ravel(pullback(cotangents)), np.ravel(pulled), 0)


@given(programs(statements=6))
@settings(max_examples=800, suppress_health_check=QUIET)
def test_second_derivatives(program: Program):
    f, x = program.function(), program.x

    def total(x):
        leaves = f(x)
        parts = zip(leaves, cotangents_like(leaves), strict=True)
        return sum([(w * y).sum() for y, w in parts if is_float_leaf(y)], 0.0 * x.sum())

    gradient = jacrs.grad(total)
    hessian = recorded(jacrs.hessian(total), x).reshape(x.size, x.size)
    reverse = jacrs.jacrev(gradient)(x).reshape(x.size, x.size)
    assert_close(reverse, hessian, 1e-10)
    assert_close(hessian.T, hessian, 1e-10)

    def slopes(x):
        with np.errstate(all="ignore"):
            return gradient(x).ravel()

    expected, sure = differences(slopes, x, largest(hessian))
    np.testing.assert_allclose(hessian[sure], expected[sure], rtol=0, atol=1e-5 * largest(hessian))


def is_float_leaf(leaf):
    return leaf.dtype.kind == "f"


def close_leaves(a, b):
    return np.shape(a) == np.shape(b) and np.allclose(a, b, 1e-3, 1e-3)


@given(programs(dtype=np.float32))
@settings(max_examples=600, suppress_health_check=QUIET)
def test_float32(program: Program):
    """The dtypes of all results are NumPy's, and the derivatives those of float64."""
    f, x = program.function(), program.x
    values, reverse = recorded(jacrs.value_and_jacobian(f, mode="reverse"), x)
    wide_x = x.astype(np.float64)
    try:
        wide = f(wide_x)
    except ELSEWHERE:
        assume(False)
    near = [close_leaves(a, b) for a, b in zip(values, wide, strict=True)]
    assume(all(near))  # no branch was taken the other way
    assert_same_leaves(values, f(x.copy()), 2e-4)

    forward = jacrs.jacfwd(f)(x)
    for columns, rows, value in zip(forward, reverse, values, strict=True):
        if np.any(columns):
            wider = np.asarray(value).dtype
            assert (columns.dtype, rows.dtype) == (wider, wider)
    forward, reverse = matrix(forward, values, x), matrix(reverse, values, x)
    assert_close(reverse, forward, 2e-4)
    expected = matrix(jacrs.jacfwd(f)(wide_x), wide, wide_x)
    assert_close(forward, expected, 5e-3)
