"""Transforms of compiled functions replay, and give what they give of the function itself."""

import gc
import inspect
import pickle
import threading
import weakref

import numpy as np
import pytest

import jacrs
from jacrs import functional
from jacrs.testing import check_grads
from tests.compile.comparing import check_replays, derived, same

X = np.array([0.5, 1.25, -2.0])
POINTS = ((X,), (X + 0.25,), (X * 3.0,))
C = np.array([1.0, -2.0, 0.5])
A = np.array([[0.6, -1.2, 0.35], [1.7, 0.45, -0.8]])


def vector(x):
    return np.sin(x) * x[0] + A.T @ (A @ x)


def scalar(x):
    return np.sum(np.exp(0.1 * x) * x[::-1] ** 2)


def branching(x):
    return np.sin(x) * x[0] if x[0] > 0 else x[1] * x**2


def mixed(a, tree):
    """Results of all kinds, of which some have no derivative."""
    y = a * tree["u"] + tree["v"][0]
    return {"y": y, "n": np.argmax(y), "list": [np.array(y.sum()), 3.0, y > 0], "k": 2}


MIXED = [(np.float64(a), {"u": X * a, "v": [a + 1.0, np.ones(2)]}) for a in (0.5, 1.5)]


def pullback_of(f, *cotangents, **options):
    """Return a function of the primals: all that `vjp` gives, at some cotangents."""

    def call(*primals):
        y, pullback, *aux = jacrs.vjp(f, *primals, **options)
        return (y, [pullback(ct) for ct in cotangents], *aux)

    return call


def lazy(f):
    """Return a function of the primals: all kinds of parts of the lazy Jacobian."""

    def call(*primals):
        y, J = jacrs.linearize(f, *primals)
        m, n = J.shape
        forward, back = np.cos(np.arange(n)), np.cos(np.arange(m))
        many = np.cos(np.arange(n * 20.0)).reshape(n, 20)
        products = J @ forward, back @ J, J @ many, J.T @ back
        parts = J[0], J[:, -1], J[0, 0], J[[0], ::2], J.T[1:, 0], J.diagonal(), J.dense()
        return y, products, parts, repr(J)

    return call


# --- vjp


def test_vjp_replays():
    compiled = check_replays(lambda f: pullback_of(f, C, 2 * C), vector, POINTS)
    assert compiled.n_traces == 0  # what is recorded is the pullback, at once


def test_a_pullback_runs_any_number_of_times_and_keeps_its_point():
    compiled = jacrs.compile(vector)
    kept = []
    for k in range(3):
        x = X + k
        kept.append((x.copy(), jacrs.vjp(compiled, x)[1], jacrs.linearize(compiled, x)[1]))
        x[:] = np.nan  # the caller's array is the caller's
    for x, pullback, J in kept:
        expected = jacrs.vjp(vector, x)[1](C)
        same(pullback(C), expected)
        same(pullback(C), expected)
        same(pullback.batched(np.stack([C, -C])), np.stack([expected, -expected]))
        same(C @ J, expected)
        same(J.dense(), jacrs.jacobian(vector)(x))


def test_vjp_of_containers_numbers_and_results_without_derivative():
    def transform(f):
        def call(a, tree):
            y, pullback = jacrs.vjp(f, a, tree)
            ct = {"y": C, "n": 1.0, "list": [2.0, 1.0, np.ones(3)], "k": 0.0}
            return y, pullback(ct)

        return call

    check_replays(transform, mixed, MIXED)


def test_vjp_with_aux():
    def f(x):
        return x**2, {"half": 0.5 * x, "name": "f", "at": x[0]}

    check_replays(lambda f: pullback_of(f, C, has_aux=True), f, POINTS)
    with pytest.raises(jacrs.JacrsError, match="must return \\(result, aux\\)"):
        jacrs.vjp(jacrs.compile(vector), X, has_aux=True)


@pytest.mark.parametrize("x", [0.5, np.float64(0.5), np.array(0.5)], ids=["float", "f64", "0-d"])
def test_vjp_of_numbers(x):
    def transform(f):
        return lambda x, a: (jacrs.vjp(f, x, a)[0], jacrs.vjp(f, x, a)[1](2.0))

    compiled = jacrs.compile(lambda x, a: np.sin(x) * a)
    for k, at in enumerate((x, x + type(x)(0.25) if isinstance(x, float) else np.array(0.75))):
        same(transform(compiled)(at, 3.0 + k), transform(lambda x, a: np.sin(x) * a)(at, 3.0 + k))
    (made,) = derived(compiled)
    assert (made.n_traces, made.n_replays) == (1, 4)


