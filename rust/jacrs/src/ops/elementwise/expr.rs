//! Graph expressions written as formulas: what the partials of the table are made of.

use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Fun;
use crate::ir::{Graph, NodeId};
use crate::ops::build;

/// A node, with the graph to build on: arithmetic on expressions adds nodes.
#[derive(Clone, Copy)]
pub struct Expr<'g> {
    graph: &'g RefCell<&'g mut Graph>,
    pub id: NodeId,
}

impl<'g> Expr<'g> {
    pub fn new(graph: &'g RefCell<&'g mut Graph>, id: NodeId) -> Self {
        Self { graph, id }
    }

    fn map(self, fun: Fun, rest: &[Self]) -> Self {
        let mut operands = [self.id; 3];
        for (slot, x) in operands[1..].iter_mut().zip(rest) {
            *slot = x.id;
        }
        let id = build::map(&mut self.graph.borrow_mut(), fun, &operands[..=rest.len()]);
        Self { id, ..self }
    }

    /// A constant with the type of this expression.
    pub fn constant(self, value: f64) -> Self {
        let id = build::constant_like(&mut self.graph.borrow_mut(), self.id, value);
        Self { id, ..self }
    }

    pub fn zero(self) -> Self {
        self.constant(0.0)
    }

    pub fn one(self) -> Self {
        self.constant(1.0)
    }

    pub fn scaled(self, factor: f64) -> Self {
        self.constant(factor) * self
    }

    /// The product that is zero if either factor is.
    pub fn mul0(self, other: Self) -> Self {
        let id = build::mul0(&mut self.graph.borrow_mut(), self.id, other.id);
        Self { id, ..self }
    }
}

/// `c ? x : z`.
pub fn select<'g>(c: Expr<'g>, x: Expr<'g>, z: Expr<'g>) -> Expr<'g> {
    c.map(Fun::Where, &[x, z])
}

macro_rules! methods {
    ($($name:ident $fun:ident ($($z:ident)?);)*) => {
        impl Expr<'_> {
            $(pub fn $name(self $(, $z: Self)?) -> Self {
                self.map(Fun::$fun, &[$($z)?])
            })*
        }
    };
}

methods! {
    sign Sign ();
    square Square ();
    reciprocal Reciprocal ();
    sqrt Sqrt ();
    exp Exp ();
    log Log ();
    sin Sin ();
    cos Cos ();
    sinh Sinh ();
    cosh Cosh ();
    expit Expit ();
    digamma Digamma ();
    zeta Zeta (z);
    rint Rint ();
    is_nan IsNan ();
    power Power (z);
    hypot Hypot (z);
    copysign Copysign (z);
    gt Greater (z);
    lt Less (z);
    eq Equal (z);
    or Or (z);
}

macro_rules! operators {
    ($($Trait:ident $name:ident $fun:ident;)*) => {
        $(impl $Trait for Expr<'_> {
            type Output = Self;
            fn $name(self, other: Self) -> Self {
                self.map(Fun::$fun, &[other])
            }
        })*
    };
}

operators! {
    Add add Add;
    Sub sub Sub;
    Mul mul Mul;
    Div div Div;
}

impl Neg for Expr<'_> {
    type Output = Self;
    fn neg(self) -> Self {
        self.map(Fun::Neg, &[])
    }
}
