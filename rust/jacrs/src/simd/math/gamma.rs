//! The logarithm of the gamma function, its derivative, and the zeta function that the further
//! derivatives are made of.

use super::arithmetic::{
    Arithmetic, Pair, at_least, at_most, mul_add, ordered_sum, polynomial, product, remainder, sum,
};
use super::coefficients as c;
use super::logarithm::{log, log_pair};
use super::power::pow_pair;
use super::trigonometric::{sin, tan};

#[inline(always)]
pub fn gammaln<A: Arithmetic>(x: f64) -> f64 {
    if A::COMMON || x > 0.0 || x.is_nan() {
        gammaln_of_positive::<A>(x)
    } else {
        reflected_gammaln::<A>(x)
    }
}

/// Where an argument below 3 stands: `y - 1` for the `y` in `[1, 2]` that the recurrence carries it
/// to. It is exact.
#[inline(always)]
fn place(x: f64) -> f64 {
    let up = if x >= 1.0 { 1.0 } else { 0.0 };
    x - if x >= 2.0 { 2.0 } else { up }
}

/// Below 3 the two zeros are split off: `(x - 1)(x - 2)` and a polynomial on `[1, 2]`, with the
/// recurrence to it. From there on Stirling's formula, whose rest is a polynomial in `1 / x^2`.
#[inline(always)]
fn gammaln_of_positive<A: Arithmetic>(x: f64) -> f64 {
    let far = x >= 3.0;
    let a = at_most(x, 3.0);
    let w = place(a);
    let zeros = product::<A>(w, w - 1.0);
    let t = w - 0.5;
    let rest = mul_add::<A>(t, polynomial::<A, _>(t, &c::GAMMALN), c::GAMMALN_MIDDLE.low);
    let smooth = ordered_sum(c::GAMMALN_MIDDLE.high, rest);
    let near = zeros.times::<A>(smooth);
    // Of x below 1, of x - 1 from 2 to 3.
    let between = if a >= 2.0 { a - 1.0 } else { 1.0 };
    let argument = if a < 1.0 { a } else { between };
    let log = log_pair::<A>(Pair::new(if far { x } else { argument }, 0.0), 0.0).normal();
    let signed = log.scaled(if a < 1.0 { -1.0 } else { 1.0 });
    let head = sum(signed.high, near.high);
    let near = head.high + (head.low + (signed.low + near.low));
    // (x - 1/2) (log(x) - 1) + (log(2 pi) - 1) / 2 and the rest.
    let b = at_most(at_least(x, 3.0), 1e304);
    let inverse = 1.0 / b;
    let tail = inverse * polynomial::<A, _>(inverse * inverse, &c::STIRLING);
    let less = sum(log.high, -1.0).plus(log.low);
    let main = sum(b, -0.5).times::<A>(less);
    let head = sum(main.high, c::HALF_LN_TAU_LESS_HALF.high);
    let y = head.high + (head.low + (main.low + (tail + c::HALF_LN_TAU_LESS_HALF.low)));
    let y = if x < 1e304 { y } else { x * less.high };
    if far { y } else { near }
}

/// `log(pi / |sin(pi x)|) - gammaln(1 - x)`.
#[inline(always)]
fn reflected_gammaln<A: Arithmetic>(x: f64) -> f64 {
    let r = x - x.round();
    if x.is_infinite() {
        return x;
    }
    if r == 0.0 {
        return f64::INFINITY;
    }
    let wave = sin::<A>(std::f64::consts::PI * r.abs()) / std::f64::consts::PI;
    -log::<A>(wave) - gammaln_of_positive::<A>(1.0 - x)
}

#[inline(always)]
pub fn digamma<A: Arithmetic>(x: f64) -> f64 {
    if A::COMMON || x > 0.0 || x.is_nan() {
        digamma_of_positive::<A>(x)
    } else {
        reflected_digamma::<A>(x)
    }
}

/// Below 3 the zero is split off, and there is the recurrence to `[1, 2]`. From there on
/// `digamma(s + 1/2)` is `log(s)` and a polynomial in `1 / s^2`.
#[inline(always)]
fn digamma_of_positive<A: Arithmetic>(x: f64) -> f64 {
    let far = x >= 3.0;
    let a = at_most(x, 3.0);
    let w = place(a);
    let root = c::DIGAMMA_ROOT_LESS_1;
    let zero = sum(w, -root.high).plus(-root.low).normal();
    let t = w - 0.5;
    let rest = mul_add::<A>(t, polynomial::<A, _>(t, &c::DIGAMMA), c::DIGAMMA_MIDDLE.low);
    let smooth = ordered_sum(c::DIGAMMA_MIDDLE.high, rest);
    let near = zero.times::<A>(smooth).normal();
    // -1 / x below 1, and 1 / (x - 1) from 2 to 3.
    let below = if a < 1.0 { -a } else { a - 1.0 };
    let inverse = 1.0 / below;
    let miss = remainder::<A>(1.0, inverse, below) * inverse;
    let moved = (a < 1.0) | (a >= 2.0);
    let pole = if moved { inverse } else { 0.0 };
    let pole_low = if moved & (a > 1e-290) { miss } else { 0.0 };
    let head = sum(pole, near.high);
    let near = head.high + (head.low + (near.low + pole_low));
    // There the pole is all, or infinite.
    let near = if a <= 1e-290 { pole } else { near };
    let s = at_least(x, 3.0) - 0.5;
    let inverse = 1.0 / s;
    let z = inverse * inverse;
    let log = log_pair::<A>(Pair::new(s, 0.0), 0.0).normal();
    let y = log.high + mul_add::<A>(z, polynomial::<A, _>(z, &c::DIGAMMA_FAR), log.low);
    let y = if x < f64::INFINITY { y } else { x };
    if far { y } else { near }
}

