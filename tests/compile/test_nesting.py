"""Compiled functions inside of others, transforms of them, and results in `out`."""

# ruff: noqa: PLW0108 - a lambda looks its names up late, which is what is tested

import numpy as np
import pytest

import jacrs
from tests.compile.following import X, replayed, same

POINT = np.array([0.5, -0.25, 1.5])
FACTOR = 2.0


def cube(x):
    return np.sum(x**3 * FACTOR) + np.prod(x)


def vector(x):
    return np.sin(x) * x[0] + x[::-1] * 2.0


compiled_cube = jacrs.compile(cube)
compiled_vector = jacrs.compile(vector)
TRANSFORMS = {
    "grad": (jacrs.grad, cube, (POINT,)),
    "value_and_grad": (jacrs.value_and_grad, cube, (POINT,)),
    "hessian": (jacrs.hessian, cube, (POINT,)),
    "value_grad_and_hessian": (jacrs.value_grad_and_hessian, cube, (POINT,)),
    "jacobian": (jacrs.jacobian, vector, (POINT,)),
    "jacfwd": (jacrs.jacfwd, vector, (POINT,)),
    "jacrev": (jacrs.jacrev, vector, (POINT,)),
    "value_and_jacobian": (jacrs.value_and_jacobian, vector, (POINT,)),
    "third order": (lambda f: jacrs.jacobian(jacrs.hessian(f)), cube, (POINT,)),
    "vmap of grad": (lambda f: jacrs.vmap(jacrs.grad(f)), cube, (np.outer([1, 2], POINT),)),
    "jacobian of grad": (lambda f: jacrs.jacfwd(jacrs.grad(f)), cube, (POINT,)),
    "jvp": (lambda f: lambda x, t: jacrs.jvp(f, (x,), (t,)), vector, (POINT, X)),
    "hvp": (lambda f: lambda x, t: jacrs.hvp(f, (x,), (t,)), cube, (POINT, X)),
    "vhp": (lambda f: lambda x: jacrs.vhp(f, (x,), (X,)), cube, (POINT,)),
    "vjp": (lambda f: lambda x, t: jacrs.vjp(f, x)[1](t), vector, (POINT, X)),
}


def same_parts(found, expected):
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            same_parts(a, b)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_inside_outside_and_around(name):
    transform, f, args = TRANSFORMS[name]
    expected = transform(f)(*args)
    same_parts(jacrs.compile(transform(f))(*args), expected)
    same_parts(transform(jacrs.compile(f))(*args), expected)
    same_parts(transform(lambda x: jacrs.compile(f)(x))(*args), expected)
    twice = jacrs.compile(transform(jacrs.compile(f)))
    for scale in (1.0, 2.0):
        scaled = (args[0] * scale, *args[1:])
        same_parts(twice(*scaled), transform(f)(*scaled))


def test_a_transform_of_a_compiled_function_is_a_compiled_transform():
    g = jacrs.grad(compiled_cube)
    assert isinstance(g, type(compiled_cube))
    assert jacrs.grad(compiled_cube) is g
    assert jacrs.grad(compiled_cube, argnums=(0,)) is not g
    same(g(POINT), jacrs.grad(cube)(POINT))
    same(replayed(g, POINT * 2), jacrs.grad(cube)(POINT * 2))


def test_compiled_functions_inside_see_what_changes(monkeypatch):
    outer = jacrs.compile(lambda x: jacrs.compile(cube)(x) + compiled_cube(x))
    same(outer(POINT), 2 * cube(POINT))
    same(replayed(outer, POINT), 2 * cube(POINT))
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    same(outer(POINT), 2 * cube(POINT))
    monkeypatch.setitem(globals(), "compiled_cube", jacrs.compile(np.sum))
    same(outer(POINT), cube(POINT) + np.sum(POINT))


def test_inside_of_a_tape():
    with jacrs.Tape() as tape:
        x = tape.watch(POINT)
        y = compiled_cube(x)
    same(tape.gradient(y, x), jacrs.grad(cube)(POINT))


def test_perturbations_are_not_confused():
    inner = jacrs.compile(lambda y, x: x * y)
    outer = jacrs.compile(jacrs.grad(lambda x: x * jacrs.grad(lambda y: inner(y, x))(1.0)))
    assert [outer(3.0), outer(4.0)] == [6.0, 8.0]


class Model:
    def __init__(self):
        self.k = 2.0
        self.jac = jacrs.compile(jacrs.jacobian(self.step))

    @jacrs.compile
    def step(self, x):
        """Return a step."""
        return x * self.k

    @jacrs.compile
    @jacrs.jacobian
    def wrong(self, x):
        return x * self.k


def test_decorated_methods():
    m, n = Model(), Model()
    n.k = 5.0
    for _ in range(2):
        same(m.step(X), 2 * X)
        same(n.step(X), 5 * X)
        same(m.jac(X), np.eye(3) * 2)
    m.k = 3.0
    same(m.step(X), 3 * X)
    same(m.jac(X), np.eye(3) * 3)
    assert Model.step.__name__ == "step"
    assert Model.step.__doc__ == "Return a step."
    assert repr(Model.step).startswith("<jacrs.compile of <function Model.step")
    same(jacrs.compile(lambda x: m.step(x) + 1)(X), 3 * X + 1)


