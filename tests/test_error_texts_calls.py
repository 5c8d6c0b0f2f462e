"""Texts about arguments and results of the transforms, whole."""

import numpy as np
import pytest

import jacrs
from tests.error_subjects import (
    HELD,
    SQUARE,
    Own,
    X,
    check_error,
    total,
    writing,
)

ARGUMENTS = {
    "not_callable": (
        lambda: jacrs.grad(3.0),
        jacrs.DTypeError,
        "grad needs a function, not a float: write grad(f), and pass the point to what it returns",
    ),
    "not_callable: a call of its own": (
        lambda: jacrs.linearize(3.0, X),
        jacrs.DTypeError,
        "linearize needs a function, not a float: write linearize(f, *primals)",
    ),
    "not_a_leaf": (
        lambda: jacrs.grad(total)({"a": [X, "text"]}),
        jacrs.DTypeError,
        "argument 0['a'][1] is a str, which cannot be differentiated: pass arrays, "
        "numbers, or tuples, lists and dicts of them, and leave anything else out of "
        'argnums; an option in a dataclass is marked, field(metadata={"static": True})',
    ),
    "not_real": (
        lambda: jacrs.grad(total)(np.arange(3)),
        jacrs.DTypeError,
        "argument 0 is an int64 array of shape (3,): only float32 and float64 can be "
        "differentiated; convert it first, x.astype(float)",
    ),
    "not_real: a number": (
        lambda: jacrs.grad(total)(np.int64(3)),
        jacrs.DTypeError,
        "argument 0 is an int64: only float32 and float64 can be differentiated; "
        "convert it first, float(x)",
    ),
    "not_real: complex": (
        lambda: jacrs.grad(total)(X + 1j),
        jacrs.DTypeError,
        "argument 0 is a complex128 array of shape (3,): only float32 and float64 can "
        "be differentiated; pass its real and imaginary parts, x.real and x.imag",
    ),
    "not_real: texts": (
        lambda: jacrs.grad(total)(np.array(["a"])),
        jacrs.DTypeError,
        "argument 0 is a <U1 array of shape (1,): only float32 and float64 can be "
        "differentiated; leave it out of argnums",
    ),
    "is_subclass": (
        lambda: jacrs.grad(total)(X.view(Own)),
        jacrs.DTypeError,
        "argument 0 is an Own of shape (3,): a recorded function sees plain arrays "
        "only, so what Own adds would be lost; pass np.asarray(x)",
    ),
    "is_subclass: masked": (
        lambda: jacrs.grad(total)(np.ma.array(X)),
        jacrs.DTypeError,
        "argument 0 is a MaskedArray of shape (3,): a recorded function sees plain "
        "arrays only, so what MaskedArray adds would be lost; pass x.filled(...)",
    ),
    "bad_argnums": (
        lambda: jacrs.grad(total, 1.5),
        jacrs.DTypeError,
        "argnums must be an int or a tuple of ints, not 1.5",
    ),
    "argnums_repeat": (
        lambda: jacrs.grad(total, (0, -1))(X),
        jacrs.ArgumentError,
        "argnums names an argument twice: (0, -1); name it once",
    ),
    "argnums_range": (
        lambda: jacrs.grad(total, 2)(X),
        jacrs.ArgumentError,
        "argnums names argument 2, but 1 positional argument was passed",
    ),
    "argnums_range: by name": (
        lambda: jacrs.grad(total)(x=X),
        jacrs.ArgumentError,
        "argnums names argument 0, but 0 positional arguments were passed; arguments "
        "passed by name (x) stay constant",
    ),
    "not_a_tuple": (
        lambda: jacrs.jvp(total, X, X),
        jacrs.DTypeError,
        "primals must be a tuple with one entry an argument, not a float64 array of "
        "shape (3,): for a single argument write (primal,)",
    ),
    "wrong_count": (
        lambda: jacrs.jvp(total, (X,), (X, X)),
        jacrs.ArgumentError,
        "tangents must have one entry an argument: expected 1, got 2",
    ),
    "wrong_structure": (
        lambda: jacrs.jvp(lambda t: t["a"], ({"a": X},), ({"b": X},)),
        jacrs.ArgumentError,
        "tangents[0] must be a dict with the keys ['a'], but is one with ['b']",
    ),
    "wrong_structure: its own name": (
        lambda: jacrs.vjp(lambda x: (x, x), X)[1]([X, X]),
        jacrs.ArgumentError,
        "cotangent must be a tuple of 2, but is a list",
    ),
    "wrong_shape": (
        lambda: jacrs.vjp(np.sin, X)[1](1.0),
        jacrs.ShapeError,
        "the cotangent has shape (), but the result has shape (3,)",
    ),
    "wrong_dtype": (
        lambda: jacrs.jvp(total, (X.astype(np.float32),), (X,)),
        jacrs.DTypeError,
        "tangents[0] has dtype float64, but argument 0 has dtype float32, which cannot "
        "hold it: use .astype(np.float32)",
    ),
    "wrong_dtype: complex": (
        lambda: jacrs.jvp(total, (X,), (X + 1j,)),
        jacrs.DTypeError,
        "tangents[0] has dtype complex128, but argument 0 has dtype float64, which "
        "cannot hold it: pass its real part, .real",
    ),
    "not_a_vector": (
        lambda: jacrs.jvp(total, (X,), ("text",)),
        jacrs.DTypeError,
        "tangents[0] is a str, where an array or a number is needed",
    ),
    "bad_choice": (
        lambda: jacrs.jacobian(total, mode="fwd"),
        jacrs.ArgumentError,
        "mode must be None, 'forward' or 'reverse', not 'fwd'",
    ),
    "bad_count": (
        lambda: jacrs.set_num_threads(0),
        jacrs.ArgumentError,
        "n must be a positive integer, not 0",
    ),
}
MAPPING = {
    "bad_axis": (
        lambda: jacrs.vmap(np.sum, "0"),
        jacrs.DTypeError,
        "in_axes must be ints or None, a tuple with one entry for each positional "
        "argument, or containers of them; '0' is neither",
    ),
    "bad_axis: of results": (
        lambda: jacrs.vmap(np.sin, 0, 1.5)(SQUARE),
        jacrs.DTypeError,
        "out_axes must be ints or None, or containers of them, built like the result; "
        "1.5 is neither",
    ),
    "bad_size": (
        lambda: jacrs.vmap(np.sum, axis_size=-1),
        jacrs.ArgumentError,
        "axis_size must be an integer from 0 up, not -1",
    ),
    "not_mappable": (
        lambda: jacrs.vmap(np.add)(X, 1.0),
        jacrs.DTypeError,
        "argument 1 is a float, which has no axis to map over: pass an array, or None "
        "for it in in_axes; what is passed by name is mapped over axis 0, and can be "
        "bound before, with functools.partial",
    ),
    "no_lanes": (
        lambda: jacrs.vjp(np.sum, X)[1].batched(1.0),
        jacrs.ShapeError,
        "cotangents is a float: cotangents that are pulled back together have one axis "
        "more than the result, the first",
    ),
    "no_axis": (
        lambda: jacrs.vmap(np.sin, 2)(X),
        jacrs.ShapeError,
        "argument 0 has shape (3,), and no axis 2 to map over",
    ),
    "not_recordable": (
        lambda: jacrs.vmap(np.sum)(np.zeros((2, 2), np.int8)),
        jacrs.DTypeError,
        "argument 0 is an int8 array of shape (2, 2): only float64, float32, int64 and "
        "bool can be mapped; convert it first, x.astype(float) or x.astype(int)",
    ),
    "nothing_mapped": (
        lambda: jacrs.vmap(np.sum, None)(X),
        jacrs.ArgumentError,
        "vmap needs an array to map over, or axis_size: no argument is mapped by in_axes",
    ),
    "different_sizes": (
        lambda: jacrs.vmap(np.add, (0, 1), axis_size=4)(X, np.zeros((5, 3))),
        jacrs.ShapeError,
        "the mapped axes must have the same size:\n"
        "  axis_size is 4\n"
        "  argument 0 of shape (3,) has size 3 along axis 0\n"
        "  argument 1 of shape (5, 3) has size 3 along axis 1",
    ),
    "no_place": (
        lambda: jacrs.vmap(np.sum, 0, 1)(SQUARE),
        jacrs.ArgumentError,
        "result has 1 dimensions with that of the lanes: out_axes cannot be 1",
    ),
    "differs_in_lanes": (
        lambda: jacrs.vmap(lambda x: (1.0, x), 0, (None, None))(X),
        jacrs.ArgumentError,
        "result[1] depends on a mapped argument, so that it may differ from lane to "
        "lane: out_axes cannot be None for it",
    ),
}
RESULTS = {
    "returned_nothing": (
        lambda: jacrs.grad(lambda x: None)(X),
        jacrs.DTypeError,
        "the function returned None: is a `return` missing?",
    ),
    "not_a_result": (
        lambda: jacrs.jacobian(lambda x: {"a": [x, "text"]})(X),
        jacrs.DTypeError,
        "result['a'][1] is a str: return arrays, numbers, or tuples, lists and dicts of"
        " them, and anything else as auxiliary data with has_aux=True",
    ),
    "result_not_real": (
        lambda: jacrs.jacobian(lambda x: (x, 1j))(X),
        jacrs.DTypeError,
        "result[1] is a complex128 array of shape (): only float32 and float64 results "
        "have a derivative, and integers and booleans a zero one; return others as "
        "auxiliary data with has_aux=True, or the real and imaginary parts of what is "
        "complex",
    ),
    "no_pair": (
        lambda: jacrs.grad(total, has_aux=True)(X),
        jacrs.DTypeError,
        "with has_aux=True the function must return (result, aux), not a recorded value",
    ),
    "no_pair: three": (
        lambda: jacrs.grad(lambda x: (1, 2, 3), has_aux=True)(X),
        jacrs.DTypeError,
        "with has_aux=True the function must return (result, aux), not a tuple of 3",
    ),
    "not_scalar": (
        lambda: jacrs.grad(np.sin)(X),
        jacrs.ShapeError,
        "grad needs a function that returns one number, but it returned an array of "
        "shape (3,): use jacobian, or reduce the result first, with np.sum for one",
    ),
    "not_scalar: a tuple": (
        lambda: jacrs.grad(lambda x: (x[0],))(X),
        jacrs.ShapeError,
        "grad needs a function that returns one number, but it returned a tuple: use "
        "jacobian, or reduce the result first, with np.sum for one",
    ),
    "not_smooth": (
        lambda: jacrs.grad(np.argmax)(X),
        jacrs.DTypeError,
        "grad needs a function that returns a float, but it returned one of dtype "
        "int64, whose derivative is zero: return what has one",
    ),
    "argument_changed": (
        lambda: jacrs.grad(writing)(HELD[0]),
        jacrs.TraceError,
        "argument 0 was changed while the function was recorded, by another name than "
        "that of the argument or in another thread: the recording no longer holds what "
        "the function saw. Write to a copy, y = x.copy(), or pass one, f(x.copy())",
    ),
}
OUTS = {
    "not_an_out": (
        lambda: jacrs.jacobian(np.sin)(X, out=[1.0]),
        jacrs.DTypeError,
        "out is a list, where an array to write to is needed",
    ),
    "no_out_pair": (
        lambda: jacrs.value_grad_and_hessian(total)(X, out=SQUARE),
        jacrs.DTypeError,
        "out must be a tuple (gradient, hessian) of arrays or None, not a float64 array"
        " of shape (3, 3)",
    ),
    "no_out_pair: three": (
        lambda: jacrs.value_grad_and_hessian(total)(X, out=(None, None, None)),
        jacrs.DTypeError,
        "out must be a tuple (gradient, hessian) of arrays or None, not a tuple of 3",
    ),
    "out_of_recording": (
        lambda: jacrs.grad(lambda x: jacrs.grad(total)(x, out=X)[0])(X.copy()),
        jacrs.TraceError,
        "out is a float64 array of shape (3,), but this call is part of a recording: "
        "the derivative would be lost in a plain array; create the array inside the "
        "recorded function, or leave out= out",
    ),
    "wrong_out_shape": (
        lambda: jacrs.jacobian(np.sin)(X, out=X.copy()),
        jacrs.ShapeError,
        "out has shape (3,), but the derivative has shape (3, 3): pass one of that shape",
    ),
    "wrong_out_dtype": (
        lambda: jacrs.grad(total)(X, out=np.zeros(3, np.float32)),
        jacrs.DTypeError,
        "out has dtype float32, but the derivative has dtype float64: pass one of that dtype",
    ),
    "readonly_out": (
        lambda: jacrs.grad(total)(X, out=np.broadcast_to(0.0, 3)),
        jacrs.ArgumentError,
        "out is read-only, so nothing can be written there: pass another array",
    ),
    "overlapping_outs": (
        lambda: jacrs.grad(total)(X, out=np.lib.stride_tricks.as_strided(X, (3,), (0,))),
        jacrs.ArgumentError,
        "out has several elements at one address, as broadcast views have: pass an "
        "array of its own memory",
    ),
    "overlapping_outs: two": (
        lambda: jacrs.value_grad_and_hessian(total)(X, out=(SQUARE[0], SQUARE)),
        jacrs.ArgumentError,
        "one part of out shares memory with another: pass arrays that lie apart",
    ),
}
CASES = {**ARGUMENTS, **MAPPING, **RESULTS, **OUTS}


@pytest.mark.parametrize("name", CASES)
def test_texts(name):
    check_error(name, *CASES[name])
