"""Tables of what was measured: for the terminal, and in Markdown."""

import textwrap
from collections.abc import Iterator

from benches.harness.machine import Machine
from benches.harness.parent import Measured, Row

OWN = ("jacrs, compiled", "jacrs")  # ratios are to the first of these that has a time
WORDS = {
    None: "–",
    "unable": "–",
    "failed": "raises",
    "wrong": "wrong",
    "cut": "cut",
    "died": "died",
}
Rows = list[list[str]]


def readable(seconds: float | None) -> str:
    """Return a time in the unit that suits it."""
    if seconds is None:
        return "–"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= 0.9995 * scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def title(measured: Measured) -> str:
    """Return the name of a case."""
    return f"{measured.name}, {measured.label}"


def ratio(measured: Measured, row: Row) -> float | None:
    """Return how many times longer a tool takes than jacrs."""
    own = (measured.rows.get(tool) for tool in OWN)
    base = next((own.median for own in own if own and own.median), None)
    return row.median / base if base and row.median else None


def floor(measured: Measured, machine: Machine) -> float | None:
    """Return the seconds that no program can beat, where the work is known."""
    if measured.operations is None:
        return None
    return machine.floor(measured.bytes, measured.operations)


def lines(measured: Measured, machine: Machine) -> Rows:
    """Return a table of one case: a line for each tool."""
    head = [title(measured), "median", "to jacrs", "fastest", "first call", ""]
    table = [head, ["floor", readable(floor(measured, machine)), "", "", "", "of this machine"]]
    for row in measured.rows.values():
        share = ratio(measured, row)
        times = [readable(seconds) for seconds in (row.median, row.fastest, row.first)]
        times.insert(1, f"{share:.2f}" if share else "")
        table.append([row.tool, *times, row.why or ""])
    return table


def aligned(table: Rows) -> Iterator[str]:
    """Yield the lines of a table: the first and a wordy last column to the left."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *numbers, last in table:
        middle = (f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:], strict=False))
        yield "  ".join([f"{first:<{widths[0]}}", *middle, last]).rstrip()


def markdown(table: Rows) -> Iterator[str]:
    """Yield a table in Markdown: names to the left, times to the right."""
    head, *rest = table
    yield f"| {' | '.join(head)} |"
    yield "|---|" + "---:|" * (len(head) - 1)
    for row in rest:
        yield f"| {' | '.join(row)} |"


def document(results: list[Measured], machine: Machine) -> Iterator[str]:
    """Yield the part of the document that is written by the benchmarks."""
    tools = [tool for tool in results[0].rows if any(m.rows[tool].median for m in results)]
    yield from facts(machine)
    yield from ["", "Median of a call; in brackets how many times that of jacrs:", ""]
    yield from markdown(table_of(results, machine, tools))
    yield from ["", "The first call, with all that has to be prepared for it:", ""]
    timed = [tool for tool in tools if tool != "f itself"]
    firsts = [[readable(m.rows[tool].first) for tool in timed] for m in results]
    rows = ([title(m), *cells] for m, cells in zip(results, firsts, strict=True))
    yield from markdown([["work", *timed], *rows])
    yield from ["", "Why there is no time:", ""]
    yield from reasons(results)


def facts(machine: Machine) -> Iterator[str]:
    """Yield what was measured where."""
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    copies = ", ".join(
        f"{rate / 1e9:.0f} GB/s of {size // 2**10} KiB" for size, rate in machine.copies.items()
    )
    yield f"- Machine: {machine.processor}, {machine.threads} threads; jacrs uses {machine.simd}."
    yield textwrap.fill(f"- Versions: {versions}.", 100, subsequent_indent="  ")
    if machine.load > 0.2 * machine.threads:
        yield f"- The machine was busy, with a load of {machine.load:.1f}: the times are too long."
    limits = f"- Limits: {machine.operations / 1e9:.0f} GFlop/s in a product of matrices; copying, "
    limits += f"with what is read and written counted together: {copies}."
    yield textwrap.fill(limits, 100, subsequent_indent="  ")


def table_of(results: list[Measured], machine: Machine, tools: list[str]) -> Rows:
    """Return the table of medians."""
    table = [["work", "floor", *tools]]
    for measured in results:
        cells = (cell(measured, measured.rows[tool]) for tool in tools)
        table.append([title(measured), readable(floor(measured, machine)), *cells])
    return table


def cell(measured: Measured, row: Row) -> str:
    """Return a time and, for a peer, its ratio."""
    share = ratio(measured, row)
    if row.median is None:
        return WORDS[row.kind]
    if row.tool in (*OWN, "f itself") or share is None:
        return readable(row.median)
    times = f"{share:.2g}" if share < 10 else f"{share:.0f}"
    return f"{readable(row.median)} ({times})"


def reasons(results: list[Measured]) -> Iterator[str]:
    """Yield why tools have no time, the same reasons together."""
    found: dict[tuple[str, str], list[str]] = {}
    for measured in results:
        for row in measured.rows.values():
            if row.why:
                names = found.setdefault((row.tool, row.why), [])
                if measured.name not in names:
                    names.append(measured.name)
    for (tool, why), names in found.items():
        line = f"- {tool}: {why} ({', '.join(names)})"
        yield textwrap.fill(line, 100, subsequent_indent="  ", break_on_hyphens=False)
