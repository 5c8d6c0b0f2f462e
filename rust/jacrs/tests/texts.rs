//! Whole texts of errors that only callers from Rust meet; `tests/test_engine_texts.py` has the
//! others, and requires each text of the engine in one of both places.

use jacrs::array::{Array, DType, from_bytes};
use jacrs::error::{Error, Kind, text};
use jacrs::ir::{NodeId, decode, parse};
use jacrs::ops::Fun;
use jacrs::plan::Plan;
use jacrs::scalar::Matrix;
use jacrs::sparsity::{Order, Pattern, Substitution, acyclic};
use jacrs::trace::{Access, Handle, Index, Recording, Weak};

/// The error of the text called `name`.
fn says(name: &str, error: Error, kind: Kind, message: &str) {
    assert_eq!(
        (error.kind, error.message.as_str()),
        (kind, message),
        "{name}"
    );
}

fn recorded(r: &mut Recording, shape: &[usize]) -> (Handle, NodeId) {
    let data = vec![1.0; shape.iter().product()];
    let h = r.argument(Array::from_slice(shape, &data), true);
    (h, r.node(h))
}

#[test]
fn bytes() {
    says(
        "no_graph",
        decode(&[9]).err().unwrap(),
        Kind::Value,
        "these bytes are no graph: a table cannot be read",
    );
    says(
        "no_elements",
        from_bytes(&[], &[0]).err().unwrap(),
        Kind::Value,
        "these bytes are not the elements of the arrays: there are too many",
    );
}

#[test]
#[rustfmt::skip]
fn shapes() {
    let mut r = Recording::new();
    let ((mut h, x), (mut hm, m), (_, x2)) =
        (recorded(&mut r, &[3]), recorded(&mut r, &[2, 3]), recorded(&mut r, &[2]));
    let (_, s) = recorded(&mut r, &[]);
    says("no_remap", r.broadcast(x, &[2, 4]).unwrap_err(), Kind::Shape,
        "operands could not be broadcast together with remapped shapes [original->remapped]: (3,)  and requested shape (2,4)");
    says("no_reshape", r.reshape(&mut h, &[2, 2]).err().unwrap(), Kind::Shape,
        "cannot reshape array of size 3 into shape (2,2)");
    says("not_aligned", r.dot(m, x2).unwrap_err(), Kind::Shape,
        "shapes (2,3) and (2,) not aligned: 3 (dim 1) != 2 (dim 0)");
    says("nothing_to_concatenate", r.concatenate(&[], 0).unwrap_err(), Kind::Value,
        "need at least one array to concatenate");
    says("nothing_to_stack", r.stack(&[], 0).unwrap_err(), Kind::Value,
        "need at least one array to stack");
    says("no_axis_to_concatenate", r.concatenate(&[s], 0).unwrap_err(), Kind::Value,
        "zero-dimensional arrays cannot be concatenated");
    says("different_shapes", r.stack(&[x, m], 0).unwrap_err(), Kind::Value,
        "all input arrays must have the same shape");
    says("different_ndim", r.concatenate(&[x, m], 0).unwrap_err(), Kind::Shape,
        "all the input arrays must have same number of dimensions, but the array at index 0 has 1 dimension(s) and the array at index 1 has 2 dimension(s)");
    let (_, wide) = recorded(&mut r, &[2, 4]);
    says("different_lengths", r.concatenate(&[m, wide], 0).unwrap_err(), Kind::Shape,
        "all the input array dimensions except for the concatenation axis must match exactly, but along dimension 1, the array at index 0 has size 3 and the array at index 1 has size 4");
    says("axis_out_of_bounds", r.concatenate(&[x], 5).unwrap_err(), Kind::Index,
        "axis 5 is out of bounds for array of dimension 1");
    says("wrong_axes", r.transpose(&mut h, &[0, 1]).err().unwrap(), Kind::Value,
        "axes don't match array");
    says("repeated_axis", r.transpose(&mut hm, &[0, 0]).err().unwrap(), Kind::Value,
        "repeated axis in transpose");
    says("no_diagonal", r.diagonal(&mut h, 0, 0, 1).err().unwrap(), Kind::Value,
        "diag requires an array of at least two dimensions");
    says("same_axes", r.diagonal(&mut hm, 0, 1, 1).err().unwrap(), Kind::Value,
        "axis1 and axis2 cannot be the same");
    says("no_index_dtype", r.view(&mut h, &[Index::Array(x2)]).err().unwrap(), Kind::Index,
        "arrays used as indices must be of integer (or boolean) type");
    says("empty_reduction", text::empty_reduction("maximum"), Kind::Value,
        "zero-size array to reduction operation maximum which has no identity");
    says("empty_pick", text::empty_pick("argmax"), Kind::Value,
        "attempt to get argmax of an empty sequence");
}

#[test]
#[rustfmt::skip]
fn recordings() {
    let mut r = Recording::new();
    let (_, x) = recorded(&mut r, &[3]);
    let outside = Access::ReadOnly(text::OUTSIDE);
    let mut constant = r.captured(Array::from_slice(&[1], &[1.0]), outside);
    says("OUTSIDE", r.assign(&mut constant, &[Index::ALL], x).unwrap_err(), Kind::Trace,
        "this array cannot be written to while recording: it was made outside the recorded function. Write to a copy instead: y = x.copy()");
    says("guarded", text::guarded(), Kind::Trace,
        "writing to this array is ambiguous: it was reshaped, and whether NumPy made a view or a copy depends on a memory layout that NumPy does not define. Say which is meant: take a .copy() before the reshape");
    says("wrong_operand_count", r.map(Fun::Power, &[(x, Weak::None)]).unwrap_err(), Kind::Type,
        "power takes 2 operands, not 1");
    says("complex_operand", text::complex_operand("add", DType::C128), Kind::Type,
        "add of complex128 is not supported: compute with the real and the imaginary part as two arrays");
    says("no_eigenvalues", text::no_eigenvalues(), Kind::LinAlg, "Eigenvalues did not converge");
    says("mask_changed", text::mask_changed(3, 2), Kind::Value,
        "a mask had 3 true elements while the function was recorded, and 2 when it ran: an array was changed meanwhile; pass a copy of it");
    says("exhausted", text::exhausted(80), Kind::Memory,
        "there is no memory for 80 bytes more; use smaller inputs");
}

