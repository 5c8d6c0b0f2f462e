"""Which code is followed: everything but NumPy, SciPy, jacrs, the standard library and such."""

from __future__ import annotations

import enum
import sys
from importlib.machinery import EXTENSION_SUFFIXES

_LIBRARIES = (sys.stdlib_module_names | {"numpy", "scipy", "jacrs"}) - {"__main__"}
_HEAP_TYPE = 1 << 9
_known: dict[str, bool] = {}


def is_library(module_name: object) -> bool:
    """Tell whether code of this module runs as it is."""
    if not isinstance(module_name, str):
        return False  # code made by exec in a bare dictionary
    top = module_name.partition(".")[0]
    answer = _known.get(top)
    if answer is None:
        answer = _known[top] = top in _LIBRARIES or _is_compiled_distribution(top)
    return answer


def is_standard(module_name: object) -> bool:
    """Tell whether the module is in the standard library."""
    return isinstance(module_name, str) and module_name.partition(".")[0] in sys.stdlib_module_names


def _is_compiled_distribution(top: str) -> bool:
    """Tell whether `top` is an installed package with extension modules of its own.

    The Python half of pandas, torch or numba allocates for its compiled half, which needs real
    memory; following it would hand tracers to code that cannot take them.
    """
    package = sys.modules.get(top)
    path = getattr(package, "__file__", None) or ""
    if "site-packages" not in path and "dist-packages" not in path:
        return False
    suffixes = tuple(EXTENSION_SUFFIXES)
    return any(
        name.partition(".")[0] == top
        and (getattr(module, "__file__", None) or "").endswith(suffixes)
        for name, module in list(sys.modules.items())
    )


def is_user_class(cls: type) -> bool:
    """Tell whether the methods of `cls` are Python code that is to be followed."""
    if not cls.__flags__ & _HEAP_TYPE or is_library(cls.__module__):
        return False
    # Exceptions stay themselves, or `except` would miss those raised by code that is not followed.
    # Enum members are singletons that `is` compares.
    return not issubclass(cls, BaseException | type) and not isinstance(cls, enum.EnumMeta)
