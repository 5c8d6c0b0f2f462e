"""The twins of `torch.autograd.functional`: its documented examples, nesting and conventions."""

import inspect

import numpy as np
import pytest

import jacrs
from jacrs import functional

X = np.array([[0.2, 0.7, -0.4], [1.1, 0.3, 0.9]])
Y = np.array([0.5, -1.5, 2.0])


def close(given, expected):
    assert type(given) in (np.ndarray, np.float64, np.float32)
    assert np.shape(given) == np.shape(expected)
    np.testing.assert_allclose(given, expected, rtol=1e-12, atol=1e-12)


def exp_reducer(x):
    return np.exp(x).sum(axis=1)


def adder(x, y):
    return 2 * x + 3 * y


def exp_adder(x, y):
    return 2 * np.exp(x) + 3 * y


def pow_reducer(x):
    return (x**3).sum()


def pow_adder_reducer(x, y):
    return (2 * x**2 + 3 * y**2).sum()


def test_vjp():
    outputs, vjp = functional.vjp(exp_reducer, X, np.array([1.0, 2.0]))
    close(outputs, np.exp(X).sum(axis=1))
    close(vjp, np.exp(X) * [[1.0], [2.0]])
    outputs, vjp = functional.vjp(adder, (Y, Y), np.ones(3))
    close(outputs, 5 * Y)
    assert type(vjp) is tuple
    close(vjp[0], np.full(3, 2.0))
    close(vjp[1], np.full(3, 3.0))
    outputs, vjp = functional.vjp(lambda x: (x, np.sum(x)), Y, (np.ones(3), 2.0))
    close(outputs[1], np.sum(Y))
    close(vjp, np.full(3, 3.0))
    _, vjp = functional.vjp(np.sin, [1.0, 2.0, 3.0], [0.5, 1.0, 0.2])
    np.testing.assert_allclose(vjp, [0.2701511530, -0.4161468365, -0.1979984993], atol=1e-10)


def test_jvp():
    outputs, jvp = functional.jvp(exp_reducer, X, np.ones((2, 3)))
    close(outputs, np.exp(X).sum(axis=1))
    close(jvp, np.exp(X).sum(axis=1))
    outputs, jvp = functional.jvp(adder, (Y, Y), (np.ones(3), np.ones(3)))
    close(outputs, 5 * Y)
    close(jvp, np.full(3, 5.0))
    outputs, jvp = functional.jvp(lambda x: (x, np.sum(x)), Y, Y)
    assert type(outputs) is tuple
    close(jvp[0], Y)
    close(jvp[1], np.sum(Y))
    _, jvp = functional.jvp(np.exp, [1.0, 2.0, 3.0], [0.1, 0.2, 0.3])
    np.testing.assert_allclose(jvp, [0.2718281828, 1.4778112198, 6.0256610770], atol=1e-10)


def test_v_is_ones_for_one_element():
    for x in (np.array(2.0), np.array([2.0]), np.array([[2.0]]), 2.0):
        for product in (functional.vjp, functional.jvp):
            outputs, derivative = product(np.sin, x)
            close(outputs, np.sin(x))
            close(derivative, np.cos(x))
    assert functional.vjp(adder, (1.0, 2.0))[1] == (2.0, 3.0)
    assert functional.jvp(lambda x: (x, x), (1.0,))[1] == (1.0, 1.0)


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_jacobian(strategy):
    def jacobian(f, x):
        return functional.jacobian(f, x, vectorize=True, strategy=strategy)

    J = jacobian(exp_reducer, X)
    assert J.shape == (2, 2, 3)
    close(J, np.exp(X) * np.eye(2)[:, :, None])
    J = jacobian(exp_adder, (Y, Y))
    assert type(J) is tuple
    close(J[0], np.diag(2 * np.exp(Y)))
    close(J[1], 3 * np.eye(3))
    J = jacobian(lambda x: (x, np.sum(x)), Y)
    assert type(J) is tuple
    close(J[0], np.eye(3))
    close(J[1], np.ones(3))
    J = jacobian(lambda x, y: (x * y, np.sum(x)), (Y, 2.0))
    assert [len(row) for row in J] == [2, 2]
    close(J[0][1], Y)
    close(J[1][1], 0.0)
    ((block,),) = jacobian(lambda x: (x,), (Y,))
    close(block, np.eye(3))
    close(jacobian(lambda _: np.ones(2), Y), np.zeros((2, 3)))


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_hessian(strategy):
    def hessian(f, x):
        return functional.hessian(f, x, outer_jacobian_strategy=strategy)

    H = hessian(pow_reducer, X)
    assert H.shape == (2, 3, 2, 3)
    close(H.reshape(6, 6), np.diag(6 * X.ravel()))
    close(hessian(lambda x: (x**3).sum(keepdims=True), X), H)
    ((a, b), (c, d)) = hessian(pow_adder_reducer, (Y, Y))
    close(a, 4 * np.eye(3))
    close(b, np.zeros((3, 3)))
    close(c, np.zeros((3, 3)))
    close(d, 6 * np.eye(3))
    close(hessian(lambda _: 3.0, Y), np.zeros((3, 3)))
    ((only,),) = hessian(pow_reducer, (Y,))
    close(only, np.diag(6 * Y))


