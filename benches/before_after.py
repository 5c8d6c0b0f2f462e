"""Compare the speed of this tree with that of an earlier commit, in one sitting.

    python benches/before_after.py COMMIT [--rounds 3] [--write docs/performance.md]

Both are built and run by turns, with the same Python and the same benches: those of the earlier
commit (for the engine those of their names, each tree with its own). The smallest median of the
rounds counts, which is the one that other work on the machine disturbed least. Rows without jacrs
in them are the control: what they differ by is noise.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- before and after: begin -->\n", "<!-- before and after: end -->\n"
ENGINE = ("cargo", "bench", "--quiet", "--package", "jacrs")
QUICK = ("--warm-up-time", "0.5", "--measurement-time", "1", "--sample-size", "10")
Times = dict[str, float]


class Tree:
    """A source tree with its own build, which benches run against."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.times: defaultdict[str, list[float]] = defaultdict(list)
        self.environment = os.environ | {
            "CARGO_TARGET_DIR": str(path / "target"),
            "CRITERION_HOME": str(path / "target" / "criterion"),
            "PYTHONPATH": f"{path / 'python'}{os.pathsep}{path}",
            "PYO3_PYTHON": sys.executable,
            "PYO3_BUILD_EXTENSION_MODULE": "1",
        }

    def run(self, *command: str, cwd: Path | None = None) -> None:
        """Run a command with this tree's build; raise where it fails."""
        subprocess.run(
            command, cwd=cwd or self.path, env=self.environment, check=True, stdout=sys.stderr
        )

    def build(self) -> None:
        """Build the native module beside its package."""
        self.run("cargo", "build", "--quiet", "--release", "--package", "jacrs-python")
        library = next((self.path / "target" / "release").glob("lib_jacrs.[ds]*[oy]*"))
        link = self.path / "python" / "jacrs" / "_jacrs.abi3.so"
        link.unlink(missing_ok=True)
        link.symlink_to(library)

    def measure(self, benches: Path) -> None:
        """Run all benches once and note their medians, in seconds."""
        names = (file.stem for file in sorted((benches / "rust/jacrs/benches").glob("*.rs")))
        chosen = (part for name in names for part in ("--bench", name))
        self.run(*ENGINE, *chosen, "--", *QUICK)
        for name, seconds in engine_times(self.path / "target" / "criterion"):
            self.times[f"engine: {name}"].append(seconds)
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            options = ("-q", "-p", "no:cacheprovider", f"--benchmark-json={file.name}")
            self.run(sys.executable, "-m", "pytest", "benches", *options, cwd=benches)
            for entry in json.loads(Path(file.name).read_text())["benchmarks"]:
                self.times[entry["name"]].append(entry["stats"]["median"])

    def best(self) -> Times:
        """Return the smallest time of each bench."""
        return {name: min(times) for name, times in self.times.items()}


def engine_times(folder: Path) -> Iterator[tuple[str, float]]:
    """Yield the name and the median of each criterion bench, in seconds."""
    for file in sorted(folder.rglob("new/estimates.json")):
        name = "/".join(file.relative_to(folder).parts[:-2])
        yield name, 1e-9 * json.loads(file.read_text())["median"]["point_estimate"]


def report(before: Times, after: Times) -> Iterator[str]:
    """Yield the lines of a Markdown table, the slowed ones first."""
    common = before.keys() & after.keys()
    ratios = {name: after[name] / before[name] for name in common}
    yield "| bench | before | after | after / before |"
    yield "|---|---:|---:|---:|"
    for name in sorted(common, key=lambda name: -ratios[name]):
        times = f"{readable(before[name])} | {readable(after[name])}"
        yield f"| {name} | {times} | {ratios[name]:.2f} |"
    mean = statistics.geometric_mean(ratios.values())
    yield ""
    yield f"Geometric mean of the {len(common)} ratios: {mean:.3f}."


def readable(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def write(lines: list[str], file: Path) -> None:
    """Put the table between the marks of a document."""
    text = file.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    file.write_text(head + BEGIN + "\n" + "\n".join(lines) + "\n\n" + END + tail, encoding="utf-8")


def main() -> None:
    """Measure both trees by turns and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("commit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    earlier = ROOT / "target" / "before"
    git = ("git", "-C", str(ROOT), "worktree")
    if not earlier.exists():
        add = (*git, "add", "--force", "--detach", str(earlier), options.commit)
        subprocess.run(add, check=True)
    try:
        before, after = Tree(earlier), Tree(ROOT)
        for tree in (before, after):
            tree.build()
        for _ in range(options.rounds):
            for tree in (before, after):
                tree.measure(benches=earlier)
    finally:
        subprocess.run((*git, "remove", "--force", str(earlier)), check=True)
    lines = list(report(before.best(), after.best()))
    print("\n".join(lines))
    if options.write:
        write(lines, options.write)


if __name__ == "__main__":
    main()
