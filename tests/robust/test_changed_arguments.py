"""An argument that is written to while the function is recorded, by whatever other name."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

import jacrs

SIZES = [10, 8192, 200_000]
PLACE = 7  # of none of the places that are looked at in a large array


def by_closure(x):
    def f(t):
        x[PLACE] = 5.0
        return np.sum(t)

    return f


def by_method(x):
    fill = x.fill
    return lambda t: (fill(3.0), np.sum(t))[1]


def by_attribute(x):
    holder = SimpleNamespace(x=x)

    def f(t):
        holder.x[PLACE] = 5.0
        return np.sum(t)

    return f


def by_list(x):
    holder = [x]

    def f(t):
        holder[0][PLACE] = 5.0
        return np.sum(t)

    return f


def by_dict(x):
    holder = {"x": [x]}

    def f(t):
        holder["x"][0][PLACE] = 5.0
        return np.sum(t)

    return f


def by_view(x):
    view = x[1:]

    def f(t):
        view[PLACE - 1] = 5.0
        return np.sum(t)

    return f


def by_default(x):
    def f(t, x=x):
        x[PLACE] = 5.0
        return np.sum(t)

    return f


def by_partial(x):
    def f(x, t):
        x[PLACE] = 5.0
        return np.sum(t)

    return partial(f, x)


def by_output(x):
    return lambda t: (np.multiply(x, 2.0, out=x), np.sum(t))[1]


def by_inner_transform(x):
    def f(t):
        def inner(s):
            x[PLACE] = 5.0
            return np.sum(s * s)

        return np.sum(jacrs.grad(inner)(x) * t)

    return f


WAYS = [
    by_closure, by_method, by_attribute, by_list, by_dict, by_view, by_default, by_partial,
    by_output, by_inner_transform,
]  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", WAYS)
def test_is_an_error(way, size):
    x = np.ones(size)
    with pytest.raises(jacrs.TraceError, match=r"argument 0 was changed while .* recorded"):
        jacrs.grad(way(x))(x)
    # What is written to before or after the call is seen by the next one.
    assert jacrs.grad(lambda t: np.sum(t * t))(x)[0] == 2 * x[0]


@pytest.mark.parametrize("size", SIZES)
def test_names_the_argument(size):
    x, z = np.ones(size), np.ones(size)

    def f(a, b):
        z[PLACE] = 5.0
        return np.sum(a["x"] * b)

    with pytest.raises(jacrs.TraceError, match="argument 1 was changed"):
        jacrs.grad(f, (0, 1))({"x": x}, z)

    def g(a, b):
        x[PLACE] = 5.0
        return np.sum(a["x"] * b)

    with pytest.raises(jacrs.TraceError, match=r"argument 0\['x'\] was changed"):
        jacrs.grad(g, (0, 1))({"x": x}, np.ones(size))


@pytest.mark.parametrize("size", SIZES)
def test_writing_what_is_there_already_is_no_change(size):
    x = np.ones(size)

    def f(t):
        x[:] = 1.0
        return np.sum(t * t)

    assert jacrs.grad(f)(x)[0] == 2.0


def test_a_tape_remembers_what_it_watched():
    x = np.ones(100_000)
    with jacrs.Tape() as tape:
        t = tape.watch(x)
        x[:] = 3.0
        y = np.sum(t * t)
    assert tape.gradient(y, t)[0] == 2.0
