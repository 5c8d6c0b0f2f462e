//! The elementary functions: branch-free scalar source, generic over the [`Arithmetic`] of a level,
//! that the compiler vectorises where it is inlined into a loop.
//!
//! Everything is computed in float64; results for float32 are rounded at the end. Within 1.3 ULP
//! unless it says otherwise, for all arguments and at every level; special values as in C99,
//! annex F, and in SciPy for what C99 does not have. `docs/math.md` has what was measured.
//!
//! Coefficients are computed by `scripts/minimax.py`. The methods are published ones, named where
//! they are used.

#![allow(
    clippy::needless_bitwise_bool,
    clippy::manual_range_contains,
    reason = "lazy operators are branches, which vectors do not have"
)]

mod arithmetic;
mod coefficients;
mod error_function;
mod exponent;
mod exponential;
mod gamma;
mod inverse;
mod logarithm;
mod payne_hanek;
mod power;
mod roots;
mod trigonometric;

pub use arithmetic::{Arithmetic, Common, Fused, Plain, Portable, Single};
pub use error_function::{erf, erfc};
pub use exponent::{frexp, ldexp};
pub use exponential::{cosh, exp, exp2, expit, expm1, sinh, tanh};
pub use gamma::{digamma, gammaln, zeta};
pub use inverse::{acos, asin, atan, atan2};
pub use logarithm::{acosh, asinh, atanh, log, log1p, log2, log10, logaddexp, logaddexp2};
pub use power::pow;
pub use roots::{cbrt, hypot};
pub use trigonometric::{cos, is_moderate, sin, sin_cos, tan};
