//! Patterns for Python.

use std::sync::OnceLock;

use jacrs::ir::Fingerprint;
use jacrs::sparsity::Pattern;
use numpy::{Element, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::OrRaise;
use crate::signals::detached;

/// A boolean matrix by rows.
#[pyclass(frozen, module = "jacrs._jacrs")]
pub struct Structure {
    pattern: Pattern,
    /// What Python makes of it once.
    #[pyo3(get)]
    kept: Py<PyDict>,
    print: OnceLock<u128>,
}

impl Structure {
    pub fn new(py: Python<'_>, pattern: Pattern) -> Self {
        let kept = PyDict::new(py).unbind();
        Self {
            pattern,
            kept,
            print: OnceLock::new(),
        }
    }

    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// A fingerprint of shape and entries.
    pub fn print(&self) -> u128 {
        *self.print.get_or_init(|| {
            let mut print = Fingerprint::default();
            let (rows, width) = self.pattern.shape();
            print.words([rows, width, self.pattern.nnz()].map(|n| n as u64));
            print.words(self.pattern.starts().iter().map(|&n| n as u64));
            print.words(self.pattern.columns().iter().map(|&j| u64::from(j)));
            print.finish()
        })
    }
}

#[pymethods]
impl Structure {
    /// One of row pointers and column indices, which ascend in each row.
    #[new]
    fn of_arrays(
        py: Python<'_>,
        shape: (usize, usize),
        starts: PyReadonlyArray1<'_, i64>,
        columns: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<Self> {
        // What does not fit is more than any pattern has, and refused as such.
        let starts = starts.as_array();
        let starts = starts.iter().map(|&n| n.try_into().unwrap_or(usize::MAX));
        let columns = columns.as_array();
        let columns = columns.iter().map(|&j| j.try_into().unwrap_or(u32::MAX));
        let pattern = Pattern::new(shape, starts.collect(), columns.collect()).or_raise(py)?;
        Ok(Self::new(py, pattern))
    }

    #[getter]
    fn shape(&self) -> (usize, usize) {
        self.pattern.shape()
    }

    #[getter]
    fn nnz(&self) -> usize {
        self.pattern.nnz()
    }

    /// Row pointers and column indices, as new arrays: of int32 where all numbers fit, as SciPy has
    /// them, else of int64.
    fn arrays(&self, py: Python<'_>) -> (Py<PyAny>, Py<PyAny>) {
        let (rows, width) = self.pattern.shape();
        if i32::try_from(self.pattern.nnz().max(rows).max(width)).is_ok() {
            self.arrays_of(py, |start| start as i32, |column| column as i32)
        } else {
            self.arrays_of(py, |start| start as i64, i64::from)
        }
    }

    /// The farthest entry below the diagonal, and the farthest above.
    fn bandwidth(&self) -> (usize, usize) {
        self.pattern.bandwidth()
    }

    fn transposed(&self, py: Python<'_>) -> PyResult<Self> {
        let pattern = detached(py, || self.pattern.transposed())?;
        Ok(Self::new(py, pattern))
    }

    fn equals(&self, other: PyRef<'_, Self>) -> bool {
        self.pattern == other.pattern
    }
}

impl Structure {
    fn arrays_of<T: Element>(
        &self,
        py: Python<'_>,
        start: impl Fn(usize) -> T,
        column: impl Fn(u32) -> T,
    ) -> (Py<PyAny>, Py<PyAny>) {
        let starts = self.pattern.starts().iter().map(|&n| start(n));
        let columns = self.pattern.columns().iter().map(|&j| column(j));
        let arrays = (
            PyArray1::from_iter(py, starts),
            PyArray1::from_iter(py, columns),
        );
        (arrays.0.into_any().unbind(), arrays.1.into_any().unbind())
    }
}
