"""Compiled functions that were saved and loaded: the same results, without the function."""

import gc
import io
import operator
import os
import pickle
import sys
import types
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings

import jacrs
from tests.compile.saved_cases import CASES, MATRIX, Layer, Line, X, Z, branching, rows
from tests.program_strategies import programs
from tests.robust.processes import run


def saved(compiled):
    file = io.BytesIO()
    compiled.save(file)
    return file.getvalue()


def again(compiled):
    return jacrs.load(io.BytesIO(saved(compiled)))


def recorded(name):
    f, calls, _ = CASES[name]
    compiled = jacrs.compile(f)
    for arguments in calls:
        compiled(*arguments)
    assert compiled.n_traces > 0
    return compiled


def same(first, second):
    """Require equal types and bits, containers included."""
    assert type(first) is type(second)
    if isinstance(first, np.ndarray | np.generic):
        assert (first.dtype, first.shape) == (second.dtype, second.shape)
        assert first.tobytes() == second.tobytes()
    elif isinstance(first, dict):
        assert list(first) == list(second)
        same(list(first.values()), list(second.values()))
        assert getattr(first, "default_factory", 0) is getattr(second, "default_factory", 0)
    elif isinstance(first, tuple | list):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            same(one, other)
    elif isinstance(first, Line | Layer):
        same(vars(first), vars(second))
    else:
        assert repr(first) == repr(second)


@pytest.mark.parametrize("name", CASES)
def test_a_loaded_function_does_what_the_compiled_one_does(name):
    compiled = recorded(name)
    loaded = again(compiled)
    assert loaded.n_traces == compiled.n_traces
    before = compiled.n_traces
    for arguments in CASES[name][2]:
        same(loaded(*arguments), compiled(*arguments))
    assert compiled.n_traces == before, "the compiled function was recorded again"
    assert loaded.n_replays == len(CASES[name][2])


@pytest.mark.parametrize("name", CASES)
def test_saved_again_it_is_the_same_file(name):
    data = saved(recorded(name))
    loaded = jacrs.load(io.BytesIO(data))
    assert saved(loaded) == data
    same(pickle.loads(pickle.dumps(loaded))(*CASES[name][2][0]), loaded(*CASES[name][2][0]))


@given(programs())
@settings(max_examples=60)
def test_random_programs(program):
    f = program.function()
    for transform in (f, jacrs.jacobian(f)):
        compiled = jacrs.compile(transform)
        try:
            compiled(program.x)
        except jacrs.JacrsError:
            continue  # what cannot be recorded has tests of its own
        loaded = again(compiled)
        for x in (program.x, program.x * 1.0625, -program.x):
            try:
                found = loaded(x)
            except (jacrs.NoTraceError, jacrs.LinAlgError):
                continue
            same(found, compiled(x))
        same(loaded(program.x), compiled(program.x))


ELSEWHERE = """
import sys
import numpy as np
import jacrs

loaded = jacrs.load(sys.argv[1])
x = np.load(sys.argv[2])
assert "tests.compile.saved_cases" not in sys.modules
np.save(sys.argv[3], loaded(x))
assert "tests.compile.saved_cases" not in sys.modules
assert "scipy" not in sys.modules
"""


@pytest.mark.parametrize("level", ["", "baseline"])
def test_another_process_needs_neither_the_function_nor_its_module(tmp_path, level):
    compiled = recorded("jacobian")
    compiled.save(tmp_path / "f.jacrs")
    np.save(tmp_path / "x.npy", Z)
    paths = [tmp_path / name for name in ("f.jacrs", "x.npy", "y.npy")]
    run(ELSEWHERE, *paths, env={**os.environ, **({"JACRS_SIMD": level} if level else {})})
    found, expected = np.load(paths[2]), compiled(Z)
    if level:
        np.testing.assert_allclose(found, expected, rtol=1e-14)
    else:
        same(found, expected)


def test_a_loaded_function_goes_to_worker_processes(tmp_path):
    (tmp_path / "f.pickle").write_bytes(pickle.dumps(again(recorded("a named tuple"))))
    run(
        """
        import pickle, sys
        from multiprocessing import get_context
        import numpy as np

        if __name__ == "__main__":
            with open(sys.argv[1], "rb") as file:
                loaded = pickle.load(file)
            from tests.compile.saved_cases import Pair  # which the pickle has imported
            pairs = [(Pair(np.full(3, float(i)), 2.0),) for i in range(4)]
            with get_context("fork").Pool(2) as pool:
                found = pool.starmap(loaded, pairs)
            assert [x[0] for x in found] == [0.0, 2.0, 4.0, 6.0]
        """,
        tmp_path / "f.pickle",
    )


def test_a_graph_with_a_hundred_thousand_nodes():
    def long(x):
        for _ in range(25_000):
            x = np.sin(x) * 1.5 + x
        return x

    compiled = jacrs.compile(long)
    compiled(0.25)
    data = saved(compiled)
    assert len(data) < 2_000_000
    same(jacrs.load(io.BytesIO(data))(0.75), compiled(0.75))


