"""Compute the polynomial coefficients of the elementary functions.

    python scripts/minimax.py [NAME ...]

Writes `rust/jacrs/src/simd/math/coefficients.rs`. Needs mpmath. Each polynomial interpolates its
function in the Chebyshev points of the interval, which is within a small factor of the best
(Powell, "On the maximum errors of polynomial approximations defined by interpolation and by least
squares criteria", Computer Journal 9, 1967). The leading terms of each function are not fitted but
exact; what is fitted is the remainder, so that coefficients rounded to float64 lose nothing.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import mpmath
from mpmath import mp, mpf

TARGET = Path(__file__).parents[1] / "rust/jacrs/src/simd/math/coefficients.rs"
Real = Callable[[mpf], mpf]
mp.prec = 300


def interpolate(f: Real, low: mpf, high: mpf, degree: int) -> list[mpf]:
    """Return the coefficients, constant first, of the interpolant in the Chebyshev points."""
    count = degree + 1
    middle, half = (low + high) / 2, (high - low) / 2
    points = [middle + half * mpmath.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in range(count)]
    differences = [f(x) for x in points]
    for order in range(1, count):
        for k in range(count - 1, order - 1, -1):
            rise = differences[k] - differences[k - 1]
            differences[k] = rise / (points[k] - points[k - order])
    coefficients = [differences[-1]]
    for k in range(count - 2, -1, -1):
        shifted = [mpf(0), *coefficients]
        for i, c in enumerate(coefficients):
            shifted[i] -= c * points[k]
        shifted[0] += differences[k]
        coefficients = shifted
    return coefficients


def largest_error(f: Real, coefficients: list[float], low: mpf, high: mpf) -> mpf:
    """Return the largest relative error between the ends of the interval."""
    places = [low + (high - low) * (k + mpf(1) / 3) / 400 for k in range(400)]
    powers = [mpf(c) for c in reversed(coefficients)]
    return max(abs(mpmath.polyval(powers, x) / f(x) - 1) for x in places)


def of_square(f: Real) -> Real:
    """Return the function of the square of an argument."""
    return lambda z: f(mpmath.sqrt(z))


# No Chebyshev point of a symmetric interval may be at 0, where remainders are 0 / 0.
BESIDE = 1 + mpf(2) ** -10
DIGAMMA_ROOT = mpmath.findroot(mpmath.digamma, 1.46)
HALF_LN_2 = mpmath.log(2) / 2 * (1 + mpf(2) ** -20)
QUARTER_PI = mp.pi / 4 * (1 + mpf(2) ** -20)
# (x - 1) / (x + 1) between the roots of 1/2 and 2, squared.
LOG_END = ((mpmath.sqrt(2) - 1) / (mpmath.sqrt(2) + 1)) ** 2 * (1 + mpf(2) ** -20)


def complement(t: mpf) -> mpf:
    """Return `(1 + 2 x) exp(x^2) erfc(x)` where `t = (x - 3) / (x + 3)`."""
    x = 3 * (1 + t) / (1 - t)
    return (1 + 2 * x) * mpmath.exp(x * x) * mpmath.erfc(x)


def gammaln_smooth(x: mpf) -> mpf:
    """Return `log(gamma(x))` without its zeros at 1 and 2."""
    return mpmath.loggamma(x) / ((x - 1) * (x - 2))


def stirling_rest(x: mpf) -> mpf:
    """Return `x` times what Stirling's formula leaves of `log(gamma(x))`."""
    with mp.workprec(2000 if x > 100 else mp.prec):
        formula = (x - 0.5) * (mpmath.log(x) - 1) + mpmath.log(2 * mp.pi) / 2 - mpf(0.5)
        return x * (mpmath.loggamma(x) - formula)


def digamma_smooth(x: mpf) -> mpf:
    """Return `digamma(x)` without its zero between 1 and 2."""
    return mpmath.digamma(x) / (x - DIGAMMA_ROOT)


def digamma_rest(s: mpf) -> mpf:
    """Return what the logarithm leaves of `digamma(s + 1/2)`, times `s^2`."""
    with mp.workprec(2000 if s > 100 else mp.prec):
        return s * s * (mpmath.digamma(s + mpf(0.5)) - mpmath.log(s))