/// `digamma(1 - x) - pi / tan(pi x)`.
#[inline(always)]
fn reflected_digamma<A: Arithmetic>(x: f64) -> f64 {
    if x == 0.0 {
        return f64::NEG_INFINITY.copysign(-x);
    }
    let r = x - x.round();
    if r == 0.0 || x.is_infinite() {
        return f64::NAN;
    }
    let pi = std::f64::consts::PI;
    digamma_of_positive::<A>(1.0 - x) - pi / tan::<A>(pi * r)
}

/// Terms that are summed as they are, before the formula of Euler and Maclaurin.
const TERMS: i32 = 10;

/// `B_2j / (2 j)!`, the coefficients of that formula.
const BERNOULLI: [f64; 12] = [
    1.0 / 12.0,
    -1.0 / 720.0,
    1.0 / 30240.0,
    -1.0 / 1209600.0,
    1.0 / 47900160.0,
    -691.0 / 1307674368000.0,
    1.0 / 74724249600.0,
    -3617.0 / 10670622842880000.0,
    43867.0 / 5109094217170944000.0,
    -174611.0 / 802857662698291200000.0,
    77683.0 / 14101100039391805440000.0,
    -236364091.0 / 1693824136731743669452800000.0,
];

/// Hurwitz's zeta function: the sum of `(q + k)^-s` over `k >= 0`, for `s > 1`; where `q` is
/// negative, for integers `s`. It loops: there are no vectors of it.
#[inline(always)]
pub fn zeta<A: Arithmetic>(s: f64, q: f64) -> f64 {
    if s.is_nan() || q.is_nan() || s < 1.0 {
        return f64::NAN;
    }
    if s == 1.0 || (q <= 0.0 && q == q.floor()) {
        return f64::INFINITY;
    }
    if q < 0.0 && s != s.floor() {
        return f64::NAN;
    }
    // Of a negative q the terms above zero, and those below it: a difference of two sums.
    let f = -q - (-q).floor();
    let sign = if s % 2.0 == 1.0 { -1.0 } else { 1.0 };
    let parts = if q > 0.0 {
        [(q, 1.0), (q, 0.0), (q, 0.0)]
    } else {
        [(1.0 - f, 1.0), (f, sign), (1.0 - q, -sign)]
    };
    let mut total = 0.0;
    for (q, weight) in parts {
        if weight != 0.0 {
            total += weight * zeta_of_positive::<A>(s, q);
        }
    }
    total
}

#[inline(always)]
fn zeta_of_positive<A: Arithmetic>(s: f64, q: f64) -> f64 {
    // The integral is all, and the power alone would be below all numbers too soon.
    let large = q > 1e17;
    let exponent = if large { 1.0 - s } else { -s };
    let mut total = Pair::new(0.0, 0.0);
    let mut power = total;
    for k in 0..=TERMS {
        total = sum(total.high, power.high).plus(total.low + power.low);
        power = pow_pair::<A>(sum(q, f64::from(k)), exponent);
        if large {
            return power.sum() / (s - 1.0) * (1.0 + (s - 1.0) / (q + q));
        }
        if power.high == f64::INFINITY {
            return f64::INFINITY;
        }
    }
    if power.high == 0.0 {
        return total.sum();
    }
    let base = sum(q, f64::from(TERMS));
    let square = base.high * base.high;
    let mut factor = s / base.high;
    let mut series = 0.5;
    let mut j = 0.0;
    for b in BERNOULLI {
        series += b * factor;
        j += 2.0;
        factor *= (s + j - 1.0) * (s + j) / square;
    }
    // The integral of all terms from the base on, and what their sum has beside it.
    let integral = power.times::<A>(base.over::<A>(sum(s, -1.0)).normal());
    let rest = sum(integral.high, power.high * series).plus(integral.low);
    let y = sum(total.high, rest.high);
    y.high + (y.low + (total.low + rest.low))
}
