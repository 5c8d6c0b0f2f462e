"""Containers taken apart and put together."""

from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest

import jacrs
from jacrs._trees import (
    LEAF,
    NOTHING,
    as_floats,
    as_it_is,
    flatten,
    flatten_like,
    is_array_like,
    map_leaves,
    unflatten,
)

A, B = np.ones(3), np.zeros((2, 2))
X, MATRIX = np.array([0.7, 1.3, -0.4]), np.array([[0.3, -1.2, 0.8], [1.1, 0.4, -0.6]])


class Point(NamedTuple):
    x: Any
    y: Any


TREES = {
    "array": (A, [A]),
    "number": (2.0, [2.0]),
    "nothing": (None, []),
    "empty tuple": ((), []),
    "tuple": ((A, 2), [A, 2]),
    "list of arrays": ([A, B], [A, B]),
    "dict in its own order": ({"b": A, "a": B}, [A, B]),
    "ordered dict": (OrderedDict(b=A, a=B), [A, B]),
    "named tuple": (Point(A, (B,)), [A, B]),
    "nested": ({"a": [A, (2.0, None)], 1: Point(B, "text")}, [A, 2.0, B, "text"]),
}


@pytest.mark.parametrize("case", TREES)
def test_round_trip(case):
    value, expected = TREES[case]
    leaves = []
    node = flatten(value, leaves, as_it_is)
    assert len(leaves) == len(expected)
    assert all(leaf is wanted for leaf, wanted in zip(leaves, expected, strict=True))
    again = unflatten(node, leaves)
    assert type(again) is type(value)
    assert str(again) == str(value)
    matched = []
    flatten_like(node, value, matched, "value")
    assert all(leaf is wanted for leaf, wanted in zip(matched, expected, strict=True))


def test_the_factory_of_a_default_dict_is_kept():
    leaves = []
    node = flatten(defaultdict(list, a=A), leaves, as_it_is)
    again = unflatten(node, leaves)
    assert again.default_factory is list
    assert again["a"] is A


def test_paths():
    leaves = []
    node = flatten({"a": [A, (2.0, None)], 1: Point(B, "text")}, leaves, as_it_is)
    assert list(node.paths("x")) == ["x['a'][0]", "x['a'][1][0]", "x[1].x", "x[1].y"]
    assert repr(node) == "dict(list(*, tuple(*, None)), Point(*, *))"
    assert list(LEAF.paths("x")) == ["x"]
    assert list(NOTHING.paths("x")) == []


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ([], (0,)),
        ([1, 2.0], (2,)),
        ([[1, 2], [3, 4], [5, 6]], (3, 2)),
        ([np.float64(1.0), np.array(2.0)], (2,)),
        ([[[]]], (1, 1, 0)),
    ],
)
def test_lists_of_numbers_are_arrays(value, shape):
    assert is_array_like(value)
    leaves = []
    assert flatten(value, leaves, as_floats) is LEAF
    assert leaves[0].shape == shape
    assert leaves[0].dtype == np.float64


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ([A], 1),
        ([1.0, A], 2),
        ([[1.0, 2.0], [3.0]], 2),
        ([1.0, "text"], 2),
        ([1.0, [2.0]], 2),
        ((1.0, 2.0), 2),
        ([(1.0, 2.0)], 2),
        ([None], 0),
        ([[1.0], None], 1),
    ],
)
def test_other_lists_are_containers(value, count):
    leaves = []
    node = flatten(value, leaves, as_floats)
    assert node is not LEAF
    assert len(leaves) == count
    assert type(unflatten(node, leaves)) is type(value)


def test_lists_of_numbers_can_be_containers_too():
    leaves = []
    flatten([1.0, [2.0, 3.0]], leaves, None)
    assert leaves == [1.0, 2.0, 3.0]


def test_where_a_leaf_is_expected_anything_is_taken():
    node, leaves = flatten({"a": A, "b": 1.0}, [], as_it_is), []
    flatten_like(node, {"b": "text", "a": [1.0, 2.0]}, leaves, "value")
    assert leaves == [[1.0, 2.0], "text"]


