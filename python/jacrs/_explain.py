"""What jacrs makes of a function, in words."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from jacrs._transforms.applied import is_compiled
from jacrs._transforms.function import Transformed
from jacrs._transforms.jacobians import checked_mode, jacobian
from jacrs._transforms.sparse import SparseJacobian

if TYPE_CHECKING:
    from collections.abc import Callable

    from jacrs._transforms.recording import Recorded


def explain(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    mode: str | None = None,
) -> Callable[..., str]:
    """Return a function that tells how the Jacobian of `f` is computed.

    The parameters are those of `jacobian`. It takes the arguments of `f` and returns a text: what
    was recorded, what is left of it, the steps of the plan, its memory, and the mode. For a
    compiled function the text is that of `jacobian(f).explain()` after the call: what the traces
    of its Jacobian hold for and run, the one that was used first. For `sparse_jacobian(f)` and its
    kin it tells how many entries there are, and the way in which they are computed.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> print(jacrs.explain(lambda x: np.sin(x) ** 2)(np.array([1.0, 2.0])))
    recorded: ... nodes
    mode: forward...
    """
    if isinstance(f, SparseJacobian):
        return f.explain
    if is_compiled(f):
        inner = f.__wrapped__  # type: ignore[attr-defined]
        if isinstance(inner, SparseJacobian):
            return partial(_explain_sparse_traces, f, inner)
        derivative: Any = jacobian(f, argnums, has_aux=has_aux, mode=mode)
        return partial(_explain_traces, derivative)
    return Explained(f, argnums, has_aux, checked_mode(mode))


def _explain_traces(derivative: Any, *args: Any, **keywords: Any) -> str:
    derivative(*args, **keywords)
    text: str = derivative.explain()
    return text


def _explain_sparse_traces(f: Any, inner: Any, *args: Any, **keywords: Any) -> str:
    return f"{inner.explain(*args, **keywords)}\n{_explain_traces(f, *args, **keywords)}"


class Explained(Transformed):
    """The account of a Jacobian."""

    name = "explain"

    has_short_way = False

    def _finish(self, recorded: Recorded, out: Any = None) -> str:  # noqa: ARG002 - takes none
        result = recorded.result
        text: str = recorded.session.explain(result.outputs, recorded.inputs, *self._options)
        return text
