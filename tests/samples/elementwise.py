"""Ufuncs, and elementwise functions that are none."""

import numpy as np

from tests.samples.core import Table, mask, positive, real

SAMPLES = Table()
add = SAMPLES.add

ANY = (
    "negative absolute fabs square exp exp2 expm1 sin cos tan arctan sinh cosh tanh arcsinh "
    "deg2rad rad2deg radians degrees positive conjugate"
).split()
POSITIVE = "sqrt cbrt log log2 log10 log1p reciprocal".split()
INSIDE = "arcsin arccos arctanh".split()
FLAT = "floor ceil trunc rint sign isnan isinf isfinite signbit logical_not".split()


def unary(name, make, **facts):
    for shape in ((), (4,), (2, 3), (0,), (2, 0)):
        add(f"np.{name}", lambda np_, x: getattr(np_, name)(x), make(*shape), **facts)


for _name in ANY:
    unary(_name, lambda *s: real(*s) + 0.1)
for _name in POSITIVE:
    unary(_name, positive)
for _name in INSIDE:
    unary(_name, lambda *s: 0.9 * real(*s))
unary("arccosh", lambda *s: 1.5 + positive(*s))
for _name in FLAT:
    unary(_name, lambda *s: 3 * real(*s), smooth=False)
for _name in ("absolute", "fabs"):
    add(
        f"np.{_name}",
        lambda np_, x, n=_name: getattr(np_, n)(x),
        [0.0, -0.0, 1.0, -2.0],
        smooth=False,
        kink="the derivative of the absolute value is 0 at 0",
    )
add(
    "np.sqrt",
    lambda np_, x: np_.sqrt(x),
    [0.0, 4.0],
    smooth=False,
    kink="the derivative of the root is infinite at 0, times a zero tangent 0",
)

SMOOTH_PAIRS = (
    "add subtract multiply divide hypot logaddexp logaddexp2 arctan2 power float_power "
    "maximum minimum fmax fmin copysign true_divide"
).split()
FLAT_PAIRS = (
    "less less_equal greater greater_equal equal not_equal logical_and logical_or logical_xor "
    "floor_divide"
).split()
SHAPES = (
    ((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 2)), ((0,), (0,)),
)  # fmt: skip


def binary(name, first, second, **facts):
    facts.setdefault("differentiable", (0, 1))
    for a, b in SHAPES:
        call = lambda np_, x, y: getattr(np_, name)(x, y)  # noqa: E731
        add(f"np.{name}", call, first(*a), second(*b), **facts)
    add(
        f"np.{name}",
        lambda np_, x: getattr(np_, name)(x, 1.5),
        first(3),
        smooth=facts.get("smooth", True),
    )
    add(
        f"np.{name}",
        lambda np_, x: getattr(np_, name)(2.0, x),
        second(3),
        smooth=facts.get("smooth", True),
    )


for _name in SMOOTH_PAIRS:
    binary(_name, positive, lambda *s: 0.6 + positive(*s))
for _name in FLAT_PAIRS:
    binary(_name, lambda *s: 3 * real(*s), lambda *s: 1.1 + positive(*s), smooth=False)
for _name in ("remainder", "fmod"):
    binary(_name, lambda *s: 3 * real(*s), lambda *s: 0.6 + positive(*s))
binary("heaviside", lambda *s: real(*s) + 0.05, positive)
for _name in ("maximum", "minimum", "fmax", "fmin"):
    add(
        f"np.{_name}",
        lambda np_, x, y, n=_name: getattr(np_, n)(x, y),
        [1.0, 2.0, np.nan],
        [1.0, 3.0, 1.0],
        differentiable=(0, 1),
        smooth=False,
        kink="equal operands share the derivative evenly",
    )
