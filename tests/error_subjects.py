"""What the tables of errors are about: functions, classes and values of a user; and their check."""

import sys
from contextlib import contextmanager
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

import jacrs
from jacrs import errors

X = np.array([0.7, 1.3, -0.4])
SQUARE = np.zeros((3, 3))
HELD = [np.array([1.0, 2.0])]


class Own(np.ndarray):
    """A subclass whose behaviour would be lost."""


class Registered:
    """A type registered with a function that does not take it apart as it should."""


class Fresh:
    """A type that nobody registered."""


jacrs.register_pytree_node(Registered, lambda given: "text", lambda aux, children: Registered())


def total(x):
    return np.sum(x**2)


def writing(x):
    HELD[0][0] += 1.0  # by another name than `x`
    return total(x)


def is_recorded(x):
    return type(x).__name__ == "Tracer"


def taped():
    with jacrs.Tape() as tape:
        x = tape.watch(X)
        y = total(x)
    return SimpleNamespace(tape=tape, x=x, y=y)


def gradient_of_stranger():
    with jacrs.Tape() as tape:
        y = total(tape.watch(X))
    return tape.gradient(y, X)


def gradient_of_many():
    with jacrs.Tape() as tape:
        x = tape.watch(X)
        y = np.sin(x)
    return tape.gradient(y, x)


def gradient_of_nothing():
    with jacrs.Tape() as tape:
        x, z = tape.watch(X), tape.watch(X)
        y = total(x)
    return tape.gradient(y, [x, z], unconnected="raise")


def counting(calls):
    """Return a function that gives another value each time."""

    def f(x):
        calls[0] += 1
        return x * calls[0]

    return f


def forgetful(calls):
    """Return a function that is constant the first time that it is recorded."""

    def f(x):
        calls[0] += is_recorded(x)
        return jacrs.stop_gradient(x) * 2.0 if calls[0] == 1 and is_recorded(x) else x * 2.0

    return f


def without_scipy(call):
    with mock.patch.dict(sys.modules, {"scipy.sparse.linalg": None}):
        return call()


def without_matplotlib(call):
    with mock.patch.dict(sys.modules, {"matplotlib": None}):
        return call()


# --- the check


@contextmanager
def functions_called():
    """Collect the code of the Python functions that are called."""
    codes, before = set(), sys.getprofile()
    sys.setprofile(lambda frame, *_: codes.add(frame.f_code))
    try:
        yield codes
    finally:
        sys.setprofile(before)


def check_error(name, call, cls, text):
    """Require that a call fails with exactly this, made by the function of `jacrs.errors`."""
    with pytest.raises(cls) as caught, functions_called() as codes:
        call()
    assert type(caught.value) is cls
    assert str(caught.value) == text
    assert getattr(errors, name.partition(":")[0]).__code__ in codes
    assert not jacrs._jacrs.is_recording()
