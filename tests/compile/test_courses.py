"""Branches, shapes and indices that depend on values: a trace for each course."""

# ruff: noqa: PLW0108 - a lambda looks its names up late, which is what is tested

import gc
import traceback
import warnings
import weakref

import numpy as np
import pytest

import jacrs
from tests.compile.following import X, replayed, same

POINTS = [
    np.array(p)
    for p in ([1.0, 2.0, 3.0], [-1.0, 2.0, 3.0], [3.0, -2.0, 1.0], [-3.0, -2.0, -1.0], [0.0] * 3)
]
POINTS += [POINTS[0] * 1.5, POINTS[1] * 1.5, np.array([np.nan, 1.0, -1.0])]


def loop(x):
    total, n = x[0] * 1.0, 0
    while abs(total) < 10.0 and n < 8:
        total, n = total * 2.0 + x[1], n + 1
    return total * n


def nested(x):
    if x[0] > 0:
        return np.sin(x) if x[1] > 0 else np.cos(x)
    return x * 2 if x[2] > 0 else (x if x[1] < -1 else -x)


PROGRAMS = {
    "if": lambda x: x * 2 if x[0] > 0 else -x,
    "nested": nested,
    "while": loop,
    "mask": lambda x: x[x > 0] * 2,
    "count": lambda x: x * np.count_nonzero(x > 0),
    "nonzero": lambda x: np.nonzero(x > 0)[0] * 1.5,
    "assignment by a mask": lambda x: _assigned(x),
    "int": lambda x: x * int(np.nan_to_num(x[0])),
    "round": lambda x: x * round(np.nan_to_num(x[1])),
    "argmax": lambda x: x[np.argmax(x)] * x,
    "index as an integer": lambda x: x[int(np.argmax(x))] * x,
    "slice": lambda x: x[: int(np.argmin(x))] * 2.0,
    "for": lambda x: sum((v for v in x if v > 0), 0.0 * x[0]),
    "sorted": lambda x: np.array(sorted(np.nan_to_num(x))),
    "max": lambda x: x * max(x[0], x[1]),
    "any": lambda x: x if (x > 2).any() else x + 1,
    "bool": lambda x: x * (2.0 if x[0] else 3.0),
    "repeat": lambda x: np.repeat(x, int(abs(np.nan_to_num(x[0])))),
    "text": lambda x: x * len(str(x[0])),
    "float": lambda x: x * float(x[0]),
    "tolist": lambda x: x * sum(x.tolist()),
    "item": lambda x: x * x[1].item(),
    "dictionary": lambda x: x * {True: 2.0, False: 3.0}[bool(x[0] > 0)],
    "unique": lambda x: np.unique(np.nan_to_num(x)) * 2.0,
    "equal arrays": lambda x: x if np.array_equal(x, POINTS[0]) else -x,
    "isnan": lambda x: np.where(np.isnan(x), 0.0, x) if np.isnan(x).any() else x * 2,
    "raise": lambda x: _raising(x),
}


def _assigned(x):
    y = x.copy()
    y[y > 0] = y[y > 0] * 3
    return y


def _raising(x):
    try:
        if x[0] < 0:
            raise KeyError
    except KeyError:
        return x * 5
    return x


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PROGRAMS)
def test_each_call_takes_the_course_of_its_values(name):
    f = PROGRAMS[name]
    compiled = jacrs.compile(f)
    for _ in range(2):
        for x in POINTS:
            np.testing.assert_allclose(compiled(x), f(x), rtol=1e-14)
    found = compiled.n_traces
    before = compiled.n_replays
    for x in POINTS:
        compiled(x)
    assert (compiled.n_traces, compiled.n_replays) == (found, before + len(POINTS))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["if", "nested", "while", "mask", "max", "any", "isnan"])
def test_derivatives_take_the_course_too(name):
    f = PROGRAMS[name]
    compiled = jacrs.compile(jacrs.jacobian(f))
    plain = jacrs.jacobian(f)
    for x in POINTS * 2:
        np.testing.assert_allclose(compiled(x), plain(x), rtol=1e-13, atol=1e-13)
    assert compiled.n_replays >= len(POINTS)


def test_branches_under_vmap():
    def f(rows):
        return jacrs.vmap(lambda x: x * 2 if x[0] > 0 else x[x > -9.0])(rows)

    compiled = jacrs.compile(f)
    up = np.array([[1.0, 2.0], [3.0, 4.0]])
    for rows in (up, -up, up * 2, -up * 2):
        same(compiled(rows), f(rows))
    assert compiled.n_traces == 2
    with pytest.raises(jacrs.TraceError, match="the lanes of a vmap disagree about a branch"):
        compiled(up * [[1.0], [-1.0]])
    with pytest.raises(jacrs.TraceError, match="the lanes of a vmap disagree about a branch"):
        compiled(up * [[1.0], [-1.0]])
    same(replayed(compiled, up), f(up))


