//! Reverse mode: a [`Tape`] notes each operation, a sweep goes back over it.
//!
//! ```
//! use jacrs::{Float, Tape};
//! let tape = Tape::new();
//! let (x, y) = (tape.var(3.0), tape.var(0.5));
//! let z = x * y.exp() + 1.0;
//! assert_eq!(z.value(), 3.0 * 0.5f64.exp() + 1.0);
//! assert_eq!(tape.gradient(z, &[x, y]), [0.5f64.exp(), 3.0 * 0.5f64.exp()]);
//! ```
//!
//! One sweep gives the derivatives of one output by all variables, whatever their number. Any
//! number of outputs may be swept, in any order and as often as wanted, and the derivatives by
//! intermediate results are there as well.
//!
//! An operation takes two numbers of `T` and 8 bytes on the tape: 24 bytes over `f64`. It holds the
//! slopes of its result and the places of its operands, nothing else; constants are not on the
//! tape. [`Tape::clear`] forgets the operations and keeps the memory.
//!
//! A variable borrows its tape, so it cannot outlive it, nor what [`Tape::clear`] forgot: such code
//! does not compile. Variables of two tapes are of one type where the tapes live in one scope; an
//! operation between them panics and says so.
//!
//! Tapes go over any [`Float`]. `Tape<Dual<f64, N>>` gives gradients with their derivatives in `N`
//! directions, which are `N` columns of the Hessian; a `Tape<Var>` is differentiated by the tape of
//! its variables.

#![warn(missing_docs)]

mod drivers;
mod sweep;

use crate::scalar::{Basic, Differential, Float, Matrix, operators};
use std::cell::RefCell;
use std::fmt;
use std::ptr;

pub(crate) use drivers::second_order;
pub use drivers::{gradient, hessian, jacobian, value_and_gradient, value_and_jacobian};
pub use drivers::{value_gradient_and_hessian, vjp};
pub use sweep::Cotangents;

/// The operations of a computation, in the order in which they were done.
///
/// Used by one thread; every thread may have its own.
pub struct Tape<T = f64> {
    nodes: RefCell<Vec<Node<T>>>,
}

/// One operation: its operands, and the slopes of its result by them. What has less than two
/// operands names itself, with slope zero.
#[derive(Clone, Copy)]
struct Node<T> {
    operands: [u32; 2],
    slopes: [T; 2],
}

const _: () = assert!(size_of::<Node<f64>>() == 24, "as documented");

/// A value on a [`Tape`], or a constant.
#[derive(Clone, Copy)]
pub struct Var<'t, T = f64> {
    /// None for a constant.
    tape: Option<&'t Tape<T>>,
    place: u32,
    value: T,
}

impl<T: Float> Default for Tape<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Float> Tape<T> {
    /// An empty tape.
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An empty tape with memory for some operations.
    pub fn with_capacity(operations: usize) -> Self {
        let nodes = RefCell::new(Vec::with_capacity(operations));
        Self { nodes }
    }

