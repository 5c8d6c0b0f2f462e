//! Python bindings of the jacrs engine.

use pyo3::prelude::*;

#[pymodule]
fn _jacrs(_m: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
