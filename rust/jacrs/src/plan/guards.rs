//! Where a plain run of guarded products would not show that it went wrong.
//!
//! A guarded product differs from a plain one only where the plain one is NaN. A plan is run
//! plainly first, and again with the guards if an output is not finite: right as long as the NaN
//! arrives at an output. Where something on the way can swallow it, the guards are on from the start.

use crate::interrupt::piece;
use crate::ir::{Graph, Guard, NodeId, Op};
use crate::ops::Fun;

/// Whether a guarded product reaches, on the way to the outputs, an operation that hides NaN.
pub fn are_hidden(graph: &Graph, outputs: &[NodeId]) -> bool {
    let live = graph.reachable(outputs);
    let mut touched = vec![false; graph.len()];
    for id in graph.ids().filter(|id| live[id.index()]) {
        piece();
        let reached = graph.operands(id).iter().any(|x| touched[x.index()]);
        if reached && hides_nan(graph, id) {
            return true;
        }
        touched[id.index()] = reached || is_guarded(graph.op(id));
    }
    false
}

pub fn is_guarded(op: Op) -> bool {
    if let Op::Solve(system) = op {
        return !system.checked;
    }
    matches!(
        op,
        Op::Map(Fun::Mul0)
            | Op::MatMul(Guard::On)
            | Op::Cumulate(_, _, Guard::On)
            | Op::Resolvent(_)
    )
}

/// A result without NaN from an operand with one: comparisons, tests, orders, conversions to
/// integers, and the functions that C99 lets ignore a NaN; or an error, where a matrix with one is
/// factored.
fn hides_nan(graph: &Graph, id: NodeId) -> bool {
    let forgiving = matches!(
        graph.op(id),
        Op::Map(Fun::Fmax | Fun::Fmin | Fun::Power | Fun::Hypot | Fun::Copysign) | Op::Factor(_)
    );
    forgiving || !graph.dtype(id).is_float()
}