def test_vjp_of_float32_and_of_two_dtypes():
    points = [(X.astype("f4") * k, C * k) for k in (1, 2)]
    ct = C.astype("f4")

    def f(x, y):
        return x * x[0], np.sum(x.astype("f8") * y)

    check_replays(lambda f: pullback_of(f, (ct, 2.0)), f, points)
    check_replays(lazy, f, points, 2e-5)


def test_vjp_of_a_constant_and_of_no_elements():
    check_replays(lambda f: pullback_of(f, 2.0), lambda x: 3.0, POINTS)
    check_replays(lambda f: pullback_of(f, np.zeros(0)), lambda x: x[:0], POINTS)
    check_replays(lambda f: lambda x: jacrs.linearize(f, x)[1].dense(), lambda x: 3.0, POINTS)


def test_vjp_takes_the_branch_of_the_values():
    compiled = jacrs.compile(branching)
    for k in range(3):
        for sign in (1.0, -1.0):
            x = sign * X * (1.0 + 0.5 * k)
            same(pullback_of(compiled, C)(x), pullback_of(branching, C)(x))
            same(lazy(compiled)(x), lazy(branching)(x))
    assert [(g.n_traces, g.n_replays) for g in derived(compiled)] == [(2, 6), (2, 6)]


def test_vjp_follows_what_the_function_reaches():
    matrix = np.eye(3)
    kept = {"by": 2.0}

    def f(x):
        return matrix @ x**2 * kept["by"]

    compiled = jacrs.compile(f)
    for k in range(3):
        matrix[0, 1] = k  # an input of the trace
        same(pullback_of(compiled, C)(X), pullback_of(f, C)(X))
        same(lazy(compiled)(X), lazy(f)(X))
    assert [g.n_traces for g in derived(compiled)] == [1, 1]
    kept["by"] = 3.0  # a condition
    same(pullback_of(compiled, C)(X), pullback_of(f, C)(X))
    same(lazy(compiled)(X), lazy(f)(X))
    assert [g.n_traces for g in derived(compiled)] == [2, 2]


def test_cotangents_that_do_not_fit_are_refused_as_they_are_elsewhere():
    for f in (vector, jacrs.compile(vector)):
        for _ in range(2):
            _, pullback = jacrs.vjp(f, X)
            with pytest.raises(jacrs.ShapeError, match="cotangent"):
                pullback(np.ones(4))
            with pytest.raises(jacrs.DTypeError, match="cotangent"):
                pullback(np.ones(3) * 1j)
        with pytest.raises(jacrs.DTypeError, match="argument 0"):
            jacrs.vjp(f, np.arange(3))


def test_pullbacks_are_used_by_many_threads():
    compiled = jacrs.compile(vector)
    found = {}

    def work(k):
        x = X + k
        for _ in range(50):
            _, pullback = jacrs.vjp(compiled, x)
        found[k] = pullback(C)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(4):
        same(found[k], jacrs.vjp(vector, X + k)[1](C))


def test_traces_with_linear_maps_are_collected():
    def f(x):
        return np.sin(x)

    compiled = jacrs.compile(f)
    jacrs.vjp(compiled, X)
    jacrs.linearize(compiled, X)
    gone = weakref.ref(f), weakref.ref(compiled)
    del f, compiled
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


# --- a cotangent, a tangent or a point that is being recorded


def maps():
    """Return a pullback and a lazy Jacobian of `vector`, then those of it compiled, replayed."""
    made = []
    for f in (vector, jacrs.compile(vector)):
        jacrs.vjp(f, X), jacrs.linearize(f, X)
        made.append((jacrs.vjp(f, X + 1)[1], jacrs.linearize(f, X + 1)[1]))
    return made


@pytest.mark.parametrize(
    "transform",
    [
        jacrs.jacobian,
        jacrs.jacrev,
        lambda f: jacrs.grad(lambda v: np.sum(f(v) ** 2)),
        lambda f: jacrs.hessian(lambda v: np.sum(f(v) ** 3)),
        lambda f: lambda v: jacrs.vmap(f)(np.stack([v, 2 * v])),
        lambda f: lambda v: jacrs.vmap(jacrs.grad(lambda u: np.sum(f(u) ** 2)))(np.stack([v, -v])),
        lambda f: lambda v: jacrs.vjp(f, v)[1](v),
        jacrs.compile,
    ],
)
def test_linear_maps_of_recorded_vectors(transform):
    expected, found = maps()
    same(transform(found[0])(C), transform(expected[0])(C))
    same(transform(lambda v: found[1](2 * v))(C), transform(lambda v: expected[1](2 * v))(C))
    same(transform(lambda v: v @ found[1])(C), transform(lambda v: v @ expected[1])(C))


