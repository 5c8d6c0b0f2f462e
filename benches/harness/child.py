"""Measures one case with some tools, in a process of its own; says what happens line by line.

    python -m benches.harness.child NAME LABEL SECONDS TOOL...

A process for each case makes the first call a first one, and lets the parent end what takes too
long. The lines are JSON: the parent reads them.
"""

import json
import os
import resource
import statistics
import sys
import time

import numpy as np

from benches import tools
from benches.problems import Case, cases

SAMPLE = 1e-4  # seconds at least of one measurement, so that the clock does not count
SAMPLES = 3  # at least


def main():
    """Measure what the command line asks for."""
    name, label, seconds, *names = sys.argv[1:]
    (case,) = (case for case in cases([name]) if case.label == label)
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    resource.setrlimit(resource.RLIMIT_DATA, (physical * 3 // 4,) * 2)
    lines = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a tool prints goes elsewhere

    def say(event, **facts):
        print(json.dumps({"event": event, **facts}), file=lines)

    say("case", bytes=case.bytes, operations=case.operations)
    with np.errstate(all="ignore"):
        ready = {}
        for tool in names:
            begin(case, tools.TOOLS[tool], ready, say)
        say("timing")
        for tool, times in timed(ready, case.inputs[0], float(seconds)).items():
            say("times", tool=tool, median=statistics.median(times), fastest=min(times))


def begin(case: Case, tool: tools.Tool, ready, say):
    """Prepare a tool, time its first call and check the result."""
    try:
        prepare = tool.load()
        say("start", tool=tool.name)
        start = time.perf_counter()
        call = prepare(case.task)
        result = call(case.inputs[0])
        first = time.perf_counter() - start
    except tools.UnableError as error:
        say("unable", tool=tool.name, why=str(error))
    except Exception as error:  # whatever it is, the table says so
        reason = str(error).strip().split("\n")[0][:160]
        say("failed", tool=tool.name, why=f"{type(error).__name__}: {reason}")
    else:
        if tool.name != "f itself" and case.deviation(comparable(result), tool.tolerance) > 1:
            say("wrong", tool=tool.name, why="its result does not agree with the reference")
        else:
            ready[tool.name] = call
            say("first", tool=tool.name, seconds=first)


def comparable(result):
    """Return a result as the reference has it: a tuple of arrays is stacked."""
    return np.stack([np.asarray(part) for part in result]) if isinstance(result, tuple) else result


def timed(calls, x, seconds):
    """Return the seconds of calls of each tool, measured by turns."""
    numbers, times, spent = {}, {}, {}
    for tool, call in calls.items():
        once = clocked(call, x, 1)
        numbers[tool] = max(1, int(SAMPLE / once))
        times[tool], spent[tool] = [], 0.0
    active = set(calls)
    while active:
        for tool in [tool for tool in calls if tool in active]:
            total = clocked(calls[tool], x, numbers[tool])
            times[tool].append(total / numbers[tool])
            spent[tool] += total
            if spent[tool] >= seconds and len(times[tool]) >= SAMPLES:
                active.discard(tool)
    return times


def clocked(call, x, number):
    """Return the seconds of some calls."""
    start = time.perf_counter()
    for _ in range(number):
        call(x)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
