"""Time the sparse Jacobian of Bratu's problem with a million unknowns, and measure its memory.

    python -m benches.large [--side 1000] [--write docs/performance.md]

The process that measures does nothing else: its peak of memory is that of the derivative, with
Python, NumPy and SciPy. Calls with one thread and with all go by turns; the medians count. The
results must be the same, bit for bit.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import jacrs
from benches.harness.report import markdown, readable
from benches.problems import bratu

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- large: begin -->\n", "<!-- large: end -->\n"
CALLS = 20
MIB = 2**20
CODE = "from benches.large import measured; measured({side})"


def peak() -> int:
    """Return the largest number of bytes that this process has had in memory.

    Not from `getrusage`, which counts what the parent had when it made this process.
    """
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (found,) = (line for line in lines if line.startswith("VmHWM:"))
    return 1024 * int(found.split()[1])


def measured(side: int) -> None:
    """Print seconds and bytes as JSON; for a process of its own."""
    import scipy.sparse  # noqa: F401 - importing it is no part of the first call

    x, side = bratu.inputs(side)
    facts = {"before": peak()}
    jacobian = jacrs.compile(jacrs.sparse_jacobian(bratu.function))
    start = time.perf_counter()
    J = jacobian(x, side)
    facts["first"] = time.perf_counter() - start
    facts["peak"] = peak()
    facts |= {"unknowns": x.size, "entries": J.nnz, "result": J.data.nbytes + 4 * J.nnz}
    facts["f"] = median(lambda: bratu.function(x, side))
    threads = sorted({1, os.cpu_count() or 1})
    results = {n: with_threads(n, jacobian, x, side).data.tobytes() for n in threads}
    if len(set(results.values())) != 1:
        sys.exit("The number of threads changes the result.")
    for name, options in (("fresh", {}), ("out", {"out": J})):
        seconds = {n: [] for n in threads}
        for _ in range(CALLS):
            for n in threads:
                start = time.perf_counter()
                with_threads(n, jacobian, x, side, **options)
                seconds[n].append(time.perf_counter() - start)
        facts[name] = {n: statistics.median(taken) for n, taken in seconds.items()}
    facts["peak of calls"] = peak()
    deviation = np.max(np.abs(J.data - bratu.reference(x, side).data))
    if not deviation <= bratu.TOLERANCE * np.max(np.abs(J.data)):
        sys.exit("The result is wrong.")
    print(json.dumps(facts))


def with_threads(n, call, *arguments, **options):
    """Call with so many threads."""
    jacrs.set_num_threads(n)
    return call(*arguments, **options)


def median(call):
    """Return the median of the seconds of some calls."""
    seconds = []
    for _ in range(CALLS):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def measure(side: int) -> dict:
    """Return what a process of its own measures."""
    command = [sys.executable, "-c", CODE.format(side=side)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return json.loads(done.stdout)


def table(facts: dict) -> list[list[str]]:
    """Return what was measured as rows."""
    one, *more = facts["fresh"].items()
    rows = [
        ["", f"{facts['unknowns']} unknowns, {facts['entries']} entries"],
        ["the function by NumPy", readable(facts["f"])],
        ["first call, with recording, structure and plan", readable(facts["first"])],
        ["compiled, one thread", readable(one[1])],
    ]
    for n, seconds in more:
        text = f"{readable(seconds)}, {one[1] / seconds:.2f} times as fast"
        rows.append([f"compiled, {n} threads", text])
    for n, seconds in facts["out"].items():
        text = "thread" if n == "1" else "threads"
        rows.append([f"compiled, into the matrix of before, {n} {text}", readable(seconds)])
    before, after = facts["before"] // MIB, facts["peak"] // MIB
    rows.append(["memory at most, first call", f"{after} MiB, of which {before} before"])
    rows.append(["memory at most, with calls after it", f"{facts['peak of calls'] // MIB} MiB"])
    rows.append(["of which the result", f"{facts['result'] // MIB} MiB"])
    return rows


def main() -> None:
    """Print the table, or write it into a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--side", type=int, default=1000, help="points along each side")
    parser.add_argument("--write", type=Path, help="the file that has the table")
    options = parser.parse_args()
    lines = list(markdown(table(measure(options.side))))
    print("\n".join(lines))
    if options.write:
        text = options.write.read_text(encoding="utf-8")
        head, _, rest = text.partition(BEGIN)
        tail = rest.partition(END)[2]
        content = head + BEGIN + "\n".join(lines) + "\n" + END + tail
        options.write.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
