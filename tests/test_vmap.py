"""`vmap` against a loop: every function of NumPy, random programs, transforms in each other."""

import pickle
import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import jacrs
from tests.program_strategies import Program, programs
from tests.samples import FAMILIES
from tests.test_operations import Operation, assert_close, report

QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
LANES = 3
X = np.array([[0.7, 1.3, -0.4], [1.1, -0.2, 0.9], [-0.8, 0.5, 1.6], [0.3, 1.9, -1.2]])


def lane(x, axis, k):
    """One lane of an array, as a loop over the axis sees it."""
    return np.moveaxis(x, axis, 0)[k]


def loop(f, in_axes, *args):
    """Stack what `f` gives for each lane: lists of leaves."""
    width = next(x.shape[a] for x, a in zip(args, in_axes, strict=True) if a is not None)
    rows = []
    for k in range(width):
        one = [x if a is None else lane(x, a, k) for x, a in zip(args, in_axes, strict=True)]
        rows.append([np.asarray(leaf) for leaf in f(*one)])
    return [np.stack(leaves) for leaves in zip(*rows, strict=True)]


def compare(found, expected, tolerance):
    assert len(found) == len(expected)
    for a, b in zip(map(np.asarray, found), expected, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        if b.dtype.kind == "f":
            assert_close(a, b, 1e-5 if b.dtype == np.float32 else tolerance)
        else:
            np.testing.assert_array_equal(a, b)


# --- every function of NumPy


def lanes_of(x, axis, rng):
    """Lanes that differ from each other by a factor: what was sorted stays so."""
    factors = 1.0 + 1e-3 * rng.standard_normal(LANES)
    return np.stack([(x * factor).astype(x.dtype) for factor in factors], axis)


def mapped(op, rng):
    """Map a sample over random axes; return whether there was anything to compare."""
    axes = tuple(int(rng.integers(-x.ndim - 1, x.ndim + 1)) for x in op.at)
    stacked = [lanes_of(x, axis, rng) for x, axis in zip(op.at, axes, strict=True)]

    def plainly(*given):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return op(*(np.copy(x, order="K")[()] for x in given))

    try:
        expected = loop(plainly, axes, *stacked)
    except (AttributeError, TypeError, ValueError):
        return False  # numbers have no such method, or the lanes of NumPy differ in shape
    try:
        found = jacrs.vmap(lambda *x: tuple(op(*x)), axes)(*stacked)
    except TypeError as error:
        # One number of a lane is a scalar, to which NumPy's own `fill` does nothing at all.
        if "object does not support item assignment" in str(error):
            return False
        raise
    compare(found, expected, 1e-12)
    return True


@pytest.mark.parametrize("family", FAMILIES)
def test_every_function(family):
    rng = np.random.default_rng(5)
    found, judged = [], 0
    operations = [op for op in map(Operation, FAMILIES[family]) if op.at]
    for number, op in enumerate(operations):
        try:
            judged += mapped(op, rng)
        except Exception as error:
            words = " ".join(str(error).split())[:300]
            found.append(f"{number} {op.sample.title}: {type(error).__name__} {words}")
    report(found, operations)
    assert judged >= 0.95 * len(operations)


# --- random programs


def near(x, width, step):
    """Lanes so close to each other that they take the same branches, nearly always."""
    return np.stack([x * (1.0 + step * k) for k in range(width)])


@given(programs(), st.sampled_from([0.0, 1e-7]))
@settings(max_examples=1500, suppress_health_check=QUIET)
def test_random_programs(program: Program, step):
    f = program.function()
    lanes = near(program.x, LANES, step)
    try:
        found = jacrs.vmap(f)(lanes)
    except jacrs.TraceError as error:
        assume(not str(error).startswith("writing to this array is ambiguous"))
        if step > 0 and str(error).startswith("the lanes of a vmap"):
            return
        raise  # equal lanes agree about everything
    try:
        expected = loop(f, (0,), lanes)
    except ValueError:
        assume(False)  # another path, another shape
    compare(found, expected, 1e-9)


@given(programs(statements=5))
@settings(max_examples=400, suppress_health_check=QUIET)
def test_derivatives_of_random_programs(program: Program):
    f = program.function()
    lanes = near(program.x, 2, 0.0)

    def total(x):
        return sum((np.sin(y).sum() for y in f(x) if y.dtype.kind == "f"), 0.0 * x.sum())

    try:
        found = jacrs.vmap(jacrs.grad(total))(lanes)
    except jacrs.TraceError as error:
        assume(not str(error).startswith("writing to this array is ambiguous"))
        raise
    expected = jacrs.grad(total)(program.x)
    for row in found:
        assert_close(row, expected, 1e-10)
    whole = jacrs.grad(lambda x: np.sum(jacrs.vmap(total)(x)))(lanes)
    assert_close(whole, found, 1e-10)


# --- axes


def scaled(a, x, y):
    return a * x[:, None] + np.sin(y), {"sum": (np.sum(x), np.max(y, axis=0)), "one": 1.0}


def test_axes_of_arguments_and_results():
    rng = np.random.default_rng(1)
    a, x, y = rng.normal(size=(4,)), rng.normal(size=(3, 4)), rng.normal(size=(3, 4, 2))
    expected = loop(lambda *v: jacrs_leaves(scaled(*v)), (0, 1, 1), a, x, y)
    result = jacrs.vmap(scaled, (0, 1, -2))(a, x, y)
    compare(jacrs_leaves(result), expected, 1e-15)
    assert result[1]["one"].tolist() == [1.0] * 4
    result = jacrs.vmap(scaled, (0, 1, 1), (2, {"sum": (0, -1), "one": None}))(a, x, y)
    compare([np.moveaxis(result[0], 2, 0)], expected[:1], 1e-15)
    compare([result[1]["sum"][0], result[1]["sum"][1].T], expected[1:3], 1e-15)
    assert result[1]["one"] == 1.0
    only_y = jacrs.vmap(scaled, (None, None, 1))(0.5, x[:, 0], y)
    compare(
        jacrs_leaves(only_y),
        loop(lambda y: jacrs_leaves(scaled(0.5, x[:, 0], y)), (1,), y),
        1e-15,
    )


def jacrs_leaves(result):
    first, rest = result
    return [first, *rest["sum"], rest["one"]]


def test_containers_of_arguments():
    tree = {"w": X, "b": (np.arange(4.0), "name"), "n": None}

    def f(tree, k):
        (bias, name), nothing = tree["b"], tree["n"]
        assert (name, nothing) == ("name", None)
        assert list(tree) == ["w", "b", "n"]
        return tree["w"] @ k, bias

    found = jacrs.vmap(f, ({"w": 0, "n": None, "b": (0, None)}, None))(tree, np.ones(3))
    np.testing.assert_allclose(found[0], X.sum(1))
    np.testing.assert_array_equal(found[1], np.arange(4.0))
    assert type(jacrs.vmap(lambda x: None if x is None else (x, None))(X)[1]) is type(None)


def test_keywords_are_mapped_and_lists_are_arrays():
    found = jacrs.vmap(lambda x, *, by: x * by)(X, by=np.arange(4.0))
    np.testing.assert_array_equal(found, X * np.arange(4.0)[:, None])
    np.testing.assert_array_equal(jacrs.vmap(lambda x: x + 1)([1, 2, 3]), [2, 3, 4])
    np.testing.assert_array_equal(jacrs.vmap(lambda: 2.0, axis_size=3)(), [2.0, 2.0, 2.0])
    np.testing.assert_array_equal(jacrs.vmap(lambda x: [x, 2 * x])([1.5, 2]), [[1.5, 3], [2, 4]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.bool_])
def test_dtypes(dtype):
    x = np.array([[1, 0, 2], [0, 3, 1]]).astype(dtype)
    for f in (lambda x: x[::-1], np.sum, lambda x: x + x, lambda x: x * np.float32(1.5)):
        compare([jacrs.vmap(f)(x)], loop(lambda x, f=f: [f(x)], (0,), x), 1e-6)


def test_lanes_lie_in_memory_as_those_of_a_loop():
    """A reshape is a view or a copy by the order of the axes, and a write is seen through one."""

    def f(x):
        y = x * 1.0
        y.reshape(-1)[0] = 9.0
        return (y,)

    cube = np.arange(24.0).reshape(2, 3, 4)
    for x in (cube, np.asfortranarray(cube), cube.transpose(1, 2, 0)):
        for axis in range(3):
            compare(jacrs.vmap(f, axis)(x), loop(f, (axis,), x), 0)


def test_no_lanes():
    """The shapes are those of the results, although `f` has no values to compute with."""
    shape, order = jacrs.vmap(lambda x: (x @ x.T, np.argsort(x)))(np.zeros((0, 2, 3)))
    assert (shape.shape, order.shape, order.dtype) == ((0, 2, 2), (0, 2, 3), np.int64)
    assert jacrs.vmap(jacrs.grad(np.sum), 1)(np.zeros((3, 0))).shape == (0, 3)
    with pytest.raises(jacrs.TraceError, match="a vmap over an axis of length 0 has none"):
        jacrs.vmap(lambda x: x if x > 0 else -x)(np.zeros(0))


# --- transforms in transforms


def f1(x):
    return np.sum(x**3) * np.sin(x[0]) + np.prod(x)


def f2(x):
    return np.stack([x[0] * x[1], np.exp(x[2]), x @ x])


NESTED = {
    "vmap(grad)": (lambda f1, f2, each: each(jacrs.grad(f1))),
    "vmap(jacobian)": (lambda f1, f2, each: each(jacrs.jacobian(f2))),
    "vmap(jacrev)": (lambda f1, f2, each: each(jacrs.jacrev(f2))),
    "vmap(hessian)": (lambda f1, f2, each: each(jacrs.hessian(f1))),
    "vmap(grad(grad))": (
        lambda f1, f2, each: each(jacrs.grad(lambda x: np.sum(jacrs.grad(f1)(x) ** 2)))
    ),
    "jacobian(vmap)": (lambda f1, f2, each: jacrs.jacobian(each(f2))),
    "jacrev(vmap)": (lambda f1, f2, each: jacrs.jacrev(each(f2))),
    "hessian(vmap)": (lambda f1, f2, each: jacrs.hessian(lambda x: np.sum(each(f1)(x) ** 2))),
    "grad(vmap(hessian))": (
        lambda f1, f2, each: jacrs.grad(lambda x: np.sum(each(jacrs.hessian(f1))(x) ** 2))
    ),
    "grad(vmap(vmap))": (
        lambda f1, f2, each: jacrs.grad(lambda x: np.sum(each(lambda r: each(np.sin)(r * r))(x)))
    ),
    "jvp(vmap(jvp))": (
        lambda f1, f2, each: (
            lambda x: jacrs.jvp(
                each(lambda r: jacrs.jvp(f2, (r,), (r * r,))[1]), (x,), (np.cos(x),)
            )[1]
        )
    ),
    "vmap(vjp)": (lambda f1, f2, each: each(lambda r: jacrs.vjp(f2, r)[1](r))),
}


def as_loop(f):
    """What `vmap` does, by a loop that is recorded."""
    return lambda x: np.stack([f(row) for row in x])


@pytest.mark.parametrize("case", NESTED)
def test_transforms_nest(case):
    make = NESTED[case]
    found, expected = make(f1, f2, jacrs.vmap)(X), make(f1, f2, as_loop)(X)
    assert found.shape == expected.shape
    assert_close(found, expected, 1e-12)


def test_tape_and_stopped_gradients():
    def slope(x):
        with jacrs.Tape() as tape:
            x = tape.watch(x)
            y = np.sum(x**2 * jacrs.stop_gradient(x))
        return tape.gradient(y, x)

    np.testing.assert_allclose(jacrs.vmap(slope)(X), 2 * X**2, rtol=1e-14)
    with jacrs.Tape() as tape:
        x = tape.watch(X)
        y = jacrs.vmap(f1)(x)
        total = np.sum(y)
    np.testing.assert_allclose(
        tape.gradient(total, x), as_loop(jacrs.grad(f1))(X), rtol=1e-12, atol=1e-12
    )


def test_perturbations_of_different_lanes_and_levels_stay_apart():
    """The known case of confusion, mapped: the outer variable is a constant of the inner level."""

    def outer(x):
        inner = jacrs.vmap(jacrs.grad(lambda z: x * z))
        return x * np.sum(inner(np.ones(3)))

    assert jacrs.grad(outer)(2.0) == 12.0
    found = jacrs.vmap(jacrs.grad(outer))(np.array([2.0, 5.0]))
    np.testing.assert_array_equal(found, [12.0, 30.0])


def test_nested_lanes_with_mixed_axes():
    rng = np.random.default_rng(2)
    a, b, c = rng.normal(size=(2, 3)), rng.normal(size=(4, 3)), rng.normal(size=(2, 4, 5))

    def f(a, b, c):
        return np.outer(a + b, c)

    found = jacrs.vmap(jacrs.vmap(f, (None, 0, 0), 1), (0, None, 0), 2)(a, b, c)
    expected = np.einsum("ijk,ijl->kjil", a[:, None] + b[None], c)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    third = jacrs.vmap(jacrs.vmap(jacrs.vmap(lambda x, y, z: x * y - z, (0, None, None))))
    with pytest.raises(jacrs.ShapeError):
        third(a, b, c)
    grid = jacrs.vmap(
        jacrs.vmap(
            jacrs.vmap(lambda x, y, z: x * y - z, (None, None, 0)), (None, 0, None), out_axes=-1
        ),
        (0, None, None),
    )(np.arange(2.0), np.arange(3.0), np.arange(4.0))
    x, y, z = np.ogrid[:2, :3, :4]
    np.testing.assert_array_equal(grid, np.swapaxes(x * y - z, 1, 2))


def test_pullback_of_many_cotangents():
    def f(a, x):
        return {"y": a * x**2, "n": (np.sum(x), np.argmax(x))}

    _, pullback = jacrs.vjp(f, 3.0, np.array([1.0, 2.0]))
    rng = np.random.default_rng(3)
    many = {"y": rng.normal(size=(5, 2)), "n": (rng.normal(size=5), np.zeros(5))}
    rows = [pullback({"y": many["y"][k], "n": (many["n"][0][k], 0.0)}) for k in range(5)]
    expected = [np.stack(parts) for parts in zip(*rows, strict=True)]
    for pull in (pullback.batched, jacrs.vmap(pullback)):
        compare(pull(many), expected, 1e-15)

    def weighted(scale):
        pulled = pullback.batched({"y": scale * many["y"], "n": many["n"]})
        return np.sum(pulled[1] ** 2)

    h = 1e-6
    slope = (weighted(2.0 + h) - weighted(2.0 - h)) / (2 * h)
    assert jacrs.grad(weighted)(2.0) == pytest.approx(slope, rel=1e-8)

    def pulled_inside(x):
        pull = jacrs.vjp(np.sin, x)[1]
        return np.sum(pull.batched(np.outer(x, x)) * np.arange(1.0, 4.0)[:, None])

    x = X[0]
    rows = np.arange(1.0, 4.0) @ x
    expected = np.arange(1.0, 4.0) * (x @ np.cos(x)) + rows * (np.cos(x) - x * np.sin(x))
    np.testing.assert_allclose(jacrs.grad(pulled_inside)(x), expected, rtol=1e-12)
    with pytest.raises(jacrs.ShapeError, match=r"cotangent\S* has shape \(5, 3\)"):
        jacrs.vjp(np.sin, np.ones(2))[1].batched(np.ones((5, 3)))
    with pytest.raises(jacrs.ShapeError, match="one axis more than the result"):
        jacrs.vjp(np.sum, np.ones(2))[1].batched(1.0)


# --- what it is as a function


@jacrs.vmap
def decorated(x):
    """Double it."""
    return 2 * x


@partial(jacrs.vmap, in_axes=(1, None))
def by_columns(x, y):
    return x @ y


def test_it_is_a_function_like_the_other_transforms():
    assert decorated.__doc__ == "Double it."
    for f in (decorated, jacrs.vmap(np.sin), jacrs.vmap(jacrs.grad(f1), axis_size=4)):
        copy = pickle.loads(pickle.dumps(f))
        np.testing.assert_array_equal(copy(X), f(X))
    np.testing.assert_array_equal(by_columns(X.T, np.ones(3)), X @ np.ones(3))
    assert repr(jacrs.vmap(np.sin)) == "<jacrs.vmap of <ufunc 'sin'>>"


def test_results_are_fresh_and_inputs_are_not_written_to():
    x = X.copy()
    found = jacrs.vmap(lambda x: (x, x[0], np.zeros(2)))(x)
    for y in found:
        assert not np.shares_memory(x, y)
        y[...] = -1.0
    np.testing.assert_array_equal(x, X)
    with pytest.raises(jacrs.TraceError, match="it is an argument of a mapped function"):
        jacrs.vmap(lambda x: x.sort())(X)


def test_many_lanes_are_the_same_bits_for_every_number_of_threads():
    x = np.random.default_rng(4).normal(size=(50_000, 3))
    before = jacrs.num_threads()
    found = []
    try:
        for n in (1, 3):
            jacrs.set_num_threads(n)
            found.append(jacrs.vmap(jacrs.grad(f1))(x))
    finally:
        jacrs.set_num_threads(before)
    np.testing.assert_array_equal(*found)
    for k in (0, 777, 49_999):
        np.testing.assert_allclose(found[0][k], jacrs.grad(f1)(x[k]), rtol=1e-13, atol=1e-13)


def test_programs_are_found_again():
    f = jacrs.vmap(lambda x: np.sum(x * 0.125))
    f(X)
    before = jacrs._jacrs.cached_programs()
    f(X + 1.0)
    assert jacrs._jacrs.cached_programs() == before
