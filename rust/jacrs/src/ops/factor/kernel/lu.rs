//! Gaussian elimination with partial pivoting.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::lu::partial_pivoting::factor::{lu_in_place, lu_in_place_scratch};
use faer::prelude::ReborrowMut;
use faer::{MatMut, Par, Spec};

use super::{Entry, columns, solve_triangular};
use crate::ir::Form;
use crate::simd::math;

/// Up to this size plain loops are faster than a blocked algorithm.
const SMALL: usize = 16;

/// Factors a square matrix in place. Row `i` of the factored matrix was row `rows[i]`.
///
/// As in LAPACK, a column without a pivot is left as it is, and elimination goes on.
pub fn lu<T: Entry>(a: &mut [T], n: usize, rows: &mut [T]) {
    if n <= SMALL {
        return eliminate(a, n, rows);
    }
    let original = a.to_vec();
    let mut buffer = MemBuffer::new(lu_in_place_scratch::<usize, T>(
        n,
        n,
        Par::Seq,
        Spec::default(),
    ));
    let (mut order, mut inverse) = (vec![0usize; n], vec![0usize; n]);
    lu_in_place(
        columns(a, n, n),
        &mut order,
        &mut inverse,
        Par::Seq,
        MemStack::new(&mut buffer),
        Spec::default(),
    );
    // What follows a zero pivot was divided by it.
    if (0..n).any(|i| a[i * n + i] == T::ZERO) {
        a.copy_from_slice(&original);
        return eliminate(a, n, rows);
    }
    for (row, &from) in rows.iter_mut().zip(&order) {
        *row = T::from_f64(from as f64);
    }
}

/// Column by column (Golub & Van Loan, "Matrix Computations", 4th ed., algorithm 3.4.1).
fn eliminate<T: Entry>(a: &mut [T], n: usize, rows: &mut [T]) {
    for (i, row) in rows.iter_mut().enumerate() {
        *row = T::from_f64(i as f64);
    }
    for k in 0..n {
        let mut pivot = k;
        for i in k + 1..n {
            if a[k * n + i].size() > a[k * n + pivot].size() {
                pivot = i;
            }
        }
        if pivot != k {
            rows.swap(k, pivot);
            for j in 0..n {
                a.swap(j * n + k, j * n + pivot);
            }
        }
        let divisor = a[k * n + k];
        if divisor == T::ZERO {
            continue;
        }
        for i in k + 1..n {
            a[k * n + i] /= divisor;
        }
        let (left, right) = a.split_at_mut((k + 1) * n);
        let factors = &left[k * n + k + 1..];
        for column in right.chunks_exact_mut(n) {
            let head = column[k];
            for (x, &factor) in column[k + 1..].iter_mut().zip(factors) {
                *x -= factor * head;
            }
        }
    }
}

/// A packed factorisation.
#[derive(Clone, Copy)]
pub struct Pivots<'a, T> {
    /// Both triangles, column by column.
    pub factors: &'a [T],
    pub rows: &'a [T],
    pub n: usize,
}

impl<T: Entry> Pivots<'_, T> {
    pub fn pivot(&self, i: usize) -> T {
        self.factors[i * self.n + i]
    }

    pub fn is_singular(&self) -> bool {
        (0..self.n).any(|i| self.pivot(i) == T::ZERO)
    }

    fn row(&self, i: usize) -> usize {
        self.rows[i].to_f64() as usize
    }

    /// The sign of the permutation of rows.
    fn parity(&self) -> f64 {
        let mut seen = vec![false; self.n];
        let mut sign = 1.0;
        for start in 0..self.n {
            let mut i = start;
            let mut length = 0;
            while !seen[i] {
                seen[i] = true;
                i = self.row(i);
                length += 1;
            }
            if length > 0 && length % 2 == 0 {
                sign = -sign;
            }
        }
        sign
    }

    /// The sign of the determinant; NaN where a pivot is.
    pub fn sign(&self) -> f64 {
        (0..self.n).fold(self.parity(), |sign, i| {
            let pivot = self.pivot(i).to_f64();
            if pivot.is_nan() || pivot == 0.0 {
                sign * pivot
            } else {
                sign * pivot.signum()
            }
        })
    }

    /// The logarithm of the modulus of the determinant.
    pub fn logdet(&self) -> f64 {
        (0..self.n).map(|i| self.pivot(i).to_f64().abs().ln()).sum()
    }

    /// The determinant, without overflow on the way.
    pub fn det(&self) -> f64 {
        self.scaled_det().value()
    }

    pub fn scaled_det(&self) -> Scaled {
        (0..self.n)
            .map(|i| self.pivot(i).to_f64())
            .fold(Scaled::ONE, Scaled::times)
            .times(self.parity())
    }

    /// Solves in place for the columns of `b`.
    pub fn solve(&self, mut b: MatMut<'_, T>, transposed: bool) {
        let n = self.n;
        let lu = faer::MatRef::from_column_major_slice(self.factors, n, n);
        let mut line = vec![T::ZERO; n];
        if transposed {
            solve_triangular(Form::Lower, lu.transpose(), b.rb_mut());
            solve_triangular(Form::UnitUpper, lu.transpose(), b.rb_mut());
        }
        for j in 0..b.ncols() {
            for i in 0..n {
                if transposed {
                    line[self.row(i)] = b[(i, j)];
                } else {
                    line[i] = b[(self.row(i), j)];
                }
            }
            for (i, &value) in line.iter().enumerate() {
                b[(i, j)] = value;
            }
        }
        if !transposed {
            solve_triangular(Form::UnitLower, lu, b.rb_mut());
            solve_triangular(Form::Upper, lu, b.rb_mut());
        }
    }
}

/// A number `mantissa * 2^exponent` of any size.
#[derive(Clone, Copy)]
pub struct Scaled {
    mantissa: f64,
    exponent: i64,
}

impl Scaled {
    pub const ONE: Self = Self {
        mantissa: 1.0,
        exponent: 0,
    };

    pub fn times(self, factor: f64) -> Self {
        let (mantissa, exponent) = math::frexp(factor);
        self.joined(Self {
            mantissa,
            exponent: i64::from(exponent),
        })
    }

    /// The product of both.
    pub fn joined(self, other: Self) -> Self {
        let (mantissa, exponent) = math::frexp(self.mantissa * other.mantissa);
        Self {
            mantissa,
            exponent: self.exponent + other.exponent + i64::from(exponent),
        }
    }

    pub fn value(self) -> f64 {
        math::ldexp(self.mantissa, self.exponent.clamp(-10_000, 10_000) as i32)
    }
}
