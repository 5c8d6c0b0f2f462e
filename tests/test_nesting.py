"""Transforms inside transforms, to third order.

Each way of differentiating is written as an operator: it takes a scalar function of a vector and
directions, and gives the derivative along them, again as a scalar function of a vector. So all of
them compose, and every composition must give the same mixed derivative, which mpmath computes from
the function alone.
"""

import itertools
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest

import jacrs
from jacrs import functional

X = np.array([0.7, -0.4, 1.3])
V = np.array([[0.3, 1.1, -0.6], [-0.9, 0.2, 0.5], [0.4, -0.7, 1.2]])


def smooth(x):
    """A function with sharing, a buffer that is written to, a branch and a loop."""
    y = jacrs.numpy.zeros(3)  # of jacrs, since a tape does not follow the code in its `with`
    for i in range(3):
        y[i] = x[i] * x[(i + 1) % 3]
    y[1] += np.sin(y[0])
    y[2] += np.sin(y[1])
    return np.exp(0.3 * y @ x) * np.tanh(x[1] + y[2]) + np.sum(y**3)


def smooth_mp(x):
    """The same in numbers of any precision."""
    y = [x[i] * x[(i + 1) % 3] for i in range(3)]
    y[1] += mpmath.sin(y[0])
    y[2] += mpmath.sin(y[1])
    dot = sum(a * b for a, b in zip(y, x, strict=True))
    return mpmath.exp(mpmath.mpf(0.3) * dot) * mpmath.tanh(x[1] + y[2]) + sum(a**3 for a in y)


def mixed_derivative(order):
    """The derivative of `smooth` at X along the first directions, one after the other."""

    def along(*steps):
        point = [mpmath.mpf(c) for c in X]
        for step, direction in zip(steps, V, strict=False):
            point = [p + step * mpmath.mpf(d) for p, d in zip(point, direction, strict=True)]
        return smooth_mp(point)

    with mpmath.workdps(60):
        return float(mpmath.diff(along, (0,) * order, (1,) * order)) if order else float(along())


EXPECTED = [mixed_derivative(order) for order in range(4)]


# --- the operators: how much each raises the order, and what it makes of a function


def by_tape(f, v):
    def derivative(x):
        with jacrs.Tape() as tape:
            x = tape.watch(x)
            y = f(x)
        return np.sum(tape.gradient(y, x) * v)

    return derivative


def by_tape_inside(f, v):
    def derivative(x):
        with jacrs.Tape() as tape:
            x = tape.watch(x)
            slope = tape.gradient(f(x), x) @ v
        return slope if tape._session.joined else tape.value(slope)

    return derivative


def by_tape_jacobian(f, v):
    def derivative(x):
        with jacrs.Tape() as tape:
            x = tape.watch(x)
            y = f(x)
        return tape.jacobian(y, x, mode="forward") @ v

    return derivative


def by_one_tape_twice(f, v, w):
    def derivative(x):
        with jacrs.Tape() as tape:
            x = tape.watch(x)
            slope = tape.gradient(f(x), x) @ v
        return tape.gradient(slope, x) @ w

    return derivative


def by_third_order_tape(f, u, v, w):
    def derivative(x):
        with jacrs.Tape() as tape:
            x = tape.watch(x)
            slope = tape.gradient(f(x), x) @ u
            slope = tape.gradient(slope, x) @ v
        return tape.gradient(slope, x) @ w

    return derivative


class Pair(NamedTuple):
    head: Any
    tail: Any


def by_pytree(f, v):
    def split(x):
        return Pair(x[0], {"rest": x[1:]})

    def whole(pair):
        return f(np.concatenate([pair.head[None], pair.tail["rest"]]))

    def derivative(x):
        slopes = jacrs.grad(whole)(split(x))
        return slopes.head * v[0] + slopes.tail["rest"] @ v[1:]

    return derivative


def by_argnums(f, v):
    def apart(a, b, c):
        return f(np.stack([a, b, c]))

    def derivative(x):
        slopes = jacrs.jacobian(apart, argnums=(0, 1, 2))(x[0], x[1], x[2])
        return sum(slope * along for slope, along in zip(slopes, v, strict=True))

    return derivative