def hvp_and_vhp(*args, **keywords):
    first, second = (p(*args, **keywords) for p in (functional.hvp, functional.vhp))
    assert type(first) is type(second) is tuple
    np.testing.assert_array_equal(first[0], second[0])
    if isinstance(first[1], tuple):
        assert type(second[1]) is tuple
        for a, b in zip(first[1], second[1], strict=True):
            close(a, b)
    else:
        close(first[1], second[1])
    return second


def test_products_with_the_hessian():
    outputs, product = hvp_and_vhp(pow_reducer, X, np.ones((2, 3)))
    close(outputs, pow_reducer(X))
    close(product, 6 * X)
    outputs, product = hvp_and_vhp(pow_adder_reducer, (Y, Y), (np.zeros(3), np.ones(3)))
    close(outputs, 5 * np.sum(Y**2))
    assert type(product) is tuple
    close(product[0], np.zeros(3))
    close(product[1], np.full(3, 6.0))
    outputs, product = hvp_and_vhp(lambda x: (x**3).sum(keepdims=True), X, X)
    close(outputs, np.sum(X**3, keepdims=True))
    close(product, 6 * X**2)
    outputs, (product,) = hvp_and_vhp(pow_reducer, (Y,), (Y,))
    close(outputs, np.sum(Y**3))
    close(product, 6 * Y**2)
    outputs, product = hvp_and_vhp(lambda _: np.float64(3.0), Y, Y)
    close(outputs, 3.0)
    close(product, np.zeros(3))
    for x in (np.array(2.0), np.array([2.0]), 2.0):
        outputs, product = hvp_and_vhp(lambda x: x**3, x)
        close(outputs, np.asarray(x)[()] ** 3)
        close(product, 6 * np.asarray(x)[()])


def test_nesting():
    def slope(x):
        return functional.jacobian(pow_reducer, x, create_graph=True)

    close(functional.jacobian(slope, Y), np.diag(6 * Y))
    close(jacrs.jacobian(slope)(Y), np.diag(6 * Y))
    close(jacrs.grad(lambda x: functional.vjp(np.sin, x)[1])(0.3), -np.sin(0.3))


def test_signatures():
    """Parameter names, order and defaults are PyTorch's."""
    expected = {
        "vjp": "(func, inputs, v=None, create_graph=False, strict=False)",
        "jvp": "(func, inputs, v=None, create_graph=False, strict=False)",
        "hvp": "(func, inputs, v=None, create_graph=False, strict=False)",
        "vhp": "(func, inputs, v=None, create_graph=False, strict=False)",
        "jacobian": "(func, inputs, create_graph=False, strict=False, vectorize=False, "
        "strategy='reverse-mode')",
        "hessian": "(func, inputs, create_graph=False, strict=False, vectorize=False, "
        "outer_jacobian_strategy='reverse-mode')",
    }
    for name in functional.__all__:
        signature = inspect.signature(getattr(functional, name))
        bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
        assert str(inspect.Signature(bare)) == expected[name]


