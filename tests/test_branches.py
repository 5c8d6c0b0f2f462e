"""Code that asks what it was given, or catches what it did not expect, takes NumPy's path."""

from __future__ import annotations

import numbers

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import jacrs

X = np.array([1.4, 0.3, 0.7])


def by_isinstance(x):
    return x**2 if isinstance(x, np.ndarray) else x**3


def by_number(x):
    number = isinstance(x[0], float) and isinstance(x[0], int | float | numbers.Real)
    return x * (2.0 if number and np.isscalar(x[1]) and not np.isscalar(x) else 5.0)


def by_buffer(x):
    y = np.zeros(3)
    y[:] = x
    return y * 2 if isinstance(y, np.ndarray) else y * 3


def by_integer(x):
    return x * (2.0 if isinstance(np.argmax(x), np.integer) else 3.0)


@pytest.mark.parametrize("f", [by_isinstance, by_number, by_buffer, by_integer])
def test_questions_about_types_are_answered_as_numpy_does(f):
    value, derivative = jacrs.value_and_jacobian(f)(X)
    assert_array_equal(value, f(X))
    assert_allclose(derivative, np.diag((f(X + 1e-6) - f(X - 1e-6)) / 2e-6), atol=1e-8)


def test_a_number_is_a_float():
    assert jacrs.grad(lambda x: x**2 if isinstance(x, float) else x)(3.0) == 6.0


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.r_[x, 1.0, x[0], 0:2],
        lambda x: np.c_[x, x**2, [1.0, 2.0, 3.0]],
        lambda x: np.concatenate([[x[0]], [1.0, 2.0], x]),
        lambda x: np.hstack([[x[0], 2.0], [x[1]]]),
        lambda x: np.stack([[x[0], 2.0], [x[1], x[2]]]),
        lambda x: np.column_stack([[x[0], 2.0], [x[1], x[2]]]),
    ],
)
def test_parts_that_are_lists_or_indices(f):
    value, derivative = jacrs.value_and_jacobian(f)(X)
    assert_array_equal(value, f(X))
    step = 1e-6 * np.eye(3)
    wanted = [(f(X + h) - f(X - h)) / 2e-6 for h in step]
    assert_allclose(derivative, np.stack(wanted, axis=-1), atol=1e-8)


def test_unsupported_functions_of_constants_are_computed():
    def f(x):
        a = np.linalg.inv(np.array([[2.0, 0.0], [1.0, 4.0]]))
        a[0, 1] = x[0]
        return a @ x[:2]

    def plain(x):
        a = np.array([[0.5, x[0]], [-0.125, 0.25]])
        return a @ x[:2]

    assert_allclose(jacrs.jacobian(f)(X), jacrs.jacobian(plain)(X), rtol=1e-15)


def test_a_caught_refusal_is_raised_when_the_function_returns():
    def f(x):
        try:
            return np.sum(np.linalg.eigvals(np.eye(3) * x))
        except Exception:
            return 1e10

    with pytest.raises(jacrs.UnsupportedError, match=r"numpy\.linalg\.eigvals cannot") as info:
        jacrs.grad(f)(X)
    assert info.value.__notes__ == [
        "the recorded function caught this error, which NumPy does not raise, "
        "and went on along another path"
    ]


class Product(np.ndarray):
    """Its `*` is the matrix product, as that of `np.matrix`."""

    def __mul__(self, other):
        return NotImplemented if isinstance(other, jacrs._jacrs.Tracer) else self @ other


def test_constants_with_other_operators_are_refused():
    a = np.array([[2.0, 1.0], [0.0, 3.0]]).view(Product)
    with pytest.raises(jacrs.DTypeError, match="constant of type Product is not a plain array"):
        jacrs.jacobian(lambda x: a * x.reshape(2, 1))(X[:2])
