//! Logarithms.
//!
//! A positive number is `2^e (1 + f)` with `1 + f` between the roots of 1/2 and 2, and
//! `log(1 + f) = 2 atanh(s)` for `s = f / (2 + f)`, as in fdlibm (Sun Microsystems, 1993).

use super::arithmetic::{
    Arithmetic, Pair, at_least, mul_add, ordered_sum, polynomial, product, remainder, scale, sum,
};
use super::coefficients as c;
use super::exponential::exp_pair;

const ROOT_OF_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
const ONE: u64 = 0x3ff0_0000_0000_0000;
const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;
/// The exponent field of `2^52`: an integer below `2^52` put into its mantissa is added to it.
const INTEGER: u64 = 0x4330_0000_0000_0000;
const TWO_52: f64 = 4503599627370496.0;
const TWO_54: f64 = 18014398509481984.0;

/// The exponent and the rest of a positive finite number: `x = 2^e m`, `m` between the roots of
/// 1/2 and 2. Subnormal numbers are scaled first.
#[inline(always)]
pub fn split<A: Arithmetic>(x: f64) -> (f64, f64) {
    let small = !A::SINGLE && x < f64::MIN_POSITIVE;
    let (x, bias) = if small {
        (x * TWO_54, TWO_52 + 1023.0 + 54.0)
    } else {
        (x, TWO_52 + 1023.0)
    };
    let shifted = x.to_bits().wrapping_add(ONE - ROOT_OF_HALF);
    let e = f64::from_bits((shifted >> 52) | INTEGER) - bias;
    let m = f64::from_bits((shifted & MANTISSA).wrapping_add(ROOT_OF_HALF));
    (e, m)
}

/// `log(1 + f)` as a pair: `f - f^2 / 2` with its error, and the terms after that.
#[inline(always)]
fn log_of_one_plus<A: Arithmetic>(f: f64) -> Pair {
    let s = f / (2.0 + f);
    let z = s * s;
    if A::SINGLE {
        let tail = z * polynomial::<A, _>(z, &c::LOG_SINGLE);
        return Pair::new(s * 2.0, s * tail);
    }
    let half_square = product::<A>(0.5 * f, f);
    let tail = mul_add::<A>(z, polynomial::<A, _>(z, &c::LOG), half_square.high);
    let head = ordered_sum(f, -half_square.high);
    head.plus(mul_add::<A>(s, tail, -half_square.low))
}

/// The logarithm where the argument has none that is finite.
#[inline(always)]
fn special(x: f64, y: f64) -> f64 {
    let y = if x < f64::INFINITY { y } else { x };
    let at_most_zero = if x == 0.0 {
        f64::NEG_INFINITY
    } else {
        f64::NAN
    };
    if x > 0.0 { y } else { at_most_zero }
}

#[inline(always)]
pub fn log<A: Arithmetic>(x: f64) -> f64 {
    let (e, m) = split::<A>(x);
    let f = log_of_one_plus::<A>(m - 1.0);
    if A::SINGLE {
        return special(x, mul_add::<A>(e, std::f64::consts::LN_2, f.sum()));
    }
    // The exponent's part is zero or the larger one.
    let head = ordered_sum(e * c::LN_2.high, f.high);
    special(x, head.plus(mul_add::<A>(e, c::LN_2.low, f.low)).sum())
}

/// `log(x)` times a constant, of which the exponent's part is `e` times a number.
#[inline(always)]
fn log_to_base<A: Arithmetic>(x: f64, factor: Pair, of_two: Pair) -> f64 {
    let (e, m) = split::<A>(x);
    let f = log_of_one_plus::<A>(m - 1.0);
    if A::SINGLE {
        let whole = of_two.high + of_two.low;
        return special(x, mul_add::<A>(e, whole, f.sum() * factor.high));
    }
    let f = f.normal().times::<A>(factor);
    let head = sum(e * of_two.high, f.high);
    special(x, head.plus(mul_add::<A>(e, of_two.low, f.low)).sum())
}

#[inline(always)]
pub fn log2<A: Arithmetic>(x: f64) -> f64 {
    log_to_base::<A>(x, c::LOG2_E, Pair::new(1.0, 0.0))
}

#[inline(always)]
pub fn log10<A: Arithmetic>(x: f64) -> f64 {
    log_to_base::<A>(x, c::LOG10_E, c::LOG10_2)
}

/// The logarithm of a pair times a power of two, for an upper part that is positive and finite.
#[inline(always)]
pub fn log_pair<A: Arithmetic>(x: Pair, doublings: f64) -> Pair {
    let (e, m) = split::<A>(x.high);
    // The power of two between `x` and `m`, out of their bits. Nothing is added to huge numbers.
    let scale = f64::from_bits(m.to_bits().wrapping_sub(x.high.to_bits()).wrapping_add(ONE));
    let low = if x.high < 1e300 { x.low * scale } else { 0.0 };
    let f = ordered_sum(m - 1.0, low);
    let y = log_of_one_plus::<A>(f.high);
    // The slope 1 / (1 + f), to second order: enough for an error of rounding.
    let y = y.plus(f.low * (1.0 - f.high * (1.0 - f.high)));
    let e = e + doublings;
    let head = ordered_sum(e * c::LN_2.high, y.high);
    head.plus(mul_add::<A>(e, c::LN_2.low, y.low))
}

#[inline(always)]
pub fn log1p<A: Arithmetic>(x: f64) -> f64 {
    let whole = sum(1.0, x);
    let y = log_pair::<A>(whole, 0.0).sum();
    // Too small for 1 to feel it; the sign of zero.
    let y = if x.abs() < 1e-18 { x } else { y };
    special(whole.high, y)
}

