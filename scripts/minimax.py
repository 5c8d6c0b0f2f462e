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
    points = [
        middle + half * mpmath.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in range(count)
    ]
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
HALF_LN_2 = mpmath.log(2) / 2 * (1 + mpf(2) ** -20)
QUARTER_PI = mp.pi / 4 * (1 + mpf(2) ** -20)
# (x - 1) / (x + 1) between the roots of 1/2 and 2, squared.
LOG_END = ((mpmath.sqrt(2) - 1) / (mpmath.sqrt(2) + 1)) ** 2 * (1 + mpf(2) ** -20)

# Name, what it is for, function, interval, degree for float64 and for float32.
Fit = tuple[str, str, Real, mpf, mpf, int, int]
FITS: list[Fit] = [
    ("EXP", "`(exp(r) - 1 - r) / r^2`", lambda r: (mpmath.exp(r) - 1 - r) / r**2,
     -HALF_LN_2, BESIDE * HALF_LN_2, 9, 4),
    ("EXPM1", "`(exp(r) - 1 - r) / r^2`", lambda r: (mpmath.exp(r) - 1 - r) / r**2,
     -HALF_LN_2, BESIDE * HALF_LN_2, 10, 5),
    ("EXP2", "`(2^r - 1 - r ln 2) / r^2`",
     lambda r: (mpf(2) ** r - 1 - r * mpmath.log(2)) / r**2, mpf(-0.5), BESIDE * mpf(0.5), 9, 4),
    ("SINH", "`(sinh(r) - r) / r^3` in `r^2`", of_square(lambda r: (mpmath.sinh(r) - r) / r**3),
     mpf(0), HALF_LN_2**2, 4, 2),
    ("COSH", "`(cosh(r) - 1) / r^2` in `r^2`", of_square(lambda r: (mpmath.cosh(r) - 1) / r**2),
     mpf(0), HALF_LN_2**2, 4, 2),
    ("LOG", "`(2 atanh(s) - 2 s) / s^3` in `s^2`",
     of_square(lambda s: 2 * (mpmath.atanh(s) - s) / s**3), mpf(0), LOG_END, 6, 3),
    ("LOG_TAIL", "`(atanh(s) - s - s^3 / 3) / s^5` in `s^2`",
     of_square(lambda s: (mpmath.atanh(s) - s - s**3 / 3) / s**5), mpf(0), LOG_END, 6, 0),
    ("SIN", "`(sin(r) - r) / r^3` in `r^2`", of_square(lambda r: (mpmath.sin(r) - r) / r**3),
     mpf(0), QUARTER_PI**2, 5, 3),
    ("COS", "`(cos(r) - 1 + r^2 / 2) / r^4` in `r^2`",
     of_square(lambda r: (mpmath.cos(r) - 1 + r**2 / 2) / r**4), mpf(0), QUARTER_PI**2, 5, 2),
    ("ASIN", "`(asin(x) - x) / x^3` in `x^2`", of_square(lambda x: (mpmath.asin(x) - x) / x**3),
     mpf(0), mpf(0.25), 13, 6),
    ("ATAN", "`(atan(x) - x) / x^3` in `x^2`", of_square(lambda x: (mpmath.atan(x) - x) / x**3),
     mpf(0), mpf('0.4143') ** 2, 10, 4),
    ("CBRT", "`m^(-1/3)`", lambda m: 1 / mpmath.cbrt(m), mpmath.sqrt(2) / 2, mpmath.sqrt(2), 4, 0),
]

LN_2, LN_10 = mpmath.log(2), mpmath.log(10)
# Name, what it is, value, bits of the upper part (few where its products are to be exact).
CONSTANTS: list[tuple[str, str, mpf, int]] = [
    ("LOG2_E", "`1 / ln 2`", 1 / LN_2, 53),
    ("LOG10_E", "`1 / ln 10`", 1 / LN_10, 53),
    ("LOG10_2", "`ln 2 / ln 10`", LN_2 / LN_10, 40),
    ("THIRD", "1/3", mpf(1) / 3, 53),
    ("HALF_PI", "Half of pi", mp.pi / 2, 53),
    ("LN_2", "`ln 2`", LN_2, 32),
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
