//! Derivatives of ordinary Rust functions, and of array programs at native speed.
//!
//! # Rust functions
//!
//! A function is written once, over [`Scalar`]; [`gradient`], [`jacobian`] and [`hessian`]
//! differentiate it, exact to rounding.
//!
//! ```
//! use jacrs::{Scalar, function, gradient, hessian, jacobian};
//!
//! fn rosenbrock<S: Scalar>(x: &[S]) -> S {
//!     (x[1] - x[0].square()).square() * 100.0 + (x[0] - 1.0).square()
//! }
//!
//! fn polar<S: Scalar>(x: &[S]) -> [S; 2] {
//!     [x[0] * x[1].cos(), x[0] * x[1].sin()]
//! }
//!
//! let g = gradient(function!(rosenbrock), &[1.0, 2.0])?;
//! let h = hessian(function!(rosenbrock), &[1.0, 2.0])?;
//! let j = jacobian(function!(polar), &[2.0, 0.0])?;
//! assert_eq!(g, [-400.0, 200.0]);
//! assert_eq!((h.row(0), h.row(1)), (&[402.0, -400.0][..], &[-400.0, 200.0][..]));
//! assert_eq!((j.row(0), j.row(1)), (&[1.0, 0.0][..], &[0.0, 2.0][..]));
//! # Ok::<(), jacrs::error::Error>(())
//! ```
//!
//! Loops, branches, helper functions and data structures stay as they are: what runs is the
//! function itself, on numbers that carry derivatives. There are two kinds of them.
//!
//! [`Dual`] numbers go forward: a value with its derivatives in `N` directions, side by side in
//! vector registers.
//!
//! ```
//! use jacrs::{Dual, Float};
//! let x = Dual::variable(2.0);
//! assert_eq!((x * x.ln()).partials, [2f64.ln() + 1.0]);
//! ```
//!
//! A [`Tape`] goes backward: one sweep gives the derivatives by any number of variables.
//!
//! ```
//! use jacrs::Tape;
//! let tape = Tape::new();
//! let x = tape.vars(&[1.0, 2.0, 3.0]);
//! let product = x.iter().product();
//! assert_eq!(tape.gradient(product, &x), [6.0, 3.0, 2.0]);
//! ```
//!
//! One over the other gives second derivatives: here a gradient, and its derivatives by `x[0]`.
//!
//! ```
//! use jacrs::{Dual, Float, Tape};
//! let tape = Tape::new();
//! let x = [tape.var(Dual::variable(3.0)), tape.var(Dual::constant(5.0))];
//! let slopes = tape.gradient(x[0].square() * x[1], &x);
//! assert_eq!(slopes.iter().map(|s| s.value).collect::<Vec<f64>>(), [30.0, 9.0]);
//! assert_eq!(slopes.iter().map(|s| s.partials[0]).collect::<Vec<f64>>(), [10.0, 6.0]);
//! ```
//!
//! | module | what is in it |
//! |---|---|
//! | [`drivers`] | derivatives of generic functions; the mode is chosen |
//! | [`scalar`] | the traits that such functions are written over, and the rules |
//! | [`dual`], [`mod@tape`] | the two modes, and derivatives of closures in one of them |
//!
//! # Array programs
//!
//! The rest of the crate is the engine of the Python package: programs over whole arrays as graphs,
//! derivatives as graphs made from them, fused and run on all cores. It is the choice where the
//! work is in large arrays, where a program is run many times, or where its derivatives are to be
//! looked at, kept and optimized. The scalar modules do not use it, nor it them: they are an
//! independent answer, against which it is tested.
//!
//! ```
//! use jacrs::{array::Array, differentiate::vjp, ir::parse, optimize::optimize, plan::Plan};
//! let mut g = parse("
//!     %0 = input! : float64[3]
//!     %1 = square(%0) : float64[3]
//!     %2 = sum(%1, [0]) : float64[]
//!     %3 = const(1.0) : float64[]
//!     return %2").unwrap();
//! let (x, y, one) = (g.inputs()[0], g.outputs[0], g.ids().last().unwrap());
//! g.outputs = vec![vjp(&mut g, &[y], &[x], &[Some(one)])[0].unwrap()];
//! let gradient = Plan::new(&optimize(&g))?.evaluate(&[Array::from_slice(&[3], &[1.0, 2.0, 3.0])])?;
//! assert_eq!(gradient[0].to_vec::<f64>(), [2.0, 4.0, 6.0]);
//! # Ok::<(), jacrs::error::Error>(())
//! ```
//!
//! The modules are the pipeline, in its order; [`error`], [`interrupt`], [`memory`], [`mod@array`],
//! [`simd`], [`ir`] and [`ops`] are what all stages share.

pub mod error;

pub mod interrupt;
pub mod memory;

pub mod array;
pub mod ir;
pub mod ops;
pub mod simd;

pub mod trace;

pub mod optimize;

pub mod differentiate;

pub mod sparsity;

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
