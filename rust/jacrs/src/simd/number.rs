//! The arithmetic that operations are written in, over every element type that has it.

use crate::array::Element;

/// Types with NumPy's arithmetic: float32, float64 and int64 (which wraps).
pub trait Number: Element + PartialOrd + PartialEq {
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
    fn power(self, other: Self) -> Self;
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

/// Floating-point types with the elementary functions.
pub trait Real: Number {
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

macro_rules! real {
    ($T:ident, $erf:path, $erfc:path, $expm1:path, $log1p:path, $asinh:path, $acosh:path, $atanh:path, $fmod:path) => {
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
                let rest = $fmod(self, other);
                let mut quotient = (self - rest) / other;
                if rest != 0.0 && ((other < 0.0) != (rest < 0.0)) {
                    quotient -= 1.0;
                }
                if quotient == 0.0 {
                    return (0.0 as $T).copysign(self / other);
                }
                let floor = quotient.floor();
                if quotient - floor > 0.5 { floor + 1.0 } else { floor }
            }
            #[inline(always)]
            fn remainder(self, other: Self) -> Self {
                let rest = $fmod(self, other);
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
                $fmod(self, other)
            }
            #[inline(always)]
            fn power(self, other: Self) -> Self {
                $T::powf(self, other)
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

        impl Real for $T {
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $T
            }
            #[inline(always)]
            fn div(self, other: Self) -> Self {
                self / other
            }
            real!(@std $T: sqrt cbrt exp exp2 ln log2 log10 sin cos tan asin acos atan sinh cosh
                tanh floor ceil trunc);
            real!(@path expm1 $expm1, log1p $log1p, asinh $asinh, acosh $acosh, atanh $atanh,
                erf $erf, erfc $erfc);
            #[inline(always)]
            fn atan2(self, other: Self) -> Self {
                $T::atan2(self, other)
            }
            #[inline(always)]
            fn hypot(self, other: Self) -> Self {
                $T::hypot(self, other)
            }
            #[inline(always)]
            fn rint(self) -> Self {
                $T::round_ties_even(self)
            }
            #[inline(always)]
            fn copysign(self, other: Self) -> Self {
                $T::copysign(self, other)
            }
            #[inline(always)]
            fn is_infinite(self) -> bool {
                $T::is_infinite(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $T::is_finite(self)
            }
            #[inline(always)]
            fn signbit(self) -> bool {
                $T::is_sign_negative(self)
            }
        }
    };
    (@std $T:ident: $($name:ident)*) => {
        $(#[inline(always)]
        fn $name(self) -> Self {
            $T::$name(self)
        })*
    };
    (@path $($name:ident $path:path),*) => {
        $(#[inline(always)]
        fn $name(self) -> Self {
            $path(self)
        })*
    };
}

// The standard library's inverse hyperbolics lose accuracy near zero and one; libm's do not.
real!(
    f64,
    libm::erf,
    libm::erfc,
    f64::exp_m1,
    f64::ln_1p,
    libm::asinh,
    libm::acosh,
    libm::atanh,
    libm::fmod
);
real!(
    f32,
    libm::erff,
    libm::erfcf,
    f32::exp_m1,
    f32::ln_1p,
    libm::asinhf,
    libm::acoshf,
    libm::atanhf,
    libm::fmodf
);

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
    fn power(self, other: Self) -> Self {
        // Negative exponents are refused before a kernel runs.
        self.wrapping_pow(other.clamp(0, i64::from(u32::MAX)) as u32)
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
