"""Random programs, and random changes of what they reach between calls.

Whatever was changed, in whatever way, a compiled function does what the function does now.
"""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import jacrs
from tests.program_strategies import Program, programs

QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)

WORLD = """
class Base:
    c = 1.5
    def scaled(self, y):
        return y * self.k

class Model(Base):
    def __init__(self):
        self.k = 0.5
        self.w = np.array([1.0, -0.5, 0.25])
        self.rows = [np.array([0.5, 1.5, 2.5]), [0.25, 0.75]]
        self.p = {"q": 0.75, "r": {"s": 1.25}}

class Other(Base):
    c = 0.25
    def scaled(self, y):
        return y - self.k

class Slotted:
    __slots__ = ("s", "t")

def h(y, z=0.5):
    return y * z + a

def other(y):
    return np.cos(y) * b

def inner(y):
    return h(y) * m.k

a, b, n, flag, kind, name = 0.5, 0.5, 2, True, "sin", "k"
W = np.array([0.5, 1.0, 1.5])
V = W[::-1]
L = [0.5, 1.25]
D = {"p": 0.75, "z": 1.5}
S = {1, 2}
Q = deque([0.25, 0.5])
T = (W, L)
m = Model()
s = Slotted()
s.s = 0.5
here = sys.modules[__name__]
part = functools.partial(h, z=0.25)
"""
SCALARS = (
    "a", "b", "m.k", "m.c", "D['p']", "D.get('z', 2.0)", "L[0]", "L[-1]", "float(n)", "m.p['q']",
    "m.p['r']['s']", "vars(m)['k']", "m.__dict__.get('c', 3.0)", "getattr(m, name)", "len(L)",
    "sum(D.values())", "sum(L)", "len(S)", "Q[0]", "m.rows[1][0]", "T[1][0]", "s.s", "type(m).c",
    "getattr(s, 't', 1.5)", "here.a", "x[0]", "y[n % 3]", "W.size", "next(iter(D.values()))",
    "h.__defaults__[0]", "globals_a()",
)  # fmt: skip
VECTORS = ("W", "V", "m.w", "m.rows[0]", "x", "T[0]", "y[::-1]", "np.roll(y, n)")
CONDITIONS = (
    "flag", "n > 2", "y[0] > 0", "a > b", "a == b", "'z' in D", "hasattr(m, 'extra')", "W[0] > 0.6",
    "isinstance(a, float)", "np.sum(y) > 1", "kind == 'sin'", "2 in S", "isinstance(m, Model)",
    "np.copysign(1.0, a) > 0", "len(L) > 2", "m.w is None", "W.dtype == np.float64",
)  # fmt: skip
STATEMENTS = (
    "y = y * {s}", "y = y + {v}", "y = y * {v} + {s}", "y = y / ({s} ** 2 + 1.0)", "y = h(y)",
    "y = getattr(np, kind)(y)", "y = m.scaled(y)", "y = inner(y)", "y = part(y)",
    "y = y if {c} else y * 0.5", "if {c}:\n        y = y + {s}\n    else:\n        y = y - {v}",
    "for v in L:\n        y = y * 0.5 + v", "y = np.where(y > {s}, y, {v})", "y[n % 3] = {s}",
    "y = y + y[y > 0].sum() * {s}", "y = np.concatenate([y, {v}])[:3]",
    "for _ in range(n):\n        y = np.tanh(y) + {s}", "y = y + Base.scaled(m, {v})",
)  # fmt: skip
CHANGES = (
    "a = 0.75", "a = 2", "a = -0.0", "a = 0.0", "a = b", "b = 1.0", "n = 3", "n = 1", "n = 2",
    "flag = not flag", "kind = 'cos'", "kind = 'sin'", "name = 'c'", "W[0] += 0.25", "W = W * 2",
    "W = W[::-1]", "W = W.astype(np.float32)", "W = np.array([1, 2, 3])", "W[:] = W[::-1].copy()",
    "L.append(1.5)", "L[0] = 0.75", "L.reverse()", "L[:] = [0.5, 0.5]", "D['z'] = 3.0",
    "D.pop('z', None)", "D['p'] = D.pop('p') + 0.25", "D.update(z=D.pop('z', 1.0))", "S.add(3)",
    "S.discard(2)", "S.add(2)", "Q.rotate(1)", "Q.append(0.125)", "m.k = 1.25", "m.k = 0.5",
    "m.w = W", "m.w = 0.5", "m.w = None", "m.w = np.array([0.5, 1.0, 1.5])", "Base.c = 2.5",
    "Model.c = 0.125", "if 'c' in vars(Model): del Model.c", "m.c = 0.5", "vars(m).pop('c', None)",
    "m.extra = 1.0", "vars(m).pop('extra', None)", "m.rows[0] = W.copy()", "m.rows[1][0] = 0.5",
    "m.rows[0][1] *= 2", "m.p['q'] = 0.5", "m.p['r'] = {'s': 0.5}", "m.p['r']['s'] += 0.5",
    "m.__class__ = Other", "m.__class__ = Model", "m = Model()", "s.s = 0.25", "s.t = 0.5",
    "s.s = W[0]", "h.__defaults__ = (0.75,)", "h.__code__ = other.__code__", "h, other = other, h",
    "Model.scaled = lambda self, y: y * 2 + self.k", "T = (V, [1.0])", "part.keywords['z'] = 0.5",
    "part = functools.partial(h)", "setattr(here, 'a', 0.375)", "m.scaled = np.sin",
    "vars(m).pop('scaled', None)", "V = W", "m.__dict__ = dict(vars(m), k=0.875)",
)  # fmt: skip


