//! The arithmetic that operations are written in, over every element type that has it.

/// Types with NumPy's arithmetic: float32, float64 and int64 (which wraps).
pub trait Number: Copy + PartialOrd {
    const ZERO: Self;
    const ONE: Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn neg(self) -> Self;
    fn abs(self) -> Self;
    /// -1, 0 or 1; NaN stays NaN.
    fn sign(self) -> Self;
    /// Rounded towards minus infinity; `x // 0` is 0 for integers.
    fn floor_divide(self, other: Self) -> Self;
    /// With the sign of the divisor; `x % 0` is 0 for integers.
    fn remainder(self, other: Self) -> Self;
    /// With the sign of the dividend.
    fn fmod(self, other: Self) -> Self;
    fn is_nan(self) -> bool;
    /// The product of two factors of which one is zero: zero, whatever the other, with the sign
    /// that their product has where it is a number.
    fn zero_product(self, other: Self) -> Self;
    /// The guarded product of derivatives: as the plain one wherever that is a number.
    #[inline(always)]
    fn mul0(self, other: Self) -> Self {
        if self == Self::ZERO || other == Self::ZERO {
            self.zero_product(other)
        } else {
            self.mul(other)
        }
    }
    /// NaN if either is NaN.
    #[inline(always)]
    fn maximum(self, other: Self) -> Self {
        if self >= other || self.is_nan() {
            self
        } else {
            other
        }
    }
    /// NaN if either is NaN.
    #[inline(always)]
    fn minimum(self, other: Self) -> Self {
        if self <= other || self.is_nan() {
            self
        } else {
            other
        }
    }
}

/// Types with powers.
pub trait Power: Number {
    fn power(self, other: Self) -> Self;
}

/// Floating-point numbers with the elementary functions, of which each level has its own.
pub trait Real: Power {
    fn from_f64(x: f64) -> Self;
    fn div(self, other: Self) -> Self;
    fn sqrt(self) -> Self;
    fn cbrt(self) -> Self;
    fn exp(self) -> Self;
    fn exp2(self) -> Self;
    fn expm1(self) -> Self;
    fn ln(self) -> Self;
    fn log2(self) -> Self;
    fn log10(self) -> Self;
    fn log1p(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn tan(self) -> Self;
    fn asin(self) -> Self;
    fn acos(self) -> Self;
    fn atan(self) -> Self;
    fn atan2(self, other: Self) -> Self;
    fn sinh(self) -> Self;
    fn cosh(self) -> Self;
    fn tanh(self) -> Self;
    fn asinh(self) -> Self;
    fn acosh(self) -> Self;
    fn atanh(self) -> Self;
    fn hypot(self, other: Self) -> Self;
    fn erf(self) -> Self;
    fn erfc(self) -> Self;
    fn expit(self) -> Self;
    fn logaddexp(self, other: Self) -> Self;
    fn logaddexp2(self, other: Self) -> Self;
    /// The logarithm of the absolute value of the gamma function.
    fn gammaln(self) -> Self;
    fn digamma(self) -> Self;
    /// Hurwitz's zeta function.
    fn zeta(self, other: Self) -> Self;
    /// Whether `sin`, `cos` and `tan` take no branch.
    fn is_moderate(self) -> bool;
    /// Whether `gammaln` and `digamma` take no branch.
    fn is_positive(self) -> bool;
    fn floor(self) -> Self;
    fn ceil(self) -> Self;
    fn trunc(self) -> Self;
    /// To the nearest integer, halves to even.
    fn rint(self) -> Self;
    fn copysign(self, other: Self) -> Self;
    fn is_infinite(self) -> bool;
    fn is_finite(self) -> bool;
    fn signbit(self) -> bool;
}

macro_rules! number {
    ($T:ident) => {
        impl Number for $T {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self + other
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self - other
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self * other
            }
            #[inline(always)]
            fn neg(self) -> Self {
                -self
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $T::abs(self)
            }
            #[inline(always)]
            fn sign(self) -> Self {
                if self > 0.0 {
                    1.0
                } else if self < 0.0 {
                    -1.0
                } else {
                    // Zero of either sign gives +0, NaN stays.
                    self + 0.0
                }
            }
            #[inline(always)]
            fn floor_divide(self, other: Self) -> Self {
                // As CPython's and NumPy's `divmod`: exact remainder first, then the quotient.
                if other == 0.0 {
                    return self / other;
                }
                let rest = self % other;
                let mut quotient = (self - rest) / other;
                if rest != 0.0 && ((other < 0.0) != (rest < 0.0)) {
                    quotient -= 1.0;
                }
                if quotient == 0.0 {
                    return (0.0 as $T).copysign(self / other);
                }
                let floor = quotient.floor();
                if quotient - floor > 0.5 {
                    floor + 1.0
                } else {
                    floor
                }
            }
            #[inline(always)]
            fn remainder(self, other: Self) -> Self {
                let rest = self % other;
                if rest == 0.0 {
                    rest.copysign(other)
                } else if (other < 0.0) != (rest < 0.0) {
                    rest + other
                } else {
                    rest
                }
            }
            #[inline(always)]
            fn fmod(self, other: Self) -> Self {
                self % other
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                $T::is_nan(self)
            }
            #[inline(always)]
            fn zero_product(self, other: Self) -> Self {
                (0.0 as $T).copysign(self) * (1.0 as $T).copysign(other)
            }
        }
    };
}

number!(f64);
number!(f32);

impl Number for i64 {
    const ZERO: Self = 0;
    const ONE: Self = 1;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.wrapping_mul(other)
    }
    #[inline(always)]
    fn neg(self) -> Self {
        self.wrapping_neg()
    }
    #[inline(always)]
    fn abs(self) -> Self {
        self.wrapping_abs()
    }
    #[inline(always)]
    fn sign(self) -> Self {
        self.signum()
    }
    #[inline(always)]
    fn floor_divide(self, other: Self) -> Self {
        if other == 0 {
            return 0;
        }
        let quotient = self.wrapping_div(other);
        let inexact = self.wrapping_rem(other) != 0;
        if inexact && (self < 0) != (other < 0) {
            quotient - 1
        } else {
            quotient
        }
    }
    #[inline(always)]
    fn remainder(self, other: Self) -> Self {
        if other == 0 {
            return 0;
        }
        let rest = self.wrapping_rem(other);
        if rest != 0 && (rest < 0) != (other < 0) {
            rest + other
        } else {
            rest
        }
    }
    #[inline(always)]
    fn fmod(self, other: Self) -> Self {
        if other == 0 {
            0
        } else {
            self.wrapping_rem(other)
        }
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        false
    }
    #[inline(always)]
    fn zero_product(self, _: Self) -> Self {
        0
    }
}

impl Power for i64 {
    #[inline(always)]
    fn power(self, other: Self) -> Self {
        // Negative exponents are refused before a kernel runs.
        self.wrapping_pow(other.clamp(0, i64::from(u32::MAX)) as u32)
    }
}
