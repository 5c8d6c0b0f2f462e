//! What the Python half registers at import: adapters, and how errors are made.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use jacrs::ops::Fun;
use pyo3::exceptions::{PyAttributeError, PyLookupError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

static FUNCTIONS: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
static METHODS: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
static PROPERTIES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
static UFUNC_METHOD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static LOCATED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static FOLDER: OnceLock<String> = OnceLock::new();

/// Hands over the tables of adapters and the maker of located errors; called once, at import.
#[pyfunction]
pub fn register(
    py: Python<'_>,
    functions: Py<PyDict>,
    methods: Py<PyDict>,
    properties: Py<PyDict>,
    ufunc_method: Py<PyAny>,
    located: Py<PyAny>,
) -> PyResult<()> {
    let file: String = located
        .bind(py)
        .getattr("__code__")?
        .getattr("co_filename")?
        .extract()?;
    let folder = file
        .rsplit_once(['/', '\\'])
        .map_or("", |(folder, _)| folder);
    // A second import of the package keeps the first tables: they are the same.
    let _ = FOLDER.set(format!("{folder}{}", std::path::MAIN_SEPARATOR));
    let _ = FUNCTIONS.set(py, functions);
    let _ = METHODS.set(py, methods);
    let _ = PROPERTIES.set(py, properties);
    let _ = UFUNC_METHOD.set(py, ufunc_method);
    let _ = LOCATED.set(py, located);
    Ok(())
}

/// The folder of the Python package, with a separator at its end.
pub fn package_folder() -> Option<&'static str> {
    FOLDER.get().map(String::as_str)
}

/// The adapter for a NumPy function.
pub fn function<'py>(func: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    find(&FUNCTIONS, func)
}

/// The adapter for an ndarray method.
pub fn method<'py>(name: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    find(&METHODS, name)
}

/// The function that computes an ndarray attribute.
pub fn property<'py>(name: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    find(&PROPERTIES, name)
}

fn find<'py>(
    table: &PyOnceLock<Py<PyDict>>,
    key: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match table.get(key.py()) {
        Some(dict) => dict.bind(key.py()).get_item(key),
        None => Ok(None),
    }
}

pub fn ufunc_method(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    UFUNC_METHOD.get(py).map(|f| f.bind(py).clone())
}

pub fn located(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    LOCATED.get(py).map(|f| f.bind(py).clone())
}

/// Calls a function that has no adapter: computed as it is where no argument depends on what is
/// differentiated, refused with the reason otherwise.
pub fn without_adapter(
    func: &Bound<'_, PyAny>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    let py = func.py();
    let kwargs = kwargs.map_or_else(|| PyDict::new(py), Clone::clone);
    let call = py.import("jacrs._adapters.unsupported")?.getattr("call")?;
    Ok(call.call1((func, args, kwargs))?.unbind())
}

/// Whether a module that has been imported has this very ufunc under its name: others, such as
/// those of `numba.vectorize`, are called what their authors like.
pub fn is_from(module: &str, ufunc: &Bound<'_, PyAny>, name: &str) -> PyResult<bool> {
    let py = ufunc.py();
    let find = || {
        let modules = py.import("sys")?.getattr("modules")?;
        modules.get_item(module)?.getattr(name)
    };
    match find() {
        Ok(found) => Ok(found.is(ufunc)),
        Err(error)
            if error.is_instance_of::<PyLookupError>(py)
                || error.is_instance_of::<PyAttributeError>(py) =>
        {
            Ok(false)
        }
        // Such as an interrupt, which is no answer.
        Err(error) => Err(error),
    }
}

/// The elementwise function behind a ufunc object, by its name; found once for each ufunc.
pub fn elementwise(ufunc: &Bound<'_, PyAny>) -> PyResult<Option<Fun>> {
    static KNOWN: Mutex<Option<HashMap<usize, (Py<PyAny>, Option<Fun>)>>> = Mutex::new(None);
    let key = ufunc.as_ptr() as usize;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, fun)) = known.get_or_insert_default().get(&key) {
        return Ok(*fun);
    }
    drop(known);
    let name: String = ufunc.getattr("__name__")?.extract()?;
    let arity: usize = ufunc.getattr("nin")?.extract()?;
    let fun = Fun::from_numpy(&name).filter(|fun| fun.arity() == arity);
    let mut known_name = false;
    if fun.is_some() {
        for module in ["numpy", "scipy.special", "scipy.special._ufuncs"] {
            known_name |= is_from(module, ufunc, &name)?;
        }
    }
    let fun = fun.filter(|_| known_name);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    // The reference keeps the address from being used again.
    known
        .get_or_insert_default()
        .insert(key, (ufunc.clone().unbind(), fun));
    Ok(fun)
}
