"""`Tape`: gradients inside and after the `with`, any number of times."""

import threading

import numpy as np
import pytest

import jacrs
from tests.differences import richardson_jacobian

X = np.array([1.0, 2.0, 3.0])


def close(given, expected):
    assert type(given) in (np.ndarray, np.float64, np.float32)
    assert np.shape(given) == np.shape(expected)
    np.testing.assert_allclose(given, expected, rtol=1e-12, atol=1e-12)


def test_squares():
    with jacrs.Tape() as tape:
        x = tape.watch(X)
        y = x**2
        one = y[1]
        first = tape.gradient(one, x)
        entry = first[1]
        second = tape.gradient(entry, x)
        assert not isinstance(second, np.ndarray)  # recorded: it can be differentiated again
        third = tape.gradient(second[1], x)
    close(tape.gradient(one, x), [0.0, 4.0, 0.0])
    close(tape.gradient(entry, x), [0.0, 2.0, 0.0])
    close(tape.value(first), [0.0, 4.0, 0.0])
    close(tape.value(second), [0.0, 2.0, 0.0])
    close(tape.value(third), np.zeros(3))
    close(tape.value(y), [1.0, 4.0, 9.0])
    close(tape.gradient(one, x), [0.0, 4.0, 0.0])  # any number of times
    close(tape.jacobian(y, x), np.diag(2 * X))


def test_numbers():
    with jacrs.Tape() as tape:
        x = tape.watch(3.0)
        y = x * x
        assert float(tape.value(y)) == 9.0
        assert isinstance(tape.value(y), np.float64)
        first = tape.gradient(y, x)
    close(tape.gradient(y, x), 6.0)
    close(tape.gradient(first, x), 2.0)
    assert tape.gradient(y, {"x": [x]}) == {"x": [6.0]}


def test_output_gradients():
    with jacrs.Tape() as tape:
        x = tape.watch(X)
        y, z = np.sin(x), np.sum(x)
        inside = tape.gradient(y, x, output_gradients=[0.5, 1.0, 0.2])
    weights = np.array([0.5, 1.0, 0.2])
    close(tape.value(inside), weights * np.cos(X))
    close(tape.gradient(y, x, weights), weights * np.cos(X))
    close(tape.gradient((y, z), x, (weights, 3.0)), weights * np.cos(X) + 3.0)
    close(tape.gradient({"y": y, "z": z}, x, {"z": 3.0, "y": weights}), weights * np.cos(X) + 3)


def test_several_outputs_are_summed():
    with jacrs.Tape() as tape:
        x, a = tape.watch((X, 2.0))
        outputs = [np.sum(x), a * x[0], 7.0]
    of_x, of_a = tape.gradient(outputs, (x, a))
    close(of_x, [3.0, 1.0, 1.0])
    close(of_a, 1.0)


def test_unconnected():
    with jacrs.Tape() as tape:
        x, a = tape.watch((X, 2.0))
        y = np.sum(x)
        inside = tape.gradient(y, [x, a], unconnected="none")
        assert inside[1] is None
    close(tape.gradient(y, a), 0.0)
    of_x, of_a = tape.gradient(y, [x, a], unconnected="none")
    close(of_x, np.ones(3))
    assert of_a is None
    close(tape.gradient(y, x, unconnected="raise"), np.ones(3))
    with pytest.raises(jacrs.IndependentError, match=r"no output depends on inputs\['a'\]"):
        tape.gradient(y, {"x": x, "a": a}, unconnected="raise")
    with pytest.raises(ValueError, match="must be 'zero', 'none' or 'raise', not 'error'"):
        tape.gradient(y, x, unconnected="error")


def test_containers():
    with jacrs.Tape() as tape:
        tree = tape.watch({"a": X, "b": (2.0, [np.ones((2, 3)), 1.0])})
        y = tree["b"][0] * tree["a"]
        z = np.sum(tree["b"][1][0] @ tree["a"])
    gradient = tape.gradient(z, tree)
    assert list(gradient) == ["a", "b"]
    close(gradient["b"][1][0], np.tile(X, (2, 1)))
    close(gradient["b"][1][1], 0.0)
    J = tape.jacobian({"y": y}, tree, mode="reverse")
    close(J["y"]["a"], 2 * np.eye(3))
    close(J["y"]["b"][0], X)
    close(J["y"]["b"][1][0], np.zeros((3, 2, 3)))


def test_watching_what_was_computed():
    with jacrs.Tape() as tape:
        x = tape.watch(X)
        y = tape.watch(x**2)
        z = np.sum(y**2)
    close(tape.gradient(z, y), 2 * X**2)
    close(tape.gradient(z, x), 4 * X**3)


