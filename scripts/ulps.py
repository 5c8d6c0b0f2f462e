"""Measure the accuracy of the elementary functions against mpmath.

    python scripts/ulps.py [--count 3000] [--seed 0] [NAME ...]

Prints the largest error of each function for each dtype and instruction set, in units of the last
place of the exact result, and where it was found. Arguments are spread over the whole domain: even
in the exponent, even where the function varies, near its zeros and singular points, near the bounds
of overflow and underflow. `tests/test_math.py` does the same with fewer arguments.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mpmath
import numpy as np
from mpmath import mp, mpf

Array = np.ndarray
Random = np.random.Generator
Exact = Callable[..., mpf]
LEVELS = ("baseline", "avx2", "avx512")
DTYPES = (np.float64, np.float32)
BITS = 200
# Bits of the significand, exponents of the smallest number and of the smallest that is infinite.
FORMATS = {np.dtype(np.float64): (53, -1074, 1024), np.dtype(np.float32): (24, -149, 128)}


@dataclass(frozen=True)
class Function:
    """A function by the name that the text form of graphs has for it, and its arguments."""

    name: str
    exact: Exact
    samples: Callable[[Random, int, int, int], list[Array]]
    # What an error counts beside, where the result alone may cancel.
    beside: Callable[..., mpf] | None = None


def exponents(random: Random, n: int, low: float, high: float) -> Array:
    """Return numbers even in the exponent, of either sign."""
    return np.exp2(random.uniform(low, high, n)) * random.choice([-1.0, 1.0], n)


def spans(*bounds: tuple[float, float]) -> Callable[[Random, int, int, int], list[Array]]:
    """Sample intervals evenly, and positive and negative numbers by their exponents."""

    def samples(random: Random, n: int, smallest: int, largest: int) -> list[Array]:
        parts = [random.uniform(low, high, n) for low, high in bounds]
        parts.append(exponents(random, n, smallest, largest))
        return [np.concatenate(parts)]

    return samples


def around(*points: float) -> Callable[[Random, int, int, int], list[Array]]:
    """Sample near points, at distances even in the exponent, and numbers of all exponents."""

    def samples(random: Random, n: int, smallest: int, largest: int) -> list[Array]:
        parts = [p + exponents(random, n, -52, 2) for p in points]
        parts.append(np.abs(exponents(random, n, smallest, largest)))
        return [np.concatenate(parts)]

    return samples


def quarter_turns(random: Random, n: int, smallest: int, largest: int) -> list[Array]:
    """Sample moderate and huge angles, and the floats next to multiples of pi/2."""
    multiples = np.concatenate([np.arange(1, n), np.rint(2.0 ** random.uniform(10, 40, n))])
    with mp.workprec(BITS):
        near = np.array([float(int(k) * mp.pi / 2) for k in multiples])
    spread = [random.uniform(-b, b, n) for b in (7.0, 1e5, 2e8)]
    # The float64 that is nearest to a multiple of pi/2 (Muller, Elementary Functions, 11.1).
    worst = np.array([6381956970095103.0 * 2.0**797])
    return [np.concatenate([*spread, near, worst, exponents(random, n, smallest, largest)])]


def pairs(*bounds: tuple[float, float]) -> Callable[[Random, int, int, int], list[Array]]:
    """Sample two operands, evenly in an interval or by their exponents."""

    def samples(random: Random, n: int, smallest: int, largest: int) -> list[Array]:
        columns = []
        for _ in range(2):
            parts = [random.uniform(low, high, n) for low, high in bounds]
            parts.append(exponents(random, n, smallest, largest))
            columns.append(np.concatenate(parts))
        return columns

    return samples


def powers(random: Random, n: int, smallest: int, largest: int) -> list[Array]:
    """Sample bases of all sizes, and exponents that keep the result finite or not by little."""
    base = np.abs(exponents(random, n, smallest, largest))
    small = random.uniform(0.01, 50.0, n)
    close = 1.0 + exponents(random, n, -40, -1)
    signed = -random.uniform(0.0, 9.0, n)
    reach = largest * np.log(2.0)
    x = np.concatenate([base, small, close, signed])
    y = np.concatenate(
        [
            random.uniform(-1.1, 1.1, n) * reach / np.abs(np.log(base)),
            random.uniform(-1.1, 1.1, n) * reach / np.abs(np.log(small)),
            random.uniform(-1.1, 1.1, n) * reach / np.abs(np.log(close)),
            np.rint(random.uniform(-300.0, 300.0, n)),
        ]
    )
    return [x, y]


def orders(random: Random, n: int, smallest: int, largest: int) -> list[Array]:
    """Sample orders and arguments of the zeta function."""
    del smallest, largest
    s = np.concatenate(
        [
            np.full(n, 2.0),
            np.rint(random.uniform(2, 30, n)),
            1.0 + np.exp2(random.uniform(-4, 6, n)),
        ]
    )
    q = np.concatenate(
        [
            np.exp2(random.uniform(-20, 8, n)),
            random.uniform(0.1, 40.0, n),
            np.exp2(random.uniform(-4, 6, n)),
        ]
    )
    return [s, q]


def power(x: mpf, y: mpf) -> mpf:
    """Return a power, of a negative base by an integer."""
    if x > 0:
        return x**y
    return mpmath.power(x, int(y)) if y == int(y) else mpf("nan")


def cube_root(x: mpf) -> mpf:
    """Return the real cube root."""
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


def real(f: Exact) -> Exact:
    """Return the function, NaN where it is not real."""

    def restricted(*x: mpf) -> mpf:
        y = f(*x)
        return mpf("nan") if isinstance(y, mpmath.mpc) else y

    return restricted


def complement(x: mpf) -> mpf:
    """Return `erfc(x)`, which mpmath has not far out: there it is 2, or below all numbers."""
    return mpmath.erfc(max(mpf(-40), min(x, mpf(40))))


def logarithm_of_sum(x: mpf, z: mpf) -> mpf:
    """Return `log(exp(x) + exp(z))`."""
    return max(x, z) + mpmath.log1p(mpmath.exp(-abs(x - z)))


FUNCTIONS = [
    Function("exp", mpmath.exp, spans((-746, 710), (-104, 89), (-1, 1), (-746, -700))),
    Function("exp2", lambda x: mpf(2) ** x, spans((-1076, 1024), (-150, 128), (-1, 1))),
    Function("expm1", mpmath.expm1, spans((-60, 710), (-4, 90), (-1, 1))),
    Function("log", real(mpmath.log), around(1.0, 2.0)),
    Function("log2", real(lambda x: mpmath.log(x) / mpmath.log(2)), around(1.0, 2.0)),
    Function("log10", real(lambda x: mpmath.log(x) / mpmath.log(10)), around(1.0, 10.0)),
    Function("log1p", real(mpmath.log1p), around(0.0, -1.0)),
    Function("power", power, powers),
    Function("sqrt", real(mpmath.sqrt), around(1.0)),
    Function("cbrt", cube_root, spans((-10, 10))),
    Function("sin", mpmath.sin, quarter_turns),
    Function("cos", mpmath.cos, quarter_turns),
    Function("tan", mpmath.tan, quarter_turns),
    Function("arcsin", real(mpmath.asin), around(0.5, -0.5, 1.0, -1.0, 0.0)),
    Function("arccos", real(mpmath.acos), around(0.5, -0.5, 1.0, -1.0, 0.0)),
    Function("arctan", mpmath.atan, spans((-2, 2), (0.4, 0.45), (-10, 10))),
    Function("arctan2", mpmath.atan2, pairs((-1, 1), (-8, 8))),
    Function("sinh", mpmath.sinh, spans((-711, 711), (-90, 90), (-30, 30), (-1, 1))),
    Function("cosh", mpmath.cosh, spans((-711, 711), (-90, 90), (-30, 30), (-1, 1))),
    Function("tanh", mpmath.tanh, spans((-25, 25), (-1, 1))),
    Function("arcsinh", mpmath.asinh, spans((-3, 3))),
    Function("arccosh", real(mpmath.acosh), around(1.0, 3.0)),
    Function("arctanh", real(mpmath.atanh), around(0.0, 1.0, -1.0)),
    Function("hypot", mpmath.hypot, pairs((-1, 1), (-8, 8))),
    Function("erf", mpmath.erf, spans((-6, 6), (-1, 1))),
    Function("erfc", complement, spans((-6, 27.3), (-1, 1), (0, 10))),
    Function("expit", lambda x: 1 / (1 + mpmath.exp(-x)), spans((-745, 40), (-104, 20), (-5, 5))),
    Function("logaddexp", logarithm_of_sum, pairs((-10, 10), (-700, 700)), max),
    Function(
        "logaddexp2",
        lambda x, z: logarithm_of_sum(x * mp.ln2, z * mp.ln2) / mp.ln2,
        pairs((-10, 10), (-700, 700)),
        max,
    ),
    Function("gammaln", real(mpmath.loggamma), around(1.0, 2.0, 3.0, 20.0)),
    Function("digamma", mpmath.digamma, around(1.4616321449683622, 3.0, 20.0)),
    Function("zeta", mpmath.zeta, orders),
]
# These are measured where the argument is positive; below zero `tests/test_math.py` looks.
POSITIVE = {"gammaln", "digamma"}


def arguments(function: Function, dtype: type, count: int, seed: int) -> list[Array]:
    """Return operands of a dtype in the domain of a function."""
    precision, smallest, largest = FORMATS[np.dtype(dtype)]
    del precision
    random = np.random.default_rng([seed, len(function.name)])
    with np.errstate(over="ignore"):
        columns = function.samples(random, count, smallest, largest)
        columns = [x.astype(dtype) for x in columns]
    kept = np.all([np.isfinite(x) & (x != 0) for x in columns], axis=0)
    if function.name in POSITIVE:
        kept &= columns[0] > 0
    if function.name == "power":
        kept &= (columns[0] > 0) | (columns[1] == np.rint(columns[1]))
    return [x[kept] for x in columns]


def exact_values(function: Function, operands: list[Array]) -> list[mpf]:
    """Return what mpmath gives."""
    with mp.workprec(BITS):
        mpmath_operands = zip(*([mpf(v) for v in x.tolist()] for x in operands), strict=True)
        return [function.exact(*point) for point in mpmath_operands]


def error(got: float, exact: mpf, dtype: type, beside: mpf | None = None) -> float:
    """Return the error in units of the last place of the exact value."""
    precision, smallest, largest = FORMATS[np.dtype(dtype)]
    if mpmath.isnan(exact) or np.isnan(got):
        return 0.0 if mpmath.isnan(exact) and np.isnan(got) else np.inf
    overflow = (1 - mpf(2) ** -(precision + 1)) * mpf(2) ** largest
    if abs(exact) >= overflow or np.isinf(got):
        return (
            0.0 if abs(exact) >= overflow and got == float(mpmath.sign(exact)) * np.inf else np.inf
        )
    size = max(abs(exact), abs(beside)) if beside is not None else abs(exact)
    place = max(mpmath.mag(size) - precision, smallest) if size else smallest
    return float(abs(mpf(got) - exact) * mpf(2) ** -place)


def errors(function: Function, operands: list[Array], exact: list[mpf], got: Array) -> Array:
    """Return the error of each element."""
    with mp.workprec(BITS):
        points = zip(*([mpf(v) for v in x.tolist()] for x in operands), strict=True)
        beside = (function.beside(*p) if function.beside else None for p in points)
        rows = zip(got.tolist(), exact, beside, strict=True)
        return np.array([error(g, e, got.dtype.type, b) for g, e, b in rows])


EVALUATE = """
import sys
import numpy as np
from jacrs._jacrs import build_info, elementwise
given = np.load(sys.argv[1])
results = {"level": np.array(build_info()[0])}
for key in {key.rsplit("/", 1)[0] for key in given.files}:
    operands = [given[k] for k in sorted(given.files) if k.rsplit("/", 1)[0] == key]
    results[key] = np.empty_like(operands[0])
    elementwise(key.split("/")[0], results[key], *operands)
