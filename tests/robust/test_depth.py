"""Depth, and ways out of a recording: recursion, nesting, exceptions, tracing, warnings."""

import json
import sys
import traceback
import warnings

import numpy as np
import pytest

import jacrs
from jacrs import _jacrs
from tests.robust.processes import run


def test_deep_recursion_and_long_chains():
    run(
        """
        import sys, threading
        import numpy as np
        import jacrs
        from jacrs._jacrs import Session

        def down(x, n):
            return x if n == 0 else np.sin(down(x, n - 1))

        def chain(x):
            for _ in range(1_000_000):
                x = x * 0.9999999
            return x

        def nested(value, depth, kind):
            for _ in range(depth):
                value = [value] if kind is list else (value,) if kind is tuple else {"a": value}
            return value

        def work():
            assert 0 < jacrs.grad(lambda x: down(x, 10_000))(0.5) < 1
            assert abs(jacrs.grad(chain)(1.0) - 0.9999999**1_000_000) < 1e-9
            session = Session()          # a chain that is dropped unused
            session.open()
            chain(session.argument(np.ones(()), differentiable=True))
            session.close()
            del session
            for depth in (60, 1000):
                for kind in (tuple, dict):
                    gradient = jacrs.grad(lambda t: 2.0 * leaf(t, depth))(nested(3.0, depth, kind))
                    assert leaf(gradient, depth) == 2.0
                    value = jacrs.jacobian(lambda x: nested(x * 2, depth, kind))(1.0)
                    assert leaf(value, depth) == 2.0
            assert jacrs.grad(lambda x: np.sum(np.array(nested(x, 60, list))))(3.0) == 1.0
            for depth in (70, 1000):
                for call in (
                    lambda: jacrs.grad(lambda x: np.sum(np.array(nested(x, depth, list))))(1.0),
                    lambda: jacrs.grad(lambda x: np.sum(x * nested(x, depth, list)))(1.0),
                    lambda: jacrs.grad(lambda x: 0.0)(nested(1.0, depth, list)),
                ):
                    try:
                        call()
                    except (ValueError, TypeError, RecursionError):
                        pass
                    else:
                        raise AssertionError(depth)
            for depth in (100_000,):
                for kind in (tuple, dict):
                    try:
                        jacrs.grad(lambda t: 1.0)(nested(3.0, depth, kind))
                    except RecursionError:
                        pass
                    else:
                        raise AssertionError(depth)

        def leaf(value, depth):
            for _ in range(depth):
                value = value["a"] if isinstance(value, dict) else value[0]
            return value

        sys.setrecursionlimit(40_000)
        threading.stack_size(512 * 2**20)
        thread = threading.Thread(target=work)
        failed = []
        threading.excepthook = lambda args: (failed.append(args), sys.__excepthook__(*args[:3]))
        thread.start()
        thread.join()
        assert not failed
        """
    )


def test_containers_that_hold_themselves():
    one, two = [], {}
    one.append(one)
    two["a"] = two
    for call in (
        lambda: jacrs.grad(lambda x: 0.0)(one),
        lambda: jacrs.grad(lambda x: 0.0)(two),
        lambda: jacrs.jacobian(lambda x: one)(1.0),
        lambda: jacrs.jacobian(lambda x: two)(1.0),
    ):
        with pytest.raises(RecursionError):
            call()
        assert not _jacrs.is_recording()
    assert jacrs.grad(lambda x, a, b: x * x)(3.0, one, two) == 6.0


class OwnError(Exception):
    pass


ERRORS = [
    OwnError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError, StopIteration,
    RecursionError, NotImplementedError, ValueError, AssertionError, StopAsyncIteration,
    BaseException,
]  # fmt: skip


@pytest.mark.parametrize("how", ["grad", "jacobian", "hessian", "vjp", "Tape", "nested"])
@pytest.mark.parametrize("kind", ERRORS)
def test_exceptions_pass_as_they_are(kind, how):
    cause = OwnError("why")
    raised = kind("what")

    def bad(x):
        y = jacrs.numpy.zeros(3)
        y[:] = x
        try:
            raise cause
        except OwnError:
            raise raised from cause

    x = np.ones(3)
    calls = {
        "grad": lambda: jacrs.grad(bad)(x),
        "jacobian": lambda: jacrs.jacobian(bad)(x),
        "hessian": lambda: jacrs.hessian(bad)(x),
        "vjp": lambda: jacrs.vjp(bad, x),
        "Tape": lambda: tape_of(bad, x),
        "nested": lambda: jacrs.grad(lambda x: jacrs.grad(bad)(x).sum())(x),
    }
    with pytest.raises(kind) as info:
        calls[how]()
    assert info.value is raised
    assert raised.__cause__ is cause
    assert not hasattr(raised, "__notes__")
    assert traceback.extract_tb(raised.__traceback__)[-1].name == "bad"
    assert not _jacrs.is_recording()
    assert isinstance(np.zeros(1), np.ndarray)
    np.testing.assert_array_equal(jacrs.grad(lambda x: np.sum(x * x))(x), 2 * x)


