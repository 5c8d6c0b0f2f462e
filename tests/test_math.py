"""The elementary functions against mpmath, NumPy and SciPy, at every level of this machine."""

import math

import mpmath
import numpy as np
import pytest
import scipy.special
from mpmath import mp, mpf

import jacrs
from jacrs._jacrs import elementwise
from scripts import ulps

# Of longer sweeps; see docs/math.md.
BOUND = 1.3
COUNT = 50

UNARY = """exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan arcsin arccos arctan sinh cosh
    tanh arcsinh arccosh arctanh erf erfc expit gammaln digamma""".split()
BINARY = "power arctan2 hypot logaddexp logaddexp2".split()
ODD = "cbrt sin tan arcsin arctan sinh tanh arcsinh arctanh erf expm1 log1p".split()
SIZES = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 700.0, 746.0, 1e22, 1e-300, 1e308, 2.0**53, 2.0**52 + 1]
SPECIAL = np.array([*SIZES, *(-x for x in SIZES), math.inf, -math.inf, math.nan])


def run(name, *operands):
    out = np.empty_like(operands[0])
    elementwise(name, out, *operands)
    return out


def reference(name):
    return getattr(np, name, None) or getattr(scipy.special, name)


def test_errors_stay_below_their_bound():
    found = list(ulps.measure(ulps.FUNCTIONS, COUNT, seed=1))
    assert len(found) == 6 * len(ulps.FUNCTIONS)
    assert not [entry for entry in found if not entry[2] <= BOUND]


def test_every_function_is_measured():
    assert {f.name for f in ulps.FUNCTIONS} == {*UNARY, *BINARY, "zeta"}


def test_the_measure_finds_an_error():
    function = next(f for f in ulps.FUNCTIONS if f.name == "exp")
    operands = ulps.arguments(function, np.float64, 5, 0)
    exact = ulps.exact_values(function, operands)
    right = run("exp", *operands)
    assert ulps.errors(function, operands, exact, right).max() <= BOUND
    wrong = np.nextafter(np.nextafter(np.nextafter(right, np.inf), np.inf), np.inf)
    finite = np.isfinite(wrong)
    assert ulps.errors(function, operands, exact, wrong)[finite].min() > BOUND


def test_levels_differ():
    operands = {"exp/float64": [np.ones(1)]}
    reported = [str(ulps.evaluate(operands, level)["level"]) for level in ulps.LEVELS]
    assert reported[0] == "baseline"
    assert reported == sorted(reported, key=["baseline", "avx2+fma", "avx512"].index)


