//! Exponentials and hyperbolic functions.
//!
//! An argument is `k ln 2 + r` with `|r| <= ln(2) / 2`, by Cody & Waite's subtraction in two parts
//! (Software Manual for the Elementary Functions, 1980); a polynomial gives the function of `r`.

use super::arithmetic::{
    Arithmetic, Pair, at_least, at_most, mul_add, nearest, nearest_product, ordered_sum,
    polynomial, power_of_two, product, scale, sum,
};
use super::coefficients as c;

const LOG2_E: f64 = std::f64::consts::LOG2_E;

/// `k` in the low bits, as a number, and the rest as a pair.
#[inline(always)]
fn reduce<A: Arithmetic>(x: f64) -> (u64, f64, Pair) {
    let (k, bits) = nearest_product::<A>(x, LOG2_E);
    if A::SINGLE {
        let r = mul_add::<A>(-k, std::f64::consts::LN_2, x);
        return (bits, k, Pair::new(r, 0.0));
    }
    let upper = mul_add::<A>(-k, c::LN_2.high, x);
    let r = mul_add::<A>(-k, c::LN_2.low, upper);
    (
        bits,
        k,
        Pair::new(r, mul_add::<A>(-k, c::LN_2.low, upper - r)),
    )
}

/// `exp(r) - 1 - r`.
#[inline(always)]
fn exp_tail<A: Arithmetic>(r: f64) -> f64 {
    let q = if A::SINGLE {
        polynomial::<A, _>(r, &c::EXP_SINGLE)
    } else {
        polynomial::<A, _>(r, &c::EXP)
    };
    r * r * q
}

/// Beyond these every result is 0 or infinite, and exponents stay in range.
const LOWEST: f64 = -800.0;
const HIGHEST: f64 = 800.0;

#[inline(always)]
pub fn exp<A: Arithmetic>(x: f64) -> f64 {
    let (k, _, r) = reduce::<A>(at_most(at_least(x, LOWEST), HIGHEST));
    scale(1.0 + (r.high + exp_tail::<A>(r.high)), k)
}

/// The exponential of a pair, for an upper part in `-800 ..= 800` and a lower one below `2^-30`: a
/// factor and the low bits of an exponent.
#[inline(always)]
pub fn exp_pair<A: Arithmetic>(x: Pair) -> (Pair, u64) {
    let (k, _, r) = reduce::<A>(x.high);
    let one = ordered_sum(1.0, r.high);
    let tail = exp_tail::<A>(r.high);
    (
        one.plus(mul_add::<A>(r.low + x.low, one.high + tail, tail)),
        k,
    )
}

#[inline(always)]
pub fn exp2<A: Arithmetic>(x: f64) -> f64 {
    let x = at_most(at_least(x, -1100.0), 1100.0);
    let (k, bits) = nearest(x);
    let r = x - k;
    let q = if A::SINGLE {
        polynomial::<A, _>(r, &c::EXP2_SINGLE)
    } else {
        polynomial::<A, _>(r, &c::EXP2)
    };
    let p = product::<A>(r, std::f64::consts::LN_2);
    scale(1.0 + (p.high + mul_add::<A>(r * r, q, p.low)), bits)
}

/// Half of `expm1`, as a pair, for `-50 <= x <= 800`: what overflows last.
#[inline(always)]
fn half_expm1<A: Arithmetic>(x: f64) -> Pair {
    let (k, _, r) = reduce::<A>(x);
    let s = power_of_two(k.wrapping_sub(1));
    let tail = s * (r.low + exp_tail::<A>(r.high));
    if A::SINGLE {
        return Pair::new(s - 0.5, mul_add::<A>(s, r.high, tail));
    }
    let one = ordered_sum(s, -0.5);
    sum(one.high, s * r.high).plus(one.low + tail)
}

#[inline(always)]
pub fn expm1<A: Arithmetic>(x: f64) -> f64 {
    // Twice the half is infinite at the right place. Of a subnormal number it has too few bits.
    let half = half_expm1::<A>(at_most(at_least(x, -50.0), 709.9));
    let y = if x.abs() < 1e-300 {
        x
    } else {
        2.0 * half.sum()
    };
    if x > 709.9 {
        f64::INFINITY
    } else {
        y.copysign(x)
    }
}

