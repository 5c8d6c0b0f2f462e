//! Engine errors as Python exceptions that name the user's line.

use std::ffi::c_int;

use jacrs::error::{Error, Kind};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::{location, registry, state, text};

/// A code object and an instruction in it.
pub type Place = (Py<PyAny>, c_int);

/// A result of the engine; its error with the place at which the node was recorded, if known.
pub type Located<R> = std::result::Result<R, (Error, Option<Place>)>;

/// Converts an error that knows its place.
pub fn raised_at<R>(py: Python<'_>, result: Located<R>) -> PyResult<R> {
    result.map_err(|(error, place)| raise_at(py, &error, place))
}

/// The exception for an engine error raised at the user's line that is running now.
pub fn raise(py: Python<'_>, error: &Error) -> PyErr {
    raise_at(py, error, None)
}

/// The exception for an engine error of a node that was recorded at a place.
pub fn raise_at(py: Python<'_>, error: &Error, place: Option<Place>) -> PyErr {
    let kind = match error.kind {
        Kind::Shape => "shape",
        Kind::Value => "value",
        Kind::Type => "type",
        Kind::Index => "index",
        Kind::LinAlg => "linalg",
        Kind::Memory => "memory",
        Kind::Trace => "trace",
        Kind::Internal => "internal",
    };
    located(py, kind, &error.message, place)
}

/// An exception of one of the kinds that `jacrs.errors.located` knows.
pub fn raise_as(py: Python<'_>, kind: &str, message: &str) -> PyErr {
    located(py, kind, message, None)
}

fn located(py: Python<'_>, kind: &str, message: &str, place: Option<Place>) -> PyErr {
    let Some(located) = registry::located(py) else {
        return PyRuntimeError::new_err(message.to_owned());
    };
    let here = || location::error_place(py).map(|(code, lasti)| (code.unbind(), lasti));
    let (code, lasti) = place.or_else(here).unwrap_or_else(|| (py.None(), -1));
    let error = match located.call1((kind, message, code, lasti)) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    };
    if matches!(kind, "trace" | "unsupported") {
        state::remember_refusal(py, &error, text::CAUGHT);
    }
    error
}

/// Converts the error of an engine result.
pub trait OrRaise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for jacrs::error::Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|e| raise(py, &e))
    }
}
