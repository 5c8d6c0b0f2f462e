"""`testing.check_grads` finds what is wrong, and passes what is right."""

import inspect
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings

import jacrs
from jacrs import stop_gradient as stop
from jacrs.testing import check_grads
from tests.program_strategies import Program, programs
from tests.samples import SAMPLES
from tests.test_programs import AMBIGUOUS, ELSEWHERE, QUIET, cotangents_like

X = np.array([0.7, 1.3, -0.4])
MATRIX = np.array([[0.3, -1.2, 0.8], [1.1, 0.4, -0.6]])
RNG = np.random.default_rng(3)


@dataclass
class Layer:
    weights: Any
    offset: Any


def network(layers, x):
    for layer in layers:
        x = np.tanh(layer.weights @ x + layer.offset)
    return {"out": x, "largest": np.argmax(x)}


def filled(x):
    y = np.zeros(4)
    y[0] = x[0] * x[2]
    y[1:] += np.exp(x)
    y[2] *= y[0]
    return y


LAYERS = [Layer(MATRIX.T, X), Layer(MATRIX, 0.5)]
RIGHT = {
    "elementwise": (lambda x: np.sin(x) * np.exp(-(x**2)), (X,)),
    "filled": (filled, (X,)),
    "several": (lambda a, x, t: (a @ x * t, np.sum(x) / t), (MATRIX, X, 0.7)),
    "containers": (network, (LAYERS, MATRIX[:, 0])),
    "float32": (lambda x: np.exp(x) * np.cumsum(x), (X.astype(np.float32),)),
    "mixed": (lambda x, y: np.sum(x * y**2), (X.astype(np.float32), X)),
    "rounded inside": (lambda x: (x.astype(np.float32) ** 2).astype(np.float64), (X,)),
    "large": (lambda a: np.log(1 + np.sum((a @ a.T) ** 2)), (RNG.normal(size=(8, 9)),)),
    "near the edge of the domain": (lambda x: np.sqrt(x) * np.log(x), (1e-8,)),
    "large numbers": (np.log, (np.array([1e5, 3e8, 1e-3]),)),
    "steep": (lambda x: np.exp(40 * x), (X,)),
    "waves": (lambda x: np.sin(30 * x), (X,)),
    "near a kink": (lambda x: np.abs(x) ** 3 + np.maximum(x, 1e-3), (np.array([2e-3, -1.0]),)),
    "cancelling": (lambda x: (1e6 + x) ** 2 - 1e12, (X,)),
    "products": (lambda x: np.prod(x) ** 2 + np.cumprod(x)[1], (np.array([2.0, 0, 1]),)),
    "linear": (lambda x: MATRIX @ x, (X,)),
    "constant": (lambda x: 3.0, (X,)),
    "integers": (np.argsort, (X,)),
    "empty": (np.sin, (np.zeros((0, 2)),)),
    "no dimensions": (lambda x: x**3, (np.array(0.3),)),
    "zero": (lambda x: x**3 - x, (0.0,)),
    "far values": (lambda x: np.stack([1e8 * x, 1e-8 * x**2]), (X,)),
    "held constant on purpose": (lambda x: stop(np.round(x * 0.3)) * x, (X,)),
    "derivatives inside": (lambda x: jacrs.grad(lambda z: np.sum(z**4) * x[0])(x), (X,)),
    "norm": (np.linalg.norm, (X,)),
    "not all finite": (lambda x: np.log(x) * np.array([1.0, np.inf, 2.0]) + x, (X * X,)),
    "partly outside": (np.sqrt, (X,)),
    "by something infinite": (lambda x: np.nansum(np.arctan(x)), (np.array([1.0, np.inf, 2.0]),)),
    "divided": (lambda x: 1 / (1 + x**2), (X * 10,)),
}  # fmt: skip


@pytest.mark.parametrize("case", RIGHT)
def test_right_derivatives_pass(case):
    f, args = RIGHT[case]
    check_grads(f, args, order=3 if case in ("elementwise", "zero", "several") else 2)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.smooth and not s.kink][::25],
                         ids=lambda sample: sample.title)  # fmt: skip
def test_functions_of_numpy_pass(sample):
    def f(*xs):
        inputs = dict(enumerate(sample.inputs)) | dict(zip(sample.differentiable, xs, strict=True))
        return sample.call(np, *inputs.values())

    check_grads(f, [sample.inputs[i] for i in sample.differentiable])


def second_wrong(x):
    return x**2 + stop(x) * (x - stop(x)) ** 2


def third_wrong(x):
    return x**2 + stop(x) * (x - stop(x)) ** 3


