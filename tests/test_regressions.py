"""Results that once were wrong."""

from __future__ import annotations

import enum

import numpy as np
import pytest
from numpy.testing import assert_allclose

import jacrs

X = np.array([0.3, -1.2, 2.5, 0.7])
LARGE = 20_000  # more bytes than are copied without being asked to


@pytest.mark.parametrize("function", [np.remainder, np.fmod])
def test_quotient_that_rounds_to_the_next_integer(function):
    """1 / 0.1 rounds to 10, but 1 % 0.1 is what is left after 9."""
    assert function(1.0, 0.1) > 0.09
    assert jacrs.grad(lambda z: function(1.0, z))(0.1) == -9.0


@pytest.mark.parametrize("size", [3, LARGE])
def test_tape_remembers_what_it_watched(size):
    array = np.ones(size)
    with jacrs.Tape() as tape:
        x = tape.watch(array)
        y = np.sum(x**3)
    array[:] = 5.0
    assert_allclose(tape.gradient(y, x), np.full(size, 3.0))


def test_argument_of_an_inner_transform_changes_after_it():
    weights = np.ones(LARGE)

    def f(s):
        first = jacrs.grad(lambda w: np.sum(w**3) * s)(weights)
        weights[:] = 2.0
        second = jacrs.grad(lambda w: np.sum(w**3) * s)(weights)
        return first[0] + 100.0 * second[0]

    assert jacrs.value_and_grad(f)(1.0) == (1203.0, 1203.0)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_input_made_from_another_input(mode):
    with jacrs.Tape() as tape:
        a = tape.watch(2.0)
        b = tape.watch(a * a)
        y = b * b + a
        inside = tape.jacobian(y, [a, b], mode=mode)
        values = tape.value(inside)
    assert values == tape.jacobian(y, [a, b], mode=mode) == [1.0, 8.0]


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_input_given_twice(mode):
    with jacrs.Tape() as tape:
        a = tape.watch(2.0)
        y = a * a
    assert tape.jacobian(y, [a, a], mode=mode) == [4.0, 4.0]


@pytest.mark.parametrize(
    "exponent", [2.0, 2, np.float64(2.0), np.float64(3.5), np.float32(3.5), 0.5, -1]
)
def test_power_of_float32(exponent):
    x = np.array([1.0, 2.0, 3.0], np.float32)

    def in_place(z):
        y = np.array(z)
        y **= exponent
        return y

    for f in (lambda z: z**exponent, lambda z: np.power(z, exponent), in_place):
        value = jacrs.value_and_jacobian(f)(x)[0]
        assert value.dtype == f(x).dtype
        assert_allclose(value, f(x), rtol=1e-6)


@pytest.mark.parametrize("function", [np.positive, np.conjugate])
def test_output_of_functions_that_copy(function):
    def f(z):
        y = np.zeros(4)
        function(z, out=y)
        return 2.0 * y

    assert_allclose(jacrs.jacobian(f)(X), 2.0 * np.eye(4))


def test_where_of_functions_that_copy():
    def f(z):
        return np.positive(z, out=np.zeros(4), where=z > 0)

    assert_allclose(jacrs.jacobian(f)(X), np.diag(X > 0))


def test_keywords_of_matmul_are_not_dropped():
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    axes = [(0, 1), (1, 0), (0, 1)]
    with pytest.raises(jacrs.errors.JacrsError, match="axes="):
        jacrs.jacobian(lambda z: np.matmul(z, z, axes=axes))(matrix)


def test_dtype_that_operands_do_not_cast_to():
    with pytest.raises(TypeError, match="Cannot cast ufunc 'add' input 0"):
        jacrs.jacobian(lambda z: np.add(z, z, dtype=int))(X)
    total = jacrs.value_and_jacobian(lambda z: np.add(z, z, dtype=int, casting="unsafe") + z)(X)
    assert_allclose(total[0], [0.3, -3.2, 6.5, 0.7])
    assert_allclose(total[1], np.eye(4))


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"])
def test_dtype_beside_captured_arrays(dtype):
    x = np.ones(3, np.float32)
    other = np.array([1, 2, 3], dtype)

    def f(z):
        return other * z

    value, derivative = jacrs.value_and_jacobian(f)(x)
    assert value.dtype == f(x).dtype
    assert_allclose(derivative, np.diag([1.0, 2.0, 3.0]))


def _unaligned():
    memory = np.zeros(33, np.uint8)
    array = memory[1:].view(np.float64)
    array[:] = [1.0, 2.0, 3.0, 4.0]
    return array


def _field():
    records = np.zeros(4, [("a", "f4"), ("b", "f8")])
    records["b"] = [1.0, 2.0, 3.0, 4.0]
    return records["b"]


@pytest.mark.parametrize("make", [lambda: np.arange(1, 5).astype(">f8"), _unaligned, _field])
def test_captured_arrays_that_are_converted(make):
    other = make()
    assert_allclose(jacrs.jacobian(lambda z: z * other)(X), np.diag([1.0, 2.0, 3.0, 4.0]))


def test_list_that_holds_itself():
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises((ValueError, TypeError)):
        jacrs.grad(lambda z: np.sum(z + endless))(X)


class Choice(enum.IntEnum):
    TWICE = 2


def test_enumeration_as_an_operand():
    x = np.ones(2, np.float32)
    value, derivative = jacrs.value_and_jacobian(lambda z: z * Choice.TWICE)(x)
    assert value.dtype == (x * Choice.TWICE).dtype
    assert_allclose(derivative, 2.0 * np.eye(2))


def test_ufunc_of_somebody_else_with_a_name_of_numpy():
    class Ufunc:  # as numba.vectorize makes them
        def __init__(self):
            self.__name__ = "square"
            self.nin = 1

    def f(z):
        return z.__array_ufunc__(Ufunc(), "__call__", z)

    with pytest.raises(jacrs.errors.JacrsError, match="no derivative rule"):
        jacrs.jacobian(f)(X)
