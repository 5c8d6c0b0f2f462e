//! Which elements of its operands an element of a result depends on: what patterns are made of.

use super::Fun;
use crate::array::Dims;
use crate::ir::Op;

/// How derivatives get from elements of operands to elements of a result, wherever they are. It is
/// exact for values of general position: what vanishes for some values only is there.
#[derive(Clone, Debug, PartialEq)]
pub enum Flow {
    /// Not at all: a leaf, or a step.
    Nothing,
    /// From the same place of the operands.
    Alike(Alike),
    /// Each element *is* an element of an operand, or zero, whatever the dtype is: the operation on
    /// the numbers of elements tells which. Operands of int64 are indices.
    Moves,
    /// From the first operand at the same place; and what the second is added to is where this
    /// operation, which moves elements, would put it.
    Adds(Op),
    /// From the first operand at the same place; and from the rows of the third, which are added
    /// where the second says.
    AddsRows,
    /// From all elements along these axes, which disappear.
    Folds(Dims),
    /// From the elements up to the same place along an axis; those before it are multiplied by the
    /// first of two operands if there are `factors`.
    Scans {
        axis: usize,
        forwards: bool,
        factors: bool,
    },
    /// A matrix product: from the row of the one and the column of the other.
    Contracts,
    /// From all of each operand behind the leading axes, to all of the result behind them.
    Mixes {
        lead: usize,
        /// What is read of the first operand.
        reads: Triangle,
        /// The last operand is a matrix of which column `j` reaches column `j` alone.
        by_columns: bool,
    },
}

/// How the operands of an elementwise operation matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alike {
    /// The derivative by operand `k` is not zero everywhere.
    pub slopes: [bool; 3],
    /// The result is zero wherever operand `k` is.
    pub vanishes: [bool; 3],
    /// The result is zero where all operands with a slope are.
    pub settles: bool,
    /// The first operand chooses between the second, where it is true, and the third.
    pub chooses: bool,
}

/// A part of a square matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Triangle {
    All,
    Lower,
    Upper,
    /// Without the diagonal.
    StrictLower,
    StrictUpper,
}

impl Triangle {
    pub fn contains(self, row: usize, column: usize) -> bool {
        match self {
            Triangle::All => true,
            Triangle::Lower => column <= row,
            Triangle::Upper => column >= row,
            Triangle::StrictLower => column < row,
            Triangle::StrictUpper => column > row,
        }
    }
}

impl Flow {
    /// Of all of each operand behind the leading axes.
    pub fn mixes(lead: usize) -> Self {
        Flow::Mixes {
            lead,
            reads: Triangle::All,
            by_columns: false,
        }
    }
}

/// Whether an elementwise function is zero wherever operand `k` is, whatever the others are.
pub fn vanishes_with(fun: Fun, k: usize) -> bool {
    matches!((fun, k), (Fun::Mul | Fun::Mul0, _) | (Fun::Div, 0))
}