def by_vmap_of_jvp(f, v):
    def derivative(x):
        lanes = jacrs.vmap(lambda t: jacrs.jvp(f, (x,), (t,))[1])(np.stack([v, -v]))
        return 0.5 * (lanes[0] - lanes[1])

    return derivative


def by_vmap_of_grad(f, v):
    return lambda x: jacrs.vmap(jacrs.grad(f))(np.stack([x, 2.0 * x]))[0] @ v


def by_jvp_of_vmap(f, v):
    def derivative(x):
        points, along = np.stack([x, x]), np.stack([v, 0.0 * v])
        return np.sum(jacrs.jvp(jacrs.vmap(f), (points,), (along,))[1])

    return derivative


def by_grad_of_vmap(f, v):
    def derivative(x):
        return jacrs.grad(lambda x: jacrs.vmap(f)(np.stack([x, 0.5 * X]))[0])(x) @ v

    return derivative


def by_batched_pullback(f, v):
    return lambda x: jacrs.vjp(f, x)[1].batched(np.array([2.0, -1.0])).sum(0) @ v


DIFFERENTIATING = {
    "grad": (1, lambda f, v: lambda x: jacrs.grad(f)(x) @ v),
    "value_and_grad": (1, lambda f, v: lambda x: jacrs.value_and_grad(f)(x)[1] @ v),
    "jvp": (1, lambda f, v: lambda x: jacrs.jvp(f, (x,), (v,))[1]),
    "vjp": (1, lambda f, v: lambda x: jacrs.vjp(f, x)[1](1.0) @ v),
    "batched pullback": (1, by_batched_pullback),
    "jacfwd": (1, lambda f, v: lambda x: jacrs.jacfwd(f)(x) @ v),
    "jacrev": (1, lambda f, v: lambda x: jacrs.jacrev(f)(x) @ v),
    "value_and_jacobian": (1, lambda f, v: lambda x: jacrs.value_and_jacobian(f)(x)[1] @ v),
    "linearize, called": (1, lambda f, v: lambda x: jacrs.linearize(f, x)[1](v)),
    "linearize, times": (1, lambda f, v: lambda x: (jacrs.linearize(f, x)[1] @ v)[0]),
    "linearize, a row": (1, lambda f, v: lambda x: jacrs.linearize(f, x)[1][0] @ v),
    "linearize, transposed": (1, lambda f, v: lambda x: (jacrs.linearize(f, x)[1].T @ [1.0]) @ v),
    "Tape": (1, by_tape),
    "Tape, inside": (1, by_tape_inside),
    "Tape.jacobian": (1, by_tape_jacobian),
    "a pytree": (1, by_pytree),
    "argnums": (1, by_argnums),
    "functional.jvp": (1, lambda f, v: lambda x: functional.jvp(f, x, v)[1]),
    "functional.vjp": (1, lambda f, v: lambda x: functional.vjp(f, x, 1.0)[1] @ v),
    "functional.jacobian": (1, lambda f, v: lambda x: functional.jacobian(f, x) @ v),
    "vmap of jvp": (1, by_vmap_of_jvp),
    "vmap of grad": (1, by_vmap_of_grad),
    "jvp of vmap": (1, by_jvp_of_vmap),
    "grad of vmap": (1, by_grad_of_vmap),
    "hessian": (2, lambda f, v, w: lambda x: v @ jacrs.hessian(f)(x) @ w),
    "hvp": (2, lambda f, v, w: lambda x: jacrs.hvp(f, (x,), (v,))[0] @ w),
    "vhp": (2, lambda f, v, w: lambda x: jacrs.vhp(f, (x,), (v,))[0] @ w),
    "value_grad_and_hessian": (
        2,
        lambda f, v, w: lambda x: v @ jacrs.value_grad_and_hessian(f)(x)[2] @ w,
    ),
    "functional.hessian": (2, lambda f, v, w: lambda x: v @ functional.hessian(f, x) @ w),
    "functional.hvp": (2, lambda f, v, w: lambda x: functional.hvp(f, x, v)[1] @ w),
    "functional.vhp": (2, lambda f, v, w: lambda x: functional.vhp(f, x, v)[1] @ w),
    "a Tape twice": (2, by_one_tape_twice),
    "a Tape thrice": (3, by_third_order_tape),
}

