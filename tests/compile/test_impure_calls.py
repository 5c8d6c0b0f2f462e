"""Clocks, printing, files and random numbers are refused before they are called."""

import datetime as dt
import gc
import logging
import os
import random
import secrets
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

import jacrs
from tests.compile.following import X, same

RNG = np.random.default_rng(1)
OLD = np.random.RandomState(1)
OWN = random.Random(1)
log = logging.getLogger("tests.compile")
now = time.perf_counter
CALLS = {
    "time.time": (lambda x: x * time.time(), "time.time"),
    "time.perf_counter by another name": (lambda x: x * now(), "time.perf_counter"),
    "time.sleep": (lambda x: time.sleep(0) or x, "time.sleep"),
    "datetime.now": (
        lambda x: x * dt.datetime.now(dt.UTC).year,
        "datetime.datetime.now",
    ),
    "date.today": (lambda x: x * dt.date.today().year, "datetime.date.today"),
    "print": (lambda x: print("x") or x, "print"),  # noqa: T201
    "open": (lambda x: x * len(open(__file__).read()), "open"),  # noqa: SIM115
    "Path.read_text": (lambda x: x * len(Path(__file__).read_text()), "open"),
    "np.loadtxt": (lambda x: x * len(np.loadtxt(__file__, str, max_rows=1)), "open"),
    "input": (lambda x: x * float(input()), "input"),
    "logging": (lambda x: log.warning("x") or x, "logging.warning"),
    "writing to a stream": (lambda x: sys.stdout.write("x") and x, None),
    "os.urandom": (lambda x: x * os.urandom(1)[0], "posix.urandom"),
    "secrets": (lambda x: x * secrets.randbelow(9), None),
    "uuid": (lambda x: x * uuid.uuid4().int, None),
    "os.environ": (lambda x: x * len(os.environ["PATH"]), "os.getenv"),
    "os.environ.get": (lambda x: x * len(os.environ.get("PATH")), "os.getenv"),
    "os.getenv": (lambda x: x * len(os.getenv("PATH")), "os.getenv"),
    "frames": (lambda x: x * len(sys._getframe(0).f_locals), "sys._getframe"),
    "a generator without a seed": (lambda x: x * np.random.default_rng().normal(), None),
}


@pytest.mark.parametrize("case", CALLS)
def test_calls_that_a_replay_would_not_do(case, capsys):
    f, name = CALLS[case]
    compiled = jacrs.compile(f)
    with pytest.raises(jacrs.ImpureError) as caught:
        compiled(X)
    if name is not None:
        assert str(caught.value).startswith(
            f"{name}() in a compiled function: replays do not run it again; call it outside and "
            "pass its result as an argument, or do not compile this function\n  at "
        )
        assert f"/{Path(__file__).name}:" in str(caught.value)
    assert compiled.n_traces == 0
    assert capsys.readouterr().out == ""  # it was not done, either
    assert sys.getprofile() is None


def test_a_call_is_refused_although_the_function_catches_errors():
    def f(x):
        try:
            print("twice")  # noqa: T201
        except Exception:
            return x
        return x

    compiled = jacrs.compile(f)
    with pytest.raises(jacrs.ImpureError, match=r"^print\(\) in a compiled function"):
        compiled(X)
    assert compiled.n_traces == 0


def test_what_the_garbage_collector_calls_is_not_the_functions():
    calls = []
    # A library that watches the collector, as hypothesis does.
    scope = {"__name__": "fractions", "calls": calls, "now": now}
    watch = eval("lambda phase, info: calls.append(now())", scope)
    gc.callbacks.append(watch)
    try:
        compiled = jacrs.compile(lambda x: x * len([gc.collect() for _ in range(2)]))
        same(compiled(X), X * 2)
    finally:
        gc.callbacks.remove(watch)
    assert len(calls) >= 4
    assert compiled.n_traces == 1


FIRST_USE = """
import sys
import numpy as np, jacrs
compiled = jacrs.compile(lambda x: x * np.sin(x))
compiled(np.ones(3))
assert "numpy.random" not in sys.modules
seeded = jacrs.compile(lambda x: x * np.random.default_rng(3).normal())
assert seeded(np.ones(3))[0] == seeded(np.ones(3))[0] == np.random.default_rng(3).normal()
assert seeded.n_traces == 1
"""
FIRST_DRAW = """
import numpy as np, jacrs
try:
    jacrs.compile(lambda x: x * np.random.normal())(np.ones(3))
except jacrs.ImpureError as error:
    assert "drew random numbers" in str(error)
else:
    raise AssertionError
"""


@pytest.mark.parametrize("text", [FIRST_USE, FIRST_DRAW])
def test_numpys_random_numbers_are_imported_by_their_users_alone(text):
    subprocess.run([sys.executable, "-c", text], check=True)


DRAWS = {
    "numpy": (lambda x: x * np.random.normal(), np.random.get_state),  # noqa: NPY002
    "numpy's, mapped": (lambda x: x * sum(map(np.random.normal, [1.0])), np.random.get_state),
    "random": (lambda x: x * random.random(), random.getstate),
    "random, a function of Python": (lambda x: x * random.choice([1.0, 2.0]), random.getstate),
    "random, mapped": (lambda x: x * sum(map(random.uniform, [1.0], [2.0])), random.getstate),
    "a Generator": (lambda x: x * RNG.normal(), lambda: RNG.bit_generator.state),
    "a Generator in a list": (
        lambda x, g=[RNG]: x * g[0].normal(),
        lambda: RNG.bit_generator.state,
    ),
    "a RandomState": (lambda x: x * OLD.normal(), OLD.get_state),
    "a Random": (lambda x: x * OWN.random(), OWN.getstate),
}


@pytest.mark.parametrize("case", DRAWS)
def test_random_numbers(case):
    f, state = DRAWS[case]
    before = repr(state())
    with pytest.raises(jacrs.ImpureError) as caught:
        jacrs.compile(f)(X)
    assert "random" in str(caught.value)
    assert repr(state()) == before


def test_the_text_about_random_numbers():
    with pytest.raises(jacrs.ImpureError) as caught:
        jacrs.compile(lambda x: x * RNG.normal())(X)
    assert str(caught.value) == (
        "a compiled function drew random numbers: replays would not draw new ones; draw them "
        "outside and pass them as an argument"
    )


def test_generators_with_a_seed_are_pure():
    compiled = jacrs.compile(lambda x: x * np.random.default_rng(3).normal(size=3))
    expected = X * np.random.default_rng(3).normal(size=3)
    same(compiled(X), expected)
    same(compiled(X), expected)
    assert compiled.n_traces == 1


def test_other_threads_may_draw_random_numbers_meanwhile():
    done = threading.Event()

    def draw():
        while not done.is_set():
            np.random.random()  # noqa: NPY002
            random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        for k in range(50):
            same(jacrs.compile(lambda x, k=k: np.sin(x) * k)(X), np.sin(X) * k)
    finally:
        done.set()
        thread.join()
