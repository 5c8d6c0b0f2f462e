//! Whole Jacobians as graphs: what an inner `jacobian` adds while an outer function is recorded.

use super::{batch, jvp, vjp};
use crate::array::Dims;
use crate::error::Result;
use crate::ir::{Graph, NodeId};
use crate::ops::build;

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
                let name = placeholder(g, x);
                let mut tangents = vec![None; inputs.len()];
                tangents[j] = Some(name);
                let columns = jvp(g, outputs, inputs, &tangents);
                for (i, block) in with_seeds(g, &columns, name)?.into_iter().enumerate() {
                    blocks[i][j] = block.map(|(id, _)| join(g, id, outputs[i], x));
                }
            }
        }
        Mode::Reverse => {
            for (i, &y) in outputs.iter().enumerate() {
                let name = placeholder(g, y);
                let rows = vjp(g, &[y], inputs, &[Some(name)]);
                for (j, block) in with_seeds(g, &rows, name)?.into_iter().enumerate() {
                    blocks[i][j] = block.map(|(id, _)| {
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

/// What is replaced by seeds for this node.
pub(super) fn placeholder(g: &mut Graph, like: NodeId) -> NodeId {
    let shape = g.dims(like);
    g.placeholder(g.dtype(like), &shape, true)
}

type Seeded = Vec<Option<(NodeId, bool)>>;

/// Replaces a placeholder by all unit vectors at once.
fn with_seeds(g: &mut Graph, products: &[Option<NodeId>], name: NodeId) -> Result<Seeded> {
    let n = g.size(name);
    let unit = build::eye(g, g.dtype(name), n);
    let mut shape = g.dims(name);
    shape.push(n);
    let seeds = build::reshape(g, unit, &shape);
    let present: Vec<NodeId> = products.iter().flatten().copied().collect();
    let mut lanes = batch(g, &present, &[name], &[seeds], n)?.into_iter();
    Ok(products
        .iter()
        .map(|p| p.and_then(|_| lanes.next()).filter(|(_, depends)| *depends))
        .collect())
}

/// The shape `y.shape + x.shape`.
fn join(g: &mut Graph, block: NodeId, y: NodeId, x: NodeId) -> NodeId {
    let shape: Dims = g.shape(y).iter().chain(g.shape(x)).copied().collect();
    build::reshape(g, block, &shape)
}