def less_middle(f: Real) -> Real:
    """Return `(f(t) - f(0)) / t`."""
    middle = f(mpf(0))
    return lambda t: (f(t) - middle) / t


# Name, what it is for, function, interval, degree for float64 and for float32.
Fit = tuple[str, str, Real, mpf, mpf, int, int]
FITS: list[Fit] = [
    (
        "EXP",
        "`(exp(r) - 1 - r) / r^2`",
        lambda r: (mpmath.exp(r) - 1 - r) / r**2,
        -HALF_LN_2,
        BESIDE * HALF_LN_2,
        10,
        5,
    ),
    (
        "EXP2",
        "`(2^r - 1 - r ln 2) / r^2`",
        lambda r: (mpf(2) ** r - 1 - r * mpmath.log(2)) / r**2,
        mpf(-0.5),
        BESIDE * mpf(0.5),
        9,
        4,
    ),
    (
        "SINH",
        "`(sinh(r) - r) / r^3` in `r^2`",
        of_square(lambda r: (mpmath.sinh(r) - r) / r**3),
        mpf(0),
        HALF_LN_2**2,
        4,
        2,
    ),
    (
        "COSH",
        "`(cosh(r) - 1) / r^2` in `r^2`",
        of_square(lambda r: (mpmath.cosh(r) - 1) / r**2),
        mpf(0),
        HALF_LN_2**2,
        4,
        2,
    ),
    (
        "LOG",
        "`(2 atanh(s) - 2 s) / s^3` in `s^2`",
        of_square(lambda s: 2 * (mpmath.atanh(s) - s) / s**3),
        mpf(0),
        LOG_END,
        6,
        3,
    ),
    (
        "LOG_TAIL",
        "`(atanh(s) - s - s^3 / 3) / s^5` in `s^2`",
        of_square(lambda s: (mpmath.atanh(s) - s - s**3 / 3) / s**5),
        mpf(0),
        LOG_END,
        6,
        0,
    ),
    (
        "SIN",
        "`(sin(r) - r) / r^3` in `r^2`",
        of_square(lambda r: (mpmath.sin(r) - r) / r**3),
        mpf(0),
        QUARTER_PI**2,
        6,
        3,
    ),
    (
        "COS",
        "`(cos(r) - 1 + r^2 / 2) / r^4` in `r^2`",
        of_square(lambda r: (mpmath.cos(r) - 1 + r**2 / 2) / r**4),
        mpf(0),
        QUARTER_PI**2,
        5,
        2,
    ),
    (
        "ASIN",
        "`(asin(x) - x) / x^3` in `x^2`",
        of_square(lambda x: (mpmath.asin(x) - x) / x**3),
        mpf(0),
        mpf(0.25),
        13,
        6,
    ),
    (
        "ATAN",
        "`(atan(x) - x) / x^3` in `x^2`",
        of_square(lambda x: (mpmath.atan(x) - x) / x**3),
        mpf(0),
        mpf("0.4143") ** 2,
        10,
        4,
    ),
    (
        "ERF",
        "`erf(x) / x - 1` in `x^2`",
        of_square(lambda x: mpmath.erf(x) / x - 1),
        mpf(0),
        mpf(1),
        12,
        0,
    ),
    (
        "ERFC",
        "the rest of `(1 + 2 x) exp(x^2) erfc(x)` over `t = (x - 3) / (x + 3)`",
        less_middle(complement),
        mpf(-5) / 7,
        mpf(25) / 31,
        23,
        0,
    ),
    (
        "GAMMALN",
        "the rest of `log(gamma(x)) / ((x - 1) (x - 2))` over `t = x - 3/2`",
        less_middle(lambda t: gammaln_smooth(t + 1.5)),
        mpf(-0.5),
        mpf(0.5),
        21,
        0,
    ),
    (
        "STIRLING",
        "`x (log(gamma(x)) - stirling(x))` in `1 / x^2`",
        lambda z: stirling_rest(1 / mpmath.sqrt(z)),
        mpf(0),
        mpf(1) / 9,
        11,
        0,
    ),
    (
        "DIGAMMA",
        "the rest of `digamma(x) / (x - x0)` over `t = x - 3/2`",
        less_middle(lambda t: digamma_smooth(t + 1.5)),
        mpf(-0.5),
        mpf(0.5),
        21,
        0,
    ),
    (
        "DIGAMMA_FAR",
        "`s^2 (digamma(s + 1/2) - log(s))` in `1 / s^2`",
        lambda z: digamma_rest(1 / mpmath.sqrt(z)),
        mpf(0),
        mpf(4) / 25,
        14,
        0,
    ),
    ("CBRT", "`m^(-1/3)`", lambda m: 1 / mpmath.cbrt(m), mpmath.sqrt(2) / 2, mpmath.sqrt(2), 4, 0),
]

