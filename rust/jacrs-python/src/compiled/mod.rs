//! Functions that were recorded once and run again without Python.
//!
//! ```text
//! form    what the arguments of a call look like; the inputs among them
//! guard   what the function reached otherwise, and must find there again
//! hook    what is called meanwhile
//! trace   one recorded course: its program, and the answers that decided it
//! settled the graph of a course, with what is equal once
//! maps    linear maps in the result: pullbacks, lazy Jacobians
//! built   how the result is put together
//! saved   traces as plain values, and back
//! file    plain values as bytes, and back
//! ```

mod built;
mod file;
mod form;
mod guard;
mod hook;
mod maps;
mod plain;
mod record;
mod saved;
mod settled;
mod trace;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jacrs::array::Array;
use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use form::Leaves;
use guard::Reached;
pub use record::{Kept, Pending};
use trace::{Ran, Trace, may_follow};

use crate::state;

/// The traces of one function, those used last first.
///
/// A call finds the trace that holds for it and runs it. What it does not find it leaves to its
/// methods in Python: `_inside` for a call in a recording, `_missed` for one without a trace.
#[pyclass(subclass, frozen, module = "jacrs._jacrs")]
pub struct Replay {
    traces: Mutex<Vec<Arc<Trace>>>,
    /// Takes containers apart that are no tuple, list or dict.
    apart: Py<PyAny>,
    replays: AtomicU64,
}

/// Traces of one function at most.
const MOST_TRACES: usize = 16;
/// Bytes that the traces of one function may keep, beside the newest.
const MOST_BYTES: usize = 1 << 30;

#[pymethods]
impl Replay {
    #[new]
    #[pyo3(signature = (apart, *_args, **_keywords))]
    fn new(
        apart: Py<PyAny>,
        _args: &Bound<'_, PyTuple>,
        _keywords: Option<&Bound<'_, PyDict>>,
    ) -> Self {
        Self {
            traces: Mutex::default(),
            apart,
            replays: AtomicU64::new(0),
        }
    }

    #[pyo3(signature = (*args, **keywords))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if state::is_recording() {
            return slf.call_method("_inside", args, keywords);
        }
        match slf
            .get()
            .replayed(slf.py(), args, keywords, &[], &mut None)?
        {
            Some(result) => Ok(result),
            None => slf.call_method("_missed", args, keywords),
        }
    }

    /// The result of a trace that holds for these arguments, or None in a tuple of its own: the
    /// result may be None. Blocks of Jacobians are written to `out` where that is possible; other
    /// results are to be copied there.
    fn replay<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
        out: Vec<Bound<'py, PyUntypedArray>>,
    ) -> PyResult<Option<(Bound<'py, PyAny>,)>> {
        Ok(self
            .replayed(py, args, keywords, &out, &mut None)?
            .map(|x| (x,)))
    }

    /// The number of traces that are kept.
    #[getter]
    fn n_traces(&self) -> usize {
        self.traces().len()
    }

    /// The number of calls that a trace held for.
    #[getter]
    fn n_replays(&self) -> u64 {
        self.replays.load(Ordering::Relaxed)
    }

    /// Forgets the trace that `add` named so.
    fn forget(&self, name: usize) {
        let mut traces = self.traces();
        let found = traces.iter().position(|t| Arc::as_ptr(t).addr() == name);
        let trace = found.map(|at| traces.remove(at));
        drop(traces);
        drop(trace); // without the lock, as in `clear`
    }

    /// Forgets all traces.
    fn clear(&self) {
        // Dropped without the lock: Python code may run.
        let traces = std::mem::take(&mut *self.traces());
        drop(traces);
    }

    /// For each trace: its conditions in words, what is not looked at again, and its program.
    fn described(&self) -> Vec<(Vec<String>, Vec<String>, String)> {
        let traces = self.traces().clone();
        (traces.iter())
            .map(|trace| {
                let guards = trace.guards.iter().map(|g| g.what().to_owned());
                (guards.collect(), trace.unfollowed.clone(), trace.describe())
            })
            .collect()
    }

    /// The traces that hold as things are now, as tuples of plain values and objects.
    fn exported<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let traces = self.traces().clone();
        let exported = traces
            .iter()
            .map(|trace| saved::exported(py, trace).transpose());
        exported.flatten().collect()
    }

    /// One more trace, which was exported.
    fn restore(&self, py: Python<'_>, trace: &Bound<'_, PyTuple>) -> PyResult<()> {
        let trace = Arc::new(saved::restored(py, trace)?);
        self.traces().push(trace);
        Ok(())
    }

    /// For each trace: the forms of its arguments, and the values that decided its course.
    fn forms<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Vec<(Bound<'py, PyTuple>, Option<Vec<f64>>)>> {
        let traces = self.traces().clone();
        (traces.iter())
            .map(|trace| {
                let decisions = trace.decisions().map(Array::to_vec);
                Ok((trace.arguments.exported(py)?, decisions))
            })
            .collect()
    }

    /// What a trace raises that might hold for these arguments, if there is one.
    fn failure(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Option<PyErr>> {
        let mut failed = None;
        self.replayed(py, args, keywords, &[], &mut failed)?;
        Ok(failed)
    }

    /// Starts the recording of a call: the form of its arguments, of which arrays, and `numbers` if
    /// so, are inputs; all else is part of what the trace holds for.
    fn begin<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
        numbers: bool,
    ) -> PyResult<Pending> {
        Pending::new(args, keywords, numbers, &self.apart)
    }

    /// Keeps what is being recorded as a trace: `outputs` is what is computed of it, `guards` are
    /// the conditions outside the arguments, `built` says how the result is put together, of
    /// outputs and of linear `maps`. Returns a name of the trace.
    #[expect(
        clippy::too_many_arguments,
        reason = "all that there is to know of a trace"
    )]
    fn add(
        &self,
        py: Python<'_>,
        pending: &Bound<'_, Pending>,
        outputs: &Bound<'_, pyo3::types::PyList>,
        maps: Vec<Bound<'_, PyAny>>,
        guards: Vec<Bound<'_, PyAny>>,
        built: &Bound<'_, PyTuple>,
        unfollowed: Vec<String>,
        directions: Option<usize>,
    ) -> PyResult<usize> {
        let recorded = record::Recorded {
            maps,
            guards,
            built,
            unfollowed,
            directions,
        };
        let trace = Arc::new(record::trace(py, pending, outputs, recorded)?);
        let name = Arc::as_ptr(&trace).addr();
        let mut traces = self.traces();
        traces.insert(0, trace);
        let mut dropped = vec![];
        while traces.len() > MOST_TRACES
            || (traces.len() > 1 && traces.iter().map(|t| t.bytes()).sum::<usize>() > MOST_BYTES)
        {
            dropped.extend(traces.pop());
        }
        drop(traces);
        drop(dropped);
        Ok(name)
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        visit.call(&self.apart)?;
        let Ok(traces) = self.traces.try_lock() else {
            return Ok(());
        };
        traces.iter().try_for_each(|trace| trace.visit(&visit))
    }

    fn __clear__(&self) {
        self.clear();
    }
}

