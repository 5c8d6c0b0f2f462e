//! Inverse trigonometric functions.

use super::arithmetic::{Arithmetic, Pair, mul_add, ordered_sum, polynomial, remainder};
use super::coefficients as c;

/// `asin(a)` for `0 <= a <= 1/2`, or `asin(a) / 2` where `a = sqrt((1 - |x|) / 2)` otherwise:
/// `asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2))`.
#[inline(always)]
fn half_or_whole<A: Arithmetic>(size: f64) -> (bool, Pair) {
    let large = size > 0.5;
    let rest = 0.5 - 0.5 * size;
    let root = rest.sqrt();
    let a = if large { root } else { size };
    let z = if large { rest } else { size * size };
    if A::SINGLE {
        let p = polynomial::<A, _>(z, &c::ASIN_SINGLE);
        return (large, Pair::new(mul_add::<A>(a * z, p, a), 0.0));
    }
    // What the root misses, by one Newton step.
    let miss = remainder::<A>(rest, root, root) / (root + root);
    let miss = if large & (root > 0.0) { miss } else { 0.0 };
    let p = polynomial::<A, _>(z, &c::ASIN);
    (large, Pair::new(a, mul_add::<A>(a * z, p, miss)))
}

/// A constant minus a pair that is no larger.
#[inline(always)]
fn from_constant(constant: Pair, x: Pair) -> f64 {
    let head = ordered_sum(constant.high, -x.high);
    head.high + (head.low + (constant.low - x.low))
}

#[inline(always)]
pub fn asin<A: Arithmetic>(x: f64) -> f64 {
    let (large, a) = half_or_whole::<A>(x.abs());
    let far = from_constant(c::HALF_PI, a.scaled(2.0));
    let y = if large { far } else { a.sum() };
    y.copysign(x)
}

#[inline(always)]
pub fn acos<A: Arithmetic>(x: f64) -> f64 {
    let (large, a) = half_or_whole::<A>(x.abs());
    let negative = x.is_sign_negative();
    // pi/2 - asin(x), 2 asin(root), or pi - 2 asin(root).
    let signed = a.scaled(if negative { -1.0 } else { 1.0 });
    let near = from_constant(c::HALF_PI, signed);
    let twice = a.scaled(2.0);
    let far = if negative {
        from_constant(c::HALF_PI.scaled(2.0), twice)
    } else {
        twice.sum()
    };
    if large { far } else { near }
}

/// The angle `atan(above / below)` for `0 <= above <= below`, as a pair: beyond pi/8 it is pi/4
/// and the angle of the difference by the sum.
#[inline(always)]
fn of_quotient<A: Arithmetic>(above: f64, below: f64) -> Pair {
    let wide = above > TAN_EIGHTH * below;
    let difference = ordered_sum(-below, above);
    let total = ordered_sum(below, above);
    let zero = Pair::new(0.0, 0.0);
    let (above, below, offset) = if wide {
        (difference, total, QUARTER_PI)
    } else {
        (Pair::new(above, 0.0), Pair::new(below, 0.0), zero)
    };
    let inverse = 1.0 / below.high;
    let q = above.high * inverse;
    let z = q * q;
    if A::SINGLE {
        let p = polynomial::<A, _>(z, &c::ATAN_SINGLE);
        return Pair::new(offset.high, mul_add::<A>(q * z, p, q));
    }
    let rest = remainder::<A>(above.high, q, below.high);
    let rest = rest + mul_add::<A>(-q, below.low, above.low);
    let miss = rest * inverse;
    let p = polynomial::<A, _>(z, &c::ATAN);
    let low = mul_add::<A>(q * z, p, mul_add::<A>(-z, miss, miss));
    let head = ordered_sum(offset.high, q);
    head.plus(offset.low + low)
}

const TAN_EIGHTH: f64 = 0.414;
const QUARTER_PI: Pair = Pair::new(0.5 * c::HALF_PI.high, 0.5 * c::HALF_PI.low);

#[inline(always)]
pub fn atan<A: Arithmetic>(x: f64) -> f64 {
    let size = x.abs();
    let steep = size > 1.0;
    let (above, below) = (size.min(1.0), size.clamp(1.0, 1e300));
    let a = of_quotient::<A>(above, below);
    let y = if steep {
        from_constant(c::HALF_PI, a)
    } else {
        a.sum()
    };
    let y = if size <= f64::INFINITY { y } else { size };
    y.copysign(x)
}

/// As [`of_quotient`] without sums and reciprocals that overflow, or rests below all numbers.
#[inline(always)]
fn of_any_quotient<A: Arithmetic>(above: f64, below: f64) -> Pair {
    let factor = if below > TWO_1000 {
        TWO_600.recip()
    } else {
        1.0
    };
    let factor = if below < TWO_600.recip() {
        TWO_600
    } else {
        factor
    };
    let (above, below) = (above * factor, below * factor);
    let below = if below == 0.0 { 1.0 } else { below };
    // Such quotients are their own angles, larger by a factor too.
    let (factor, back) = if above < 1e-280 {
        (TWO_300, TWO_300.recip())
    } else {
        (1.0, 1.0)
    };
    of_quotient::<A>(above * factor, below).scaled(back)
}

/// The angle of the point `(x, y)`; special values as in C99.
#[inline(always)]
pub fn atan2<A: Arithmetic>(y: f64, x: f64) -> f64 {
    let (height, width) = (y.abs(), x.abs());
    let steep = height > width;
    let (above, below) = if steep {
        (width, height)
    } else {
        (height, width)
    };
    let infinite = below == f64::INFINITY;
    let corner = if above == f64::INFINITY { 1.0 } else { 0.0 };
    let (above, below) = if infinite {
        (corner, 1.0)
    } else {
        (above, below)
    };
    let a = if A::SINGLE {
        of_quotient::<A>(above, if below == 0.0 { 1.0 } else { below })
    } else {
        of_any_quotient::<A>(above, below)
    };
    let backward = x.is_sign_negative();
    // The octant: a, pi/2 - a, pi/2 + a or pi - a.
    let base = if steep {
        c::HALF_PI
    } else {
        c::HALF_PI.scaled(2.0)
    };
    let turned = from_constant(base, a.scaled(if steep & backward { -1.0 } else { 1.0 }));
    let angle = if steep | backward { turned } else { a.sum() };
    let angle = if x.is_nan() | y.is_nan() {
        f64::NAN
    } else {
        angle
    };
    angle.copysign(y)
}

const TWO_300: f64 = 2.037035976334486e90;
const TWO_600: f64 = 4.149515568880993e180;
const TWO_1000: f64 = 1.0715086071862673e301;
