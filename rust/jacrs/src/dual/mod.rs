//! Forward mode: [`Dual`] numbers, a value and its derivatives in `N` directions.
//!
//! ```
//! use jacrs::{Dual, Float};
//! // Two inputs, two directions: each partial is one entry of the gradient.
//! let x = Dual::new(3.0, [1.0, 0.0]);
//! let y = Dual::new(0.5, [0.0, 1.0]);
//! let z = x * y.exp() + 1.0;
//! assert_eq!(z.value, 3.0 * 0.5f64.exp() + 1.0);
//! assert_eq!(z.partials, [0.5f64.exp(), 3.0 * 0.5f64.exp()]);
//! ```
//!
//! The partials of one number lie side by side, so that a vector instruction computes several of
//! them: `N` directions at once cost much less than `N` runs with one. By default Rust's vectors on
//! x86-64 are two numbers wide; `-C target-cpu=native` lets them be wider.
//!
//! Duals nest for higher derivatives. `Dual<Dual<f64, N>, M>` has the outer derivatives of the
//! inner ones, and the levels cannot be confused: they are different types (J. M. Siskind and
//! B. A. Pearlmutter, "Nesting forward-mode AD in a functional framework", Higher-Order and
//! Symbolic Computation 21, 2008, on what happens where they can).
//!
//! ```
//! use jacrs::dual::derivative;
//! // d/dx (x * d/dy (x + y)) at y = 1: the inner derivative is 1, so the outer one is 1, not 2.
//! let (_, slope) = derivative(
//!     |x| x * derivative(|y| y + jacrs::Dual::constant(x), 1.0.into()).1,
//!     1.0,
//! );
//! assert_eq!(slope, 1.0);
//! ```

#![warn(missing_docs)]

mod drivers;

use crate::scalar::{Basic, Differential, Float, combined, gathered, operators, scaled};
use std::array::from_fn;

pub(crate) use drivers::check_tangent;
pub use drivers::{derivative, jacobian, jvp, value_and_jacobian};

/// A value and its partial derivatives in `N` directions, over numbers of type `T`.
#[derive(Clone, Copy, Debug)]
pub struct Dual<T, const N: usize> {
    /// What a plain computation would give.
    pub value: T,
    /// The derivatives.
    pub partials: [T; N],
}

impl<T: Float, const N: usize> Dual<T, N> {
    /// A value with its derivatives.
    pub fn new(value: T, partials: [T; N]) -> Self {
        Self { value, partials }
    }

    /// A value that depends on nothing.
    pub fn constant(value: T) -> Self {
        Self::new(value, [T::from_f64(0.0); N])
    }

    /// A value that is itself direction `k`: its partials are zero but for a one there.
    ///
    /// # Panics
    /// There is no direction `k`.
    pub fn seeded(value: T, k: usize) -> Self {
        assert!(k < N, "direction {k} of a dual number with {N}");
        let mut seeded = Self::constant(value);
        seeded.partials[k] = T::from_f64(1.0);
        seeded
    }
}

impl<T: Float> Dual<T, 1> {
    /// The variable of a function of one variable.
    pub fn variable(value: T) -> Self {
        Self::seeded(value, 0)
    }
}

impl<T: Float, const N: usize> Differential for Dual<T, N> {
    type Value = T;
    #[inline(always)]
    fn primal(self) -> T {
        self.value
    }
    #[inline(always)]
    fn constant(value: T) -> Self {
        Dual::constant(value)
    }
    #[inline(always)]
    fn unary(self, y: T, dx: T) -> Self {
        Self::new(y, scaled(dx, self.partials))
    }
    #[inline(always)]
    fn binary(self, z: Self, y: T, slopes: [T; 2]) -> Self {
        Self::new(y, combined(slopes, self.partials, z.partials))
    }
    #[inline(always)]
    fn linear(self, y: T, c: f64) -> Self {
        Self::new(y, from_fn(|i| self.partials[i].times0(c)))
    }
    #[inline(always)]
    fn sum(self, z: Self, y: T, sign: f64) -> Self {
        Self::new(
            y,
            from_fn(|i| self.partials[i].gather(z.partials[i].times0(sign))),
        )
    }
    #[inline(always)]
    fn is_regular(self) -> bool {
        Basic::is_regular(self.value)
    }
    #[inline(always)]
    fn vanishes(self) -> bool {
        Basic::vanishes(self.value) && self.partials.into_iter().all(Basic::vanishes)
    }
    #[inline(always)]
    fn guarded(self, other: Self) -> Self {
        self.mul0(other)
    }
    #[inline(always)]
    fn gather(self, other: Self) -> Self {
        let lanes = gathered(self.partials, other.partials);
        Self::new(self.value.gather(other.value), lanes)
    }
}

operators! { [T: Float, const N: usize] Dual<T, N> }
