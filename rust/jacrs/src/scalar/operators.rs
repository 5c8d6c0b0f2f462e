//! The operators of a [`Differential`](super::Differential) type, which Rust asks to be written for
//! each type.

/// `operators! { [generics] Type }`: arithmetic with its own kind and with `f64` on either side,
/// assignment, sums and products, comparison by value.
macro_rules! operators {
    ([$($generics:tt)*] $Type:ty) => {
        impl<$($generics)*> std::ops::Neg for $Type {
            type Output = Self;
            #[inline]
            fn neg(self) -> Self {
                self.linear(-self.primal(), -1.0)
            }
        }

        $crate::scalar::operators! { @each binary [$($generics)*] $Type:
            { Add add (x, z) x.sum(z, x.primal() + z.primal(), 1.0) }
            { Sub sub (x, z) x.sum(z, x.primal() - z.primal(), -1.0) }
            { Mul mul (x, z) {
                let (a, b) = (x.primal(), z.primal());
                x.binary(z, a * b, [b, a])
            } }
            { Div div (x, z) {
                let (a, b) = (x.primal(), z.primal());
                let y = a / b;
                x.binary(z, y, [b.recip(), -(y / b)])
            } }
            { Rem rem (x, z) {
                let (a, b) = (x.primal(), z.primal());
                let y = a % b;
                // The quotient that belongs to the value: that of `a / b`, rounded, may be the next.
                x.binary(z, y, [Float::from_f64(1.0), -((a - y) / b).round_ties_even()])
            } }
        }

        $crate::scalar::operators! { @each right [$($generics)*] $Type:
            { Add add (x, c) x.plus(c) }
            { Sub sub (x, c) x.plus(-c) }
            { Mul mul (x, c) x.times(c) }
            { Div div (x, c) x.over(c) }
            { Rem rem (x, c) x % Self::from(c) }
        }

        $crate::scalar::operators! { @each left [$($generics)*] $Type:
            { Add add (c, x) x.plus(c) }
            { Sub sub (c, x) (-x).plus(c) }
            { Mul mul (c, x) x.times(c) }
            { Div div (c, x) x.under(c) }
            { Rem rem (c, x) <$Type>::from(c) % x }
        }

        $crate::scalar::operators! { @each assign [$($generics)*] $Type:
            { AddAssign add_assign + }
            { SubAssign sub_assign - }
            { MulAssign mul_assign * }
            { DivAssign div_assign / }
            { RemAssign rem_assign % }
        }

        impl<$($generics)*> std::iter::Sum for $Type {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self::from(0.0), |sum, x| sum + x)
            }
        }

        impl<'a, $($generics)*> std::iter::Sum<&'a Self> for $Type {
            fn sum<I: Iterator<Item = &'a Self>>(items: I) -> Self {
                items.copied().sum()
            }
        }

        impl<$($generics)*> std::iter::Product for $Type {
            fn product<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self::from(1.0), |product, x| product * x)
            }
        }

        impl<'a, $($generics)*> std::iter::Product<&'a Self> for $Type {
            fn product<I: Iterator<Item = &'a Self>>(items: I) -> Self {
                items.copied().product()
            }
        }

        /// By value: derivatives do not matter.
        impl<$($generics)*> PartialEq for $Type {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                self.primal() == other.primal()
            }
        }

        /// By value: derivatives do not matter.
        impl<$($generics)*> PartialOrd for $Type {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                self.primal().partial_cmp(&other.primal())
            }
        }

        impl<$($generics)*> PartialEq<f64> for $Type {
            #[inline]
            fn eq(&self, c: &f64) -> bool {
                self.plain() == *c
            }
        }

        impl<$($generics)*> PartialOrd<f64> for $Type {
            #[inline]
            fn partial_cmp(&self, c: &f64) -> Option<std::cmp::Ordering> {
                self.plain().partial_cmp(c)
            }
        }

        /// A constant: its derivatives are zero.
        impl<$($generics)*> From<f64> for $Type {
            #[inline]
            fn from(c: f64) -> Self {
                Self::constant(Float::from_f64(c))
            }
        }
    };

    (@each $kind:ident $generics:tt $Type:ty: $({ $($row:tt)* })*) => {
        $($crate::scalar::operators! { @$kind $generics $Type: $($row)* })*
    };

    (@binary [$($generics:tt)*] $Type:ty: $Trait:ident $name:ident ($x:ident, $z:ident) $value:expr) => {
        impl<$($generics)*> std::ops::$Trait for $Type {
            type Output = Self;
            #[inline]
            fn $name(self, $z: Self) -> Self {
                let $x = self;
                $value
            }
        }
    };

    (@right [$($generics:tt)*] $Type:ty: $Trait:ident $name:ident ($x:ident, $c:ident) $value:expr) => {
        impl<$($generics)*> std::ops::$Trait<f64> for $Type {
            type Output = Self;
            #[inline]
            fn $name(self, $c: f64) -> Self {
                let $x = self;
                $value
            }
        }
    };

    (@left [$($generics:tt)*] $Type:ty: $Trait:ident $name:ident ($c:ident, $x:ident) $value:expr) => {
        impl<$($generics)*> std::ops::$Trait<$Type> for f64 {
            type Output = $Type;
            #[inline]
            fn $name(self, $x: $Type) -> $Type {
                let $c = self;
                $value
            }
        }
    };

    (@assign [$($generics:tt)*] $Type:ty: $Trait:ident $name:ident $operator:tt) => {
        impl<$($generics)*> std::ops::$Trait for $Type {
            #[inline]
            fn $name(&mut self, other: Self) {
                *self = *self $operator other;
            }
        }

        impl<$($generics)*> std::ops::$Trait<f64> for $Type {
            #[inline]
            fn $name(&mut self, c: f64) {
                *self = *self $operator c;
            }
        }
    };
}

pub(crate) use operators;
