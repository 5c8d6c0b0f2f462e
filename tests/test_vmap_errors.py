"""What `vmap` refuses: values of one lane that are kept, and what cannot be mapped."""

from contextlib import suppress

import numpy as np
import pytest

import jacrs
from tests.test_vmap_values import I, X, written

# --- values that leak


ENDED = "this value belongs to one lane of a vmap that has ended"


def leaking(keep):
    """An outer function whose mapped function hands one of its values to `keep`."""

    def outer(x):
        box = []

        def inner(row):
            keep(box, row * 2.0)
            return np.sum(row)

        y = jacrs.vmap(inner)(x)
        return np.sum(y) + box[0] if box else np.sum(y)

    return outer


@pytest.mark.parametrize("transform", [jacrs.grad, jacrs.jacobian, jacrs.hessian])
def test_a_value_kept_from_inside_cannot_be_used(transform):
    with pytest.raises(jacrs.TraceError, match=ENDED):
        transform(leaking(lambda box, row: box.append(row[0])))(X)
    with pytest.raises(jacrs.TraceError, match=ENDED):
        transform(leaking(lambda box, row: box.append(row[0])))(X[:1])  # a single lane as well


USES = {
    "returned": lambda kept: kept,
    "computed with": lambda kept: kept + 1.0,
    "a condition": lambda kept: 1.0 if kept[0] > 0 else 2.0,
    "an item": lambda kept: kept[0],
    "an index": lambda kept: np.arange(4.0)[np.argmax(kept)],
    "a number": lambda kept: int(kept[0]),
    "mapped again": lambda kept: np.sum(jacrs.vmap(np.sin)(kept)),
    "differentiated": jacrs.grad(np.sum),
    "stopped": jacrs.stop_gradient,
    "written": lambda kept: written(np.zeros(3), slice(None), kept),
}


@pytest.mark.parametrize("use", USES)
def test_every_use_of_a_value_kept_is_refused(use):
    box = []

    def outer(x):
        jacrs.vmap(lambda row: box.append(row) or row)(x)
        return np.sum(x) + np.sum(USES[use](box[0]))

    with pytest.raises(jacrs.TraceError, match=ENDED):
        jacrs.grad(outer)(X)
    box.clear()


def test_a_value_kept_is_not_hidden_by_one_of_a_level_that_is_open():
    kept = []

    def outer(x):
        jacrs.vmap(lambda row: kept.append(row) or row)(x)
        return np.sum(jacrs.vmap(lambda i: int(kept[0][i] * 0.0) + kept[0][i])(I[:3]))

    with pytest.raises(jacrs.TraceError, match=ENDED):
        jacrs.grad(outer)(X)


def test_a_write_into_an_outer_array():
    def outer(x, *, read):
        total = np.zeros(2)

        def inner(row):
            total[0] = np.sum(row)
            total[1] = 5.0  # once, for all lanes: it is the same in all
            return row

        return np.sum(jacrs.vmap(inner)(x)) * (total[1] if not read else total[0])

    np.testing.assert_array_equal(jacrs.grad(outer)(X, read=False), np.full((4, 3), 5.0))
    with pytest.raises(jacrs.TraceError, match=ENDED):
        jacrs.grad(outer)(X, read=True)


def test_a_pullback_and_a_tape_of_one_lane_end_with_it():
    kept = {}

    def inner(row):
        kept["pullback"] = jacrs.vjp(np.sin, row)[1]
        with jacrs.Tape() as kept["tape"]:
            kept["x"] = kept["tape"].watch(row)
            kept["y"] = np.sum(kept["x"] ** 2)
        return row

    for use in (
        lambda: kept["pullback"](np.ones(3)),
        lambda: kept["tape"].gradient(kept["y"], kept["x"]),
    ):

        def outer(x, use=use):
            return np.sum(jacrs.vmap(inner)(x)) + np.sum(use())

        with pytest.raises(jacrs.TraceError, match=ENDED):
            jacrs.grad(outer)(X)


def test_side_effects_happen_once():
    calls = []

    def f(x):
        calls.append(1)
        return x + np.random.default_rng().normal()

    shift = jacrs.vmap(f)(X) - X
    assert len(calls) == 1
    np.testing.assert_allclose(shift, shift[0, 0])


def test_after_an_error_inside_the_outer_recording_goes_on():
    def broken(row):
        raise KeyError("mine")

    def outer(x):
        with suppress(KeyError):
            jacrs.vmap(broken)(x)
        return np.sum(jacrs.vmap(np.square)(x))

    np.testing.assert_array_equal(jacrs.grad(outer)(X), 2 * X)
    with pytest.raises(KeyError, match="mine"):
        jacrs.vmap(broken)(X)
    assert not jacrs._jacrs.is_recording()


