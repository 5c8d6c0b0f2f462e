"""What is raised: classes, whole texts, and the place in the user's code."""

import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import jacrs
from jacrs.errors import located

X = np.array([0.7, 1.3, -0.4])
TREE = {"a": X, "b": (X, 2.0)}
ONLY = "only float32 and float64 can be differentiated"
LOST = "a recorded function sees plain arrays only, so what {0} adds would be lost; pass {1}"
LEAF = (
    "which cannot be differentiated: pass arrays, numbers, or tuples, lists and dicts of them, and "
    "leave anything else out of argnums; an option in a dataclass is marked, "
    'field(metadata={"static": True})'
)
RETURN = (
    "return arrays, numbers, or tuples, lists and dicts of them, and anything else as auxiliary "
    "data with has_aux=True"
)
NUMBER = "use jacobian, or reduce the result first, with np.sum for one"


def total(x):
    return np.sum(x**2)


def grad_of(result, **options):
    return lambda: jacrs.grad(result, **options)(X)


def jacobian_of(result):
    return lambda: jacrs.jacobian(result)(X)


TYPES = {
    "not a function": (
        lambda: jacrs.grad(3.0),
        "grad needs a function, not a float: write grad(f), and pass the point to what it returns",
    ),
    "argnums a float": (
        lambda: jacrs.grad(total, 1.5),
        "argnums must be an int or a tuple of ints, not 1.5",
    ),
    "argnums a bool": (
        lambda: jacrs.grad(total, True),
        "argnums must be an int or a tuple of ints, not True",
    ),
    "argnums with a name": (
        lambda: jacrs.grad(total, (0, "x")),
        "argnums must be an int or a tuple of ints, not (0, 'x')",
    ),
    "integers": (
        lambda: jacrs.grad(total)(np.arange(3)),
        f"argument 0 is an int64 array of shape (3,): {ONLY}; convert it first, x.astype(float)",
    ),
    "a NumPy integer": (
        lambda: jacrs.grad(total)(np.int64(3)),
        f"argument 0 is an int64: {ONLY}; convert it first, float(x)",
    ),
    "booleans": (
        lambda: jacrs.grad(lambda a, x: a * total(x), 1)(1.0, X > 0),
        f"argument 1 is a bool array of shape (3,): {ONLY}; convert it first, x.astype(float)",
    ),
    "float16": (
        lambda: jacrs.grad(total)(X.astype(np.float16)),
        f"argument 0 is a float16 array of shape (3,): {ONLY}; convert it first, x.astype(float)",
    ),
    "complex numbers": (
        lambda: jacrs.grad(total)(X + 1j),
        f"argument 0 is a complex128 array of shape (3,): {ONLY}; pass its real and imaginary "
        "parts, x.real and x.imag",
    ),
    "objects": (
        lambda: jacrs.grad(total)(X.astype(object)),
        f"argument 0 is an object array of shape (3,): {ONLY}; convert it first, x.astype(float)",
    ),
    "a matrix": (
        lambda: jacrs.grad(total)(np.asmatrix(X)),
        "argument 0 is a matrix of shape (1, 3): " + LOST.format("matrix", "np.asarray(x)"),
    ),
    "a masked array": (
        lambda: jacrs.grad(total)(np.ma.array(X)),
        "argument 0 is a MaskedArray of shape (3,): " + LOST.format("MaskedArray", "x.filled(...)"),
    ),
    "a text within": (
        lambda: jacrs.grad(total)({"a": [X, {"b": "c"}]}),
        f"argument 0['a'][1]['b'] is a str, {LEAF}",
    ),
    "primals not in a tuple": (
        lambda: jacrs.jvp(total, X, X),
        "primals must be a tuple with one entry an argument, not a float64 array of shape (3,): "
        "for a single argument write (primal,)",
    ),
    "tangents not in a tuple": (
        lambda: jacrs.jvp(total, (X,), X),
        "tangents must be a tuple with one entry an argument, not a float64 array of shape (3,): "
        "for a single argument write (tangent,)",
    ),
    "a tangent of a wider dtype": (
        lambda: jacrs.jvp(total, (X.astype(np.float32),), (X,)),
        "tangents[0] has dtype float64, but argument 0 has dtype float32, which cannot hold it: "
        "use .astype(np.float32)",
    ),
    "a complex tangent": (
        lambda: jacrs.jvp(total, (X,), (X + 1j,)),
        "tangents[0] has dtype complex128, but argument 0 has dtype float64, which cannot hold it: "
        "pass its real part, .real",
    ),
    "a text for a tangent": (
        lambda: jacrs.jvp(total, (X,), ("text",)),
        "tangents[0] is a str, where an array or a number is needed",
    ),
    "no result": (grad_of(lambda x: None), "the function returned None: is a `return` missing?"),
    "an integer to grad": (
        grad_of(np.argmax),
        "grad needs a function that returns a float, but it returned one of dtype int64, whose "
        "derivative is zero: return what has one",
    ),
    "no pair": (
        grad_of(lambda x: x @ x, has_aux=True),
        "with has_aux=True the function must return (result, aux), not a recorded value",
    ),
    "three for a pair": (
        grad_of(lambda x: (1, 2, 3), has_aux=True),
        "with has_aux=True the function must return (result, aux), not a tuple of 3",
    ),
    "a text in the result": (
        jacobian_of(lambda x: {"a": [x, "text"]}),
        f"result['a'][1] is a str: {RETURN}",
    ),
    "a generator": (
        jacobian_of(lambda x: (y for y in x)),
        f"the result is a generator: {RETURN}",
    ),
    "a complex result": (
        jacobian_of(lambda x: (x, 1j)),
        "result[1] is a complex128 array of shape (): only float32 and float64 results have a "
        "derivative, and integers and booleans a zero one; return others as auxiliary data with "
        "has_aux=True, or the real and imaginary parts of what is complex",
    ),
}
VALUES = {
    "argnums too large": (
        lambda: jacrs.grad(total, 2)(X),
        "argnums names argument 2, but 1 positional argument was passed",
    ),
    "an argument by name": (
        lambda: jacrs.grad(total)(x=X),
        "argnums names argument 0, but 0 positional arguments were passed; arguments passed by "
        "name (x) stay constant",
    ),
    "an argument twice": (
        lambda: jacrs.grad(total, (0, -1))(X),
        "argnums names an argument twice: (0, -1); name it once",
    ),
    "an unknown mode": (
        lambda: jacrs.jacobian(total, mode="fwd"),
        "mode must be None, 'forward' or 'reverse', not 'fwd'",
    ),
    "a vector to grad": (
        grad_of(lambda x: x),
        "grad needs a function that returns one number, but it returned an array of shape (3,): "
        + NUMBER,
    ),
    "a list to value_and_grad": (
        lambda: jacrs.value_and_grad(lambda x: [x[0], x[1]])(X),
        "value_and_grad needs a function that returns one number, but it returned an array of "
        f"shape (2,): {NUMBER}",
    ),
    "a tuple to grad": (
        grad_of(lambda x: (x[0],)),
        f"grad needs a function that returns one number, but it returned a tuple: {NUMBER}",
    ),
    "too many tangents": (
        lambda: jacrs.jvp(total, (X,), (X, X)),
        "tangents must have one entry an argument: expected 1, got 2",
    ),
    "a tangent of another shape": (
        lambda: jacrs.jvp(total, (X,), (X[:2],)),
        "tangents[0] has shape (2,), but argument 0 has shape (3,)",
    ),
    "a tangent of another structure": (
        lambda: jacrs.jvp(lambda t: t["a"], (TREE,), ({"a": X, "b": (X,)},)),
        "tangents[0]['b'] must be a tuple of 2, but is one of 1",
    ),
    "a shape deep within": (
        lambda: jacrs.jvp(lambda t: t["a"], (TREE,), ({"b": (X, X), "a": X},)),
        "tangents[0]['b'][1] has shape (3,), but argument 0['b'][1] has shape ()",
    ),
    "a cotangent of another shape": (
        lambda: jacrs.vjp(np.sin, X)[1](1.0),
        "the cotangent has shape (), but the result has shape (3,)",
    ),
    "a cotangent within": (
        lambda: jacrs.vjp(lambda x: {"a": (x, x)}, X)[1]({"a": (X, X[:1])}),
        "cotangent['a'][1] has shape (1,), but result['a'][1] has shape (3,)",
    ),
    "no threads": (
        lambda: jacrs.set_num_threads(0),
        "n must be a positive integer, not 0",
    ),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("case", TYPES)
def test_type_errors(case):
    check(TypeError, *TYPES[case])


@pytest.mark.parametrize("case", VALUES)
def test_value_errors(case):
    check(ValueError, *VALUES[case])


def check(builtin, call, text):
    with pytest.raises(builtin) as caught:
        call()
    assert str(caught.value) == text
    assert isinstance(caught.value, jacrs.JacrsError)
    assert not jacrs._jacrs.is_recording()


def test_arguments_are_checked_before_the_function_runs():
    def never(x):
        raise AssertionError

    for call in (
        lambda: jacrs.grad(never)(np.arange(3)),
        lambda: jacrs.jvp(never, (X,), (X[:1],)),
        lambda: jacrs.hessian(never, (0, 1))(X, "text"),
    ):
        with pytest.raises(jacrs.JacrsError):
            call()


# --- places


KINDS = {
    "shape": (jacrs.ShapeError, ValueError),
    "value": (jacrs.ArgumentError, ValueError),
    "type": (jacrs.DTypeError, TypeError),
    "index": (jacrs.BoundsError, IndexError),
    "memory": (jacrs.MemoryLimitError, MemoryError),
    "trace": (jacrs.TraceError, TypeError),
    "unsupported": (jacrs.UnsupportedError, jacrs.TraceError),
    "internal": (jacrs.InternalError, RuntimeError),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind):
    cls, parent = KINDS[kind]
    error = located(kind, "what is wrong", None, -1)
    assert type(error) is cls
    assert isinstance(error, parent)
    assert isinstance(error, jacrs.JacrsError)
    text = "what is wrong"
    if kind == "internal":
        text += "\nThis is a bug in jacrs: please report it."
    assert str(error) == text
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (cls, text)


def frame_here():
    return sys._getframe(1)


class Model:
    def rhs(self):
        return (
            1.0  # é: columns are counted in bytes
            * frame_here().f_lasti
        )


def place_of(error):
    return str(error).partition("\n  at ")[2]


def test_a_place_names_file_line_function_and_expression():
    code, line = Model.rhs.__code__, Model.rhs.__code__.co_firstlineno
    lasti = Model().rhs()
    place = place_of(located("trace", "text", code, int(lasti)))
    file = re.escape(str(Path("tests") / "test_errors.py"))
    assert re.fullmatch(rf".*{file}:{line + 3} in Model\.rhs: frame_here\(\)\.f_lasti", place)


def test_a_place_over_several_lines_is_one_line():
    def nested():
        return sum(
            [1, 2],
            start=3,
        )

    code = nested.__code__
    texts = {place_of(located("trace", "", code, 2 * i)) for i in range(len(code.co_code) // 2)}
    assert any(text.endswith("in nested: sum( [1, 2], start=3, )") for text in texts)


def test_places_without_source_or_positions():
    code = compile("def f(x):\n    return x + 1\n", "<nowhere>", "exec").co_consts[0]
    assert place_of(located("trace", "", code, 4)) == "<nowhere>:2 in f"
    assert place_of(located("trace", "", code, -1)) == "<nowhere>:1 in f"
    assert place_of(located("trace", "", code, 10_000)) == "<nowhere>:1 in f"
    bare = code.replace(co_linetable=b"")
    assert place_of(located("trace", "", bare, 4)) == "<nowhere>:1 in f"


def test_long_expressions_are_cut():
    code = compile("x = [" + ", ".join(map(str, range(200))) + "]\n", __file__, "exec")
    assert len(place_of(located("trace", "", code, 4))) < 400


def test_an_error_while_recording_names_the_line():
    def rhs(x):
        return np.array([1.0, 2.0]) * float(x[0])

    with pytest.raises(jacrs.TraceError) as caught:
        jacrs.jacobian(rhs)(X)
    line = rhs.__code__.co_firstlineno + 1
    assert place_of(caught.value).endswith(f"test_errors.py:{line} in rhs: float(x[0])")
