//! Derivatives of closures over dual numbers of a known width.

use super::Dual;
use crate::error::{Result, text};
use crate::scalar::{Float, Matrix};

/// Value and derivative of a function of one variable.
///
/// ```
/// use jacrs::{Float, dual::derivative};
/// assert_eq!(derivative(|x| x.sin(), 0.0), (0.0, 1.0));
/// // Nested, for the second derivative.
/// assert_eq!(derivative(|x| derivative(|x| x * x * x, x).1, 2.0).1, 12.0);
/// ```
pub fn derivative<T: Float>(f: impl FnOnce(Dual<T, 1>) -> Dual<T, 1>, x: T) -> (T, T) {
    let y = f(Dual::variable(x));
    (y.value, y.partials[0])
}

/// Value, and Jacobian times a vector.
///
/// ```
/// use jacrs::{Float, dual::jvp};
/// let (y, jv) = jvp(|x| vec![x[0] * x[1], x[1].exp()], &[3.0, 0.0], &[1.0, 2.0]).unwrap();
/// assert_eq!((y, jv), (vec![0.0, 1.0], vec![6.0, 2.0]));
/// ```
///
/// # Errors
/// `v` and `x` have not the same length.
pub fn jvp<T: Float>(
    f: impl FnOnce(&[Dual<T, 1>]) -> Vec<Dual<T, 1>>,
    x: &[T],
    v: &[T],
) -> Result<(Vec<T>, Vec<T>)> {
    check_tangent(x, v)?;
    let moving: Vec<_> = (x.iter().zip(v))
        .map(|(&x, &v)| Dual::new(x, [v]))
        .collect();
    let y = f(&moving);
    Ok(y.iter().map(|y| (y.value, y.partials[0])).unzip())
}

pub(crate) fn check_tangent<T>(x: &[T], v: &[T]) -> Result<()> {
    if x.len() == v.len() {
        return Ok(());
    }
    Err(text::wrong_tangent(v.len(), x.len()))
}

/// The Jacobian, `N` columns at a time.
///
/// ```
/// use jacrs::{Dual, Float, dual::jacobian};
/// let j = jacobian(|x: &[Dual<f64, 2>]| vec![x[0] * x[1], x[1].exp()], &[3.0, 0.0]).unwrap();
/// assert_eq!(j.as_slice(), [0.0, 3.0, 0.0, 1.0]);
/// ```
///
/// # Errors
/// `N` is zero although there are inputs; `f` does not always give the same number of outputs.
pub fn jacobian<T: Float, const N: usize>(
    f: impl FnMut(&[Dual<T, N>]) -> Vec<Dual<T, N>>,
    x: &[T],
) -> Result<Matrix<T>> {
    Ok(value_and_jacobian(f, x)?.1)
}

/// Value and Jacobian, `N` columns at a time.
///
/// # Errors
/// As [`jacobian`].
pub fn value_and_jacobian<T: Float, const N: usize>(
    mut f: impl FnMut(&[Dual<T, N>]) -> Vec<Dual<T, N>>,
    x: &[T],
) -> Result<(Vec<T>, Matrix<T>)> {
    let n = x.len();
    if N == 0 && n > 0 {
        return Err(text::no_partials("Jacobian"));
    }
    let mut moving: Vec<Dual<T, N>> = x.iter().map(|&x| Dual::constant(x)).collect();
    let zero = T::from_f64(0.0);
    let (mut values, mut jacobian) = (vec![], Matrix::filled(0, n, zero));
    // A function of nothing is run too: its value is wanted.
    for start in (0..n.max(1)).step_by(N.max(1)) {
        let chunk = start..n.min(start + N);
        for j in chunk.clone() {
            moving[j] = Dual::seeded(x[j], j - start);
        }
        let y = f(&moving);
        if start == 0 {
            jacobian = Matrix::filled(y.len(), n, zero);
            values = y.iter().map(|y| y.value).collect();
        }
        if y.len() != values.len() {
            return Err(text::outputs_changed(values.len(), y.len()));
        }
        for (i, y) in y.iter().enumerate() {
            for j in chunk.clone() {
                jacobian[(i, j)] = y.partials[j - start];
            }
        }
        for j in chunk {
            moving[j] = Dual::constant(x[j]);
        }
    }
    Ok((values, jacobian))
}
