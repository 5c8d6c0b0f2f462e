//! What a recording cannot do, and what there is no memory for.

use std::fmt::Display;

use super::tuple;
use crate::error::{Error, Kind};

// --- writing; why an array is read-only

pub const ARGUMENT: &str =
    "it is an argument of the function, whose values the recording must keep";
pub const MAPPED: &str =
    "it is an argument of a mapped function, whose values the recording must keep";
pub const OUTSIDE: &str = "it was made outside the recorded function";
pub const OPAQUE: &str = "a transform differentiates with respect to it";
pub const REPEATED: &str =
    "it shows elements more than once (numpy.broadcast_to gives a read-only view)";
pub const DIAGONAL: &str = "numpy.diagonal gives a read-only view";

pub fn locked(why: &str) -> Error {
    Error::trace(format!(
        "this array cannot be written to while recording: {why}. Write to a copy instead: y = x.copy()"
    ))
}

pub fn guarded() -> Error {
    Error::trace(
        "writing to this array is ambiguous: it was reshaped, and whether NumPy made a view or a copy \
         depends on a memory layout that NumPy does not define. Say which is meant: take a .copy() \
         before the reshape",
    )
}

// --- lanes

pub fn lane_ended() -> Error {
    Error::trace(
        "this value belongs to one lane of a vmap that has ended: it was kept from inside the mapped \
         function, in a container or an array made outside of it; return it from the mapped \
         function, and vmap stacks it over the lanes",
    )
}

pub fn no_lane() -> Error {
    Error::trace(
        "a value is needed here, but a vmap over an axis of length 0 has none: what decides a \
         branch, a size or an index must not depend on the mapped arguments",
    )
}

pub fn lanes_branch(truths: usize, lanes: usize) -> Error {
    Error::trace(format!(
        "the lanes of a vmap disagree about a branch: the condition is true in {truths} of \
         {lanes}. They are recorded together, along one path; choose between values with \
         np.where(condition, x, y)"
    ))
}

pub fn lanes_size(least: i64, most: i64, lanes: usize) -> Error {
    Error::trace(format!(
        "the lanes of a vmap need different sizes: a mask selects between {least} and {most} \
         elements in {lanes} lanes. Arrays have one shape in all lanes; keep all elements, \
         and choose with np.where(mask, x, 0.0)"
    ))
}

pub fn lanes_value(different: usize, lanes: usize) -> Error {
    Error::trace(format!(
        "the lanes of a vmap disagree about a value that is needed here: it differs from that \
         of the first lane in {different} of {lanes}. A Python number, a size or the bounds of \
         a slice must be the same in all lanes; compute with the array instead, index with \
         x[i] or np.take, and choose with np.where"
    ))
}

// --- data

pub fn complex_operand(function: &str, dtype: impl Display) -> Error {
    Error::type_(format!(
        "{function} of {dtype} is not supported: compute with the real and the imaginary part as \
         two arrays"
    ))
}

pub fn mask_changed(recorded: usize, found: usize) -> Error {
    Error::value(format!(
        "a mask had {recorded} true elements while the function was recorded, and {found} \
         when it ran: an array was changed meanwhile; pass a copy of it"
    ))
}

// --- memory

pub fn too_large(what: &str, bytes: usize, limit: u64) -> Error {
    Error::new(
        Kind::Memory,
        format!(
            "{what} would take {bytes} bytes of memory, and {limit} are available; \
             use smaller inputs, or raise jacrs.config.memory_limit"
        ),
    )
}

pub fn exhausted(bytes: usize) -> Error {
    Error::new(
        Kind::Memory,
        format!("there is no memory for {bytes} bytes more; use smaller inputs"),
    )
}

pub fn unaddressable(shape: &[usize]) -> Error {
    let shape = tuple(shape);
    Error::new(
        Kind::Memory,
        format!("an array of shape {shape} is larger than any memory; make it in smaller parts"),
    )
}
