"""Check that the operation CONTRIBUTING.md adds as its example is all it takes to add one.

A fenced block of CONTRIBUTING.md whose first line says ``into=FILE after=TEXT`` is put into that
file of a copy of the project, behind the first line that starts with the text; ``after=end`` puts
it at the end. No other file is changed. Then the engine's tests of operations run on the copy, and
the Python examples of CONTRIBUTING.md, with the copy's own native module.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
BUILT = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))  # shared: dependencies are there
COPY = BUILT / "contributing"  # always the same place, so that cargo builds over what it built
LIBRARIES = (".so", ".dylib")
BLOCK = re.compile(r"^```\w+ into=(\S+) after=(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TESTS = (
    "cargo",
    "test",
    "--quiet",
    "--package",
    "jacrs",
    "--test",
    "operations",
    "--test",
    "scalar",
)
BUILD = ("cargo", "build", "--quiet", "--release", "--package", "jacrs-python")
EXAMPLES = (sys.executable, "-m", "pytest", "--quiet", "--doctest-glob=*.md", "CONTRIBUTING.md")


class Step(NamedTuple):
    """Lines to be put into a file."""

    file: str
    after: str
    text: str


def steps(document: str) -> Iterator[Step]:
    """Yield the steps of a document, in its order."""
    for match in BLOCK.finditer(document):
        yield Step(*match.groups())


def applied(step: Step, source: str) -> str:
    """Return the source of a file with the step taken."""
    if step.after == "end":
        return f"{source}\n{step.text}"
    lines = source.splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith(step.after):
            return "".join([*lines[:number], step.text, *lines[number:]])
    raise LookupError(f"no line of {step.file} starts with {step.after!r}")


def copy_project(target: Path) -> None:
    """Copy what belongs to the project: the files that git knows, as they are now."""
    listed = subprocess.run(
        ("git", "ls-files", "-z"), cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def run_checks(project: Path) -> None:
    """Run the tests that must find the new operation; raise where one fails."""
    environment = os.environ | {
        "CARGO_TARGET_DIR": str(BUILT),
        "PYTHONPATH": str(project / "python"),
    }
    for command in (TESTS, BUILD):
        subprocess.run(command, cwd=project, env=environment, check=True)
    library = next(path for path in BUILT.glob("release/lib_jacrs.*") if path.suffix in LIBRARIES)
    shutil.copy2(library, project / "python" / "jacrs" / "_jacrs.abi3.so")
    subprocess.run(EXAMPLES, cwd=project, env=environment, check=True)


def main() -> int:
    """Apply the example to a copy, run its tests and return the exit status."""
    found = list(steps((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    if not found:
        print("CONTRIBUTING.md has no steps")
        return 1
    shutil.rmtree(COPY, ignore_errors=True)
    copy_project(COPY)
    for step in found:
        file = COPY / step.file
        file.write_text(applied(step, file.read_text(encoding="utf-8")), encoding="utf-8")
    try:
        run_checks(COPY)
    except subprocess.CalledProcessError as error:
        print(f"after the steps of CONTRIBUTING.md this fails: {' '.join(error.cmd)}")
        return 1
    finally:
        shutil.rmtree(COPY)
    print(f"contributing: {len(found)} steps add an operation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
