//! Values that a trace depends on as they are, compared with what they were.

use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyFloat, PyInt, PyString};

/// A value as it was when it was recorded.
pub enum Plain {
    /// Compared by bits: 0.0 is not -0.0, and a NaN is itself.
    Float(u64),
    /// Of the same type, and equal.
    Equal(Py<PyAny>),
    /// An array with the same bytes, dtype and shape.
    Content(Content),
}

/// What an array held.
pub struct Content {
    copy: Py<PyAny>,
    bytes: Vec<u8>,
}

/// Whether a value is told by what it is, not by which object it is.
pub fn is_plain(x: &Bound<'_, PyAny>) -> bool {
    x.is_none()
        || x.is_exact_instance_of::<PyFloat>()
        || x.is_exact_instance_of::<PyInt>()
        || x.is_exact_instance_of::<PyBool>()
        || x.is_exact_instance_of::<PyString>()
        || x.is_exact_instance_of::<PyBytes>()
        || x.is_exact_instance_of::<PyComplex>()
        || x.cast::<PyUntypedArray>().is_ok()
        || is_generic(x)
}

fn is_generic(x: &Bound<'_, PyAny>) -> bool {
    static GENERIC: pyo3::sync::PyOnceLock<Py<PyAny>> = pyo3::sync::PyOnceLock::new();
    let py = x.py();
    let generic = GENERIC.get_or_try_init(py, || {
        py.import("numpy")?.getattr("generic").map(Bound::unbind)
    });
    generic.is_ok_and(|g| x.is_instance(g.bind(py)).unwrap_or(false))
}

impl Plain {
    pub fn of(x: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(float) = x.cast_exact::<PyFloat>() {
            return Ok(Plain::Float(float.value().to_bits()));
        }
        if x.cast::<PyUntypedArray>().is_ok() || is_generic(x) {
            return Ok(Plain::Content(Content {
                copy: x.call_method0("copy")?.unbind(),
                bytes: bytes(x)?,
            }));
        }
        Ok(Plain::Equal(x.clone().unbind()))
    }

    /// The value itself, or a copy.
    pub fn value<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        match self {
            Plain::Float(bits) => PyFloat::new(py, f64::from_bits(*bits)).into_any(),
            Plain::Equal(value) => value.bind(py).clone(),
            Plain::Content(content) => content.copy.bind(py).clone(),
        }
    }

    pub fn is(&self, x: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(match self {
            Plain::Float(bits) => x
                .cast_exact::<PyFloat>()
                .is_ok_and(|float| float.value().to_bits() == *bits),
            Plain::Equal(value) => {
                let value = value.bind(x.py());
                x.is(value)
                    || (x.get_type().is(value.get_type())
                        && x.eq(value)?
                        // 0j and -0j are equal, and are not the same.
                        && (!x.is_instance_of::<PyComplex>() || x.repr()?.to_str()? == value.repr()?.to_str()?))
            }
            Plain::Content(content) => content.is(x)?,
        })
    }
}

impl Content {
    fn is(&self, x: &Bound<'_, PyAny>) -> PyResult<bool> {
        let copy = self.copy.bind(x.py());
        if !x.get_type().is(copy.get_type())
            || !x.getattr("dtype")?.eq(copy.getattr("dtype")?)?
            || !x.getattr("shape")?.eq(copy.getattr("shape")?)?
        {
            return Ok(false);
        }
        // Of objects it is their identity that is compared.
        Ok(bytes(x)? == self.bytes)
    }
}

/// The elements in C order.
fn bytes(x: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    x.call_method0("tobytes")?.extract()
}
