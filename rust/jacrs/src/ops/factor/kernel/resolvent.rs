//! The reduced resolvent, by eigenvectors or singular vectors.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::{Entry, tolerance};

/// Up to so many products plain loops are faster than blocks.
const SMALL: usize = 512;

/// Vectors, as columns, and their values.
pub enum Bases<'a, T> {
    Eigen {
        values: &'a [T],
        vectors: &'a [T],
    },
    Singular {
        s: &'a [T],
        u: MatRef<'a, T>,
        v: MatRef<'a, T>,
    },
}

/// Applies to each column of `b`, which stand side by side in equally many for each value,
/// `sum v[l] v[l]^T / (w[k] - w[l])` over all values that are not equal to `w[k]`; of singular values
/// the same for the symmetric matrix `[0 a; a^T 0]`, without the vectors of `s[k]` and `-s[k]`.
/// `b` and `y` are row by row. If `guarded`, products with a zero are zero.
pub fn resolvent<T: Entry>(bases: &Bases<'_, T>, b: &[T], guarded: bool, y: &mut [T]) {
    match bases {
        Bases::Eigen { values, vectors } => {
            let n = values.len();
            let v = MatRef::from_column_major_slice(vectors, n, n);
            let mut inner = vec![T::ZERO; b.len()];
            product(v.transpose(), b, guarded, &mut inner);
            let near = tolerance(values, n);
            for (l, k, part) in cut(&mut inner, n) {
                let factor = if k == l {
                    T::ZERO
                } else {
                    reciprocal(values[k] - values[l], near)
                };
                for x in part {
                    *x = times(factor, *x, guarded);
                }
            }
            product(v, &inner, guarded, y);
        }
        Bases::Singular { s, u, v } => singular((s, *u, *v), b, guarded, y),
    }
}

/// `1 / x`, or zero where `x` is equal to zero.
fn reciprocal<T: Entry>(x: T, near: T) -> T {
    if x.size() <= near {
        T::ZERO
    } else {
        T::ONE / x
    }
}

fn times<T: Entry>(x: T, z: T, guarded: bool) -> T {
    if guarded && (x == T::ZERO || z == T::ZERO) {
        T::ZERO
    } else {
        x * z
    }
}

/// Rows `l` of some matrices, cut where the columns of another value `k` begin.
fn cut<T>(x: &mut [T], n: usize) -> impl Iterator<Item = (usize, usize, &mut [T])> {
    let width = x.len() / n.max(1);
    let repeats = width / n.max(1);
    (x.chunks_exact_mut(repeats.max(1)).enumerate()).map(move |(i, part)| (i / n, i % n, part))
}

/// With `p = u^T b` above and `q = v^T b` below, `p + q` belongs to `s[l]`, `p - q` to `-s[l]`, and
/// what leaves the spans to zero.
fn singular<T: Entry>(
    (s, u, v): (&[T], MatRef<'_, T>, MatRef<'_, T>),
    b: &[T],
    guarded: bool,
    y: &mut [T],
) {
    let (m, n, k) = (u.nrows(), v.nrows(), s.len());
    let width = b.len() / (m + n);
    let near = tolerance(s, m.max(n));
    let half = T::from_f64(0.5);
    let (mut p, mut q) = (vec![T::ZERO; k * width], vec![T::ZERO; k * width]);
    let (above, below) = b.split_at(m * width);
    product(u.transpose(), above, guarded, &mut p);
    product(v.transpose(), below, guarded, &mut q);
    for ((l, k, p), (.., q)) in cut(&mut p, k).zip(cut(&mut q, k)) {
        let (mut even, mut odd) = (T::ZERO, T::ZERO);
        if k != l {
            even = half * reciprocal(s[k] - s[l], near);
            odd = half * reciprocal(s[k] + s[l], near);
        }
        let out = reciprocal(s[k], near);
        for (p, q) in p.iter_mut().zip(q) {
            let even = times(even, *p + *q, guarded);
            let odd = times(odd, *p - *q, guarded);
            let leaving = |x: T, size: usize| {
                if size > s.len() {
                    times(out, x, guarded)
                } else {
                    T::ZERO
                }
            };
            *p = even + odd - leaving(*p, m);
            *q = even - odd - leaving(*q, n);
        }
    }
    let (y_above, y_below) = y.split_at_mut(m * width);
    for (basis, inside, b, y) in [(u, &p, above, y_above), (v, &q, below, y_below)] {
        product(basis, inside, guarded, y);
        if basis.nrows() > k {
            let repeats = width / k;
            for (i, (y, &b)) in y.iter_mut().zip(b).enumerate() {
                let out = reciprocal(s[i % width / repeats], near);
                *y += times(out, b, guarded);
            }
        }
    }
}

/// `a x`, where `x` and the result are row by row.
fn product<T: Entry>(a: MatRef<'_, T>, x: &[T], guarded: bool, y: &mut [T]) {
    let (m, n) = a.shape();
    y.fill(T::ZERO);
    // Where only left, or only right vectors are asked for, half of a cotangent is zero.
    if n == 0 || x.iter().all(|&x| x == T::ZERO) {
        return;
    }
    let width = x.len() / n;
    if !guarded && m * x.len() > SMALL {
        let y = MatMut::from_row_major_slice_mut(y, m, width);
        let x = MatRef::from_row_major_slice(x, n, width);
        return matmul(y, Accum::Replace, a, x, T::ONE, Par::Seq);
    }
    for (i, y) in y.chunks_exact_mut(width).enumerate() {
        for (l, x) in x.chunks_exact(width).enumerate() {
            let factor = a[(i, l)];
            for (y, &x) in y.iter_mut().zip(x) {
                *y += times(factor, x, guarded);
            }
        }
    }
}