MISMATCHES = {
    "keys": (
        {"a": A, "b": B},
        {"a": A, "c": B},
        "value must be a dict with the keys ['a', 'b'], but is one with ['a', 'c']",
    ),
    "not a dict": (
        {"a": A},
        A,
        "value must be a dict with the keys ['a'], but is a float64 array of shape (3,)",
    ),
    "length": ((A, (A, B)), (A, (A,)), "value[1] must be a tuple of 2, but is one of 1"),
    "kind": ([A, B], (A, B), "value must be a list of 2, but is a tuple"),
    "named": (Point(A, B), (A, B), "value must be a Point of 2, but is a tuple"),
    "none": ((A, None), (A, A), "value[1] must be None, but is a float64 array of shape (3,)"),
    "within a named tuple": (
        Point((A,), B),
        Point(3, B),
        "value.x must be a tuple of 1, but is an int",
    ),
}


@pytest.mark.parametrize("case", MISMATCHES)
def test_mismatches(case):
    like, value, text = MISMATCHES[case]
    node = flatten(like, [], as_it_is)
    with pytest.raises(jacrs.ArgumentError) as caught:
        flatten_like(node, value, [], "value")
    assert str(caught.value) == text


def test_map_leaves():
    tree = {"a": [1.0, (A, None)], "b": Point("text", 2)}
    assert map_leaves(lambda leaf: leaf, tree) is tree
    changed = map_leaves(lambda leaf: "A" if leaf is A else leaf, tree)
    assert changed == {"a": [1.0, ("A", None)], "b": Point("text", 2)}
    assert changed["b"] is tree["b"]


# --- in transforms


def close(given, expected):
    assert type(given) in (np.ndarray, np.float64)
    assert np.shape(given) == np.shape(expected)
    np.testing.assert_allclose(given, expected, rtol=1e-12, atol=1e-12)


def test_containers_as_arguments_and_results():
    def f(tree):
        a, (b, c) = tree["a"], tree["rest"]
        return Point(x=a * b.x, y={"sum": np.sum(c) + b.y, "none": None})

    tree = OrderedDict(a=X, rest=(Point(2.0, 3.0), MATRIX))
    J = jacrs.jacobian(f)(tree)
    assert type(J) is Point
    assert type(J.x) is OrderedDict
    assert type(J.x["rest"][0]) is Point
    assert J.y["none"] is None
    close(J.x["a"], 2 * np.eye(3))
    close(J.x["rest"][0].x, X)
    close(J.x["rest"][1], np.zeros((3, 2, 3)))
    close(J.y["sum"]["rest"][0].y, 1.0)
    close(J.y["sum"]["rest"][1], np.ones((2, 3)))
    value, pullback = jacrs.vjp(f, tree)
    assert type(value) is Point
    back = pullback(Point(np.ones(3), {"none": None, "sum": 1.0}))
    assert list(back) == ["a", "rest"]
    close(back["rest"][0].x, np.sum(X))


def test_a_list_of_numbers_is_an_array():
    close(jacrs.jacobian(lambda x: [x[1], -9.81 * x[0]])([1.0, 2]), [[0, 1], [-9.81, 0]])
    close(jacrs.grad(lambda x: np.sum(x**2))([[1, 2], [3, 4]]), [[2.0, 4.0], [6.0, 8.0]])
    value, jv = jacrs.jvp(lambda x: [x[0], 1.0], (X,), ([1, 0, 0],))
    close(value, [0.7, 1.0])
    close(jv, [1.0, 0.0])
    ragged = jacrs.grad(lambda rows: sum(np.sum(row**2) for row in rows))([[1.0, 2.0], [3.0]])
    assert type(ragged) is list
    close(ragged[0], [2.0, 4.0])
    close(ragged[1], [6.0])
    pair = jacrs.jacobian(lambda x: [x, 2 * x])(X)
    assert type(pair) is list
    close(pair[1], 2 * np.eye(3))
    inner = jacrs.grad(lambda x: jacrs.grad(lambda z: z[0] * z[1] ** 2)([x, 3 * x])[0])(2.0)
    close(inner, 36.0)  # d/dx (3 x)^2
