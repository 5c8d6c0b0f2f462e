//! Every elementwise operation, one row each: its name in the text form, NumPy's names, its value
//! and its partial derivatives. A row is all there is to write to add one.
//!
//! `Name "text" [NumPy's names] (operands) -> result = value, [partials]`: the value is written
//! over a [`Number`] or a [`Real`]; a partial is a graph expression over the operands and the
//! result. Partials follow the conventions of the table of kinks in `docs/conventions.md`.
//!
//! Among the elementary functions, `(operands; condition)` says where a value takes no branch. A
//! block of operands that all meet it is computed without the branches, in vectors.

use super::expr::{Expr, select};
#[cfg(target_arch = "x86_64")]
use super::kernel::Entry;
use super::kernel::{Kernel, Loop, Outlined};
use crate::array::DType;
use crate::simd::math::Arithmetic;
use crate::simd::{Lane, Level, Number, Power, Real, special};

/// Which operand types a function takes and what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Floats to the same float; integers are converted to float64 first.
    Float,
    /// Floats or int64 to the same type.
    Arith,
    /// Any equal types to bool.
    Compare,
    /// Floats to bool.
    Test,
    /// Bools to bool.
    Logic,
    /// Int64 or bool to the same.
    Bits,
    /// `(bool, T, T)` to `T`.
    Select,
    /// Any type to the type of the node.
    Cast,
}

/// The facts of one row.
#[derive(Debug)]
pub struct Row {
    pub fun: Fun,
    pub name: &'static str,
    pub numpy: &'static [&'static str],
    pub arity: usize,
    pub class: Class,
    /// Its derivative is zero wherever it exists.
    pub flat: bool,
}

