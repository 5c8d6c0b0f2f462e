"""The transforms: their numbers, what they take and return, how they nest."""

import inspect
import pickle

import numpy as np
import pytest

import jacrs
from tests.differences import richardson_jacobian

X = np.array([0.7, 1.3, -0.4])
MATRIX = np.array([[0.3, -1.2, 0.8], [1.1, 0.4, -0.6]])


def close(given, expected, tolerance=1e-13):
    assert type(given) in (np.ndarray, np.float64, np.float32)
    assert np.shape(given) == np.shape(expected)
    np.testing.assert_allclose(given, expected, rtol=tolerance, atol=tolerance)


def filled(x):
    y = np.zeros(4)
    y[0] = x[0] * x[2]
    y[1:] += x
    y[2] *= y[0]
    return y


FUNCTIONS = {
    "elementwise": (lambda x: np.sin(x) * np.exp(-(x**2)), X),
    "wide": (lambda x: MATRIX @ np.tanh(x), X),
    "tall": (lambda x: np.concatenate([x**2, x[:1] * x, np.cos(x)]), X),
    "to a number": (lambda x: np.sum(np.log1p(x**2)), X),
    "from a number": (lambda x: x ** np.arange(1.0, 5.0), np.array(1.3)),
    "number to number": (lambda x: np.exp(x) / x, np.array(0.8)),
    "matrix to vector": (lambda x: np.sum(x, axis=0) * x[1], MATRIX),
    "matrix to matrix": (lambda x: x @ x.T, MATRIX),
    "filled": (filled, X),
    "one element": (lambda x: x[:1] ** 2, X),
}


@pytest.mark.parametrize("mode", [None, "forward", "reverse"])
@pytest.mark.parametrize("case", FUNCTIONS)
def test_jacobian(case, mode):
    f, x = FUNCTIONS[case]
    close(jacrs.jacobian(f, mode=mode)(x), richardson_jacobian(f, x), 1e-9)


@pytest.mark.parametrize("case", FUNCTIONS)
def test_products_agree_with_the_jacobian_and_each_other(case):
    f, x = FUNCTIONS[case]
    rng = np.random.default_rng(7)
    u = rng.standard_normal(x.shape)
    J = jacrs.jacobian(f)(x)
    y, jv = jacrs.jvp(f, (x,), (u,))
    close(y, f(x))
    close(jv, np.tensordot(J, u, x.ndim))
    y, pullback = jacrs.vjp(f, x)
    close(y, f(x))
    for _ in range(2):  # any number of times
        v = rng.standard_normal(np.shape(y))
        pulled = pullback(v)
        close(pulled, np.tensordot(v, J, np.ndim(y)))
        assert np.sum(v * jv) == pytest.approx(np.sum(pulled * u), rel=1e-12)


def test_published_numbers():
    """What PyTorch's documentation gives for these functions."""
    x = np.array([1.0, 2.0, 3.0])
    _, pullback = jacrs.vjp(np.sin, x)
    close(pullback(np.array([0.5, 1.0, 0.2])), [0.2701511530, -0.4161468365, -0.1979984993], 1e-9)
    _, jv = jacrs.jvp(np.exp, (x,), (np.array([0.1, 0.2, 0.3]),))
    close(jv, [0.2718281828, 1.4778112198, 6.0256610770], 1e-9)


def test_grad_and_value():
    f = FUNCTIONS["to a number"][0]
    close(jacrs.grad(f)(X), 2 * X / (1 + X**2))
    value, gradient = jacrs.value_and_grad(f)(X)
    close(value, f(X))
    close(gradient, 2 * X / (1 + X**2))
    value, J = jacrs.value_and_jacobian(np.sin)(X)
    close(value, np.sin(X))
    close(J, np.diag(np.cos(X)))


