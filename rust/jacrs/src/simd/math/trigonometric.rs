//! Sine, cosine and tangent.
//!
//! The argument is reduced by multiples of pi/2 to `|r| <= pi/4`: Cody & Waite's subtraction with
//! the errors of its products where the multiple is moderate, Payne & Hanek's multiplication with
//! the bits of 2/pi that matter (ACM SIGNUM Newsletter 18, 1983) where it is not.

use super::arithmetic::{
    Arithmetic, Pair, mul_add, nearest_product, ordered_sum, polynomial, product, remainder, sum,
};
use super::coefficients as c;
use super::payne_hanek;

/// Up to here the subtraction is exact enough.
const MODERATE: f64 = 1e8;

/// Where no branch is taken.
#[inline(always)]
pub fn is_moderate(x: f64) -> bool {
    x.abs() <= MODERATE
}

/// The quadrant in the two low bits, and the rest.
#[inline(always)]
fn reduce<A: Arithmetic>(x: f64) -> (u64, Pair) {
    if A::COMMON || is_moderate(x) {
        cody_waite::<A>(x)
    } else {
        payne_hanek::reduce(x)
    }
}

#[inline(always)]
fn cody_waite<A: Arithmetic>(x: f64) -> (u64, Pair) {
    let (k, bits) = nearest_product::<A>(x, std::f64::consts::FRAC_2_PI);
    // Exact: a multiple of the last bit of either, and less than one.
    let r = remainder::<A>(x, k, c::HALF_PI.high);
    if A::SINGLE {
        return (bits, Pair::new(mul_add::<A>(-k, c::HALF_PI.low, r), 0.0));
    }
    let p = product::<A>(k, c::HALF_PI.low);
    let head = sum(r, -p.high);
    let low = head.low - mul_add::<A>(k, HALF_PI_REST, p.low);
    (bits, ordered_sum(head.high, low))
}

/// pi/2 after 106 bits.
const HALF_PI_REST: f64 = -1.4973849048591833e-33;

/// The sine and the cosine of `|r| <= pi/4`.
#[inline(always)]
fn polynomials<A: Arithmetic>(r: Pair) -> (Pair, Pair) {
    let z = r.high * r.high;
    if A::SINGLE {
        let s = polynomial::<A, _>(z, &c::SIN_SINGLE);
        let t = polynomial::<A, _>(z, &c::COS_SINGLE);
        let sine = mul_add::<A>(r.high * z, s, r.high);
        let cosine = mul_add::<A>(z * z, t, mul_add::<A>(z, -0.5, 1.0));
        return (Pair::new(sine, 0.0), Pair::new(cosine, 0.0));
    }
    let s = polynomial::<A, _>(z, &c::SIN);
    let t = polynomial::<A, _>(z, &c::COS);
    // sin(high + low) = sin(high) + low cos(high), and the cosine alike.
    let sine = Pair::new(
        r.high,
        mul_add::<A>(z * r.high, s, r.low * mul_add::<A>(z, -0.5, 1.0)),
    );
    let half = 0.5 * z;
    let head = ordered_sum(1.0, -half);
    let cosine = head.plus(mul_add::<A>(z * z, t, -(r.high * r.low)));
    (sine, cosine)
}

/// Turned by the quadrant: the sine and the cosine of the argument.
#[inline(always)]
fn turned<A: Arithmetic>(x: f64) -> (u64, Pair, Pair) {
    let (quadrant, r) = reduce::<A>(x);
    let (s, c) = polynomials::<A>(r);
    let swap = quadrant & 1 == 1;
    let sine = if swap { c } else { s };
    let cosine = if swap { s } else { c };
    (quadrant, sine, cosine)
}

#[inline(always)]
fn negated_if(x: f64, bit: u64) -> f64 {
    f64::from_bits(x.to_bits() ^ (bit << 63))
}

/// The sine and the cosine, which share all but the last step.
#[inline(always)]
pub fn sin_cos<A: Arithmetic>(x: f64) -> (f64, f64) {
    let (quadrant, sine, cosine) = turned::<A>(x);
    let s = negated_if(sine.sum(), quadrant >> 1);
    let c = negated_if(cosine.sum(), (quadrant ^ (quadrant >> 1)) & 1);
    // Too small for the reduction, which would lose the sign of zero.
    (if x.abs() < 1e-9 { x } else { s }, c)
}

#[inline(always)]
pub fn sin<A: Arithmetic>(x: f64) -> f64 {
    sin_cos::<A>(x).0
}

#[inline(always)]
pub fn cos<A: Arithmetic>(x: f64) -> f64 {
    sin_cos::<A>(x).1
}

#[inline(always)]
pub fn tan<A: Arithmetic>(x: f64) -> f64 {
    let (quadrant, sine, cosine) = turned::<A>(x);
    let y = if A::SINGLE {
        sine.high / cosine.high
    } else {
        sine.normal().over::<A>(cosine.normal()).sum()
    };
    let y = negated_if(y, quadrant);
    if x.abs() < 1e-9 { x } else { y }
}