def test_options_of_transforms():
    def f(p, x, n):
        return p["w"] * x**n, {"n": n, "w": p["w"]}

    plain = jacrs.value_and_jacobian(f, argnums=(0, 1), has_aux=True)
    compiled = jacrs.compile(plain)
    for n in (2, 3, 2):
        for scale in (1.0, 2.0):
            p = {"w": POINT * scale}
            found, expected = compiled(p, X, n), plain(p, X, n)
            same(found[0][0], expected[0][0])
            assert found[0][1]["n"] == n
            same(found[0][1]["w"], p["w"])
            same(found[1][0]["w"], expected[1][0]["w"])
            same(found[1][1], expected[1][1])
    assert compiled.n_traces == 2


# --- out=


def jac(x):
    return np.outer(np.sin(x), x)


J = jacrs.jacobian(jac)


def test_out_is_what_is_returned():
    compiled = jacrs.compile(J)
    for scale in (1.0, 2.0):
        out = np.full((3, 3, 3), np.nan)
        assert compiled(POINT * scale, out=out) is out
        same(out, J(POINT * scale))
    assert (compiled.n_traces, compiled.n_replays) == (1, 2)


TARGETS = {
    "Fortran order": lambda: np.full((3, 3, 3), np.nan, order="F"),
    "strided": lambda: np.full((3, 3, 6), np.nan)[..., ::2],
    "backwards": lambda: np.full((3, 3, 3), np.nan)[::-1],
    "a part": lambda: np.full((5, 3, 3), np.nan)[1:4],
}


@pytest.mark.parametrize("name", TARGETS)
def test_out_of_any_layout(name):
    compiled = jacrs.compile(J)
    for _ in range(3):
        out = TARGETS[name]()
        assert compiled(POINT, out=out) is out
        same(out, J(POINT))


WRONG = {
    "shape": lambda: np.full((3, 3), np.nan),
    "dtype": lambda: np.full((3, 3, 3), np.nan, np.float32),
    "no array": lambda: [np.nan],
    "read-only": lambda: read_only(),
    "broadcast": lambda: np.broadcast_to(np.nan, (3, 3, 3)),
    "overlapping itself": lambda: np.lib.stride_tricks.as_strided(
        np.full(9, np.nan), (3, 3, 3), (8, 8, 8)
    ),
}


def read_only():
    out = np.full((3, 3, 3), np.nan)
    out.flags.writeable = False
    return out


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_out_is_refused_in_the_same_words(name):
    compiled = jacrs.compile(J)
    compiled(POINT)
    out = WRONG[name]()
    with pytest.raises(Exception) as expected:  # noqa: PT011 - which it is, is compared
        J(POINT, out=out)
    with pytest.raises(type(expected.value)) as caught:
        compiled(POINT, out=out)
    assert str(caught.value) == str(expected.value)
    assert np.all(np.isnan(out))


def test_out_that_overlaps_the_argument():
    def f(x):
        return np.sin(x[:, 0]) * x[:, 1]

    memory = np.arange(60.0) / 50
    plain, compiled = jacrs.jacobian(f), jacrs.compile(jacrs.jacobian(f))
    for start in (0, 3, 6):
        x = memory[:6].reshape(3, 2)
        for _ in range(2):
            memory[:] = np.arange(60.0) / 50
            expected = plain(x.copy())
            compiled(x, out=memory[start : start + 18].reshape(3, 3, 2))
            np.testing.assert_allclose(memory[start : start + 18].reshape(3, 3, 2), expected)


def test_out_that_overlaps_an_array_that_is_reached():
    held = np.ones(9)
    compiled = jacrs.compile(jacrs.jacobian(lambda x: x * held[:3] * held[3:6]))
    for _ in range(3):
        held[:] = np.arange(9.0)
        compiled(X, out=held.reshape(3, 3))
        same(held.reshape(3, 3), np.diag([0.0, 4.0, 10.0]))


def test_nothing_is_written_where_a_condition_fails_or_an_error_is_raised():
    def f(x):
        return np.linalg.inv(x) if x[0, 0] > 0 else np.full((2, 2), 1.0) * x

    plain, compiled = jacrs.jacobian(f), jacrs.compile(jacrs.jacobian(f))
    good = np.array([[2.0, 1.0], [1.0, 3.0]])
    out = np.full((2, 2, 2, 2), np.nan)
    same(compiled(good, out=out), plain(good))
    out[...] = np.nan
    for _ in range(2):
        with pytest.raises(np.linalg.LinAlgError):
            compiled(np.ones((2, 2)), out=out)
        assert np.all(np.isnan(out))
    same(compiled(-good, out=out), plain(-good))
    assert compiled.n_traces == 2


def test_out_of_other_transforms():
    h = jacrs.compile(jacrs.value_grad_and_hessian(cube))
    for scale in (1.0, 2.0):
        gradient, hessian = np.zeros(3), np.zeros((3, 3))
        value, *rest = h(POINT * scale, out=(gradient, hessian))
        assert rest[0] is gradient
        assert rest[1] is hessian
        same_parts((value, gradient, hessian), jacrs.value_grad_and_hessian(cube)(POINT * scale))
    v = jacrs.compile(jacrs.value_and_jacobian(vector))
    for scale in (1.0, 2.0):
        out = np.zeros((3, 3))
        value, found = v(POINT * scale, out=out)
        assert found is out
        same_parts((value, out), jacrs.value_and_jacobian(vector)(POINT * scale))
    with pytest.raises(TypeError, match="out"):
        jacrs.compile(vector)(POINT, out=np.zeros(3))