STRICT = {
    "vjp, input": (
        lambda: functional.vjp(lambda x, _: x[0], (Y, Y), strict=True),
        "the result of the function does not depend on input 1",
    ),
    "vjp, output": (
        lambda: functional.vjp(lambda x: (x, np.ones(3)), Y, (Y, Y), strict=True),
        "output 1 of the function does not depend on any input",
    ),
    "jvp, input": (
        lambda: functional.jvp(lambda x, _: x[0], (Y, Y), (Y, Y), strict=True),
        "the result of the function does not depend on input 1",
    ),
    "jacobian": (
        lambda: functional.jacobian(lambda x, y: (x, y), (Y, Y), strict=True),
        "output 0 of the function does not depend on input 1",
    ),
    "hessian": (
        lambda: functional.hessian(lambda x: x @ Y, Y, strict=True),
        "the gradient by input 0 does not depend on input 0",
    ),
    "hvp": (
        lambda: functional.hvp(lambda x: x @ Y, Y, Y, strict=True),
        "the gradient by input 0 does not depend on any input",
    ),
    "vhp": (
        lambda: functional.vhp(lambda x, y: x @ x + y[0], (Y, Y), (Y, Y), strict=True),
        "the gradient by input 1 does not depend on any input",
    ),
    "vhp, input": (
        lambda: functional.vhp(lambda x, _: x @ x, (Y, Y), (Y, Y), strict=True),
        "the result of the function does not depend on input 1",
    ),
}


@pytest.mark.parametrize("case", STRICT)
def test_strict(case):
    call, text = STRICT[case]
    with pytest.raises(RuntimeError) as caught:
        call()
    assert str(caught.value) == f"{text}, which strict=True does not allow"


def test_strict_passes_what_depends():
    close(functional.vjp(pow_reducer, Y, strict=True)[1], 3 * Y**2)
    close(functional.jvp(adder, (Y, Y), (Y, Y), strict=True)[1], 5 * Y)
    close(functional.jacobian(adder, (Y, Y), strict=True)[1], 3 * np.eye(3))
    close(functional.hessian(pow_reducer, Y, strict=True), np.diag(6 * Y))
    close(hvp_and_vhp(pow_reducer, Y, Y, strict=True)[1], 6 * Y**2)


WRONG = {
    "v missing for the result": (
        lambda: functional.vjp(np.sin, Y),
        "v can be left out only where the result is a single array of one element",
    ),
    "v missing for the input": (
        lambda: functional.jvp(np.sin, Y),
        "v can be left out only where the input is a single array of one element",
    ),
    "v of another length": (
        lambda: functional.vjp(np.sin, Y, (Y, Y)),
        "v must hold 1 arrays, but holds 2",
    ),
    "v of another shape": (
        lambda: functional.jvp(np.sin, Y, Y[:1]),
        "v has shape (1,), but the input has shape (3,)",
    ),
    "an entry of another shape": (
        lambda: functional.vjp(lambda x: (x, x), Y, (Y, Y[:1])),
        "entry 1 of v has shape (1,), but entry 1 of the result has shape (3,)",
    ),
    "a list of arrays": (
        lambda: functional.vjp(np.sin, [Y]),
        "inputs is a list: jacrs.functional takes arrays and tuples of them",
    ),
    "a result in a dict": (
        lambda: functional.jacobian(lambda x: {"a": x}, Y),
        "a function given to jacrs.functional must return an array or a tuple of them",
    ),
    "the Hessian of a vector": (
        lambda: functional.hessian(np.sin, Y),
        "a function given to hessian must return a single array of one element",
    ),
    "the product with the Hessian of a vector": (
        lambda: functional.hvp(np.sin, Y, Y),
        "a function given to hvp must return a single array of one element",
    ),
    "the product with the Hessian of a tuple": (
        lambda: functional.vhp(lambda x: (np.sum(x),), Y, Y),
        "a function given to vhp must return a single array of one element",
    ),
    "v missing for the Hessian": (
        lambda: functional.vhp(np.sum, Y),
        "v can be left out only where the input is a single array of one element",
    ),
    "an unknown strategy": (
        lambda: functional.jacobian(np.sin, Y, strategy="forward"),
        "strategy must be 'reverse-mode' or 'forward-mode', not 'forward'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_errors(case):
    call, text = WRONG[case]
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert str(caught.value) == text
    assert isinstance(caught.value, jacrs.JacrsError)
