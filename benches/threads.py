"""Time derivatives that are bound by arithmetic on one thread and on all.

    python -m benches.threads [--write docs/performance.md]

Each is compiled, and called with one thread and with all by turns; the fastest calls count, which
other work on the machine disturbed least. The results must be the same, bit for bit.
"""

import argparse
import os
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
    """Return name, derivative and point of each case."""
    rng = np.random.default_rng(7)
    weights = rng.normal(size=(3, 512, 512)) / 25

    def layers(x):
        for w in weights:
            x = np.tanh(w @ x)
        return x

    yield "Jacobian of three layers, 512 x 512", jacrs.jacobian(layers), rng.normal(size=512)

    def energy(x):
        p = x.reshape(-1, 3)
        d = p[:, None] - p[None]
        r2 = np.sum(d**2, axis=-1) + np.eye(len(p))
        return np.sum(np.exp(-r2) * np.sin(3 * r2) / r2)

    yield "gradient of the energy of 1000 bodies", jacrs.grad(energy), rng.normal(size=3000)

    def pendulum(x):
        angle, speed = x[0], x[1]
        for _ in range(50):
            speed = speed - 0.02 * (np.sin(angle) + 0.1 * speed)
            angle = angle + 0.02 * speed
        return np.array([angle, speed])

    swings = jacrs.vmap(jacrs.jacobian(pendulum))
    yield "Jacobians of 20 000 pendulums, 50 steps", swings, rng.normal(size=(20_000, 2))

    def likelihood(x):
        angle = np.sin(x) * np.cos(3 * x)
        return np.sum(np.log1p(np.exp(angle)) * np.tanh(x))

    sample = rng.normal(size=200_000)
    yield "gradient of a likelihood of 200 000 numbers", jacrs.grad(likelihood), sample


def timed(case: Case) -> tuple[float, float]:
    """Return the seconds of a call on one thread and on all."""
    _, derivative, x = case
    call = jacrs.compile(derivative)
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
    one, both = map(min, times)
    return one, both


def main() -> None:
    """Print the table, or write it into a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", type=Path, help="the file that has the table")
    options = parser.parse_args()
    table = [["derivative", "one thread", f"{os.cpu_count()} threads", "ratio"]]
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
