//! The error function and its complement.

use super::arithmetic::{
    Arithmetic, Pair, at_most, mul_add, ordered_sum, polynomial, product, scale,
};
use super::coefficients as c;
use super::exponential::exp_pair;

/// `erf(x) / x - 1` for `|x| <= 0.85`.
#[inline(always)]
fn near<A: Arithmetic>(x: f64) -> f64 {
    polynomial::<A, _>(x * x, &c::ERF)
}

/// `erfc(x)` for `1/2 <= x <= 28`: `exp(-x^2) / (1 + 2 x)` and a factor that is nearly constant,
/// by a polynomial in `(x - 3) / (x + 3)` (Shepherd & Laframboise, "Chebyshev approximation of
/// (1 + 2x) exp(x^2) erfc x in 0 <= x < infinity", Mathematics of Computation 36, 1981).
#[inline(always)]
fn far<A: Arithmetic>(x: f64) -> (Pair, u64) {
    let square = product::<A>(x, x);
    let (e, k) = exp_pair::<A>(Pair::new(-square.high, -square.low));
    let t = (x - 3.0) / (x + 3.0);
    let rest = mul_add::<A>(t, polynomial::<A, _>(t, &c::ERFC), c::ERFC_MIDDLE.low);
    let factor = ordered_sum(c::ERFC_MIDDLE.high, rest);
    let below = ordered_sum(1.0, 2.0 * x).normal();
    let y = e.normal().times::<A>(factor).over::<A>(below);
    (y, k)
}

/// From here on the complement is the better way to the error function.
const NEAR: f64 = 0.85;

#[inline(always)]
pub fn erf<A: Arithmetic>(x: f64) -> f64 {
    let size = x.abs();
    let inside = if size < NEAR { size } else { NEAR };
    let near = mul_add::<A>(inside, near::<A>(inside), inside);
    // The complement no longer counts from 6 on.
    let outside = at_most(if size < NEAR { NEAR } else { size }, 6.0);
    let (y, k) = far::<A>(outside);
    let far = 1.0 - scale(y.sum(), k);
    let y = if size < NEAR { near } else { far };
    y.copysign(x)
}

#[inline(always)]
pub fn erfc<A: Arithmetic>(x: f64) -> f64 {
    let size = x.abs();
    let inside = if size < 0.5 { x } else { 0.5 };
    let head = ordered_sum(1.0, -inside);
    let near = head.high + mul_add::<A>(-inside, near::<A>(inside), head.low);
    let outside = at_most(if size < 0.5 { 0.5 } else { size }, 28.0);
    let (y, k) = far::<A>(outside);
    let right = scale(y.sum(), k);
    let far = if x < 0.0 { 2.0 - right } else { right };
    if size < 0.5 { near } else { far }
}