LN_2, LN_10 = mpmath.log(2), mpmath.log(10)
# Name, what it is, value, bits of the upper part (few where its products are to be exact).
CONSTANTS: list[tuple[str, str, mpf, int]] = [
    ("LN_2", "`ln 2`", LN_2, 42),
    ("LOG2_E", "`1 / ln 2`", 1 / LN_2, 53),
    ("LOG10_E", "`1 / ln 10`", 1 / LN_10, 53),
    ("LOG10_2", "`ln 2 / ln 10`", LN_2 / LN_10, 40),
    ("THIRD", "1/3", mpf(1) / 3, 53),
    ("HALF_PI", "Half of pi", mp.pi / 2, 53),
    ("HALF_LN_TAU_LESS_HALF", "`(ln(2 pi) - 1) / 2`", (mpmath.log(2 * mp.pi) - 1) / 2, 53),
    ("DIGAMMA_ROOT_LESS_1", "The zero of digamma between 1 and 2, less 1", DIGAMMA_ROOT - 1, 53),
    ("ERFC_MIDDLE", "The value at `t = 0` that `ERFC` belongs to", complement(mpf(0)), 53),
    ("GAMMALN_MIDDLE", "That of `GAMMALN`", gammaln_smooth(mpf(1.5)), 53),
    ("DIGAMMA_MIDDLE", "That of `DIGAMMA`", digamma_smooth(mpf(1.5)), 53),
]


def pair(name: str, what: str, value: mpf, bits: int) -> str:
    """Return the Rust constant with the two parts of a number."""
    with mpmath.workprec(bits):
        high = +value
    return (
        f"/// {what}, the upper part of {bits} bits.\n"
        f"pub const {name}: Pair = Pair::new({float(high)!r}, {float(value - high)!r});\n"
    )


def array(name: str, what: str, f: Real, low: mpf, high: mpf, degree: int) -> str:
    """Return the Rust constant with the coefficients."""
    coefficients = [float(c) for c in interpolate(f, low, high, degree)]
    bits = int(mpmath.floor(-mpmath.log(largest_error(f, coefficients, low, high), 2)))
    span = f"[{mpmath.nstr(low, 4)}, {mpmath.nstr(high, 4)}]"
    values = ", ".join(repr(c) for c in coefficients)
    head = f"/// {what} on {span}, to 2^-{bits}.\n"
    return f"{head}pub const {name}: [f64; {len(coefficients)}] = [{values}];\n"


def lines() -> Iterator[str]:
    """Yield the parts of the file."""
    yield "//! Coefficients of polynomials, lowest first: written by `scripts/minimax.py`.\n"
    yield '#![allow(clippy::approx_constant, reason = "upper parts of pairs")]\n'
    yield "use super::arithmetic::Pair;\n"
    for constant in CONSTANTS:
        yield pair(*constant)
    for name, what, f, low, high, double, single in FITS:
        yield array(name, what, f, low, high, double)
        if single:
            yield array(f"{name}_SINGLE", what, f, low, high, single)


if __name__ == "__main__":
    TARGET.write_text("\n".join(lines()), encoding="utf-8")
    subprocess.run(["rustfmt", str(TARGET)], check=True)
    sys.exit()
