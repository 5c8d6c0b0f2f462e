"""What the machine can do at best, measured: the floor of a row follows from it.

python -m benches.harness.machine    prints it as JSON
"""

import json
import os
import platform
import time
from bisect import bisect_left
from dataclasses import asdict, dataclass, field

import numpy as np

import jacrs
from benches import tools
from jacrs import _jacrs

SIZES = [2**16, 2**20, 2**23, 2**27]  # bytes: caches of three levels, and memory


@dataclass
class Machine:
    """A machine: its rates in bytes and operations a second, and who measures there."""

    processor: str
    threads: int
    simd: str
    operations: float
    copies: dict[int, float]  # by the size of what is copied
    load: float = 0.0  # of other processes, before anything was measured
    versions: dict[str, str] = field(default_factory=dict)

    def floor(self, size: int, operations: int) -> float:
        """Return the seconds that no program can beat: to move the bytes, to do the operations."""
        sizes = sorted(self.copies)
        place = min(bisect_left(sizes, size), len(sizes) - 1)
        return max(size / self.copies[sizes[place]], operations / self.operations)


def fastest(call, seconds=0.3):
    """Return the seconds of the fastest of at least five calls."""
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def copy_rate(size):
    """Return how many bytes a second are read and written, `size` together."""
    source = np.ones(size // 16)
    target = np.empty_like(source)
    return size / fastest(lambda: np.copyto(target, source))


def product_rate(n=512):
    """Return the operations a second of a product of matrices, short enough to go undisturbed."""
    A = np.random.default_rng(0).normal(size=(n, n))
    return 2 * n**3 / fastest(lambda: A @ A, seconds=1.0)


def processor():
    """Return the name of the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":")[1].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def here():
    """Measure this machine."""
    return Machine(
        processor(),
        jacrs.num_threads(),
        _jacrs.build_info()[0],
        product_rate(),
        {size: copy_rate(size) for size in SIZES},
        os.getloadavg()[0],
        {"python": platform.python_version()}
        | {tool.package: tool.version for tool in tools.installed().values()},
    )


def from_json(text):
    """Return a machine from what this script prints."""
    facts = json.loads(text)
    facts["copies"] = {int(size): rate for size, rate in facts["copies"].items()}
    return Machine(**facts)


if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    print(json.dumps(asdict(here())))
