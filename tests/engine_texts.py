"""The texts of the engine that a recorded function meets: name, body, class, text, place."""

import jacrs

CASES = {
    "no_broadcast": (
        "x + np.ones(4)",
        jacrs.ShapeError,
        "operands could not be broadcast together with shapes (3,) (4,) ",
        "2 in f: x + np.ones(4)",
    ),
    "no_assignment": (
        "y = np.zeros(2)\ny[:] = x",
        jacrs.ShapeError,
        "could not broadcast input array from shape (3,) into shape (2,)",
        "3 in f: y[:]",
    ),
    "no_scatter": (
        "y = np.zeros(4)\ny[[0, 1]] = x",
        jacrs.ShapeError,
        "shape mismatch: value array of shape (3,) could not be broadcast to indexing "
        "result of shape (2,)",
        "3 in f: y[[0, 1]]",
    ),
    "no_output_broadcast": (
        "np.sin(x, out=x[0])",
        jacrs.ShapeError,
        "non-broadcastable output operand with shape () doesn't match the broadcast shape (3,)",
        "2 in f: np.sin(x, out=x[0])",
    ),
    "too_many_axes": (
        "x[(np.newaxis,) * 64]",
        jacrs.ShapeError,
        "maximum supported dimension for an ndarray is currently 64, found 65",
        "2 in f: x[(np.newaxis,) * 64]",
    ),
    "no_matrix": (
        "x @ x[0]",
        jacrs.ShapeError,
        "matmul: Input operand 1 does not have enough dimensions (has 0, gufunc core "
        "with signature (n?,k),(k,m?)->(n?,m?) requires 1)",
        "2 in f: x @ x[0]",
    ),
    "no_product": (
        "x @ np.ones((2, 2))",
        jacrs.ShapeError,
        "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc "
        "signature (n?,k),(k,m?)->(n?,m?) (size 2 is different from 3)",
        "2 in f: x @ np.ones((2, 2))",
    ),
    "no_batch": (
        "np.ones((2, 3, 3)) @ (x * np.ones((4, 3, 3)))",
        jacrs.ShapeError,
        "operands could not be broadcast together with remapped shapes "
        "[original->remapped]: (2,3,3)->(2,newaxis,newaxis) "
        "(4,3,3)->(4,newaxis,newaxis)  and requested shape (3,3)",
        "2 in f: np.ones((2, 3, 3)) @ (x * np.ones((4, 3, 3)))",
    ),
    "out_of_bounds": (
        "x[7]",
        jacrs.BoundsError,
        "index 7 is out of bounds for axis 0 with size 3",
        "2 in f: x[7]",
    ),
    "too_many_indices": (
        "x[0, 1]",
        jacrs.BoundsError,
        "too many indices for array: array is 1-dimensional, but 2 were indexed",
        "2 in f: x[0, 1]",
    ),
    "wrong_mask": (
        "x[np.array([True, False])]",
        jacrs.BoundsError,
        "boolean index did not match indexed array along axis 0; size of axis is 3 but "
        "size of corresponding boolean axis is 2",
        "2 in f: x[np.array([True, False])]",
    ),
    "no_index_broadcast": (
        "m[[0, 1], [0, 1, 2]]",
        jacrs.BoundsError,
        "shape mismatch: indexing arrays could not be broadcast together with shapes (2,) (3,) ",
        "2 in f: m[[0, 1], [0, 1, 2]]",
    ),
    "two_ellipses": (
        "x[..., ...]",
        jacrs.BoundsError,
        "an index can only have a single ellipsis ('...')",
        "2 in f: x[..., ...]",
    ),
    "not_an_index": (
        "x[0.5]",
        jacrs.BoundsError,
        "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and "
        "integer or boolean arrays are valid indices",
        "2 in f: x[0.5]",
    ),
    "scalar_indexed": (
        "x[0][0]",
        jacrs.BoundsError,
        "invalid index to scalar variable.",
        "2 in f: x[0][0]",
    ),
    "zero_step": (
        "x[::0]",
        jacrs.ArgumentError,
        "slice step cannot be zero",
        "2 in f: x[::0]",
    ),
    "wrong_mask_count": (
        "y = x.copy()\ny[y > 0] = np.ones(3)",
        jacrs.ArgumentError,
        "NumPy boolean array indexing assignment cannot assign 3 input values to the 2 "
        "output values where the mask is true",
        "3 in f: y[y > 0]",
    ),
    "sequence_for_element": (
        "y = x.copy()\ny[0] = x",
        jacrs.ArgumentError,
        "setting an array element with a sequence.",
        "3 in f: y[0]",
    ),
    "no_scalar_assignment": (
        "np.add.at(x[0], (), 1.0)",
        jacrs.DTypeError,
        "'numpy.float64' object does not support item assignment",
        "2 in f: np.add.at(x[0], (), 1.0)",
    ),
    "no_output_cast": (
        "y = np.argsort(x)\ny += x",
        jacrs.DTypeError,
        "Cannot cast ufunc 'add' output from dtype('float64') to dtype('int64') with "
        "casting rule 'same_kind'",
        "3 in f: y += x",
    ),
    "no_input_cast": (
        "np.sin(x, dtype=int)",
        jacrs.DTypeError,
        "Cannot cast ufunc 'sin' input 0 from dtype('float64') to dtype('int64') with "
        "casting rule 'same_kind'",
        "2 in f: np.sin(x, dtype=int)",
    ),
    "no_loop": (
        "np.bitwise_and(x, 1)",
        jacrs.DTypeError,
        "ufunc 'bitwise_and' not supported for the input types, and the inputs could "
        "not be safely coerced to any supported types according to the casting rule "
        "''safe''",
        "2 in f: np.bitwise_and(x, 1)",
    ),
    "bool_subtract": (
        "(x > 0) - (x > 1)",
        jacrs.DTypeError,
        "numpy boolean subtract, the `-` operator, is not supported, use the "
        "bitwise_xor, the `^` operator, or the logical_xor function instead.",
        "2 in f: (x > 0) - (x > 1)",
    ),
    "bool_negative": (
        "-(x > 0)",
        jacrs.DTypeError,
        "The numpy boolean negative, the `-` operator, is not supported, use the `~` "
        "operator or the logical_not function instead.",
        "2 in f: -(x > 0)",
    ),
    "bool_sign": (
        "np.sign(x > 0)",
        jacrs.DTypeError,
        "ufunc 'sign' did not contain a loop with signature matching types <class "
        "'numpy.dtypes.BoolDType'> -> None",
        "2 in f: np.sign(x > 0)",
    ),
    "negative_power": (
        "np.argsort(x) ** -1",
        jacrs.ArgumentError,
        "Integers to negative integer powers are not allowed.",
        "2 in f: np.argsort(x) ** -1",
    ),
    "not_square": (
        "np.linalg.inv(m)",
        jacrs.LinAlgError,
        "Last 2 dimensions of the array must be square",
        "2 in f: np.linalg.inv(m)",
    ),
    "singular": (
        "return np.linalg.inv(np.outer(x, x) * 0.0)",
        jacrs.LinAlgError,
        "Singular matrix",
        "2 in f: np.linalg.inv(np.outer(x, x) * 0.0)",
    ),
    "singular_at": (
        "return scipy_linalg.solve_triangular(np.outer(x, x) * 0.0, x)",
        jacrs.LinAlgError,
        "singular matrix: resolution failed at diagonal 0",
        "2 in f: scipy_linalg.solve_triangular(np.outer(x, x) * 0.0, x)",
    ),
    "not_positive_definite": (
        "return np.linalg.cholesky(-np.outer(x, x))",
        jacrs.LinAlgError,
        "Matrix is not positive definite",
        "2 in f: np.linalg.cholesky(-np.outer(x, x))",
    ),
    "no_singular_values": (
        "return np.linalg.pinv(np.outer(x, x) * np.nan)",
        jacrs.LinAlgError,
        "SVD did not converge",
        "2 in f: np.linalg.pinv(np.outer(x, x) * np.nan)",
    ),
    "ARGUMENT": (
        "x[0] = 1.0",
        jacrs.TraceError,
        "this array cannot be written to while recording: it is an argument of the "
        "function, whose values the recording must keep. Write to a copy instead: y = "
        "x.copy()",
        "2 in f: x[0]",
    ),
    "MAPPED": (
        "jacrs.vmap(lambda r: r.__setitem__(0, 1.0))(m)",
        jacrs.TraceError,
        "this array cannot be written to while recording: it is an argument of a "
        "mapped function, whose values the recording must keep. Write to a copy "
        "instead: y = x.copy()",
        "2 in <lambda>: r.__setitem__(0, 1.0)",
    ),
    "OPAQUE": (
        "jacrs.grad(lambda z: z.__setitem__(0, 1.0))(x * 2.0)",
        jacrs.TraceError,
        "this array cannot be written to while recording: a transform differentiates "
        "with respect to it. Write to a copy instead: y = x.copy()",
        "2 in <lambda>: z.__setitem__(0, 1.0)",
    ),
    "REPEATED": (
        "y = np.broadcast_to(x * 2.0, (2, 3))\ny[0] = 1.0",
        jacrs.TraceError,
        "this array cannot be written to while recording: it shows elements more than "
        "once (numpy.broadcast_to gives a read-only view). Write to a copy instead: y "
        "= x.copy()",
        "3 in f: y[0]",
    ),
    "DIAGONAL": (
        "y = np.outer(x, x).diagonal()\ny[0] = 1.0",
        jacrs.TraceError,
        "this array cannot be written to while recording: numpy.diagonal gives a "
        "read-only view. Write to a copy instead: y = x.copy()",
        "3 in f: y[0]",
    ),
    "locked": (
        "x += 1.0",
        jacrs.TraceError,
        "this array cannot be written to while recording: it is an argument of the "
        "function, whose values the recording must keep. Write to a copy instead: y = "
        "x.copy()",
        "2 in f: x += 1.0",
    ),
    "lane_ended": (
        "kept = []\njacrs.vmap(lambda r: kept.append(r) or r)(m)\nkept[0] + 1.0",
        jacrs.TraceError,
        "this value belongs to one lane of a vmap that has ended: it was kept from "
        "inside the mapped function, in a container or an array made outside of it; "
        "return it from the mapped function, and vmap stacks it over the lanes",
        "4 in f: kept[0] + 1.0",
    ),
    "no_lane": (
        "jacrs.vmap(lambda r: 1.0 if r[0] > 0 else 2.0)(m[:0])",
        jacrs.TraceError,
        "a value is needed here, but a vmap over an axis of length 0 has none: what "
        "decides a branch, a size or an index must not depend on the mapped arguments",
        "2 in <lambda>: r[0] > 0",
    ),
    "lanes_branch": (
        "jacrs.vmap(lambda r: 1.0 if r > 1 else 2.0)(m[:, 0])",
        jacrs.TraceError,
        "the lanes of a vmap disagree about a branch: the condition is true in 1 of 2. "
        "They are recorded together, along one path; choose between values with "
        "np.where(condition, x, y)",
        "2 in <lambda>: r > 1",
    ),
    "lanes_size": (
        "jacrs.vmap(lambda r: r[r > 1])(m)",
        jacrs.TraceError,
        "the lanes of a vmap need different sizes: a mask selects between 1 and 3 "
        "elements in 2 lanes. Arrays have one shape in all lanes; keep all elements, "
        "and choose with np.where(mask, x, 0.0)",
        "2 in <lambda>: r[r > 1]",
    ),
    "lanes_value": (
        "jacrs.vmap(lambda r: int(r))(m[:, 0])",
        jacrs.TraceError,
        "the lanes of a vmap disagree about a value that is needed here: it differs "
        "from that of the first lane in 1 of 2. A Python number, a size or the bounds "
        "of a slice must be the same in all lanes; compute with the array instead, "
        "index with x[i] or np.take, and choose with np.where",
        "2 in <lambda>: int(r)",
    ),
    "too_large": (
        "jacrs.config.memory_limit = 9\nif np.max(x[0] * np.ones((999, 999))) > 0:\n    return x",
        jacrs.MemoryLimitError,
        "an array of shape (999,999) that a branch or an index depends on would take "
        "7984008 bytes of memory, and 9 are available; use smaller inputs, or "
        "raise jacrs.config.memory_limit",
        "3 in f: x[0] * np.ones((999, 999))",
    ),
    "unaddressable": (
        "np.broadcast_to(x, (2**31, 2**31, 3)) + 1.0",
        jacrs.MemoryLimitError,
        "an array of shape (2147483648,2147483648,3) is larger than any memory; make "
        "it in smaller parts",
        "2 in f: np.broadcast_to(x, (2**31, 2**31, 3)) + 1.0",
    ),
    "another_recording": (
        "KEPT + 1.0",
        jacrs.TraceError,
        "this tracer belongs to another recording (it was kept after its function "
        "returned, or handed to another thread); return the value from the function "
        "instead of storing it",
        "2 in f: KEPT + 1.0",
    ),
    "no_float": (
        "float(x[0])",
        jacrs.TraceError,
        "float() of a traced value would drop its derivative; keep the value as it is "
        "(np functions, comparisons and indexing take it), store it in float arrays "
        "created inside the recorded function (or by jacrs.numpy), or take "
        "float(jacrs.stop_gradient(x)) where no derivative is meant",
        "2 in f: float(x[0])",
    ),
    "no_plain_array": (
        "PLAIN[:] = x",
        jacrs.TraceError,
        "a traced value cannot become a plain array: its derivative would be lost. "
        "Arrays that receive traced values must be float arrays created inside the "
        "recorded function (or by jacrs.numpy), and functions that convert their "
        "arguments must be replaced by NumPy ones",
        "2 in f: PLAIN[:]",
    ),
    "plain_output": (
        "np.sin(x, out=PLAIN)",
        jacrs.TraceError,
        "np.sin cannot write a traced value into a plain array: the derivative would "
        "be lost; create the array inside the recorded function",
        "2 in f: np.sin(x, out=PLAIN)",
    ),
    "no_pickle": (
        "pickle.dumps(x)",
        jacrs.TraceError,
        "a tracer cannot be pickled: it has no value outside its recording; pickle "
        "what the function returns, or np.asarray(jacrs.stop_gradient(x)) where no "
        "derivative is meant",
        "2 in f: pickle.dumps(x)",
    ),
    "not_an_operand": (
        "np.add(x, 'text')",
        jacrs.DTypeError,
        "an object of type str is not an array or a number, and cannot be recorded: "
        "pass numbers, arrays or lists of them",
        "2 in f: np.add(x, 'text')",
    ),
    "complex_number": (
        "x * 1j",
        jacrs.UnsupportedError,
        "complex numbers cannot be recorded yet; write the real and the imaginary part "
        "as two arrays",
        "2 in f: x * 1j",
    ),
    "is_subclass": (
        "x * CLASS",
        jacrs.DTypeError,
        "a constant of type Subclass is not a plain array, and what Subclass adds would be "
        "lost; use np.asarray(x) of it",
        "2 in f: x * CLASS",
    ),
    "no_array_dtype": (
        "x * PLAIN.astype(complex)",
        jacrs.DTypeError,
        "arrays of dtype complex128 cannot be recorded; convert to float64, float32, "
        "int64 or bool first (`x.astype(float)`)",
        "2 in f: x * PLAIN.astype(complex)",
    ),
    "no_dtype": (
        "x.astype(complex)",
        jacrs.DTypeError,
        "values of dtype complex128 cannot be recorded; use float64, float32, int64 or bool",
        "2 in f: x.astype(complex)",
    ),
    "no_keyword": (
        "np.sin(x, signature='d->d')",
        jacrs.UnsupportedError,
        "np.sin with signature= cannot be recorded; leave signature= out",
        "2 in f: np.sin(x, signature='d->d')",
    ),
    "where_without_out": (
        "np.sin(x, where=x > 0)",
        jacrs.ArgumentError,
        "where= without out= leaves elements uninitialised; pass out= as well, or use np.where",
        "2 in f: np.sin(x, where=x > 0)",
    ),
    "no_flat": (
        "m.T.flat",
        jacrs.TraceError,
        "the flat attribute of an array with gaps or another order than C cannot be "
        "recorded; read through x.ravel(), or write with a multi-dimensional index",
        "2 in f: m.T.flat",
    ),
    "empty_truth": (
        "bool(x[:0])",
        ValueError,
        "The truth value of an empty array is ambiguous. Use `array.size > 0` to check "
        "that an array is not empty.",
        None,
    ),
    "many_truths": (
        "bool(x)",
        ValueError,
        "The truth value of an array with more than one element is ambiguous. Use "
        "a.any() or a.all()",
        None,
    ),
    "not_one_element": (
        "int(x)",
        TypeError,
        "only length-1 arrays can be converted to Python scalars",
        None,
    ),
    "no_integer": (
        "range(x[0])",
        TypeError,
        "only integer scalar arrays can be converted to a scalar index",
        None,
    ),
    "no_length": (
        "len(x[0])",
        TypeError,
        "len() of unsized object",
        None,
    ),
    "no_iteration": (
        "list(x[0])",
        TypeError,
        "iteration over a 0-d array",
        None,
    ),
    "no_attribute": (
        "x.nothing",
        AttributeError,
        "'Tracer' object has no attribute 'nothing'",
        None,
    ),
    "no_block": (
        "jacrs._jacrs.elementwise('exp', PLAIN[::2], PLAIN)",
        jacrs.DTypeError,
        "operands and out are contiguous arrays of one length, of float64 or float32",
        "2 in f: jacrs._jacrs.elementwise('exp', PLAIN[::2], PLAIN)",
    ),
    "no_block_kernel": (
        "jacrs._jacrs.elementwise('hypot', PLAIN, PLAIN)",
        jacrs.ArgumentError,
        "no hypot of these operands",
        "2 in f: jacrs._jacrs.elementwise('hypot', PLAIN, PLAIN)",
    ),
}
