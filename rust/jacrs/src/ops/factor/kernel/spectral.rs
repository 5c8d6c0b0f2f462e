//! Eigenvalues of symmetric matrices and singular values.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::svd::{self, ComputeSvdVectors};
use faer::{MatRef, Par, Spec};

use super::{Entry, columns};
use crate::error::{Result, text};
use crate::simd::math;

/// Eigenvalues in ascending order and eigenvectors of a matrix, of which the lower triangle is read;
/// NaN where it holds something that is not finite.
///
/// # Errors
/// If the iteration does not converge.
pub fn eigh<T: Entry>(a: &mut [T], n: usize, values: &mut [T], vectors: &mut [T]) -> Result<()> {
    if n == 0 {
        return Ok(());
    }
    let failed = || text::no_eigenvalues();
    for j in 1..n {
        a[j * n..j * n + j].fill(T::ZERO);
    }
    let Some(scale) = scale(a) else {
        values.fill(T::from_f64(f64::NAN));
        vectors.fill(T::from_f64(f64::NAN));
        return Ok(());
    };
    scaled(a, T::ONE / scale);
    let mut buffer = MemBuffer::new(self_adjoint_evd_scratch::<T>(
        n,
        ComputeEigenvectors::Yes,
        Par::Seq,
        Spec::default(),
    ));
    self_adjoint_evd(
        MatRef::from_column_major_slice(a, n, n),
        faer::ColMut::from_slice_mut(values).as_diagonal_mut(),
        Some(columns(vectors, n, n)),
        Par::Seq,
        MemStack::new(&mut buffer),
        Spec::default(),
    )
    .map_err(|_| failed())?;
    scaled(values, scale);
    for vector in vectors.chunks_exact_mut(n) {
        if is_flipped(vector) {
            flip(vector);
        }
    }
    Ok(())
}

/// Singular values in descending order, and singular vectors as columns of `u` and `v`: as many as
/// there is room for. NaN where the matrix holds an infinity.
///
/// # Errors
/// Where the matrix holds a NaN, or the iteration does not converge.
pub fn svd<T: Entry>(
    a: &mut [T],
    (m, n): (usize, usize),
    u: &mut [T],
    s: &mut [T],
    v: &mut [T],
) -> Result<()> {
    let failed = || text::no_singular_values();
    if a.iter().any(|&x| x.to_f64().is_nan()) {
        return Err(failed());
    }
    let Some(scale) = scale(a) else {
        for part in [u, s, v] {
            part.fill(T::from_f64(f64::NAN));
        }
        return Ok(());
    };
    scaled(a, T::ONE / scale);
    let (left, right) = (u.len() / m.max(1), v.len() / n.max(1));
    let size = |columns: usize| {
        if columns > m.min(n) {
            ComputeSvdVectors::Full
        } else {
            ComputeSvdVectors::Thin
        }
    };
    let mut buffer = MemBuffer::new(svd::svd_scratch::<T>(
        m,
        n,
        size(left),
        size(right),
        Par::Seq,
        Spec::default(),
    ));
    svd::svd(
        MatRef::from_column_major_slice(a, m, n),
        faer::ColMut::from_slice_mut(s).as_diagonal_mut(),
        Some(columns(u, m, left)),
        Some(columns(v, n, right)),
        Par::Seq,
        MemStack::new(&mut buffer),
        Spec::default(),
    )
    .map_err(|_| failed())?;
    scaled(s, scale);
    for k in 0..left.max(right) {
        let flipped = if k < left {
            is_flipped(&u[k * m..(k + 1) * m])
        } else {
            is_flipped(&v[k * n..(k + 1) * n])
        };
        // A pair of singular vectors turns together; what completes a basis has no partner.
        if flipped && k < left {
            flip(&mut u[k * m..(k + 1) * m]);
        }
        if flipped && k < right {
            flip(&mut v[k * n..(k + 1) * n]);
        }
    }
    Ok(())
}

/// A power of two that brings the largest entry near one where it is very large or very small;
/// none where an entry is not finite.
fn scale<T: Entry>(a: &[T]) -> Option<T> {
    let mut largest = 0.0f64;
    for x in a {
        let size = x.to_f64().abs();
        if !size.is_finite() {
            return None;
        }
        largest = largest.max(size);
    }
    let (_, exponent) = math::frexp(largest);
    // Squares of the entries must neither overflow nor vanish.
    let bound = if size_of::<T>() == 4 { 24 } else { 200 };
    if largest == 0.0 || exponent.abs() < bound {
        return Some(T::ONE);
    }
    // The reciprocal must be finite as well.
    let most = if size_of::<T>() == 4 { 120 } else { 1000 };
    Some(T::from_f64(math::ldexp(1.0, exponent.clamp(-most, most))))
}

fn scaled<T: Entry>(x: &mut [T], factor: T) {
    if factor != T::ONE {
        for x in x {
            *x *= factor;
        }
    }
}

/// Whether the first of the largest entries is negative.
fn is_flipped<T: Entry>(x: &[T]) -> bool {
    let mut largest = T::ZERO;
    for &x in x {
        if x.size() > largest.size() {
            largest = x;
        }
    }
    largest < T::ZERO
}

fn flip<T: Entry>(x: &mut [T]) {
    for x in x {
        *x = -*x;
    }
}
