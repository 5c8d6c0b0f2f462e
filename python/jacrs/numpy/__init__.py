"""NumPy's names with those that make arrays replaced by recording ones: `import jacrs.numpy as np`.

For code that jacrs cannot follow by itself. While nothing is recorded everything here is as NumPy
has it. Types are NumPy's at run time and `Any` to type checkers.
"""

from __future__ import annotations

from typing import Any

import numpy as _numpy  # noqa: ICN001 - `np` would be one of this module's names

from jacrs._scope.substitutes import namespace_of as _namespace_of

_namespace = _namespace_of(_numpy)
__all__ = _numpy.__all__


def __getattr__(name: str) -> Any:
    value = getattr(_namespace, name)
    if not name.startswith("__"):
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    return dir(_numpy)
