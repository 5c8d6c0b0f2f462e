//! One place per operation: its type rule, its evaluation, its derivative rule and its batching.
//!
//! Elementwise operations are rows of [`elementwise`]; every structural one is an [`Operation`] in
//! a file of its own family, found by the `match` in [`operation`]. Nothing else in the engine
//! knows an operation by name, apart from the plan, which fuses by [`Op::Map`].

pub mod batch;
pub mod build;
pub mod elementwise;
mod evaluate;
pub mod factor;
mod flow;
mod fold;
mod leaf;
mod matmul;
mod order;
pub mod pairwise;
mod place;
mod reduce;
mod rows;
mod scan;
pub mod tile;
mod verify;
mod view;

pub use elementwise::{Fun, kernel, partial, scalar, scalar_in};
pub use evaluate::evaluate;
pub use flow::{Alike, Flow, Triangle};
pub use fold::fold;
pub use reduce::join_parts;
pub use rows::row;
pub use verify::verify;

use smallvec::SmallVec;

use crate::array::{DType, Dims, Layout, Out, View};
use crate::error::{Error, Result};
use crate::ir::{Cumulation, Form, Graph, NodeId, Op, Type};
use tile::{Cut, Known, Needs, Tile};

/// How an operation is differentiated; everything else follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The derivative is zero wherever it exists.
    Zero,
    /// Linear in the operands that [`Operation::linear_in`] names: a tangent goes through the
    /// operation itself, a cotangent through [`Operation::transpose`].
    Linear,
    /// Linear in each operand alone: the tangents of both go through and add up.
    Bilinear,
    /// Its Jacobian is diagonal, with the table's partials on it.
    Pointwise,
    /// [`Operation::jvp`] gives the tangent; the transpose is taken of what that built.
    General,
}

/// Everything a kernel needs to know besides its operands.
#[derive(Clone, Debug)]
pub struct Call {
    pub op: Op,
    pub dtype: DType,
    pub shape: Dims,
    pub list: SmallVec<[i64; 8]>,
    /// Products inside derivatives that multiply by zero give zero, even with an infinity.
    pub exact: bool,
}

impl Call {
    pub fn of(graph: &Graph, id: NodeId, exact: bool) -> Self {
        let op = graph.op(id);
        let list = list_of(graph, op).into();
        Self {
            op,
            dtype: graph.dtype(id),
            shape: graph.dims(id),
            list,
            exact,
        }
    }
}

/// The list parameter of an operation; empty where it has none.
pub fn list_of(graph: &Graph, mut op: Op) -> &[i64] {
    match op.list_mut() {
        Some(&mut list) => graph.list(list),
        None => &[],
    }
}

/// A cotangent contribution to an operand.
#[derive(Clone, Copy, Debug)]
pub enum Cotangent {
    Whole(NodeId),
    /// To the item at `place` of the first `lead` axes; many of these make one [`Op::Pack`].
    Item {
        place: i64,
        lead: usize,
        value: NodeId,
    },
    /// To a slice of the operand; added in place where the running sum allows.
    Slice {
        slice: crate::ir::ListId,
        value: NodeId,
    },
    /// To the rows that an index names.
    Rows {
        index: NodeId,
        value: NodeId,
    },
}

/// Rows of a result, at some indices of its first axis, that are made of the same rows of one operand
/// and of all others.
pub struct Apart {
    /// The operand that gives its rows.
    pub operand: usize,
    /// Rows, and work as [`crate::plan::KernelStep`] counts it, that are worth a task of their own.
    pub rows: usize,
    pub work: u64,
}

/// What the engine knows of one operation.
pub trait Operation: Sync {
    /// Its name in the text form.
    fn name(&self, op: Op) -> String;

    /// The type of the result. Operations whose shape is a parameter check `declared` and return it.
    fn infer(&self, graph: &Graph, op: Op, operands: &[NodeId], declared: &Type) -> Result<Type>;

    fn rule(&self, op: Op) -> Rule;

    /// Which elements of the operands an element of `y` depends on.
    fn flow(&self, g: &Graph, y: NodeId) -> Flow;

    /// Whether the result is linear in operand `k`, the others held fixed. A general rule steps
    /// back for a bilinear one where only such operands vary.
    fn linear_in(&self, _op: Op, _k: usize) -> bool {
        true
    }

    /// The result as a view of an operand, where that needs no kernel.
    fn alias(&self, _call: &Call, _operands: &[View]) -> Option<View> {
        None
    }

    /// The result starts as a copy of the first operand, which [`Operation::eval`] then changes.
    fn updates_first(&self) -> bool {
        false
    }

    /// How rows of the result are computed apart, on several threads, if they are.
    fn apart(&self, _: &Call) -> Option<Apart> {
        None
    }

    /// Writes the result.
    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()>;

    /// The tangent of `y`, for [`Rule::General`].
    fn jvp(&self, _graph: &mut Graph, y: NodeId, _tangents: &[Option<NodeId>]) -> NodeId {
        unreachable!("{y:?} has a derived tangent")
    }

    /// Cotangents of the operands of `y` for which `wanted`, for linear and bilinear rules.
    fn transpose(
        &self,
        _graph: &mut Graph,
        y: NodeId,
        _ct: NodeId,
        _wanted: &[bool],
    ) -> Vec<Option<Cotangent>> {
        unreachable!("{y:?} has a derived transpose")
    }

    /// `y` over operands some of which carry a lane axis (their last); the result carries one.
    fn batch(&self, graph: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId>;

    /// Which tiles of its operands a tile of `y`, not empty, is computed from: by default all of
    /// each. `known` gives the data of inputs that hold indices.
    fn needs(&self, graph: &Graph, y: NodeId, _tile: &Tile, _known: Known<'_>) -> Needs {
        tile::everything(graph, y)
    }

    /// A tile of a node over the tiles that [`Operation::needs`] names: by default a part of the
    /// whole. Whoever implements one of the two implements both.
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        cut.part_of(target, &Tile::of(cut.source, cut.y))
    }
}

