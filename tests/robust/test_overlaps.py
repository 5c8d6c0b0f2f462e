"""Writes whose sources overlap their targets: recorded buffers against NumPy's own."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import jacrs

# Of these the results are exact or rounded once, hence the same bits everywhere.
FUNCTIONS = ["add", "subtract", "multiply", "maximum", "minimum", "copysign", "fmax"]
ROWS, COLUMNS = 6, 8


@st.composite
def windows(draw, rows=None, columns=None):
    """A slice along each axis of the buffer, of a given length where one is given."""

    def along(n, length):
        length = draw(st.integers(1, n)) if length is None else length
        step = draw(st.sampled_from([s for s in (1, -1, 2, -2, 3) if (length - 1) * abs(s) < n]))
        reach = (length - 1) * abs(step)
        low = draw(st.integers(0, n - 1 - reach))
        start = low if step > 0 else low + reach
        stop = start + length * step
        return slice(start, stop if stop >= 0 else None, step), length

    first, rows = along(ROWS, rows)
    second, columns = along(COLUMNS, columns)
    return (first, second), rows, columns


@st.composite
def programs(draw):
    """A list of writes to windows of one buffer, from windows of it."""
    steps = []
    for _ in range(draw(st.integers(1, 6))):
        target, rows, columns = draw(windows())
        a, _, _ = draw(windows(rows, columns))
        b, _, _ = draw(windows(rows, columns))
        kind = draw(st.sampled_from(["out", "tuple", "augmented", "assign", "positional", "where"]))
        steps.append((kind, draw(st.sampled_from(FUNCTIONS)), target, a, b))
    return steps


def perform(np_, steps, x, buffer):
    buffer[:] = x
    for kind, name, target, a, b in steps:
        function, goal = getattr(np, name), buffer[target]
        if kind == "out":
            function(buffer[a], buffer[b], out=goal)
        elif kind == "tuple":
            function(buffer[a], buffer[b], out=(goal,))
        elif kind == "positional" and name not in ("maximum", "minimum"):  # deprecated there
            function(buffer[a], buffer[b], goal)
        elif kind == "where":
            function(buffer[a], buffer[b], out=goal, where=buffer[b] > 0.25)
        elif kind == "assign":
            buffer[target] = buffer[a]
        elif name == "subtract":
            goal -= buffer[a]
        elif name == "multiply":
            goal *= buffer[a]
        else:
            goal += buffer[a]
    return buffer


X = np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
SHIFT = slice(1, None), slice(None)
BACK = slice(None, -1), slice(None)
FLIPPED = slice(None, None, -1), slice(None)
WHOLE = slice(None), slice(None)


@given(programs())
@example([("out", "add", SHIFT, SHIFT, BACK)])
@example([("augmented", "add", FLIPPED, WHOLE, WHOLE)])
@example([("augmented", "multiply", SHIFT, BACK, BACK), ("assign", "add", BACK, SHIFT, SHIFT)])
def test_overlapping_writes(steps):
    def f(x):
        return perform(np, steps, x, np.zeros((ROWS, COLUMNS)))

    expected = perform(np, steps, X, np.zeros((ROWS, COLUMNS)))
    value, along = jacrs.jvp(f, (X,), (np.cos(X),))
    assert value.tobytes() == expected.tobytes()
    weights = np.sin(3 * X)
    _, pullback = jacrs.vjp(f, X)
    np.testing.assert_allclose(
        np.vdot(pullback(weights), np.cos(X)), np.vdot(weights, along), rtol=1e-9, atol=1e-9
    )


CASES = {
    "shifted sum": lambda y: np.add(y[1:], y[:-1], out=y[1:]),
    "shifted the other way": lambda y: np.add(y[1:], y[:-1], out=y[:-1]),
    "reversed": lambda y: y[::-1].__iadd__(y),
    "onto itself": lambda y: np.multiply(y, y, out=y),
    "running sum": lambda y: np.cumsum(y, out=y),
    "sum into an item": lambda y: np.sum(y, out=y[2:3], keepdims=True),
    "transposed product": lambda y: np.matmul(
        y[:9].reshape(3, 3), y[:9].reshape(3, 3).T, out=y[:9].reshape(3, 3)
    ),
    "clip": lambda y: np.clip(y[:-1], y[1:], 2.0, out=y[1:]),
    "copyto": lambda y: np.copyto(y[1:], y[:-1]),
    "copyto with a mask": lambda y: np.copyto(y[:-1], y[1:], where=y[1:] > 0.5),
    "put back by index": lambda y: y.__setitem__([0, 1, 2], y[[2, 0, 1]]),
    "by mask": lambda y: y.__setitem__(y > 1, y[y > 1][::-1]),
    "add.at": lambda y: np.add.at(y, [0, 0, 3], y[3:6]),
    "accumulate": lambda y: np.add.accumulate(y, out=y),
}


@pytest.mark.parametrize("case", CASES)
def test_like_numpy(case):
    x = np.linspace(0.2, 1.9, 12)

    def f(x):
        y = np.zeros(12)
        y[:] = x
        CASES[case](y)
        return y

    expected = x.copy()
    CASES[case](expected)
    value, jacobian = jacrs.value_and_jacobian(f)(x)
    np.testing.assert_allclose(value, expected, rtol=1e-15)
    step = 1e-6
    differences = [
        (numpy_only(case, x + step * e) - numpy_only(case, x - step * e)) / (2 * step)
        for e in np.eye(12)
    ]
    np.testing.assert_allclose(jacobian, np.transpose(differences), rtol=1e-7, atol=1e-7)


def numpy_only(case, x):
    y = x.copy()
    CASES[case](y)
    return y
