"""Arrays as they come: any memory layout, any flags, any dtype, any number of axes."""

import tempfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jacrs

V = np.linspace(0.1, 1.3, 6)


def packed(values):
    """Numbers that lie at odd addresses."""
    records = np.zeros(len(values), dtype=[("tag", "i1"), ("value", "f8")])
    records["value"] = values
    return records["value"]


def read_only(array):
    array.setflags(write=False)
    return array


def mapped():
    with tempfile.TemporaryFile() as file:
        array = np.memmap(file, dtype=np.float64, mode="w+", shape=(6,))
    array[:] = V
    return array


LAYOUTS = {
    "read-only": lambda: read_only(V.copy()),
    "other byte order": lambda: V.astype(">f8" if np.little_endian else "<f8"),
    "float32 of the other byte order": lambda: V.astype(">f4" if np.little_endian else "<f4"),
    "strided": lambda: np.repeat(V, 3)[::3],
    "reversed": lambda: V[::-1],
    "reversed in two axes": lambda: np.arange(6.0).reshape(2, 3)[::-1, ::-1],
    "repeated": lambda: np.broadcast_to(np.float64(0.7), (6,)),
    "repeated rows": lambda: np.broadcast_to(V, (3, 6)),
    "Fortran order": lambda: np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "permuted": lambda: np.arange(24.0).reshape(2, 3, 4).transpose(1, 2, 0),
    "unaligned": lambda: packed(V),
    "unaligned and strided": lambda: packed(np.repeat(V, 2))[::2],
    "large and unaligned": lambda: packed(np.tile(V, 2000)),
    "a file in memory": mapped,
    "empty": lambda: np.zeros((0, 3)),
    "0-d": lambda: np.array(0.3),
    "one element, strange strides": lambda: np.lib.stride_tricks.as_strided(V, (1,), (12345,)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    """As the argument, as a constant beside it, as a tangent and as a cotangent."""
    x = LAYOUTS[layout]()
    plain = np.array(x, dtype=x.dtype.newbyteorder("="))
    precision = 1e-6 if plain.dtype == np.float32 else 1e-14
    slope = np.cos(plain) * plain + np.sin(plain)
    np.testing.assert_allclose(
        jacrs.grad(lambda t: np.sum(np.sin(t) * t))(x), slope, rtol=precision, atol=precision
    )
    np.testing.assert_allclose(jacrs.grad(lambda t: np.sum(t * x))(plain), plain, rtol=precision)
    jacobian = jacrs.jacobian(np.sin)(x) if x.size < 1000 else np.diag(np.cos(plain))
    assert jacobian.shape == x.shape * 2
    diagonal = jacobian.reshape(x.size, x.size).diagonal()
    np.testing.assert_allclose(diagonal, np.cos(plain).ravel(), rtol=precision)
    _, along = jacrs.jvp(np.sin, (plain,), (x,))
    np.testing.assert_allclose(along, np.cos(plain) * plain, rtol=precision, atol=precision)
    _, pullback = jacrs.vjp(np.sin, plain)
    np.testing.assert_allclose(pullback(x), np.cos(plain) * plain, rtol=precision, atol=precision)


def test_a_file_is_a_plain_array_to_the_function():
    seen = []
    jacrs.grad(lambda x: seen.append(isinstance(x, np.memmap)) or np.sum(x))(mapped())
    assert seen == [False]


@pytest.mark.parametrize("axes", [31, 32, 33, 63, 64])
def test_many_axes(axes):
    shape = (2, *(1,) * (axes - 2), 3)
    x = np.linspace(0.1, 1.0, 6).reshape(shape)

    def f(x):
        y = np.zeros(shape)
        y[...] = np.sin(x) * x
        y[0, ..., 1:] *= 2.0
        return np.sum(y.T[::-1] * np.arange(3.0).reshape((3,) + (1,) * (axes - 1)))

    def plain(x):
        y = np.sin(x) * x
        y[0, ..., 1:] *= 2.0
        return np.sum(y.T[::-1] * np.arange(3.0).reshape((3,) + (1,) * (axes - 1)))

    direction = np.cos(x)
    value, along = jacrs.jvp(f, (x,), (direction,))
    assert value == pytest.approx(plain(x), rel=1e-15)
    step = 1e-6
    difference = (plain(x + step * direction) - plain(x - step * direction)) / (2 * step)
    assert along == pytest.approx(difference, rel=1e-8)
    assert jacrs.grad(f)(x).shape == shape
    if axes <= 32:
        assert jacrs.jacobian(np.sin)(x).shape == shape * 2
    else:
        text = f"a result of {2 * axes} axes: arrays have 64 at most"
        with pytest.raises(jacrs.ShapeError, match=text):
            jacrs.jacobian(np.sin)(x)


@pytest.mark.parametrize("axes", [65, 100, 300])
def test_more_axes_than_arrays_have(axes):
    def f(x):
        return np.sum(x.reshape((1,) * axes))

    with pytest.raises(ValueError, match=f"currently 64, found {axes}"):
        jacrs.grad(f)(np.ones(1))


@pytest.mark.parametrize(
    "dtype",
    ["O", "U3", "S3", "M8[s]", "m8[s]", "c16", "c8", "f2", "g", "V4", [("a", "f8")]],
    ids=str,
)
def test_dtypes_that_cannot_be_recorded(dtype):
    array = np.zeros(3, dtype=dtype)
    with pytest.raises(jacrs.DTypeError, match=r"argument 0 is an? .* array of shape \(3,\)"):
        jacrs.grad(np.sum)(array)
    text = r"arrays of dtype .* cannot be recorded; convert .*\n  at .* in .*: x \* array"
    with pytest.raises(jacrs.DTypeError, match=text):
        jacrs.grad(lambda x: np.sum(x * array))(np.ones(3))


def test_ten_million_elements():
    x = np.full(10_000_000, 0.5)
    gradient = jacrs.grad(lambda x: np.sum(np.sin(x) * x))(x)
    assert gradient[0] == gradient[-1] == pytest.approx(np.cos(0.5) * 0.5 + np.sin(0.5))
    assert np.ptp(gradient) == 0.0


SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.5, 1e308, -1e308, 5e-324, 1e-310]
UNARY = (
    "negative abs sign sqrt square exp log sin tanh floor ceil trunc rint reciprocal expm1 log1p "
    "cbrt isnan isfinite isinf signbit arctan"
).split()
BINARY = (
    "add subtract multiply divide power maximum minimum fmax fmin copysign hypot arctan2 less "
    "greater equal logical_and heaviside floor_divide remainder"
).split()
REDUCED = "sum prod max min cumsum cumprod mean sort".split()


@st.composite
def expressions(draw):
    steps = []
    for k in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(["unary", "binary", "reduced", "where"]))
        names = {"unary": UNARY, "binary": BINARY, "reduced": REDUCED, "where": ["where"]}[kind]
        operands = [draw(st.integers(0, k + 1)) for _ in range(3)]
        steps.append((kind, draw(st.sampled_from(names)), operands))
    values = st.lists(st.sampled_from(SPECIAL), min_size=5, max_size=5)
    return steps, draw(values), draw(values)


def evaluate(steps, x, z):
    known = [x, z]
    for kind, name, (i, j, k) in steps:
        function = getattr(np, name)
        a, b, c = known[i], known[j], known[k]
        if kind == "unary":
            y = function(a)
        elif kind == "binary":
            y = function(a, b)
        elif kind == "where":
            y = np.where(a > b, b, c)
        else:
            y = function(a)
        known.append(np.broadcast_to(y, (5,)) * 1.0)
    return known[-1]


def kinds(y):
    """What must be exact whatever the last bits are: NaN, the infinities, zeros, signs."""
    sign = np.where(np.isnan(y), 0.0, np.copysign(1.0, y))
    return np.isnan(y), np.isinf(y), y == 0.0, sign


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(expressions())
def test_special_values_are_those_of_numpy(program):
    steps, x, z = program
    x, z = np.array(x), np.array(z)
    expected = evaluate(steps, x, z)
    value, _ = jacrs.jvp(lambda x, z: evaluate(steps, x, z), (x, z), (x, z))
    for found, right in zip(kinds(value), kinds(expected), strict=True):
        np.testing.assert_array_equal(found, right)
    finite = np.isfinite(expected)
    np.testing.assert_allclose(value[finite], expected[finite], rtol=1e-9, atol=0.0)
