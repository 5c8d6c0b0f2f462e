//! The profiling hook of a recording: most calls are passed by without running Python.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyString};
use pyo3::{PyTraverseError, PyVisit};

/// Leaves to `judge` the calls that may be of note: of builtin functions with one of these `names`,
/// or from one of these `modules`; and of code that it has not said to be harmless.
#[pyclass(frozen, module = "jacrs._jacrs")]
pub struct Hook {
    judge: Py<PyAny>,
    names: HashSet<String>,
    modules: HashSet<String>,
    /// Code by its address, kept so that no other comes to lie there.
    harmless: Mutex<HashMap<usize, Py<PyAny>>>,
}

#[pymethods]
impl Hook {
    #[new]
    fn new(judge: Py<PyAny>, names: HashSet<String>, modules: HashSet<String>) -> Self {
        Self {
            judge,
            names,
            modules,
            harmless: Mutex::default(),
        }
    }

    /// What `sys.setprofile` wants.
    #[pyo3(signature = (frame, event, arg, /))]
    fn look(
        &self,
        frame: &Bound<'_, PyAny>,
        event: &Bound<'_, PyString>,
        arg: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        match event.to_str()? {
            "call" => self.call(frame, event, arg),
            "c_call" if self.is_of_note(arg)? => {
                self.judge.call1(frame.py(), (frame, event, arg))?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.judge)
    }
}

impl Hook {
    fn call(
        &self,
        frame: &Bound<'_, PyAny>,
        event: &Bound<'_, PyString>,
        arg: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = frame.py();
        // SAFETY: a profiling hook is called with a frame; a new reference, never null.
        let code = unsafe {
            let code = pyo3::ffi::PyFrame_GetCode(frame.as_ptr().cast());
            Bound::from_owned_ptr(py, code.cast())
        };
        let address = code.as_ptr().addr();
        if self.harmless().contains_key(&address) {
            return Ok(());
        }
        let harmless: bool = self.judge.call1(py, (frame, event, arg))?.extract(py)?;
        if harmless {
            self.harmless().insert(address, code.unbind());
        }
        Ok(())
    }

    fn harmless(&self) -> std::sync::MutexGuard<'_, HashMap<usize, Py<PyAny>>> {
        self.harmless.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_of_note(&self, function: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = function.py();
        if function.cast::<PyCFunction>().is_err() {
            return Ok(true);
        }
        let name = function.getattr(pyo3::intern!(py, "__name__"))?;
        if self.names.contains(name.cast::<PyString>()?.to_str()?) {
            return Ok(true);
        }
        let module = function.getattr(pyo3::intern!(py, "__module__"))?;
        Ok(match module.cast::<PyString>() {
            Ok(module) => self.modules.contains(module.to_str()?),
            Err(_) => false,
        })
    }
}