KEEPING = {
    "vmap": lambda f: lambda x: jacrs.vmap(f)(np.stack([0.5 * x, x]))[1],
    "vmap, last axis": lambda f: lambda x: jacrs.vmap(f, in_axes=1)(np.stack([x, X], 1))[0],
    "vmap, closed over": lambda f: (
        lambda x: jacrs.vmap(lambda s: f(s * x))(np.array([1.0, 0.5]))[0]
    ),
    "the value of value_and_grad": lambda f: lambda x: jacrs.value_and_grad(f)(x)[0],
    "the value of linearize": lambda f: lambda x: jacrs.linearize(f, x)[0],
}


def combinations():
    """All operators in all others, up to third order."""
    for count in (1, 2, 3):
        for names in itertools.product(DIFFERENTIATING, repeat=count):
            if sum(DIFFERENTIATING[name][0] for name in names) <= 3:
                yield names


def composed(names):
    """The derivative that the operators give, and its order."""
    f, used = smooth, 0
    for name in names:
        order, operator = DIFFERENTIATING[name]
        f = operator(f, *V[used : used + order])
        used += order
    return f, used


@pytest.mark.parametrize("outermost", DIFFERENTIATING)
def test_every_transform_in_every_other_to_third_order(outermost):
    found = [names for names in combinations() if names[-1] == outermost]
    assert found
    for names in found:
        f, order = composed(names)
        np.testing.assert_allclose(f(X), EXPECTED[order], rtol=1e-11, err_msg=str(names))


@pytest.mark.parametrize("keeping", KEEPING)
def test_what_keeps_the_order_may_stand_anywhere(keeping):
    wrap = KEEPING[keeping]
    np.testing.assert_allclose(wrap(smooth)(X), EXPECTED[0], rtol=1e-13)
    for first, second in itertools.product(DIFFERENTIATING, repeat=2):
        order, operator = DIFFERENTIATING[first]
        more, outer = DIFFERENTIATING[second]
        if order + more > 3:
            continue
        directions, others = V[:order], V[order : order + more]
        for f in (
            outer(operator(wrap(smooth), *directions), *others),
            outer(wrap(operator(smooth, *directions)), *others),
            wrap(outer(operator(smooth, *directions), *others)),
        ):
            got = f(X)
            np.testing.assert_allclose(
                got, EXPECTED[order + more], rtol=1e-11, err_msg=f"{first}, {second}"
            )


# --- perturbation confusion: the published cases

DERIVATIVES = {
    "grad": jacrs.grad,
    "jvp": lambda f: lambda x: jacrs.jvp(f, (x,), (1.0,))[1],
    "vjp": lambda f: lambda x: jacrs.vjp(f, x)[1](1.0),
    "jacfwd": jacrs.jacfwd,
    "jacrev": jacrs.jacrev,
    "Tape": lambda f: by_tape(f, 1.0),
    "linearize": lambda f: lambda x: jacrs.linearize(f, x)[1](1.0),
    "vmap": lambda f: lambda x: jacrs.vmap(jacrs.grad(f))(np.stack([x, x]))[0],
}


PAIRS = pytest.mark.parametrize(
    ("outer", "inner"), list(itertools.product(DERIVATIVES, repeat=2)), ids="-".join
)


@PAIRS
def test_siskind_and_pearlmutter_2005(outer, inner):
    """d/dx (x d/dy (x + y)) is 1, and 2 where the perturbations are confused."""
    d, e = DERIVATIVES[outer], DERIVATIVES[inner]
    assert d(lambda x: x * e(lambda y: x + y)(1.0))(1.0) == 1.0


@PAIRS
def test_siskind_and_pearlmutter_2008(outer, inner):
    """d/dx (x d/dy (x y)), with y the variable of both, is 2 x."""
    d, e = DERIVATIVES[outer], DERIVATIVES[inner]
    assert d(lambda x: x * e(lambda y: x * y)(2.0))(3.0) == 6.0
    assert d(lambda x: x * e(lambda y: x * y)(x))(3.0) == 6.0
    assert d(lambda x: e(lambda y: x * y * y)(x))(3.0) == 12.0


