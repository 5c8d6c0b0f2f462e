//! The operations of the graph. Parameters are interned, so an `Op` is eight bytes and `Copy`.

use super::ListId;
use crate::ops::Fun;

/// What a node does. Types are on the node; operands are in its operand list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    // Leaves.
    /// The `k`-th input of the graph: an argument, a captured array, a literal or a seed.
    Input(u32),
    /// A structural constant, the same for every element of the node's shape: the list holds its bits.
    Const(ListId),
    /// `0, 1, 2, ...` along the only axis.
    Iota,

    // Identities with a meaning for differentiation.
    /// A fresh name for a value: what an inner transform differentiates with respect to.
    Opaque(u32),
    /// The value, as a constant of every differentiation.
    StopGradient,

    // Elementwise: all operands have the shape of the node.
    Map(Fun),

    // Rearrangements. Slices are described by a list `start, step` for each axis.
    Reshape,
    Transpose(ListId),
    Broadcast,
    Slice(ListId),
    /// The first operand with its slice replaced by the second.
    Assign(ListId),
    /// The first operand with the second added to its slice.
    AddAt(ListId),
    /// The list is `place, lead`: the item at `place` (in C order) of the first `lead` axes.
    Item(ListId),
    /// Zeros with equally shaped items put at the places (in C order) of the list: many items of
    /// one array at once. The leading axes of the node that are not the items' are the placed ones.
    Pack(ListId),
    Concat(u8),

    // Rows of the first axis chosen by an integer operand.
    /// `x[idx]`.
    Gather,
    /// `z = x; z[idx] += v` for every index, repeated ones too; operands `x, idx, v`.
    ScatterAdd,
    /// `z = x; z[idx] = v`, the last one wins; operands `x, idx, v`.
    ScatterSet,

    // Along axes.
    /// Over the axes of the list, which disappear.
    Reduce(Reduction, ListId),
    /// The place of the first extremum along an axis, which disappears.
    ArgPick(Pick, u8),
    Cumulate(Cumulation, u8, Guard),
    /// Stable ascending order along an axis, NaN last.
    Argsort(u8),
    /// The places (in C order) of the true elements; their count is the shape of the node.
    Nonzero,

    /// `[..., m, k] @ [..., k, n]` with equal leading axes.
    MatMul(Guard),
}

impl Op {
    /// The list among the parameters.
    pub fn list_mut(&mut self) -> Option<&mut ListId> {
        match self {
            Op::Const(list)
            | Op::Transpose(list)
            | Op::Slice(list)
            | Op::Assign(list)
            | Op::AddAt(list)
            | Op::Item(list)
            | Op::Pack(list)
            | Op::Reduce(_, list) => Some(list),
            Op::Input(_)
            | Op::Iota
            | Op::Opaque(_)
            | Op::StopGradient
            | Op::Map(_)
            | Op::Reshape
            | Op::Broadcast
            | Op::Concat(_)
            | Op::Gather
            | Op::ScatterAdd
            | Op::ScatterSet
            | Op::ArgPick(..)
            | Op::Cumulate(..)
            | Op::Argsort(_)
            | Op::Nonzero
            | Op::MatMul(_) => None,
        }
    }
}

/// Whether products with a zero factor are zero even if the other factor is not finite: the rule
/// for products that a derivative introduced, as opposed to those of the user's own program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Guard {
    Off,
    On,
}

/// A reduction over axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reduction {
    Sum,
    Prod,
    Max,
    Min,
}

/// Which extremum [`Op::ArgPick`] looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Pick {
    Max,
    Min,
}

/// A scan along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Cumulation {
    /// `y[i] = x[0] + ... + x[i]`.
    Sum,
    /// The same from the end.
    SumBack,
    /// `y[i] = a[i] y[i-1] + b[i]`, `y[-1] = 0`; operands `a, b`.
    Recurrence,
    /// `y[i] = a[i] y[i+1] + b[i]`, from the end.
    RecurrenceBack,
}