def test_constant_outputs():
    with jacrs.Tape() as tape:
        x = tape.watch(X)
        order = np.argmax(x)
    close(tape.gradient(order, x), np.zeros(3))
    close(tape.jacobian((order, 1.0), x)[0], np.zeros(3))
    assert tape.value(order) == 2


def test_float32():
    with jacrs.Tape() as tape:
        x = tape.watch(X.astype(np.float32))
        y = np.sum(x**2)
    assert tape.gradient(y, x).dtype == np.float32
    assert tape.value(y).dtype == np.float32


def test_inside_a_recorded_function():
    def slope(x):
        with jacrs.Tape() as tape:
            z = tape.watch(x)
            y = np.sum(np.sin(z) * x)
        return tape.gradient(y, z) * x

    close(slope_by_hand(X), jacrs.vjp(slope, X)[0])
    expected = richardson_jacobian(slope_by_hand, X)
    np.testing.assert_allclose(jacrs.jacobian(slope)(X), expected, rtol=1e-9, atol=1e-10)


def slope_by_hand(x):
    return np.cos(x) * x * x


def test_a_transform_inside_a_tape():
    with jacrs.Tape() as tape:
        x = tape.watch(X)
        y = jacrs.grad(lambda z: np.sum(z**3))(x)
        total = np.sum(y)
    close(tape.gradient(total, x), 6 * X)


def test_a_tape_inside_a_tape():
    with jacrs.Tape() as outer:
        x = outer.watch(2.0)
        with jacrs.Tape() as inner:
            z = inner.watch(x)
            y = z**3
        slope = inner.gradient(y, z)  # recorded: the outer tape goes on
        total = slope * x
    close(outer.gradient(total, x), 9 * 2.0**2)


def test_an_exception_ends_the_recording():
    tape, kept = jacrs.Tape(), []

    def failing():
        with tape:
            x = tape.watch(X)
            kept.extend((x, x[0] ** 2))
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    x, y = kept
    close(tape.gradient(y, x), [2.0, 0.0, 0.0])
    close(jacrs.grad(np.sum)(X), np.ones(3))


def test_after_the_with_from_another_thread():
    with jacrs.Tape() as tape:
        x = tape.watch(X)
        y = np.sum(x**2)
    seen = []
    worker = threading.Thread(target=lambda: seen.append(tape.gradient(y, x)))
    worker.start()
    worker.join()
    close(seen[0], 2 * X)


MISUSES = {
    "watch before": (
        lambda _, **__: jacrs.Tape().watch(X),
        "tape.watch only works inside `with Tape() as tape:`",
    ),
    "watch after": (
        lambda tape, **_: tape.watch(X),
        "tape.watch only works inside `with Tape() as tape:`",
    ),
    "gradient before": (
        lambda _, x, y: jacrs.Tape().gradient(y, x),
        "tape.gradient needs a recording: enter `with Tape() as tape:` first",
    ),
    "a second with": (
        lambda tape, **_: tape.__enter__(),
        "a Tape records once: make a new one for every `with`",
    ),
    "an input not watched": (
        lambda tape, x, y: tape.gradient(y, [x, X]),
        "inputs[1] is a float64 array of shape (3,) that this tape does not watch: gradients are "
        "taken with respect to what tape.watch returned",
    ),
    "an input of its own making": (
        lambda tape, x, y: tape.gradient(y, y),
        "inputs is a recorded value that this tape does not watch: gradients are taken with "
        "respect to what tape.watch returned",
    ),
}


@pytest.mark.parametrize("case", MISUSES)
def test_misuse(case):
    with jacrs.Tape() as tape:
        x = tape.watch(X)
        y = np.sum(x)
    call, text = MISUSES[case]
    with pytest.raises(jacrs.TraceError) as caught:
        call(tape, x=x, y=y)
    assert str(caught.value) == text


def test_several_numbers_need_output_gradients():
    with jacrs.Tape() as tape:
        x = tape.watch(X)
        y = x**2
    text = "pass output_gradients, one array of each output's shape, or use tape.jacobian"
    with pytest.raises(jacrs.ShapeError) as caught:
        tape.gradient(y, x)
    assert str(caught.value) == f"outputs has shape (3,): {text}"
    with pytest.raises(jacrs.ShapeError) as caught:
        tape.gradient(y, x, X[:1])
    assert str(caught.value) == "output_gradients has shape (1,), but outputs has shape (3,)"
    with pytest.raises(jacrs.DTypeError) as caught:
        tape.gradient(["y"], x)
    assert str(caught.value) == "outputs[0] is a str, where a recorded value is needed"