@PAIRS
def test_a_function_that_returns_a_function(outer, inner):
    """Manzyuk, Pearlmutter, Radul, Rush and Siskind (2019): the "amazing bug".

    s(u)(f)(x) = f(x + u); the derivative of s at 0 takes derivatives. Applied twice it must give
    the second derivative, and gives zero where the perturbation is fixed too early.
    """
    d, e = DERIVATIVES[outer], DERIVATIVES[inner]

    def taking(derivative):
        return lambda f: lambda x: derivative(lambda u: f(x + u))(0.0)

    second = taking(d)(taking(e)(np.exp))
    np.testing.assert_allclose(second(1.0), np.e, rtol=1e-14)
    third = taking(d)(taking(e)(taking(d)(lambda x: x**4)))
    np.testing.assert_allclose(third(2.0), 48.0, rtol=1e-14)


@PAIRS
def test_a_closed_over_value_is_a_constant_of_the_inner_level_only(outer, inner):
    d, e = DERIVATIVES[outer], DERIVATIVES[inner]
    assert d(lambda x: e(lambda y: x)(5.0) + x)(2.0) == 1.0
    assert d(lambda x: e(lambda y: x**2 * y)(5.0))(3.0) == 6.0
    assert d(lambda x: e(lambda y: jacrs.stop_gradient(x) * y + x * y)(5.0) * x)(3.0) == 9.0


@PAIRS
def test_equal_values_stay_different_variables(outer, inner):
    d, e = DERIVATIVES[outer], DERIVATIVES[inner]
    assert d(lambda x: e(lambda y: np.sin(x) * y + np.sin(y) * x)(x))(0.5) == pytest.approx(
        2 * np.cos(0.5) - 0.5 * np.sin(0.5), rel=1e-14
    )


@PAIRS
def test_stop_gradient_reaches_all_levels(outer, inner):
    d, e = DERIVATIVES[outer], DERIVATIVES[inner]
    assert d(e(lambda x: jacrs.stop_gradient(x) ** 2 * x))(3.0) == 0.0
    assert d(lambda x: e(lambda y: jacrs.stop_gradient(x * y) * y)(2.0))(3.0) == 0.0
    assert d(lambda x: jacrs.stop_gradient(e(lambda y: x * y**2)(x)) * x)(3.0) == 18.0


@PAIRS
def test_an_inner_derivative_used_as_data(outer, inner):
    """Newton's method inside: the derivative of the root of y**3 - x is 1 / (3 y**2)."""
    d, e = DERIVATIVES[outer], DERIVATIVES[inner]

    def root(x):
        y = 1.5
        for _ in range(8):
            y = y - (y**3 - x) / e(lambda z: z**3 - x)(y)
        return y

    np.testing.assert_allclose(d(root)(8.0), 1.0 / 12.0, rtol=1e-13)


# --- kinks and poles: the same however deep the derivative is nested

