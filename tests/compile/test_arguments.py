"""Which arguments a trace holds for, and arrays that lie in memory in any way."""

import warnings

import numpy as np
import pytest

import jacrs
from tests.compile.following import X, replayed, same

CUBE = np.arange(24.0).reshape(2, 3, 4) / 7 + 0.5


def unaligned(a):
    raw = np.zeros(a.nbytes + 1, np.uint8)
    view = raw[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def read_only(a):
    copy = a.copy()
    copy.flags.writeable = False
    return copy


class Own(np.ndarray):
    pass


LAYOUTS = {
    "C order": np.copy,
    "Fortran order": np.asfortranarray,
    "every second": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards": lambda a: a[..., ::-1].copy()[..., ::-1],
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "unaligned": unaligned,
    "read-only": read_only,
    "float32": lambda a: a.astype(np.float32),
    "int64": lambda a: a.astype(np.int64),
    "int32": lambda a: a.astype(np.int32),
    "bool": lambda a: a > 1.0,
    "complex": lambda a: a + 1j,
    "object": lambda a: a.astype(object),
    "empty": lambda a: a[:0],
    "0-d": lambda a: np.array(a.flat[3]),
    "a subclass": lambda a: a.view(Own),
    "masked": lambda a: np.ma.array(a, mask=a > 2),
    "half": lambda a: a.astype(np.float16),
}


def same_array(found, expected):
    assert np.shape(found) == np.shape(expected)
    assert np.asarray(found).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(
        np.asarray(found).astype(complex), np.asarray(expected).astype(complex), rtol=1e-6
    )


def twice(x):
    return x + x * 2


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arguments_of_any_layout(layout):
    compiled = jacrs.compile(twice)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for other in LAYOUTS.values():  # a trace of another layout must not be taken
            x = other(CUBE)
            same_array(compiled(x), twice(x))
        for scale in (1.0, 2.0, 3.0):
            x = LAYOUTS[layout](CUBE * scale)
            same_array(compiled(x), twice(x))
            same_array(compiled(x), twice(x))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_reached_arrays_of_any_layout(layout):
    held = {"a": CUBE}

    def f(x):
        return x * 2.0 + held["a"]

    compiled = jacrs.compile(f)
    x = np.float64(2.0)
    for scale in (1.0, 2.0):
        for make in (LAYOUTS[layout], np.copy):
            held["a"] = make(CUBE * scale)
            for _ in range(2):
                same_array(compiled(x), f(x))
            if held["a"].flags.writeable and held["a"].ndim:
                held["a"][..., :1] = 1
                for _ in range(2):
                    same_array(compiled(x), f(x))


def test_an_array_that_is_reshaped_in_place():
    held = np.arange(6.0)
    compiled = jacrs.compile(lambda x: x * held.sum(axis=0))
    same(compiled(2.0), 30.0)
    held.shape = (2, 3)
    same(compiled(2.0), 2 * held.sum(axis=0))
    held.shape = (6,)
    same(replayed(compiled, 2.0), 30.0)


def kind(x):
    if isinstance(x, np.ndarray):
        return x * 1.0
    return x * 2.0 if isinstance(x, float) else x * 3.0


NUMBERS = [2, 2.0, True, np.float64(2), np.float32(2), np.int64(2), np.array(2.0), np.array(2)]


def test_kinds_of_numbers_are_told_apart():
    compiled = jacrs.compile(kind)
    for _ in range(2):
        for x in NUMBERS:
            found, expected = compiled(x), kind(x)
            assert found == expected, x
            assert np.asarray(found).dtype == np.asarray(expected).dtype, x
    assert compiled.n_traces == len(NUMBERS)
    for x in (5.0, np.float64(5), np.array(5.0)):
        assert replayed(compiled, x) == kind(x)


def test_numbers_that_were_equal_once():
    f = jacrs.compile(lambda x, a, b: x * a + x**b + (a == b))
    for a, b in [(2.0, 2.0), (2.0, 3.0), (0.0, 0.0), (1.0, 0.5), (-0.0, 0.0), (np.nan, 1.0)]:
        with np.errstate(all="ignore"):
            expected = np.abs(X) * a + np.abs(X) ** b + (a == b)
        np.testing.assert_allclose(f(np.abs(X), a, b), expected, rtol=1e-14)


def test_constants_of_structure():
    scale = {"k": 0.0}
    compiled = jacrs.compile(lambda x: np.copysign(1.0, x * scale["k"]))
    for k in (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, np.nan, -0.0, 0.0):
        scale["k"] = k
        np.testing.assert_array_equal(compiled(X), np.copysign(1.0, X * k))
    compiled = jacrs.compile(lambda x, p: x**p)
    for p in (0.0, 1.0, 2.0, 3.0, 0.5, -1.0, 2, 3):
        np.testing.assert_allclose(compiled(np.abs(X), p), np.abs(X) ** p, rtol=1e-14)
    assert compiled.n_traces == 3  # one for floats, and one for each integer


def test_a_python_float_is_weak_beside_float32():
    x = X.astype(np.float32)
    compiled = jacrs.compile(lambda x, a: x * a)
    for a in (0.1, 0.2, 0.1):
        result = compiled(x, a)
        assert result.dtype == np.float32
        np.testing.assert_array_equal(result, x * a)
    assert compiled(x, np.float64(0.1)).dtype == np.float64


def test_integers_texts_and_options():
    def f(x, n=2, how="sin", *rest, **options):
        y = np.tile(getattr(np, how)(x), n)
        for value in rest:
            y = y + value
        return y * sum(options.values()) + len(options)

    compiled = jacrs.compile(f)
    calls = [
        ((X,), {}),
        ((X, 3), {}),
        ((X, 3, "cos"), {}),
        ((X, 3, "cos", 1.0), {}),
        ((X, 3, "cos", 1.0, 2), {"a": 1.0}),
        ((X,), {"n": 3}),
        ((X,), {"how": "cos", "n": 3}),
        ((X,), {"n": 3, "how": "cos"}),
        ((X,), {"a": 1.0, "b": 2.0}),
        ((X,), {"b": 2.0, "a": 1.0}),
    ]
    for args, keywords in calls * 2:
        same(compiled(*args, **keywords), f(*args, **keywords))
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        compiled()


def test_the_order_of_keywords_is_what_it_is():
    compiled = jacrs.compile(lambda **k: next(iter(k.values())) * 1.0)
    assert compiled(a=1.0, b=2.0) == 1.0
    assert compiled(b=2.0, a=1.0) == 2.0
    table = jacrs.compile(lambda d: next(iter(d.values())) * 1.0)
    assert table({"a": 1.0, "b": 2.0}) == 1.0
    assert table({"b": 2.0, "a": 1.0}) == 2.0


def test_nested_arguments_and_results():
    def f(p):
        return {"s": p["a"][0] * p["b"], "t": (p["a"][1], [p["n"], None]), "x": p["a"][0][0]}

    compiled = jacrs.compile(f)
    for scale in (1.0, 2.0):
        p = {"a": [X * scale, (1.0, 2.0)], "b": 3.0 * scale, "n": "text"}
        found, expected = compiled(p), f(p)
        same(found["s"], expected["s"])
        assert (found["t"], found["x"]) == (expected["t"], expected["x"])
        assert list(found) == list(expected)
        assert type(found["x"]) is np.float64
    assert compiled.n_traces == 1
    p["a"].append(X)
    same(compiled(p)["s"], f(p)["s"])
    assert compiled.n_traces == 2


def test_results_are_fresh():
    held = np.ones(3)
    compiled = jacrs.compile(lambda x: (x, held, x.T, np.arange(3), [x]))
    results = [compiled(X) for _ in range(3)]
    for result in results:
        for part in (*result[:4], result[4][0]):
            assert not np.shares_memory(part, X)
            assert not np.shares_memory(part, held)
            part[...] = 7
    same(compiled(X)[0], X)
    assert compiled(X)[3].tolist() == [0, 1, 2]
    assert results[0][4] is not results[1][4]


def test_the_same_array_twice_and_one_that_is_reached_too():
    held = X.copy()

    def f(a, b):
        return a * b + held

    compiled = jacrs.compile(f)
    other = np.arange(3.0)
    for a, b in [(held, held), (other, held), (held, other), (other, other)]:
        same(compiled(a, b), f(a, b))
    assert compiled.n_traces == 1


def test_no_arguments_and_results_that_are_none():
    held = {"k": 2.0}
    compiled = jacrs.compile(lambda: held["k"])
    assert [compiled(), compiled()] == [2.0, 2.0]
    held["k"] = 3.0
    assert compiled() == 3.0
    nothing = jacrs.compile(lambda x: None)
    assert nothing(X) is None
    assert replayed(nothing, X) is None


def test_objects_that_are_arguments():
    class Model:
        def __init__(self, k):
            self.k = k

    compiled = jacrs.compile(lambda m, x: x * m.k)
    models = [Model(2.0), Model(3.0)]
    for _ in range(2):
        for m in models:
            same(compiled(m, X), m.k * X)
    models[0].k = 5.0
    same(compiled(models[0], X), 5 * X)
    same(replayed(compiled, models[1], X), 3 * X)


def test_results_of_other_kinds_are_those_of_the_function():
    class Box:
        def __init__(self, x):
            self.x = x

    compiled = jacrs.compile(Box)
    same(compiled(X).x, X)
    texts = jacrs.compile(lambda x: f"{x[0]:.1f}")
    assert [texts(X), texts(X + 1), texts(X)] == ["1.5", "2.5", "1.5"]
    whole = jacrs.compile(lambda x: int(x[0]))
    assert [whole(X), whole(X + 0.25), whole(X + 1)] == [1, 1, 2]
