"""Products with the Hessian, and value, gradient and Hessian together."""

import numpy as np
import pytest
from hypothesis import assume, given, settings

import jacrs
from jacrs import functional
from tests.differences import richardson_jacobian
from tests.program_strategies import Program, programs
from tests.test_programs import AMBIGUOUS, QUIET, WEIGHTS, assert_close, cotangents_like

X, Y = np.array([0.7, 1.3, -0.4]), np.array([[0.3, -1.2, 0.8], [1.1, 0.4, -0.6]])
U, V = np.array([0.2, -0.5, 1.1]), np.array([[1.0, 0.0, -0.7], [0.4, 0.9, 0.1]])
PRODUCTS = {"hvp": jacrs.hvp, "vhp": jacrs.vhp}


def energy(x, y):
    return np.sum(np.exp(y @ x)) + np.prod(x) * np.sum(y[0] ** 3) + np.linalg.norm(x)


def quadratic(x):
    return x @ np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 1.0]]) @ x


@pytest.fixture(params=PRODUCTS)
def product(request):
    return PRODUCTS[request.param]


def test_products_are_those_with_the_hessian(product):
    H = jacrs.hessian(energy, argnums=(0, 1))(X, Y)
    expected = [np.tensordot(H[i][0], U, 1) + np.tensordot(H[i][1], V, 2) for i in range(2)]
    found = product(energy, (X, Y), (U, V))
    assert type(found) is tuple
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_products_agree_with_differences_of_the_gradient(product):
    gradient = jacrs.grad(energy)
    expected = richardson_jacobian(lambda x: gradient(x, Y), X) @ U
    np.testing.assert_allclose(product(lambda x: energy(x, Y), (X,), (U,))[0], expected, 1e-8)


def test_numbers_containers_and_strides(product):
    assert product(lambda a, b: a * b**2, (3.0, 5.0), (1.0, 1.0)) == (10.0, 16.0)
    point, along = {"w": (Y.T, [2.0])}, {"w": (V.T, [1.0])}
    found = product(lambda p: np.sum(p["w"][0] ** 3) * p["w"][1][0], (point,), (along,))
    matrix, vector = found[0]["w"]
    np.testing.assert_allclose(matrix, 12 * Y.T * V.T + 3 * Y.T**2, 1e-13)
    np.testing.assert_allclose(vector, [np.sum(3 * Y**2 * V)], 1e-13)


def test_dtypes_are_those_of_the_primals(product):
    x, u = X.astype(np.float32), U.astype(np.float32)
    assert product(lambda x: np.sum(x**3), (x,), (u,))[0].dtype == np.float32
    wide = product(lambda x: np.sum(x * X) ** 2, (x,), (u,))[0]
    assert wide.dtype == np.float32
    np.testing.assert_allclose(wide, 2 * X * (X @ U), 1e-6)


def test_degenerate_functions(product):
    assert product(lambda x: 3.0, (X,), (U,))[0].tolist() == [0, 0, 0]
    assert product(np.sum, (X,), (U,))[0].tolist() == [0, 0, 0]
    assert product(np.sum, (np.zeros((0, 2)),), (np.zeros((0, 2)),))[0].shape == (0, 2)
    assert product(lambda: 3.0, (), ()) == ()
    found, aux = product(lambda x: (np.sum(x**2), {"x": x, "n": 3}), (X,), (U,), has_aux=True)
    np.testing.assert_array_equal(found[0], 2 * U)
    assert aux["x"].tolist() == X.tolist()
    assert aux["n"] == 3


WRONG = {
    "a vector": (lambda p: p(np.sin, (X,), (U,)), jacrs.ShapeError),
    "a tuple": (lambda p: p(lambda x: (x[0],), (X,), (U,)), jacrs.ShapeError),
    "an integer": (lambda p: p(np.argmax, (X,), (U,)), jacrs.DTypeError),
    "another shape": (lambda p: p(np.sum, (X,), (U[:2],)), jacrs.ShapeError),
    "another count": (lambda p: p(np.sum, (X,), (U, U)), jacrs.ArgumentError),
    "no tuple": (lambda p: p(np.sum, X, (U,)), jacrs.DTypeError),
    "no tuple along": (lambda p: p(np.sum, (X,), U), jacrs.DTypeError),
    "no function": (lambda p: p(X, (X,), (U,)), jacrs.DTypeError),
    "integers": (lambda p: p(np.sum, (np.arange(3),), (U,)), jacrs.DTypeError),
}


