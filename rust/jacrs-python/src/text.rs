//! Every text that the bindings raise beside those of the engine (`jacrs::error::text`): one
//! function a text, named after what is wrong.
//!
//! Python's and NumPy's own errors have their words; all others say what is wrong, why, and how to
//! mend it.

use std::fmt::Display;

use jacrs::error::Error;
use pyo3::exceptions::{PyAttributeError, PyRecursionError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::error::raise_as;

// --- recordings

/// What is added to an error that the recorded function caught.
pub const CAUGHT: &str = "the recorded function caught this error, which NumPy does not raise, and \
    went on along another path";
/// The note on what a signal handler raised that was caught.
pub const ENDED: &str = "the recorded function caught this error, which ended an operation in the \
    middle of being recorded";

pub fn not_recording(py: Python<'_>) -> PyErr {
    raise_as(
        py,
        "trace",
        "there is no recording on this thread: tracers exist only while jacrs records a function. \
         Return what you need from the function, or keep float(jacrs.stop_gradient(x)); \
         after a Tape ask it, tape.value(y)",
    )
}

pub fn another_recording() -> Error {
    Error::trace(
        "this tracer belongs to another recording (it was kept after its function returned, \
         or handed to another thread); return the value from the function instead of storing it",
    )
}

pub fn another_thread(py: Python<'_>) -> PyErr {
    raise_as(
        py,
        "trace",
        "a recording ends in the thread in which it began, as it belongs to that thread: enter and \
         leave a Tape in one thread",
    )
}

// --- values that leave a recording

pub fn no_float(py: Python<'_>) -> PyErr {
    raise_as(
        py,
        "trace",
        "float() of a traced value would drop its derivative; keep the value as it is (np functions, \
         comparisons and indexing take it), store it in float arrays created inside the recorded function \
         (or by jacrs.numpy), or take float(jacrs.stop_gradient(x)) where no derivative is meant",
    )
}

pub fn no_plain_array(py: Python<'_>) -> PyErr {
    raise_as(
        py,
        "trace",
        "a traced value cannot become a plain array: its derivative would be lost. Arrays that receive traced \
         values must be float arrays created inside the recorded function (or by jacrs.numpy), and functions \
         that convert their arguments must be replaced by NumPy ones",
    )
}

pub fn plain_output(py: Python<'_>, ufunc: impl Display) -> PyErr {
    let text = format!(
        "np.{ufunc} cannot write a traced value into a plain array: the derivative would be lost; \
         create the array inside the recorded function"
    );
    raise_as(py, "trace", &text)
}

pub fn no_pickle(py: Python<'_>) -> PyErr {
    raise_as(
        py,
        "trace",
        "a tracer cannot be pickled: it has no value outside its recording; pickle what the \
         function returns, or np.asarray(jacrs.stop_gradient(x)) where no derivative is meant",
    )
}

// --- operands

pub fn not_an_operand(py: Python<'_>, class: impl Display) -> PyErr {
    let text = format!(
        "an object of type {class} is not an array or a number, and cannot be recorded: pass \
         numbers, arrays or lists of them"
    );
    raise_as(py, "type", &text)
}

pub fn complex_number(py: Python<'_>) -> PyErr {
    raise_as(
        py,
        "unsupported",
        "complex numbers cannot be recorded yet; write the real and the imaginary part as two arrays",
    )
}

pub fn is_subclass(py: Python<'_>, class: &str) -> PyErr {
    let text = format!(
        "a constant of type {class} is not a plain array, and what {class} adds would be lost; use np.asarray(x) of it"
    );
    raise_as(py, "type", &text)
}

pub fn no_array_dtype(py: Python<'_>, dtype: impl Display) -> PyErr {
    let text = format!(
        "arrays of dtype {dtype} cannot be recorded; convert to float64, float32, int64 or bool first (`x.astype(float)`)"
    );
    raise_as(py, "type", &text)
}

pub fn no_dtype(py: Python<'_>, dtype: impl Display) -> PyErr {
    let text =
        format!("values of dtype {dtype} cannot be recorded; use float64, float32, int64 or bool");
    raise_as(py, "type", &text)
}

pub fn result_axes(py: Python<'_>, found: usize, most: usize) -> PyErr {
    let text = format!(
        "a result of {found} axes: arrays have {most} at most; reshape to fewer axes first"
    );
    raise_as(py, "shape", &text)
}

// --- calls

pub fn no_keyword(py: Python<'_>, ufunc: impl Display, key: &str) -> PyErr {
    let text = format!("np.{ufunc} with {key}= cannot be recorded; leave {key}= out");
    raise_as(py, "unsupported", &text)
}

pub fn where_without_out(py: Python<'_>) -> PyErr {
    raise_as(
        py,
        "value",
        "where= without out= leaves elements uninitialised; pass out= as well, or use np.where",
    )
}

pub fn no_flat() -> Error {
    Error::trace(
        "the flat attribute of an array with gaps or another order than C cannot be recorded; \
         read through x.ravel(), or write with a multi-dimensional index",
    )
}

// --- single block kernels

pub fn no_block(py: Python<'_>) -> PyErr {
    raise_as(
        py,
        "type",
        "operands and out are contiguous arrays of one length, of float64 or float32",
    )
}

pub fn no_block_kernel(py: Python<'_>, name: &str) -> PyErr {
    raise_as(py, "value", &format!("no {name} of these operands"))
}

// --- what was saved

pub fn unreadable(py: Python<'_>, why: &str) -> PyErr {
    let text = format!(
        "this is no saved function, or one that was damaged: {why}; save it again with \
         compiled.save"
    );
    raise_as(py, "format", &text)
}

pub fn other_format(py: Python<'_>, format: u32, version: &str, known: u32) -> PyErr {
    let text = format!(
        "this function was saved by jacrs {version} in format {format}, and jacrs {} reads format \
         {known}: save it again with this version",
        env!("CARGO_PKG_VERSION")
    );
    raise_as(py, "format", &text)
}

// --- Python's and NumPy's own, in their words

pub fn too_deep() -> PyErr {
    PyRecursionError::new_err("maximum recursion depth exceeded in a saved function")
}

pub fn empty_truth() -> PyErr {
    PyValueError::new_err(
        "The truth value of an empty array is ambiguous. Use `array.size > 0` to check that an array is not empty.",
    )
}

pub fn many_truths() -> PyErr {
    PyValueError::new_err(
        "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()",
    )
}

/// `what` is "scalar" or another name that NumPy gives to what is converted to.
pub fn not_one_element(what: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "only length-1 arrays can be converted to Python {what}s"
    ))
}

pub fn no_integer() -> PyErr {
    PyTypeError::new_err("only integer scalar arrays can be converted to a scalar index")
}

pub fn no_length() -> PyErr {
    PyTypeError::new_err("len() of unsized object")
}

pub fn no_iteration() -> PyErr {
    PyTypeError::new_err("iteration over a 0-d array")
}

pub fn no_attribute(name: impl Display) -> PyErr {
    PyAttributeError::new_err(format!("'Tracer' object has no attribute '{name}'"))
}
