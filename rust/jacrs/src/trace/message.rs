//! Errors in NumPy's own words, so that code which reads them goes on working.

use crate::error::Error;

/// A shape as NumPy prints it in errors: `(2,3)`, `(4,)`, `()`.
pub fn tuple(shape: &[usize]) -> String {
    if let [n] = shape {
        return format!("({n},)");
    }
    let items: Vec<_> = shape.iter().map(ToString::to_string).collect();
    format!("({})", items.join(","))
}

fn tuples<'a>(shapes: impl Iterator<Item = &'a [usize]>) -> String {
    // NumPy ends this list with a space.
    shapes.map(|s| tuple(s) + " ").collect()
}

/// Whether a value of one shape can be repeated to another.
pub(super) fn broadcasts(from: &[usize], to: &[usize]) -> bool {
    from.len() <= to.len()
        && from
            .iter()
            .zip(&to[to.len() - from.len()..])
            .all(|(&a, &b)| a == b || a == 1)
}

pub(super) fn no_broadcast<'a>(shapes: impl Iterator<Item = &'a [usize]>) -> Error {
    Error::shape(format!(
        "operands could not be broadcast together with shapes {}",
        tuples(shapes)
    ))
}

pub(super) fn no_index_broadcast<'a>(shapes: impl Iterator<Item = &'a [usize]>) -> Error {
    Error::index(format!(
        "shape mismatch: indexing arrays could not be broadcast together with shapes {}",
        // What is 0-d fits anything, and is not listed.
        tuples(shapes.filter(|s| !s.is_empty()))
    ))
}

pub(super) fn no_remap(from: &[usize], to: &[usize]) -> Error {
    Error::shape(format!(
        "operands could not be broadcast together with remapped shapes [original->remapped]: {}  and requested shape {}",
        tuple(from),
        tuple(to)
    ))
}

pub(super) fn no_assignment(from: &[usize], to: &[usize]) -> Error {
    Error::shape(format!(
        "could not broadcast input array from shape {} into shape {}",
        tuple(from),
        tuple(to)
    ))
}

pub(super) fn no_scatter(from: &[usize], to: &[usize]) -> Error {
    Error::shape(format!(
        "shape mismatch: value array of shape {} could not be broadcast to indexing result of shape {}",
        tuple(from),
        tuple(to)
    ))
}

pub(super) fn no_reshape(size: usize, to: &[usize]) -> Error {
    Error::shape(format!(
        "cannot reshape array of size {size} into shape {}",
        tuple(to)
    ))
}

pub(super) fn out_of_bounds(index: i64, axis: usize, size: usize) -> Error {
    Error::index(format!(
        "index {index} is out of bounds for axis {axis} with size {size}"
    ))
}

pub(super) fn too_many(ndim: usize, given: usize) -> Error {
    Error::index(format!(
        "too many indices for array: array is {ndim}-dimensional, but {given} were indexed"
    ))
}

pub(super) fn wrong_mask(axis: usize, size: usize, mask: usize) -> Error {
    Error::index(format!(
        "boolean index did not match indexed array along axis {axis}; size of axis is {size} but size of corresponding boolean axis is {mask}"
    ))
}

pub(super) fn axis_out_of_bounds(axis: i64, ndim: usize) -> Error {
    Error::index(format!(
        "axis {axis} is out of bounds for array of dimension {ndim}"
    ))
}

pub(super) fn locked(why: &str) -> Error {
    Error::trace(format!(
        "this array cannot be written to while recording: {why}. Write to a copy instead: y = x.copy()"
    ))
}

pub(super) fn guarded() -> Error {
    Error::trace(
        "writing to this array is ambiguous: it was reshaped, and whether NumPy made a view or a copy \
         depends on a memory layout that NumPy does not define. Say which is meant: take a .copy() \
         before the reshape",
    )
}
