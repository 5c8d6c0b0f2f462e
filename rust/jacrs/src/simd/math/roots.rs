//! Cube roots and the lengths of vectors.

use super::arithmetic::{
    Arithmetic, mul_add, nearest, ordered_sum, polynomial, product, remainder, scale,
};
use super::coefficients as c;
use super::logarithm::split;

const CBRT_2: f64 = 1.2599210498948732;

/// The reciprocal of the root of the mantissa, by a polynomial and a step of Halley's; then one
/// step of Newton's for the root. No division.
#[inline(always)]
pub fn cbrt<A: Arithmetic>(x: f64) -> f64 {
    let size = x.abs();
    let (e, m) = split::<A>(size);
    // e = 3 third + rest, the rest from -1 to 1.
    let (third, bits) = nearest(e * (1.0 / 3.0));
    let rest = e - 3.0 * third;
    let of_rest = |minus: f64, zero: f64, plus: f64| {
        let y = if rest > 0.5 { plus } else { zero };
        if rest < -0.5 { minus } else { y }
    };
    let g = polynomial::<A, _>(m, &c::CBRT) * of_rest(CBRT_2, 1.0, 1.0 / CBRT_2);
    let m = m * of_rest(0.5, 1.0, 2.0);
    let h = 1.0 - m * g * (g * g);
    let g = g + g * h * mul_add::<A>(h, 2.0 / 9.0, 1.0 / 3.0);
    let square = g * g;
    let y = m * square;
    let y = if A::SINGLE {
        y
    } else {
        let s = product::<A>(y, y);
        let miss = remainder::<A>(m, s.high, y) - s.low * y;
        mul_add::<A>(miss * square, 1.0 / 3.0, y)
    };
    let y = scale(y, bits);
    let y = if (size > 0.0) & (size < f64::INFINITY) {
        y
    } else {
        size
    };
    y.copysign(x)
}

/// `sqrt(x^2 + y^2)` without overflow: the squares as pairs, and a Newton step for what the root
/// misses (Borges, "An improved algorithm for hypot(a, b)", 2019).
#[inline(always)]
pub fn hypot<A: Arithmetic>(x: f64, y: f64) -> f64 {
    let (x, y) = (x.abs(), y.abs());
    let infinite = (x == f64::INFINITY) | (y == f64::INFINITY);
    let large = if x > y { x } else { y };
    let small = if x > y { y } else { x };
    let root = if A::SINGLE {
        mul_add::<A>(x, x, y * y).sqrt()
    } else {
        let (factor, back) = if large > 1e150 {
            (TWO_600.recip(), TWO_600)
        } else {
            (1.0, 1.0)
        };
        let (factor, back) = if large < 1e-150 {
            (TWO_600, TWO_600.recip())
        } else {
            (factor, back)
        };
        let (a, b) = (large * factor, small * factor);
        let (p, q) = (product::<A>(a, a), product::<A>(b, b));
        let total = ordered_sum(p.high, q.high);
        let root = total.high.sqrt();
        let miss = remainder::<A>(total.high, root, root) + (total.low + (p.low + q.low));
        let miss = miss / (root + root);
        let miss = if root > 0.0 { miss } else { 0.0 };
        (root + miss) * back
    };
    let root = if x.is_nan() | y.is_nan() {
        f64::NAN
    } else {
        root
    };
    if infinite { f64::INFINITY } else { root }
}

const TWO_600: f64 = 4.149515568880993e180;
