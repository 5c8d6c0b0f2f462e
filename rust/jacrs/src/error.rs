//! The one error type of the engine. Each kind maps to one Python exception.

use std::fmt;

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
