"""What is equal in every run is computed once in a trace, and nothing else is merged."""

import re
import time

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import jacrs

SMALL = st.integers(1, 4)
NUMBERS = st.floats(-1.5, 1.5)


def descent(f, x, steps=4):
    """Each call makes its floats and its arrays anew."""
    slope = jacrs.jacfwd(f)
    size, shift = float("0.1"), np.array([0.25, -0.5])
    for _ in range(steps):
        moved = x - size * slope(x + shift)
        if f(moved) < f(x):
            x = moved
        else:
            size = size / 2
    return x


def height(x):
    return np.sum(x**4) + np.sum(x) * 0.5


def once(x):
    return descent(height, x)


def twice(x):
    return descent(height, x) * descent(height, x)


def instructions(f):
    (count,) = re.findall(r"(\d+) scalar instructions", f.explain())
    return int(count)


def test_a_computation_that_is_repeated_costs_nothing():
    x = np.array([1.0, -0.5])
    single, double = jacrs.compile(once), jacrs.compile(twice)
    np.testing.assert_array_equal(single(x), once(x))
    np.testing.assert_array_equal(double(x), twice(x))
    assert instructions(double) <= instructions(single) + 4


def test_merged_questions_still_tell_the_courses():
    starts = [np.array(start) for start in ([1.0, -0.5], [3.0, 4.0], [-0.4, -0.1], [0.0, 9.0])]
    f = jacrs.compile(twice)
    for x in starts * 3:
        np.testing.assert_array_equal(f(x), twice(x))
    assert 1 < f.n_traces <= len(starts)
    assert f.n_replays >= 2 * len(starts)


def test_equal_constants_of_other_types_are_not_merged():
    def f(x):
        flat, tall = np.array([0.1, 0.3]), np.array([[0.1], [0.3]])
        return x * flat + tall * x, x * np.array([-0.0, 1.5]), x * np.array([0.0, 1.5])

    x = np.array([2.0, -3.0])
    compiled = jacrs.compile(f)
    for found, expected in zip(compiled(x), f(x), strict=True):
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


def test_a_name_that_is_differentiated_by_is_no_other():
    def f(x):
        inner = jacrs.jacfwd(lambda y: np.sum(x * y**2) + np.sum(x**3))(x)
        return jacrs.jacfwd(lambda y: y * inner)(x), inner

    x = np.array([0.5, -2.0])
    for found in (jacrs.compile(f)(x), f(x)):
        np.testing.assert_allclose(found[0], np.diag(2 * x * x), rtol=1e-14)
    jacobian = jacrs.compile(jacrs.jacfwd(lambda x: f(x)[1]))(x)
    np.testing.assert_allclose(jacobian, np.diag(4 * x), rtol=1e-14)


def tensor(x, coefficients, rows):
    """Arrays of few numbers, with products, sums, slices, maxima and branches among them."""
    y = np.stack([np.sin(x * c) for c in coefficients[:rows]])
    y = y @ np.outer(x, np.exp(x)) if x[0] > 0 else y * np.max(x)
    return y[:, ::-1] + np.prod(x)


@pytest.mark.parametrize("transform", [jacrs.jacfwd, jacrs.jacrev])
@hypothesis.given(n=SMALL, rows=SMALL, data=st.data())
def test_jacobians_inside_of_few_numbers_and_of_more(transform, n, rows, data):
    numbers = st.lists(NUMBERS, min_size=4, max_size=4).map(np.array)
    x, coefficients = data.draw(numbers)[:n], data.draw(numbers)
    wide = np.concatenate([x, np.zeros(16)])  # too many for one sweep each

    def inside(x):
        return np.sum(np.cos(transform(lambda y: tensor(y, coefficients, rows))(x)))

    def in_lanes(wide):
        jacobian = transform(lambda y: tensor(y[:n], coefficients, rows))(wide)
        return np.sum(np.cos(jacobian[..., :n]))

    value, slope = jacrs.value_and_grad(inside)(x)
    expected, slopes = jacrs.value_and_grad(in_lanes)(wide)
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(slope, slopes[:n], rtol=1e-11, atol=1e-11)


def clock(x, *, asked):
    return x * (time.perf_counter() if asked else 2.0)


def test_code_that_was_harmless_before_is_looked_at_again():
    @jacrs.compile
    def f(x):
        for _ in range(3):
            x = clock(x, asked=False)
        return clock(x, asked=True)

    with pytest.raises(jacrs.ImpureError, match="perf_counter"):
        f(np.ones(2))
