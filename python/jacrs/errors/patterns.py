"""What patterns are asked for."""

from __future__ import annotations

from jacrs.errors.classes import JacrsError, TraceError


def pattern_while_recording() -> JacrsError:
    """Report a pattern that is asked for while a function is recorded."""
    return TraceError(
        "sparsity(f)(x) looks at the contents of index arrays, which are not known while a "
        "function is recorded: find the pattern first, outside of the recorded function"
    )


def needs_matplotlib(call: str) -> Exception:
    """Report a call for which Matplotlib must be there."""
    return ImportError(f"{call} needs Matplotlib, which is not installed: pip install jacrs[plot]")
