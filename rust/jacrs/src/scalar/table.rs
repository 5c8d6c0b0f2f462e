//! Every function of a [`Float`], one row each: its value in plain numbers, and its slopes.
//!
//! `method "name in the text form of graphs" (operands) -> result = value, [slopes]`: the value is
//! written over a [`Real`], a slope over any [`Float`]. A row without slopes is a step: its
//! derivative is zero. Slopes follow the conventions of `docs/conventions.md`.

use super::{Arithmetic, Basic, Differential};
use crate::simd::{Number, Power, Real, special};
use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, LN_10};

const DEGREE: f64 = std::f64::consts::PI / 180.0;

macro_rules! functions {
    ($(
        $(#[$doc:meta])*
        $method:ident $name:literal ($x:ident $(, $z:ident)?) -> $y:ident = $value:expr
            $(, [$($slope:expr),+])?;
    )*) => {
        /// A real number with the elementary functions: `f64`, `f32`, [`Dual`](crate::dual::Dual)
        /// and [`Var`](crate::tape::Var). Where the standard library has a function its name is
        /// taken, and its meaning.
        ///
        /// The trait is sealed: a function may be added without breaking anything.
        #[allow(private_bounds, reason = "sealed")]
        pub trait Float: Basic + Arithmetic {
            /// A constant, rounded to the precision of the type.
            fn from_f64(c: f64) -> Self;

            /// To the power of a constant. With an exponent of zero the slope is zero even where
            /// `self` is.
            ///
            /// ```
            /// use jacrs::{Dual, Float};
            /// assert_eq!(Dual::variable(4.0).powf(1.5).partials, [3.0]);
            /// ```
            fn powf(self, c: f64) -> Self;

            /// To the power of an integer.
            fn powi(self, n: i32) -> Self;

            $($(#[$doc])* fn $method(self $(, $z: Self)?) -> Self;)*

            /// The value alone: what is computed from it is a constant of every differentiation.
            /// For printing, for indices, for tolerances.
            #[inline]
            fn to_f64(self) -> f64 {
                self.plain()
            }

            /// The value is NaN.
            #[inline]
            fn is_nan(self) -> bool {
                self.plain().is_nan()
            }

            /// The value is neither infinite nor NaN.
            #[inline]
            fn is_finite(self) -> bool {
                self.plain().is_finite()
            }

            /// The value is infinite.
            #[inline]
            fn is_infinite(self) -> bool {
                self.plain().is_infinite()
            }

            /// The sign of the value is minus, that of `-0.0` too.
            #[inline]
            fn is_sign_negative(self) -> bool {
                self.plain().is_sign_negative()
            }

            /// Between two bounds: `self.maximum(low).minimum(high)`.
            #[inline]
            fn clamp(self, low: Self, high: Self) -> Self {
                self.maximum(low).minimum(high)
            }

            /// Sine and cosine.
            #[inline]
            fn sin_cos(self) -> (Self, Self) {
                (self.sin(), self.cos())
            }

            /// `self * a + b`, rounded twice.
            #[inline]
            fn mul_add(self, a: Self, b: Self) -> Self {
                self * a + b
            }

            /// 1 with the sign of the value, that of a zero too.
            #[inline]
            fn signum(self) -> Self {
                if self.is_nan() { self } else { Self::from_f64(1.0).copysign(self) }
            }

            /// What [`trunc`](Float::trunc) cuts off.
            #[inline]
            fn fract(self) -> Self {
                self - self.trunc()
            }
        }

        functions!(@plain f64 $($method ($x $(, $z)?) $value;)*);
        functions!(@plain f32 $($method ($x $(, $z)?) $value;)*);

        #[allow(unused_variables, reason = "a row names operands that its slopes need not mention")]
        impl<S: Differential> Float for S {
            #[inline]
            fn from_f64(c: f64) -> Self {
                S::constant(Float::from_f64(c))
            }
            #[inline]
            fn powf(self, c: f64) -> Self {
                let x = self.primal();
                self.unary(x.powf(c), x.powf(c - 1.0).times0(c))
            }
            #[inline]
            fn powi(self, n: i32) -> Self {
                let x = self.primal();
                let c = f64::from(n);
                let lower = n.checked_sub(1).map_or_else(|| x.powf(c - 1.0), |m| x.powi(m));
                self.unary(x.powi(n), lower.times0(c))
            }
            $(#[inline]
            fn $method(self $(, $z: Self)?) -> Self {
                functions!(@chain self $method ($x $(, $z)?) $y $([$($slope),+])?)
            })*
        }

        /// What [`apply`] knows, with the numbers of operands: names of the text form of graphs.
        pub const NAMES: &[(&str, usize)] = &[
            ("add", 2), ("sub", 2), ("mul", 2), ("div", 2), ("fmod", 2), ("neg", 1),
            $(($name, [stringify!($x) $(, stringify!($z))?].len()),)*
        ];

        /// A function found by its name in the text form of graphs; `None` if it is not among
        /// [`NAMES`] or takes another number of operands. For interpreters of formulas.
        ///
        /// ```
        /// use jacrs::{Dual, scalar::apply};
        /// let y = apply("hypot", &[Dual::variable(3.0), Dual::constant(4.0)]).unwrap();
        /// assert_eq!((y.value, y.partials), (5.0, [0.6]));
        /// assert_eq!(apply("hypot", &[1.0]), None);
        /// ```
        pub fn apply<S: Float>(name: &str, operands: &[S]) -> Option<S> {
            Some(match (name, operands) {
                ("add", &[x, z]) => x + z,
                ("sub", &[x, z]) => x - z,
                ("mul", &[x, z]) => x * z,
                ("div", &[x, z]) => x / z,
                ("fmod", &[x, z]) => x % z,
                ("neg", &[x]) => -x,
                $(($name, &[$x $(, $z)?]) => $x.$method($($z)?),)*
                _ => return None,
            })
        }
    };

    (@plain $T:ident $($method:ident ($x:ident $(, $z:ident)?) $value:expr;)*) => {
        impl Float for $T {
            #[inline]
            fn from_f64(c: f64) -> Self {
                c as $T
            }
            #[inline]
            fn powf(self, c: f64) -> Self {
                Power::power(self, c as $T)
            }
            #[inline]
            fn powi(self, n: i32) -> Self {
                $T::powi(self, n)
            }
            $(#[inline]
            fn $method(self $(, $z: Self)?) -> Self {
                let $x = self;
                $value
            })*
        }
    };

    (@chain $this:ident $method:ident ($($x:ident),+) $y:ident) => {
        S::constant(functions!(@call $this $method ($($x),+)))
    };
    (@chain $this:ident $method:ident ($x:ident) $y:ident [$slope:expr]) => {{
        let $x = $this.primal();
        let $y = $x.$method();
        $this.unary($y, $slope)
    }};
    (@chain $this:ident $method:ident ($x:ident, $z:ident) $y:ident [$dx:expr, $dz:expr]) => {{
        let other = $z;
        let ($x, $z) = ($this.primal(), other.primal());
        let $y = $x.$method($z);
        $this.binary(other, $y, [$dx, $dz])
    }};
    (@call $this:ident $method:ident ($x:ident)) => { $this.primal().$method() };
    (@call $this:ident $method:ident ($x:ident, $z:ident)) => { $this.primal().$method($z.primal()) };
}

functions! {
    /// The product in a derivative: zero where either factor is zero, whatever the other.
    mul0 "mul0" (x, z) -> y = Number::mul0(x, z), [z, x];
    /// The distance from zero. At zero its slope is 0, between -1 and 1.
    abs "abs" (x) -> y = Number::abs(x), [x.sign()];
    /// Times itself.
    square "square" (x) -> y = x * x, [x.times(2.0)];
    /// The larger; NaN if either is NaN. A tie shares the slope evenly.
    maximum "maximum" (x, z) -> y = Number::maximum(x, z), [share(x > z, x < z), share(z > x, z < x)];
    /// The smaller; NaN if either is NaN. A tie shares the slope evenly.
    minimum "minimum" (x, z) -> y = Number::minimum(x, z), [share(x < z, x > z), share(z < x, z > x)];
    /// The larger; the other if one is NaN. A tie shares the slope evenly.
    max "fmax" (x, z) -> y = if x >= z || Number::is_nan(z) { x } else { z },
        [share(x > z || z.is_nan(), x < z || x.is_nan()), share(z > x || x.is_nan(), z < x || z.is_nan())];
    /// The smaller; the other if one is NaN. A tie shares the slope evenly.
    min "fmin" (x, z) -> y = if x <= z || Number::is_nan(z) { x } else { z },
        [share(x < z || z.is_nan(), x > z || x.is_nan()), share(z < x || x.is_nan(), z > x || z.is_nan())];
    /// To a variable power. With an exponent of zero the slope is zero even where `self` is.
    pow "power" (x, z) -> y = Power::power(x, z), [z.guarded(x.pow(z.plus(-1.0))), y.guarded(x.ln())];
    /// The rest of a division, with the sign of the divisor. (`%` gives that of the dividend.)
    remainder "remainder" (x, z) -> y = Number::remainder(x, z),
        [constant(1.0), -((x - y) / z).round_ties_even()];
    /// The quotient, rounded down. A step.
    floor_divide "floor_divide" (x, z) -> y = Number::floor_divide(x, z);
    /// -1, 0 or 1, and NaN for NaN. A step. ([`signum`](Float::signum) has no 0.)
    sign "sign" (x) -> y = Number::sign(x);

    /// `1 / self`.
    recip "reciprocal" (x) -> y = 1.0 / x, [-y.square()];
    /// The square root; its slope at zero is infinite.
    sqrt "sqrt" (x) -> y = Real::sqrt(x), [y.under(0.5)];
    /// The cube root; its slope at zero is infinite.
    cbrt "cbrt" (x) -> y = Real::cbrt(x), [y.square().times(3.0).recip()];
    /// `e` to the power of it.
    exp "exp" (x) -> y = Real::exp(x), [y];
    /// 2 to the power of it.
    exp2 "exp2" (x) -> y = Real::exp2(x), [y.times(LN_2)];
    /// `exp(self) - 1`, exact near zero.
    exp_m1 "expm1" (x) -> y = Real::expm1(x), [x.exp()];
    /// The natural logarithm.
    ln "log" (x) -> y = Real::ln(x), [x.recip()];
    /// The logarithm to base 2.
    log2 "log2" (x) -> y = Real::log2(x), [x.times(LN_2).recip()];
    /// The logarithm to base 10.
    log10 "log10" (x) -> y = Real::log10(x), [x.times(LN_10).recip()];
    /// `ln(1 + self)`, exact near zero.
    ln_1p "log1p" (x) -> y = Real::log1p(x), [x.plus(1.0).recip()];
    /// The sine.
    sin "sin" (x) -> y = Real::sin(x), [x.cos()];
    /// The cosine.
    cos "cos" (x) -> y = Real::cos(x), [-x.sin()];
    /// The tangent.
    tan "tan" (x) -> y = Real::tan(x), [y.square().plus(1.0)];
    /// The inverse of the sine.
    asin "arcsin" (x) -> y = Real::asin(x), [one_minus_square(x).sqrt().recip()];
    /// The inverse of the cosine.
    acos "arccos" (x) -> y = Real::acos(x), [-one_minus_square(x).sqrt().recip()];
    /// The inverse of the tangent.
    atan "arctan" (x) -> y = Real::atan(x), [x.square().plus(1.0).recip()];
    /// The angle of the point with ordinate `self` and abscissa `z`.
    atan2 "arctan2" (x, z) -> y = Real::atan2(x, z),
        [z / x.hypot(z) / x.hypot(z), -(x / x.hypot(z) / x.hypot(z))];
    /// The hyperbolic sine.
    sinh "sinh" (x) -> y = Real::sinh(x), [x.cosh()];
    /// The hyperbolic cosine.
    cosh "cosh" (x) -> y = Real::cosh(x), [x.sinh()];
    /// The hyperbolic tangent.
    tanh "tanh" (x) -> y = Real::tanh(x), [one_minus_square(y)];
    /// The inverse of the hyperbolic sine.
    asinh "arcsinh" (x) -> y = Real::asinh(x), [x.hypot(constant(1.0)).recip()];
    /// The inverse of the hyperbolic cosine.
    acosh "arccosh" (x) -> y = Real::acosh(x), [(x.plus(-1.0).sqrt() * x.plus(1.0).sqrt()).recip()];
    /// The inverse of the hyperbolic tangent.
    atanh "arctanh" (x) -> y = Real::atanh(x), [one_minus_square(x).recip()];
    /// The length of the vector `(self, z)`; at the origin its slope is zero.
    hypot "hypot" (x, z) -> y = Real::hypot(x, z), [direction(x, y), direction(z, y)];
    /// `ln(exp(self) + exp(z))`, without overflow.
    logaddexp "logaddexp" (x, z) -> y = Real::logaddexp(x, z), [(x - z).expit(), (z - x).expit()];
    /// `log2(2^self + 2^z)`, without overflow.
    logaddexp2 "logaddexp2" (x, z) -> y = Real::logaddexp2(x, z),
        [(x - z).times(LN_2).expit(), (z - x).times(LN_2).expit()];
    /// The logistic function `1 / (1 + exp(-self))`.
    expit "expit" (x) -> y = Real::expit(x), [y * (-x).expit()];
    /// The error function.
    erf "erf" (x) -> y = Real::erf(x), [bell(x)];
    /// One minus the error function, exact in its tail.
    erfc "erfc" (x) -> y = Real::erfc(x), [-bell(x)];
    /// The logarithm of the absolute value of the gamma function.
    gammaln "gammaln" (x) -> y = Real::gammaln(x), [x.digamma()];
    /// The logarithmic derivative of the gamma function.
    digamma "digamma" (x) -> y = Real::digamma(x), [constant::<S::Value>(2.0).zeta(x)];
    /// Hurwitz's zeta function, the sum of `(z + k)^-self` over `k >= 0`. By its order there is no
    /// closed form: that slope is NaN.
    zeta "zeta" (x, z) -> y = Real::zeta(x, z),
        [constant(f64::NAN), -(x * x.plus(1.0).zeta(z))];
    /// From degrees to radians.
    to_radians "radians" (x) -> y = Basic::times(x, DEGREE), [constant(DEGREE)];
    /// From radians to degrees.
    to_degrees "degrees" (x) -> y = Basic::times(x, 1.0 / DEGREE), [constant(1.0 / DEGREE)];
    /// The magnitude of `self` with the sign of `z`.
    copysign "copysign" (x, z) -> y = Real::copysign(x, z),
        [x.sign() * constant::<S::Value>(1.0).copysign(z), constant(0.0)];
    /// 0 below zero, 1 above, `z` at zero.
    heaviside "heaviside" (x, z) -> y = special::heaviside(x, z),
        [constant(0.0), constant(if x.plain() == 0.0 { 1.0 } else { 0.0 })];
    /// Rounded down. A step.
    floor "floor" (x) -> y = Real::floor(x);
    /// Rounded up. A step.
    ceil "ceil" (x) -> y = Real::ceil(x);
    /// Rounded towards zero. A step.
    trunc "trunc" (x) -> y = Real::trunc(x);
    /// Rounded to the nearest integer, halves to even. A step.
    round_ties_even "rint" (x) -> y = Real::rint(x);
}

fn constant<T: Float>(c: f64) -> T {
    T::from_f64(c)
}

/// The slope of an extremum by one operand: whether it wins or loses, or shares a tie.
fn share<T: Float>(wins: bool, loses: bool) -> T {
    constant(match (wins, loses) {
        (true, false) => 1.0,
        (false, true) => 0.0,
        _ => 0.5,
    })
}

/// `1 - x^2`, without cancellation near one.
fn one_minus_square<T: Float>(x: T) -> T {
    (-x).plus(1.0) * x.plus(1.0)
}

/// A coordinate divided by the norm; zero at the origin.
fn direction<T: Float>(x: T, norm: T) -> T {
    if norm.plain() == 0.0 {
        constant(0.0)
    } else {
        x / norm
    }
}

/// The slope of the error function.
fn bell<T: Float>(x: T) -> T {
    (-x.square()).exp().times(FRAC_2_SQRT_PI)
}