WRONG = {
    "a factor": (
        lambda x: x * stop(x),
        (2.0,),
        1,
        "order 1, forward: the derivative of the result by argument 0 is 2.0, but differences give "
        "4.0",
    ),
    "one element of many": (
        lambda x: x + stop(x[2]) * np.eye(3)[1],
        (X,),
        1,
        "order 1, forward: the derivative of result[1] by argument 0[2] is 0.0, but differences "
        "give 1.0",
    ),
    "a small part": (
        lambda x: np.sum(x) + 1e-6 * stop(x[1]),
        (X,),
        1,
        "order 1, forward: the derivative of the result by argument 0[1] is 1.0, but differences "
        "give 1.00000",
    ),
    "in a container": (
        lambda p: {"y": p.weights[0] * stop(p.offset)},
        (Layer([X], 3.0),),
        1,
        "order 1, forward: the derivative of result['y'][0] by argument 0.offset is 0.0, but "
        "differences give 0.7",
    ),
    "one of many inputs": (
        lambda x: np.sum(x**2) + stop(x[17]) * x[3],
        (RNG.normal(size=50),),
        1,
        "order 1, forward: the derivative of the result by argument 0[17]",
    ),
    "the second": (
        second_wrong,
        (X,),
        2,
        "order 2, forward over forward: the derivative of tangent[0] by argument 0[0]",
    ),
    "the third": (
        third_wrong,
        (0.3,),
        3,
        "order 3, forward over forward over forward: the derivative of the tangent by argument 0",
    ),
    "float32": (
        lambda x: x * stop(x) + x,
        (X.astype(np.float32),),
        1,
        "order 1, forward: the derivative of result[0] by argument 0[0]",
    ),
    "a sign": (
        lambda x: np.sin(x) + 2 * (stop(np.cos(x)) - np.cos(x)),
        (X,),
        1,
        "order 1, forward: the derivative of result[0] by argument 0[0]",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_derivatives_are_found(case):
    f, args, order, text = WRONG[case]
    if order > 1:
        check_grads(f, args, order=order - 1)
    with pytest.raises(AssertionError, match="^" + re.escape(text)) as caught:
        check_grads(f, args, order=order)
    assert "held constant, as by stop_gradient" in str(caught.value)


@pytest.mark.parametrize("case", [c for c in WRONG if c != "the third"])
def test_reverse_mode_alone(case):
    f, args, order, _ = WRONG[case]
    with pytest.raises(AssertionError, match=r"^order \d, reverse"):
        check_grads(f, args, order=order, modes=("reverse",))


CAUSES = {
    "kink": (lambda x: np.where(x > 0, 2 * x, x), "has a kink or a jump here, the one-sided "
             "differences are 1 and 2"),
    "jump": (lambda x: np.where(x > 0, 1.0 + x, x), "has a kink or a jump here"),
    "constant": (lambda x: stop(x) * 2, "a part is held constant, as by stop_gradient, int()"),
}  # fmt: skip


@pytest.mark.parametrize("case", CAUSES)
def test_causes(case):
    f, text = CAUSES[case]
    with pytest.raises(AssertionError, match=re.escape(text)):
        check_grads(f, (0.0,))


def test_functions_that_are_none():
    with pytest.raises(AssertionError, match="two calls at the same point give different values"):
        check_grads(lambda x: x + RNG.normal(), (1.0,))

    def unlike(x):
        return x * (2.0 if type(x).__name__ == "Tracer" else 3.0)

    with pytest.raises(AssertionError, match=r"the result is 3.0 when .* and 2.0 when it is rec"):
        check_grads(unlike, (1.0,))

    def other_containers(x):
        return (x, x) if type(x).__name__ == "Tracer" else x

    with pytest.raises(AssertionError, match="returns other arrays when it is recorded"):
        check_grads(other_containers, (1.0,))


def test_errors_of_the_call():
    for call, error in (
        (lambda: check_grads(3.0, (1.0,)), jacrs.DTypeError),
        (lambda: check_grads(np.sin, 1.0), jacrs.DTypeError),
        (lambda: check_grads(np.sin, (1.0,), order=0), jacrs.ArgumentError),
        (lambda: check_grads(np.sin, (1.0,), modes=("fwd",)), jacrs.ArgumentError),
        (lambda: check_grads(np.sin, (1.0,), modes=()), jacrs.ArgumentError),
        (lambda: check_grads(np.sin, (np.arange(3),)), jacrs.DTypeError),
        (lambda: check_grads(lambda x: x[9], (X,)), IndexError),
    ):
        with pytest.raises(error):
            call()
    names = list(inspect.signature(check_grads).parameters)
    assert names == ["f", "args", "order", "modes", "rtol", "atol", "seed"]


def test_tolerances():
    def f(x):
        return x + 1e-5 * stop(x)

    with pytest.raises(AssertionError):
        check_grads(f, (1.0,))
    check_grads(f, (1.0,), rtol=1e-4)
    check_grads(f, (1.0,), atol=1e-4)


def weighted(program, wrong):
    """Return the weighted sum of what a program returns; `wrong` stops a part of one input."""
    f = program.function()

    def total(x):
        parts = [(y, w) for y, w in zip(f(x), weights, strict=True) if y.dtype.kind == "f"]
        result = sum([(w * np.tanh(y)).sum() for y, w in parts], 0.0 * x.sum())
        return result + (0.01 * stop(x.ravel()[-1]) ** 2 if wrong else 0.0)

    weights = cotangents_like(f(program.x.copy()))
    return total


@given(programs(statements=6))
@settings(max_examples=30, suppress_health_check=QUIET)
def test_random_programs(program: Program):
    """Right ones pass but at kinks and jumps within the steps; the same made wrong never do."""
    assume(program.x.size)
    try:
        check_grads(weighted(program, wrong=False), (program.x,))
    except AssertionError as error:
        assume("held constant" in str(error))
        raise
    except jacrs.TraceError as error:
        assume(not str(error).startswith(AMBIGUOUS))
        raise
    except ELSEWHERE:
        assume(False)
    with pytest.raises(AssertionError, match=r"held constant|do not settle"):
        check_grads(weighted(program, wrong=True), (program.x,), order=1)
