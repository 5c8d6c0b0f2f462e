//! Numbers that generic code computes with: plain ones, and those that carry derivatives.
//!
//! Code written over [`Scalar`] runs on `f64`, on [`Dual`](crate::dual::Dual) numbers and on the
//! [`Var`](crate::tape::Var)iables of a tape, so it is written once and differentiated in either
//! mode, to any order.
//!
//! ```
//! use jacrs::{Dual, Scalar};
//!
//! fn wave<S: Scalar>(x: S) -> S {
//!     if x < 0.0 { x * 2.0 } else { (x * 3.0).sin() }
//! }
//!
//! assert_eq!(wave(-1.0), -2.0);
//! assert_eq!(wave(Dual::variable(0.0)).partials, [3.0]);
//! ```
//!
//! [`Float`] has the functions, [`Arithmetic`] the operators, [`Scalar`] adds constants:
//! `x * 2.0`, `x > 0.0`, `S::from(0.5)`. Rust has no `2.0 * x` for a generic `x`: write `x * 2.0`,
//! `-x + 1.0`, [`x.recip()`](Float::recip), or `S::from(2.0) * x`. For the concrete types constants
//! may stand on both sides. `f32` is a [`Float`] but no [`Scalar`], since Rust has no operators
//! between `f32` and `f64`; `Dual<f32, N>` and `Var<f32>` are both.
//!
//! Values have the bits that arrays have on the same machine.
//!
//! Comparisons are by value, derivatives aside: a branch is taken as it would be in plain numbers,
//! and the derivative is that of the path taken.
//!
//! # Derivatives
//!
//! The rules stand here once more, apart from those of the graph engine and not made from them, so
//! that each can be tested against the other. The conventions are the same: ties of extrema share
//! evenly, steps have slope zero, a pole stays one, and in a product that a derivative introduces
//! an exact zero wins over anything ([`Float::mul0`]).

#![warn(missing_docs)]

mod differential;
mod lanes;
mod matrix;
mod operators;
mod table;
mod width;

use std::fmt::Debug;
use std::iter::{Product, Sum};
use std::ops::{
    Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Rem, RemAssign, Sub, SubAssign,
};

pub use matrix::Matrix;
pub use table::{Float, NAMES, apply};

pub(crate) use differential::{Basic, Differential};
pub(crate) use lanes::{combined, gathered, scaled};
pub(crate) use operators::operators;
pub(crate) use width::{by_width, width};

/// The operators between numbers of one type, and comparisons by value.
pub trait Arithmetic:
    Copy
    + Debug
    + PartialOrd
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Rem<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + RemAssign
    + Sum
    + Product
    + for<'a> Sum<&'a Self>
    + for<'a> Product<&'a Self>
{
}

impl<S> Arithmetic for S where
    S: Copy
        + Debug
        + PartialOrd
        + Neg<Output = Self>
        + Add<Output = Self>
        + Sub<Output = Self>
        + Mul<Output = Self>
        + Div<Output = Self>
        + Rem<Output = Self>
        + AddAssign
        + SubAssign
        + MulAssign
        + DivAssign
        + RemAssign
        + Sum
        + Product
        + for<'a> Sum<&'a Self>
        + for<'a> Product<&'a Self>
{
}

/// A number that generic code computes with: the functions of [`Float`], and operators with `f64`
/// constants on the right. The bound to write in functions that are to be differentiated.
///
/// ```
/// use jacrs::Scalar;
/// fn rosenbrock<S: Scalar>(x: &[S]) -> S {
///     (x[1] - x[0].square()).square() * 100.0 + (x[0] - 1.0).square()
/// }
/// assert_eq!(rosenbrock(&[1.0, 2.0]), 100.0);
/// ```
pub trait Scalar:
    Float
    + From<f64>
    + PartialOrd<f64>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
    + Div<f64, Output = Self>
    + Rem<f64, Output = Self>
    + AddAssign<f64>
    + SubAssign<f64>
    + MulAssign<f64>
    + DivAssign<f64>
    + RemAssign<f64>
{
}

impl<S> Scalar for S where
    S: Float
        + From<f64>
        + PartialOrd<f64>
        + Add<f64, Output = Self>
        + Sub<f64, Output = Self>
        + Mul<f64, Output = Self>
        + Div<f64, Output = Self>
        + Rem<f64, Output = Self>
        + AddAssign<f64>
        + SubAssign<f64>
        + MulAssign<f64>
        + DivAssign<f64>
        + RemAssign<f64>
{
}