def test_hessian():
    f = FUNCTIONS["to a number"][0]
    close(jacrs.hessian(f)(X), np.diag((2 - 2 * X**2) / (1 + X**2) ** 2))
    close(jacrs.hessian(f)(MATRIX), richardson_jacobian(jacrs.grad(f), MATRIX), 1e-9)
    H = jacrs.hessian(lambda x: MATRIX @ x**3)(X)  # y.shape + x.shape + x.shape
    close(H, 6 * MATRIX[:, :, None] * np.diag(X))
    close(H, jacrs.jacfwd(jacrs.jacrev(lambda x: MATRIX @ x**3))(X))
    value = jacrs.hessian(lambda x, s: (s * np.sum(x**3), x), (0, 1), has_aux=True)(X, 2.0)
    blocks, aux = value
    close(aux, X)
    close(blocks[0][0], np.diag(12 * X))
    close(blocks[0][1], 3 * X**2)
    close(blocks[1][0], 3 * X**2)
    close(blocks[1][1], 0.0)


# --- which arguments, and how they come back


def weighted(a, x, *, scale=1.0, shift=None):
    return scale * a * np.sum(x**2) + (0.0 if shift is None else shift)


def test_argnums():
    expected = (np.sum(X**2), 4 * X)
    close(jacrs.grad(weighted)(2.0, X), expected[0])
    close(jacrs.grad(weighted, 1)(2.0, X), expected[1])
    close(jacrs.grad(weighted, -1)(2.0, X), expected[1])
    close(jacrs.grad(weighted, np.int64(1))(2.0, X), expected[1])
    for argnums in [(0, 1), [0, 1], (-2, 1)]:
        both = jacrs.grad(weighted, argnums)(2.0, X)
        assert type(both) is tuple
        close(both[0], expected[0])
        close(both[1], expected[1])
    (only,) = jacrs.grad(weighted, (1,))(2.0, X)
    close(only, expected[1])
    close(jacrs.grad(weighted, 1)(2.0, X, scale=3.0), 3 * expected[1])
    blocks = jacrs.jacobian(lambda a, x: {"y": a * x}, (0, 1))(2.0, X)
    close(blocks["y"][0], X)
    close(blocks["y"][1], 2 * np.eye(3))


def test_other_arguments_are_constants_of_any_kind():
    def f(x, name, table, weights, *, flag):
        assert name == "sin"
        assert flag is None
        assert weights.dtype == np.int64
        return np.sum(weights * table[name](x))

    table = {"sin": np.sin}
    close(jacrs.grad(f)(X, "sin", table, np.arange(3), flag=None), np.arange(3) * np.cos(X))


def test_auxiliary_data():
    def f(x):
        return np.sum(x**2), {"y": np.sin(x), "name": "f", "count": 3, "order": np.argsort(x)}

    gradient, aux = jacrs.grad(f, has_aux=True)(X)
    close(gradient, 2 * X)
    close(aux["y"], np.sin(X))
    assert (aux["name"], aux["count"]) == ("f", 3)
    np.testing.assert_array_equal(aux["order"], np.argsort(X))
    (value, aux), _ = jacrs.value_and_grad(f, has_aux=True)(X)
    close(value, np.sum(X**2))
    close(aux["y"], np.sin(X))
    J, aux = jacrs.jacobian(f, has_aux=True)(X)
    close(J, 2 * X)
    (value, aux), J = jacrs.value_and_jacobian(f, has_aux=True)(X)
    close(value, np.sum(X**2))
    value, jv, aux = jacrs.jvp(f, (X,), (X,), has_aux=True)
    close(jv, 2 * np.sum(X**2))
    value, pullback, aux = jacrs.vjp(f, X, has_aux=True)
    close(pullback(1.0), 2 * X)
    close(aux["y"], np.sin(X))


# --- dtypes and shapes at the edges


def test_numbers_and_empty_arrays():
    close(jacrs.grad(lambda x: x**3)(2), 12.0)
    close(jacrs.grad(lambda x: x**3)(2.0), 12.0)
    close(jacrs.grad(lambda x: x**3)(np.float64(2.0)), 12.0)
    close(jacrs.grad(lambda x: x**3)(np.array(2.0)), 12.0)
    close(jacrs.jacobian(lambda x: x**2)(np.ones((0, 3))), np.ones((0, 3, 0, 3)))
    close(jacrs.grad(np.sum)(np.ones(0)), np.ones(0))
    close(jacrs.jacobian(lambda x: x[:0])(X), np.ones((0, 3)))
    assert jacrs.jacobian(lambda _: ())(X) == ()
    assert jacrs.grad(lambda _: 1.0)({}) == {}