# --- what cannot be mapped


def test_sizes_that_differ():
    with pytest.raises(jacrs.ShapeError) as caught:
        jacrs.vmap(lambda a, b, c: a, (0, None, {"z": 1}), axis_size=4)(
            X, 1.0, {"z": np.zeros((4, 5))}
        )
    assert str(caught.value) == (
        "the mapped axes must have the same size:\n"
        "  axis_size is 4\n"
        "  argument 0 of shape (4, 3) has size 4 along axis 0\n"
        "  argument 2['z'] of shape (4, 5) has size 5 along axis 1"
    )


MISUSES = {
    "no axis": (
        lambda: jacrs.vmap(np.sin, 2)(X),
        jacrs.ShapeError,
        "argument 0 has shape (4, 3), and no axis 2 to map over",
    ),
    "a number": (
        lambda: jacrs.vmap(np.add)(X, 1.0),
        jacrs.DTypeError,
        "argument 1 is a float, which has no axis to map over: pass an array, or None for it in "
        "in_axes; what is passed by name is mapped over axis 0, and can be bound before, with "
        "functools.partial",
    ),
    "entries": (
        lambda: jacrs.vmap(np.add, (0,))(X, X),
        jacrs.ArgumentError,
        "in_axes must have one entry an argument: expected 2, got 1",
    ),
    "another container": (
        lambda: jacrs.vmap(np.sum, ((0, None),))(X),
        jacrs.ArgumentError,
        "argument 0 must be a tuple of 2, but is a float64 array of shape (4, 3)",
    ),
    "no integer": (
        lambda: jacrs.vmap(np.sum, "0"),
        jacrs.DTypeError,
        "in_axes must be ints or None, a tuple with one entry for each positional argument, or "
        "containers of them; '0' is neither",
    ),
    "nothing mapped": (
        lambda: jacrs.vmap(np.sum, None)(X),
        jacrs.ArgumentError,
        "vmap needs an array to map over, or axis_size: no argument is mapped by in_axes",
    ),
    "small integers": (
        lambda: jacrs.vmap(np.sum)(np.zeros((2, 2), np.int8)),
        jacrs.DTypeError,
        "argument 0 is an int8 array of shape (2, 2): only float64, float32, int64 and bool can be "
        "mapped; convert it first, x.astype(float) or x.astype(int)",
    ),
    "subclass": (
        lambda: jacrs.vmap(np.sum)(np.ma.array(X)),
        jacrs.DTypeError,
        "argument 0 is a MaskedArray of shape (4, 3): a recorded function sees plain arrays only, "
        "so what MaskedArray adds would be lost; pass x.filled(...)",
    ),
    "axis of the result": (
        lambda: jacrs.vmap(np.sum, 0, 1)(X),
        jacrs.ArgumentError,
        "result has 1 dimensions with that of the lanes: out_axes cannot be 1",
    ),
    "no lanes in the result": (
        lambda: jacrs.vmap(lambda x: (1.0, x), 0, (None, None))(X),
        jacrs.ArgumentError,
        "result[1] depends on a mapped argument, so that it may differ from lane to lane: out_axes "
        "cannot be None for it",
    ),
    "no result": (
        lambda: jacrs.vmap(lambda x: None)(X),
        jacrs.DTypeError,
        "the function returned None: is a `return` missing?",
    ),
    "text": (
        lambda: jacrs.vmap(lambda x: "x")(X),
        jacrs.DTypeError,
        "result is a str: return arrays, numbers, or tuples, lists and dicts of them, and anything "
        "else as auxiliary data with has_aux=True",
    ),
    "no function": (
        lambda: jacrs.vmap(X),
        jacrs.DTypeError,
        "vmap needs a function, not a float64 array of shape (4, 3): write vmap(f), and pass the "
        "point to what it returns",
    ),
    "size": (
        lambda: jacrs.vmap(np.sum, axis_size=-1),
        jacrs.ArgumentError,
        "axis_size must be an integer from 0 up, not -1",
    ),
}


@pytest.mark.parametrize("case", MISUSES)
def test_misuses(case):
    call, error, words = MISUSES[case]
    with pytest.raises(jacrs.JacrsError) as caught:
        call()
    assert type(caught.value) is error
    assert str(caught.value).partition("\n  at ")[0] == words
