"""Runs each case in a child process; ends a tool that takes too long and goes on without it."""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from benches.problems import Case

PATIENCE = 600.0  # seconds for all timed calls of a case


@dataclass
class Row:
    """What a tool did with a case: it has times, or there is a reason why not."""

    tool: str
    median: float | None = None
    fastest: float | None = None
    first: float | None = None
    kind: str | None = None  # "unable" (by design), "failed", "wrong", "cut" or "died"
    why: str | None = None


@dataclass
class Measured:
    """A case and what was found."""

    name: str
    label: str
    derivative: str
    bytes: int = 0
    operations: int | None = None
    rows: dict[str, Row] = field(default_factory=dict)


@dataclass
class Stopped(Exception):  # noqa: N818 - no error of ours
    """A child that is no more, and the tool that it was with."""

    tool: str | None
    kind: str
    why: str


def measure(case: Case, tools: list[str], seconds: float, limit: float) -> Measured:
    """Measure a case, without the tools that took longer than `limit` for their first call."""
    stopped: dict[str, Row] = {}
    while True:
        left = [tool for tool in tools if tool not in stopped]
        measured = Measured(case.name, case.label, case.derivative)
        try:
            for event in events(case, left, seconds, limit):
                note(measured, event)
        except Stopped as reason:
            if reason.tool is None:
                raise
            stopped[reason.tool] = Row(reason.tool, kind=reason.kind, why=reason.why)
        else:
            rows = measured.rows | stopped
            measured.rows = {tool: rows[tool] for tool in tools}
            return measured


def note(measured: Measured, event: dict) -> None:
    """Enter what a child says."""
    match event["event"]:
        case "case":
            measured.bytes, measured.operations = event["bytes"], event["operations"]
        case "first":
            measured.rows[event["tool"]] = Row(event["tool"], first=event["seconds"])
        case "times":
            row = measured.rows[event["tool"]]
            row.median, row.fastest = event["median"], event["fastest"]
        case "unable" | "failed" | "wrong" as kind:
            measured.rows[event["tool"]] = Row(event["tool"], kind=kind, why=event["why"])


def events(case: Case, tools: list[str], seconds: float, limit: float) -> Iterator[dict]:
    """Yield what a child says; raise `Stopped` where it dies or a tool exceeds its limit."""
    words = (case.name, case.label, str(seconds), *tools)
    command = [sys.executable, "-m", "benches.harness.child", *words]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=read, args=(child, said), daemon=True)
    reader.start()
    tool, deadline = None, time.monotonic() + PATIENCE
    try:
        while True:
            try:
                line = said.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Stopped(tool, "cut", f"cut after {limit:g} s") from None
            if not line:
                break
            event = json.loads(line)
            deadline = time.monotonic() + (limit if event["event"] == "start" else PATIENCE)
            tool = event.get("tool") if event["event"] == "start" else None
            yield event
        if child.wait() != 0:
            raise Stopped(tool, "died", f"its process ended with {child.returncode}")
    finally:
        child.kill()
        child.wait()
        reader.join()
        child.stdout.close()


def read(child: subprocess.Popen[str], said: queue.Queue[str]) -> None:
    """Pass on the lines of a child; an empty one at the end."""
    for line in child.stdout:
        said.put(line)
    said.put("")