add(
    "np.power",
    lambda np_, x: np_.power(x, 2.0),
    [0.0, -1.5, 2.0],
)
add(
    "np.power",
    lambda np_, x: np_.power(x, 0.0),
    [0.0, -1.5, 2.0],
)
add("np.power", lambda np_, x: x**3, real(4))
add(
    "np.heaviside",
    lambda np_, x: np_.heaviside(x, 0.5),
    [0.0, 1.0, -1.0],
    smooth=False,
    kink="the derivative of the step is 0 everywhere",
)
for _name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    for a, b in (([5, 6], [3, 3]), ([True, False], [True, True]), (5, [1, 2])):
        call = lambda np_, x, y, n=_name: getattr(np_, n)(x, y)  # noqa: E731
        add(f"np.{_name}", call, a, b, differentiable=(), smooth=False)
for x in ([5, -6], [True, False], 3):
    add("np.invert", lambda np_, x: np_.invert(x), x, differentiable=(), smooth=False)
for _name in ("left_shift", "right_shift"):
    for a, b in (([5, 6], [3, 1]), ([-7, 9], 2), (3, [1, 2])):
        call = lambda np_, x, y, n=_name: getattr(np_, n)(x, y)  # noqa: E731
        add(f"np.{_name}", call, a, b, differentiable=(), smooth=False)
for x in ([0.3, -1.7, 2.0], [[1.2, np.inf], [-np.inf, -0.0]], -3.25):
    add("np.modf", lambda np_, x: np_.modf(x), x, smooth=np.ndim(x) == 0)
    add("np.divmod", lambda np_, x: np_.divmod(x, 0.7), np.nan_to_num(x, posinf=2.0, neginf=3.0),
        smooth=np.ndim(x) < 2)  # fmt: skip
for x in ([0.3, -1.7, 8.5], [[0.0, 4.0], [-0.25, 1.0]], 3.0):
    # NumPy's exponents are int32, which is not recorded.
    add("np.frexp", lambda np_, x: [part * np.int64(1) for part in np_.frexp(x)][1], x,
        smooth=False)  # fmt: skip
    add("np.frexp", lambda np_, x: np_.frexp(x)[0], x, smooth=np.ndim(x) < 2)
    add("np.ldexp", lambda np_, x: np_.ldexp(x, 3), x)
add("np.ldexp", lambda np_, x, n: np_.ldexp(x, n), real(3), [1, -2, 0])

# Keywords of ufuncs.
add("np.add", lambda np_, x: np_.add(x, x, out=np_.zeros_like(x)), real(3))
add("np.exp", lambda np_, x, m: np_.exp(x, out=np_.ones_like(x), where=m), real(2, 3), mask(2, 3))
add("np.multiply", lambda np_, x: np_.multiply(x, x, dtype=np.float64), real(3))
add("np.multiply", lambda np_, x, n: np_.multiply(x, n), real(3), [1, 2, 3])
add("np.modf", lambda np_, x: np_.modf(x, out=(np_.zeros_like(x), np_.ones_like(x))), 3 * real(4))

for bounds in ((-0.5, 0.5), (None, 0.3), (-0.3, None), (0.2, -0.2)):
    add("np.clip", lambda np_, x, b=bounds: np_.clip(x, *b), real(2, 3))
    add("ndarray.clip", lambda np_, x, b=bounds: x.clip(*b), real(4))
add("np.clip", lambda np_, x, lo: np_.clip(x, lo, 0.9), real(2, 3), real(3), differentiable=(0, 1))
if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
    add("np.clip", lambda np_, x: np_.clip(x, min=-0.2, max=0.2), real(5))
add(
    "np.clip",
    lambda np_, x: np_.clip(x, -1.0, 1.0),
    [-1.0, 0.0, 1.0],
    smooth=False,
    kink="at a bound half of the derivative passes",
)
for name in ("round", "around"):
    for decimals in (0, 2, -1):
        add(
            f"np.{name}",
            lambda np_, x, n=name, d=decimals: getattr(np_, n)(x, d),
            30 * real(2, 3),
            smooth=False,
        )
