"""Texts about Jacobians, tapes, the functional twins, containers and checks, whole."""

import numpy as np
import pytest

import jacrs
from jacrs import functional
from jacrs.testing import check_grads
from tests.error_subjects import (
    Fresh,
    Own,
    Registered,
    X,
    check_error,
    counting,
    forgetful,
    gradient_of_many,
    gradient_of_nothing,
    gradient_of_stranger,
    is_recorded,
    taped,
    total,
    without_matplotlib,
    without_scipy,
)


def diagonal():
    return jacrs.sparse_jacobian(np.sin)(X)


def fixed(matrix):
    matrix.data.flags.writeable = False
    return matrix


LINEAR = {
    "no_product": (
        lambda: jacrs.linearize(np.sin, X)[1] @ X[:2],
        jacrs.ShapeError,
        "a Jacobian of shape (3, 3) has 3 columns, so a vector for it has shape (3,), "
        "vectors side by side (3, k); got shape (2,)",
    ),
    "no_product: from the left": (
        lambda: X[:2] @ jacrs.linearize(np.sin, X)[1],
        jacrs.ShapeError,
        "a Jacobian of shape (3, 3) has 3 rows, so a vector for it has shape (3,), "
        "vectors side by side (3, k); got shape (2,)",
    ),
    "not_numbers": (
        lambda: jacrs.linearize(np.sin, X)[1] @ np.array(["a"] * 3),
        jacrs.DTypeError,
        "a Jacobian is multiplied by numbers, not by an array of dtype <U1: convert it "
        "first, x.astype(float)",
    ),
    "not_one_array": (
        lambda: jacrs.linearize(lambda x: (x, x), X)[1].at(0, 0),
        jacrs.ArgumentError,
        "J.at is for a function of one array whose result is one array; with containers"
        " or several arguments use J[rows, columns], over all their elements end to end",
    ),
    "out_of_bounds": (
        lambda: jacrs.linearize(np.sin, X)[1][9],
        jacrs.BoundsError,
        "index 9 is out of bounds for axis 0 with size 3",
    ),
    "needs_copy": (
        lambda: np.asarray(jacrs.linearize(np.sin, X)[1], copy=False),
        jacrs.ArgumentError,
        "unable to avoid copy while creating an array as requested: a Jacobian is "
        "computed when it is asked for",
    ),
    "needs_scipy": (
        lambda: without_scipy(jacrs.linearize(np.sin, X)[1].aslinearoperator),
        ImportError,
        "J.aslinearoperator() needs SciPy, which is not installed: pip install jacrs[scipy]",
    ),
    "needs_matplotlib": (
        lambda: without_matplotlib(jacrs.sparsity(np.sin)(X).spy),
        ImportError,
        "Pattern.spy() needs Matplotlib, which is not installed: pip install jacrs[plot]",
    ),
    "pattern_while_recording": (
        lambda: jacrs.grad(lambda x: jacrs.sparsity(np.sin)(x).nnz * x)(1.0),
        jacrs.TraceError,
        "sparsity(f)(x) looks at the contents of index arrays, which are not known while a "
        "function is recorded: find the pattern first, outside of the recorded function",
    ),
    "bad_blocksize": (
        lambda: jacrs.sparse_jacobian(np.sin, format="bsr", blocksize=(2, 0)),
        jacrs.ArgumentError,
        "blocksize must be two positive integers, and format 'bsr'; got (2, 0) with format 'bsr'",
    ),
    "no_blocks": (
        lambda: jacrs.sparse_jacobian(np.sin, format="bsr", blocksize=(2, 2))(X),
        jacrs.ArgumentError,
        "blocksize (2, 2) does not divide the shape (3, 3) of the matrix: take divisors of its "
        "numbers of rows and columns, or leave blocksize out",
    ),
    "not_a_pattern": (
        lambda: jacrs.sparse_jacobian(np.sin, pattern=np.eye(3)),
        jacrs.DTypeError,
        "pattern must be a jacrs.Pattern, a SciPy sparse matrix or a NumPy array of booleans, such "
        "as A != 0; it is ndarray of dtype float64",
    ),
    "pattern_axes": (
        lambda: jacrs.sparse_jacobian(np.sin, pattern=np.ones(3, bool)),
        jacrs.ShapeError,
        "pattern must be a matrix, with a row for each element of the result and a column for each "
        "element of the arguments; it has shape (3,)",
    ),
    "pattern_shape": (
        lambda: jacrs.sparse_jacobian(np.sin, pattern=np.ones((2, 3), bool))(X),
        jacrs.ShapeError,
        "pattern has shape (2, 3), but sparse_jacobian gives a matrix of shape (3, 3): a row for "
        "each element of the result, or of a Hessian's arguments, and a column for each element of "
        "the arguments",
    ),
    "pattern_shape: of columns": (
        lambda: jacrs.sparse_jacobian(np.sin, pattern=np.ones((3, 2), bool))(X),
        jacrs.ShapeError,
        "pattern has shape (3, 2), but sparse_jacobian gives a matrix of shape (..., 3): a row for "
        "each element of the result, or of a Hessian's arguments, and a column for each element of "
        "the arguments",
    ),
    "structured_pattern": (
        lambda: jacrs.sparse_jacobian(np.sin, mode="structured", pattern=np.ones((3, 3), bool)),
        jacrs.ArgumentError,
        'mode "structured" takes no pattern, as the selections of elements that it carries make '
        'one: leave pattern out, or take mode None, "forward" or "reverse"',
    ),
    "asymmetric_pattern": (
        lambda: jacrs.sparse_hessian(np.sin, mode="star", pattern=np.tri(3, dtype=bool)),
        jacrs.ArgumentError,
        'mode "star" reads entries from either triangle, and this pattern is not symmetric: give '
        'both triangles, such as pattern + pattern.T, or take mode None, "forward" or "reverse"',
    ),
    "outside_pattern": (
        lambda: jacrs.sparse_jacobian(lambda x: x[::-1] * 2.0, pattern=np.eye(3, dtype=bool))(X),
        jacrs.ArgumentError,
        "the matrix of sparse_jacobian has an entry outside of the given pattern, 2 in row 0, "
        "column 2, so that others would be wrong: leave pattern out, or give one with all "
        "entries, such as sparsity(f) finds",
    ),
    "recorded_matrix": (
        lambda: jacrs.grad(lambda x: jacrs.sparse_jacobian(np.sin)(x).sum())(X),
        jacrs.TraceError,
        "sparse_jacobian gives a SciPy matrix, which cannot be recorded: inside of a recorded "
        "function use linearize(f, x) or jacobian(f)(x); only compile may record it, as its result",
    ),
    "recorded_sparse": (
        lambda: jacrs.grad(lambda x: jacrs.linearize(np.sin, x)[1].sparse().sum())(X),
        jacrs.TraceError,
        "J.sparse() gives a SciPy matrix, which cannot be recorded: take J @ u, J[rows, columns] "
        "or J.dense() in a recorded function, or linearize outside of it",
    ),
    "other_matrix": (
        lambda: jacrs.sparse_jacobian(np.sin)(X, out=diagonal().tocsc()),
        jacrs.ArgumentError,
        "out must be a SciPy sparse matrix in format csr of shape (3, 3), such as a former result; "
        "it is csc of shape (3, 3)",
    ),
    "other_structure": (
        lambda: jacrs.sparse_jacobian(np.sin)(X, out=diagonal()[[1, 0, 2]]),
        jacrs.ArgumentError,
        "out has entries in other places than the result: take a result of the same function, or "
        "call without out",
    ),
    "other_data": (
        lambda: jacrs.sparse_jacobian(np.sin)(X, out=diagonal().astype(np.float32)),
        jacrs.ArgumentError,
        "out.data must be of dtype float64 and shape (3,); it is of dtype float32 and shape (3,)",
    ),
    "read_only_data": (
        lambda: jacrs.sparse_jacobian(np.sin)(X, out=fixed(diagonal())),
        jacrs.ArgumentError,
        "out.data is read-only: give a matrix that may be written to",
    ),
}
TAPES = {
    "tape_outside": (
        lambda: jacrs.Tape().watch(X),
        jacrs.TraceError,
        "tape.watch only works inside `with Tape() as tape:`",
    ),
    "tape_not_started": (
        lambda: jacrs.Tape().gradient(X, X),
        jacrs.TraceError,
        "tape.gradient needs a recording: enter `with Tape() as tape:` first",
    ),
    "tape_again": (
        taped().tape.__enter__,
        jacrs.TraceError,
        "a Tape records once: make a new one for every `with`",
    ),
    "not_watched": (
        gradient_of_stranger,
        jacrs.TraceError,
        "inputs is a float64 array of shape (3,) that this tape does not watch: "
        "gradients are taken with respect to what tape.watch returned",
    ),
    "not_an_output": (
        lambda: taped().tape.gradient(["y"], X),
        jacrs.DTypeError,
        "outputs[0] is a str, where a recorded value is needed",
    ),
    "needs_gradients": (
        gradient_of_many,
        jacrs.ShapeError,
        "outputs has shape (3,): pass output_gradients, one array of each output's "
        "shape, or use tape.jacobian",
    ),
    "unconnected": (
        gradient_of_nothing,
        jacrs.IndependentError,
        "no output depends on inputs[1]: unconnected='zero' gives zeros, 'none' gives None",
    ),
}
FUNCTIONAL = {
    "needs_vector": (
        lambda: functional.vhp(total, X),
        jacrs.ArgumentError,
        "v can be left out only where the input is a single array of one element",
    ),
    "wrong_vectors": (
        lambda: functional.vjp(lambda x: (x, x), X, (X,)),
        jacrs.ArgumentError,
        "v must hold 2 arrays, but holds 1",
    ),
    "not_an_array": (
        lambda: functional.vjp(np.sin, [X], X),
        jacrs.DTypeError,
        "inputs is a list: jacrs.functional takes arrays and tuples of them",
    ),
    "not_arrays": (
        lambda: functional.jacobian(lambda x: {"a": x}, X),
        jacrs.DTypeError,
        "a function given to jacrs.functional must return an array or a tuple of them",
    ),
    "not_one_element": (
        lambda: functional.hessian(np.sin, X),
        jacrs.ShapeError,
        "a function given to hessian must return a single array of one element",
    ),
    "independent": (
        lambda: functional.jacobian(lambda x: (x, np.ones(2)), X, strict=True),
        jacrs.IndependentError,
        "output 1 of the function does not depend on any input, which strict=True does not allow",
    ),
}
CONTAINERS = {
    "not_a_class": (
        lambda: jacrs.register_pytree_node(Own(()), list, list),
        jacrs.DTypeError,
        "register_pytree_node: cls must be a class, not an Own: pass type(x) for an instance x",
    ),
    "fixed_type": (
        lambda: jacrs.register_pytree_node(dict, list, list),
        jacrs.DTypeError,
        "register_pytree_node: dict is taken as it is, and stays so: register a class of your own",
    ),
    "registered_already": (
        lambda: jacrs.register_pytree_node(Registered, list, list),
        jacrs.DTypeError,
        "register_pytree_node: Registered is registered already: register a type once, "
        "where it is defined",
    ),
    "not_a_registrant": (
        lambda: jacrs.register_pytree_node(Fresh, 1, list),
        jacrs.DTypeError,
        "register_pytree_node: flatten must be a function, not an int: write flatten(x)"
        " -> (children, aux)",
    ),
    "not_a_registrant: unflatten": (
        lambda: jacrs.register_pytree_node(Fresh, list, None),
        jacrs.DTypeError,
        "register_pytree_node: unflatten must be a function, not None: write "
        "unflatten(aux, children) -> x",
    ),
    "bad_flatten": (
        lambda: jacrs.grad(total)(Registered()),
        jacrs.DTypeError,
        "flatten, as registered for Registered, must return (children, aux) with a "
        "sequence of children, not 'text'",
    ),
}
CHECKS = {
    "differing_calls": (
        lambda: check_grads(counting([0]), (1.0,)),
        AssertionError,
        "two calls at the same point give different values: pass what is random, or "
        "kept between calls, as an argument",
    ),
    "other_arrays": (
        lambda: check_grads(lambda x: (x, x) if is_recorded(x) else x, (1.0,)),
        AssertionError,
        "the function returns other arrays when it is recorded: tuple(*, *) instead of "
        "*; unless the function asks how it is called, this is a bug in jacrs: please "
        "report it",
    ),
    "other_value": (
        lambda: check_grads(lambda x: x * (2.0 if is_recorded(x) else 3.0), (1.0,)),
        AssertionError,
        "the result is 3.0 when the function is called, and 2.0 when it is recorded; "
        "unless the function asks how it is called, this is a bug in jacrs: please "
        "report it",
    ),
    "modes_disagree": (
        lambda: check_grads(forgetful([0]), (1.0,), order=1, atol=9.0),
        AssertionError,
        "order 1, forward: along one direction, weighted, the derivative is -4.0, and "
        "0.0 in reverse mode: one of the modes is wrong; unless the function asks how "
        "it is called, this is a bug in jacrs: please report it",
    ),
    "wrong_derivative": (
        lambda: check_grads(lambda x: 2 * x * jacrs.stop_gradient(x), (2.0,), order=1),
        AssertionError,
        "order 1, forward: the derivative of the result by argument 0 is 4.0, but "
        "differences give 8.0 (within 2e-13): the derivative is wrong, or a part is "
        "held constant, as by stop_gradient",
    ),
    "wrong_derivative: at a kink": (
        lambda: check_grads(lambda x: np.where(x > 0, x, 2 * x), (0.0,), order=1),
        AssertionError,
        "order 1, forward: the derivative of the result by argument 0 is 2.0, but "
        "differences give 1.5 (within 9e-06): the function has a kink or a jump here, "
        "the one-sided differences are 2 and 1; check at another point",
    ),
}
CASES = {**LINEAR, **TAPES, **FUNCTIONAL, **CONTAINERS, **CHECKS}


@pytest.mark.parametrize("name", CASES)
def test_texts(name):
    check_error(name, *CASES[name])