np.savez(sys.argv[2], **results)
"""


def evaluate(operands: dict[str, list[Array]], level: str) -> dict[str, Array]:
    """Return the results of a level for operands by `name/dtype`, from a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = str(Path(folder) / "in.npz"), str(Path(folder) / "out.npz")
        np.savez(source, **{f"{k}/{i}": x for k, xs in operands.items() for i, x in enumerate(xs)})
        command = [sys.executable, "-c", EVALUATE, source, target]
        subprocess.run(command, check=True, env=os.environ | {"JACRS_SIMD": level})
        with np.load(target) as results:
            return {key: results[key] for key in results.files}


def keys(functions: list[Function]) -> Iterator[tuple[str, Function, type]]:
    """Yield each function with each dtype, and a name for both."""
    for function in functions:
        for dtype in DTYPES:
            yield f"{function.name}/{np.dtype(dtype).name}", function, dtype


def measure(
    functions: list[Function], count: int, seed: int, levels: tuple[str, ...] = LEVELS
) -> Iterator[tuple[str, str, float, list[float]]]:
    """Yield the largest error of each function, dtype and level, and where it is."""
    operands = {key: arguments(f, dtype, count, seed) for key, f, dtype in keys(functions)}
    results = {level: evaluate(operands, level) for level in levels}
    for key, function, _ in keys(functions):
        exact = exact_values(function, operands[key])
        for level in levels:
            found = errors(function, operands[key], exact, results[level][key])
            worst = int(found.argmax())
            yield key, level, float(found[worst]), [float(x[worst]) for x in operands[key]]


def main() -> None:
    """Print what is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="functions; all of them if none is named")
    parser.add_argument("--count", type=int, default=3000, help="arguments of each kind")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    functions = [f for f in FUNCTIONS if not chosen.names or f.name in chosen.names]
    for key, level, worst, where in measure(functions, chosen.count, chosen.seed):
        print(f"{key:20} {level:9} {worst:6.3f}  at {', '.join(map(float.hex, where))}")


if __name__ == "__main__":
    main()
