"""Call jacrs many times and print what memory it takes: `python scripts/soak.py [calls]`.

Every kind of call goes round in turn, with shapes that change, functions made anew, and errors
that are caught. After a warm-up the resident memory must not grow with the number of calls.
"""

import gc
import sys
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

import numpy as np

import jacrs

PAGE = 4096


def resident() -> int:
    """Return the bytes of memory that this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE


def tape(x: Any) -> Any:
    """Ask a tape for a gradient, inside and after its `with`."""
    with jacrs.Tape() as record:
        source = record.watch(x)
        y = np.sum(np.sin(source) * source)
        inside = record.gradient(y, source)
        total = np.sum(inside)
    return record.gradient(total, source)


def pullback(x: Any) -> Any:
    """Pull a cotangent back."""
    return jacrs.vjp(np.tanh, x)[1](x)


def refused(x: Any) -> None:
    """Catch an error that is raised while recording."""
    try:
        jacrs.grad(lambda t: float(np.sum(t)))(x)
    except jacrs.TraceError:
        return
    raise AssertionError


def failed(x: Any) -> None:
    """Catch an error of the recorded function."""

    def bad(t: Any) -> None:
        y = np.zeros(3)
        y[0] = t[0]
        raise KeyError(y.shape)

    try:
        jacrs.jacobian(bad)(x)
    except KeyError:
        return
    raise AssertionError


def buffer(x: Any) -> Any:
    """Fill a buffer element by element."""

    def f(t: Any) -> Any:
        y = np.zeros(3)
        for i in range(3):
            y[i] = t[i] ** 2 if t[i] > 0.5 else t[0]
        return y

    return jacrs.jacobian(f)(x)


def anew(x: Any) -> Any:
    """Differentiate a function whose code was made for this call."""
    return jacrs.grad(eval("lambda t: (t * t).sum()"))(x)  # noqa: S307


CALLS: dict[str, Callable[[Any], Any]] = {
    "grad": jacrs.grad(lambda t: np.sum(np.sin(t) * t)),
    "jacobian": jacrs.jacobian(lambda t: np.cumsum(t) * t[0]),
    "hessian": jacrs.hessian(lambda t: np.sum(t**3)),
    "jvp": lambda x: jacrs.jvp(np.tanh, (x,), (x,)),
    "pullback": pullback,
    "tape": tape,
    "buffer": buffer,
    "anew": anew,
    "refused": refused,
    "failed": failed,
}


def rounds(names: list[str]) -> Iterator[None]:
    """Make the calls of these names in turn, without end."""
    sizes = cycle(range(3, 20))
    for name in cycle(names):
        CALLS[name](np.linspace(0.1, 1.0, next(sizes)))
        yield


def growth(names: list[str], calls: int) -> float:
    """Return the bytes by which memory grows with each call, after a warm-up."""
    work = rounds(names)
    for _ in islice(work, max(calls // 4, 5000)):
        pass
    gc.collect()
    before = resident()
    for _ in islice(work, calls):
        pass
    gc.collect()
    return (resident() - before) / calls


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(f"{growth(list(CALLS), count):.3f} bytes a call over {count} calls of all kinds")
