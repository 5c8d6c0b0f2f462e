//! Functions of a few cases or terms, made of the elementary ones.

use super::{Number, Real};

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