/// `log(m)` to about 68 bits, for powers. The lower part may be as large as `2^-33`.
#[inline(always)]
pub fn precise_log<A: Arithmetic>(x: f64) -> Pair {
    let (e, m) = split::<A>(x);
    let f = m - 1.0;
    // s = f / (2 + f), with its error.
    let below = ordered_sum(2.0, f);
    let s = Pair::new(f, 0.0).over::<A>(below);
    let z = s.times::<A>(s);
    // atanh(s) = s (1 + z / 3 + z^2 tail(z)).
    let tail = z.high * z.high * polynomial::<A, _>(z.high, &c::LOG_TAIL);
    // Upper parts do not wait for lower ones.
    let third = z.times::<A>(c::THIRD);
    let third = ordered_sum(third.high, tail).plus(third.low);
    let more = s.times::<A>(third);
    let head = ordered_sum(s.high, more.high)
        .plus(s.low + more.low)
        .scaled(2.0);
    let whole = sum(e * c::LN_2.high, head.high);
    whole.plus(mul_add::<A>(e, c::LN_2.low, head.low))
}

/// `log(b^x + b^z) / log(b)` as the larger operand and what the other adds, for `b` of which the
/// logarithm and its reciprocal are given.
#[inline(always)]
fn soft_maximum<A: Arithmetic>(x: f64, z: f64, log: Pair, reciprocal: Pair) -> f64 {
    let largest = if x > z { x } else { z };
    let gap = sum(x, -z);
    let gap = gap.scaled(if gap.high > 0.0 { -1.0 } else { 1.0 });
    let d = gap.times::<A>(log);
    let low = if d.high > -800.0 { d.low } else { 0.0 };
    let (p, k) = exp_pair::<A>(Pair::new(at_least(d.high, -800.0), low));
    let p = p.normal();
    let whole = ordered_sum(1.0, scale(p.high, k))
        .plus(scale(p.low, k))
        .normal();
    let y = log_pair::<A>(whole, 0.0).normal().times::<A>(reciprocal);
    let y = sum(largest, y.high).plus(y.low).sum();
    // Infinite operands have no difference, and give the larger one; of zeros the positive one.
    let y = if gap.high.abs() < f64::INFINITY {
        y
    } else {
        largest + 0.0
    };
    let y = if x == z {
        x + reciprocal.high * std::f64::consts::LN_2
    } else {
        y
    };
    if x.is_nan() | z.is_nan() { f64::NAN } else { y }
}

/// `log(exp(x) + exp(z))`. Near its zeros the error is small beside the operands only.
#[inline(always)]
pub fn logaddexp<A: Arithmetic>(x: f64, z: f64) -> f64 {
    let one = Pair::new(1.0, 0.0);
    soft_maximum::<A>(x, z, one, one)
}

/// `log2(2^x + 2^z)`.
#[inline(always)]
pub fn logaddexp2<A: Arithmetic>(x: f64, z: f64) -> f64 {
    soft_maximum::<A>(x, z, c::LN_2, c::LOG2_E)
}

/// The inverse hyperbolic sine and cosine: `log(x + sqrt(x^2 + shift))`, the root as a pair.
#[inline(always)]
fn of_hyperbola<A: Arithmetic>(x: f64, shift: f64) -> f64 {
    if A::SINGLE {
        return log::<A>(x + mul_add::<A>(x, x, shift).sqrt());
    }
    let large = x > 1e10;
    let a = if large { 2.0 } else { x };
    let square = product::<A>(a, a);
    let under = sum(square.high, shift).plus(square.low).normal();
    let root = under.high.sqrt();
    let miss = (remainder::<A>(under.high, root, root) + under.low) / (root + root);
    let miss = if root > 0.0 { miss } else { 0.0 };
    let whole = sum(root, a).plus(miss);
    let whole = ordered_sum(whole.high, whole.low);
    let (whole, doublings) = if large {
        (Pair::new(x, 0.0), 1.0)
    } else {
        (whole, 0.0)
    };
    log_pair::<A>(whole, doublings).sum()
}

#[inline(always)]
pub fn asinh<A: Arithmetic>(x: f64) -> f64 {
    let size = x.abs();
    let y = of_hyperbola::<A>(size, 1.0);
    // x - x^3 / 6 to the last bit.
    let y = if size < 1e-5 {
        mul_add::<A>(size * size, size * (-1.0 / 6.0), size)
    } else {
        y
    };
    let y = if size < f64::INFINITY { y } else { size };
    y.copysign(x)
}

#[inline(always)]
pub fn acosh<A: Arithmetic>(x: f64) -> f64 {
    let y = of_hyperbola::<A>(x, -1.0);
    let y = if x < f64::INFINITY { y } else { x };
    if x < 1.0 { f64::NAN } else { y }
}

/// `log((1 + x) / (1 - x)) / 2`.
#[inline(always)]
pub fn atanh<A: Arithmetic>(x: f64) -> f64 {
    let size = x.abs();
    let y = if A::SINGLE {
        0.5 * log::<A>((1.0 + size) / (1.0 - size))
    } else {
        let quotient = sum(1.0, size).over::<A>(sum(1.0, -size)).normal();
        0.5 * log_pair::<A>(quotient, 0.0).sum()
    };
    // x + x^3 / 3 to the last bit.
    let y = if size < 1e-5 {
        mul_add::<A>(size * size, size * (1.0 / 3.0), size)
    } else {
        y
    };
    let y = if size < 1.0 { y } else { f64::INFINITY };
    let y = if size <= 1.0 { y } else { f64::NAN };
    y.copysign(x)
}