def test_a_pullback_does_not_record_its_function_again():
    runs = []

    def f(x):
        runs.append(1)
        return np.sin(x)

    _, pullback = jacrs.vjp(f, X)
    gradient = jacrs.grad(lambda ct: np.sum(pullback(ct) ** 2))(C)
    same(gradient, 2 * C * np.cos(X) ** 2)
    assert len(runs) == 1


def test_pullbacks_of_recorded_points_are_recorded():
    def of(f):
        return lambda x: jacrs.vjp(f, x)[1](C) + jacrs.linearize(f, x)[1] @ x

    compiled = jacrs.compile(vector)
    for x in (X, X + 1):
        same(jacrs.jacobian(of(compiled))(x), jacrs.jacobian(of(vector))(x))
        same(jacrs.vmap(of(compiled))(np.stack([x, -x])), jacrs.vmap(of(vector))(np.stack([x, -x])))


# --- linearize


def test_linearize_replays():
    compiled = check_replays(lazy, vector, POINTS)
    assert compiled.n_traces == 0


def test_linearize_of_several_arguments_with_aux():
    def f(x, tree):
        y = x * tree["a"]
        return (y, y.sum() > 0, np.outer(tree["b"], x)), {"half": 0.5 * x}

    def transform(f):
        def call(x, tree):
            y, J, aux = jacrs.linearize(f, x, tree, has_aux=True)
            pushed = J(x, {"a": 1.0, "b": np.ones(2)})
            pulled = J.T((C, 1.0, np.ones((2, 3))))
            return y, aux, pushed, pulled, J.dense(), J[1:4, ::2], J.shape

        return call

    check_replays(transform, f, [(X * k, {"a": 2.0 * k, "b": np.ones(2) * k}) for k in (1, 2)])


def test_parts_of_a_long_jacobian_and_positions():
    def f(u):
        return np.exp(u[1:-1]) + u[2:] - 2 * u[1:-1] * C[0] + u[:-2]

    def transform(f):
        def call(u):
            _, J = jacrs.linearize(f, u)
            return J.diagonal(1), J[400, 395:410], J.at(7, 8), J[[3, 990], [4, 991]]

        return call

    check_replays(transform, f, [(np.linspace(0, k, 1000),) for k in (1.0, 2.0)])


def test_indices_that_change():
    order = np.array([2, 0, 1])

    def f(x):
        return np.sort(x)[order] * x + np.cumsum(x)[np.argsort(x)]

    compiled = jacrs.compile(f)
    for x in (X, X[::-1].copy(), -X):
        order[:] = np.roll(order, 1)  # an input of the trace
        same(lazy(compiled)(x), lazy(f)(x))
        same(pullback_of(compiled, C)(x), pullback_of(f, C)(x))
    assert [(g.n_traces, g.n_replays) for g in derived(compiled)] == [(1, 3), (1, 3)]


# --- linear maps in results of any function


def test_results_hold_linear_maps():
    def f(x):
        y, pullback = jacrs.vjp(vector, 2 * x)
        _, other = jacrs.vjp(scalar, x)
        _, J = jacrs.linearize(lambda z: z * x[0] + np.cos(x) * z[1], np.sin(x))
        return {"maps": [pullback, other, J.T], "y": y, "slope": jacrs.grad(scalar)(x)}

    compiled = jacrs.compile(f)
    for x in (X, X + 1, X * 2):
        found, expected = compiled(x), f(x)
        same(found["y"], expected["y"])
        same(found["slope"], expected["slope"])
        for map_, other, v in zip(found["maps"], expected["maps"], (C, 2.0, C), strict=True):
            same(map_(v), other(v))
        same(found["maps"][2].dense(), expected["maps"][2].dense())
        same(found["maps"][2][1:], expected["maps"][2][1:])
    assert (compiled.n_traces, compiled.n_replays) == (1, 3)


def test_linear_maps_of_decided_courses():
    def f(x):
        y = branching(x)
        return jacrs.vjp(lambda x: branching(x) * y[0], x)[1]

    compiled = jacrs.compile(f)
    for x in (X, -X, 2 * X, -2 * X):
        same(compiled(x)(C), f(x)(C))
    assert (compiled.n_traces, compiled.n_replays) == (2, 4)


