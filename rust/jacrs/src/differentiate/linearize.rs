//! A function split in two: what is computed once at a point, and the linear map that is applied
//! there any number of times.

use super::jacobian::placeholder;
use super::{Mode, batch, jvp, vjp};
use crate::error::Result;
use crate::ir::{Graph, NodeId, Op};
use crate::ops::build;

/// The two halves of a linearized function.
pub struct Split {
    /// From the inputs to the values, then the residuals that the linear map needs.
    pub early: Graph,
    /// From the seeds, then the residuals, to the products.
    pub late: Graph,
}

/// The linear map of `outputs` over `inputs`, `width` lanes at a time: seeds of the inputs go
/// forward, or seeds of the outputs go in reverse; either carry a lane axis, their last. `values`
/// is what the early half gives back: the outputs, or what they were converted from.
///
/// # Errors
/// Those of [`batch`].
pub fn linearize(
    recorded: &Graph,
    values: &[NodeId],
    outputs: &[NodeId],
    inputs: &[NodeId],
    mode: Mode,
    width: usize,
) -> Result<Split> {
    let mut g = recorded.clone();
    let (seeded, swept) = match mode {
        Mode::Forward => (inputs, outputs),
        Mode::Reverse => (outputs, inputs),
    };
    let names: Vec<NodeId> = seeded.iter().map(|&x| placeholder(&mut g, x)).collect();
    let tangents: Vec<_> = names.iter().copied().map(Some).collect();
    let products = match mode {
        Mode::Forward => jvp(&mut g, outputs, inputs, &tangents),
        Mode::Reverse => vjp(&mut g, outputs, inputs, &tangents),
    };
    let seeds: Vec<NodeId> = seeded
        .iter()
        .map(|&x| {
            let mut shape = g.dims(x);
            shape.push(width);
            g.input(g.dtype(x), &shape, false)
        })
        .collect();
    let present: Vec<NodeId> = products.iter().flatten().copied().collect();
    let mut batched = batch(&mut g, &present, &names, &seeds, width)?.into_iter();
    let panels: Vec<NodeId> = (products.iter().zip(swept))
        .map(|(product, &x)| {
            let lane = product
                .and_then(|_| batched.next())
                .filter(|(_, depends)| *depends);
            lane.map_or_else(|| zero_panel(&mut g, x, width), |(id, _)| id)
        })
        .collect();
    Ok(split(&g, values, &panels, &seeds))
}

fn zero_panel(g: &mut Graph, like: NodeId, width: usize) -> NodeId {
    let zeros = build::zeros_like(g, like);
    build::with_lanes(g, zeros, width)
}

/// The linear map of `outputs` over `inputs`, one seed for each input or each output, without lanes.
pub fn products(
    recorded: &Graph,
    values: &[NodeId],
    outputs: &[NodeId],
    inputs: &[NodeId],
    mode: Mode,
) -> Split {
    let mut g = recorded.clone();
    let (seeded, swept) = match mode {
        Mode::Forward => (inputs, outputs),
        Mode::Reverse => (outputs, inputs),
    };
    let seeds: Vec<NodeId> = seeded
        .iter()
        .map(|&x| {
            let shape = g.dims(x);
            g.input(g.dtype(x), &shape, false)
        })
        .collect();
    let given: Vec<_> = seeds.iter().copied().map(Some).collect();
    let found = match mode {
        Mode::Forward => jvp(&mut g, outputs, inputs, &given),
        Mode::Reverse => vjp(&mut g, outputs, inputs, &given),
    };
    let results: Vec<NodeId> = (found.iter().zip(swept))
        .map(|(product, &x)| product.unwrap_or_else(|| build::zeros_like(&mut g, x)))
        .collect();
    split(&g, values, &results, &seeds)
}

/// Splits a graph at the nodes that depend on the late inputs (which come last among its inputs).
pub fn split(g: &Graph, values: &[NodeId], products: &[NodeId], late_inputs: &[NodeId]) -> Split {
    let is_late = g.dependents(late_inputs);
    let needed = g.reachable(products);
    let mut late = Graph::new();
    let mut place: Vec<Option<NodeId>> = vec![None; g.len()];
    for &x in late_inputs {
        place[x.index()] = Some(late.input(g.dtype(x), g.shape(x), false));
    }
    let mut residuals = vec![];
    for id in g.ids().filter(|id| needed[id.index()]) {
        if is_late[id.index()] || is_cheap(g, id) {
            // A view that no late node reads in the end is dropped by the optimizer.
            for &x in g.operands(id) {
                residual(g, &mut late, &mut place, &mut residuals, x);
            }
            if place[id.index()].is_none() {
                place[id.index()] = Some(import(g, id, &mut late, &place));
            }
        }
    }
    for &x in products {
        residual(g, &mut late, &mut place, &mut residuals, x);
    }
    late.outputs = products
        .iter()
        .map(|x| place[x.index()].expect("placed above"))
        .collect();
    let mut early = g.clone();
    early.outputs = values.iter().chain(&residuals).copied().collect();
    drop_unused(&mut early, &mut late, values.len(), late_inputs.len());
    let early = early.without_inputs(late_inputs);
    debug_assert_eq!(crate::ops::verify(&early), Ok(()));
    debug_assert_eq!(crate::ops::verify(&late), Ok(()));
    Split { early, late }
}

/// A node that is made anew in the late half rather than carried over: it costs nothing.
fn is_cheap(g: &Graph, id: NodeId) -> bool {
    matches!(
        g.op(id),
        Op::Const(_) | Op::Iota | Op::Broadcast | Op::Reshape | Op::Transpose(_)
    )
}

/// Makes an early value an input of the late half.
fn residual(
    g: &Graph,
    late: &mut Graph,
    place: &mut [Option<NodeId>],
    residuals: &mut Vec<NodeId>,
    x: NodeId,
) {
    if place[x.index()].is_none() {
        place[x.index()] = Some(late.input(g.dtype(x), g.shape(x), false));
        residuals.push(x);
    }
}

/// Copies one node whose operands are placed.
fn import(g: &Graph, id: NodeId, target: &mut Graph, place: &[Option<NodeId>]) -> NodeId {
    let operands: Vec<NodeId> = g
        .operands(id)
        .iter()
        .map(|x| place[x.index()].expect("operands come first"))
        .collect();
    target.import(g, id, &operands)
}

/// Takes back residuals that nothing reads.
fn drop_unused(early: &mut Graph, late: &mut Graph, values: usize, seeds: usize) {
    let used = late.reachable(&late.outputs);
    let dead: Vec<NodeId> = late.inputs()[seeds..]
        .iter()
        .copied()
        .filter(|x| !used[x.index()])
        .collect();
    let mut keep = late.inputs()[seeds..].iter().map(|x| used[x.index()]);
    let mut k = 0;
    early.outputs.retain(|_| {
        k += 1;
        k <= values || keep.next().expect("one flag for each residual")
    });
    *late = late.without_inputs(&dead);
}
