//! Element types and NumPy's promotion between them (NEP 50).

use std::fmt;

/// The type of the elements of an array.
///
/// The complex types have their place here from the start; no operation accepts them yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum DType {
    Bool,
    I64,
    F32,
    F64,
    C64,
    C128,
}

impl DType {
    pub const ALL: [DType; 6] = [
        DType::Bool,
        DType::I64,
        DType::F32,
        DType::F64,
        DType::C64,
        DType::C128,
    ];

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            DType::Bool => 1,
            DType::F32 => 4,
            DType::I64 | DType::F64 | DType::C64 => 8,
            DType::C128 => 16,
        }
    }

    /// NumPy's name, also used by the text form of graphs.
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::I64 => "int64",
            DType::F32 => "float32",
            DType::F64 => "float64",
            DType::C64 => "complex64",
            DType::C128 => "complex128",
        }
    }

    /// The inverse of [`DType::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.name() == name)
    }

    pub const fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }

    /// Values of this type carry derivatives.
    pub const fn is_differentiable(self) -> bool {
        matches!(self, DType::F32 | DType::F64 | DType::C64 | DType::C128)
    }

    /// `numpy.promote_types`: int64 with float32 gives float64.
    pub fn promote(self, other: Self) -> Self {
        use DType::{Bool, C64, C128, F32, F64, I64};
        match (self, other) {
            (a, b) if a == b => a,
            (Bool, b) => b,
            (a, Bool) => a,
            (C128, _) | (_, C128) => C128,
            (C64, F32) | (F32, C64) => C64,
            (C64, _) | (_, C64) => C128,
            (I64, F32 | F64) | (F32 | F64, I64) | (F32, F64) | (F64, F32) => F64,
            (a, _) => a,
        }
    }

    /// The type in which a floating-point function of this type is computed (`sin(int64)` is float64).
    pub fn to_float(self) -> Self {
        if matches!(self, DType::Bool | DType::I64) {
            DType::F64
        } else {
            self
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