def test_a_jacobian_beside_a_pullback_is_assembled():
    def f(x):
        return jacrs.jacobian(vector)(x), jacrs.vjp(vector, x)[1]

    compiled = jacrs.compile(f)
    for x in (X, X + 1):
        J, pullback = compiled(x)
        same(J, jacrs.jacobian(vector)(x))
        same(pullback(C), C @ J)
    assert "panels: 1 of 3 lanes" in compiled.explain()


# --- jacrs.functional


FUNCTIONAL = [
    (functional.jacobian, vector, ()),
    (functional.hessian, scalar, ()),
    (functional.vjp, vector, (C,)),
    (functional.jvp, vector, (C,)),
    (functional.vhp, scalar, (C,)),
    (functional.hvp, scalar, (C,)),
]


@pytest.mark.parametrize(("transform", "f", "given"), FUNCTIONAL, ids=lambda x: str(x)[:20])
@pytest.mark.parametrize("options", [{}, {"strict": True}, {"create_graph": True}], ids=str)
def test_functional_replays(transform, f, given, options):
    check_replays(lambda f: lambda x: transform(f, x, *given, **options), f, POINTS)


@pytest.mark.parametrize("mode", ["reverse-mode", "forward-mode"])
def test_functional_strategies_and_tuples(mode):
    def f(x, y):
        return x * y, np.sum(x**2 * y)

    def g(x, y):
        return np.sum(x**2 * y**3)

    pairs = [((X, C),), ((X + 1, C * 2),)]
    check_replays(lambda f: lambda z: functional.jacobian(f, z, strategy=mode), f, pairs)
    check_replays(
        lambda f: lambda z: functional.hessian(f, z, outer_jacobian_strategy=mode), g, pairs
    )
    check_replays(lambda f: lambda z: functional.hvp(f, z, (C, X)), g, pairs)


def test_functional_strict_raises_at_every_call():
    compiled = jacrs.compile(lambda x: (3.0 * x, np.ones(2)))
    for x in (X, X + 1, X):
        same(functional.jacobian(compiled, x), (3.0 * np.eye(3), np.zeros((2, 3))))
        with pytest.raises(jacrs.IndependentError, match="output 1"):
            functional.jacobian(compiled, x, strict=True)
        with pytest.raises(jacrs.IndependentError):
            functional.vjp(jacrs.compile(lambda x: 3.0), x, 1.0, strict=True)


def test_functional_within_a_recorded_function():
    def of(f):
        return lambda x: np.sum(functional.jacobian(f, x) ** 2)

    same(jacrs.grad(of(jacrs.compile(vector)))(X), jacrs.grad(of(vector))(X))


# --- the rest of the public face


def test_compiling_twice_is_compiling_once():
    compiled = jacrs.compile(vector)
    assert jacrs.compile(compiled) is compiled
    strict = jacrs.compile(compiled, strict=True)
    assert strict is not compiled
    assert jacrs.compile(strict, strict=True) is strict
    assert jacrs.compile(strict) is strict
    same(strict(X), vector(X))
    assert jacrs.grad(jacrs.compile(scalar)) is not jacrs.grad(scalar)
    gradient = jacrs.grad(compiled)
    assert jacrs.grad(compiled) is gradient
    assert jacrs.compile(gradient) is gradient


def test_the_derivative_of_a_derivative_is_compiled():
    compiled = jacrs.compile(scalar)
    twice = jacrs.jacobian(jacrs.grad(compiled))
    for x in (X, X + 1):
        same(twice(x), jacrs.jacobian(jacrs.grad(scalar))(x), 1e-11)
        _, pullback = jacrs.vjp(jacrs.grad(compiled), x)
        same(pullback(C), jacrs.hvp(scalar, (x,), (C,))[0], 1e-11)
    assert (twice.n_traces, twice.n_replays) == (1, 2)


def test_explain_tells_what_the_jacobian_runs():
    text = jacrs.explain(jacrs.compile(branching), mode="reverse")(X)
    assert "mode: reverse" in text
    assert "holds while unchanged: " in text
    compiled = jacrs.compile(lambda x: jacrs.vjp(vector, x)[1])
    compiled(X)
    assert "each pullback:" in compiled.explain()


def test_check_grads_of_compiled_functions():
    compiled = jacrs.compile(scalar)
    check_grads(compiled, (X,))
    assert compiled.n_traces == 1
    check_grads(jacrs.compile(lambda a, x: {"y": np.tanh(a @ x)}), (A, X))
    with pytest.raises(AssertionError, match="differences give"):
        check_grads(jacrs.compile(lambda x: x * jacrs.stop_gradient(x)), (2.0,))


