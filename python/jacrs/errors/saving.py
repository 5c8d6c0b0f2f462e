"""What `save` and `load` refuse, and calls of what was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jacrs.errors.classes import (
    FormatError,
    JacrsError,
    MemoryLimitError,
    NoTraceError,
    SaveError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def not_savable(name: str, where: str, what: str) -> JacrsError:
    """Report what another process could not be given again."""
    return SaveError(
        f"{name} cannot be saved: {where} is {what}, which is known by which object it is, and "
        "would be another one where the file is loaded; let the function reach it by itself, as in "
        "jacrs.compile(lambda x: f(x, that))"
    )


def map_not_savable(name: str, where: str) -> JacrsError:
    """Report a result that holds a linear map."""
    return SaveError(
        f"{name} cannot be saved: {where} is a pullback or a lazy Jacobian, which computes with "
        "what the call has left in this process; save a function of the products that you need, "
        "as jacrs.compile(lambda x, ct: jacrs.vjp(f, x)[1](ct))"
    )


def not_picklable(value: object) -> JacrsError:
    """Report a linear map that is to be pickled."""
    return SaveError(
        f"{value!r} cannot be pickled: it computes with what its call has left in this process; "
        "pickle an array of it, as that of J.dense(), or the function and the point, of which it "
        "can be made again"
    )


def not_importable(name: str, where: str, cls: type) -> JacrsError:
    """Report a class that cannot be found by its name."""
    return SaveError(
        f"{name} cannot be saved: {where} is of the class {cls.__module__}.{cls.__qualname__}, "
        "which is not found by this name; define it at the top of a module"
    )


def too_nested(name: str) -> JacrsError:
    """Report containers nested too deeply."""
    return SaveError(
        f"{name} cannot be saved: its containers are nested too deeply; pass flatter ones"
    )


def nothing_to_save(name: str) -> JacrsError:
    """Report a function without a trace."""
    return SaveError(
        f"{name} has no trace that holds as things are now, so there is nothing to save: call it "
        "first for arguments like those that it will be loaded for"
    )


def too_large_file(size: int, limit: int) -> JacrsError:
    """Report a file that there is no memory for."""
    return MemoryLimitError(
        f"the file has {size} bytes, but {limit} are available: raise "
        "jacrs.config.memory_limit, or load it where there is more memory"
    )


def damaged(why: str) -> JacrsError:
    """Report a file that holds something else than a function."""
    return FormatError(
        f"this is no saved function, or one that was damaged: {why}; save it "
        "again with compiled.save"
    )


def missing_class(module: str, name: str) -> JacrsError:
    """Report a class that is not there."""
    return FormatError(
        f"this function was saved with the class {module}.{name}, which is not there: loading "
        f"imports nothing, so import {module} before you load it"
    )


def other_class(module: str, name: str) -> JacrsError:
    """Report a class that has changed since."""
    return FormatError(
        f"this function was saved with a class {module}.{name} of other fields, or one that was "
        "registered: save it again"
    )


def no_trace(name: str, given: str, saved: Sequence[str]) -> JacrsError:
    """Report arguments for which nothing was saved."""
    return NoTraceError(
        f"nothing that was saved of {name} holds for {given}. It was saved for\n"
        + "".join(f"  {trace}\n" for trace in saved)
        + "Call the compiled function for such arguments before you save it"
    )


def is_loaded(name: str) -> JacrsError:
    """Report a loaded function that is to be recorded or transformed."""
    return UnsupportedError(
        f"{name} was loaded, so it can be called but not recorded, mapped or differentiated; save "
        "what you need of it: jacrs.compile(jacrs.grad(f)).save(file)"
    )
