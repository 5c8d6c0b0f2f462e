"""Every text of the Rust engine and of its bindings, as users meet it.

A case is the body of a function of `x` and `m`, and what recording it raises: the class, the whole
text, and the place that it names. Texts that Python code cannot meet are those of
`rust/jacrs/tests/texts.rs`.
"""

import linecache
import pickle
import re
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import jacrs
from tests import test_error_texts_saved
from tests.compile import test_saved_bytes
from tests.engine_texts import CASES
from tests.robust import test_interrupts

scipy_linalg = pytest.importorskip("scipy.linalg")

RUST = Path(__file__).parents[1] / "rust"
TEXTS = [
    *sorted((RUST / "jacrs/src/error/text").glob("*.rs")),
    RUST / "jacrs-python/src/text.rs",
]
X = np.array([0.7, 1.3, -0.4])
M = np.arange(6.0).reshape(2, 3)


class Subclass(np.ndarray):
    """What is no plain array."""


def kept():
    """Return a value of a recording that has ended."""
    values = []
    jacrs.vjp(lambda x: values.append(x) or x, X)
    return values[0]


def function(source):
    """Make a function of a body, with a source file for the places in it."""
    text = "def f(x, m):\n" + textwrap.indent(source, "    ") + "\n"
    linecache.cache["user.py"] = (len(text), None, text.splitlines(keepends=True), "user.py")
    names = {"np": np, "jacrs": jacrs, "pickle": pickle, "scipy_linalg": scipy_linalg}
    names |= {"PLAIN": np.zeros(3), "CLASS": np.zeros(3).view(Subclass), "KEPT": kept()}
    exec(compile(text, "user.py", "exec"), names)
    return names["f"]


@pytest.fixture(autouse=True)
def _unlimited():
    yield
    jacrs.config.memory_limit = None
    linecache.cache.pop("user.py", None)


@pytest.mark.parametrize("name", CASES)
def test_texts(name):
    source, cls, text, place = CASES[name]
    f = function(source)
    with pytest.raises(cls) as caught:
        jacrs.vjp(f, X, M)
    assert type(caught.value) is cls
    assert str(caught.value) == (f"{text}\n  at user.py:{place}" if place else text)
    assert not jacrs._jacrs.is_recording()


def test_an_error_that_was_caught_says_so():
    f = function("try:\n    float(x[0])\nexcept TypeError:\n    return x")
    with pytest.raises(jacrs.TraceError) as caught:
        jacrs.vjp(f, X, M)
    assert caught.value.__notes__ == [
        "the recorded function caught this error, which NumPy does not raise, and went on along "
        "another path"
    ]


def check_outside(cls, call, text):
    """What is raised outside of recorded functions names the line of the call."""
    with pytest.raises(cls) as caught:
        call()
    first, _, place = str(caught.value).partition("\n  at ")
    assert (type(caught.value), first) == (cls, text)
    assert re.fullmatch(r".*test_engine_texts\.py:\d+ in .*: .*", place)


def test_a_value_after_its_recording():
    value = kept()
    check_outside(
        jacrs.TraceError,
        lambda: value + 1.0,
        "there is no recording on this thread: tracers exist only while jacrs records a function. "
        "Return what you need from the function, or keep float(jacrs.stop_gradient(x)); after a "
        "Tape ask it, tape.value(y)",
    )


def test_a_tape_left_in_another_thread():
    tape = jacrs.Tape()
    tape.__enter__()

    def leave():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(tape.__exit__, None, None, None).result(120)

    with pytest.raises(jacrs.TraceError) as caught:
        leave()
    assert str(caught.value).partition("\n  at ")[0] == (
        "a recording ends in the thread in which it began, as it belongs to that thread: enter and "
        "leave a Tape in one thread"
    )
    tape.__exit__(None, None, None)


def test_a_result_of_too_many_axes():
    point = np.ones((1,) * 40)
    check_outside(
        jacrs.ShapeError,
        lambda: jacrs.jacobian(np.sin)(point),
        "a result of 80 axes: arrays have 64 at most; reshape to fewer axes first",
    )


def test_a_function_that_has_no_structure():
    def both_ways_dense(x):
        down = np.exp(np.cumsum(x[0] * np.ones(300)))
        return np.append(down, np.sum(np.exp(np.cumsum(x[1:]))))

    jacobian = jacrs.sparse_jacobian(both_ways_dense, mode="structured")
    check_outside(
        jacrs.ArgumentError,
        lambda: jacobian(np.full(300, 0.01)),
        'mode "structured" does not serve this function: cumsum of shape (299,) would have 89401 '
        'coefficients; leave the mode open, or take "forward" or "reverse"',
    )


# --- each text in one place, and in one test


OTHERS = {
    "CAUGHT": test_an_error_that_was_caught_says_so,
    "ENDED": test_interrupts.test_a_caught_interrupt_ends_the_call_all_the_same,
    "not_recording": test_a_value_after_its_recording,
    "another_thread": test_a_tape_left_in_another_thread,
    "result_axes": test_a_result_of_too_many_axes,
    "not_structured": test_a_function_that_has_no_structure,
    "too_deep": test_saved_bytes.test_tuples_in_tuples_are_bounded,
    "unreadable": test_error_texts_saved.test_texts_of_what_is_read_name_the_line_of_the_call,
    "other_format": test_error_texts_saved.test_texts_of_what_is_read_name_the_line_of_the_call,
}
USER_TEXT = re.compile(
    r"\bError::(?:shape|value|type_|index|linalg|trace|new)\(|\bPy\w+Error::new_err\("
    r'|\braise_as\(\s*[\w.()]+,\s*"(?!internal")'
)
# The constructors themselves, what is raised before jacrs.errors is there, and the messages of the
# parser of graphs.
CONSTRUCTORS = {"jacrs/src/error.rs", "jacrs-python/src/error.rs", "jacrs/src/ir/text.rs"}


def test_every_text_is_tested():
    source = "".join(path.read_text() for path in TEXTS)
    names = re.findall(r"^pub (?:fn|const) (\w+)", source, re.MULTILINE)
    assert len(names) == len(set(names)) > 80
    met_by_rust = re.findall(r'says\(\s*"(\w+)"', (RUST / "jacrs/tests/texts.rs").read_text())
    tested = [*CASES, *OTHERS, *met_by_rust]
    assert sorted(tested) == sorted(names)


def without_tests(source):
    return re.sub(r"//.*", "", source.partition("#[cfg(test)]\nmod tests {")[0])


def test_no_text_stands_elsewhere():
    places = []
    for path in [*RUST.glob("jacrs/src/**/*.rs"), *RUST.glob("jacrs-python/src/**/*.rs")]:
        name = path.relative_to(RUST).as_posix()
        is_test = path.name == "tests.rs" or "tests" in path.parts
        if path in TEXTS or name in CONSTRUCTORS or is_test:
            continue
        places += [(name, hit[0]) for hit in USER_TEXT.finditer(without_tests(path.read_text()))]
    assert not places
