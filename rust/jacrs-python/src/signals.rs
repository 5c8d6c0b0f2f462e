//! Engine work that looks at Python's signals, so that Ctrl-C ends it.

use std::cell::Cell;
use std::rc::Rc;

use jacrs::error::{Error, Result};
use jacrs::interrupt::{Check, interruptible};
use pyo3::prelude::*;

use crate::error::OrRaise;

/// Work of more elements lets other Python threads go on meanwhile; below this (some 20 µs) handing
/// the interpreter over costs more than it gives.
const BRIEF: u64 = 1 << 13;

thread_local! {
    /// What a signal handler raised in the work that is ending.
    static RAISED: Cell<Option<PyErr>> = const { Cell::new(None) };
    static LOOK: Check = Rc::new(look);
}

fn signals(py: Python<'_>) -> PyResult<()> {
    py.check_signals()
}

fn look() -> Result<()> {
    Python::attach(signals).map_err(|error| {
        RAISED.set(Some(error));
        Error::internal("interrupted")
    })
}

/// What a signal handler raised in the work that ended last.
pub fn raised() -> Option<PyErr> {
    RAISED.take()
}

/// The result, or what a signal handler raised meanwhile.
pub fn settle<R>(result: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    match raised() {
        Some(error) => Err(error),
        None => result(),
    }
}

/// Runs engine work of about so many elements, with the interpreter released if they are many.
pub fn run<R: Send>(
    py: Python<'_>,
    elements: u64,
    work: impl Send + FnOnce(&(dyn Fn() -> Result<()> + Sync)) -> Result<R>,
) -> PyResult<R> {
    let result = if elements <= BRIEF {
        attached(|| work(&look))
    } else {
        py.detach(|| attached(|| work(&look)))
    };
    settle(|| result.or_raise(py))
}

/// Runs engine work that takes long, with the interpreter released.
pub fn detached<R: Send>(py: Python<'_>, work: impl Send + FnOnce() -> Result<R>) -> PyResult<R> {
    run(py, u64::MAX, |_| work())
}

/// Runs engine work in this thread as it is: too short, or too close to a recording, to release the
/// interpreter. Its result goes to [`settle`].
pub fn attached<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    interruptible(LOOK.with(Rc::clone), work)
}
