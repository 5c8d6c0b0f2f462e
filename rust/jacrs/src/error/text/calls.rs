//! Calls of the engine from Rust with what does not fit.

use std::fmt::Display;

use super::tuple;
use crate::error::Error;

// --- bytes that were kept

pub fn no_graph(why: &str) -> Error {
    Error::value(format!("these bytes are no graph: {why}"))
}

pub fn no_elements(why: &str) -> Error {
    Error::value(format!(
        "these bytes are not the elements of the arrays: {why}"
    ))
}

// --- graphs and plans

pub fn wrong_operand_count(function: &str, arity: usize, given: usize) -> Error {
    Error::type_(format!("{function} takes {arity} operands, not {given}"))
}

pub fn wrong_operand_dtypes(function: &str, given: &[&str]) -> Error {
    Error::type_(format!(
        "{function} takes no operands of type {}: cast them first",
        given.join(", ")
    ))
}

pub fn wrong_operand_shapes(function: &str, arity: usize, given: &[&[usize]]) -> Error {
    let given: Vec<_> = given.iter().map(|shape| tuple(shape)).collect();
    Error::shape(format!(
        "{function} takes {arity} operands of one shape, not {}: broadcast them first",
        given.join(", ")
    ))
}

/// `what` is "input" or "output".
pub fn wrong_count(what: &str, expected: usize, given: usize) -> Error {
    Error::value(format!(
        "a plan takes one array for each {what} of its graph: {expected} expected, {given} given"
    ))
}

pub fn wrong_dtype(what: &str, k: usize, given: impl Display, expected: impl Display) -> Error {
    Error::type_(format!(
        "{what} {k} has dtype {given}, but the plan was made for {expected}: convert it, or plan again"
    ))
}

pub fn wrong_shape(what: &str, k: usize, given: &[usize], expected: &[usize]) -> Error {
    Error::shape(format!(
        "{what} {k} has shape {}, but the plan was made for {}: reshape it, or plan again",
        tuple(given),
        tuple(expected)
    ))
}

pub fn not_aligned_input() -> Error {
    Error::value(
        "a strided input must be aligned, as its elements are read in place: copy it first",
    )
}

pub fn wrong_block_count(expected: usize, given: usize) -> Error {
    Error::value(format!(
        "a Jacobian has one block for each pair of a value and an input: {expected} expected, \
         {given} given"
    ))
}

pub fn wrong_block_dtype(
    (i, j): (usize, usize),
    given: impl Display,
    expected: impl Display,
) -> Error {
    Error::type_(format!(
        "block ({i}, {j}) has dtype {given}, but the Jacobian is of {expected}: make it of this dtype"
    ))
}

pub fn wrong_block_shape((i, j): (usize, usize), given: &[usize], expected: &[usize]) -> Error {
    Error::shape(format!(
        "block ({i}, {j}) has shape {}, not {}: a block has the axes of its value, then those of \
         its input",
        tuple(given),
        tuple(expected)
    ))
}

// --- functions over `Scalar`

pub fn wrong_matrix_size(rows: usize, columns: usize, numbers: usize) -> Error {
    Error::shape(format!(
        "a matrix of shape ({rows}, {columns}) cannot be made of {numbers} numbers"
    ))
}

pub fn not_one_output(outputs: usize) -> Error {
    Error::shape(format!(
        "a gradient is of a function with one output, and this one has {outputs}: take its jacobian"
    ))
}

pub fn wrong_cotangent(given: usize, outputs: usize) -> Error {
    Error::shape(format!(
        "the cotangent has {given} elements and the function {outputs} outputs: one is needed for each"
    ))
}

pub fn wrong_tangent(given: usize, arguments: usize) -> Error {
    Error::shape(format!(
        "the tangent has {given} elements and the argument {arguments}: one is needed for each"
    ))
}

/// `of` is "Jacobian" or "Hessian".
pub fn no_partials(of: &str) -> Error {
    Error::value(format!(
        "dual numbers without partials have no {of}: choose one partial or more"
    ))
}

pub fn outputs_changed(first: usize, then: usize) -> Error {
    Error::shape(format!(
        "the function gave {first} outputs and then {then}: it must not change between calls"
    ))
}

// --- patterns

pub fn no_pattern(why: &str) -> Error {
    Error::value(format!("these arrays are no sparsity pattern: {why}"))
}

pub fn too_many_columns(count: usize) -> Error {
    Error::value(format!(
        "a sparsity pattern has fewer than 2^32 - 1 columns, not {count}: take the derivative by fewer elements"
    ))
}

pub fn not_structured(reason: &str) -> Error {
    Error::value(format!(
        "mode \"structured\" does not serve this function: {reason}; leave the mode open, or take \
         \"forward\" or \"reverse\""
    ))
}

pub fn no_substitution() -> Error {
    Error::value(
        "entries do not follow by substitution: the pattern must be symmetric, and the colouring an \
         acyclic one of it",
    )
}

pub fn wrong_products(count: usize, (rows, colours): (usize, usize)) -> Error {
    Error::shape(format!(
        "{count} products were given: there must be {rows} times {colours}, one for each row and colour"
    ))
}

/// `how` is "united" or "multiplied".
pub fn unlike_patterns(how: &str, a: (usize, usize), b: (usize, usize)) -> Error {
    let (a, b) = (tuple(&[a.0, a.1]), tuple(&[b.0, b.1]));
    Error::shape(format!("patterns of shapes {a} and {b} cannot be {how}"))
}
