//! How a result is put together of what a program computed.

use jacrs::array::DType;
use numpy::{PY_ARRAY_API, npyffi};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

/// A result, or a part of one.
pub enum Built {
    /// A computed array.
    Array(usize),
    /// A computed number, as a NumPy scalar.
    Scalar(usize),
    /// The same object every time: it cannot change.
    Constant(Py<PyAny>),
    /// A copy of an array.
    Copy(Py<PyAny>),
    Tuple(Vec<Built>),
    List(Vec<Built>),
    Dict(Vec<(Py<PyAny>, Built)>),
    /// A container that Python puts together.
    Made(Py<PyAny>, Vec<Built>),
}

/// What was computed: an array, or the memory of a number.
pub enum Computed<'py> {
    Array(Bound<'py, PyAny>),
    Number(DType, *const u8),
}

impl Built {
    /// Reads what Python wrote down.
    pub fn read(given: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let value = || given.get_item(1);
        let parts = |at: usize| -> PyResult<Vec<Built>> {
            let items: Vec<Bound<'_, PyTuple>> = given.get_item(at)?.extract()?;
            items.iter().map(Built::read).collect()
        };
        Ok(match given.get_item(0)?.extract::<&str>()? {
            "array" => Built::Array(value()?.extract()?),
            "scalar" => Built::Scalar(value()?.extract()?),
            "constant" => Built::Constant(value()?.unbind()),
            "copy" => Built::Copy(value()?.unbind()),
            "tuple" => Built::Tuple(parts(1)?),
            "list" => Built::List(parts(1)?),
            "dict" => {
                let keys: Vec<Py<PyAny>> = value()?.extract()?;
                Built::Dict(keys.into_iter().zip(parts(2)?).collect())
            }
            _ => Built::Made(value()?.unbind(), parts(2)?),
        })
    }

    pub fn build<'py>(
        &self,
        py: Python<'py>,
        computed: &[Computed<'py>],
    ) -> PyResult<Bound<'py, PyAny>> {
        let all = |parts: &[Built]| -> PyResult<Vec<Bound<'py, PyAny>>> {
            parts.iter().map(|part| part.build(py, computed)).collect()
        };
        Ok(match self {
            Built::Array(k) | Built::Scalar(k) => match &computed[*k] {
                Computed::Array(array) => array.clone(),
                Computed::Number(dtype, at) => scalar(py, *dtype, *at)?,
            },
            Built::Constant(object) => object.bind(py).clone(),
            Built::Copy(array) => array.bind(py).call_method0("copy")?,
            Built::Tuple(parts) => PyTuple::new(py, all(parts)?)?.into_any(),
            Built::List(parts) => PyList::new(py, all(parts)?)?.into_any(),
            Built::Dict(items) => {
                let dict = PyDict::new(py);
                for (key, part) in items {
                    dict.set_item(key, part.build(py, computed)?)?;
                }
                dict.into_any()
            }
            Built::Made(make, parts) => make.bind(py).call1((all(parts)?,))?,
        })
    }

    /// The computed numbers that are handed out as NumPy scalars.
    pub fn scalars(&self, found: &mut Vec<usize>) {
        match self {
            Built::Scalar(k) => found.push(*k),
            Built::Array(_) | Built::Constant(_) | Built::Copy(_) => {}
            Built::Tuple(parts) | Built::List(parts) | Built::Made(_, parts) => {
                parts.iter().for_each(|part| part.scalars(found));
            }
            Built::Dict(items) => items.iter().for_each(|(_, part)| part.scalars(found)),
        }
    }

    pub fn visit(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        match self {
            Built::Array(_) | Built::Scalar(_) => Ok(()),
            Built::Constant(object) | Built::Copy(object) => visit.call(object),
            Built::Tuple(parts) | Built::List(parts) => {
                parts.iter().try_for_each(|p| p.visit(visit))
            }
            Built::Made(make, parts) => {
                visit.call(make)?;
                parts.iter().try_for_each(|p| p.visit(visit))
            }
            Built::Dict(items) => items.iter().try_for_each(|(_, p)| p.visit(visit)),
        }
    }
}

/// A NumPy scalar.
fn scalar(py: Python<'_>, dtype: DType, at: *const u8) -> PyResult<Bound<'_, PyAny>> {
    let descr = crate::arrays::descr(py, dtype)?;
    // SAFETY: `at` holds one element of this dtype, which is copied; the descriptor is borrowed.
    unsafe {
        let made = PY_ARRAY_API.PyArray_Scalar(
            py,
            at.cast_mut().cast(),
            descr.as_ptr().cast::<npyffi::PyArray_Descr>(),
            std::ptr::null_mut(),
        );
        Bound::from_owned_ptr_or_err(py, made)
    }
}
