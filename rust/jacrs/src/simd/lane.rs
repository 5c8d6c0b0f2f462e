//! Floating-point numbers that know the arithmetic of their level.

use std::cmp::Ordering;
use std::marker::PhantomData;

use super::math::{self, Arithmetic, Single};
use super::number::{Number, Power, Real};

/// A number of type `T` whose elementary functions are computed in the arithmetic `A`. In memory it
/// is the number.
#[derive(Debug)]
#[repr(transparent)]
pub struct Lane<T, A>(T, PhantomData<A>);

impl<T, A> Lane<T, A> {
    #[inline(always)]
    pub fn new(value: T) -> Self {
        Self(value, PhantomData)
    }

    #[inline(always)]
    pub fn get(self) -> T {
        self.0
    }
}

impl<T: Copy, A> Copy for Lane<T, A> {}
impl<T: Copy, A> Clone for Lane<T, A> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: PartialEq, A> PartialEq for Lane<T, A> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

// Each of its own: what `partial_cmp` gives is more than a vector loop wants to know.
impl<T: PartialOrd, A> PartialOrd for Lane<T, A> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.0.partial_cmp(&other.0)
    }
    #[inline(always)]
    fn lt(&self, other: &Self) -> bool {
        self.0 < other.0
    }
    #[inline(always)]
    fn le(&self, other: &Self) -> bool {
        self.0 <= other.0
    }
    #[inline(always)]
    fn gt(&self, other: &Self) -> bool {
        self.0 > other.0
    }
    #[inline(always)]
    fn ge(&self, other: &Self) -> bool {
        self.0 >= other.0
    }
}

macro_rules! delegated {
    ($($name:ident($($z:ident)?);)*) => {
        $(#[inline(always)]
        fn $name(self $(, $z: Self)?) -> Self {
            Self::new(Number::$name(self.0 $(, $z.0)?))
        })*
    };
}

impl<T: Number, A: Arithmetic> Number for Lane<T, A> {
    const ZERO: Self = Self(T::ZERO, PhantomData);
    const ONE: Self = Self(T::ONE, PhantomData);
    delegated! {
        add(other);
        sub(other);
        mul(other);
        neg();
        abs();
        sign();
        floor_divide(other);
        remainder(other);
        fmod(other);
        zero_product(other);
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        self.0.is_nan()
    }
}

/// Methods computed in float64, each by the function of `math` named beside it.
macro_rules! elementary {
    ($T:ident $A:ty: $($name:ident $function:ident ($($z:ident)?);)*) => {
        $(#[inline(always)]
        fn $name(self $(, $z: Self)?) -> Self {
            Self::new(math::$function::<$A>(f64::from(self.0) $(, f64::from($z.0))?) as $T)
        })*
    };
}

macro_rules! lane {
    ($T:ident $A:ty) => {
        impl<A: Arithmetic> Power for Lane<$T, A> {
            elementary!($T $A: power pow (other););
        }

        impl<A: Arithmetic> Real for Lane<$T, A> {
            elementary! {
                $T $A:
                cbrt cbrt ();
                exp exp ();
                exp2 exp2 ();
                expm1 expm1 ();
                ln log ();
                log2 log2 ();
                log10 log10 ();
                log1p log1p ();
                sin sin ();
                cos cos ();
                tan tan ();
                asin asin ();
                acos acos ();
                atan atan ();
                atan2 atan2 (other);
                sinh sinh ();
                cosh cosh ();
                tanh tanh ();
                asinh asinh ();
                acosh acosh ();
                atanh atanh ();
                hypot hypot (other);
                erf erf ();
                erfc erfc ();
                expit expit ();
                logaddexp logaddexp (other);
                logaddexp2 logaddexp2 (other);
                gammaln gammaln ();
                digamma digamma ();
                zeta zeta (other);
            }
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                Self::new(x as $T)
            }
            #[inline(always)]
            fn div(self, other: Self) -> Self {
                Self::new(self.0 / other.0)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                Self::new(self.0.sqrt())
            }
            #[inline(always)]
            fn floor(self) -> Self {
                Self::new(self.0.floor())
            }
            #[inline(always)]
            fn ceil(self) -> Self {
                Self::new(self.0.ceil())
            }
            #[inline(always)]
            fn trunc(self) -> Self {
                Self::new(self.0.trunc())
            }
            #[inline(always)]
            fn rint(self) -> Self {
                Self::new(self.0.round_ties_even())
            }
            #[inline(always)]
            fn copysign(self, other: Self) -> Self {
                Self::new(self.0.copysign(other.0))
            }
            #[inline(always)]
            fn is_infinite(self) -> bool {
                self.0.is_infinite()
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                self.0.is_finite()
            }
            #[inline(always)]
            fn signbit(self) -> bool {
                self.0.is_sign_negative()
            }
            #[inline(always)]
            fn is_moderate(self) -> bool {
                math::is_moderate(f64::from(self.0))
            }
            #[inline(always)]
            fn is_positive(self) -> bool {
                self.0 > 0.0
            }
        }
    };
}

lane!(f64 A);
lane!(f32 Single<A>);