def test_compiled_functions_on_a_tape():
    compiled = jacrs.compile(scalar)
    for _ in range(2):
        with jacrs.Tape() as tape:
            x = tape.watch(X)
            y = compiled(x) ** 2
        same(tape.gradient(y, x), jacrs.grad(lambda x: scalar(x) ** 2)(X))
    assert compiled.n_traces == 0  # recorded in place


def through_everything(x):
    with jacrs.Tape() as tape:
        w = tape.watch(x)
        y = scalar(w) * jacrs.stop_gradient(w[0])
    slope = tape.gradient(y, w)
    _, pullback = jacrs.vjp(vector, x)
    _, J = jacrs.linearize(branching, x)
    pulled = pullback.batched(np.stack([x, slope]))
    return slope + pulled[0] * pulled[1] + J @ x + J[0] + J.T(x) + J.diagonal()


def test_transforms_and_tapes_inside_compiled_functions():
    check_replays(lambda f: f, through_everything, POINTS)
    check_replays(jacrs.jacobian, through_everything, POINTS, 1e-11)
    check_replays(lambda f: pullback_of(f, C), through_everything, POINTS, 1e-11)


def test_stop_gradient_is_a_constant_of_the_point():
    def f(x):
        return x * jacrs.stop_gradient(x)

    check_replays(lambda f: lambda x: jacrs.vjp(f, x)[1](C), f, POINTS)
    same(jacrs.vjp(jacrs.compile(f), X)[1](C), C * X)


def test_names_and_signatures():
    def f(x, *, by: float = 2.0):
        """Multiply."""
        return x * by

    for made in (jacrs.compile(f), jacrs.jacobian(jacrs.compile(f))):
        assert made.__name__ == "f"
        assert made.__doc__ == "Multiply."
        assert str(inspect.signature(made)) == "(x, *, by: float = 2.0)"
    same(jacrs.compile(f)(X, by=3.0), X * 3.0)
    assert repr(jacrs.vjp(jacrs.compile(f), X)[1]).startswith("<jacrs pullback of <function")


class Model:
    def __init__(self, scale):
        self.scale = scale

    @jacrs.compile
    def loss(self, x):
        return np.sum(self.scale * x**2)


def test_methods():
    for model in (Model(2.0), Model(3.0)):
        same(model.loss(X), model.scale * np.sum(X**2))
        same(jacrs.grad(model.loss)(X), 2 * model.scale * X)
        y, pullback = jacrs.vjp(model.loss, X)
        same((y, pullback(1.0)), (model.scale * np.sum(X**2), 2 * model.scale * X))


@jacrs.compile
def decorated(x):
    return np.sin(x)


def test_pickled_transforms_of_compiled_functions():
    back = pickle.loads(pickle.dumps(decorated))
    assert back is decorated
    same(pickle.loads(pickle.dumps(jacrs.jacobian(decorated)))(X), np.diag(np.cos(X)))
    jacrs.vjp(decorated, X)
    applied = pickle.loads(pickle.dumps(derived(decorated)))
    same(applied[-1](X)[1](C), C * np.cos(X))


# --- memory


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_replays_go_in_chunks(dtype, mode):
    """Also where a block is swept in a narrower dtype than its own."""
    n = 100
    y = np.linspace(0, 1, n).astype(dtype)

    def f(x):
        z = x.astype(dtype)
        return np.tanh(z * y) + np.sort(z), x[0] * x  # values decide: by seeds

    expected = jacrs.jacobian(f, mode=mode)(np.linspace(0, 1, n))
    compiled = jacrs.compile(jacrs.jacobian(f, mode=mode, chunk_size=16))
    for k in range(2):
        same(compiled(np.linspace(0, 1, n)), expected)
        out = tuple(map(np.empty_like, expected))
        assert compiled(np.linspace(0, 1, n), out=out) is out
        same(out, expected)
        assert (compiled.n_traces, compiled.n_replays) == (1, 2 * k + 2)
    seeds = n if mode == "forward" else 2 * n
    assert f"panels: {-(-seeds // 16)} of 16 lanes" in compiled.explain()


@pytest.mark.parametrize("kind", ["f8", "f4"])
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_jacobians_of_numbers_in_two_dtypes(kind, mode):
    def f(x):
        return x.astype(kind) ** 2

    for x in (np.array(0.5), np.array(0.5, "f4")):
        check_replays(lambda f: jacrs.jacobian(f, mode=mode), f, [(x,), (np.array(1.5, x.dtype),)])
