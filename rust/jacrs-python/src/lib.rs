//! Python bindings of the jacrs engine: the tracer, arrays in and out, errors. Thin on purpose:
//! everything that can be said without Python is said in the engine.

mod arrays;
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
        return Err(error::raise_as(py, "value", "the number of threads is at least 1"));
    }
    jacrs::execute::set_num_threads(n);
    Ok(())
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
    module.add_function(wrap_pyfunction!(num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(set_num_threads, module)?)?;
    Ok(())
}