# --- what is kept, and what is not


def test_what_was_reached_is_kept_as_it_was_when_saved():
    held = {"scale": np.array([1.0, 2.0, 3.0]), "power": 2}

    def f(x):
        return x ** held["power"] * held["scale"]

    compiled = jacrs.compile(f)
    compiled(X)
    held["scale"][:] = 5.0  # an input of the trace: no new recording
    loaded, wanted = again(compiled), compiled(Z)
    assert compiled.n_traces == 1
    held["scale"][:] = 7.0
    held["power"] = 3
    compiled(X)
    assert compiled.n_traces == 2
    later = again(compiled)  # the trace of the square does not hold any more
    assert later.n_traces == 1
    same(later(Z), compiled(Z))
    same(loaded(Z), wanted)
    held["power"] = 4
    with pytest.raises(jacrs.SaveError):
        compiled.save(io.BytesIO())
    held["power"] = 2
    same(again(compiled)(Z), wanted / 5.0 * 7.0)


def test_nothing_is_kept_alive():
    class Held:
        scale = np.arange(3.0)

    compiled = jacrs.compile(lambda x, held=Held: x * held.scale)
    compiled(X)
    loaded = again(compiled)
    gone = weakref.ref(Held)
    del compiled, Held
    gc.collect()
    assert gone() is None
    same(loaded(X), X * np.arange(3.0))


def test_a_loaded_function_says_what_it_is():
    loaded = again(recorded("branches"))
    assert loaded.__name__ == "branching"
    assert repr(loaded) == "<loaded branching>"
    text = loaded.explain()
    assert text.startswith(
        "branching: 4 traces, 0 replays\nfor (float64 array of shape (3,)) where"
    )
    assert "tape" in text

    class Model:
        times = again(recorded("numbers"))

    with pytest.raises(jacrs.NoTraceError):
        Model().times(X)  # the instance is argument 0


# --- calls for which nothing was saved


def test_it_never_records():
    loaded = again(recorded("branches"))
    for arguments in [
        (X[:2],),
        (X.astype("f4"),),
        (X.tolist(),),
        (X, 1),
        (),
        (np.arange(6.0)[::2],),
    ]:
        with pytest.raises(jacrs.NoTraceError):
            loaded(*arguments)
    with pytest.raises(jacrs.NoTraceError):
        loaded(x=X)
    with pytest.raises(jacrs.NoTraceError):
        loaded(np.array([9.0, 9.0, 9.0]))  # a way that was not taken
    assert loaded.n_traces == 4


def test_the_error_of_a_run_is_that_of_numpy():
    loaded = again(recorded("two arguments"))
    with pytest.raises(jacrs.LinAlgError, match="Singular matrix"):
        loaded(np.ones((3, 3)), X)


def test_another_course_is_taken_where_one_fails():
    def f(a):
        return np.linalg.inv(a) if a[0, 0] > 0 else a * 2.0

    compiled = jacrs.compile(f)
    compiled(-np.eye(2))
    compiled(np.eye(2))
    loaded = again(compiled)
    singular = np.array([[-1.0, 1.0], [1.0, -1.0]])  # inv fails, and is not asked for
    same(loaded(singular), singular * 2.0)


def test_too_large_a_result_is_refused():
    compiled = jacrs.compile(lambda x: np.broadcast_to(x, (100_000, 3)) * 2.0)
    compiled(X)
    loaded = again(compiled)
    jacrs.config.memory_limit = 100_000
    try:
        with pytest.raises(jacrs.MemoryLimitError):
            loaded(np.arange(3.0))
    finally:
        jacrs.config.memory_limit = None


# --- out=


OUTS = {
    "jacobian": lambda: np.full((4, 3), 9.0),
    "chunks": lambda: np.full((4, 3), 9.0),
    "forward": lambda: np.full((4, 6), 9.0)[:, ::2],
    "value and jacobian": lambda: np.full((4, 3), 9.0),
    "jacobian with aux": lambda: np.full((4, 3), 9.0),
    "hessian": lambda: np.full((3, 3), 9.0),
    "aux": lambda: np.full(3, 9.0),
    "all of it": lambda: (np.full(3, 9.0), np.full((3, 3), 9.0)),
    "branches": lambda: np.full(3, 9.0),
}


@pytest.mark.parametrize("name", OUTS)
def test_out(name):
    compiled = recorded(name)
    loaded = again(compiled)
    out, expected = OUTS[name](), OUTS[name]()
    x = CASES[name][1][0][0]
    result = loaded(x, out=out)
    wanted = compiled(x, out=expected)
    same(result, wanted)
    same(out, expected)
    part = loaded.derivative_of(result)
    assert part is out or all(map(operator.is_, part, out))


