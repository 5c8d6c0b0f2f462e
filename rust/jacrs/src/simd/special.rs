//! Functions that the standard library lacks and one formula does not give: written so that no
//! branch overflows or cancels.

use super::{Number, Real};
use std::f64::consts::LN_2;

/// The logistic function `1 / (1 + exp(-x))`.
#[inline(always)]
pub fn expit<T: Real>(x: T) -> T {
    // Written so that neither tail overflows or cancels.
    let e = Real::exp(Number::neg(Number::abs(x)));
    let small = Real::div(e, Number::add(T::ONE, e));
    let large = Real::div(T::ONE, Number::add(T::ONE, e));
    if x < T::ZERO { small } else { large }
}

/// `log(exp(x) + exp(z))`.
#[inline(always)]
pub fn logaddexp<T: Real>(x: T, z: T) -> T {
    // Equal infinities have no difference.
    if x == z {
        return Number::add(x, T::from_f64(LN_2));
    }
    let gap = Number::neg(Number::abs(Number::sub(x, z)));
    Number::add(Number::maximum(x, z), Real::log1p(Real::exp(gap)))
}

/// `log2(2**x + 2**z)`.
#[inline(always)]
pub fn logaddexp2<T: Real>(x: T, z: T) -> T {
    if x == z {
        return Number::add(x, T::ONE);
    }
    let gap = Number::neg(Number::abs(Number::sub(x, z)));
    let tail = Real::log1p(Real::exp2(gap));
    Number::add(
        Number::maximum(x, z),
        Number::mul(tail, T::from_f64(1.0 / LN_2)),
    )
}

/// The step from 0 to 1, with `at_zero` at zero.
#[inline(always)]
pub fn heaviside<T: Real>(x: T, at_zero: T) -> T {
    if Number::is_nan(x) {
        x
    } else if x == T::ZERO {
        at_zero
    } else if x < T::ZERO {
        T::ZERO
    } else {
        T::ONE
    }
}
