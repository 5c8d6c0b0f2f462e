//! Python bindings of the jacrs engine: the tracer, arrays in and out, errors. Thin on purpose:
//! everything that can be said without Python is said in the engine.

mod arrays;
mod compiled;
mod elementwise;
mod error;
mod given;
mod indexing;
mod jacobians;
mod late;
mod linear;
mod location;
mod primitives;
mod programs;
mod protocols;
mod pullback;
mod registry;
mod session;
mod signals;
mod sparse;
mod sparsity;
mod state;
mod targets;
mod text;
mod tracer;
mod verify;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// The number of threads that Jacobians are assembled on.
#[pyfunction]
fn num_threads() -> usize {
    jacrs::execute::num_threads()
}

/// Sets the number of threads that Jacobians are assembled on; results do not depend on it.
#[pyfunction]
fn set_num_threads(py: Python<'_>, n: usize) -> PyResult<()> {
    if n == 0 {
        return Err(error::raise_as(py, "internal", "no threads to run on"));
    }
    jacrs::execute::set_num_threads(n);
    Ok(())
}

/// Element operations that were run in this process, for tests of what a call costs.
#[pyfunction]
fn executed_operations() -> u64 {
    jacrs::execute::executed_operations()
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

// Recordings and caches lean on the interpreter's lock: one without it takes it back for us.
#[pymodule(gil_used = true)]
fn _jacrs(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // NumPy's functions are looked up now: an interrupt in the first call must not meet this.
    let _ = numpy::dtype::<f64>(module.py());
    module.add_class::<tracer::Tracer>()?;
    module.add_class::<tracer::ArrayTracer>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<pullback::Pullback>()?;
    module.add_class::<linear::LinearMap>()?;
    module.add_class::<sparsity::Structure>()?;
    compiled::add_to(module)?;
    primitives::add_to(module)?;
    module.add_function(wrap_pyfunction!(registry::register, module)?)?;
    module.add_function(wrap_pyfunction!(programs::cached_programs, module)?)?;
    module.add_function(wrap_pyfunction!(build_info, module)?)?;
    module.add_function(wrap_pyfunction!(sparse::sparse_entries, module)?)?;
    module.add_function(wrap_pyfunction!(elementwise::elementwise, module)?)?;
    module.add_function(wrap_pyfunction!(num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(set_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(executed_operations, module)?)?;
    module.add_function(wrap_pyfunction!(memory_limit, module)?)?;
    module.add_function(wrap_pyfunction!(set_memory_limit, module)?)?;
    module.add_function(wrap_pyfunction!(state::expose, module)?)?;
    module.add_function(wrap_pyfunction!(located_error, module)?)?;
    Ok(())
}

/// The version of the SIMD kernels and the size of the pool, for reports.
#[pyfunction]
fn build_info(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
    let level = jacrs::simd::level().name();
    PyTuple::new(py, [level, env!("CARGO_PKG_VERSION")])
}
