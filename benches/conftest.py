"""Collects what the benches measure and prints it as one table for each bench at the end."""

import pytest

TABLES = pytest.StashKey[dict[str, list[tuple[str, ...]]]]()


@pytest.fixture
def table(request):
    """Give a function that adds a row to a table: `table(title, columns, row)`."""
    tables = request.config.stash.setdefault(TABLES, {})

    def add(title, columns, row):
        tables.setdefault(title, [columns]).append(row)

    return add


def pytest_terminal_summary(terminalreporter, config):
    """Print the tables."""
    for title, rows in config.stash.get(TABLES, {}).items():
        terminalreporter.section(title)
        for line in aligned(together(rows)):
            terminalreporter.write_line(line)


def together(rows):
    """Order the rows so that those about the same case, named first, follow each other."""
    cases = list(dict.fromkeys(row[0] for row in rows))
    return sorted(rows, key=lambda row: cases.index(row[0]))


def aligned(rows):
    """Yield the rows as lines: names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        numbers = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        yield "  ".join([f"{first:<{widths[0]}}", *numbers])
