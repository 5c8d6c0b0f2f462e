"""Functions recorded once and run again without Python."""

from jacrs._compile.compiled import Compiled, compile  # noqa: A004 - as in `re.compile`

__all__ = ["Compiled", "compile"]