def test_numbers_can_be_rebound_in_place():
    def f(x):
        x *= 3.0
        return x

    close(jacrs.grad(f)(2.0), 3.0)


def test_float32_stays():
    x = X.astype(np.float32)
    for result in (
        jacrs.grad(lambda x: np.sum(x**2))(x),
        jacrs.jacobian(lambda x: x**2)(x),
        jacrs.hessian(lambda x: np.sum(x**2))(x),
        *jacrs.jvp(np.sin, (x,), (x,)),
        *jacrs.jvp(np.sin, (x,), ([1, 0, 0],)),
        jacrs.vjp(np.sin, x)[1](x),
        jacrs.grad(lambda s: s * s)(np.float32(2.0)),
    ):
        assert result.dtype == np.float32


def test_other_memory_orders():
    for x in (X.astype(">f8"), np.repeat(X, 2)[::2], X[::-1][::-1]):
        close(jacrs.grad(lambda x: np.sum(x**2))(x), 2 * X)


def test_constants_and_integers_have_zero_derivatives():
    def f(x):
        return {"int": np.argmax(x), "bool": x > 0, "constant": np.ones(2), "number": 3, "x": x}

    value, J = jacrs.value_and_jacobian(f)(X)
    assert value["int"] == 1
    assert value["int"].dtype == np.int64
    np.testing.assert_array_equal(value["bool"], X > 0)
    close(J["int"], np.zeros(3))
    close(J["bool"], np.zeros((3, 3)))
    close(J["constant"], np.zeros((2, 3)))
    close(J["number"], np.zeros(3))
    close(J["x"], np.eye(3))
    _, jv = jacrs.jvp(f, (X,), (X,))
    close(jv["bool"], np.zeros(3))
    value, pullback = jacrs.vjp(f, X)
    close(pullback({**value, "bool": [0, 0, 0], "int": 0.0}), X)
    close(jacrs.grad(lambda _: 2.0)(X), np.zeros(3))
    close(jacrs.hessian(lambda _: 2.0)(X), np.zeros((3, 3)))
    close(jacrs.vjp(lambda _: 2.0, X)[1](1.0), np.zeros(3))


def test_results_are_fresh():
    constant = np.ones(3)
    value, _ = jacrs.value_and_jacobian(lambda _: constant)(X)
    value[:] = 5.0
    assert constant[0] == 1.0
    value, _ = jacrs.value_and_jacobian(lambda x: x)(X)
    value[:] = 5.0
    assert X[0] == 0.7


def test_tangents_of_dtypes_that_convert_without_loss():
    for u in (np.array([1, 0, 0]), np.array([True, False, False]), np.float32([1, 0, 0])):
        close(jacrs.jvp(np.sin, (X,), (u,))[1], [np.cos(0.7), 0.0, 0.0])


# --- nesting


def test_perturbations_are_not_confused():
    """The examples of Siskind and Pearlmutter, and of Manzyuk and others."""
    grad = jacrs.grad
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(1.0) == 2.0
    inner = grad(lambda x: x * jacrs.jvp(lambda y: x * y, (2.0,), (1.0,))[1])(3.0)
    assert inner == 6.0
    inner = jacrs.jvp(lambda x: x * grad(lambda y: x * y**2)(2.0), (3.0,), (1.0,))[1]
    assert inner == 24.0  # d/dx 4 x^2

    def shifted(x):
        return lambda f: lambda y: f(x + y)

    def derivative(f):
        return lambda x: jacrs.jvp(f, (x,), (1.0,))[1]

    double = derivative(lambda x: shifted(x)(shifted(0.0)(np.exp))(1.0))
    assert double(0.0) == pytest.approx(np.e)


@pytest.mark.parametrize("inner", ["grad", "jacfwd", "jacrev", "jacobian"])
@pytest.mark.parametrize("outer", ["grad", "jacfwd", "jacrev"])
def test_third_order(outer, inner):
    first, second = getattr(jacrs, inner), getattr(jacrs, outer)
    close(second(first(jacrs.grad(lambda x: x**5)))(2.0), 240.0)


