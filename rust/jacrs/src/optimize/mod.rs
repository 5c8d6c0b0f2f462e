//! Rewrites a graph into a smaller one with the same values.
//!
//! One pass from the inputs to the outputs: each live node is rebuilt on its simplified operands,
//! through the first of the named [`RULES`] that applies. Rebuilding finds common subexpressions
//! (equal nodes are one node) and leaves dead code behind.

mod constants;
mod elements;
mod parts;
mod rules;

pub use constants::worth_keeping;
pub use elements::{FEW, by_elements, has_small_arrays};
pub use parts::by_parts;
pub use rules::{RULES, Rule, repeated};

use crate::array::DType;
use crate::ir::{Graph, NodeId, Op};
use crate::ops::{Fun, build};

/// The optimized graph; inputs keep their number and order, used or not. Names of values
/// ([`Op::Opaque`], [`Op::StopGradient`]) go: this is for graphs that are done being differentiated.
///
/// ```
/// use jacrs::{ir::{parse, print}, optimize::optimize};
/// let g = parse("%0 = input : float64[]\n%1 = neg(%0) : float64[]\n%2 = neg(%1) : float64[]\nreturn %2").unwrap();
/// assert_eq!(print(&optimize(&g)), "%0 = input : float64[]\nreturn %0\n");
/// ```
pub fn optimize(g: &Graph) -> Graph {
    let mut target = Graph::sharing(g);
    let live = g.reachable(&g.outputs);
    let mut place: Vec<NodeId> = vec![NodeId(u32::MAX); g.len()];
    for &x in g.inputs() {
        place[x.index()] = target.input(g.dtype(x), g.shape(x), g.node(x).active);
    }
    let mut operands = vec![];
    for id in g.ids().filter(|id| live[id.index()]) {
        if matches!(g.op(id), Op::Input(_)) {
            continue;
        }
        operands.clear();
        operands.extend(g.operands(id).iter().map(|x| place[x.index()]));
        target.location = g.node(id).location;
        place[id.index()] = rebuild(g, id, &mut target, &operands);
    }
    target.outputs = g.outputs.iter().map(|x| place[x.index()]).collect();
    target.compact();
    debug_assert_eq!(crate::ops::verify(&target), Ok(()));
    target
}

fn rebuild(g: &Graph, id: NodeId, target: &mut Graph, operands: &[NodeId]) -> NodeId {
    if matches!(g.op(id), Op::Opaque(_) | Op::StopGradient) {
        return operands[0];
    }
    RULES
        .iter()
        .find_map(|rule| (rule.apply)(target, g, id, operands))
        .unwrap_or_else(|| target.adopt(g, id, operands))
}

/// An elementwise node, bit for bit.
fn mapped(target: &mut Graph, fun: Fun, dtype: DType, operands: &[NodeId]) -> NodeId {
    match fun {
        Fun::Cast => build::cast(target, operands[0], dtype),
        // The constructor drops the sign of a zero that a product with zero is.
        Fun::Mul0 => target.push(Op::Map(fun), dtype, target.shape_id(operands[0]), operands),
        _ => build::map(target, fun, operands),
    }
}
