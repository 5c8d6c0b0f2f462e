"""`out=` and `chunk_size`: where derivatives are written, and how many directions at a time."""

import functools
import threading

import numpy as np
import pytest
from hypothesis import assume, given, settings

import jacrs
from tests.program_strategies import Program, programs
from tests.test_programs import AMBIGUOUS, QUIET

RNG = np.random.default_rng(5)
X = np.array([0.7, 1.3, -0.4])
MATRIX = RNG.normal(size=(5, 3))


def f(x):
    return np.tanh(MATRIX @ x)


def energy(x):
    return np.sum(np.sin(x) * np.roll(x, 1) ** 2)


def strided(shape, dtype=np.float64):
    """Return an array of this shape with gaps and a negative stride, filled with a mark."""
    big = np.full([2 * n + 1 for n in shape], -7.0, dtype)
    view = big[(..., *(slice(None, 0, -2) for _ in shape))]
    assert view.shape == tuple(shape)
    return view


PLACES = {
    "contiguous": lambda shape, dtype: np.full(shape, -7.0, dtype),
    "Fortran": lambda shape, dtype: np.full(shape, -7.0, dtype, order="F"),
    "strided": strided,
    "part of a buffer": lambda shape, dtype: np.zeros((3, *shape), dtype)[1, ...],
    "unaligned": lambda shape, dtype: np.ndarray(
        shape, dtype, np.zeros(800, np.uint8), np.dtype(dtype).itemsize - 1
    ),
}
WHOLE = {
    "jacobian": lambda **k: (jacrs.jacobian(f, **k), X),
    "jacfwd": lambda **k: (jacrs.jacfwd(f, **k), X),
    "jacrev": lambda **k: (jacrs.jacrev(f, **k), X),
    "grad": lambda **k: (jacrs.grad(energy, **k), X),
    "hessian": lambda **k: (jacrs.hessian(energy, **k), X),
    "hessian of a vector": lambda **k: (jacrs.hessian(f, **k), X),
    "float32": lambda **k: (jacrs.jacobian(np.sin, **k), X.astype(np.float32)),
    "widened, reverse": lambda **k: (jacrs.jacrev(f, **k), X.astype(np.float32)),
    "a number": lambda **k: (jacrs.jacobian(energy, **k), np.float64(1.5)),
    "by a number": lambda **k: (jacrs.jacobian(lambda t: f(t * X), **k), np.float64(1.5)),
    "empty": lambda **k: (jacrs.jacobian(np.sin, **k), np.zeros((0, 2))),
    "a constant": lambda **k: (jacrs.jacobian(lambda x: np.ones(2), **k), X),
    "integers": lambda **k: (jacrs.jacobian(np.argsort, **k), X),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("case", WHOLE)
def test_it_is_written_and_returned(case, place):
    derivative, x = WHOLE[case]()
    expected = np.asarray(derivative(x))
    out = PLACES[place](expected.shape, expected.dtype)
    assert derivative(x, out=out) is out
    np.testing.assert_array_equal(out, expected)
    if place == "strided" and out.size and out.ndim:
        assert out.base.sum() == pytest.approx(out.sum() - 7.0 * (out.base.size - out.size))


def test_a_contiguous_array_is_written_in_place():
    """Nothing of the size of the result is allocated; it is the memory limit that tells."""
    n = 3000
    x, out = np.linspace(0.0, 1.0, n), np.empty((n, n))
    before = jacrs.config.memory_limit
    jacrs.config.memory_limit = 20_000_000  # the Jacobian takes 72 MB
    try:
        with pytest.raises(jacrs.MemoryLimitError):
            jacrs.jacfwd(np.sin)(x)
        with pytest.raises(jacrs.MemoryLimitError):
            jacrs.jacfwd(np.sin)(x, out=out.T)
        jacrs.jacfwd(np.sin, chunk_size=16)(x, out=out)
    finally:
        jacrs.config.memory_limit = before
    np.testing.assert_array_equal(out, np.diag(np.diag(out)))
    np.testing.assert_allclose(np.diag(out), np.cos(x), 1e-15)


def test_containers():
    def g(p, t):
        return {"a": p["x"] * t, "b": (np.sum(p["x"] ** 2), np.argmax(p["x"]))}

    args = {"x": X}, 2.0
    expected = jacrs.jacobian(g, argnums=(0, 1))(*args)

    def places(tree):
        if isinstance(tree, dict):
            return {key: places(item) for key, item in tree.items()}
        if isinstance(tree, tuple):
            return tuple(map(places, tree))
        return strided(np.shape(tree))

    out = places(expected)
    assert jacrs.jacobian(g, argnums=(0, 1))(*args, out=out) is out
    np.testing.assert_equal(out, expected)
    out = [{"x": np.zeros(3)}, np.zeros(())]
    gradient = jacrs.grad(lambda p, t: np.sum(p["x"]) * t, argnums=(0, 1))
    with pytest.raises(jacrs.ArgumentError, match=r"out must be a tuple of 2, but is a list"):
        gradient(*args, out=out)
    assert gradient(*args, out=tuple(out))[0]["x"].tolist() == [2, 2, 2]


@given(programs(statements=6))
@settings(max_examples=150, suppress_health_check=QUIET)
def test_random_programs(program: Program):
    g, x = program.function(), program.x
    try:
        values, blocks = jacrs.value_and_jacobian(g)(x)
    except jacrs.TraceError as error:
        assume(not str(error).startswith(AMBIGUOUS))
        raise
    out = tuple(strided(np.shape(block), block.dtype) for block in blocks)
    for chunk_size in (1, 40):
        again, found = jacrs.value_and_jacobian(g, chunk_size=chunk_size)(x, out=out)
        assert found is out
        for a, b in zip((*values, *blocks), (*again, *out), strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def test_with_values_and_auxiliary_data():
    gradient, hessian = np.zeros(3), strided((3, 3))
    value, g, h = jacrs.value_grad_and_hessian(energy)(X, out=(gradient, hessian))
    assert (g is gradient, h is hessian) == (True, True)
    np.testing.assert_array_equal(h, jacrs.hessian(energy)(X))
    np.testing.assert_array_equal(g, jacrs.value_and_grad(energy)(X)[1])
    _, g, h = jacrs.value_grad_and_hessian(energy)(X, out=(None, hessian))
    assert (g is gradient, h is hessian) == (False, True)
    value, g = jacrs.value_and_grad(energy)(X, out=gradient)
    assert (value == energy(X), g is gradient) == (True, True)
    out = np.zeros((5, 3))
    (y, aux), J = jacrs.value_and_jacobian(lambda x: (f(x), x), has_aux=True)(X, out=out)
    np.testing.assert_array_equal(y, jacrs.value_and_jacobian(f)(X)[0])
    np.testing.assert_array_equal(aux, X)
    assert J is out


# --- memory shared with what is read


@pytest.mark.parametrize("n", [3, 200])  # small inputs are copied, large ones are not
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_out_may_share_memory_with_arguments_and_captured_arrays(mode, n):
    memory = RNG.normal(size=(n, n))
    x, scale = memory[0], memory[1:3]

    def g(x):
        return np.exp(-(x**2)) * scale[0] + x[0], (x * 2, scale[1], np.argsort(x))

    run = jacrs.value_and_jacobian(g, has_aux=True, mode=mode)
    (y, aux), J = run(x)
    expected = [np.copy(part) for part in (y, *aux, J)]
    (y, aux), J = run(x, out=memory)
    assert J is memory
    for found, wanted in zip((y, aux[0], aux[2], J), (*expected[:2], *expected[3:]), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_out_may_be_the_large_argument_itself():
    n = 20_000
    x = RNG.normal(size=n)
    expected = jacrs.grad(energy)(x)
    assert jacrs.grad(energy)(x, out=x) is x
    np.testing.assert_array_equal(x, expected)
    x = RNG.normal(size=(1, n))
    expected = jacrs.jacobian(lambda x: np.sum(np.sin(x) * x, axis=1))(x)
    out = x.reshape(1, 1, n)
    jacrs.jacobian(lambda x: np.sum(np.sin(x) * x, axis=1))(x, out=out)
    np.testing.assert_array_equal(out, expected)


def test_constants_that_share_memory_are_kept():
    memory = np.array([[1.0, 2.0], [3.0, 4.0]])
    y, _ = jacrs.value_and_jacobian(lambda x: (x, memory[0]))(
        np.array([5.0, 6.0]), out=(memory, np.zeros((2, 2)))
    )
    assert y[1].tolist() == [1, 2]


def test_threads_may_share_an_out():
    x = np.linspace(0.0, 1.0, 300)
    expected, out = jacrs.jacobian(np.sin)(x), np.zeros((300, 300))
    threads = [
        threading.Thread(target=lambda: jacrs.jacobian(np.sin)(x, out=out)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(out, expected)


# --- what is refused


def read_only():
    array = np.zeros((5, 3))
    array.flags.writeable = False
    return array


WRONG = {
    "shape": (lambda: np.zeros((3, 5)), jacrs.ShapeError, "out has shape (3, 5), but"),
    "dtype": (lambda: np.zeros((5, 3), np.float32), jacrs.DTypeError, "out has dtype float32"),
    "byte order": (lambda: np.zeros((5, 3), ">f8"), jacrs.DTypeError, "out has dtype >f8"),
    "read-only": (read_only, jacrs.ArgumentError, "out is read-only"),
    "a list": (lambda: [[0.0] * 3] * 5, jacrs.DTypeError, "out is a list"),
    "masked": (lambda: np.ma.zeros((5, 3)), jacrs.DTypeError, "out is a MaskedArray"),
    "broadcast": (
        lambda: np.lib.stride_tricks.as_strided(np.zeros(3), (5, 3), (0, 8)),
        jacrs.ArgumentError,
        "out has several elements at one address",
    ),
    "sliding": (
        lambda: np.lib.stride_tricks.as_strided(np.zeros(7), (5, 3), (8, 8)),
        jacrs.ArgumentError,
        "out has several elements at one address",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_places(case):
    make, error, text = WRONG[case]
    with pytest.raises(error) as caught:
        jacrs.jacobian(f)(X, out=make())
    assert str(caught.value).startswith(text)
    assert isinstance(caught.value, jacrs.JacrsError)


def test_places_that_share_memory_are_refused_and_those_that_interleave_are_not():
    def pair(x):
        return x * 2, x**2

    memory = np.zeros((3, 6))
    with pytest.raises(jacrs.ArgumentError, match="shares memory with another"):
        jacrs.jacobian(pair)(X, out=(memory[:, :3], memory[:, 2:5]))
    with pytest.raises(jacrs.ArgumentError, match="shares memory with another"):
        jacrs.jacobian(pair)(X, out=(memory[:, :3], memory[:, :3]))
    assert not memory.any()
    jacrs.jacobian(pair)(X, out=(memory[:, ::2], memory[:, 1::2]))
    np.testing.assert_array_equal(memory[:, ::2], 2 * np.eye(3))
    np.testing.assert_array_equal(memory[:, 1::2], np.diag(2 * X))
    square = np.zeros((3, 3))
    with pytest.raises(jacrs.ArgumentError, match="shares memory"):
        jacrs.value_grad_and_hessian(energy)(X, out=(square[0], square))
    with pytest.raises(jacrs.DTypeError, match=r"out must be a tuple \(gradient, hessian\)"):
        jacrs.value_grad_and_hessian(energy)(X, out=square)


def test_nothing_is_written_when_the_call_fails():
    out = np.full((3, 3), 5.0)

    def pair(x):
        return x, x

    def fails(x):
        raise RuntimeError("f itself")

    for call, places in ((pair, (out, np.zeros(3))), (fails, out), (lambda x: None, out)):
        with pytest.raises((jacrs.JacrsError, RuntimeError)):
            jacrs.jacobian(call)(X, out=places)
    with pytest.raises(jacrs.ShapeError):
        jacrs.grad(lambda x: x)(X, out=out[0])
    assert (out == 5.0).all()


def test_a_keyword_of_the_function_itself_is_passed_by_partial():
    def g(x, out=None):
        return x * out

    assert jacrs.jacobian(functools.partial(g, out=3.0))(2.0) == 3.0
    assert "recorded" in jacrs.explain(g)(2.0, out=3.0)


# --- inside of recordings


def test_a_recorded_derivative_is_written_to_an_array_made_inside():
    def g(x):
        out = np.zeros((3, 3))
        found = jacrs.jacobian(lambda z: z**3)(x, out=out)
        assert found is out
        slope = np.zeros(3)
        jacrs.grad(lambda z: np.sum(z**3))(x, out=slope)
        second = np.zeros((3, 3))
        jacrs.value_grad_and_hessian(lambda z: np.sum(z**4))(x, out=(None, second))
        return out @ x + slope + second @ x

    expected = 9 * X**2 + 6 * X + 36 * X**2
    np.testing.assert_allclose(np.diag(jacrs.jacobian(g)(X)), expected, 1e-13)


def test_a_plain_array_is_refused_inside():
    plain = np.zeros((3, 3))
    for transform in (jacrs.jacobian, jacrs.hessian):
        with pytest.raises(jacrs.TraceError, match="this call is part of a recording"):
            jacrs.jacobian(functools.partial(transform(np.sin), out=plain))(X)
    assert not plain.any()


def test_recorded_places_that_share_memory_are_refused():
    def g(x):
        out = np.zeros((4, 3))
        return jacrs.jacobian(lambda z: (z, z))(x, out=(out[:3], out[1:]))[0]

    with pytest.raises(jacrs.ArgumentError, match="shares memory"):
        jacrs.jacobian(g)(X)


# --- chunks

CHUNKS = [None, 1, 15, 16, 17, 40, 10**6, 2**80, np.int64(20)]


def wide(x):
    return np.cumsum(np.exp(-(x**2))) * np.roll(x, 3) + np.sum(x) / x.size


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("transform", ["jacobian", "jacfwd", "jacrev", "hessian"])
def test_the_bits_are_the_same_for_every_chunk_size(transform, threads):
    x = RNG.normal(size=90)
    g = wide if transform != "hessian" else lambda x: np.sum(wide(x) ** 2)
    before = jacrs.num_threads()
    jacrs.set_num_threads(threads)
    try:
        results = [getattr(jacrs, transform)(g, chunk_size=n)(x) for n in CHUNKS]
        values = [jacrs.value_and_jacobian(g, chunk_size=n)(x)[1] for n in CHUNKS]
        seconds = [
            jacrs.value_grad_and_hessian(lambda x: np.sum(wide(x)), chunk_size=n)(x)[2]
            for n in CHUNKS
        ]
    finally:
        jacrs.set_num_threads(before)
    for others in (results, values, seconds):
        assert all(other.tobytes() == others[0].tobytes() for other in others)


def test_chunks_bound_the_memory():
    x = RNG.normal(size=(200, 200))
    before, limit = jacrs.num_threads(), jacrs.config.memory_limit

    def g(x):
        return np.sum(np.sin(x) @ np.cos(x), axis=1)

    def run(chunk_size):
        return jacrs.jacrev(g, chunk_size=chunk_size)(x)

    jacrs.set_num_threads(8)
    try:
        expected = run(16)
        jacrs.config.memory_limit = 120_000_000  # of which 64 for the result
        with pytest.raises(jacrs.MemoryLimitError, match="on 8 threads"):
            run(None)
        with pytest.raises(jacrs.MemoryLimitError, match="on 8 threads"):
            run(128)
        assert run(16).tobytes() == expected.tobytes()
    finally:
        jacrs.set_num_threads(before)
        jacrs.config.memory_limit = limit


@pytest.mark.parametrize("chunk_size", [0, -3, 1.5, "16", True, np.float64(16)])
def test_wrong_chunk_sizes(chunk_size):
    for transform in (jacrs.jacobian, jacrs.jacfwd, jacrs.hessian, jacrs.value_grad_and_hessian):
        with pytest.raises(jacrs.ArgumentError, match="chunk_size must be a positive integer"):
            transform(f, chunk_size=chunk_size)


def test_chunks_inside_of_a_recording():
    g = jacrs.jacobian(lambda x: np.sum(jacrs.jacobian(wide, chunk_size=16)(x), axis=0))
    x = RNG.normal(size=20)
    expected = jacrs.jacobian(lambda x: np.sum(jacrs.jacobian(wide)(x), axis=0))(x)
    np.testing.assert_array_equal(g(x), expected)
