"""Matrices that cannot be factored: what is raised, where, and what is carried on."""

import math

import numpy as np
import pytest
import scipy.linalg

import jacrs

RNG = np.random.default_rng(21)


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
LINE = late.__code__.co_firstlineno + 3
PLACE = f"test_linalg_errors.py:{LINE} in late: np.linalg.solve(y, np.ones(2))"


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

    assert fails(taped).endswith("in taped: np.linalg.inv(x)")


FAILING = {
    "Matrix is not positive definite": (np.linalg.cholesky, -np.eye(3)),
    "SVD did not converge": (lambda x: np.linalg.svd(x)[1], np.array([[1.0, math.nan]])),
    "Last 2 dimensions of the array must be square": (np.linalg.inv, np.ones((2, 3))),
    "1-dimensional array given. Array must be at least two-dimensional": (
        np.linalg.det,
        np.ones(3),
    ),
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
    assert f"test_linalg_errors.py:{recorded.__code__.co_firstlineno + 1} in recorded" in text or (
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
            factor = np.linalg.cholesky(x + tries * np.eye(3))
        except np.linalg.LinAlgError:
            tries += 1
        else:
            return 2.0 * np.sum(np.log(np.diag(factor)))


def test_handlers_of_the_recorded_function_are_reached():
    x = RNG.normal(size=(3, 3))
    x = x + x.T - 2.0 * np.eye(3)
    value, gradient = jacrs.value_and_grad(jittered)(x)
    assert value == pytest.approx(jittered(x))
    tries = next(k for k in range(20) if np.linalg.eigvalsh(x + k * np.eye(3))[0] > 0)
    assert tries > 1
    inverse = np.linalg.inv(x + tries * np.eye(3))
    wanted = 2 * np.tril(inverse) - np.diag(np.diag(inverse))  # the lower triangle is read
    np.testing.assert_allclose(gradient, wanted, rtol=1e-10, atol=1e-12)

    def guarded(x):
        with np.errstate(all="ignore"):
            try:
                return np.sum(np.linalg.inv(x))
            finally:
                x = None

    assert "in guarded: np.linalg.inv(x)" in fails(lambda: jacrs.grad(guarded)(SINGULAR))


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
