"""Functions recorded once and run again without Python."""

from jacrs._compile.compiled import Compiled, compile  # noqa: A004 - as in `re.compile`
from jacrs._compile.saved import Loaded, load

__all__ = ["Compiled", "Loaded", "compile", "load"]
