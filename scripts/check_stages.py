"""Check that no stage of the engine's pipeline imports a later one.

The stages are folders of ``rust/jacrs/src``. What comes before the stages (the foundation) may be
used by all of them and uses none; ``scalar``, ``dual``, ``tape`` and ``drivers`` stand beside the
pipeline, in an order of their own. Test modules in files of their own (``tests.rs``, ``tests/``)
may look ahead: they run what they test.
Run it with no argument, or with the path of another source folder.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

# Lowest first; modules of one group may use each other: operations are part of the graph's type.
FOUNDATION = [{"error"}, {"interrupt", "memory"}, {"array"}, {"simd"}, {"ir", "ops"}]
STAGES = ["trace", "optimize", "differentiate", "sparsity", "plan", "execute", "assemble"]
ORDER = [*FOUNDATION, *({stage} for stage in STAGES)]
# Beside the pipeline: an independent answer to it, so they share plain numbers with it alone.
SHARED = {"error", "simd"}
BESIDE = ["scalar", "dual", "tape", "drivers"]
KNOWN = set(BESIDE).union(*ORDER)

SOURCES = Path(__file__).parents[1] / "rust" / "jacrs" / "src"

COMMENT_OR_TEXT = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\br(#+)".*?"\1|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\\n])'""", re.DOTALL
)
ROOT_PATH = re.compile(r"\b(?:crate|super\s*::\s*super)\s*::\s*(?:(\w+)|\{)")
NAME_OR_BRACE = re.compile(r"\w+|[{},]")


def may_use(module: str) -> set[str]:
    """Name the modules that ``module`` may import."""
    if module in BESIDE:
        return SHARED.union(BESIDE[: BESIDE.index(module) + 1])
    allowed: set[str] = set()
    for group in ORDER:
        allowed |= group
        if module in group:
            break
    return allowed


def used_modules(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, module) for each path that starts at the crate's root."""
    code = COMMENT_OR_TEXT.sub(blank, source)
    for match in ROOT_PATH.finditer(code):
        if match[1]:
            yield line_of(code, match.start(1)), match[1]
        else:
            yield from group_heads(code, match.end())


def group_heads(code: str, start: int) -> Iterator[tuple[int, str]]:
    """Yield the first name of each path of ``crate::{a::b, c::{d, e}}``; it opens before start."""
    depth, at_head = 1, True
    for token in NAME_OR_BRACE.finditer(code, start):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            depth -= 1
            if depth == 0:
                return
        elif token[0] == ",":
            at_head = depth == 1
        elif at_head:
            yield line_of(code, token.start()), token[0]
            at_head = False


def blank(match: re.Match[str]) -> str:
    """Keep only the line breaks of a comment or a literal, so that line numbers stay right."""
    return "\n" * match[0].count("\n")


def line_of(text: str, position: int) -> int:
    """Count lines from 1."""
    return text.count("\n", 0, position) + 1


def offences(sources: Path) -> Iterator[str]:
    """Yield one message for each import against the order."""
    for file in sorted(sources.rglob("*.rs")):
        parts = [part.removesuffix(".rs") for part in file.relative_to(sources).parts]
        module = parts[0]
        if module == "lib" or "tests" in parts:
            continue
        if module not in KNOWN:
            yield f"{file}:1: `{module}` has no place in the order of scripts/check_stages.py"
            continue
        allowed = may_use(module)
        for line, used in used_modules(file.read_text(encoding="utf-8")):
            if used in KNOWN and used not in allowed:
                yield f"{file}:{line}: `{module}` must not import `{used}`"


def main(arguments: list[str]) -> int:
    """Print the offences and return the exit status."""
    found = list(offences(Path(arguments[0]) if arguments else SOURCES))
    print("\n".join(found) or "stages: the order holds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