def test_nested_transforms_of_arrays():
    def energy(x):
        return np.sum(np.sin(x) * x[::-1])

    expected = richardson_jacobian(jacrs.hessian(energy), X)
    close(jacrs.jacfwd(jacrs.hessian(energy))(X), expected, 1e-9)
    close(jacrs.jacrev(jacrs.hessian(energy))(X), expected, 1e-9)

    def through_vjp(x):
        value, pullback = jacrs.vjp(lambda z: {"s": np.sin(z) * x}, x)
        return pullback({"s": value["s"]})

    close(jacrs.jacobian(through_vjp)(X), richardson_jacobian(through_vjp, X), 1e-9)

    def with_value(x):
        (value, aux), gradient = jacrs.value_and_grad(
            lambda z: (energy(z) * x[0], z * x), has_aux=True
        )(x)
        return value + aux + gradient

    close(jacrs.jacobian(with_value)(X), richardson_jacobian(with_value, X), 1e-9)


def test_a_pullback_made_outside_is_differentiated_inside():
    _, pullback = jacrs.vjp(lambda a, x: a * np.sin(x), 2.0, X)
    close(jacrs.jacobian(lambda ct: pullback(ct)[1])(X), np.diag(2 * np.cos(X)))


def test_stop_gradient():
    close(jacrs.grad(lambda x: x * jacrs.stop_gradient(x))(3.0), 3.0)
    stop = jacrs.grad(lambda x: jacrs.grad(lambda y: y * jacrs.stop_gradient(x * y))(x) * x)
    close(stop(3.0), 9.0)
    tree = (X, None, "name")
    assert jacrs.stop_gradient(tree) is tree
    inside = jacrs.grad(lambda x: np.sum(x * jacrs.stop_gradient({"a": [x, 1.0]})["a"][0]))
    close(inside(X), X)


# --- the functions that come back


def documented(x: float, *, y: int = 1) -> float:
    """Say what it is."""
    return x * y


@jacrs.grad
def decorated(x):
    return x**2


class Model:
    scale = 3.0

    @jacrs.grad
    def by_self(self):
        return self

    def energy(self, x):
        return self.scale * np.sum(x**2)

    def rescaled(self, x, scale):
        return scale * self.energy(x)

    slope = jacrs.grad(rescaled, argnums=2)


def test_metadata_is_kept():
    g = jacrs.grad(documented)
    assert (g.__name__, g.__doc__, g.__wrapped__) == ("documented", "Say what it is.", documented)
    assert inspect.signature(g) == inspect.signature(documented)
    assert repr(g).startswith("<jacrs.grad of <function documented")


def test_pickling():
    for g in (
        jacrs.grad(documented),
        jacrs.jacobian(documented, 0, mode="reverse"),
        jacrs.hessian(documented),
    ):
        again = pickle.loads(pickle.dumps(g))
        assert type(again) is type(g)
        np.testing.assert_array_equal(again(2.0, y=3), g(2.0, y=3))
    assert pickle.loads(pickle.dumps(decorated)) is decorated


def test_methods():
    model = Model()
    close(jacrs.grad(model.energy)(X), 6 * X)
    close(model.slope(X, 2.0), 3 * np.sum(X**2))


def test_explain_and_threads():
    assert "forward" in jacrs.explain(np.sin)(X)
    assert "reverse" in jacrs.explain(np.sin, mode="reverse")(X)
    before = jacrs.num_threads()
    try:
        jacrs.set_num_threads(2)
        assert jacrs.num_threads() == 2
    finally:
        jacrs.set_num_threads(before)


def test_exceptions_pass_and_leave_nothing_behind():
    class OwnError(Exception):
        pass

    def failing(x):
        raise OwnError(x.shape)

    for transform in (jacrs.grad, jacrs.jacobian, jacrs.hessian):
        with pytest.raises(OwnError, match=r"\(3,\)"):
            transform(failing)(X)
        assert not jacrs._jacrs.is_recording()
