//! Engine errors as Python exceptions that name the user's line.

use jacrs::error::{Error, Kind};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::{location, registry, state};

/// The exception for an engine error raised at the user's line that is running now.
pub fn raise(py: Python<'_>, error: &Error) -> PyErr {
    let kind = match error.kind {
        Kind::Shape => "shape",
        Kind::Value => "value",
        Kind::Type => "type",
        Kind::Index => "index",
        Kind::Memory => "memory",
        Kind::Trace => "trace",
        Kind::Internal => "internal",
    };
    raise_as(py, kind, &error.message)
}

/// An exception of one of the kinds that `jacrs.errors.located` knows.
pub fn raise_as(py: Python<'_>, kind: &str, message: &str) -> PyErr {
    let Some(located) = registry::located(py) else {
        return PyRuntimeError::new_err(message.to_owned());
    };
    let place = location::error_place(py);
    let (code, lasti) = match place {
        Some((code, lasti)) => (code.unbind(), lasti),
        None => (py.None(), -1),
    };
    let error = match located.call1((kind, message, code, lasti)) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    };
    if matches!(kind, "trace" | "unsupported") {
        state::remember_refusal(py, &error);
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
