"""Memory does not grow with the number of calls; `scripts/soak.py` makes a million of them."""

import gc
import sys

import numpy as np
import pytest

import jacrs
from jacrs import _jacrs
from scripts import soak
from tests.robust.processes import run


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_fifty_thousand_calls():
    """A float that stays with each call would be 24 bytes."""
    out = run(
        "import sys; sys.path[:0] = [sys.argv[1]]; from scripts import soak\n"
        "print(soak.growth(list(soak.CALLS), 50_000))",
        ".",
    )
    assert float(out) < 16.0


@pytest.mark.parametrize("name", soak.CALLS)
def test_no_object_stays(name):
    """Python objects are counted, which is exact."""
    call = soak.CALLS[name]
    x = np.linspace(0.1, 1.0, 5)

    def counted(calls):
        for _ in range(calls):
            call(x)
        gc.collect()
        return len(gc.get_objects())

    counted(20)
    before = counted(1)
    assert counted(200) - before <= 20


def test_namespaces_are_bounded():
    """Functions of modules that are made anew: those used last are kept, not all."""
    from jacrs._scope import state

    for _ in range(3 * 512):
        function = eval("lambda x: x * x", {"__name__": "anew"})
        jacrs.grad(function)(1.0)
    assert len(state.current_state().mirrors) <= 512 + 1


def test_programs_are_bounded():
    for n in range(200):
        jacrs.grad(lambda x, n=n: np.sum(x[: n + 1] * x[n]))(np.ones(n + 1))
    assert _jacrs.cached_programs() <= 64
