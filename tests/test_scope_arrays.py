"""The recording wrappers: NumPy's constructors and `math`, on recorded values and on plain ones."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scope_modules import first
from scope_modules.recording import V, X, check, jvp

from jacrs._scope.native import Tracer


def ndmin_buffer(x):
    y = np.array([1.0, 2.0, 3.0], ndmin=2)
    y[0, 1] = x[0]
    return y


def copied(x):
    y = np.copy(first.A[0])
    y[0] = x[0]
    return y


def object_array(x):
    stray = np.empty(2, dtype=object)
    stray[0], stray[1] = x[0], x[1] * x[0]
    return np.array(stray, dtype=float)


ARRAYS = {
    "dtype": lambda x: np.array([[x[0]], [x[1]]], dtype=np.float64),
    "mixed scalars": lambda x: np.array((x[0], np.float32(2), 3, True)),
    "0-d array": lambda x: np.array([np.array(2.0), x[0]]),
    "lists of vectors": lambda x: np.array([[x, 2 * x], [x, x]]),
    "ndmin": lambda x: np.array([1.0, 2.0, 3.0], ndmin=2) * x,
    "ndmin buffer": ndmin_buffer,
    "asarray dtype": lambda x: np.asarray(x, dtype=float) * 2,
    "full_like": lambda x: np.full_like(np.zeros(3), x[0]),
    "full of a list": lambda x: np.full(3, [x[0], x[1], 1.0]),
    "arange": lambda x: np.arange(0, 3 * x[1], x[1]),
    "tri": lambda x: np.tri(3) @ x + np.triu(np.ones((3, 3))) @ x,
    "diag": lambda x: np.diag([x[0], 1.0, 2.0]) @ np.ones(3),
    "copy": copied,
    "object array": object_array,
    "two outputs": lambda x: np.vectorize(lambda a, b=2.0: (a * b, a + b))(x)[0],
    "broadcast": lambda x: np.vectorize(lambda a, b: a * b, otypes=[float])(x[:, None], x),
    "retstep": lambda x: np.linspace(0, 1, 3, retstep=True)[0] * x,
    "Fortran order": lambda x: np.asfortranarray([[x[0], 1.0], [2.0, 3.0]]),
    "contiguous": lambda x: np.ascontiguousarray(x) * 2,
}
UNARY = (
    "sin cos tan asin acos atan sinh cosh tanh asinh atanh exp exp2 expm1 log log2 log10 log1p "
    "sqrt cbrt fabs degrees radians erf erfc"
).split()
MATH = {
    "atan2": lambda x: math.atan2(x[0], x[1]),
    "log base": lambda x: math.log(x[0], 3.5) + math.log(7, x[1]),
    "remainder": lambda x: math.remainder(x[0] * 5, x[1]) + math.fmod(x[0] * 5, x[1]),
    "signs": lambda x: math.copysign(x[0], x[2]) + math.ldexp(x[0], 2) + math.modf(x[0] * 5)[0],
    "isclose": lambda x: x[0] * (math.isclose(x[0], 0.9) + math.isclose(x[1], x[1]) + 1),
    "isclose infinite": lambda x: x[0] * (math.isclose(x[0], math.inf) + 1),
    "fsum": lambda x: math.fsum([1.0, x[0]]) * math.prod([2.0, x[0]], start=3.0),
    "dist": lambda x: math.dist([0, 0], [x[0], x[1]]),
    "pow": lambda x: math.pow(x[1], x[0]) + math.pow(2, x[0]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_out_of_recorded_values(name):
    check(ARRAYS[name])


@pytest.mark.parametrize("name", MATH)
def test_math_of_recorded_values(name):
    check(MATH[name])


@pytest.mark.parametrize("name", UNARY)
def test_math_functions_of_one_number(name):
    check(eval(f"lambda x: math.{name}(x[0])", {"math": math}))


def test_math_of_plain_numbers_is_itself():
    def function(x):
        assert type(math.sqrt(4)) is float
        assert math.floor(2.5) == 2
        with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
            math.sqrt(-1)
        with pytest.raises(TypeError):
            math.sin(x)
        with pytest.raises(ValueError, match="non-negative"):
            math.isclose(x[0], 1.0, rel_tol=-1.0)
        return x * 2

    check(function)


def test_integers_stay_plain_arrays():
    def function(x):
        index = np.array([2, 0, 1])
        mask = np.zeros(3, dtype=bool)
        assert isinstance(index, np.ndarray)
        assert isinstance(mask, np.ndarray)
        assert np.float64(2.0) == 2.0
        assert np.dtype(np.float64) == float
        return x[0] * index

    check(function)


def test_plain_writes_to_outside_arrays_reach_them():
    outside, count = np.zeros(3), np.zeros(1, dtype=int)

    def function(x):
        outside[0] = 5.0
        count[0] += 1
        return outside.copy() + x

    jvp(function, (X,), (V,))
    assert outside[0] == 5.0
    assert count[0] == 1


def test_outside_buffer_raises():
    def whole(x):
        first.BUFFER[:] = x
        return first.BUFFER

    def item(x):
        first.BUFFER[0] = x[0]
        return first.BUFFER

    for function in (whole, item):
        with pytest.raises(Exception, match=r"(?s).+"):
            jvp(function, (X,), (V,))
    assert not first.BUFFER.any()


def test_ragged_lists_raise_as_in_numpy():
    with pytest.raises(ValueError, match="inhomogeneous shape after 1 dimensions"):
        jvp(lambda x: np.array([x, [x[0]]]), (X,), (V,))


def test_wrappers_are_numpy_while_nothing_is_recorded():
    import jacrs.numpy as jnp

    assert type(jnp.zeros(3)) is np.ndarray
    assert type(jnp.array([1.0, 2.0])) is np.ndarray
    assert jnp.asarray(first.A) is first.A
    assert jnp.float64 is np.float64
    assert jnp.linalg.norm([3.0, 4.0]) == 5.0
    assert jnp.random is np.random
    assert jnp.pi == np.pi
    assert set(np.__all__) <= set(dir(jnp))
    assert all(hasattr(jnp, name) for name in np.__all__)
    np.testing.assert_array_equal(jnp.vectorize(lambda a: 2 * a)(X), 2 * X)
    np.testing.assert_array_equal(jnp.full(2, 3.0), [3.0, 3.0])
    np.testing.assert_array_equal(jnp.fromiter(iter([1.0, 2.0]), float), [1.0, 2.0])


def test_explicit_namespace():
    import jacrs.numpy as jnp

    def function(x):
        y = jnp.zeros(3)
        y[0] = x[0] * x[1]
        return y

    check(function)
    assert not isinstance(function(X), Tracer)