/// A quarter of `sinh(x)` and `cosh(x)`, lest they overflow too soon.
struct Hyperbolic {
    sinh: Pair,
    cosh: Pair,
}

/// For `0 <= x <= 800`. With `x = k ln 2 + r`, by the addition theorems.
#[inline(always)]
fn hyperbolic<A: Arithmetic>(x: f64) -> Hyperbolic {
    let (bits, k, r) = reduce::<A>(x);
    let z = r.high * r.high;
    let (s, c) = if A::SINGLE {
        (
            polynomial::<A, _>(z, &c::SINH_SINGLE),
            polynomial::<A, _>(z, &c::COSH_SINGLE),
        )
    } else {
        (
            polynomial::<A, _>(z, &c::SINH),
            polynomial::<A, _>(z, &c::COSH),
        )
    };
    let sine = mul_add::<A>(r.high * z, s, r.low);
    let cosine = mul_add::<A>(z, c, r.high * r.low);
    // A quarter of cosh(k ln 2) and sinh(k ln 2).
    let up = power_of_two(bits.wrapping_sub(3));
    let down = power_of_two(0u64.wrapping_sub(bits).wrapping_sub(3));
    let down = if k > 64.0 { 0.0 } else { down };
    let (ck, sk) = (ordered_sum(up, down), ordered_sum(up, -down));
    let combine = |even: Pair, odd: Pair| {
        let p = product::<A>(odd.high, r.high);
        let head = sum(even.high, p.high);
        head.plus(p.low + even.low + mul_add::<A>(odd.high, sine, even.high * cosine))
    };
    Hyperbolic {
        sinh: combine(sk, ck),
        cosh: combine(ck, sk),
    }
}

/// Both are infinite from here on.
const HIGHEST_HYPERBOLIC: f64 = 710.6;

#[inline(always)]
pub fn sinh<A: Arithmetic>(x: f64) -> f64 {
    let size = x.abs();
    let y = 4.0
        * hyperbolic::<A>(at_most(size, HIGHEST_HYPERBOLIC))
            .sinh
            .sum();
    let y = if size > HIGHEST_HYPERBOLIC {
        f64::INFINITY
    } else {
        y
    };
    // A quarter of a subnormal number would lose bits.
    let y = if size < 1e-9 { size } else { y };
    y.copysign(x)
}

#[inline(always)]
pub fn cosh<A: Arithmetic>(x: f64) -> f64 {
    let size = x.abs();
    let y = 4.0
        * hyperbolic::<A>(at_most(size, HIGHEST_HYPERBOLIC))
            .cosh
            .sum();
    if size > HIGHEST_HYPERBOLIC {
        f64::INFINITY
    } else {
        y
    }
}

/// `expm1(2 x) / (expm1(2 x) + 2)`.
#[inline(always)]
pub fn tanh<A: Arithmetic>(x: f64) -> f64 {
    let size = at_most(x.abs(), 30.0);
    let half = half_expm1::<A>(2.0 * size);
    if A::SINGLE {
        let half = half.sum();
        return (half / (half + 1.0)).copysign(x);
    }
    let half = half.normal();
    let below = sum(half.high, 1.0).plus(half.low);
    half.over::<A>(below).sum().copysign(x)
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub fn expit<A: Arithmetic>(x: f64) -> f64 {
    let negative = x < 0.0;
    if A::SINGLE {
        let e = exp::<A>(-x.abs());
        return if negative { e } else { 1.0 } / (1.0 + e);
    }
    // By the exponential that cannot overflow; below zero it is a factor of the result.
    let (p, k) = exp_pair::<A>(Pair::new(at_least(-x.abs(), LOWEST), 0.0));
    let p = p.normal();
    let below = ordered_sum(1.0, scale(p.high, k)).plus(scale(p.low, k));
    let above = if negative { p } else { Pair::new(1.0, 0.0) };
    let y = above.over::<A>(below).sum();
    if negative { scale(y, k) } else { y }
}
