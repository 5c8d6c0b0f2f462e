"""A picture of the ratios: a line for each case, a dot for each tool, on a logarithmic axis."""

from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from benches.harness.parent import Measured
from benches.harness.report import OWN, ratio, title

INK = "#808080"  # grey can be read on white and on black
COLOURS = ["#1f83d6", "#e0762b", "#2ca05a", "#b05cc8", "#d64550", "#b8962e"]


def draw(results: list[Measured], file: Path) -> None:
    """Write the picture as SVG, without a background."""
    drawn = [m for m in results if any(dots(m).values())]
    tools = [tool for tool in drawn[0].rows if any(tool in dots(m) for m in drawn)]
    figure = Figure(figsize=(8, 0.9 + 0.26 * len(drawn)), layout="constrained")
    axes = figure.subplots()
    for tool, colour in zip(tools, COLOURS, strict=False):
        points = [(dots(m)[tool], i) for i, m in enumerate(drawn) if tool in dots(m)]
        x, y = zip(*points, strict=True)
        axes.plot(x, y, "o", color=colour, markersize=6, label=tool)
    axes.axvline(1, color=INK, linewidth=1.5)
    axes.set_xscale("log")
    axes.set_yticks(range(len(drawn)), [title(m) for m in drawn])
    axes.set_ylim(len(drawn) - 0.4, -0.6)
    axes.set_xlabel("time of a call, jacrs = 1", color=INK)
    axes.tick_params(colors=INK, which="both", labelsize=8)
    axes.grid(axis="both", color=INK, alpha=0.25, linewidth=0.5)
    axes.spines[:].set_visible(False)
    figure.legend(loc="outside upper center", ncols=6, frameon=False, labelcolor=INK, fontsize=8)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "benchmarks"}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})


def dots(measured: Measured) -> dict[str, float]:
    """Return the ratio of each peer that has one."""
    peers = (row for row in measured.rows.values() if row.tool not in (*OWN, "f itself"))
    return {row.tool: share for row in peers if (share := ratio(measured, row))}
