//! Numbers alone, with the bits that the block kernels of this machine give them.

use super::lane::Lane;
use super::level::{Level, level};
use super::math::{self, Fused, Portable};
use super::number::{Power, Real};

/// Methods computed in the arithmetic of this machine, out of line: they are long.
macro_rules! elementary {
    ($T:ident $Trait:ident: $($name:ident ($($z:ident)?);)*) => {
        $(#[inline]
        fn $name(self $(, $z: Self)?) -> Self {
            #[inline(never)]
            fn portable(x: $T $(, $z: $T)?) -> $T {
                $Trait::$name(Lane::<$T, Portable>::new(x) $(, Lane::new($z))?).get()
            }
            #[inline(never)]
            #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
            unsafe fn fused(x: $T $(, $z: $T)?) -> $T {
                $Trait::$name(Lane::<$T, Fused>::new(x) $(, Lane::new($z))?).get()
            }
            match level() {
                Level::Baseline => portable(self $(, $z)?),
                // SAFETY: the level was detected.
                Level::Avx2 | Level::Avx512 => unsafe { fused(self $(, $z)?) },
            }
        })*
    };
}

macro_rules! hardware {
    ($T:ident: $($name:ident $function:ident ($($z:ident)?) -> $Y:ty;)*) => {
        $(#[inline(always)]
        fn $name(self $(, $z: Self)?) -> $Y {
            $T::$function(self $(, $z)?)
        })*
    };
}

macro_rules! bare {
    ($($T:ident)*) => {
        $(impl Power for $T {
            elementary!($T Power: power (other););
        }

        impl Real for $T {
            elementary! {
                $T Real:
                cbrt ();
                exp ();
                exp2 ();
                expm1 ();
                ln ();
                log2 ();
                log10 ();
                log1p ();
                sin ();
                cos ();
                tan ();
                asin ();
                acos ();
                atan ();
                atan2 (other);
                sinh ();
                cosh ();
                tanh ();
                asinh ();
                acosh ();
                atanh ();
                hypot (other);
                erf ();
                erfc ();
                expit ();
                logaddexp (other);
                logaddexp2 (other);
                gammaln ();
                digamma ();
                zeta (other);
            }
            hardware! {
                $T:
                sqrt sqrt () -> Self;
                floor floor () -> Self;
                ceil ceil () -> Self;
                trunc trunc () -> Self;
                rint round_ties_even () -> Self;
                copysign copysign (other) -> Self;
                is_infinite is_infinite () -> bool;
                is_finite is_finite () -> bool;
                signbit is_sign_negative () -> bool;
            }
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $T
            }
            #[inline(always)]
            fn div(self, other: Self) -> Self {
                self / other
            }
            #[inline(always)]
            fn is_moderate(self) -> bool {
                math::is_moderate(f64::from(self))
            }
            #[inline(always)]
            fn is_positive(self) -> bool {
                self > 0.0
            }
        })*
    };
}

bare!(f64 f32);
