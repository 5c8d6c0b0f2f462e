"""Functions that compute with single numbers: entries one by one, and machine code for them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import jacrs
from benches.problems import det, kinetics, runge_kutta

ROOT = Path(__file__).parents[1]
TIMES = 8  # a program is compiled when it has run a few times


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_network_of_reactions(mode):
    (y,) = kinetics.inputs()
    assert "entry by entry" in jacrs.explain(kinetics.function, mode=mode)(y)
    derivative = jacrs.jacobian(kinetics.function, mode=mode)
    first = derivative(y)
    np.testing.assert_allclose(first, kinetics.reference(y), rtol=1e-14)
    for _ in range(TIMES):
        np.testing.assert_array_equal(derivative(y), first)
    other = y[::-1].copy()
    np.testing.assert_allclose(derivative(other), kinetics.reference(other), rtol=1e-14)


def test_arguments_and_results_of_every_kind():
    def f(x, scale, unused):
        y = np.zeros((2, 3))
        y[0, 0] = x[0, 1] * scale
        y[1, 2] = np.where(x[1, 0] > 0, np.sqrt(x[1, 0]), 0.0)
        return {"y": y, "z": x[0, 1] ** 2, "n": 3.0}

    x, scale = np.array([[1.0, 2.0], [0.0, 4.0]]), 3.0
    for mode in ["forward", "reverse"]:
        for _ in range(TIMES):
            blocks = jacrs.jacobian(f, argnums=(0, 1, 2), mode=mode)(x, scale, 1.0)
            by_x, by_scale, by_unused = blocks["y"]
            want = np.zeros((2, 3, 2, 2))
            want[0, 0, 0, 1] = scale
            np.testing.assert_array_equal(by_x, want)
            np.testing.assert_array_equal(by_scale, [[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
            np.testing.assert_array_equal(by_unused, np.zeros((2, 3)))
            np.testing.assert_array_equal(blocks["z"][0], [[0.0, 4.0], [0.0, 0.0]])
            np.testing.assert_array_equal(blocks["n"][0], np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("problem", "inputs"),
    [(runge_kutta, runge_kutta.inputs(40)), (det, det.inputs(5))],
)
def test_gradients_of_loops_and_recursions(problem, inputs):
    x, *rest = inputs
    want = problem.reference(x, *rest)
    derivatives = [jacrs.grad(problem.function), jacrs.jacobian(problem.function)]
    for derivative in derivatives:
        first = derivative(x, *rest)
        np.testing.assert_allclose(first, want, rtol=1e-9, atol=1e-12)
        for _ in range(TIMES):
            np.testing.assert_array_equal(derivative(x, *rest), first)


def test_small_arrays_are_numbers():
    weights, matrix = np.array([2.0, -1.0]), np.array([[1.0, 2.0], [3.0, 4.0]])

    def f(x):
        y = np.stack([np.sin(x[::-1]) * weights, x * x[0]])
        y[1, 0] = y[0, 1] / 2
        return np.where(y > 0, y, 0.1 * y).T + matrix

    def by_hand(a, b):
        z = np.array([[2 * np.sin(b), -np.sin(a)], [-np.sin(a) / 2, b * a]])
        d = np.zeros((2, 2, 2))
        d[0, 0, 1], d[0, 1, 0], d[1, 0, 0] = 2 * np.cos(b), -np.cos(a), -np.cos(a) / 2
        d[1, 1] = b, a
        return np.where(z > 0, 1.0, 0.1)[:, :, None].transpose(1, 0, 2) * d.transpose(1, 0, 2)

    x = np.array([0.4, -1.3])
    assert "entry by entry" in jacrs.explain(f)(x)
    for mode in ["forward", "reverse"]:
        for _ in range(TIMES):
            got = jacrs.jacobian(f, mode=mode)(x)
            np.testing.assert_allclose(got, by_hand(*x), rtol=1e-14, atol=1e-16)


SCRIPT = """
import numpy as np, jacrs
from benches.problems import kinetics
(y,) = kinetics.inputs()
for _ in range(8):
    J = jacrs.jacobian(kinetics.function)(y)
print(J.tobytes().hex())
"""


def test_machine_code_can_be_switched_off():
    def run(native):
        environment = {**os.environ, "JACRS_NATIVE": native}
        command = [sys.executable, "-c", SCRIPT]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=True)
        return done.stdout

    assert run("0") == run("1")
