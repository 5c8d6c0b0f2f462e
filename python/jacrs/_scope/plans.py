"""What a code object does that following must take care of, found once per code object."""

from __future__ import annotations

import dis
import types
import weakref
from typing import NamedTuple

# Methods of ndarray that do not dispatch on a tracer among their arguments, or whose result is
# written to: an outside array meets them only where the code names them. In a function that is
# mapped by `vmap` it may meet an index that differs from lane to lane.
ARRAY_METHODS = frozenset(
    "dot copy astype flatten searchsorted choose clip take repeat compress vmap".split()
)


class Plan(NamedTuple):
    """Facts about one code object and those nested in it."""

    code: weakref.ref[types.CodeType]
    writes_globals: frozenset[str]
    writes_cells: bool
    uses_array_methods: bool


_plans: dict[int, Plan] = {}
Facts = tuple[types.CodeType, tuple[object, ...] | None, dict[str, object] | None]


def facts_of(function: types.FunctionType) -> Facts:
    """Return what a copy of a function is made of, beside its cells."""
    return (function.__code__, function.__defaults__, function.__kwdefaults__)


def are_facts_of(facts: Facts, function: types.FunctionType) -> bool:
    """Tell whether a copy would be made of the same today."""
    code, defaults, keywords = facts
    return (
        function.__code__ is code
        and function.__defaults__ is defaults
        and function.__kwdefaults__ is keywords
    )


def plan_of(code: types.CodeType) -> Plan:
    """Return the plan of `code`, kept for as long as `code` lives.

    Kept by identity, since hashing a code object reads all of it.
    """
    plan = _plans.get(id(code))
    if plan is None or plan.code() is not code:
        plan = _plans[id(code)] = _make_plan(code)
    return plan


def _make_plan(code: types.CodeType) -> Plan:
    nested = [plan_of(const) for const in code.co_consts if isinstance(const, types.CodeType)]
    writes = frozenset(_written_globals(code)).union(*(plan.writes_globals for plan in nested))
    key = id(code)

    def drop(gone: weakref.ref[types.CodeType]) -> None:
        kept = _plans.get(key)
        if kept is not None and kept.code is gone:
            del _plans[key]

    cells = bool(code.co_freevars) and _has(code, "STORE_DEREF", "DELETE_DEREF")
    return Plan(
        weakref.ref(code, drop),
        writes,
        cells or any(plan.writes_cells for plan in nested),
        not ARRAY_METHODS.isdisjoint(code.co_names)
        or any(plan.uses_array_methods for plan in nested),
    )


def _has(code: types.CodeType, *names: str) -> bool:
    operations = code.co_code[::2]
    return any(dis.opmap[name] in operations for name in names)


def _written_globals(code: types.CodeType) -> list[str]:
    if not _has(code, "STORE_GLOBAL", "DELETE_GLOBAL"):
        return []
    writes = ("STORE_GLOBAL", "DELETE_GLOBAL")
    return [i.argval for i in dis.get_instructions(code) if i.opname in writes]
