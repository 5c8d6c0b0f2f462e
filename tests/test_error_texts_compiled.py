"""Texts about compiled functions, whole but for the place, which `tests/compile` looks at."""

from unittest import mock

import numpy as np
import pytest

import jacrs
from jacrs import errors
from tests.error_subjects import X

RNG = np.random.default_rng(0)
ITEMS = iter([1.0])
COUNTS = {"calls": 0}
TABLES = [{1: 2.0}.keys()]


def prints(x):
    print(x)  # noqa: T201
    return x


def counts(x):
    COUNTS["calls"] += 1
    return x


def sizes(x):
    return x * len(TABLES[0])


def many_courses():
    compiled = jacrs.compile(lambda x, n: x * n)
    for n in range(65):
        compiled(X, n)


CASES = {
    "impure": (
        lambda: jacrs.compile(prints)(X),
        jacrs.ImpureError,
        "print() in a compiled function: replays do not run it again; call it outside and pass "
        "its result as an argument, or do not compile this function",
    ),
    "random_numbers": (
        lambda: jacrs.compile(lambda x: x * RNG.normal())(X),
        jacrs.ImpureError,
        "a compiled function drew random numbers: replays would not draw new ones; draw them "
        "outside and pass them as an argument",
    ),
    "consumes": (
        lambda: jacrs.compile(lambda x: x * next(ITEMS))(X),
        jacrs.ImpureError,
        "a compiled function reaches a list_iterator, an iterator: replays would not take its "
        "items again; make a list of it first, outside of the function",
    ),
    "writes": (
        lambda: jacrs.compile(counts)(X),
        jacrs.ImpureError,
        "counts writes to a dict while it is compiled: replays would not write there; return "
        "what is computed, or do not compile this function",
    ),
    "not_followed": (
        lambda: jacrs.compile(sizes, strict=True)(X),
        jacrs.ImpureError,
        "compile(sizes, strict=True): it reaches what replays would not look at again: a "
        "dict_keys; pass it as an argument, or drop strict=True if it never changes",
    ),
    "too_many_courses": (
        many_courses,
        RuntimeWarning,
        "compile(<lambda>): the last 64 calls all had to be recorded, each for what it was given "
        "alone; from now on it is run as if it were not compiled. explain() names what the "
        "traces hold for",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_texts(name):
    call, cls, text = CASES[name]
    watched = mock.patch.object(errors, name, wraps=getattr(errors, name))
    with watched as maker, pytest.raises(cls) as caught:  # warnings are errors in the tests
        call()
    assert type(caught.value) is cls
    assert str(caught.value).partition("\n  at ")[0] == text
    maker.assert_called_once()
