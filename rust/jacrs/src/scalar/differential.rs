//! What a type must say to carry derivatives; everything else about it follows.

use super::{Arithmetic, Float};
use crate::simd::Number;

/// What [`Float`] needs of every number, and nobody else. It seals [`Float`] as well.
pub trait Basic: Arithmetic {
    /// The value alone. What is computed from it is a constant.
    fn plain(self) -> f64;
    fn plus(self, c: f64) -> Self;
    fn times(self, c: f64) -> Self;
    /// `c` times it, zero if either is zero.
    fn times0(self, c: f64) -> Self;
    /// Divided by `c`.
    fn over(self, c: f64) -> Self;
    /// `c` divided by it.
    fn under(self, c: f64) -> Self;
    /// As a factor its guarded product is the plain one, whatever the other factor.
    fn is_regular(self) -> bool;
    /// It is zero, and so are all derivatives it carries.
    fn vanishes(self) -> bool;
    /// The guarded product, for derivatives.
    fn guarded(self, other: Self) -> Self;
    /// The sum, for derivatives, where the sign of a zero means nothing.
    fn gather(self, other: Self) -> Self;
}

/// A value with first-order information over numbers of type `Value`. From this come the operators
/// (`operators!`), the functions of [`Float`], and nesting.
pub trait Differential: Arithmetic {
    type Value: Float;
    fn primal(self) -> Self::Value;
    /// A value that depends on nothing.
    fn constant(value: Self::Value) -> Self;
    /// `y`, a function of `self` with slope `dx`.
    fn unary(self, y: Self::Value, dx: Self::Value) -> Self;
    /// `y`, a function of `self` and `z` with slopes `dx` and `dz`.
    fn binary(self, z: Self, y: Self::Value, slopes: [Self::Value; 2]) -> Self;
    /// `y`, a function of `self` whose slope is the constant `c`.
    fn linear(self, y: Self::Value, c: f64) -> Self;
    /// `y`, the sum of `self` and `z` or, of opposite sign, their difference.
    fn sum(self, z: Self, y: Self::Value, sign: f64) -> Self;
    fn is_regular(self) -> bool;
    fn vanishes(self) -> bool;
    fn guarded(self, other: Self) -> Self;
    fn gather(self, other: Self) -> Self;
}

impl<S: Differential> Basic for S {
    #[inline]
    fn plain(self) -> f64 {
        self.primal().plain()
    }
    #[inline]
    fn plus(self, c: f64) -> Self {
        self.linear(self.primal().plus(c), 1.0)
    }
    #[inline]
    fn times(self, c: f64) -> Self {
        self.linear(self.primal().times(c), c)
    }
    #[inline]
    fn times0(self, c: f64) -> Self {
        self.linear(self.primal().times0(c), c)
    }
    #[inline]
    fn over(self, c: f64) -> Self {
        self.linear(self.primal().over(c), 1.0 / c)
    }
    #[inline]
    fn under(self, c: f64) -> Self {
        let x = self.primal();
        let y = x.under(c);
        self.unary(y, -(y / x))
    }
    #[inline]
    fn is_regular(self) -> bool {
        Differential::is_regular(self)
    }
    #[inline]
    fn vanishes(self) -> bool {
        Differential::vanishes(self)
    }
    #[inline]
    fn guarded(self, other: Self) -> Self {
        Differential::guarded(self, other)
    }
    #[inline]
    fn gather(self, other: Self) -> Self {
        Differential::gather(self, other)
    }
}

macro_rules! plain {
    ($($T:ident)*) => {
        $(impl Basic for $T {
            #[inline]
            fn plain(self) -> f64 {
                f64::from(self)
            }
            #[inline]
            fn plus(self, c: f64) -> Self {
                self + c as $T
            }
            #[inline]
            fn times(self, c: f64) -> Self {
                self * c as $T
            }
            #[inline]
            fn times0(self, c: f64) -> Self {
                let c = c as $T;
                // Known where it is compiled: a slope of 1 costs nothing.
                if Basic::is_regular(c) { self * c } else { Number::mul0(self, c) }
            }
            #[inline]
            fn over(self, c: f64) -> Self {
                self / c as $T
            }
            #[inline]
            fn under(self, c: f64) -> Self {
                c as $T / self
            }
            #[inline]
            fn is_regular(self) -> bool {
                // The bits without the sign, between those of zero and of infinity: one comparison.
                (self.to_bits() << 1).wrapping_sub(1) < ($T::INFINITY.to_bits() << 1) - 1
            }
            #[inline]
            fn vanishes(self) -> bool {
                self == 0.0
            }
            #[inline]
            fn guarded(self, other: Self) -> Self {
                Number::mul0(self, other)
            }
            #[inline]
            fn gather(self, other: Self) -> Self {
                self + other
            }
        })*
    };
}

plain!(f64 f32);
