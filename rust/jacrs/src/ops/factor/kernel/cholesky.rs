//! The factor of a positive definite matrix.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::{Par, Spec};

use super::{Entry, columns};
use crate::error::{Result, text};

/// Factors in place, from the lower triangle alone; zeros above. NaN where the triangle holds one.
///
/// # Errors
/// If the matrix is not positive definite.
pub fn cholesky<T: Entry>(a: &mut [T], n: usize) -> Result<()> {
    let given = |i: usize, j: usize| a[j * n + i].to_f64();
    if (0..n).any(|j| (j..n).any(|i| given(i, j).is_nan())) {
        a.fill(T::from_f64(f64::NAN));
    } else {
        factor(a, n)?;
    }
    for j in 1..n {
        a[j * n..j * n + j].fill(T::ZERO);
    }
    Ok(())
}

fn factor<T: Entry>(a: &mut [T], n: usize) -> Result<()> {
    let mut buffer = MemBuffer::new(cholesky_in_place_scratch::<T>(n, Par::Seq, Spec::default()));
    let factored = cholesky_in_place(
        columns(a, n, n),
        LltRegularization::default(),
        Par::Seq,
        MemStack::new(&mut buffer),
        Spec::default(),
    );
    let positive = |i: usize| a[i * n + i] > T::ZERO;
    if factored.is_err() || !(0..n).all(positive) {
        return Err(text::not_positive_definite());
    }
    Ok(())
}