@pytest.mark.parametrize("case", WRONG)
def test_errors(case, product):
    call, error = WRONG[case]
    with pytest.raises(error) as caught:
        call(product)
    if case == "no tuple along":
        name = "tangents" if product is jacrs.hvp else "cotangent"
        assert str(caught.value).startswith(f"{name} must be a tuple")
        assert str(caught.value).endswith(f"write ({name.removesuffix('s')},)")


def test_a_failed_call_leaves_nothing_open(product):
    with pytest.raises(jacrs.ShapeError):
        product(np.sin, (X,), (U,))
    assert jacrs.grad(np.sum)(X).tolist() == [1, 1, 1]


# --- value, gradient and Hessian


def test_value_gradient_and_hessian_are_those_of_the_others():
    value, gradient, hessian = jacrs.value_grad_and_hessian(energy, argnums=(1, 0))(X, Y)
    assert value == pytest.approx(energy(X, Y), rel=1e-14)
    for a, b in zip(gradient, jacrs.grad(energy, argnums=(1, 0))(X, Y), strict=True):
        np.testing.assert_allclose(a, b, 1e-13)
    expected = jacrs.hessian(energy, argnums=(1, 0))(X, Y)
    for row, other in zip(hessian, expected, strict=True):
        for a, b in zip(row, other, strict=True):
            assert a.shape == b.shape
            np.testing.assert_array_equal(a, b)


def test_value_gradient_and_hessian_of_other_things():
    f = jacrs.value_grad_and_hessian(lambda x: (np.sum(x**3), "aux"), has_aux=True)
    (value, aux), gradient, hessian = f(X)
    assert (value, aux) == (pytest.approx(np.sum(X**3)), "aux")
    np.testing.assert_allclose(gradient, 3 * X**2, 1e-14)
    np.testing.assert_allclose(hessian, np.diag(6 * X), 1e-14)
    value, gradient, hessian = jacrs.value_grad_and_hessian(lambda x: 3.0)(X)
    assert (value, gradient.tolist(), hessian.tolist()) == (3, [0] * 3, [[0] * 3] * 3)
    x = X.astype(np.float32)
    value, gradient, hessian = jacrs.value_grad_and_hessian(lambda x: np.sum(x * X) ** 2)(x)
    assert (value.dtype, gradient.dtype) == (np.float64, np.float32)
    assert hessian.dtype == jacrs.hessian(lambda x: np.sum(x * X) ** 2)(x).dtype
    with pytest.raises(jacrs.ShapeError, match="value_grad_and_hessian needs a function"):
        jacrs.value_grad_and_hessian(np.sin)(X)


def test_one_recording_serves():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x**3)

    jacrs.value_grad_and_hessian(f)(X)
    jacrs.hvp(f, (X,), (U,))
    jacrs.vhp(f, (X,), (U,))
    assert len(calls) == 3


# --- nested in all the others, and they in it


def cubic(x):
    return np.sum(x**3) * x[0]