macro_rules! elementwise {
    ($($class:ident { $(
        $fun:ident $name:literal [$($numpy:literal),*] ($($x:ident),* $(; $common:expr)?)
            -> $y:ident = $value:expr $(, [$($partial:expr),*])?;
    )* })*) => {
        /// An elementwise function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Fun { $($($fun,)*)* }

        /// The rows, in the order of [`Fun`].
        pub static ROWS: &[Row] = &[$($(Row {
            fun: Fun::$fun,
            name: $name,
            numpy: &[$($numpy),*],
            arity: [$(stringify!($x)),*].len(),
            class: elementwise!(@class $class),
            flat: elementwise!(@flat $([$($partial),*])?),
        },)*)*];

        /// The partial derivative with respect to operand `k`, of a row that has partials.
        #[allow(unused_variables, reason = "a row names operands its partials need not mention")]
        pub fn partial<'g>(fun: Fun, x: &[Expr<'g>], y: Expr<'g>, k: usize) -> Expr<'g> {
            match fun {
                $($(Fun::$fun => elementwise!(@partial x y k ($($x),*) $y $([$($partial),*])?),)*)*
            }
        }

        /// As [`super::kernel`], for a level of which the processor must be capable.
        pub fn kernel_at(level: Level, fun: Fun, dtype: DType, out: DType) -> Option<Kernel> {
            match fun {
                $($(Fun::$fun => elementwise!(
                    @kernel $class level dtype out ($($x),* $(; $common)?) $value
                ),)*)*
            }
        }

        /// As [`super::scalar`], in the arithmetic `A`.
        ///
        /// # Safety
        /// The processor must have what the arithmetic needs.
        #[inline(always)]
        pub unsafe fn scalar_in<A: Outlined>(fun: Fun, a: u64, b: u64, c: u64) -> u64 {
            match fun {
                $($(Fun::$fun => elementwise!(@scalar $class A (a, b, c) ($($x),*) $value),)*)*
            }
        }

        /// What machine code calls for an elementary function, with the bits of the kernels for AVX2
        /// and above.
        #[cfg(target_arch = "x86_64")]
        pub fn entry(fun: Fun) -> Option<Entry> {
            match fun {
                $($(Fun::$fun => elementwise!(@entry $class ($($x),*) $value),)*)*
            }
        }
    };

    (@class Elementary) => { Class::Float };
    (@class $class:ident) => { Class::$class };

    (@flat) => { true };
    (@flat [$($partial:expr),*]) => { false };

    (@partial $xs:ident $ys:ident $k:ident ($($x:ident),*) $y:ident) => {
        unreachable!("the derivative of this row is zero")
    };
    (@partial $xs:ident $ys:ident $k:ident ($($x:ident),*) $y:ident [$($partial:expr),*]) => {{
        let [$($x),*] = *$xs else { unreachable!("the arity is that of the row") };
        let $y = $ys;
        let partials: [&dyn Fn() -> Expr<'g>; _] = [$(&|| $partial),*];
        partials[$k]()
    }};

    (@kernel Elementary $l:ident $d:ident $o:ident $x:tt $value:expr) => {{
        match $d {
            DType::F64 => Some(elementwise!(@elementary $l f64 $x $value)),
            DType::F32 => Some(elementwise!(@elementary $l f32 $x $value)),
            _ => None,
        }
    }};
    (@kernel Float $l:ident $d:ident $o:ident $x:tt $value:expr) => {{
        match $d {
            DType::F64 => Some(elementwise!(@loop $l f64 f64 $x $value)),
            DType::F32 => Some(elementwise!(@loop $l f32 f32 $x $value)),
            _ => None,
        }
    }};
    (@kernel Arith $l:ident $d:ident $o:ident $x:tt $value:expr) => {{
        match $d {
            DType::F64 => Some(elementwise!(@loop $l f64 f64 $x $value)),
            DType::F32 => Some(elementwise!(@loop $l f32 f32 $x $value)),
            DType::I64 => Some(elementwise!(@loop $l i64 i64 $x $value)),
            _ => None,
        }
    }};
    (@kernel Compare $l:ident $d:ident $o:ident $x:tt $value:expr) => {{
        match $d {
            DType::F64 => Some(elementwise!(@loop $l f64 bool $x $value)),
            DType::F32 => Some(elementwise!(@loop $l f32 bool $x $value)),
            DType::I64 => Some(elementwise!(@loop $l i64 bool $x $value)),
            DType::Bool => Some(elementwise!(@loop $l bool bool $x $value)),
            _ => None,
        }
    }};
    (@kernel Test $l:ident $d:ident $o:ident $x:tt $value:expr) => {{
        match $d {
            DType::F64 => Some(elementwise!(@loop $l f64 bool $x $value)),
            DType::F32 => Some(elementwise!(@loop $l f32 bool $x $value)),
            _ => None,
        }
    }};
    (@kernel Logic $l:ident $d:ident $o:ident $x:tt $value:expr) => {{
        (($d) == DType::Bool).then(|| elementwise!(@loop $l bool bool $x $value))
    }};
    (@kernel Bits $l:ident $d:ident $o:ident $x:tt $value:expr) => {{
        match $d {
            DType::I64 => Some(elementwise!(@loop $l i64 i64 $x $value)),
            DType::Bool => Some(elementwise!(@loop $l bool bool $x $value)),
            _ => None,
        }
    }};
    (@kernel Select $l:ident $d:ident $o:ident $x:tt $value:expr) => {
        super::kernel::select($d)
    };
    (@kernel Cast $l:ident $d:ident $o:ident $x:tt $value:expr) => {
        super::kernel::cast($d, $o)
    };

    // The element of a loop: floats know the arithmetic of the level.
    (@lane f64 $A:ident) => { Lane<f64, $A> };
    (@lane f32 $A:ident) => { Lane<f32, $A> };
    (@lane $T:ident $A:ident) => { $T };

    (@loop $l:ident $T:ident $O:ident $x:tt $value:expr) => {{
        struct This;
        impl Loop for This { elementwise!(@body $T $O $x $value); }
        super::kernel::block::<This, 1>($l)
    }};
    (@elementary $l:ident $T:ident ($($x:ident),* $(; $common:expr)?) $value:expr) => {{
        struct This;
        impl Loop for This {
            const ELEMENTARY: bool = true;
            elementwise!(@branches ($($x),*) $($common)?);
            elementwise!(@body $T $T ($($x),*) $value);
        }
        super::kernel::block::<This, 1>($l)
    }};
    (@branches $x:tt) => {};
    (@branches ($x:ident) $common:expr) => {
        const BRANCHES: bool = true;
        #[inline(always)]
        fn is_common<A: Arithmetic>($x: Self::In<A>, _: Self::In<A>) -> bool { $common }
    };
    (@body $T:ident $O:ident ($x:ident) $value:expr) => {
        type In<A: Arithmetic> = elementwise!(@lane $T A);
        type Out<A: Arithmetic> = elementwise!(@lane $O A);
        const ARITY: usize = 1;
        #[inline(always)]
        fn apply<A: Arithmetic>($x: Self::In<A>, _: Self::In<A>) -> [Self::Out<A>; 1] { [$value] }
    };
    (@body $T:ident $O:ident ($x:ident, $z:ident) $value:expr) => {
        type In<A: Arithmetic> = elementwise!(@lane $T A);
        type Out<A: Arithmetic> = elementwise!(@lane $O A);
        const ARITY: usize = 2;
        #[inline(always)]
        fn apply<A: Arithmetic>($x: Self::In<A>, $z: Self::In<A>) -> [Self::Out<A>; 1] { [$value] }
    };

    // Elementary functions are called: the interpreter of a tape stays small.
    (@scalar Elementary $A:ident ($a:ident, $b:ident, $c:ident) $x:tt $value:expr) => {{
        struct This;
        impl Loop for This { elementwise!(@body f64 f64 $x $value); }
        let operands = [Lane::new(f64::from_bits($a)), Lane::new(f64::from_bits($b))];
        // SAFETY: the caller's contract.
        unsafe { $A::outlined::<This>(operands[0], operands[1]) }.get().to_bits()
    }};
    (@entry Elementary $x:tt $value:expr) => {{
        #[target_feature(enable = "avx2,fma")]
        unsafe extern "sysv64" fn entry(a: f64, b: f64) -> f64 {
            struct This;
            impl Loop for This { elementwise!(@body f64 f64 $x $value); }
            let [y] = This::apply::<crate::simd::math::Fused>(Lane::new(a), Lane::new(b));
            y.get()
        }
        Some(entry as Entry)
    }};
    (@entry $class:ident $x:tt $value:expr) => { None };
    (@scalar Float $A:ident $r:tt $x:tt $value:expr) => { elementwise!(@f64 $A $r $x ($value).get().to_bits()) };
    (@scalar Arith $A:ident $r:tt $x:tt $value:expr) => { elementwise!(@f64 $A $r $x ($value).get().to_bits()) };
    (@scalar Compare $A:ident $r:tt $x:tt $value:expr) => { elementwise!(@f64 $A $r $x u64::from($value)) };
    (@scalar Test $A:ident $r:tt $x:tt $value:expr) => { elementwise!(@f64 $A $r $x u64::from($value)) };
    (@scalar Logic $A:ident ($a:ident, $b:ident, $c:ident) $xs:tt $value:expr) => {
        elementwise!(@bool ($a, $b) $xs u64::from($value))
    };
    (@scalar Bits $A:ident ($a:ident, $b:ident, $c:ident) $xs:tt $value:expr) => {
        elementwise!(@i64 ($a, $b) $xs ($value).cast_unsigned())
    };
    (@scalar Select $A:ident ($a:ident, $b:ident, $c:ident) $xs:tt $value:expr) => { if $a != 0 { $b } else { $c } };
    (@scalar Cast $A:ident ($a:ident, $b:ident, $c:ident) $xs:tt $value:expr) => { $a };
    (@f64 $A:ident ($a:ident, $b:ident, $c:ident) ($x:ident) $value:expr) => {{
        let $x = Lane::<f64, $A>::new(f64::from_bits($a));
        $value
    }};
    (@f64 $A:ident ($a:ident, $b:ident, $c:ident) ($x:ident, $z:ident) $value:expr) => {{
        let $x = Lane::<f64, $A>::new(f64::from_bits($a));
        let $z = Lane::<f64, $A>::new(f64::from_bits($b));
        $value
    }};
    (@bool ($a:ident, $b:ident) ($x:ident) $value:expr) => {{
        let $x = $a != 0;
        $value
    }};
    (@bool ($a:ident, $b:ident) ($x:ident, $z:ident) $value:expr) => {{
        let ($x, $z) = ($a != 0, $b != 0);
        $value
    }};
    (@i64 ($a:ident, $b:ident) ($x:ident) $value:expr) => {{
        let $x = $a.cast_signed();
        $value
    }};
    (@i64 ($a:ident, $b:ident) ($x:ident, $z:ident) $value:expr) => {{
        let ($x, $z) = ($a.cast_signed(), $b.cast_signed());
        $value
    }};
}

