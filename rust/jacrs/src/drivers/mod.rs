//! Derivatives of generic functions: the mode and the number of lanes are chosen for the caller.
//!
//! A function is written once, over [`Scalar`]:
//!
//! ```
//! use jacrs::{Scalar, function, gradient, hessian};
//!
//! fn rosenbrock<S: Scalar>(x: &[S]) -> S {
//!     (x[1] - x[0].square()).square() * 100.0 + (x[0] - 1.0).square()
//! }
//!
//! let f = function!(rosenbrock);
//! assert_eq!(gradient(f, &[1.0, 2.0])?, [-400.0, 200.0]);
//! assert_eq!(hessian(f, &[1.0, 2.0])?.row(0), [402.0, -400.0]);
//! # Ok::<(), jacrs::error::Error>(())
//! ```
//!
//! Rust has no generic closures. [`function!`](crate::function) makes a [`Function`] of a generic
//! `fn`; what needs data beside `x` is a type of its own that implements the trait:
//!
//! ```
//! use jacrs::{Function, Scalar, jacobian};
//!
//! struct Decay<'a> {
//!     times: &'a [f64],
//! }
//!
//! impl Function for Decay<'_> {
//!     fn call<S: Scalar>(&self, x: &[S]) -> Vec<S> {
//!         self.times.iter().map(|&t| x[0] * (-x[1] * t).exp()).collect()
//!     }
//! }
//!
//! let j = jacobian(Decay { times: &[0.0, 1.0] }, &[2.0, 0.0])?;
//! assert_eq!(j.as_slice(), [1.0, 0.0, 1.0, -2.0]);
//! # Ok::<(), jacrs::error::Error>(())
//! ```
//!
//! A closure can do where one mode is enough, for it is then of one type: the functions of
//! [`dual`] and [`tape`](mod@tape) take closures.
//!
//! ```
//! let data = vec![1.0, 2.0, 3.0];
//! let g = jacrs::tape::gradient(|x| data.iter().map(|&d| (x[0] - d) * (x[0] - d)).sum(), &[0.0]);
//! assert_eq!(g, [-12.0]);
//! ```
//!
//! # Which mode
//!
//! Forward mode takes a pass for every eight inputs; reverse mode takes a recorded pass, which costs
//! as much as a few of those, and a sweep for every eight outputs. So forward mode is taken for up
//! to sixteen inputs, and beyond unless there are more than twice as many inputs as outputs. Their
//! number is found by a run without derivatives.

#![warn(missing_docs)]

use crate::dual::{self, Dual};
use crate::error::{Result, text};
use crate::scalar::{Float, Matrix, Scalar, by_width};
use crate::tape::{self, Tape};

/// Up to as many inputs forward mode is cheaper than any tape.
const FEW: usize = 16;

/// A function that may be called with any kind of number.
pub trait Function {
    /// The outputs at `x`.
    fn call<S: Scalar>(&self, x: &[S]) -> Vec<S>;
}

impl<F: Function> Function for &F {
    fn call<S: Scalar>(&self, x: &[S]) -> Vec<S> {
        F::call(self, x)
    }
}

/// What a generic `fn` may return to be made a [`Function`]: a number, an array, or a vector.
pub trait Outputs<S> {
    /// The numbers.
    fn into_outputs(self) -> Vec<S>;
}

impl<S: Scalar> Outputs<S> for S {
    fn into_outputs(self) -> Vec<S> {
        vec![self]
    }
}

impl<S: Scalar> Outputs<S> for Vec<S> {
    fn into_outputs(self) -> Vec<S> {
        self
    }
}

impl<S: Scalar, const M: usize> Outputs<S> for [S; M] {
    fn into_outputs(self) -> Vec<S> {
        self.into()
    }
}

/// Makes a [`Function`] of a generic `fn` from a slice to a number, an array or a vector.
///
/// ```
/// use jacrs::{Scalar, function, jacobian};
/// fn polar<S: Scalar>(x: &[S]) -> [S; 2] {
///     [x[0] * x[1].cos(), x[0] * x[1].sin()]
/// }
/// assert_eq!(jacobian(function!(polar), &[2.0, 0.0])?.as_slice(), [1.0, 0.0, 0.0, 2.0]);
/// # Ok::<(), jacrs::error::Error>(())
/// ```
#[macro_export]
macro_rules! function {
    ($f:path) => {{
        #[derive(Clone, Copy)]
        struct Generic;
        impl $crate::Function for Generic {
            fn call<S: $crate::Scalar>(&self, x: &[S]) -> Vec<S> {
                $crate::drivers::Outputs::into_outputs($f(x))
            }
        }
        Generic
    }};
}

/// The gradient of a function with one output.
///
/// # Errors
/// It has another number of outputs.
pub fn gradient<T: Float>(f: impl Function, x: &[T]) -> Result<Vec<T>> {
    Ok(value_and_gradient(f, x)?.1)
}

/// Value and gradient of a function with one output.
///
/// ```
/// use jacrs::{Scalar, function, value_and_gradient};
/// fn energy<S: Scalar>(x: &[S]) -> S {
///     x.iter().map(|x| x.square()).sum()
/// }
/// assert_eq!(value_and_gradient(function!(energy), &[3.0, 4.0])?, (25.0, vec![6.0, 8.0]));
/// # Ok::<(), jacrs::error::Error>(())
/// ```
///
/// # Errors
/// It has another number of outputs.
pub fn value_and_gradient<T: Float>(f: impl Function, x: &[T]) -> Result<(T, Vec<T>)> {
    let (y, jacobian) = if x.len() <= FEW {
        forward(&f, x)?
    } else {
        tape::value_and_jacobian(|x| f.call(x), x)
    };
    Ok((single(&y)?, jacobian.into_vec()))
}

