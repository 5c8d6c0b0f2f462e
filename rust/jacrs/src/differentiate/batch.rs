//! Lanes: the same computation for many values of some nodes at once, along a new last axis.

use super::{Region, Table};
use crate::error::Result;
use crate::ir::{Graph, NodeId};
use crate::ops::{self, Lanes};

/// The outputs when each of `inputs` is replaced by `lanes`, which carries one more axis, the last,
/// of length `width`. An output that depends on no input stays as it was, without that axis: the
/// flag tells.
///
/// # Errors
/// Where a shape would differ from lane to lane.
pub fn batch(
    g: &mut Graph,
    outputs: &[NodeId],
    inputs: &[NodeId],
    lanes: &[NodeId],
    width: usize,
) -> Result<Vec<(NodeId, bool)>> {
    let region = Region::new(g, outputs, inputs, |_| true);
    let mut table: Table<Option<NodeId>> = Table::new(&region, None);
    for (&x, &lane) in inputs.iter().zip(lanes) {
        if region.contains(x) {
            *table.at(x) = Some(lane);
        }
    }
    let outer = g.location;
    for y in region.ids() {
        if table.get(y).is_some_and(Option::is_some) {
            continue;
        }
        let originals = g.operands(y).to_vec();
        let mut operands = originals.clone();
        let mut batched = vec![false; originals.len()];
        for (k, x) in originals.iter().enumerate() {
            if let Some(lane) = table.get(*x).copied().flatten() {
                (operands[k], batched[k]) = (lane, true);
            }
        }
        g.location = g.node(y).location;
        let lanes = Lanes {
            operands: &operands,
            batched: &batched,
            width,
        };
        *table.at(y) = Some(ops::operation(g.op(y)).batch(g, y, &lanes)?);
    }
    g.location = outer;
    let find = |y: &NodeId| {
        table
            .get(*y)
            .copied()
            .flatten()
            .map_or((*y, false), |lane| (lane, true))
    };
    Ok(outputs.iter().map(find).collect())
}