OUTER = {
    "jacfwd": jacrs.jacfwd,
    "jacrev": jacrs.jacrev,
    "grad": lambda f: jacrs.grad(lambda x: f(x) @ U),
    "hessian": lambda f: jacrs.hessian(lambda x: f(x) @ U),
    "jvp": lambda f: lambda x: jacrs.jvp(f, (x,), (U,))[1],
    "vjp": lambda f: lambda x: jacrs.vjp(f, x)[1](U),
    "hvp": lambda f: lambda x: jacrs.hvp(lambda x: f(x) @ U, (x,), (U,))[0],
    "vhp": lambda f: lambda x: jacrs.vhp(lambda x: f(x) @ U, (x,), (U,))[0],
    "all": lambda f: lambda x: jacrs.value_grad_and_hessian(lambda x: f(x) @ U)(x)[2],
    "functional": lambda f: lambda x: functional.hvp(lambda x: f(x) @ U, x, U)[1],
    "tape": lambda f: lambda x: through_a_tape(f, x),
}
INNER = {
    "hvp": lambda x: jacrs.hvp(cubic, (x,), (U * x,))[0],
    "vhp": lambda x: jacrs.vhp(cubic, (x,), (U * x,))[0],
    "all": lambda x: sum(jacrs.value_grad_and_hessian(cubic)(x)[1:]) @ U + x,
    "value": lambda x: jacrs.value_grad_and_hessian(cubic)(x)[0] * x,
    "functional.hvp": lambda x: sum(functional.hvp(cubic, x, U * x)),
    "functional.vhp": lambda x: sum(functional.vhp(cubic, x, U * x)),
    "closed over": lambda x: jacrs.hvp(lambda z: cubic(z) * np.sum(x), (x,), (x,))[0],
}


def through_a_tape(f, x):
    with jacrs.Tape() as tape:
        z = tape.watch(x)
        y = f(z)
    return tape.jacobian(y, z)


def by_hand(name):
    """The same values from the Hessian alone, which is tested elsewhere."""
    hessian, gradient = jacrs.hessian(cubic), jacrs.grad(cubic)
    return {
        "hvp": lambda x: hessian(x) @ (U * x),
        "vhp": lambda x: hessian(x) @ (U * x),
        "all": lambda x: (gradient(x) + hessian(x)) @ U + x,
        "value": lambda x: cubic(x) * x,
        "functional.hvp": lambda x: cubic(x) + hessian(x) @ (U * x),
        "functional.vhp": lambda x: cubic(x) + hessian(x) @ (U * x),
        "closed over": lambda x: hessian(x) @ x * np.sum(x),
    }[name]


@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize("inner", INNER)
def test_nesting(outer, inner):
    found, expected = (OUTER[outer](f)(X) for f in (INNER[inner], by_hand(inner)))
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("inner", INNER)
def test_nested_derivatives_agree_with_differences(inner):
    f = INNER[inner]
    np.testing.assert_allclose(jacrs.jacobian(f)(X), richardson_jacobian(f, X), 1e-8, 1e-8)


def scalar(program):
    """Return the weighted sum of what a program returns."""
    f = program.function()

    def total(x):
        parts = [(y, w) for y, w in zip(f(x), weights, strict=True) if y.dtype.kind == "f"]
        return sum([(w * np.tanh(y)).sum() for y, w in parts], 0.0 * x.sum())

    weights = cotangents_like(f(program.x.copy()), program.x.dtype)
    return total


@given(programs(statements=6))
@settings(max_examples=400, suppress_health_check=QUIET)
def test_random_programs(program: Program):
    f, x = scalar(program), program.x
    u = WEIGHTS[: x.size].reshape(x.shape)
    try:
        value, gradient, hessian = jacrs.value_grad_and_hessian(f)(x)
    except jacrs.TraceError as error:
        assume(not str(error).startswith(AMBIGUOUS))
        raise
    expected, slope = jacrs.value_and_grad(f)(x)
    assert_close(value, expected, 1e-12)
    assert_close(gradient, slope, 1e-12)
    assert_close(hessian, jacrs.hessian(f)(x), 0)
    along = np.tensordot(hessian, u, x.ndim)
    size = 1 + np.max(np.abs(hessian), initial=0.0)
    for product in (jacrs.hvp(f, (x,), (u,)), jacrs.vhp(f, (x,), (u,))):
        np.testing.assert_allclose(product[0], along, rtol=0, atol=1e-11 * size)
    third = jacrs.grad(lambda x: np.sum(jacrs.hvp(f, (x,), (u,))[0] * u))(x)
    other = jacrs.grad(lambda x: np.sum(np.tensordot(jacrs.hessian(f)(x), u, x.ndim) * u))(x)
    assert_close(third, other, 1e-9)