    /// A variable.
    pub fn var(&self, value: T) -> Var<'_, T> {
        self.push(value, |place| ([place; 2], [T::from_f64(0.0); 2]))
    }

    /// A variable for each value.
    pub fn vars(&self, values: &[T]) -> Vec<Var<'_, T>> {
        values.iter().map(|&value| self.var(value)).collect()
    }

    /// How many operations and variables it holds.
    pub fn len(&self) -> usize {
        self.nodes.borrow().len()
    }

    /// It holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all operations and keeps their memory for the next.
    ///
    /// ```
    /// use jacrs::{Float, Tape};
    /// let mut tape = Tape::new();
    /// for k in 1..=3 {
    ///     let x = tape.var(f64::from(k));
    ///     assert_eq!(tape.gradient(x.square(), &[x]), [2.0 * f64::from(k)]);
    ///     tape.clear();
    /// }
    /// assert!(tape.is_empty());
    /// ```
    pub fn clear(&mut self) {
        self.nodes.get_mut().clear();
    }

    /// The derivatives of `y` by variables or intermediate results. What `y` does not depend on
    /// gives zero.
    ///
    /// # Panics
    /// A variable belongs to another tape.
    pub fn gradient(&self, y: Var<'_, T>, xs: &[Var<'_, T>]) -> Vec<T> {
        let swept = self.sweep(&[(y, [T::from_f64(1.0)])]);
        xs.iter().map(|&x| swept.of(x)[0]).collect()
    }

    /// The derivatives of outputs by variables: a row for each output.
    ///
    /// ```
    /// use jacrs::Tape;
    /// let tape = Tape::new();
    /// let (x, y) = (tape.var(3.0), tape.var(2.0));
    /// let j = tape.jacobian(&[x + y, x * y], &[x, y]);
    /// assert_eq!(j.as_slice(), [1.0, 1.0, 2.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// A variable belongs to another tape.
    pub fn jacobian(&self, ys: &[Var<'_, T>], xs: &[Var<'_, T>]) -> Matrix<T> {
        sweep::jacobian(self, ys, xs)
    }

    /// Sweeps back once, with `K` weights for each of some outputs: `K` products of a vector with
    /// the Jacobian, side by side. An output that is given twice has the sum of its weights.
    ///
    /// ```
    /// use jacrs::Tape;
    /// let tape = Tape::new();
    /// let (x, y) = (tape.var(3.0), tape.var(2.0));
    /// let swept = tape.sweep(&[(x + y, [1.0, 0.0]), (x * y, [0.0, 1.0])]);
    /// assert_eq!(swept.of(x), [1.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// An output belongs to another tape.
    pub fn sweep<const K: usize>(&self, seeds: &[(Var<'_, T>, [T; K])]) -> Cotangents<'_, T, K> {
        Cotangents::sweep(self, vec![], seeds.iter().copied())
    }

    #[inline]
    fn push(&self, value: T, node: impl FnOnce(u32) -> ([u32; 2], [T; 2])) -> Var<'_, T> {
        let mut nodes = self.nodes.borrow_mut();
        let place = u32::try_from(nodes.len()).expect("a tape holds less than 2^32 operations");
        let (operands, slopes) = node(place);
        nodes.push(Node { operands, slopes });
        let tape = Some(self);
        Var { tape, place, value }
    }

    /// # Panics
    /// The variable belongs to another tape.
    fn assert_owns(&self, x: &Var<'_, T>) {
        if let Some(tape) = x.tape {
            assert_one_tape(self, tape);
        }
    }
}

/// # Panics
/// They are two.
#[inline]
fn assert_one_tape<T>(a: &Tape<T>, b: &Tape<T>) {
    assert!(
        ptr::eq(a, b),
        "a variable of one tape was used with another: all variables of a computation must come \
         from the same tape"
    );
}

impl<T> fmt::Debug for Tape<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.nodes.borrow().len();
        f.debug_struct("Tape").field("len", &nodes).finish()
    }
}

impl<T: Float> Var<'_, T> {
    /// A value that depends on nothing, and needs no tape.
    pub fn constant(value: T) -> Self {
        let (tape, place) = (None, 0);
        Self { tape, place, value }
    }

    /// What a plain computation would give.
    pub fn value(self) -> T {
        self.value
    }

    /// It is on no tape: all its derivatives are zero.
    pub fn is_constant(self) -> bool {
        self.tape.is_none()
    }
}

impl<T: fmt::Debug> fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.tape.map(|_| self.place);
        f.debug_struct("Var")
            .field("value", &self.value)
            .field("place", &place)
            .finish()
    }
}

impl<T: Float> Differential for Var<'_, T> {
    type Value = T;
    #[inline]
    fn primal(self) -> T {
        self.value
    }
    #[inline]
    fn constant(value: T) -> Self {
        Var::constant(value)
    }
    #[inline]
    fn unary(self, y: T, dx: T) -> Self {
        let Some(tape) = self.tape else {
            return Var::constant(y);
        };
        tape.push(y, |place| ([self.place, place], [dx, T::from_f64(0.0)]))
    }
    #[inline]
    fn binary(self, z: Self, y: T, [dx, dz]: [T; 2]) -> Self {
        match (self.tape, z.tape) {
            (Some(tape), Some(other)) => {
                assert_one_tape(tape, other);
                tape.push(y, |_| ([self.place, z.place], [dx, dz]))
            }
            (Some(_), None) => self.unary(y, dx),
            (None, _) => z.unary(y, dz),
        }
    }
    #[inline]
    fn linear(self, y: T, c: f64) -> Self {
        self.unary(y, T::from_f64(c))
    }
    #[inline]
    fn sum(self, z: Self, y: T, sign: f64) -> Self {
        self.binary(z, y, [T::from_f64(1.0), T::from_f64(sign)])
    }
    /// The guarded product below leaves constant zeros off the tape, the plain one does not.
    #[inline]
    fn is_regular(self) -> bool {
        false
    }
    #[inline]
    fn vanishes(self) -> bool {
        self.is_constant() && Basic::vanishes(self.value)
    }
    #[inline]
    fn guarded(self, other: Self) -> Self {
        if Basic::vanishes(self) || Basic::vanishes(other) {
            return Var::constant(T::from_f64(0.0));
        }
        self.mul0(other)
    }
    #[inline]
    fn gather(self, other: Self) -> Self {
        if Basic::vanishes(self) {
            other
        } else if Basic::vanishes(other) {
            self
        } else {
            self + other
        }
    }
}

operators! { ['t, T: Float] Var<'t, T> }