add("ndarray.round", lambda np_, x: x.round(1), real(3), smooth=False)
add("np.round", lambda np_, n: np_.round(n, 2), [1, 2], differentiable=(), smooth=False)
for x in (3 * real(4), 3 * real(), 3 * real(0, 2)):
    add("np.fix", lambda np_, x: np_.fix(x), x, smooth=False)
    add("np.sinc", lambda np_, x: np_.sinc(x), x)
    add("np.angle", lambda np_, x: np_.angle(x), x, smooth=False)
    add("np.real", lambda np_, x: np_.real(x), x)
    add("np.imag", lambda np_, x: np_.imag(x), x)
    add("np.real_if_close", lambda np_, x: np_.real_if_close(x), x)
    add("np.iscomplex", lambda np_, x: np_.iscomplex(x), x, smooth=False)
    add("np.isreal", lambda np_, x: np_.isreal(x), x, smooth=False)
    add("np.iscomplexobj", lambda np_, x: np_.iscomplexobj(x), x, smooth=False)
    add("np.isrealobj", lambda np_, x: np_.isrealobj(x), x, smooth=False)
    add("ndarray.conj", lambda np_, x: x.conj() * x.conjugate(), x)
    add("ndarray.real", lambda np_, x: x.real, x)
    add("ndarray.imag", lambda np_, x: x.imag, x)
add("np.sinc", lambda np_, x: np_.sinc(x), [0.0, 1e-9, 0.03, 0.0319, -1.0])
add("np.angle", lambda np_, x: np_.angle(x, deg=True), [1.0, -2.0], smooth=False)

ODD = [np.nan, np.inf, -np.inf, 1.0, 0.0]
for x in (ODD, [ODD, ODD], 2.0):
    add("np.nan_to_num", lambda np_, x: np_.nan_to_num(x), x, smooth=False)
    add("np.nan_to_num", lambda np_, x: np_.nan_to_num(x, nan=7.0, posinf=3, neginf=-3), x,
        smooth=False)  # fmt: skip
    add("np.isneginf", lambda np_, x: np_.isneginf(x), x, smooth=False)
    add("np.isposinf", lambda np_, x: np_.isposinf(x), x, smooth=False)
    for name in ("isnan", "isinf", "isfinite", "signbit"):
        add(f"np.{name}", lambda np_, x, n=name: getattr(np_, n)(x), x, smooth=False)
    y = np.asarray(x) * (1 + 1e-7)
    for name in ("isclose", "allclose", "array_equal", "array_equiv"):
        for same in (x, y):
            add(f"np.{name}", lambda np_, x, y, n=name: getattr(np_, n)(x, y), x, same,
                differentiable=(0, 1), smooth=False)  # fmt: skip
    for name in ("isclose", "allclose", "array_equal"):
        add(
            f"np.{name}",
            lambda np_, x, n=name: getattr(np_, n)(x, x, equal_nan=True),
            x,
            smooth=False,
        )
add("np.array_equal", lambda np_, x: np_.array_equal(x, x[:1]), real(3), smooth=False)
add("np.array_equiv", lambda np_, x: np_.array_equiv(x, x[:2]), real(3), smooth=False)
for axis in (0, 1, -1):
    add("np.apply_along_axis", lambda np_, x, a=axis: np_.apply_along_axis(np.sum, a, x),
        real(2, 3))  # fmt: skip
    add("np.apply_along_axis", lambda np_, x, a=axis: np_.apply_along_axis(np.sort, a, x),
        real(2, 3))  # fmt: skip
    add("np.apply_along_axis",
        lambda np_, x, a=axis: np_.apply_along_axis(lambda v: np.outer(v, v), a, x),
        real(2, 3, 2))  # fmt: skip
    add("np.apply_over_axes", lambda np_, x, a=axis: np_.apply_over_axes(np.sum, x, [a]),
        real(2, 3, 2))  # fmt: skip
add("np.apply_over_axes", lambda np_, x: np_.apply_over_axes(np.sum, x, (0, 2)), real(2, 3, 2))
