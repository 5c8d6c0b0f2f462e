//! NumPy's own errors, in NumPy's own words.

use std::fmt::Display;

use super::tuple;
use crate::error::Error;

/// Of `matmul`, as NumPy writes it.
const SIGNATURE: &str = "(n?,k),(k,m?)->(n?,m?)";

fn tuples<'a>(shapes: impl Iterator<Item = &'a [usize]>) -> String {
    // NumPy ends this list with a space.
    shapes.map(|s| tuple(s) + " ").collect()
}

// --- shapes

pub fn no_broadcast<'a>(shapes: impl Iterator<Item = &'a [usize]>) -> Error {
    Error::shape(format!(
        "operands could not be broadcast together with shapes {}",
        tuples(shapes)
    ))
}

pub fn no_remap(from: &[usize], to: &[usize]) -> Error {
    Error::shape(format!(
        "operands could not be broadcast together with remapped shapes [original->remapped]: {}  and requested shape {}",
        tuple(from),
        tuple(to)
    ))
}

pub fn no_assignment(from: &[usize], to: &[usize]) -> Error {
    Error::shape(format!(
        "could not broadcast input array from shape {} into shape {}",
        tuple(from),
        tuple(to)
    ))
}

pub fn no_scatter(from: &[usize], to: &[usize]) -> Error {
    Error::shape(format!(
        "shape mismatch: value array of shape {} could not be broadcast to indexing result of shape {}",
        tuple(from),
        tuple(to)
    ))
}

pub fn no_output_broadcast(out: &[usize], result: &[usize]) -> Error {
    Error::shape(format!(
        "non-broadcastable output operand with shape {} doesn't match the broadcast shape {}",
        tuple(out),
        tuple(result)
    ))
}

pub fn no_reshape(size: usize, to: &[usize]) -> Error {
    Error::shape(format!(
        "cannot reshape array of size {size} into shape {}",
        tuple(to)
    ))
}

pub fn too_many_axes(most: usize, found: usize) -> Error {
    Error::shape(format!(
        "maximum supported dimension for an ndarray is currently {most}, found {found}"
    ))
}

pub fn no_matrix(operand: usize) -> Error {
    Error::shape(format!(
        "matmul: Input operand {operand} does not have enough dimensions (has 0, gufunc core with signature {SIGNATURE} requires 1)"
    ))
}

pub fn no_product(rows: usize, columns: usize) -> Error {
    Error::shape(format!(
        "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature {SIGNATURE} (size {rows} is different from {columns})"
    ))
}

/// The leading axes of two stacks of matrices.
pub fn no_batch(a: &[usize], b: &[usize]) -> Error {
    let remapped = |shape: &[usize]| {
        let lead: Vec<_> = shape[..shape.len() - 2]
            .iter()
            .map(ToString::to_string)
            .collect();
        let lead = [lead, vec!["newaxis".into(); 2]].concat().join(",");
        format!("{}->({lead})", tuple(shape))
    };
    Error::shape(format!(
        "operands could not be broadcast together with remapped shapes [original->remapped]: {} {}  and requested shape {}",
        remapped(a),
        remapped(b),
        tuple(&[a[a.len() - 2], b[b.len() - 1]])
    ))
}

/// `np.dot` over axis `i` of `a` and axis `j` of `b`.
pub fn not_aligned((a, i): (&[usize], usize), (b, j): (&[usize], usize)) -> Error {
    Error::shape(format!(
        "shapes {} and {} not aligned: {} (dim {i}) != {} (dim {j})",
        tuple(a),
        tuple(b),
        a[i],
        b[j]
    ))
}

pub fn nothing_to_concatenate() -> Error {
    Error::value("need at least one array to concatenate")
}

pub fn nothing_to_stack() -> Error {
    Error::value("need at least one array to stack")
}

pub fn no_axis_to_concatenate() -> Error {
    Error::value("zero-dimensional arrays cannot be concatenated")
}

pub fn different_shapes() -> Error {
    Error::value("all input arrays must have the same shape")
}

/// The first of some arrays and another, by their numbers of axes.
pub fn different_ndim(first: usize, k: usize, other: usize) -> Error {
    Error::shape(format!(
        "all the input arrays must have same number of dimensions, but the array at index 0 has {first} dimension(s) and the array at index {k} has {other} dimension(s)"
    ))
}

/// The first of some arrays and another, by their lengths along an axis.
pub fn different_lengths(axis: usize, first: usize, k: usize, other: usize) -> Error {
    Error::shape(format!(
        "all the input array dimensions except for the concatenation axis must match exactly, but along dimension {axis}, the array at index 0 has size {first} and the array at index {k} has size {other}"
    ))
}

pub fn empty_reduction(name: impl Display) -> Error {
    Error::value(format!(
        "zero-size array to reduction operation {name} which has no identity"
    ))
}

