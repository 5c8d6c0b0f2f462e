"""Files that were damaged or made with bad intent: typed errors, or functions that do no harm."""

import builtins
import io
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jacrs
from jacrs import _jacrs
from tests.compile.saved_cases import CASES

LOADING = (jacrs.FormatError, jacrs.MemoryLimitError)
NAMES = ("branches", "value and jacobian", "containers", "masks", "two arguments", "values")
NAMES += ("a dataclass", "mapped", "all of it")


def saved(name):
    f, calls, _ = CASES[name]
    compiled = jacrs.compile(f)
    for arguments in calls:
        compiled(*arguments)
    file = io.BytesIO()
    compiled.save(file)
    return file.getvalue()


FILES = {name: saved(name) for name in NAMES}


@pytest.fixture(autouse=True, scope="module")
def _limited():
    jacrs.config.memory_limit = 2**28
    yield
    jacrs.config.memory_limit = None


def check(data, name):
    """Load it; where that succeeds call it, which may raise what jacrs raises."""
    try:
        loaded = jacrs.load(io.BytesIO(data))
    except LOADING:
        return
    for arguments in CASES[name][2]:
        try:
            loaded(*arguments)
        except jacrs.InternalError:
            raise
        except jacrs.JacrsError:
            continue
    loaded.explain()


@given(st.sampled_from(NAMES), st.data())
@settings(max_examples=400)
def test_bytes_that_were_flipped_or_cut_off(name, data):
    changed = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at] ^= data.draw(st.integers(1, 255))
    check(bytes(changed), name)
    with pytest.raises(jacrs.FormatError):
        jacrs.load(io.BytesIO(FILES[name][: data.draw(st.integers(0, len(changed) - 1))]))
    with pytest.raises(jacrs.FormatError):
        jacrs.load(io.BytesIO(FILES[name] + b"\0"))


@given(st.binary(max_size=200))
def test_any_bytes(data):
    for head in (b"", FILES["branches"][:12]):
        with pytest.raises(LOADING):
            jacrs.load(io.BytesIO(head + data))


def flipped(data, dice):
    changed = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(changed))
        way = dice.randrange(3)
        if way == 0:
            changed[at] ^= 1 << dice.randrange(8)
        elif way == 1:
            changed.insert(at, dice.randrange(256))
        elif len(changed) > 1:
            del changed[at]
    return bytes(changed)


NUMBERS = (0, 1, -1, 2, 3, 7, 2**31, 2**52, 2**62, 2**63 - 1, -(2**63))
OTHERS = (None, True, 0.5, "tuple", "array", b"", b"\1", (), ("class", "subprocess", "Popen", ()))


def mutated(value, dice):
    """Return a plain value that differs in one place."""
    if type(value) is tuple and value and dice.random() < 0.97:
        at = dice.randrange(len(value))
        way = dice.randrange(24)
        if way == 0:
            return (*value[:at], *value[at + 1 :])
        if way == 1:
            return (*value[:at], value[dice.randrange(len(value))], *value[at:])
        return (*value[:at], mutated(value[at], dice), *value[at + 1 :])
    if type(value) is int and dice.random() < 0.8:
        return dice.choice((min(value + 1, 2**63 - 1), max(value - 1, -(2**63)), *NUMBERS))
    if type(value) is bytes and value and dice.random() < 0.9:
        return flipped(value, dice)
    if type(value) is float and dice.random() < 0.8:
        return dice.choice((math.nan, math.inf, -0.0, value + 1.0))
    return dice.choice((*NUMBERS, *OTHERS))


@given(st.sampled_from(NAMES), st.integers(0, 2**32), st.integers(1, 2))
@settings(max_examples=1500)
def test_other_values_with_a_checksum_that_fits(name, seed, changes):
    """What is read is checked for itself: a checksum keeps nobody out."""
    dice, value = random.Random(seed), _jacrs.unpacked(FILES[name])
    for _ in range(changes):
        value = mutated(value, dice)
    check(_jacrs.packed(value), name)


def test_plain_values_come_back():
    value = (None, True, -1, 2**63 - 1, -(2**63), 0.5, -0.0, "\u00fctext", b"\0\1", ((), ((1,),)))
    found = _jacrs.unpacked(_jacrs.packed(value))
    assert repr(found) == repr(value)


def test_tuples_in_tuples_are_bounded():
    deep = ()
    for _ in range(398):
        deep = (deep,)
    assert _jacrs.unpacked(_jacrs.packed(deep)) == deep
    with pytest.raises(RecursionError) as caught:
        _jacrs.packed(((deep,),))
    assert str(caught.value) == "maximum recursion depth exceeded in a saved function"


@pytest.mark.parametrize("name", ["subprocess.Popen", "os._wrap_close", "builtins.eval"])
def test_nothing_is_executed(name):
    """A class or a function that is named where something puts a container together is refused."""
    module, _, attribute = name.rpartition(".")
    about, words, part, traces = _jacrs.unpacked(FILES["containers"])
    cls = ("class", module, attribute, ())
    for maker in (cls, ("named", cls), ("fields", cls, (), (), ()), ("registered", cls, None, 1)):
        forms, graph, wanted, constants, answers, _, *rest = traces[0]
        built = ("made", maker, (("constant", "echo"),))
        changed = (forms, graph, wanted, constants, answers, built, *rest)
        with pytest.raises(jacrs.FormatError):
            jacrs.load(io.BytesIO(_jacrs.packed((about, words, part, (changed,)))))


def test_nothing_is_imported(monkeypatch):
    imported, real = [], builtins.__import__
    monkeypatch.setattr(
        builtins, "__import__", lambda name, *rest: imported.append(name) or real(name, *rest)
    )
    about, words, part, traces = _jacrs.unpacked(FILES["branches"])
    (positional, _), *rest = traces[0]
    same = ("same", ("class", "antigravity", "fly", ()))
    value = (about, words, part, ((((same, *positional[1:]), ()), *rest),))
    with pytest.raises(jacrs.FormatError, match="import antigravity before"):
        jacrs.load(io.BytesIO(_jacrs.packed(value)))
    assert "antigravity" not in imported


def test_versions():
    data = bytearray(FILES["branches"])
    assert data[:8] == b"\x89jacrs\r\n"
    data[8] += 1
    with pytest.raises(jacrs.FormatError, match=r"in format 2, and jacrs .* reads format 1"):
        jacrs.load(io.BytesIO(bytes(data)))


def test_what_read_gives_must_be_bytes():
    with pytest.raises(jacrs.FormatError):
        jacrs.load(io.StringIO("text"))


def test_a_result_that_names_other_memory_is_refused():
    """An array handed out as a number would be read beyond its end."""
    about, words, part, traces = _jacrs.unpacked(FILES["value and jacobian"])
    forms, graph, wanted, constants, answers, built, places, directions = traces[0]
    for wrong in (("scalar", 0), ("array", 7), ("array", -1), ("map", 0)):
        changed = (
            forms,
            graph,
            wanted,
            constants,
            answers,
            ("tuple", (wrong,)),
            places,
            directions,
        )
        with pytest.raises(jacrs.FormatError):
            jacrs.load(io.BytesIO(_jacrs.packed((about, words, part, (changed,)))))
    for wrong in ((99, 0), (2**62, 1), (-1, 0)):
        changed = (forms, graph, wanted, constants, answers, built, wrong, directions)
        with pytest.raises(jacrs.FormatError):
            jacrs.load(io.BytesIO(_jacrs.packed((about, words, part, (changed,)))))
    assert np.all(jacrs.load(io.BytesIO(FILES["value and jacobian"]))(*CASES["jacobian"][2][0])[0])
