//! Python bindings of the jacrs engine: the tracer, arrays in and out, errors. Thin on purpose:
//! everything that can be said without Python is said in the engine.

mod arrays;
mod elementwise;
mod error;
mod indexing;
mod location;
mod primitives;
mod programs;
mod protocols;
mod registry;
mod session;
mod state;
mod tracer;

use pyo3::prelude::*;

/// The number of threads that Jacobians are assembled on.
#[pyfunction]
fn num_threads() -> usize {
    jacrs::execute::num_threads()
}

/// Sets the number of threads that Jacobians are assembled on; results do not depend on it.
#[pyfunction]
fn set_num_threads(py: Python<'_>, n: usize) -> PyResult<()> {
    if n == 0 {
        return Err(error::raise_as(
            py,
            "value",
            "the number of threads is at least 1",
        ));
    }
    jacrs::execute::set_num_threads(n);
    Ok(())
}

/// The bytes that one call may take, or none for what the machine has at hand.
#[pyfunction]
fn memory_limit() -> Option<u64> {
    jacrs::execute::memory_limit()
}

#[pyfunction]
#[pyo3(signature = (bytes))]
fn set_memory_limit(bytes: Option<u64>) {
    jacrs::execute::set_memory_limit(bytes);
}

/// The exception for an error at the user's line that is running now; adapters raise it.
#[pyfunction(name = "error")]
fn located_error(py: Python<'_>, kind: &str, message: &str) -> Py<PyAny> {
    error::raise_as(py, kind, message).into_value(py).into_any()
}

#[pymodule]
fn _jacrs(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<tracer::Tracer>()?;
    module.add_class::<tracer::ArrayTracer>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<programs::Pullback>()?;
    primitives::add_to(module)?;
    module.add_function(wrap_pyfunction!(registry::register, module)?)?;
    module.add_function(wrap_pyfunction!(programs::cached_programs, module)?)?;
    module.add_function(wrap_pyfunction!(session::build_info, module)?)?;
    module.add_function(wrap_pyfunction!(elementwise::elementwise, module)?)?;
    module.add_function(wrap_pyfunction!(num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(set_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(memory_limit, module)?)?;
    module.add_function(wrap_pyfunction!(set_memory_limit, module)?)?;
    module.add_function(wrap_pyfunction!(located_error, module)?)?;
    Ok(())
}
