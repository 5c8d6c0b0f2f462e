"""Random NumPy programs compiled: what they give, and what transforms give of them, at two points.

The second point may be on another course; a further call at either of them is a replay.
"""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import jacrs
from tests.compile.comparing import derived, same
from tests.program_strategies import programs
from tests.test_programs import AMBIGUOUS, ELSEWHERE, QUIET, cotangents_like


def pullback(f):
    def call(x):
        y, pullback = jacrs.vjp(f, x)
        return y, pullback(cotangents_like(y, x.dtype))

    return call


def linear_map(f):
    def call(x):
        y, J = jacrs.linearize(f, x)
        return y, J.dense(), J @ np.cos(np.arange(x.size)), J[::2, :1]

    return call


def weighted(f):
    def total(x):
        ys = f(x)
        weights = cotangents_like([np.empty(np.shape(y), y.dtype) for y in ys])
        parts = [(y * w).sum() for y, w in zip(ys, weights, strict=True) if y.dtype.kind == "f"]
        return sum(parts, 0.0 * x.sum())

    return total


TRANSFORMS = {
    "itself": lambda f: f,
    "vjp": pullback,
    "linearize": linear_map,
    "jvp": lambda f: lambda x: jacrs.jvp(f, (x,), (np.cos(x),)),
    "forward": lambda f: jacrs.value_and_jacobian(f, mode="forward"),
    "reverse": lambda f: jacrs.jacobian(f, mode="reverse"),
    "hvp": lambda f: lambda x: jacrs.hvp(f, (x,), (np.cos(x),)),
}


def expected_or_none(call, x):
    """Return what a transform gives of the program itself: at another point it may give nothing."""
    try:
        return call(x)
    except (*ELSEWHERE, jacrs.JacrsError) as error:
        assume(not str(error).startswith(AMBIGUOUS))
        return None


@settings(max_examples=60, suppress_health_check=QUIET)
@given(programs(), st.sampled_from(sorted(TRANSFORMS)), st.sampled_from([1.0625, -0.5]))
def test_random_programs(program, name, by):
    transform = TRANSFORMS[name]
    f = program.function()
    f = weighted(f) if name == "hvp" else f
    compiled = jacrs.compile(f)
    points = [program.x, program.x * by]
    with np.errstate(all="ignore"):
        for x in (*points, *points):
            expected = expected_or_none(transform(f), x)
            if expected is not None:
                same(transform(compiled)(x), expected, 1e-10)
        (made,) = derived(compiled) or [compiled]
        replays = made.n_replays
        expected = expected_or_none(transform(f), program.x)
        same(transform(compiled)(program.x), expected, 1e-10)
        assert made.n_replays == replays + 1
        assert made.n_traces <= 2
