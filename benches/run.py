"""Measure derivatives with jacrs and its peers: every problem with every tool, by turns.

    python -m benches.run [PROBLEM ...] [--tools jacrs JAX] [--quick] [--threads 1] [--write]

Each result is compared with a reference before anything is timed. What is measured goes to a JSON
file; `--write` makes the table of docs/performance.md and its picture of it.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from benches import problems, tools
from benches.harness import machine as machines
from benches.harness import report
from benches.harness.parent import Measured, Row, measure

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "target" / "benchmarks.json"
DOCUMENT = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "benchmarks.svg"
BEGIN, END = "<!-- benchmarks: begin -->\n", "<!-- benchmarks: end -->\n"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("problems", nargs="*", metavar="PROBLEM", help=", ".join(problems.NAMES))
    add("--tools", nargs="+", choices=tools.TOOLS, help="those installed, if not given")
    add("--seconds", type=float, default=1.0, help="for the timed calls of a tool")
    add("--limit", type=float, default=60.0, help="seconds of a first call after which it is cut")
    add("--quick", action="store_true", help="a tenth of the seconds, a quarter of the limit")
    add("--threads", type=int, help="cores to run on; all, if not given")
    add("--results", type=Path, default=RESULTS, help="the JSON file")
    add("--again", action="store_true", help="measure nothing, take the JSON file")
    add("--write", action="store_true", help=f"write {DOCUMENT.name} and {PICTURE.name}")
    options = parser.parse_args()
    unknown = set(options.problems) - set(problems.NAMES)
    if unknown:
        parser.error(f"no such problem: {', '.join(sorted(unknown))}")
    return options


def confine(threads: int) -> None:
    """Keep the children to some cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    for library in ("OMP", "OPENBLAS", "MKL", "JACRS"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)


def run(options: argparse.Namespace) -> tuple[list[Measured], machines.Machine]:
    """Measure all that is asked for, and print each table when it is there."""
    if options.threads:
        confine(options.threads)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    command = [sys.executable, "-m", "benches.harness.machine"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    machine = machines.from_json(text)
    print("\n".join(report.facts(machine)))
    names = options.tools or list(tools.installed())
    seconds, limit = options.seconds, options.limit
    if options.quick:
        seconds, limit = seconds / 10, limit / 4
    results = []
    for case in problems.cases(options.problems):
        results.append(measure(case, names, seconds, limit))
        print("", *report.aligned(report.lines(results[-1], machine)), sep="\n", flush=True)
        save(results, machine, options.results)
    return results, machine


def save(results: list[Measured], machine: machines.Machine, file: Path) -> None:
    """Write what was measured."""
    file.parent.mkdir(exist_ok=True)
    content = {"machine": asdict(machine), "results": [asdict(entry) for entry in results]}
    file.write_text(json.dumps(content, indent=1), encoding="utf-8")


def load(file: Path) -> tuple[list[Measured], machines.Machine]:
    """Read what was measured."""
    content = json.loads(file.read_text(encoding="utf-8"))
    results = []
    for entry in content["results"]:
        rows = {tool: Row(**row) for tool, row in entry.pop("rows").items()}
        results.append(Measured(**entry, rows=rows))
    return results, machines.from_json(json.dumps(content["machine"]))


def write(results: list[Measured], machine: machines.Machine) -> None:
    """Put the tables between the marks of the document, and draw the picture."""
    from benches.harness.picture import draw

    text = DOCUMENT.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    table = "\n".join(report.document(results, machine))
    DOCUMENT.write_text(f"{head}{BEGIN}\n{table}\n\n{END}{tail}", encoding="utf-8")
    draw(results, PICTURE)


def main() -> None:
    """Measure or read, and write if asked."""
    options = arguments()
    results, machine = load(options.results) if options.again else run(options)
    if options.write:
        write(results, machine)


if __name__ == "__main__":
    main()