impl Replay {
    fn traces(&self) -> MutexGuard<'_, Vec<Arc<Trace>>> {
        self.traces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nth(&self, k: usize) -> Option<Arc<Trace>> {
        self.traces().get(k).cloned()
    }

    fn replayed<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
        out: &[Bound<'py, PyUntypedArray>],
        failed: &mut Option<PyErr>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        // What was answered by traces that took another course.
        let mut observed: Vec<(Arc<Trace>, Array)> = vec![];
        let mut k = 0;
        while let Some(trace) = self.nth(k) {
            k += 1;
            let (mut leaves, mut reached) = (Leaves::new(), Reached::new());
            if !trace
                .arguments
                .match_all(args, keywords, &self.apart, &mut leaves)?
                || !trace.holds(py, &mut reached)?
                || !follows(&trace, &observed)
                || !trace.fits(py, out)?
            {
                continue;
            }
            match trace.run(py, &leaves, &reached, out) {
                Ok(Ran::Result(result)) => {
                    self.used(k - 1, &trace);
                    self.replays.fetch_add(1, Ordering::Relaxed);
                    return Ok(Some(result));
                }
                Ok(Ran::Other(answers)) => {
                    if trace.ordered {
                        observed.extend(answers.into_iter().next().map(|a| (trace, a)));
                    }
                }
                // On another course there may be no error; and recorded, it tells the place.
                Err(error) if error.is_instance_of::<pyo3::exceptions::PyException>(py) => {
                    failed.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Puts a trace first.
    fn used(&self, k: usize, trace: &Arc<Trace>) {
        if k == 0 {
            return;
        }
        let mut traces = self.traces();
        if let Some(at) = traces.iter().position(|t| Arc::ptr_eq(t, trace)) {
            let trace = traces.remove(at);
            traces.insert(0, trace);
        }
    }
}

/// Whether a trace may be the course of a call that other traces were not.
fn follows(trace: &Trace, observed: &[(Arc<Trace>, Array)]) -> bool {
    let Some(decisions) = trace.decisions() else {
        return true;
    };
    (observed.iter()).all(|(other, answers)| match other.decisions() {
        Some(asked) => may_follow(asked, answers, decisions),
        None => true,
    })
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Replay>()?;
    module.add_class::<Pending>()?;
    module.add_class::<hook::Hook>()?;
    module.add_function(wrap_pyfunction!(file::packed, module)?)?;
    module.add_function(wrap_pyfunction!(file::unpacked, module)?)?;
    module.add_function(wrap_pyfunction!(record::keep_recording, module)?)?;
    module.add_function(wrap_pyfunction!(record::reached, module)?)?;
    module.add_function(wrap_pyfunction!(record::number, module)?)?;
    module.add_function(wrap_pyfunction!(record::own_members, module)?)?;
    module.add_function(wrap_pyfunction!(record::share_members, module)?)?;
    module.add_function(wrap_pyfunction!(record::recorded_narrow, module)?)?;
    Ok(())
}
