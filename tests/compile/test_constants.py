"""What is the same in every run of a compiled function is computed once."""

import io

import numpy as np
import pytest

import jacrs
from jacrs import _jacrs


def operations(call):
    before = _jacrs.executed_operations()
    call()
    return _jacrs.executed_operations() - before


def polynomial(x):
    t = np.linspace(-1.0, 1.0, 500)
    return np.sum((t[:, None] ** np.arange(x.size) @ x - np.sign(t)) ** 2)


def test_powers_of_a_grid_are_computed_once():
    x = np.array([0.3, -0.7, 1.1, 0.2])
    compiled = jacrs.compile(jacrs.grad(polynomial))
    first = compiled(x)
    np.testing.assert_allclose(first, jacrs.grad(polynomial)(x), rtol=1e-14)
    powers = np.vander(np.linspace(-1.0, 1.0, 500), 4, increasing=True)
    np.testing.assert_allclose(
        compiled(2 * x), 2 * powers.T @ (powers @ (2 * x) - np.sign(powers[:, 1])), rtol=1e-12
    )
    plain = operations(lambda: jacrs.grad(polynomial)(x))
    assert operations(lambda: compiled(x)) < plain - 2000  # 500 x 4 powers


def test_a_saved_function_has_them_too():
    x = np.array([0.3, -0.7, 1.1])
    compiled = jacrs.compile(jacrs.grad(polynomial))
    want = compiled(x)
    file = io.BytesIO()
    compiled.save(file)
    loaded = jacrs.load(io.BytesIO(file.getvalue()))
    np.testing.assert_array_equal(loaded(x), want)
    assert operations(lambda: loaded(x)) == operations(lambda: compiled(x))


def test_derivatives_at_constants_are_taken_before_these_are_kept():
    def f(x):
        slope = jacrs.grad(lambda t: np.sum(np.exp(t) * t))(np.linspace(0.0, 1.0, 40))
        curvature = jacrs.grad(jacrs.grad(lambda t: np.sin(t) * x[0]))(0.3)
        return x * slope + curvature

    compiled = jacrs.compile(jacrs.jacobian(f))
    t = np.linspace(0.0, 1.0, 40)
    want = np.diag(np.exp(t) * (1 + t))
    want[:, 0] -= np.sin(0.3)
    for scale in (1.0, 2.0):
        np.testing.assert_allclose(compiled(scale * t), want, rtol=1e-12, atol=1e-15)


GRID = np.linspace(0.0, 1.0, 30)


def test_arrays_from_outside_are_read_each_time():
    def f(x):
        return np.sum(np.exp(GRID) * np.cos(np.arange(30.0)) * x)

    compiled = jacrs.compile(jacrs.grad(f))
    x = np.ones(30)
    np.testing.assert_allclose(compiled(x), np.exp(GRID) * np.cos(np.arange(30.0)), rtol=1e-15)
    kept = GRID.copy()
    try:
        GRID[3] = 5.0
        want = np.exp(GRID) * np.cos(np.arange(30.0))
        np.testing.assert_allclose(compiled(x), want, rtol=1e-15)
    finally:
        GRID[:] = kept


def test_constants_that_cannot_be_computed_raise_as_before():
    def f(x):
        return np.sum(np.linalg.inv(np.ones((3, 3)) * np.sum(x * 0.0 + 1.0)) @ x)

    def g(x):
        return np.sum(np.linalg.solve(np.ones((3, 3)), np.arange(3.0)) * x)

    for function in (f, g):
        compiled = jacrs.compile(function)
        for call in (function, compiled, compiled):
            with pytest.raises(np.linalg.LinAlgError):
                call(np.ones(3))
