//! Which vectors of a factorisation are no functions of the matrix, to the rounding of the
//! factorisation: a list for each kind of vector, NaN where there is none, else zero.

use super::Entry;
use crate::array::DType;

/// Up to this part of the largest, two values are equal to the rounding of a factorisation.
pub fn share(dtype: DType, size: usize) -> f64 {
    let unit = if dtype == DType::F32 {
        f64::from(f32::EPSILON)
    } else {
        f64::EPSILON
    };
    4.0 * size as f64 * unit
}

/// Up to this distance two of these values are equal.
pub fn tolerance<T: Entry>(values: &[T], size: usize) -> T {
    let largest = values.iter().fold(T::ZERO, |largest, x| {
        if x.size() > largest {
            x.size()
        } else {
            largest
        }
    });
    T::from_f64(share(T::DTYPE, size)) * largest
}

fn flag<T: Entry>(raised: bool) -> T {
    T::from_f64(if raised { f64::NAN } else { 0.0 })
}

/// Of values in order: those with an equal neighbour.
pub fn repeated<T: Entry>(values: &[T], tolerance: T, ties: &mut [T]) {
    let near = |i: usize, j: usize| (values[j] - values[i]).size() <= tolerance;
    for (k, slot) in ties.iter_mut().enumerate() {
        *slot = flag(k > 0 && near(k - 1, k) || k + 1 < values.len() && near(k, k + 1));
    }
}

/// Of singular values in descending order, of left and of right singular vectors. A value of zero is
/// a kink, like that of a modulus; a vector of it is one of many if there is another null vector.
pub fn singular_ties<T: Entry>(s: &[T], (m, n): (usize, usize), ties: &mut [T]) {
    let k = s.len();
    let tolerance = tolerance(s, m.max(n));
    let rank = k - s.iter().filter(|&&x| x <= tolerance).count();
    let (own, sides) = ties.split_at_mut(k);
    repeated(s, tolerance, own);
    let width = sides.len() - if sides.len() == 2 * k { k } else { n };
    let (left, right) = sides.split_at_mut(width);
    for (side, size) in [(left, m), (right, n)] {
        let null = size - rank;
        for (i, slot) in side.iter_mut().enumerate() {
            let lost = if i < k && (i < rank || size == k) {
                own[i].to_f64().is_nan()
            } else {
                // What completes a basis turns with the null vectors of the matrix alone.
                rank < k && null > 1
            };
            *slot = flag(lost);
        }
    }
    for slot in &mut own[rank..] {
        *slot = flag(true);
    }
}

/// Of the columns of `q`: all from the first that depends on those before it, seen from `r` of
/// as many rows as there are flags. The last column of a square `q` is what the others leave.
pub fn deficient<T: Entry>(r: &[T], (m, n): (usize, usize), ties: &mut [T]) {
    let k = m.min(n);
    let needed = if k == m { k.saturating_sub(1) } else { k };
    let width = ties.len();
    let first = (0..needed)
        .find(|&j| {
            let column = &r[j * width..=j * width + j];
            column[j].size() <= tolerance(column, m.max(n))
        })
        .unwrap_or(width);
    for (j, slot) in ties.iter_mut().enumerate() {
        *slot = flag(j >= first);
    }
}