SINGULAR = {
    "abs": (np.abs, 0.0),
    "sqrt": (np.sqrt, 0.0),
    "cbrt": (np.cbrt, 0.0),
    "log": (np.log, 0.0),
    "reciprocal": (lambda x: 1.0 / x, 0.0),
    "arcsin": (np.arcsin, 1.0),
    "arccosh": (np.arccosh, 1.0),
    "arctanh": (np.arctanh, 1.0),
    "power 1.5": (lambda x: x**1.5, 0.0),
    "power 0.5": (lambda x: x**0.5, 0.0),
    "power 0": (lambda x: x**0, 0.0),
    "power 1": (lambda x: x**1, 0.0),
    "power 2": (lambda x: x**2, 0.0),
    "power 2.0 of a variable": (lambda x: x ** (2.0 + 0.0 * x), 0.0),
    "x log x": (lambda x: x * np.log(x), 0.0),
    "guarded x log x": (lambda x: np.where(x > 0.0, x * np.log(x), 0.0), 0.0),
    "guarded sinc": (lambda x: np.where(x != 0.0, np.sin(x) / x, 1.0), 0.0),
    "guarded sqrt": (lambda x: np.where(x > 0.0, np.sqrt(x), 0.0), 0.0),
    "sqrt of a square": (lambda x: np.sqrt(x**2), 0.0),
    "zero times sqrt": (lambda x: 0.0 * np.sqrt(x), 0.0),
    "norm": (lambda x: np.linalg.norm(np.stack([x, x])), 0.0),
    "hypot": (lambda x: np.hypot(x, 2.0 * x), 0.0),
    "arctan2": (lambda x: np.arctan2(x, 2.0 * x), 0.0),
    "maximum": (lambda x: np.maximum(x, 2.0 * x), 0.0),
    "minimum with a constant": (lambda x: np.minimum(x, 0.0) ** 2, 0.0),
    "clip": (lambda x: np.clip(x, 0.0, 1.0) ** 3, 1.0),
    "max of a tie": (lambda x: np.max(np.stack([x, x, 2.0 * x])), 0.0),
    "prod with zeros": (lambda x: np.prod(np.stack([x, x, 3.0 + x])), 0.0),
    "cumprod with zeros": (lambda x: np.cumprod(np.stack([x, 2.0 + x, x]))[2], 0.0),
    "sign": (lambda x: np.sign(x) * x, 0.0),
    "floor": (lambda x: np.floor(x) * x, 2.0),
    "remainder": (lambda x: (x % 2.0) * x, 4.0),
    "std": (lambda x: np.std(np.stack([x, x])), 1.0),
    "sinc": (np.sinc, 0.0),
    "infinite": (np.exp, np.inf),
    "nan": (np.sin, np.nan),
    "overflow": (lambda x: np.exp(x) / np.exp(x), 800.0),
    "where over nan": (lambda x: np.where(x < 1.0, x**2, np.sqrt(-x)), 0.5),
}

BY_MODE = {
    "forward": lambda f: lambda x: jacrs.jvp(f, (x,), (1.0,))[1],
    "reverse": lambda f: lambda x: jacrs.vjp(f, x)[1](1.0),
    "lanes forward": jacrs.jacfwd,
    "lanes reverse": jacrs.jacrev,
    "vmap": lambda f: lambda x: jacrs.vmap(jacrs.grad(f))(np.stack([x, x]))[0],
    "linearize": lambda f: lambda x: jacrs.linearize(f, x)[1](1.0),
    "Tape": lambda f: by_tape(f, 1.0),
}


@pytest.mark.parametrize("case", SINGULAR)
def test_first_derivatives_agree_at_singular_points(case):
    f, x = SINGULAR[case]
    expected = jacrs.jacfwd(f)(x)
    for name, derivative in BY_MODE.items():
        np.testing.assert_array_equal(derivative(f)(x), expected, err_msg=name)
        inside = jacrs.value_and_grad(lambda x, d=derivative: d(f)(x))(x)[0]
        np.testing.assert_array_equal(inside, expected, err_msg=f"{name}, nested")


@pytest.mark.parametrize("case", SINGULAR)
def test_second_derivatives_agree_at_singular_points(case):
    f, x = SINGULAR[case]
    expected = jacrs.hessian(f)(x)
    for (outer, d), (inner, e) in itertools.product(BY_MODE.items(), repeat=2):
        np.testing.assert_array_equal(d(e(f))(x), expected, err_msg=f"{outer} of {inner}")
    np.testing.assert_array_equal(jacrs.hvp(f, (x,), (1.0,))[0], expected)
    np.testing.assert_array_equal(jacrs.vhp(f, (x,), (1.0,))[0], expected)


def test_infinite_parts_that_cancel_are_the_one_exception():
    """What docs/conventions.md says of sums: forward adds infinities, reverse adds weights."""
    x = 0.0
    assert np.isnan(jacrs.jacfwd(lambda x: np.sqrt(x) - np.sqrt(x))(x))
    assert jacrs.jacrev(lambda x: np.sqrt(x) - np.sqrt(x))(x) == 0.0
