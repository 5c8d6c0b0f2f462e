//! Reverse mode: cotangents swept back from the outputs.

use smallvec::{SmallVec, smallvec};

use super::{Region, Table, effective_rule};
use crate::ir::{Graph, NodeId, Op};
use crate::ops::{self, Cotangent, Rule, build};

/// The cotangents of `inputs` when those of `outputs` are given: the product of a vector with the
/// Jacobian. `None` stands for a cotangent that is zero everywhere.
pub fn vjp(
    g: &mut Graph,
    outputs: &[NodeId],
    inputs: &[NodeId],
    cotangents: &[Option<NodeId>],
) -> Vec<Option<NodeId>> {
    let region = Region::of_derivatives(g, outputs, inputs);
    let mut table: Table<Sum> = Table::new(&region, Sum::default());
    for (&y, &ct) in outputs.iter().zip(cotangents) {
        if let (Some(ct), true) = (ct, region.contains(y)) {
            table.at(y).add(g, Cotangent::Whole(ct));
        }
    }
    let outer = g.location;
    // What an input was made from is none of this sweep's business.
    let is_input = region.marks(inputs);
    for y in region.ids().rev() {
        if *is_input.get(y).expect("in the region") {
            continue;
        }
        let sum = std::mem::take(table.at(y));
        g.location = g.node(y).location;
        let Some(ct) = sum.finish(g, y) else { continue };
        let operands: SmallVec<[NodeId; 3]> = g.operands(y).into();
        let wanted: SmallVec<[bool; 8]> = operands.iter().map(|x| region.contains(*x)).collect();
        for (x, part) in operands.into_iter().zip(sweep(g, y, ct, &wanted)) {
            if let (Some(part), true) = (part, region.contains(x))
                && !vanishes(g, &part)
            {
                table.at(x).add(g, part);
            }
        }
    }
    let mut finished = |x: &NodeId| {
        let sum = region.contains(*x).then(|| std::mem::take(table.at(*x)))?;
        sum.finish(g, *x)
    };
    // An input given twice has the same cotangent twice.
    let mut results: Vec<Option<NodeId>> = Vec::with_capacity(inputs.len());
    for (k, x) in inputs.iter().enumerate() {
        let earlier = inputs[..k].iter().position(|other| other == x);
        let result = earlier.map_or_else(|| finished(x), |j| results[j]);
        results.push(result);
    }
    g.location = outer;
    results
}

type Cotangents = SmallVec<[Option<Cotangent>; 3]>;

/// The cotangents of the operands of one node.
fn sweep(g: &mut Graph, y: NodeId, ct: NodeId, wanted: &[bool]) -> Cotangents {
    let op = g.op(y);
    match effective_rule(op, |k| wanted[k], wanted.len()) {
        Rule::Zero => smallvec![None; wanted.len()],
        Rule::Linear | Rule::Bilinear => ops::operation(op).transpose(g, y, ct, wanted).into(),
        Rule::Pointwise => pointwise(g, y, ct, wanted),
        Rule::General => general(g, y, ct, wanted),
    }
}

fn pointwise(g: &mut Graph, y: NodeId, ct: NodeId, wanted: &[bool]) -> Cotangents {
    let Op::Map(fun) = g.op(y) else {
        unreachable!("only elementwise rules are pointwise")
    };
    let partials = ops::partials(g, fun, y);
    (partials.into_iter().zip(wanted))
        .map(|(partial, &w)| {
            (w && !build::is_zero(g, partial))
                .then(|| Cotangent::Whole(build::mul0(g, partial, ct)))
        })
        .collect()
}

/// A seed of ones and zeros leaves many cotangents zero.
fn vanishes(g: &Graph, part: &Cotangent) -> bool {
    match *part {
        Cotangent::Whole(value)
        | Cotangent::Item { value, .. }
        | Cotangent::Slice { value, .. }
        | Cotangent::Rows { value, .. } => build::is_zero(g, value),
    }
}

/// Builds the tangent of the node for tangents with fresh names, and sweeps back through that:
/// it is linear in them, so this ends.
fn general(g: &mut Graph, y: NodeId, ct: NodeId, wanted: &[bool]) -> Cotangents {
    let operands = g.operands(y).to_vec();
    let names: Vec<Option<NodeId>> = operands
        .iter()
        .zip(wanted)
        .map(|(&x, &w)| w.then(|| g.opaque(x)))
        .collect();
    let tangent = ops::operation(g.op(y)).jvp(g, y, &names);
    let fresh: Vec<NodeId> = names.iter().flatten().copied().collect();
    let mut swept = vjp(g, &[tangent], &fresh, &[Some(ct)]).into_iter();
    let mut next = || swept.next().flatten().map(Cotangent::Whole);
    names.iter().map(|name| name.and_then(|_| next())).collect()
}

/// A cotangent as it gathers. Parts of an array are kept apart until all are there, so that a
/// loop over `n` elements costs `n` and not `n` times the array.
#[derive(Clone, Default)]
struct Sum {
    whole: Option<NodeId>,
    parts: Vec<Cotangent>,
}

impl Sum {
    fn add(&mut self, g: &mut Graph, part: Cotangent) {
        match part {
            Cotangent::Whole(ct) => {
                self.whole = Some(self.whole.map_or(ct, |sum| build::add(g, sum, ct)));
            }
            part => self.parts.push(part),
        }
    }

    /// The cotangent of `x`, all parts put in place.
    fn finish(self, g: &mut Graph, x: NodeId) -> Option<NodeId> {
        let Self { mut whole, parts } = self;
        let mut items: Vec<(usize, i64, NodeId)> = vec![];
        for part in &parts {
            if let Cotangent::Item { place, lead, value } = *part {
                items.push((lead, place, value));
            }
        }
        // Stable: items of one place are added in the order in which they came.
        items.sort_by_key(|&(lead, place, _)| (lead, place));
        for group in items.chunk_by(|a, b| a.0 == b.0) {
            let packed = pack(g, x, group);
            whole = Some(whole.map_or(packed, |sum| build::add(g, sum, packed)));
        }
        for part in parts {
            let sum = |g: &mut Graph| whole.unwrap_or_else(|| build::zeros_like(g, x));
            whole = match part {
                Cotangent::Slice { slice, value } => {
                    let base = sum(g);
                    let op = Op::AddAt(slice);
                    Some(build::emit(g, op, &[base, value]).expect("a slice of its operand"))
                }
                Cotangent::Rows { index, value } => {
                    let base = sum(g);
                    Some(build::scatter_add(g, base, index, value))
                }
                Cotangent::Item { .. } | Cotangent::Whole(_) => continue,
            };
        }
        whole
    }
}

/// Items of the same leading axes, sorted by place, as one array.
fn pack(g: &mut Graph, x: NodeId, items: &[(usize, i64, NodeId)]) -> NodeId {
    let mut places: Vec<i64> = vec![];
    let mut values: Vec<NodeId> = vec![];
    for same in items.chunk_by(|a, b| a.1 == b.1) {
        let total = same[1..]
            .iter()
            .fold(same[0].2, |sum, item| build::add(g, sum, item.2));
        places.push(same[0].1);
        values.push(total);
    }
    let shape = g.dims(x);
    build::pack(g, &values, &places, &shape)
}
