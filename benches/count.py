"""Count instructions of fixed programs under valgrind, and compare with the committed counts.

    python benches/count.py [PROGRAM ...] [--write]

Times move with whatever else the machine does; counts do not. The programs are those of
rust/jacrs/benches/count.rs; they run on one thread with the kernels for AVX2, the best that
valgrind knows. Counts depend on the compiler, whose version stands beside them.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
COUNTS = ROOT / "benches" / "counts.json"
TOLERANCE = 0.02
BUILD = "cargo bench --quiet --package jacrs --bench count --no-run --message-format json".split()
CALLGRIND = (
    "valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no "
    "--toggle-collect=*count*counted*"
).split()


def output(*command: str, stream: str = "stdout") -> str:
    """Run a command in the repository; return what it writes."""
    environment = os.environ | {"JACRS_SIMD": "avx2"}
    result = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return getattr(result, stream)


def binary() -> str:
    """Build the programs; return the file that has them."""
    messages = map(json.loads, output(*BUILD).splitlines())
    return next(m["executable"] for m in messages if m.get("executable"))


def count(file: str, program: str) -> int:
    """Return the instructions of a program, those of its preparation left out."""
    text = output(*CALLGRIND, file, program, stream="stderr")
    found = re.search(r"Collected *: *(\d+)", text)
    if not found or int(found[1]) == 0:
        raise SystemExit(f"valgrind counted nothing in {program}:\n{text}")
    return int(found[1])


def compared(counts: dict[str, int], committed: dict[str, int]) -> bool:
    """Print the counts beside the committed ones; return whether none is off."""
    fine = True
    for program, found in counts.items():
        before = committed.get(program)
        change = found / before - 1 if before else float("inf")
        off = abs(change) > TOLERANCE
        fine = fine and not off
        print(f"{program:24}{found:>14,}{before or 0:>14,}{change:>+8.1%}{'  OFF' * off}")
    return fine


def main() -> None:
    """Count, then compare or write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("programs", nargs="*", help="all, if not given")
    parser.add_argument("--write", action="store_true", help=f"write {COUNTS.name} anew")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("skipped: instructions are counted by valgrind, which is not installed")
        return
    compiler = output("rustc", "--version").strip()
    kept = json.loads(COUNTS.read_text(encoding="utf-8"))
    file = binary()
    counts = {name: count(file, name) for name in options.programs or output(file).split()}
    fine = compared(counts, kept["counts"])
    if options.write:
        kept = {"compiler": compiler, "counts": kept["counts"] | counts}
        COUNTS.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        return
    if compiler != kept["compiler"]:
        print(f"The counts are those of {kept['compiler']}; here it is {compiler}.")
    if not fine:
        sys.exit(
            f"More than {TOLERANCE:.0%} off: mend it, or --write the new counts with a reason."
        )


if __name__ == "__main__":
    main()
