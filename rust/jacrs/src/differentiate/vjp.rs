//! Reverse mode: cotangents swept back from the outputs.

use smallvec::SmallVec;

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
    // About two for each node that is swept: a product, and a sum or a partial.
    g.reserve(2 * region.ids().count());
    let mut sums = Sums::new(&region);
    for (&y, &ct) in outputs.iter().zip(cotangents) {
        if let (Some(ct), true) = (ct, region.contains(y)) {
            sums.add(g, y, Cotangent::Whole(ct));
        }
    }
    let outer = g.location;
    // What an input was made from is none of this sweep's business.
    let is_input = region.marks(inputs);
    for y in region.ids().rev() {
        if *is_input.get(y).expect("in the region") {
            continue;
        }
        g.location = g.node(y).location;
        if let Some(ct) = sums.finish(g, y) {
            sweep(g, y, ct, &mut sums);
        }
    }
    let mut finished = |x: &NodeId| region.contains(*x).then(|| sums.finish(g, *x)).flatten();
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

/// Sends the cotangent of one node on to its operands.
fn sweep(g: &mut Graph, y: NodeId, ct: NodeId, sums: &mut Sums<'_>) {
    let op = g.op(y);
    let region = sums.region;
    let varies = |k| region.contains(g.operand(y, k));
    match effective_rule(op, varies, g.operands(y).len()) {
        Rule::Zero => {}
        Rule::Linear | Rule::Bilinear => transposed(g, y, ct, sums),
        Rule::Pointwise => pointwise(g, y, ct, sums),
        Rule::General => general(g, y, ct, sums),
    }
}

fn transposed(g: &mut Graph, y: NodeId, ct: NodeId, sums: &mut Sums<'_>) {
    let wanted = sums.wanted(g, y);
    let parts = ops::operation(g.op(y)).transpose(g, y, ct, &wanted);
    for (k, part) in parts.into_iter().enumerate() {
        if let Some(part) = part {
            sums.send(g, g.operand(y, k), part);
        }
    }
}

fn pointwise(g: &mut Graph, y: NodeId, ct: NodeId, sums: &mut Sums<'_>) {
    let Op::Map(fun) = g.op(y) else {
        unreachable!("only elementwise rules are pointwise")
    };
    for k in 0..fun.arity() {
        let x = g.operand(y, k);
        if sums.region.contains(x) {
            let partial = ops::partial(g, fun, y, k);
            if !build::is_zero(g, partial) {
                let product = build::mul0(g, partial, ct);
                sums.send(g, x, Cotangent::Whole(product));
            }
        }
    }
}

/// Builds the tangent of the node for tangents with fresh names, and sweeps back through that:
/// it is linear in them, so this ends.
fn general(g: &mut Graph, y: NodeId, ct: NodeId, sums: &mut Sums<'_>) {
    let operands = g.operands(y).to_vec();
    let wanted = sums.wanted(g, y);
    let names: Vec<Option<NodeId>> = (operands.iter().zip(wanted))
        .map(|(&x, wanted)| wanted.then(|| g.opaque(x)))
        .collect();
    let tangent = ops::operation(g.op(y)).jvp(g, y, &names);
    let fresh: Vec<NodeId> = names.iter().flatten().copied().collect();
    let mut swept = vjp(g, &[tangent], &fresh, &[Some(ct)]).into_iter();
    for (x, name) in operands.into_iter().zip(names) {
        if let Some(part) = name.and_then(|_| swept.next().flatten()) {
            sums.send(g, x, Cotangent::Whole(part));
        }
    }
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

/// The cotangents of a region as they gather.
struct Sums<'r> {
    region: &'r Region,
    table: Table<Sum>,
    /// Those of the nodes that got a part of one.
    in_parts: Vec<Parts>,
}

/// The cotangent of one node as it gathers. Most are whole: only others take room.
#[derive(Clone, Copy, Default)]
enum Sum {
    #[default]
    Zero,
    Whole(NodeId),
    /// Number so many of [`Sums::in_parts`].
    InParts(u32),
}

/// Parts of an array are kept apart until all are there, so that a loop over `n` elements costs `n`
/// and not `n` times the array.
#[derive(Default)]
struct Parts {
    whole: Option<NodeId>,
    parts: Vec<Cotangent>,
}

impl<'r> Sums<'r> {
    fn new(region: &'r Region) -> Self {
        Self {
            region,
            table: Table::new(region, Sum::default()),
            in_parts: vec![],
        }
    }

    /// Which operands of `y` are in the region.
    fn wanted(&self, g: &Graph, y: NodeId) -> SmallVec<[bool; 8]> {
        let contains = |x: &NodeId| self.region.contains(*x);
        g.operands(y).iter().map(contains).collect()
    }

    /// Adds what an operand gets, if it is in the region.
    fn send(&mut self, g: &mut Graph, x: NodeId, part: Cotangent) {
        if self.region.contains(x) && !vanishes(g, &part) {
            self.add(g, x, part);
        }
    }

    fn add(&mut self, g: &mut Graph, x: NodeId, part: Cotangent) {
        let sum = self.table.at(x);
        match (*sum, part) {
            (Sum::Zero, Cotangent::Whole(ct)) => *sum = Sum::Whole(ct),
            (Sum::Whole(whole), Cotangent::Whole(ct)) => {
                *sum = Sum::Whole(build::add(g, whole, ct));
            }
            (Sum::InParts(k), part) => self.in_parts[k as usize].add(g, part),
            (Sum::Zero | Sum::Whole(_), part) => {
                let whole = sum.whole();
                *sum = Sum::InParts(self.in_parts.len() as u32);
                let parts = vec![part];
                self.in_parts.push(Parts { whole, parts });
            }
        }
    }

    /// The cotangent of `x`, all parts put in place; nothing is left of it here.
    fn finish(&mut self, g: &mut Graph, x: NodeId) -> Option<NodeId> {
        match std::mem::take(self.table.at(x)) {
            Sum::InParts(k) => std::mem::take(&mut self.in_parts[k as usize]).finish(g, x),
            sum => sum.whole(),
        }
    }
}

impl Sum {
    fn whole(self) -> Option<NodeId> {
        match self {
            Sum::Whole(ct) => Some(ct),
            _ => None,
        }
    }
}

impl Parts {
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
