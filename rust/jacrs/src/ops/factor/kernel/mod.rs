//! One matrix at a time: factorisations and triangular solves, without threads of their own.
//!
//! Matrices are columns one after the other in memory. The work is done by `faer`; what LAPACK does
//! otherwise where a pivot or a column vanishes is done here, by the plain loops.

mod cholesky;
mod lu;
mod orthogonal;
mod resolvent;
mod spectral;
mod ties;

pub use cholesky::cholesky;
pub use lu::{Pivots, Scaled, lu};
pub use orthogonal::qr;
pub use resolvent::{Bases, resolvent};
pub use spectral::{eigh, svd};
pub use ties::{deficient, repeated, share, singular_ties, tolerance};

use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use faer::linalg::triangular_solve as faer_solve;
use faer::{MatMut, MatRef, Par};

use crate::array::{DType, Element, Layout, Strides, View, copy};
use crate::ir::Form;

/// Single and double precision.
pub trait Entry:
    faer::traits::RealField
    + Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
{
    const ZERO: Self;
    const ONE: Self;
    const DTYPE: DType;
    fn to_f64(self) -> f64;
    fn from_f64(x: f64) -> Self;

    fn size(self) -> Self {
        if self < Self::ZERO { -self } else { self }
    }
}

macro_rules! entry {
    ($($T:ident)*) => {
        $(impl Entry for $T {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const DTYPE: DType = <$T as Element>::DTYPE;
            #[allow(clippy::cast_lossless, reason = "from float64 it is none")]
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn from_f64(x: f64) -> Self {
                x as $T
            }
        })*
    };
}
entry!(f32 f64);

/// Copies the matrix at an offset of a view, row after row.
pub fn load_rows<T: Entry>(view: &View, offset: isize, rows: &mut [T]) {
    let r = view.shape().len();
    let source = Layout {
        shape: view.shape()[r - 2..].into(),
        strides: Strides::from_slice(&view.strides()[r - 2..]),
    };
    let target = Layout::contiguous(&source.shape);
    debug_assert_eq!(rows.len(), source.shape.iter().product::<usize>());
    copy(
        &view.relaid(offset, source),
        rows.as_mut_ptr().cast(),
        &target,
    );
}

/// Copies the matrix at an offset of a view, column after column.
pub fn load<T: Entry>(view: &View, offset: isize, columns: &mut [T]) {
    let r = view.shape().len();
    let (m, n) = (view.shape()[r - 2], view.shape()[r - 1]);
    let strides = &view.strides()[r - 2..];
    debug_assert_eq!(columns.len(), m * n);
    if strides[0] == 1 || m * n > 64 {
        let source = Layout {
            shape: [n, m].as_slice().into(),
            strides: Strides::from_slice(&[strides[1], strides[0]]),
        };
        let target = Layout::contiguous(&[n, m]);
        return copy(
            &view.relaid(offset, source),
            columns.as_mut_ptr().cast(),
            &target,
        );
    }
    let base = view.ptr.cast::<T>().wrapping_offset(offset);
    for j in 0..n {
        for i in 0..m {
            let at = i as isize * strides[0] + j as isize * strides[1];
            // SAFETY: inside the matrix, which the view holds at this offset.
            columns[j * m + i] = unsafe { base.offset(at).read() };
        }
    }
}

/// The matrix with these columns.
pub fn columns<T: Entry>(x: &mut [T], m: usize, n: usize) -> MatMut<'_, T> {
    MatMut::from_column_major_slice_mut(x, m, n)
}

/// Solves `t x = b` in place for a triangular matrix; a zero on the diagonal gives no finite number.
pub fn solve_triangular<T: Entry>(form: Form, t: MatRef<'_, T>, b: MatMut<'_, T>) {
    match form {
        Form::Lower => faer_solve::solve_lower_triangular_in_place(t, b, Par::Seq),
        Form::Upper => faer_solve::solve_upper_triangular_in_place(t, b, Par::Seq),
        Form::UnitLower => faer_solve::solve_unit_lower_triangular_in_place(t, b, Par::Seq),
        Form::UnitUpper => faer_solve::solve_unit_upper_triangular_in_place(t, b, Par::Seq),
        Form::General => unreachable!("a triangular system"),
    }
}

/// The same triangle of the transposed matrix.
pub fn transposed(form: Form) -> Form {
    match form {
        Form::Lower => Form::Upper,
        Form::Upper => Form::Lower,
        Form::UnitLower => Form::UnitUpper,
        Form::UnitUpper => Form::UnitLower,
        Form::General => Form::General,
    }
}
