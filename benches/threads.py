"""Time Jacobians that are bound by arithmetic on one thread and on all.

    python -m benches.threads [--write docs/performance.md]

Each is compiled, and called with one thread and with all by turns; the medians count. The results
must be the same, bit for bit.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import jacrs
from benches.harness.report import markdown, readable

BEGIN, END = "<!-- threads: begin -->\n", "<!-- threads: end -->\n"
SECONDS = 3.0
Case = tuple[str, Callable[[np.ndarray], np.ndarray], np.ndarray]


def cases() -> Iterator[Case]:
    """Return name, function and point of each Jacobian."""
    rng = np.random.default_rng(7)
    weights = rng.normal(size=(3, 512, 512)) / 25

    def layers(x):
        for w in weights:
            x = np.tanh(w @ x)
        return x

    yield "three layers, 512 x 512", layers, rng.normal(size=512)

    def forces(x):
        p = x.reshape(-1, 3)
        d = p[:, None] - p[None]
        r2 = np.sum(d**2, axis=-1) + np.eye(len(p))
        return np.sum(d * (np.exp(-r2) / r2)[:, :, None], axis=1).ravel()

    yield "forces between 48 bodies, 144 x 144", forces, rng.normal(size=144)

    mix = rng.normal(size=(4000, 96)) / 10

    def waves(x):
        return np.sin(mix @ x) * np.exp(-((mix @ x) ** 2)) + np.log1p((mix @ x) ** 2)

    yield "waves, 4000 x 96", waves, rng.normal(size=96)


def timed(case: Case) -> tuple[float, float]:
    """Return the seconds of a call on one thread and on all."""
    _, function, x = case
    call = jacrs.compile(jacrs.jacobian(function))
    counts = [1, os.cpu_count() or 1]
    times: list[list[float]] = [[], []]
    results = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times[0]) < 20:
        for n, seen in zip(counts, times, strict=True):
            jacrs.set_num_threads(n)
            start = time.perf_counter()
            result = call(x)
            seen.append(time.perf_counter() - start)
            if len(seen) == 1:
                results.append(result.tobytes())
    if len(set(results)) != 1:
        sys.exit("The number of threads changes the result.")
    one, both = (statistics.median(seen) for seen in times)
    return one, both


def main() -> None:
    """Print the table, or write it into a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", type=Path, help="the file that has the table")
    options = parser.parse_args()
    table = [["Jacobian", "one thread", f"{os.cpu_count()} threads", "ratio"]]
    for case in cases():
        one, both = timed(case)
        table.append([case[0], readable(one), readable(both), f"{one / both:.2f}"])
    lines = list(markdown(table))
    print("\n".join(lines))
    if options.write:
        text = options.write.read_text(encoding="utf-8")
        head, _, rest = text.partition(BEGIN)
        _, _, tail = rest.partition(END)
        options.write.write_text(
            head + BEGIN + "\n".join(lines) + "\n" + END + tail, encoding="utf-8"
        )


if __name__ == "__main__":
    main()