@st.composite
def functions(draw):
    def one(choices):
        return draw(st.sampled_from(choices))

    lines = ["y = x * 1.0"]
    for _ in range(draw(st.integers(1, 5))):
        line = one(STATEMENTS)
        lines.append(line.format(s=one(SCALARS), v=one(VECTORS), c=one(CONDITIONS)))
    return "def f(x):\n    " + "\n    ".join(lines) + "\n    return y\n"


# Each step is a change, and the point of the call after it.
STEPS = st.lists(
    st.tuples(st.lists(st.sampled_from(CHANGES), max_size=2), st.sampled_from((1.0, -1.0, 0.3))),
    min_size=2,
    max_size=8,
)
POINT = np.array([0.7, -0.4, 1.1])


def world(text):
    import functools
    import sys
    import types
    from collections import deque

    module = types.ModuleType("a_world")
    scope = vars(module)
    scope.update(np=np, functools=functools, sys=sys, deque=deque)
    sys.modules["a_world"] = module
    exec(compile(WORLD + "def globals_a():\n    return a\n" + text, "<world>", "exec"), scope)
    return scope


def outcome(f, x):
    """Return the result of a call, or the class of what it raises."""
    try:
        with np.errstate(all="ignore"):
            return np.asarray(f(x))
    except Exception as error:
        return type(error)


def assert_alike(found, expected, context):
    if isinstance(expected, type) or isinstance(found, type):
        assert found is expected, context
        return
    assert found.dtype == expected.dtype, context
    narrow = expected.dtype == np.float32
    np.testing.assert_allclose(
        found, expected, *((1e-4, 1e-5) if narrow else (1e-11, 1e-12)), err_msg=context
    )


@given(functions(), STEPS)
@settings(max_examples=400, suppress_health_check=QUIET)
@pytest.mark.filterwarnings("ignore")
def test_whatever_changes_in_between(text, steps):
    scope = world(text)
    f = scope["f"]
    value = jacrs.compile(f)
    slope, plain = jacrs.compile(jacrs.jacobian(f)), jacrs.jacobian(f)
    done = []
    for changes, scale in steps:
        for change in changes:
            exec(change, scope)
            done.append(change)
        for x in (POINT * scale, POINT * scale * 1.01):
            context = f"{text}\n{done}\n{x}"
            expected = outcome(f, x)
            assert_alike(outcome(value, x), expected, context)
            if not isinstance(expected, type):
                assert_alike(outcome(slope, x), outcome(plain, x), context)


@given(programs(), st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=4))
@settings(max_examples=300, suppress_health_check=QUIET)
@pytest.mark.filterwarnings("ignore")
def test_random_programs_at_several_points(program: Program, shifts):
    f = program.function()
    compiled = jacrs.compile(f)
    derivative, plain = jacrs.compile(jacrs.jacobian(f)), jacrs.jacobian(f)
    points = [program.x, *(program.x * 0.9 + shift for shift in shifts), program.x]
    for x in points:
        expected = raised_or_leaves(f, x)
        same_leaves(raised_or_leaves(compiled, x), expected)
        if not isinstance(expected, type):
            same_leaves(raised_or_leaves(derivative, x), raised_or_leaves(plain, x))
    before = compiled.n_traces
    for first, second in pairwise(points):
        raised_or_leaves(compiled, first)
        raised_or_leaves(compiled, second)
    assert compiled.n_traces == before or before == 16


def raised_or_leaves(f, x):
    try:
        with np.errstate(all="ignore"):
            return [np.asarray(leaf) for leaf in f(x.copy())]
    except Exception as error:
        return type(error)


def same_leaves(found, expected):
    if isinstance(expected, type):
        assert isinstance(found, type)
        return
    assert not isinstance(found, type), found
    for a, b in zip(found, expected, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9)