@pytest.mark.parametrize("level", ulps.LEVELS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_special_values_are_those_of_numpy_and_scipy(level, dtype):
    with np.errstate(all="ignore"):
        x = SPECIAL.astype(dtype)
        a, b = (v.ravel().copy() for v in np.meshgrid(x, x))
        operands = {f"{name}/s": [x] for name in UNARY} | {f"{name}/s": [a, b] for name in BINARY}
        results = ulps.evaluate(operands, level)
        for key, given in operands.items():
            name = key.split("/")[0]
            wanted, got = reference(name)(*given), results[key]
            rtol = 1e-13 if dtype is np.float64 else 1e-6
            np.testing.assert_allclose(got, wanted, rtol=rtol, atol=0.0, err_msg=name)
            number = ~np.isnan(wanted)
            differ = np.signbit(got[number]) != np.signbit(wanted[number])
            assert not differ.any(), (name, [v[number][differ] for v in given])


def test_odd_functions_are_odd():
    x = np.concatenate([np.linspace(0.0, 1.0, 257), np.geomspace(1e-310, 1e300, 2001)])
    for name in set(ODD) - {"expm1", "log1p"}:
        for dtype in (np.float64, np.float32):
            with np.errstate(over="ignore"):
                y = x.astype(dtype)
            np.testing.assert_array_equal(run(name, -y), -run(name, y), err_msg=name)


def test_exact_results_are_exact():
    k = np.arange(-1074.0, 1024.0)
    np.testing.assert_array_equal(run("exp2", k), np.ldexp(1.0, k.astype(int)))
    np.testing.assert_array_equal(run("log2", np.ldexp(1.0, k.astype(int))), k)
    n = np.arange(1.0, 200.0)
    np.testing.assert_array_equal(run("cbrt", n**3), n)
    np.testing.assert_array_equal(run("power", n, np.full_like(n, 3.0)), n**3)
    np.testing.assert_array_equal(run("log10", 10.0 ** np.arange(23)), np.arange(23.0))
    np.testing.assert_array_equal(run("hypot", 3.0 * n, 4.0 * n), 5.0 * n)


def test_below_zero_gamma_functions_err_by_little():
    # Beside the sizes of the parts that cancel: there are zeros between all poles.
    random = np.random.default_rng(4)
    x = -np.concatenate([random.uniform(0.0, 20.0, 300), 2.0 ** random.uniform(-50, 40, 300)])
    x = x[x != np.rint(x)]
    for name, exact in (
        ("gammaln", lambda v: mpmath.re(mpmath.loggamma(v))),
        ("digamma", mpmath.digamma),
    ):
        got = run(name, x)
        for value, argument in zip(got, x, strict=True):
            with mp.workprec(200):
                v = mpf(float(argument))
                away = abs(v - mpmath.nint(v))
                if name == "gammaln":
                    size = 2 + abs(mpmath.loggamma(1 - v)) + abs(mpmath.log(away))
                else:
                    size = 2 + abs(mpmath.digamma(1 - v)) + 4 / away
                assert abs(mpf(float(value)) - exact(v)) < 4 * 2**-53 * size, (name, argument)


def test_zeta_below_zero_is_the_sum_of_its_terms():
    s, q = (v.ravel().copy() for v in np.meshgrid([2.0, 3.0, 4.0, 7.0], [-0.3, -2.5, -7.25, -40.1]))
    for value, order, start in zip(run("zeta", s, q), s, q, strict=True):
        with mp.workprec(200):
            n = int(-start) + 1
            first = [(mpf(float(start)) + k) ** -int(order) for k in range(n)]
            exact = mpmath.fsum(first) + mpmath.zeta(int(order), mpf(float(start)) + n)
            size = mpmath.fsum(map(abs, first)) + 1
        assert abs(mpf(float(value)) - exact) < 8 * 2**-53 * size


def test_operands_may_be_written_over():
    for name in ["exp", "sin", "power"]:
        x = np.linspace(0.1, 3.0, 777)
        operands = [x] * (2 if name in BINARY else 1)
        wanted = run(name, *operands)
        elementwise(name, x, *operands)
        np.testing.assert_array_equal(x, wanted)


def test_huge_arguments_do_not_change_their_neighbours():
    x = np.linspace(-3.0, 3.0, 1000)
    plain = run("sin", x)
    x[500] = 1e300
    mixed = run("sin", x)
    with mp.workprec(2000):
        assert mixed[500] == float(mpmath.sin(mpf(1e300)))
    np.testing.assert_array_equal(np.delete(mixed, 500), np.delete(plain, 500))


def test_wrong_operands_raise():
    x = np.ones(4)
    for operands in ([], [x, x], [x[::2]], [x.astype(np.float32)], [np.ones(3)]):
        with pytest.raises(jacrs.errors.JacrsError):
            elementwise("exp", np.empty(4), *operands)
    for name in ("less", "nothing"):
        with pytest.raises(jacrs.errors.JacrsError):
            elementwise(name, np.empty(4), x)
    with pytest.raises(jacrs.errors.JacrsError):
        elementwise("exp", x[1:], x[:-1])


def along_ones(f):
    return lambda x: jacrs.jvp(f, (x,), (np.ones_like(x),))[1]


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_derivatives_of_gammaln_are_polygammas(order):
    x = np.array([0.3, 1.0, 1.4616, 2.5, 7.0, 30.0, -0.4, -2.6])
    derivative = scipy.special.gammaln
    for _ in range(order + 1):
        derivative = along_ones(derivative)
    for value, argument in zip(derivative(x), x, strict=True):
        with mp.workprec(200):
            exact = mpmath.polygamma(order, mpf(float(argument)))
        assert math.isclose(value, float(exact), rel_tol=1e-14)


def test_gamma_functions_of_the_standard_library():
    value, slope = jacrs.value_and_grad(math.lgamma)(2.5)
    assert math.isclose(value, float(mpmath.loggamma(2.5)), rel_tol=1e-15)
    assert math.isclose(slope, scipy.special.digamma(2.5), rel_tol=1e-15)


def test_the_slope_by_the_order_of_zeta_is_unknown():
    slopes = jacrs.jacobian(lambda v: scipy.special.zeta(v[0], v[1]))(np.array([3.0, 1.5]))
    assert np.isnan(slopes[0])
    assert math.isclose(slopes[1], -3.0 * float(mpmath.zeta(4, 1.5)), rel_tol=1e-14)
