//! Whole Jacobians as graphs: what an inner `jacobian` adds while an outer function is recorded.

use super::{Region, batch, jvp, vjp};
use crate::array::Dims;
use crate::error::Result;
use crate::ir::{Graph, NodeId};
use crate::ops::build;
use crate::optimize::FEW;

/// Which way a Jacobian is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A lane for each element of the inputs.
    Forward,
    /// A lane for each element of the outputs.
    Reverse,
}

impl Mode {
    /// The cheaper way for this many inputs and outputs: one forward lane costs about as much as
    /// half a reverse one, which also keeps the values of the forward sweep.
    pub fn choose(inputs: usize, outputs: usize) -> Self {
        if inputs <= 2 * outputs {
            Mode::Forward
        } else {
            Mode::Reverse
        }
    }
}

/// The Jacobian of every output with respect to every input, `[i][j]` of shape
/// `outputs[i].shape + inputs[j].shape`; `None` is zero everywhere.
///
/// # Errors
/// Those of [`batch`].
pub fn jacobian(
    g: &mut Graph,
    outputs: &[NodeId],
    inputs: &[NodeId],
    mode: Mode,
) -> Result<Vec<Vec<Option<NodeId>>>> {
    let mut blocks = vec![vec![None; inputs.len()]; outputs.len()];
    match mode {
        Mode::Forward => {
            for (j, &x) in inputs.iter().enumerate() {
                let sweep = |g: &mut Graph, seed| {
                    let mut tangents = vec![None; inputs.len()];
                    tangents[j] = Some(seed);
                    jvp(g, outputs, inputs, &tangents)
                };
                let columns = if is_small(g, outputs, &[x]) {
                    one_by_one(g, x, sweep)
                } else {
                    in_lanes(g, x, sweep)?
                };
                for (i, block) in columns.into_iter().enumerate() {
                    blocks[i][j] = block.map(|id| join(g, id, outputs[i], x));
                }
            }
        }
        Mode::Reverse => {
            for (i, &y) in outputs.iter().enumerate() {
                let sweep = |g: &mut Graph, seed| vjp(g, &[y], inputs, &[Some(seed)]);
                let rows = if is_small(g, &[y], inputs) {
                    one_by_one(g, y, sweep)
                } else {
                    in_lanes(g, y, sweep)?
                };
                for (j, block) in rows.into_iter().enumerate() {
                    blocks[i][j] = block.map(|id| {
                        let last = g.shape(id).len() - 1;
                        let front = build::move_axis(g, id, last, 0);
                        join(g, front, y, inputs[j])
                    });
                }
            }
        }
    }
    Ok(blocks)
}

/// Whether all between is a few numbers: arrays that will be taken apart into their elements.
fn is_small(g: &Graph, outputs: &[NodeId], inputs: &[NodeId]) -> bool {
    let region = Region::of_derivatives(g, outputs, inputs);
    let few = |id: NodeId| (1..=FEW).contains(&g.size(id));
    inputs.iter().chain(outputs).all(|&id| few(id)) && region.ids().all(few)
}

/// The products with each unit vector, along a new last axis. What is zero in one of them is not
/// made, and there are no lanes for single numbers to be spread to.
fn one_by_one(
    g: &mut Graph,
    seeded: NodeId,
    sweep: impl Fn(&mut Graph, NodeId) -> Vec<Option<NodeId>>,
) -> Vec<Option<NodeId>> {
    let (shape, n) = (g.dims(seeded), g.size(seeded));
    let one = build::constant(g, g.dtype(seeded), &[], 1.0);
    let products: Vec<Vec<Option<NodeId>>> = (0..n)
        .map(|k| {
            let unit = match n {
                1 => build::broadcast(g, one, &shape),
                _ => build::pack(g, &[one], &[k as i64], &shape),
            };
            sweep(g, unit)
        })
        .collect();
    (0..products[0].len())
        .map(|i| {
            let of = |k: usize| products[k][i].map(|item| (k as i64, item));
            let (places, items): (Vec<i64>, Vec<NodeId>) = (0..n).filter_map(of).unzip();
            let mut shape = g.dims(*items.first()?);
            shape.insert(0, n);
            let front = match *items {
                [one] if n == 1 => build::reshape(g, one, &shape),
                _ => build::pack(g, &items, &places, &shape),
            };
            Some(build::move_axis(g, front, 0, shape.len() - 1))
        })
        .collect()
}

/// The products with all unit vectors at once.
fn in_lanes(
    g: &mut Graph,
    seeded: NodeId,
    sweep: impl Fn(&mut Graph, NodeId) -> Vec<Option<NodeId>>,
) -> Result<Vec<Option<NodeId>>> {
    let name = placeholder(g, seeded);
    let products = sweep(g, name);
    let n = g.size(name);
    let unit = build::eye(g, g.dtype(name), n);
    let mut shape = g.dims(name);
    shape.push(n);
    let seeds = build::reshape(g, unit, &shape);
    let present: Vec<NodeId> = products.iter().flatten().copied().collect();
    let mut lanes = batch(g, &present, &[name], &[seeds], n)?.into_iter();
    let mut lane = || lanes.next().filter(|(_, depends)| *depends);
    Ok(products
        .iter()
        .map(|p| p.and_then(|_| lane()).map(|(id, _)| id))
        .collect())
}

/// What is replaced by seeds for this node.
pub(super) fn placeholder(g: &mut Graph, like: NodeId) -> NodeId {
    let shape = g.dims(like);
    g.placeholder(g.dtype(like), &shape, true)
}

/// The shape `y.shape + x.shape`.
fn join(g: &mut Graph, block: NodeId, y: NodeId, x: NodeId) -> NodeId {
    let shape: Dims = g.shape(y).iter().chain(g.shape(x)).copied().collect();
    build::reshape(g, block, &shape)
}
