//! Derivatives of closures over the variables of a tape.

use super::{Tape, Var};
use crate::dual::Dual;
use crate::error::{Result, text};
use crate::scalar::{Float, Matrix};

/// The gradient of a function with one output.
///
/// ```
/// use jacrs::{Float, tape::gradient};
/// assert_eq!(gradient(|x| x[0] * x[1].exp(), &[3.0, 0.0]), [1.0, 3.0]);
/// ```
pub fn gradient<T: Float>(f: impl for<'t> FnOnce(&[Var<'t, T>]) -> Var<'t, T>, x: &[T]) -> Vec<T> {
    value_and_gradient(f, x).1
}

/// Value and gradient of a function with one output.
///
/// ```
/// use jacrs::{Float, tape::value_and_gradient};
/// let data = [1.0, 2.0];
/// let loss = value_and_gradient(|x| data.iter().map(|&d| (x[0] - d).square()).sum(), &[0.0]);
/// assert_eq!(loss, (5.0, vec![-6.0]));
/// ```
pub fn value_and_gradient<T: Float>(
    f: impl for<'t> FnOnce(&[Var<'t, T>]) -> Var<'t, T>,
    x: &[T],
) -> (T, Vec<T>) {
    let tape = Tape::new();
    let xs = tape.vars(x);
    let y = f(&xs);
    (y.value(), tape.gradient(y, &xs))
}

/// Value, and a vector times the Jacobian.
///
/// ```
/// use jacrs::{Float, tape::vjp};
/// let (y, wj) = vjp(|x| vec![x[0] * x[1], x[1].exp()], &[3.0, 0.0], &[1.0, 2.0]).unwrap();
/// assert_eq!((y, wj), (vec![0.0, 1.0], vec![0.0, 5.0]));
/// ```
///
/// # Errors
/// `w` has not one element for each output.
pub fn vjp<T: Float>(
    f: impl for<'t> FnOnce(&[Var<'t, T>]) -> Vec<Var<'t, T>>,
    x: &[T],
    w: &[T],
) -> Result<(Vec<T>, Vec<T>)> {
    let tape = Tape::new();
    let xs = tape.vars(x);
    let ys = f(&xs);
    if ys.len() != w.len() {
        return Err(text::wrong_cotangent(w.len(), ys.len()));
    }
    let seeds: Vec<_> = ys.iter().zip(w).map(|(&y, &w)| (y, [w])).collect();
    let swept = tape.sweep(&seeds);
    let values = ys.iter().map(|y| y.value()).collect();
    Ok((values, xs.iter().map(|&x| swept.of(x)[0]).collect()))
}

/// The Jacobian, a row for each output.
///
/// ```
/// use jacrs::{Float, tape::jacobian};
/// let j = jacobian(|x| vec![x[0] * x[1] * x[2]], &[1.0, 2.0, 3.0]);
/// assert_eq!(j.as_slice(), [6.0, 3.0, 2.0]);
/// ```
pub fn jacobian<T: Float>(
    f: impl for<'t> FnOnce(&[Var<'t, T>]) -> Vec<Var<'t, T>>,
    x: &[T],
) -> Matrix<T> {
    value_and_jacobian(f, x).1
}

/// Value and Jacobian.
pub fn value_and_jacobian<T: Float>(
    f: impl for<'t> FnOnce(&[Var<'t, T>]) -> Vec<Var<'t, T>>,
    x: &[T],
) -> (Vec<T>, Matrix<T>) {
    let tape = Tape::new();
    let xs = tape.vars(x);
    let ys = f(&xs);
    let values = ys.iter().map(|y| y.value()).collect();
    (values, tape.jacobian(&ys, &xs))
}

/// The Hessian of a function with one output, `N` columns at a time: forward mode over reverse.
///
/// ```
/// use jacrs::{Float, tape::hessian};
/// let h = hessian::<f64, 2>(|x| x[0].square() * x[1], &[3.0, 5.0]).unwrap();
/// assert_eq!(h.as_slice(), [10.0, 6.0, 6.0, 0.0]);
/// ```
///
/// # Errors
/// `N` is zero although there are inputs.
pub fn hessian<T: Float, const N: usize>(
    f: impl for<'t> FnMut(&[Var<'t, Dual<T, N>>]) -> Var<'t, Dual<T, N>>,
    x: &[T],
) -> Result<Matrix<T>> {
    Ok(value_gradient_and_hessian(f, x)?.2)
}

/// Value, gradient and Hessian of a function with one output, `N` columns at a time.
///
/// # Errors
/// As [`hessian`].
pub fn value_gradient_and_hessian<T: Float, const N: usize>(
    mut f: impl for<'t> FnMut(&[Var<'t, Dual<T, N>>]) -> Var<'t, Dual<T, N>>,
    x: &[T],
) -> Result<(T, Vec<T>, Matrix<T>)> {
    second_order(|x| Ok(f(x)), x)
}

/// Value, gradient and Hessian of a function that may refuse.
pub(crate) fn second_order<T: Float, const N: usize>(
    mut f: impl for<'t> FnMut(&[Var<'t, Dual<T, N>>]) -> Result<Var<'t, Dual<T, N>>>,
    x: &[T],
) -> Result<(T, Vec<T>, Matrix<T>)> {
    let n = x.len();
    if N == 0 && n > 0 {
        return Err(text::no_partials("Hessian"));
    }
    let zero = T::from_f64(0.0);
    let (mut value, mut gradient) = (zero, vec![]);
    let mut hessian = Matrix::filled(n, n, zero);
    let mut tape = Tape::new();
    // A function of nothing is run too: its value is wanted.
    for start in (0..n.max(1)).step_by(N.max(1)) {
        tape.clear();
        let chunk = start..n.min(start + N);
        let xs: Vec<_> = (x.iter().enumerate())
            .map(|(j, &x)| {
                tape.var(if chunk.contains(&j) {
                    Dual::seeded(x, j - start)
                } else {
                    Dual::constant(x)
                })
            })
            .collect();
        let y = f(&xs)?;
        let slopes = tape.gradient(y, &xs);
        for (i, slope) in slopes.iter().enumerate() {
            for j in chunk.clone() {
                hessian[(i, j)] = slope.partials[j - start];
            }
        }
        value = y.value().value;
        gradient = slopes.iter().map(|slope| slope.value).collect();
    }
    Ok((value, gradient, hessian))
}
