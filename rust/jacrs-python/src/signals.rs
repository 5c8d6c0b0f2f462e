//! Engine work that looks at Python's signals, so that Ctrl-C ends it.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use jacrs::error::{Error, Result};
use jacrs::interrupt::interruptible;
use pyo3::prelude::*;

use crate::error::OrRaise;

/// What a signal handler raised.
pub type Raised = Arc<Mutex<Option<PyErr>>>;

fn signals(py: Python<'_>) -> PyResult<()> {
    py.check_signals()
}

fn look(raised: &Raised) -> Result<()> {
    Python::attach(signals).map_err(|error| {
        *raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        Error::internal("interrupted")
    })
}

/// The result, or what a signal handler raised meanwhile.
pub fn settle<R>(raised: &Raised, result: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    let raised = raised.lock().unwrap_or_else(PoisonError::into_inner).take();
    match raised {
        Some(error) => Err(error),
        None => result(),
    }
}

/// Runs engine work with the interpreter released.
pub fn detached<R: Send>(
    py: Python<'_>,
    work: impl Send + FnOnce(&(dyn Fn() -> Result<()> + Sync)) -> Result<R>,
) -> PyResult<R> {
    let raised = Raised::default();
    let result = py.detach(|| {
        let check = || look(&raised);
        let ambient = raised.clone();
        interruptible(Rc::new(move || look(&ambient)), || work(&check))
    });
    settle(&raised, || result.or_raise(py))
}

/// Runs engine work that is too short, or too close to a recording, to release the interpreter.
/// Its result goes to [`settle`].
pub fn attached<R>(work: impl FnOnce() -> Result<R>) -> (Raised, Result<R>) {
    let raised = Raised::default();
    let ambient = raised.clone();
    let result = interruptible(Rc::new(move || look(&ambient)), work);
    (raised, result)
}