def tape_of(f, x):
    with jacrs.Tape() as tape:
        f(tape.watch(x))


def test_an_exception_in_the_middle_keeps_what_was_recorded_before():
    """Of an outer recording, which goes on."""

    def f(x):
        y = x * 2
        for kind in (KeyError, SystemExit, GeneratorExit):

            def bad(t, kind=kind):
                raise kind(t.shape)

            with pytest.raises(kind):
                jacrs.grad(bad)(x)
        return np.sum(y * x)

    np.testing.assert_array_equal(jacrs.grad(f)(np.ones(3)), np.full(3, 4.0))


@pytest.mark.parametrize("hook", ["settrace", "setprofile"])
def test_tracing_and_profiling(hook):
    seen = []

    def watch(frame, event, _argument):
        seen.append(event)
        return watch

    def f(x):
        y = np.zeros(4)
        y[1:] = np.sin(x) * x
        return np.sum(y) if y[1] > 0 else np.sum(y) * 2

    x = np.linspace(0.1, 0.5, 3)
    before = sys.gettrace() if hook == "settrace" else sys.getprofile()
    set_hook = getattr(sys, hook)
    set_hook(watch)
    try:
        gradient = jacrs.grad(f)(x)
    finally:
        set_hook(before)
    assert "call" in seen
    np.testing.assert_array_equal(gradient, jacrs.grad(f)(x))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_warnings_as_errors():
    """Recording does not warn, whatever the values are; what the function warns of is its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gradient = jacrs.grad(lambda x: np.sum(np.log(x) / x))(np.array([0.0, -1.0, np.inf]))
        assert not np.isfinite(gradient).all()

        def loud(x):
            warnings.warn("loud", UserWarning, stacklevel=1)
            return x

        with pytest.raises(UserWarning, match="loud"):
            jacrs.grad(loud)(1.0)
    assert not _jacrs.is_recording()


@pytest.mark.parametrize(
    "flags", [(), ("-O",), ("-OO",), ("-X", "dev"), ("-I",), ("-B", "-W", "error")]
)
def test_flags_of_the_interpreter(flags):
    out = run(
        """
        import sys
        if __import__("sys").flags.isolated:
            sys.path[:0] = __import__("json").loads(sys.argv[1])
        import json
        import numpy as np
        import jacrs
        x = np.linspace(0.1, 1.0, 3)
        def f(x):
            y = np.zeros(3)
            y[:] = np.sin(x) * x
            return y
        try:
            jacrs.grad(lambda x: float(x))(1.0)
        except jacrs.TraceError as error:
            text = str(error)
        print(json.dumps([jacrs.jacobian(f)(x).tolist(), "float() of a traced value" in text]))
        """,
        json.dumps(sys.path),
        flags=flags,
    )
    jacobian, refused = json.loads(out)
    x = np.linspace(0.1, 1.0, 3)
    np.testing.assert_allclose(jacobian, np.diag(np.cos(x) * x + np.sin(x)), rtol=1e-14)
    assert refused


def test_solvers_inside_a_recorded_function():
    optimize = pytest.importorskip("scipy.optimize")
    integrate = pytest.importorskip("scipy.integrate")
    calls = {
        "root": lambda a: optimize.brentq(lambda s: s**2 - a, 0.0, 4.0),
        "minimum": lambda a: optimize.minimize(lambda s: (s[0] - a) ** 2, [0.0]).x[0],
        "quadrature": lambda a: integrate.quad(lambda s: s * a, 0.0, 1.0)[0],
        "with a gradient": lambda a: optimize.minimize(
            lambda s: (s[0] - a) ** 2, [0.0], jac=jacrs.grad(lambda s: (s[0] - a) ** 2)
        ).x[0],
    }
    for call in calls.values():
        with pytest.raises(jacrs.TraceError, match=r"derivative[^\n]*(.|\n)*\n  at ") as info:
            jacrs.grad(call)(2.0)
        assert "test_depth.py" in str(info.value)
        assert not _jacrs.is_recording()

    def constant(a):
        return a * optimize.minimize(lambda s: (s[0] - 1.0) ** 2, [0.0]).x[0]

    assert jacrs.grad(constant)(2.0) == pytest.approx(1.0, abs=1e-6)


def test_vectorize_with_a_signature_is_refused():
    f = np.vectorize(lambda v: v.sum(), signature="(n)->()")
    assert f(np.ones((2, 3))).tolist() == [3.0, 3.0]
    with pytest.raises(jacrs.UnsupportedError, match=r"signature=(.|\n)*loop(.|\n)*\n  at "):
        jacrs.jacobian(lambda x: f(x))(np.ones((2, 3)))  # noqa: PLW0108