def test_indices_that_are_arguments():
    table = np.array([1.0, 2.0, 4.0])
    compiled = jacrs.compile(lambda i, x: x[i] * table[i])
    for i in (np.array([0, 2]), np.array([1, -1]), np.array([2, 2])):
        same(compiled(i, X), X[i] * table[i])
    assert compiled.n_traces == 1
    for bad in (np.array([0, 3]), np.array([-4, 0])):
        with pytest.raises(IndexError):
            compiled(bad, X)
    same(replayed(compiled, np.array([1, 0]), X), X[[1, 0]] * table[[1, 0]])
    lanes = jacrs.compile(jacrs.vmap(lambda i: table[i]))
    assert lanes(np.array([0, 1])).tolist() == [1.0, 2.0]
    assert lanes(np.array([2, 1])).tolist() == [4.0, 2.0]
    with pytest.raises(IndexError):
        lanes(np.array([0, 3]))


def test_mask_arguments():
    compiled = jacrs.compile(lambda m, x: x[m] * 2)
    for m in ([True, False, True], [False, True, True], [True] * 3, [False] * 3):
        mask = np.array(m)
        same(compiled(mask, X), X[mask] * 2)
    assert compiled.n_traces == 3


def test_errors_of_a_replay_are_those_of_the_function():
    def f(a, b):
        return np.linalg.solve(a, b)

    compiled = jacrs.compile(f)
    a, b = np.array([[2.0, 1.0], [1.0, 3.0]]), np.ones(2)
    same(compiled(a, b), f(a, b))
    for _ in range(2):
        with pytest.raises(np.linalg.LinAlgError) as caught:
            compiled(np.ones((2, 2)), b)
        frames = traceback.extract_tb(caught.value.__traceback__)
        named = str(caught.value) + "".join(frame.name for frame in frames)
        assert "f" in {frame.name for frame in frames} or " in f" in named
    same(replayed(compiled, a, b), f(a, b))
    derivative = jacrs.compile(jacrs.jacobian(f))
    same(derivative(a, b), jacrs.jacobian(f)(a, b))
    with pytest.raises(np.linalg.LinAlgError):
        derivative(np.ones((2, 2)), b)


def test_errors_of_the_function_itself():
    def f(x):
        if x[0] < 0:
            raise ValueError("negative")
        return x

    compiled = jacrs.compile(f)
    for _ in range(2):
        same(compiled(X), X)
        with pytest.raises(ValueError, match=r"^negative$"):
            compiled(-X)
    assert compiled.n_traces == 1


def test_the_traces_used_last_are_kept():
    compiled = jacrs.compile(lambda x, n: x * n)
    for n in range(20):
        same(compiled(X, n), X * n)
    assert compiled.n_traces == 16
    for n in range(4, 20):
        same(replayed(compiled, X, n), X * n)
    same(replayed(compiled, X, 4), X * 4)
    before = compiled.n_replays
    same(compiled(X, 0), X * 0)
    assert (compiled.n_traces, compiled.n_replays) == (16, before + 1)  # it was recorded
    same(replayed(compiled, X, 4), X * 4)  # used after 5 was
    compiled.clear()
    assert compiled.n_traces == 0
    same(compiled(X, 4), X * 4)


def test_after_many_recordings_in_vain_the_function_is_run_as_it_is():
    compiled = jacrs.compile(lambda x, n: x * n)
    for n in range(63):
        compiled(X, n)
    compiled(X, -1)
    with pytest.warns(RuntimeWarning) as caught:
        compiled(X, -2)
    assert [str(w.message) for w in caught] == [
        "compile(<lambda>): the last 64 calls all had to be recorded, each for what it was given "
        "alone; from now on it is run as if it were not compiled. explain() names what the traces "
        "hold for"
    ]
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same(compiled(X, -3), X * -3)
        same(replayed(compiled, X, -1), -X)  # what there is, is used
        same(compiled(X, -3), X * -3)  # and then it may be worth it again
    assert compiled.n_traces == 16


def test_traces_that_are_dropped_let_go_of_what_they_hold():
    class Model:
        k = 2.0

    compiled = jacrs.compile(lambda m, x: x * m.k)
    m = Model()
    compiled(m, X)
    gone = weakref.ref(m)
    del m
    compiled.clear()
    gc.collect()
    assert gone() is None
