"""Python programs run in processes of their own, so that what may hang or crash cannot harm."""

import subprocess
import sys
import textwrap

PATIENCE = 120  # seconds: a deadlock, however slow the machine


def run(program, *arguments, **options):
    """Run a program; return what it printed. It fails the test if it fails, crashes or hangs."""
    command = [sys.executable, *options.pop("flags", ()), "-c", textwrap.dedent(program)]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        **options,
    )
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
