//! Arrays of the caller's that results are written into.

use std::sync::{Mutex, PoisonError};

use jacrs::array::{Out, product};
use jacrs::ir::Type;
use numpy::{PyUntypedArray, PyUntypedArrayMethods, npyffi};
use pyo3::prelude::*;

use crate::arrays::numpy_dtype;

/// Addresses that runs are writing to, in arrays of their callers'.
static WRITTEN: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

fn written() -> std::sync::MutexGuard<'static, Vec<(usize, usize)>> {
    WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one run writes to in its caller's arrays; no other run writes there meanwhile.
#[derive(Default)]
pub struct Targets {
    claimed: Vec<(usize, usize)>,
}

impl Targets {
    /// The memory of an array, if it lies as the engine writes a result of this type and no run
    /// writes to it; else the caller copies there when the run is over.
    pub fn claim(
        &mut self,
        py: Python<'_>,
        kind: &Type,
        array: &Bound<'_, PyUntypedArray>,
    ) -> PyResult<Option<Out>> {
        const FIT: i32 = npyffi::NPY_ARRAY_C_CONTIGUOUS
            | npyffi::NPY_ARRAY_ALIGNED
            | npyffi::NPY_ARRAY_WRITEABLE;
        // SAFETY: a live array object.
        let (data, flags) = unsafe {
            let fields = &(*array.as_array_ptr()).fields;
            (fields.data.cast::<u8>(), fields.flags)
        };
        let same = numpy_dtype(py, kind.dtype)?.eq(array.dtype())?;
        if flags & FIT != FIT || !same || array.shape() != &kind.shape[..] {
            return Ok(None);
        }
        let start = data.addr();
        let span = (start, start + product(&kind.shape) * kind.dtype.size());
        let mut spans = written();
        if spans.iter().any(|s| s.0 < span.1 && span.0 < s.1) {
            return Ok(None);
        }
        spans.push(span);
        self.claimed.push(span);
        Ok(Some(Out {
            ptr: data,
            dtype: kind.dtype,
            shape: kind.shape.clone(),
        }))
    }
}

impl Drop for Targets {
    fn drop(&mut self) {
        let mut spans = written();
        for claim in &self.claimed {
            if let Some(at) = spans.iter().position(|s| s == claim) {
                spans.swap_remove(at);
            }
        }
    }
}