#[test]
#[rustfmt::skip]
fn plans() {
    let graph = parse("%0 = input : float64[2,2]\n%1 = neg(%0) : float64[2,2]\nreturn %1").unwrap();
    let plan = Plan::new(&graph).unwrap();
    let fails = |inputs: &[Array]| plan.evaluate(inputs).err().unwrap();
    says("wrong_count", fails(&[]), Kind::Value,
        "a plan takes one array for each input of its graph: 1 expected, 0 given");
    says("wrong_dtype", fails(&[Array::from_slice(&[2, 2], &[1i64; 4])]), Kind::Type,
        "input 0 has dtype int64, but the plan was made for float64: convert it, or plan again");
    says("wrong_shape", fails(&[Array::from_slice(&[4], &[1.0; 4])]), Kind::Shape,
        "input 0 has shape (4,), but the plan was made for (2,2): reshape it, or plan again");
    says("not_aligned_input", text::not_aligned_input(), Kind::Value,
        "a strided input must be aligned, as its elements are read in place: copy it first");
    says("wrong_block_count", text::wrong_block_count(2, 1), Kind::Value,
        "a Jacobian has one block for each pair of a value and an input: 2 expected, 1 given");
    says("wrong_block_dtype", text::wrong_block_dtype((0, 1), DType::F32, DType::F64), Kind::Type,
        "block (0, 1) has dtype float32, but the Jacobian is of float64: make it of this dtype");
    says("wrong_block_shape", text::wrong_block_shape((0, 1), &[3], &[3, 2]), Kind::Shape,
        "block (0, 1) has shape (3,), not (3,2): a block has the axes of its value, then those of its input");
    says("wrong_operand_dtypes", text::wrong_operand_dtypes("add", &["float64", "int64"]), Kind::Type,
        "add takes no operands of type float64, int64: cast them first");
    says("wrong_operand_shapes", text::wrong_operand_shapes("add", 2, &[&[3], &[2, 3]]), Kind::Shape,
        "add takes 2 operands of one shape, not (3,), (2,3): broadcast them first");
}

#[test]
fn patterns() {
    let identity = Pattern::identity;
    says(
        "no_pattern",
        Pattern::new((1, 1), vec![0, 1], vec![1]).unwrap_err(),
        Kind::Value,
        "these arrays are no sparsity pattern: the columns of each row must ascend, below the number of columns",
    );
    says(
        "too_many_columns",
        Pattern::new((0, 1 << 33), vec![0], vec![]).unwrap_err(),
        Kind::Value,
        "a sparsity pattern has fewer than 2^32 - 1 columns, not 8589934592: take the derivative by fewer elements",
    );
    says(
        "unlike_patterns",
        identity(2).union(&identity(3)).unwrap_err(),
        Kind::Shape,
        "patterns of shapes (2,2) and (3,3) cannot be united",
    );
    let colouring = acyclic(&identity(2), Order::Natural);
    let order = Substitution::new(&identity(2), &colouring).unwrap();
    let full = Pattern::new((2, 2), vec![0, 2, 4], vec![0, 1, 0, 1]).unwrap();
    says(
        "no_substitution",
        Substitution::new(&full, &colouring).err().unwrap(),
        Kind::Value,
        "entries do not follow by substitution: the pattern must be symmetric, and the colouring an acyclic one of it",
    );
    says(
        "wrong_products",
        order.decompressed(&[1.0]).unwrap_err(),
        Kind::Shape,
        "1 products were given: there must be 2 times 1, one for each row and colour",
    );
}

#[test]
#[rustfmt::skip]
fn functions() {
    says("wrong_matrix_size", Matrix::from_rows(2, 2, vec![1.0]).unwrap_err(), Kind::Shape,
        "a matrix of shape (2, 2) cannot be made of 1 numbers");
    says("wrong_cotangent", jacrs::tape::vjp(|x| x.to_vec(), &[1.0, 2.0], &[1.0]).unwrap_err(), Kind::Shape,
        "the cotangent has 1 elements and the function 2 outputs: one is needed for each");
    says("wrong_tangent", jacrs::dual::jvp(<[_]>::to_vec, &[1.0, 2.0], &[1.0]).unwrap_err(), Kind::Shape,
        "the tangent has 1 elements and the argument 2: one is needed for each");
    says("not_one_output", text::not_one_output(3), Kind::Shape,
        "a gradient is of a function with one output, and this one has 3: take its jacobian");
    says("no_partials", jacrs::dual::jacobian::<f64, 0>(<[_]>::to_vec, &[1.0]).unwrap_err(), Kind::Value,
        "dual numbers without partials have no Jacobian: choose one partial or more");
    says("outputs_changed", text::outputs_changed(2, 3), Kind::Shape,
        "the function gave 2 outputs and then 3: it must not change between calls");
}
