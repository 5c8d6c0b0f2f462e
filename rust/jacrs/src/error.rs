//! The one error type of the engine. Each kind maps to one Python exception.

pub mod text;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What sort of mistake an [`Error`] reports; the Python face picks the exception class from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Shapes that do not fit together (`ValueError` in NumPy).
    Shape,
    /// An argument value that has no meaning (`ValueError`).
    Value,
    /// An operation that does not exist for these types (`TypeError`).
    Type,
    /// An index outside its axis (`IndexError`).
    Index,
    /// A matrix that a factorisation cannot take (`LinAlgError`).
    LinAlg,
    /// The result or its scratch would not fit in memory (`MemoryError`).
    Memory,
    /// Something that would lose a derivative, or that the engine cannot differentiate.
    Trace,
    /// A broken invariant of the engine: always a bug of ours.
    Internal,
}

/// An error with its kind and a message that says what, why and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    /// The source location of the node that failed, as the graph numbers it; 0 is not known.
    pub location: u32,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            location: 0,
        }
    }
    pub fn shape(message: impl Into<String>) -> Self {
        Self::new(Kind::Shape, message)
    }
    pub fn value(message: impl Into<String>) -> Self {
        Self::new(Kind::Value, message)
    }
    pub fn type_(message: impl Into<String>) -> Self {
        Self::new(Kind::Type, message)
    }
    pub fn index(message: impl Into<String>) -> Self {
        Self::new(Kind::Index, message)
    }
    pub fn linalg(message: impl Into<String>) -> Self {
        Self::new(Kind::LinAlg, message)
    }
    pub fn trace(message: impl Into<String>) -> Self {
        Self::new(Kind::Trace, message)
    }
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// The same error of a node recorded at this location, unless it is known already.
    #[must_use]
    pub fn at(mut self, location: u32) -> Self {
        if self.location == 0 {
            self.location = location;
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Ends the work under way with an error, from where no result can carry it: unwinds, as quietly as
/// a return, to the nearest [`caught`]. For what may strike anywhere: no memory, an interrupt.
pub fn throw(error: Error) -> ! {
    resume_unwind(Box::new(error))
}

/// What `body` gives; an error thrown in it is its error, and a panic an internal one. What `body`
/// changes must be fit for use wherever it ends.
pub fn caught<R>(body: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        Err(match payload.downcast::<Error>() {
            Ok(error) => *error,
            Err(panic) => Error::internal(message(&*panic)),
        })
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!(
        "the engine panicked: {}",
        text.unwrap_or("for an unknown reason")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_thrown_is_caught_as_it_was() {
        let error = Error::new(Kind::Memory, "too much");
        let thrown = error.clone();
        assert_eq!(caught::<()>(|| throw(thrown)), Err(error));
        assert_eq!(caught(|| Ok(3)), Ok(3));
        let panic = caught::<()>(|| panic!("at {}", 7)).unwrap_err();
        assert_eq!(
            (panic.kind, panic.message.as_str()),
            (Kind::Internal, "the engine panicked: at 7")
        );
    }
}