/// The Jacobian: a row for each output, a column for each input.
///
/// ```
/// use jacrs::{Scalar, function, jacobian};
/// fn f<S: Scalar>(x: &[S]) -> [S; 2] {
///     [x[0] * x[1].sin(), x[0].square()]
/// }
/// let j = jacobian(function!(f), &[2.0, 0.0])?;
/// assert_eq!(j.row(0), [0.0, 2.0]);
/// assert_eq!(j.row(1), [4.0, 0.0]);
/// # Ok::<(), jacrs::error::Error>(())
/// ```
///
/// # Errors
/// The function does not always give the same number of outputs.
pub fn jacobian<T: Float>(f: impl Function, x: &[T]) -> Result<Matrix<T>> {
    Ok(value_and_jacobian(f, x)?.1)
}

/// Value and Jacobian.
///
/// # Errors
/// As [`jacobian`].
pub fn value_and_jacobian<T: Float>(f: impl Function, x: &[T]) -> Result<(Vec<T>, Matrix<T>)> {
    let n = x.len();
    if n > FEW && n > 2 * outputs(&f, x) {
        Ok(tape::value_and_jacobian(|x| f.call(x), x))
    } else {
        forward(&f, x)
    }
}

/// The Hessian of a function with one output: forward mode over reverse.
///
/// ```
/// use jacrs::{Scalar, function, hessian};
/// fn f<S: Scalar>(x: &[S]) -> S {
///     x[0].square() * x[1]
/// }
/// assert_eq!(hessian(function!(f), &[3.0, 5.0])?.as_slice(), [10.0, 6.0, 6.0, 0.0]);
/// # Ok::<(), jacrs::error::Error>(())
/// ```
///
/// # Errors
/// It has another number of outputs.
pub fn hessian<T: Float>(f: impl Function, x: &[T]) -> Result<Matrix<T>> {
    Ok(value_gradient_and_hessian(f, x)?.2)
}

/// Value, gradient and Hessian of a function with one output.
///
/// # Errors
/// It has another number of outputs.
pub fn value_gradient_and_hessian<T: Float>(
    f: impl Function,
    x: &[T],
) -> Result<(T, Vec<T>, Matrix<T>)> {
    by_width!(x.len(), N => tape::second_order::<T, N>(|x| single(&f.call(x)), x))
}

/// Value, and Jacobian times a vector: one forward pass.
///
/// ```
/// use jacrs::{Scalar, function, jvp};
/// fn f<S: Scalar>(x: &[S]) -> [S; 2] {
///     [x[0] * x[1], x[1].exp()]
/// }
/// assert_eq!(jvp(function!(f), &[3.0, 0.0], &[1.0, 2.0])?, (vec![0.0, 1.0], vec![6.0, 2.0]));
/// # Ok::<(), jacrs::error::Error>(())
/// ```
///
/// # Errors
/// `v` and `x` have not the same length.
pub fn jvp<T: Float>(f: impl Function, x: &[T], v: &[T]) -> Result<(Vec<T>, Vec<T>)> {
    dual::jvp(|x| f.call(x), x, v)
}

/// Value, and a vector times the Jacobian: one recorded pass and one sweep.
///
/// ```
/// use jacrs::{Scalar, function, vjp};
/// fn f<S: Scalar>(x: &[S]) -> [S; 2] {
///     [x[0] * x[1], x[1].exp()]
/// }
/// assert_eq!(vjp(function!(f), &[3.0, 0.0], &[1.0, 2.0])?, (vec![0.0, 1.0], vec![0.0, 5.0]));
/// # Ok::<(), jacrs::error::Error>(())
/// ```
///
/// # Errors
/// `w` has not one element for each output.
pub fn vjp<T: Float>(f: impl Function, x: &[T], w: &[T]) -> Result<(Vec<T>, Vec<T>)> {
    tape::vjp(|x| f.call(x), x, w)
}

/// The Hessian of a function with one output, times a vector: one recorded pass and one sweep,
/// whatever the number of inputs.
///
/// ```
/// use jacrs::{Scalar, function, hvp};
/// fn f<S: Scalar>(x: &[S]) -> S {
///     x[0].square() * x[1]
/// }
/// assert_eq!(hvp(function!(f), &[3.0, 5.0], &[1.0, 0.0])?, [10.0, 6.0]);
/// # Ok::<(), jacrs::error::Error>(())
/// ```
///
/// # Errors
/// `v` and `x` have not the same length; the function has another number of outputs.
pub fn hvp<T: Float>(f: impl Function, x: &[T], v: &[T]) -> Result<Vec<T>> {
    dual::check_tangent(x, v)?;
    let tape = Tape::new();
    let xs: Vec<_> = (x.iter().zip(v))
        .map(|(&x, &v)| tape.var(Dual::new(x, [v])))
        .collect();
    let y = single(&f.call(&xs))?;
    // The derivatives of the gradient along `v`.
    Ok(tape
        .gradient(y, &xs)
        .iter()
        .map(|slope| slope.partials[0])
        .collect())
}

/// All columns by forward mode.
fn forward<T: Float>(f: &impl Function, x: &[T]) -> Result<(Vec<T>, Matrix<T>)> {
    by_width!(x.len(), N => dual::value_and_jacobian::<T, N>(|x| f.call(x), x))
}

/// How many outputs a function has.
fn outputs<T: Float>(f: &impl Function, x: &[T]) -> usize {
    let plain: Vec<Dual<T, 0>> = x.iter().map(|&x| Dual::constant(x)).collect();
    f.call(&plain).len()
}

fn single<T: Copy>(y: &[T]) -> Result<T> {
    match y {
        [y] => Ok(*y),
        _ => Err(text::not_one_output(y.len())),
    }
}
