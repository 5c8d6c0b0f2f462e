"""Measure the elementary functions, and write docs/math.md.

    python benches/elementary.py [--count 2000] [--rounds 5] [--write docs/math.md]

Errors are the largest of a sweep against mpmath (`scripts/ulps.py`). Times are those of a call from
Python, `jacrs._jacrs.elementwise(name, out, x)` beside `ufunc(x, out=out)`, by turns in one process
for each instruction set; the smallest of the rounds counts.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import scipy.special

from jacrs._jacrs import build_info, elementwise
from scripts import ulps

BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"
SIZES = (1024, 65536)
SECONDS = 2e-3
Bounds = tuple[tuple[float, float], ...]
# Where the arguments lie that times are measured for.
ARGUMENTS: dict[str, Bounds] = {
    "exp": ((-20, 20),),
    "exp2": ((-20, 20),),
    "expm1": ((-5, 5),),
    "log": ((0.01, 100),),
    "log2": ((0.01, 100),),
    "log10": ((0.01, 100),),
    "log1p": ((-0.9, 10),),
    "power": ((0.01, 50), (-10, 10)),
    "sqrt": ((0, 100),),
    "cbrt": ((-100, 100),),
    "sin": ((-20, 20),),
    "sin, to 1e5": ((-1e5, 1e5),),
    "cos": ((-20, 20),),
    "tan": ((-20, 20),),
    "arcsin": ((-1, 1),),
    "arccos": ((-1, 1),),
    "arctan": ((-10, 10),),
    "arctan2": ((-10, 10), (-10, 10)),
    "sinh": ((-10, 10),),
    "cosh": ((-10, 10),),
    "tanh": ((-5, 5),),
    "arcsinh": ((-10, 10),),
    "arccosh": ((1, 10),),
    "arctanh": ((-1, 1),),
    "hypot": ((-10, 10), (-10, 10)),
    "erf": ((-4, 4),),
    "erfc": ((-4, 10),),
    "expit": ((-10, 10),),
    "logaddexp": ((-10, 10), (-10, 10)),
    "logaddexp2": ((-10, 10), (-10, 10)),
    "gammaln": ((0.01, 30),),
    "digamma": ((0.01, 30),),
    "zeta": ((1.1, 10), (0.1, 10)),
}
Times = dict[str, dict[str, float]]


def once(call: Callable[[], object], n: int) -> float:
    """Return the nanoseconds per element of a few calls."""
    repeats = max(1, int(SECONDS / (n * 5e-9)))
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats / n * 1e9


def times(rounds: int) -> Times:
    """Time all functions at the level of this process, NumPy's beside them."""
    random = np.random.default_rng(0)
    found: Times = {}
    for title, bounds in ARGUMENTS.items():
        name = title.split(",")[0]
        ufunc = getattr(np, name, None) or getattr(scipy.special, name)
        for dtype in ulps.DTYPES:
            entry = found.setdefault(f"{title}/{np.dtype(dtype).name}", {})
            for n in SIZES:
                x = [random.uniform(low, high, n).astype(dtype) for low, high in bounds]
                out = np.empty(n, dtype)
                calls: dict[str, Callable[[], object]] = {
                    "ours": lambda x=x, out=out, name=name: elementwise(name, out, *x),
                    "theirs": lambda x=x, out=out, ufunc=ufunc: ufunc(*x, out=out),
                }
                for _ in range(rounds):
                    for whose, call in calls.items():
                        key = f"{whose} {n}"
                        entry[key] = min(entry.get(key, np.inf), once(call, n))
    return found


def at_level(level: str, rounds: int) -> Times:
    """Time all functions at a level, in a process of its own."""
    command = [sys.executable, __file__, "--level", "--rounds", str(rounds)]
    environment = os.environ | {"JACRS_SIMD": level}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def worst_errors(count: int) -> dict[str, dict[str, float]]:
    """Return the largest error of each function and dtype at each level."""
    found: dict[str, dict[str, float]] = {}
    for key, level, worst, _ in ulps.measure(ulps.FUNCTIONS, count, seed=0):
        found.setdefault(key, {})[level] = worst
    return found


def report(errors: dict[str, dict[str, float]], measured: dict[str, Times]) -> Iterator[str]:
    """Yield the lines of the tables, one for each dtype."""
    best = measured["avx512"]
    small, large = SIZES
    for dtype in ("float64", "float32"):
        yield f"### {dtype}\n"
        yield (
            "| function | error, baseline | error, AVX2 and AVX-512 | ns, baseline | ns, AVX2 |"
            f" ns, AVX-512 | ns, NumPy | ratio at {small:,} | ratio at {large:,} |"
        )
        yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
        for title in ARGUMENTS:
            key, name = f"{title}/{dtype}", title.split(",")[0]
            found = errors[f"{name}/{dtype}"]
            fused = max(found["avx2"], found["avx512"])
            own = " | ".join(f"{measured[x][key][f'ours {large}']:.2f}" for x in ulps.LEVELS)
            entry = best[key]
            ratios = (entry[f"theirs {n}"] / entry[f"ours {n}"] for n in SIZES)
            yield (
                f"| `{name}`{title.removeprefix(name)} | {found['baseline']:.2f} | {fused:.2f} |"
                f" {own} | {entry[f'theirs {large}']:.2f} |"
                f" {' | '.join(f'{ratio:.1f}' for ratio in ratios)} |"
            )
        yield ""


def main() -> None:
    """Measure, print the tables, and put them between the marks of a document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000, help="arguments of each kind")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="the document to put the tables in")
    parser.add_argument("--level", action="store_true", help="print times of this process only")
    chosen = parser.parse_args()
    if chosen.level:
        print(json.dumps(times(chosen.rounds)))
        return
    if build_info()[0] != "avx512":
        parser.error("the tables have a column for AVX-512, which this machine has not")
    errors = worst_errors(chosen.count)
    measured = {level: at_level(level, chosen.rounds) for level in ulps.LEVELS}
    versions = f"NumPy {np.__version__}, SciPy {scipy.__version__}"
    text = "\n".join([f"Measured beside {versions}.\n", *report(errors, measured)])
    print(text)
    if chosen.write:
        document = chosen.write.read_text(encoding="utf-8")
        head, rest = document.split(BEGIN)
        chosen.write.write_text(f"{head}{BEGIN}{text}{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
