//! Derivatives of array programs at native speed.
//!
//! The modules are the pipeline, in its order; [`error`], [`mod@array`], [`simd`], [`ir`] and [`ops`]
//! are what all stages share.

pub mod error;

pub mod array;
pub mod ir;
pub mod ops;
pub mod simd;

pub mod trace;

pub mod optimize;

pub mod differentiate;

pub mod plan;

pub mod execute;

pub mod assemble;

pub mod scalar;

pub mod dual;

pub mod tape;

pub mod drivers;

pub use drivers::{
    Function, gradient, hessian, hvp, jacobian, jvp, value_and_gradient, value_and_jacobian,
    value_gradient_and_hessian, vjp,
};
pub use dual::Dual;
pub use scalar::{Float, Matrix, Scalar};
pub use tape::{Tape, Var};