pub fn empty_pick(name: impl Display) -> Error {
    Error::value(format!("attempt to get {name} of an empty sequence"))
}

// --- axes

pub fn axis_out_of_bounds(axis: i64, ndim: usize) -> Error {
    Error::index(format!(
        "axis {axis} is out of bounds for array of dimension {ndim}"
    ))
}

pub fn wrong_axes() -> Error {
    Error::value("axes don't match array")
}

pub fn repeated_axis() -> Error {
    Error::value("repeated axis in transpose")
}

pub fn no_diagonal() -> Error {
    Error::value("diag requires an array of at least two dimensions")
}

pub fn same_axes() -> Error {
    Error::value("axis1 and axis2 cannot be the same")
}

// --- indices

pub fn out_of_bounds(index: i64, axis: usize, size: usize) -> Error {
    Error::index(format!(
        "index {index} is out of bounds for axis {axis} with size {size}"
    ))
}

pub fn too_many_indices(ndim: usize, given: usize) -> Error {
    Error::index(format!(
        "too many indices for array: array is {ndim}-dimensional, but {given} were indexed"
    ))
}

pub fn wrong_mask(axis: usize, size: usize, mask: usize) -> Error {
    Error::index(format!(
        "boolean index did not match indexed array along axis {axis}; size of axis is {size} but size of corresponding boolean axis is {mask}"
    ))
}

pub fn no_index_broadcast<'a>(shapes: impl Iterator<Item = &'a [usize]>) -> Error {
    Error::index(format!(
        "shape mismatch: indexing arrays could not be broadcast together with shapes {}",
        // What is 0-d fits anything, and is not listed.
        tuples(shapes.filter(|s| !s.is_empty()))
    ))
}

pub fn two_ellipses() -> Error {
    Error::index("an index can only have a single ellipsis ('...')")
}

pub fn no_index_dtype() -> Error {
    Error::index("arrays used as indices must be of integer (or boolean) type")
}

pub fn not_an_index() -> Error {
    Error::index(
        "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid indices",
    )
}

pub fn scalar_indexed() -> Error {
    Error::index("invalid index to scalar variable.")
}

pub fn zero_step() -> Error {
    Error::value("slice step cannot be zero")
}

pub fn wrong_mask_count(given: usize, selected: usize) -> Error {
    Error::value(format!(
        "NumPy boolean array indexing assignment cannot assign {given} input values to the {selected} output values where the mask is true"
    ))
}

pub fn sequence_for_element() -> Error {
    Error::value("setting an array element with a sequence.")
}

// --- dtypes

pub fn no_scalar_assignment(dtype: impl Display) -> Error {
    Error::type_(format!(
        "'numpy.{dtype}' object does not support item assignment"
    ))
}

pub fn no_output_cast(ufunc: &str, from: impl Display, to: impl Display) -> Error {
    Error::type_(format!(
        "Cannot cast ufunc '{ufunc}' output from dtype('{from}') to dtype('{to}') with casting rule 'same_kind'"
    ))
}

pub fn no_input_cast(ufunc: &str, input: usize, from: impl Display, to: impl Display) -> Error {
    Error::type_(format!(
        "Cannot cast ufunc '{ufunc}' input {input} from dtype('{from}') to dtype('{to}') with casting rule 'same_kind'"
    ))
}

pub fn no_loop(ufunc: &str) -> Error {
    Error::type_(format!(
        "ufunc '{ufunc}' not supported for the input types, and the inputs could not be safely \
         coerced to any supported types according to the casting rule ''safe''"
    ))
}

pub fn bool_subtract() -> Error {
    Error::type_(
        "numpy boolean subtract, the `-` operator, is not supported, use the bitwise_xor, the `^` operator, or the logical_xor function instead.",
    )
}

pub fn bool_negative() -> Error {
    Error::type_(
        "The numpy boolean negative, the `-` operator, is not supported, use the `~` operator or the logical_not function instead.",
    )
}

pub fn bool_sign() -> Error {
    Error::type_(
        "ufunc 'sign' did not contain a loop with signature matching types <class 'numpy.dtypes.BoolDType'> -> None",
    )
}

pub fn negative_power() -> Error {
    Error::value("Integers to negative integer powers are not allowed.")
}

// --- matrices

pub fn not_square() -> Error {
    Error::linalg("Last 2 dimensions of the array must be square")
}

pub fn singular() -> Error {
    Error::linalg("Singular matrix")
}

/// As SciPy says it of a triangular system.
pub fn singular_at(diagonal: usize) -> Error {
    Error::linalg(format!(
        "singular matrix: resolution failed at diagonal {diagonal}"
    ))
}

pub fn not_positive_definite() -> Error {
    Error::linalg("Matrix is not positive definite")
}

pub fn no_eigenvalues() -> Error {
    Error::linalg("Eigenvalues did not converge")
}

pub fn no_singular_values() -> Error {
    Error::linalg("SVD did not converge")
}