const LN_2: f64 = std::f64::consts::LN_2;
const LN_10: f64 = std::f64::consts::LN_10;
const DEGREE: f64 = std::f64::consts::PI / 180.0;

elementwise! {
    Arith {
        Add "add" ["add"] (x, z) -> y = Number::add(x, z), [x.one(), x.one()];
        Sub "sub" ["subtract"] (x, z) -> y = Number::sub(x, z), [x.one(), -x.one()];
        Mul "mul" ["multiply"] (x, z) -> y = Number::mul(x, z), [z, x];
        // A product in a derivative: zero where either factor is zero, whatever the other.
        Mul0 "mul0" [] (x, z) -> y = Number::mul0(x, z), [z, x];
        Neg "neg" ["negative"] (x) -> y = Number::neg(x), [-x.one()];
        Abs "abs" ["absolute", "fabs"] (x) -> y = Number::abs(x), [x.sign()];
        Square "square" ["square"] (x) -> y = Number::mul(x, x), [x.scaled(2.0)];
        Maximum "maximum" ["maximum"] (x, z) -> y = Number::maximum(x, z),
            [select(x.gt(z), x.one(), select(x.lt(z), x.zero(), x.constant(0.5))),
             select(z.gt(x), x.one(), select(z.lt(x), x.zero(), x.constant(0.5)))];
        Minimum "minimum" ["minimum"] (x, z) -> y = Number::minimum(x, z),
            [select(x.lt(z), x.one(), select(x.gt(z), x.zero(), x.constant(0.5))),
             select(z.lt(x), x.one(), select(z.gt(x), x.zero(), x.constant(0.5)))];
        Fmax "fmax" ["fmax"] (x, z) -> y = if x >= z || Number::is_nan(z) { x } else { z },
            [select(x.gt(z).or(z.is_nan()), x.one(), select(x.lt(z).or(x.is_nan()), x.zero(), x.constant(0.5))),
             select(z.gt(x).or(x.is_nan()), x.one(), select(z.lt(x).or(z.is_nan()), x.zero(), x.constant(0.5)))];
        Fmin "fmin" ["fmin"] (x, z) -> y = if x <= z || Number::is_nan(z) { x } else { z },
            [select(x.lt(z).or(z.is_nan()), x.one(), select(x.gt(z).or(x.is_nan()), x.zero(), x.constant(0.5))),
             select(z.lt(x).or(x.is_nan()), x.one(), select(z.gt(x).or(z.is_nan()), x.zero(), x.constant(0.5)))];
        // With an exponent of zero the slope is zero even at x = 0, hence the guarded products.
        Power "power" ["power"] (x, p) -> y = Power::power(x, p),
            [p.mul0(x.power(p - p.one())), y.mul0(x.log())];
        // The quotient that belongs to the value: that of `x / z`, once rounded, may be the next one.
        Remainder "remainder" ["remainder"] (x, z) -> y = Number::remainder(x, z), [x.one(), -((x - y) / z).rint()];
        Fmod "fmod" ["fmod"] (x, z) -> y = Number::fmod(x, z), [x.one(), -((x - y) / z).rint()];
        FloorDivide "floor_divide" ["floor_divide"] (x, z) -> y = Number::floor_divide(x, z);
        Sign "sign" ["sign"] (x) -> y = Number::sign(x);
    }
    Float {
        Div "div" ["divide"] (x, z) -> y = Real::div(x, z), [z.reciprocal(), -(y / z)];
        Reciprocal "reciprocal" ["reciprocal"] (x) -> y = Real::div(Number::ONE, x), [-y.square()];
        Sqrt "sqrt" ["sqrt"] (x) -> y = Real::sqrt(x), [x.constant(0.5) / y];
        Radians "radians" ["radians", "deg2rad"] (x) -> y = Number::mul(x, Real::from_f64(DEGREE)), [x.constant(DEGREE)];
        Degrees "degrees" ["degrees", "rad2deg"] (x) -> y = Number::mul(x, Real::from_f64(1.0 / DEGREE)), [x.constant(1.0 / DEGREE)];
        Copysign "copysign" ["copysign"] (x, z) -> y = Real::copysign(x, z), [x.sign() * x.one().copysign(z), x.zero()];
        Heaviside "heaviside" ["heaviside"] (x, h) -> y = special::heaviside(x, h),
            [x.zero(), select(x.eq(x.zero()), x.one(), x.zero())];
        Floor "floor" ["floor"] (x) -> y = Real::floor(x);
        Ceil "ceil" ["ceil"] (x) -> y = Real::ceil(x);
        Trunc "trunc" ["trunc", "fix"] (x) -> y = Real::trunc(x);
        Rint "rint" ["rint"] (x) -> y = Real::rint(x);
    }
    Elementary {
        Cbrt "cbrt" ["cbrt"] (x) -> y = Real::cbrt(x), [y.square().scaled(3.0).reciprocal()];
        Exp "exp" ["exp"] (x) -> y = Real::exp(x), [y];
        Exp2 "exp2" ["exp2"] (x) -> y = Real::exp2(x), [y.scaled(LN_2)];
        Expm1 "expm1" ["expm1"] (x) -> y = Real::expm1(x), [x.exp()];
        Log "log" ["log"] (x) -> y = Real::ln(x), [x.reciprocal()];
        Log2 "log2" ["log2"] (x) -> y = Real::log2(x), [x.scaled(LN_2).reciprocal()];
        Log10 "log10" ["log10"] (x) -> y = Real::log10(x), [x.scaled(LN_10).reciprocal()];
        Log1p "log1p" ["log1p"] (x) -> y = Real::log1p(x), [(x + x.one()).reciprocal()];
        Sin "sin" ["sin"] (x; Real::is_moderate(x)) -> y = Real::sin(x), [x.cos()];
        Cos "cos" ["cos"] (x; Real::is_moderate(x)) -> y = Real::cos(x), [-x.sin()];
        Tan "tan" ["tan"] (x; Real::is_moderate(x)) -> y = Real::tan(x), [x.one() + y.square()];
        Asin "arcsin" ["arcsin"] (x) -> y = Real::asin(x),
            [((x.one() - x) * (x.one() + x)).sqrt().reciprocal()];
        Acos "arccos" ["arccos"] (x) -> y = Real::acos(x),
            [-((x.one() - x) * (x.one() + x)).sqrt().reciprocal()];
        Atan "arctan" ["arctan"] (x) -> y = Real::atan(x), [(x.one() + x.square()).reciprocal()];
        Atan2 "arctan2" ["arctan2"] (x, z) -> y = Real::atan2(x, z),
            [z / x.hypot(z) / x.hypot(z), -(x / x.hypot(z) / x.hypot(z))];
        Sinh "sinh" ["sinh"] (x) -> y = Real::sinh(x), [x.cosh()];
        Cosh "cosh" ["cosh"] (x) -> y = Real::cosh(x), [x.sinh()];
        Tanh "tanh" ["tanh"] (x) -> y = Real::tanh(x), [x.one() - y.square()];
        Asinh "arcsinh" ["arcsinh"] (x) -> y = Real::asinh(x), [x.hypot(x.one()).reciprocal()];
        Acosh "arccosh" ["arccosh"] (x) -> y = Real::acosh(x),
            [((x - x.one()).sqrt() * (x + x.one()).sqrt()).reciprocal()];
        Atanh "arctanh" ["arctanh"] (x) -> y = Real::atanh(x), [((x.one() - x) * (x.one() + x)).reciprocal()];
        Hypot "hypot" ["hypot"] (x, z) -> y = Real::hypot(x, z),
            [select(y.eq(y.zero()), y.zero(), x / y), select(y.eq(y.zero()), y.zero(), z / y)];
        Logaddexp "logaddexp" ["logaddexp"] (x, z) -> y = Real::logaddexp(x, z), [(x - z).expit(), (z - x).expit()];
        Logaddexp2 "logaddexp2" ["logaddexp2"] (x, z) -> y = Real::logaddexp2(x, z),
            [(x - z).scaled(LN_2).expit(), (z - x).scaled(LN_2).expit()];
        Expit "expit" ["expit"] (x) -> y = Real::expit(x), [y * (-x).expit()];
        Erf "erf" ["erf"] (x) -> y = Real::erf(x), [(-x.square()).exp().scaled(std::f64::consts::FRAC_2_SQRT_PI)];
        Erfc "erfc" ["erfc"] (x) -> y = Real::erfc(x), [(-x.square()).exp().scaled(-std::f64::consts::FRAC_2_SQRT_PI)];
        Gammaln "gammaln" ["gammaln"] (x; Real::is_positive(x)) -> y = Real::gammaln(x), [x.digamma()];
        Digamma "digamma" ["psi"] (x; Real::is_positive(x)) -> y = Real::digamma(x), [x.constant(2.0).zeta(x)];
        // By its order there is no closed form.
        Zeta "zeta" ["_zeta"] (s, q) -> y = Real::zeta(s, q), [s.constant(f64::NAN), -s * (s + s.one()).zeta(q)];
    }
    Compare {
        Less "less" ["less"] (x, z) -> y = x < z;
        LessEqual "less_equal" ["less_equal"] (x, z) -> y = x <= z;
        Greater "greater" ["greater"] (x, z) -> y = x > z;
        GreaterEqual "greater_equal" ["greater_equal"] (x, z) -> y = x >= z;
        Equal "equal" ["equal"] (x, z) -> y = x == z;
        NotEqual "not_equal" ["not_equal"] (x, z) -> y = x != z;
    }
    Test {
        IsNan "isnan" ["isnan"] (x) -> y = Number::is_nan(x);
        IsInf "isinf" ["isinf"] (x) -> y = Real::is_infinite(x);
        IsFinite "isfinite" ["isfinite"] (x) -> y = Real::is_finite(x);
        Signbit "signbit" ["signbit"] (x) -> y = Real::signbit(x);
    }
    Logic {
        And "and" ["logical_and"] (x, z) -> y = x & z;
        Or "or" ["logical_or"] (x, z) -> y = x | z;
        Xor "xor" ["logical_xor"] (x, z) -> y = x ^ z;
        Not "not" ["logical_not"] (x) -> y = !x;
    }
    Bits {
        BitAnd "bitwise_and" ["bitwise_and"] (x, z) -> y = x & z;
        BitOr "bitwise_or" ["bitwise_or"] (x, z) -> y = x | z;
        BitXor "bitwise_xor" ["bitwise_xor"] (x, z) -> y = x ^ z;
        Invert "invert" ["invert"] (x) -> y = !x;
    }
    Select {
        Where "where" [] (c, x, z) -> y = ();
    }
    Cast {
        Cast "cast" [] (x) -> y = ();
    }
}
