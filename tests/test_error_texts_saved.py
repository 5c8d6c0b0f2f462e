"""Texts about functions that are saved and loaded, whole."""

import io
import pickle
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import pytest

import jacrs
from jacrs import _jacrs, errors
from tests.error_subjects import X, check_error, total


def saved(f, *arguments):
    compiled = jacrs.compile(f)
    if arguments:
        compiled(*arguments)
    file = io.BytesIO()
    compiled.save(file)
    return file.getvalue()


def loaded(*given):
    return jacrs.load(io.BytesIO(saved(*given)))


def swapped(p):
    return type(p)(p[1], p[0])


def point(names):
    cls = NamedTuple("Point", [(name, object) for name in names])
    cls.__module__ = "some_module"
    return cls


def of_a_local_class():
    return saved(swapped, point("xy")(X, 2.0))


def by_default(x):
    return defaultdict(total, x=x)


def nested(x):
    for _ in range(300):
        x = (x,)
    return x


def without_its_class(fields):
    module = mock.Mock(spec=[])
    module.Point = point("xy")
    with mock.patch.dict(sys.modules, {"some_module": module}):
        data = saved(swapped, module.Point(X, 2.0))
        module.Point = fields and point(fields)
        jacrs.load(io.BytesIO(data))


def from_a_large_file():
    jacrs.config.memory_limit = 10
    try:
        jacrs.load(Path(__file__))
    finally:
        jacrs.config.memory_limit = None


def branching(x, n=0):
    return x * n if x[0] > 0 else -x


CASES = {
    "not_savable": (
        lambda: saved(lambda x, f: f(x), X, total),
        jacrs.SaveError,
        "<lambda> cannot be saved: argument 1 is a function, which is known by which object it is, "
        "and would be another one where the file is loaded; let the function reach it by itself, "
        "as in jacrs.compile(lambda x: f(x, that))",
    ),
    "not_savable: in a container": (
        lambda: saved(lambda options: X, {"a": [X, object()]}),
        jacrs.SaveError,
        "<lambda> cannot be saved: argument 0['a'][1] is an object, which is known by which object "
        "it is, and would be another one where the file is loaded; let the function reach it by "
        "itself, as in jacrs.compile(lambda x: f(x, that))",
    ),
    "not_savable: a default factory": (
        lambda: saved(by_default, X),
        jacrs.SaveError,
        "by_default cannot be saved: the default factory of the result is a function, which is "
        "known by which object it is, and would be another one where the file is loaded; let the "
        "function reach it by itself, as in jacrs.compile(lambda x: f(x, that))",
    ),
    "map_not_savable": (
        lambda: saved(lambda x: {"a": (x, jacrs.vjp(np.sin, x)[1])}, X),
        jacrs.SaveError,
        "<lambda> cannot be saved: the result['a'][1] is a pullback or a lazy Jacobian, which "
        "computes with what the call has left in this process; save a function of the products "
        "that you need, as jacrs.compile(lambda x, ct: jacrs.vjp(f, x)[1](ct))",
    ),
    "not_picklable": (
        lambda: pickle.dumps(jacrs.linearize(total, X)[1]),
        jacrs.SaveError,
        "<jacrs Jacobian of total: 1 x 3, float64> cannot be pickled: it computes with what its "
        "call has left in this process; pickle an array of it, as that of J.dense(), or the "
        "function and the point, of which it can be made again",
    ),
    "not_importable": (
        of_a_local_class,
        jacrs.SaveError,
        "swapped cannot be saved: argument 0 is of the class some_module.Point, which is not "
        "found by this name; define it at the top of a module",
    ),
    "too_nested": (
        lambda: saved(nested, X),
        jacrs.SaveError,
        "nested cannot be saved: its containers are nested too deeply; pass flatter ones",
    ),
    "nothing_to_save": (
        lambda: saved(total),
        jacrs.SaveError,
        "total has no trace that holds as things are now, so there is nothing to save: call it "
        "first for arguments like those that it will be loaded for",
    ),
    "too_large_file": (
        from_a_large_file,
        jacrs.MemoryLimitError,
        f"the file has {Path(__file__).stat().st_size} bytes, but 10 are available: raise "
        "jacrs.config.memory_limit, or load it where there is more memory",
    ),
    "damaged": (
        lambda: jacrs.load(io.BytesIO(_jacrs.packed(("name", None, None, 7)))),
        jacrs.FormatError,
        "this is no saved function, or one that was damaged: 'int' object is not iterable; save it "
        "again with compiled.save",
    ),
    "missing_class": (
        lambda: without_its_class(None),
        jacrs.FormatError,
        "this function was saved with the class some_module.Point, which is not there: loading "
        "imports nothing, so import some_module before you load it",
    ),
    "other_class": (
        lambda: without_its_class("yx"),
        jacrs.FormatError,
        "this function was saved with a class some_module.Point of other fields, or one that was "
        "registered: save it again",
    ),
    "no_trace": (
        lambda: loaded(branching, X, 3)(np.zeros((6, 2))[::2], n=[1.5, {"a": None}, Path()]),
        jacrs.NoTraceError,
        "nothing that was saved of branching holds for (float64 array of shape (3, 2) with strides "
        "(4, 1), n=[a float, {'a': None}, a PosixPath]). It was saved for\n"
        "  (float64 array of shape (3,), 3) where branches were decided by 1\n"
        "Call the compiled function for such arguments before you save it",
    ),
    "is_loaded": (
        lambda: jacrs.grad(loaded(total, X)),
        jacrs.UnsupportedError,
        "total was loaded, so it can be called but not recorded, mapped or differentiated; save "
        "what you need of it: jacrs.compile(jacrs.grad(f)).save(file)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_texts(name):
    check_error(name, *CASES[name])


def test_texts_of_what_is_read_name_the_line_of_the_call():
    data = saved(total, X)
    other = bytearray(data)
    other[8] = 9
    begin = "this is no saved function, or one that was damaged: "
    end = "; save it again with compiled.save"
    manifest = (Path(__file__).parents[1] / "Cargo.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "(.*)"$', manifest, re.MULTILINE)[1]
    for given, text in [
        (b"text", f"{begin}it does not begin as one{end}"),
        (data[:14], f"{begin}it ends early{end}"),
        (data[:-1], f"{begin}it has fewer bytes than were written{end}"),
        (data + b"\0", f"{begin}it has more bytes than were written{end}"),
        (data[:-1] + b"\x77", f"{begin}its checksum is another{end}"),
        (
            bytes(other),
            f"this function was saved by jacrs {version} in format 9, and jacrs {version} reads "
            "format 1: save it again with this version",
        ),
    ]:
        with pytest.raises(jacrs.FormatError) as caught:
            jacrs.load(io.BytesIO(given))
        first, _, place = str(caught.value).partition("\n  at ")
        assert first == text
        assert place.endswith(": jacrs.load(io.BytesIO(given))")


def test_the_words_of_all_kinds_of_arguments():
    given = (
        (X, [1.5, np.float64(2.5)]),
        {"a": "text", 3: np.array(["t"])},
        *(1, None, True, b"b", 1j, 0.5 if X[0] < 9 else 0.25),
        "long" * 30,
    )
    words = loaded(lambda *given: X * 2.0, *given).explain().split("\n")[1]
    assert words == (
        "for ((float64 array of shape (3,), [a float, a float64]), {'a': 'text', 3: the same <U1 "
        "array of shape (1,)}, 1, None, True, b'b', 1j, a float, "
        "'longlonglonglonglonglonglonglonglong...)"
    )
    assert errors.describe(None) == "None"