def test_an_out_that_does_not_fit_is_refused_and_not_written():
    loaded = again(recorded("jacobian"))
    locked = np.zeros((4, 3))
    locked.flags.writeable = False
    overlapping = np.lib.stride_tricks.as_strided(np.zeros(12), (4, 3), (0, 8), writeable=True)
    for out, cls in [
        (np.zeros((3, 4)), jacrs.ShapeError),
        (np.zeros((4, 3), "f4"), jacrs.DTypeError),
        (locked, jacrs.ArgumentError),
        (overlapping, jacrs.ArgumentError),
        ([[0.0] * 3] * 4, jacrs.DTypeError),
        ((np.zeros((4, 3)), np.zeros((4, 3))), jacrs.DTypeError),
        (None, jacrs.DTypeError),
    ]:
        with pytest.raises(cls):
            loaded(X, out=out)
        if isinstance(out, np.ndarray):
            assert not out.any()
    with pytest.raises(jacrs.NoTraceError):
        loaded(X[:2], out=np.zeros((4, 3)))
    x = X.copy()
    whole = np.zeros((4, 3))
    whole[0] = X
    same(loaded(whole[0], out=whole), loaded(x))  # it overlaps its own input


def test_out_is_an_argument_like_others_where_nothing_is_written():
    compiled = jacrs.compile(lambda x, out: x * out)
    compiled(X, out=2.0)
    same(again(compiled)(X, out=3.0), X * 3.0)


# --- files


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "f.jacrs"
    compiled = recorded("plain")
    compiled.save(path)
    data = path.read_bytes()
    assert data == saved(compiled)
    compiled.save(str(path))
    assert [p.name for p in tmp_path.iterdir()] == ["f.jacrs"]

    def full(*_):
        raise OSError("no space is left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        recorded("jacobian").save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["f.jacrs"]
    assert path.read_bytes() == data
    with pytest.raises(FileNotFoundError):
        jacrs.load(tmp_path / "other")
    with pytest.raises(FileNotFoundError):
        compiled.save(tmp_path / "folder" / "f")


def test_what_cannot_be_saved_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "f.jacrs"
    path.write_bytes(b"before")
    compiled = jacrs.compile(lambda x, f: f(x))
    compiled(X, np.sin)
    compiled(X, rows)
    with pytest.raises(jacrs.SaveError):
        compiled.save(path)
    assert path.read_bytes() == b"before"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_class_must_be_there_and_as_it_was(monkeypatch):
    module = types.ModuleType("for_a_while")
    module.Point = NamedTuple("Point", [("x", object), ("y", object)])
    module.Point.__module__ = "for_a_while"
    monkeypatch.setitem(sys.modules, "for_a_while", module)
    compiled = jacrs.compile(lambda p: type(p)(p.y, p.x))
    compiled(module.Point(X, 2.0))
    data = saved(compiled)
    point = jacrs.load(io.BytesIO(data))(module.Point(Z, 1.0))
    assert type(point) is module.Point
    module.Point = NamedTuple("Point", [("y", object), ("x", object)])
    with pytest.raises(jacrs.FormatError, match="of other fields"):
        jacrs.load(io.BytesIO(data))
    monkeypatch.delitem(sys.modules, "for_a_while")
    with pytest.raises(jacrs.FormatError, match="import for_a_while before"):
        jacrs.load(io.BytesIO(data))


def test_it_cannot_be_recorded_mapped_or_differentiated():
    loaded = again(recorded("plain"))
    for call in (
        lambda: jacrs.jacobian(loaded),
        lambda: jacrs.vmap(loaded),
        lambda: jacrs.jacobian(lambda x: 2.0 * loaded(x))(X),
    ):
        with pytest.raises(jacrs.UnsupportedError, match="rows was loaded"):
            call()
    same(jacrs.compile(lambda x: 2.0 * loaded(x))(X), 2.0 * loaded(X))  # run as it is


def test_threads_share_a_loaded_function():
    loaded = again(recorded("branches"))
    expected = [loaded(x) for x in (X, -X, 0 * X)]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(50):
            for found, wanted in zip(pool.map(loaded, (X, -X, 0 * X)), expected, strict=True):
                same(found, wanted)


def test_files_of_earlier_versions_are_read():
    """The file was written when the format was made. A change of it needs another number."""
    loaded = jacrs.load(Path(__file__).with_name("format-1.jacrs"))
    for x, a in ((X, 2.0), (Z, 2.0), (X, -1.0)):
        value, gradient = loaded(x, a)
        wanted, wanted_gradient = jacrs.value_and_grad(kept)(x, a)
        np.testing.assert_allclose(value, wanted, rtol=1e-14)
        np.testing.assert_allclose(gradient, wanted_gradient, rtol=1e-14)


def kept(x, a):
    return np.sum(np.tanh(x * a) * MATRIX) if a > 0 else branching(x)
