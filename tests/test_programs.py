"""Random NumPy programs: recorded they do what they do plain, and their derivatives are right.

Plain NumPy is the judge of values, differences of plain runs are that of derivatives. Where the
differences do not agree with themselves, at a kink or a jump, nothing is said about that program.
"""

import warnings

import numpy as np
from tests.differences import jacobian_and_error
from hypothesis import HealthCheck, assume, given, settings
from tests.program_strategies import Program, programs

import jacrs

QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
AMBIGUOUS = "writing to this array is ambiguous: it was reshaped"
WEIGHTS = np.random.default_rng(7).normal(size=4096)


def flat(leaves):
    """Return float leaves end to end."""
    parts = [np.ravel(leaf) for leaf in leaves if np.asarray(leaf).dtype.kind == "f"]
    return np.concatenate([np.zeros(0), *parts])


def rows(blocks, leaves, x):
    """Return the blocks of a Jacobian as one matrix, those of float leaves."""
    parts = [
        np.reshape(block, (np.size(leaf), np.size(x)))
        for block, leaf in zip(blocks, leaves, strict=True)
        if np.asarray(leaf).dtype.kind == "f"
    ]
    return np.concatenate([np.zeros((0, np.size(x))), *parts])


def recorded(call, *arguments):
    """Run a transform; where NumPy leaves it open what a program means, it may be refused."""
    try:
        return call(*arguments)
    except jacrs.TraceError as error:
        assume(not str(error).startswith(AMBIGUOUS))
        raise


def plainly(f):
    """Return `f` as it is run for differences."""

    def run(x):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return flat(f(x))

    return run


def assert_same_leaves(found, expected, tolerance):
    assert len(found) == len(expected)
    for name, (a, b) in enumerate(zip(found, expected, strict=True)):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype), name
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=f"result {name}")


def scale(matrix):
    return 1.0 + np.max(np.abs(matrix), initial=0.0)


@given(programs())
@settings(max_examples=1500, suppress_health_check=QUIET)
def test_values_and_first_derivatives(program: Program):
    f, x = program.function(), program.x
    expected = f(x.copy())

    forward = recorded(jacrs.jacfwd(f), x)
    values, reverse = recorded(jacrs.value_and_jacobian(f, mode="reverse"), x)
    assert_same_leaves(values, expected, 1e-9)

    forward, reverse = rows(forward, values, x), rows(reverse, values, x)
    size = scale(forward)
    np.testing.assert_allclose(forward, reverse, rtol=0, atol=1e-11 * size)
    check_products(f, x, values, forward)

    try:
        differences, doubt = jacobian_and_error(plainly(f), x)
    except (ValueError, IndexError):  # the number of results depends on the point
        assume(False)
    differences, doubt = (m.reshape(forward.shape) for m in (differences, doubt))
    sure = doubt < 1e-6 * size
    np.testing.assert_allclose(forward[sure], differences[sure], rtol=0, atol=1e-5 * size)


def check_products(f, x, values, jacobian):
    """Products are those with the Jacobian, and adjoint to each other."""
    u = WEIGHTS[: x.size].reshape(x.shape)
    y, along = jacrs.jvp(f, (x,), (u,))
    assert_same_leaves(y, values, 1e-13)
    size = scale(jacobian)
    np.testing.assert_allclose(flat_like(along, values), jacobian @ u.ravel(), rtol=0, atol=1e-11 * size)

    cotangents, start = [], 0
    for leaf in values:
        part = WEIGHTS[start : start + np.size(leaf)].reshape(np.shape(leaf))
        cotangents.append(part)
        start += np.size(leaf)
    _, pullback = jacrs.vjp(f, x)
    pulled = pullback(tuple(cotangents))
    weights = flat_like(cotangents, values)
    np.testing.assert_allclose(np.ravel(pulled), weights @ jacobian, rtol=0, atol=1e-10 * size)


def flat_like(leaves, values):
    kept = [a for a, v in zip(leaves, values, strict=True) if np.asarray(v).dtype.kind == "f"]
    return flat(kept)