/// The operands of a node that is being batched.
pub struct Lanes<'a> {
    pub operands: &'a [NodeId],
    pub batched: &'a [bool],
    pub width: usize,
}

impl Lanes<'_> {
    /// Operand `k` with a lane axis, repeated over it where it had none.
    pub fn full(&self, graph: &mut Graph, k: usize) -> NodeId {
        if self.batched[k] {
            return self.operands[k];
        }
        build::with_lanes(graph, self.operands[k], self.width)
    }

    /// All operands with a lane axis.
    pub fn all(&self, graph: &mut Graph) -> SmallVec<[NodeId; 4]> {
        (0..self.operands.len())
            .map(|k| self.full(graph, k))
            .collect()
    }

    /// The shape of `y` with a lane axis.
    pub fn shape(&self, graph: &Graph, y: NodeId) -> Dims {
        let mut shape = graph.dims(y);
        shape.push(self.width);
        shape
    }
}

/// The implementation behind an operation.
pub fn operation(op: Op) -> &'static dyn Operation {
    match op {
        Op::Input(_) | Op::Const(_) | Op::Iota | Op::Placeholder(_) => &leaf::Leaf,
        Op::Opaque(_) => &leaf::Opaque,
        Op::StopGradient => &leaf::StopGradient,
        Op::Map(_) => &elementwise::Map,
        Op::Reshape => &view::Reshape,
        Op::Transpose(_) => &view::Transpose,
        Op::Broadcast => &view::Broadcast,
        Op::Slice(_) => &view::Slice,
        Op::Item(_) => &view::Item,
        Op::Assign(_) => &place::Assign,
        Op::AddAt(_) => &place::AddAt,
        Op::Pack(_) => &place::Pack,
        Op::Concat(_) => &place::Concat,
        Op::Gather => &rows::Gather,
        Op::ScatterAdd => &rows::ScatterAdd,
        Op::ScatterSet => &rows::ScatterSet,
        Op::Reduce(..) => &reduce::Reduce,
        Op::ArgPick(..) => &reduce::ArgPick,
        Op::Cumulate(..) => &scan::Cumulate,
        Op::Argsort(_) => &order::Argsort,
        Op::Nonzero => &order::Nonzero,
        Op::MatMul(_) => &matmul::MatMul,
        Op::Factor(_) => &factor::Factor,
        Op::Part(..) => &factor::PartOf,
        Op::Solve(_) => &factor::Solve,
        Op::Pinv => &factor::Pinv,
        Op::Cofactors => &factor::Cofactors,
        Op::Resolvent(_) => &factor::Resolvent,
        Op::Pole => &factor::Pole,
    }
}

/// The derivative rule of an operation.
pub fn rule(op: Op) -> Rule {
    operation(op).rule(op)
}

/// No derivative passes through this operation.
#[inline]
pub fn blocks_derivative(op: Op, dtype: DType) -> bool {
    if !dtype.is_differentiable() {
        return true;
    }
    match op {
        Op::Map(fun) => elementwise::rule(fun) == Rule::Zero,
        Op::StopGradient | Op::Const(_) | Op::Iota | Op::Factor(_) => true,
        Op::Part(_, part) => part.is_step(),
        _ => false,
    }
}

/// The type an operation gives, or why it cannot be applied.
pub fn infer(graph: &Graph, op: Op, operands: &[NodeId], declared: &Type) -> Result<Type> {
    let fits = match arity(op) {
        Some(arity) => operands.len() == arity,
        None => !operands.is_empty(),
    };
    if !fits {
        let name = operation(op).name(op);
        let count = operands.len();
        return Err(Error::internal(format!(
            "{name} does not take {count} operands"
        )));
    }
    operation(op).infer(graph, op, operands, declared)
}

/// How many operands an operation takes; `None` for one or more.
fn arity(op: Op) -> Option<usize> {
    Some(match op {
        Op::Input(_) | Op::Const(_) | Op::Iota | Op::Placeholder(_) => 0,
        Op::Map(fun) => fun.arity(),
        Op::Pack(_) | Op::Concat(_) | Op::Cofactors => return None,
        Op::Solve(system) if system.form == Form::General => 3,
        Op::Solve(_) | Op::Part(..) | Op::Pole => 2,
        Op::Assign(_) | Op::AddAt(_) | Op::Gather | Op::MatMul(_) => 2,
        Op::Cumulate(Cumulation::Recurrence | Cumulation::RecurrenceBack, ..) => 2,
        Op::ScatterAdd | Op::ScatterSet | Op::Pinv | Op::Resolvent(_) => 3,
        Op::Opaque(_)
        | Op::StopGradient
        | Op::Reshape
        | Op::Transpose(_)
        | Op::Broadcast
        | Op::Slice(_)
        | Op::Item(_)
        | Op::Reduce(..)
        | Op::ArgPick(..)
        | Op::Cumulate(..)
        | Op::Argsort(_)
        | Op::Nonzero
        | Op::Factor(_) => 1,
    })
}

/// The elements `start + step * k` that a slice list describes: `(starts, steps)`.
pub fn slice_parts(list: &[i64]) -> (SmallVec<[i64; 6]>, SmallVec<[i64; 6]>) {
    list.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip()
}

/// The part of a layout that a slice list names.
pub fn slice_layout(layout: &Layout, list: &[i64], shape: &[usize]) -> (isize, Layout) {
    let (starts, steps) = slice_parts(list);
    layout.slice(&starts, &steps, shape)
}
