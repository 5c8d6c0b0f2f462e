//! What is in the index arrays and masks of a graph: they decide where elements go.

use hashbrown::HashMap;

use crate::array::{Array, DType, product};
use crate::error::{Error, Result, text};
use crate::interrupt::piece;
use crate::ir::{Graph, NodeId, Op};
use crate::memory::check_memory;
use crate::ops::{Call, Flow, evaluate, operation};

/// What the contents of decide the sets of a node: an index; or the mask of a choice, where no float
/// has to do with it. A choice that depends on floats may go either way.
pub fn decider_of(g: &Graph, y: NodeId, floatless: &[bool]) -> Option<NodeId> {
    match operation(g.op(y)).flow(g, y) {
        Flow::Alike(alike) if alike.chooses && g.dtype(y).is_differentiable() => {
            Some(g.operand(y, 0)).filter(|c| floatless[c.index()])
        }
        _ => index_of(g, y),
    }
}

/// Which nodes are made without floats.
pub fn floatless(g: &Graph) -> Vec<bool> {
    let mut found: Vec<bool> = Vec::with_capacity(g.len());
    for id in g.ids() {
        let free = g.operands(id).iter().all(|x| found[x.index()]);
        found.push(free && !g.dtype(id).is_float());
    }
    found
}

/// The index that a node moves elements by.
pub fn index_of(g: &Graph, y: NodeId) -> Option<NodeId> {
    let moves = matches!(operation(g.op(y)).flow(g, y), Flow::Moves | Flow::AddsRows);
    let is_index = |&x: &NodeId| g.dtype(x) == DType::I64;
    let index = g.operands(y).iter().copied().find(is_index);
    index.filter(|_| moves && g.dtype(y).is_differentiable())
}

/// The values of these nodes for the data of the inputs: everything that they need is evaluated once,
/// node by node, and kept no longer than it is needed.
///
/// # Errors
/// Those of the operations, and if memory does not suffice.
pub fn values_of(g: &Graph, wanted: &[NodeId], data: &[Array]) -> Result<HashMap<NodeId, Array>> {
    let needed = g.reachable(wanted);
    let mut uses = vec![0u32; g.len()];
    let live = || g.ids().filter(|id| needed[id.index()]);
    for x in live().flat_map(|id| g.operands(id)).chain(wanted) {
        uses[x.index()] += 1;
    }
    let mut known: HashMap<NodeId, Array> = HashMap::new();
    for id in live() {
        piece();
        let value = match g.op(id) {
            Op::Input(k) => data[k as usize].clone(),
            _ => evaluated(g, id, &known).map_err(|e| e.at(g.node(id).location))?,
        };
        known.insert(id, value);
        for x in g.operands(id) {
            uses[x.index()] -= 1;
            if uses[x.index()] == 0 {
                known.remove(x);
            }
        }
    }
    Ok(known)
}

fn evaluated(g: &Graph, id: NodeId, known: &HashMap<NodeId, Array>) -> Result<Array> {
    let operands: Vec<Array> = g.operands(id).iter().map(|x| known[x].clone()).collect();
    let call = Call::of(g, id, true);
    let bytes = product(&call.shape) * call.dtype.size();
    check_memory(bytes, || {
        let shape = text::tuple(&call.shape);
        format!("an array of shape {shape} that an index depends on")
    })?;
    if matches!(call.op, Op::Placeholder(_)) {
        return Err(Error::internal("an index depends on what is not there yet"));
    }
    evaluate(&call, &operands)
}
