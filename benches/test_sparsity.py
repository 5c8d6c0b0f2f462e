"""Patterns of Jacobians and Hessians: the time to find them, and the memory it takes.

Run it by itself for a table up to a million unknowns: python -m benches.test_sparsity
"""

import subprocess
import sys
import timeit

import numpy as np
import pytest

import jacrs

SIDES = (30, 100, 300)
LARGE = (100, 300, 1000)


def bratu(u):
    """Return the residual of Bratu's problem on a square with zeros around it."""
    padded = np.pad(u, 1)
    across = padded[1:-1, :-2] + padded[1:-1, 2:]
    along = padded[:-2, 1:-1] + padded[2:, 1:-1]
    return along + across - 4 * u + 0.1 * np.exp(u)


def energy(u):
    """Return a sum of squares of differences on a torus, and of a term of its own."""
    steps = (np.roll(u, 1, axis) - u for axis in (0, 1))
    return sum(np.sum(step**2) for step in steps) + np.sum(np.cosh(u))


CASES = {"jacobian": (bratu, lambda n: 5 * n * n - 4 * n), "hessian": (energy, lambda n: 5 * n * n)}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("of", CASES)
def test_pattern(benchmark, of, side):
    """Time a pattern, recording included."""
    f, entries = CASES[of]
    u = np.zeros((side, side))
    pattern = benchmark(lambda: jacrs.sparsity(f, of=of)(u))
    assert pattern.nnz == entries(side)


def measure(of: str, side: int) -> None:
    """Print a line: unknowns, entries, seconds of the first call and of the best, peak memory."""
    import resource

    f, _ = CASES[of]
    u = np.zeros((side, side))
    pattern = jacrs.sparsity(f, of=of)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    first = timeit.timeit(lambda: pattern(u), number=1)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    best = min(timeit.repeat(lambda: pattern(u), number=1, repeat=5))
    found = pattern(u)
    found.indices  # noqa: B018 - made when they are asked for
    mib = (after - before) / 1024
    print(f"{of:10}{side**2:>10}{found.nnz:>10}{first:>9.3f}{best:>9.3f}{mib:>9.0f}")


def main() -> None:
    """Measure each case in a process of its own, where the peak of memory is its own."""
    print(f"{'':10}{'unknowns':>10}{'entries':>10}{'first s':>9}{'best s':>9}{'MiB':>9}")
    for of in CASES:
        for side in LARGE:
            code = f"from benches.test_sparsity import measure; measure({of!r}, {side})"
            subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    main()
