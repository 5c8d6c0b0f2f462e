//! Forward mode: tangents beside values.

use smallvec::SmallVec;

use super::{Region, Table, effective_rule, guarded};
use crate::ir::{Graph, NodeId, Op};
use crate::ops::{self, Rule, build};

type Tangents = SmallVec<[Option<NodeId>; 4]>;

/// The tangents of `outputs` when the tangents of `inputs` are given: the product of the Jacobian
/// with a vector. `None` stands for a tangent that is zero everywhere.
///
/// ```
/// use jacrs::{differentiate::jvp, ir::{parse, print}};
/// let mut g = parse("%0 = input! : float64[3]\n%1 = sin(%0) : float64[3]\n%2 = input : float64[3]").unwrap();
/// let (x, y, t) = (g.inputs()[0], g.ids().nth(1).unwrap(), g.inputs()[1]);
/// g.outputs = vec![jvp(&mut g, &[y], &[x], &[Some(t)])[0].unwrap()];
/// assert!(print(&g).ends_with("%3 = cos(%0) : float64[3]\n%4 = mul0(%3, %2) : float64[3]\nreturn %4\n"));
/// ```
pub fn jvp(
    g: &mut Graph,
    outputs: &[NodeId],
    inputs: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Vec<Option<NodeId>> {
    let moving: Vec<NodeId> = inputs
        .iter()
        .zip(tangents)
        .filter(|(_, t)| t.is_some())
        .map(|(&x, _)| x)
        .collect();
    let region = Region::of_derivatives(g, outputs, &moving);
    let mut table = Table::new(&region, None);
    for (&x, &t) in inputs.iter().zip(tangents) {
        if let (Some(t), true) = (t, region.contains(x)) {
            // An input given twice moves by the sum.
            let sum = table.get(x).copied().flatten();
            *table.at(x) = Some(sum.map_or(t, |sum| build::add(g, sum, t)));
        }
    }
    let outer = g.location;
    // What an input was made from is none of this sweep's business.
    let is_input = region.marks(inputs);
    for y in region.ids() {
        if *is_input.get(y).expect("in the region") {
            continue;
        }
        let of = |x: &NodeId| table.get(*x).copied().flatten();
        let ts: Tangents = g.operands(y).iter().map(of).collect();
        g.location = g.node(y).location;
        // A seed of ones and zeros leaves many of them zero.
        *table.at(y) = tangent(g, y, &ts).filter(|&t| !build::is_zero(g, t));
    }
    g.location = outer;
    outputs
        .iter()
        .map(|y| table.get(*y).copied().flatten())
        .collect()
}

/// The tangent of one node from those of its operands.
fn tangent(g: &mut Graph, y: NodeId, ts: &[Option<NodeId>]) -> Option<NodeId> {
    if ts.iter().all(Option::is_none) {
        return None;
    }
    let op = g.op(y);
    match effective_rule(op, |k| ts[k].is_some(), ts.len()) {
        Rule::Zero => None,
        Rule::Linear => Some(linear(g, y, ts)),
        Rule::Bilinear => bilinear(g, y, ts),
        Rule::Pointwise => pointwise(g, y, ts),
        Rule::General => Some(ops::operation(op).jvp(g, y, ts)),
    }
}

/// The operation itself, applied to the tangents.
fn linear(g: &mut Graph, y: NodeId, ts: &[Option<NodeId>]) -> NodeId {
    let op = g.op(y);
    if let Op::Opaque(_) = op {
        return ts[0].expect("its operand varies");
    }
    let operands = g.operands(y).to_vec();
    let linear_in = |k| ops::operation(op).linear_in(op, k);
    let mut moved: SmallVec<[NodeId; 4]> = SmallVec::new();
    for (k, (&x, t)) in operands.iter().zip(ts).enumerate() {
        moved.push(match t {
            Some(t) => *t,
            None if linear_in(k) => build::zeros_like(g, x),
            None => x,
        });
    }
    again(g, y, &moved)
}

/// The operation of `y`, guarded, on other operands of the same types.
fn again(g: &mut Graph, y: NodeId, operands: &[NodeId]) -> NodeId {
    let node = *g.node(y);
    match node.op {
        Op::Map(fun) if fun != ops::Fun::Cast => build::map(g, fun, operands),
        Op::Item(list) => {
            let (place, lead) = (g.list(list)[0] as usize, g.list(list)[1] as usize);
            build::item(g, operands[0], place, lead)
        }
        op => g.push(guarded(op), node.dtype, node.shape, operands),
    }
}

fn bilinear(g: &mut Graph, y: NodeId, ts: &[Option<NodeId>]) -> Option<NodeId> {
    let operands = g.operands(y).to_vec();
    let mut total = None;
    for (k, t) in ts.iter().enumerate() {
        let Some(t) = t else { continue };
        let mut moved = operands.clone();
        moved[k] = *t;
        let term = again(g, y, &moved);
        total = Some(total.map_or(term, |sum| build::add(g, sum, term)));
    }
    total
}

fn pointwise(g: &mut Graph, y: NodeId, ts: &[Option<NodeId>]) -> Option<NodeId> {
    let Op::Map(fun) = g.op(y) else {
        unreachable!("only elementwise rules are pointwise")
    };
    let mut total = None;
    for (k, t) in ts.iter().enumerate() {
        let Some(t) = t else { continue };
        let partial = ops::partial(g, fun, y, k);
        if build::is_zero(g, partial) {
            continue;
        }
        let term = build::mul0(g, partial, *t);
        total = Some(total.map_or(term, |sum| build::add(g, sum, term)));
    }
    total
}
