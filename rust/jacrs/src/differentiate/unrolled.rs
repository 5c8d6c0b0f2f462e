//! Jacobians of scalar code, entry by entry.
//!
//! Where a function computes with single numbers, most entries of its Jacobian are structurally zero
//! and most products in the others are by one. So each direction is a graph of its own, with a seed
//! of one: what is zero is never made, and what directions have in common is made once. The
//! Jacobian is then one straight-line program whose results are put in their places.

use super::{Mode, jvp, vjp};
use crate::array::{DType, Dims};
use crate::ir::{Graph, NodeId, Op};
use crate::ops::{blocks_derivative, build, list_of};
use crate::optimize::by_elements;

/// A node may be reached by so many directions, on average: more are cheaper in lanes.
const DIRECTIONS: usize = 8;
/// So much work is little in any case.
const LITTLE: usize = 1024;
/// So many nodes may be passed by in all sweeps: a fraction of a second.
const PATIENCE: usize = 1 << 26;

/// The recorded function with a Jacobian entry by entry: its outputs are `values`, then the block of
/// every output with respect to every input, `y.shape + x.shape`, outputs first. `None` where the
/// function is not scalar code over float64, or seeds in lanes would cost less.
///
/// ```
/// use jacrs::{differentiate::{Mode, unrolled}, ir::{parse, print}, optimize::optimize};
/// let g = parse("
///     %0 = input! : float64[2]
///     %1 = item(%0, [0 1]) : float64[]
///     %2 = item(%0, [1 1]) : float64[]
///     %3 = sin(%1) : float64[]
///     %4 = pack(%3, %2, [0 1]) : float64[2]
///     return %4").unwrap();
/// let (x, y) = (g.inputs()[0], g.outputs[0]);
/// let jacobian = unrolled(&g, &[y], &[y], &[x], Mode::Forward).unwrap();
/// assert!(print(&optimize(&jacobian)).contains(", [0 3]) : float64[2,2]"));
/// ```
pub fn unrolled(
    recorded: &Graph,
    values: &[NodeId],
    outputs: &[NodeId],
    inputs: &[NodeId],
    mode: Mode,
) -> Option<Graph> {
    let wanted: Vec<NodeId> = [inputs, outputs, values].concat();
    let (recorded, places) = by_elements(recorded, &wanted, inputs);
    let recorded = &recorded;
    let (inputs, results) = places.split_at(inputs.len());
    let (outputs, values) = results.split_at(outputs.len());
    if !are_apart(recorded, inputs) {
        return None;
    }
    let code = ScalarCode::of(recorded, outputs, inputs)?;
    let (seeds, swept) = match mode {
        Mode::Forward => (&code.inputs, &code.outputs),
        Mode::Reverse => (&code.outputs, &code.inputs),
    };
    if !code.is_sparse(recorded, mode) {
        return None;
    }
    let mut g = recorded.clone();
    let one = build::constant(&mut g, DType::F64, &[], 1.0);
    let shape = |k: usize, j: usize| -> Dims {
        let (y, x) = (recorded.shape(outputs[k]), recorded.shape(inputs[j]));
        y.iter().chain(x).copied().collect()
    };
    let mut blocks: Vec<Block> = (0..outputs.len() * inputs.len())
        .map(|_| Block::default())
        .collect();
    for seed in seeds {
        let nodes: Vec<NodeId> = swept.iter().map(|place| place.node).collect();
        let products = match mode {
            Mode::Forward => jvp(&mut g, &nodes, &[seed.node], &[Some(one)]),
            Mode::Reverse => vjp(&mut g, &[seed.node], &nodes, &[Some(one)]),
        };
        for (place, product) in swept.iter().zip(products) {
            let (y, x) = match mode {
                Mode::Forward => (place, seed),
                Mode::Reverse => (seed, place),
            };
            let width = recorded.size(inputs[x.leaf]);
            if let Some(product) = product {
                let entry = (y.element * width + x.element) as i64;
                blocks[y.leaf * inputs.len() + x.leaf].put(entry, product);
            }
        }
    }
    let mut results = values.to_vec();
    for (k, block) in blocks.into_iter().enumerate() {
        let shape = shape(k / inputs.len(), k % inputs.len());
        results.push(block.finish(&mut g, &shape));
    }
    g.outputs = results;
    Some(g)
}

/// Whether no input is another one, or is computed from one: then each can be seeded by itself.
fn are_apart(g: &Graph, inputs: &[NodeId]) -> bool {
    let below = g.dependents(inputs);
    let alone = |x: NodeId| !g.operands(x).iter().any(|y| below[y.index()]);
    (inputs.iter().enumerate()).all(|(k, &x)| alone(x) && !inputs[..k].contains(&x))
}

/// The entries of one block that are not zero.
#[derive(Default)]
struct Block {
    places: Vec<i64>,
    entries: Vec<NodeId>,
}

impl Block {
    fn put(&mut self, place: i64, entry: NodeId) {
        self.places.push(place);
        self.entries.push(entry);
    }

    fn finish(self, g: &mut Graph, shape: &[usize]) -> NodeId {
        match *self.entries {
            [] => build::constant(g, DType::F64, shape, 0.0),
            [entry] if shape.is_empty() => entry,
            _ => build::pack(g, &self.entries, &self.places, shape),
        }
    }
}

/// A number of the program that is an element of an argument or of a result.
struct Place {
    node: NodeId,
    /// Of which input or output.
    leaf: usize,
    element: usize,
}

/// A function as the single numbers that it reads and gives.
struct ScalarCode {
    inputs: Vec<Place>,
    outputs: Vec<Place>,
    /// Nodes between the two.
    inside: Vec<bool>,
}

impl ScalarCode {
    fn of(g: &Graph, outputs: &[NodeId], inputs: &[NodeId]) -> Option<Self> {
        let all = inputs.iter().chain(outputs);
        if all.into_iter().any(|&x| g.dtype(x) != DType::F64) {
            return None;
        }
        let mut code = Self {
            inputs: vec![],
            outputs: vec![],
            inside: vec![false; g.len()],
        };
        for (leaf, &y) in outputs.iter().enumerate() {
            code.outputs(g, leaf, y)?;
        }
        let depends = g.dependents(inputs);
        // Backwards from the results; what is met must be a number.
        let mut leaves: Vec<Option<usize>> = vec![None; g.len()];
        for (leaf, &x) in inputs.iter().enumerate() {
            leaves[x.index()] = Some(leaf);
        }
        let leaf_of = |id: NodeId| leaves[id.index()];
        for place in &code.outputs {
            code.inside[place.node.index()] = true;
        }
        for id in g.ids().rev() {
            if !code.inside[id.index()] {
                continue;
            }
            let scalar = g.shape(id).is_empty();
            if let Some(leaf) = leaf_of(id).filter(|_| scalar) {
                let (node, element) = (id, 0);
                code.inputs.push(Place {
                    node,
                    leaf,
                    element,
                });
                continue;
            }
            if blocks_derivative(g.op(id), g.dtype(id)) || !depends[id.index()] {
                code.inside[id.index()] = false;
                continue;
            }
            if let Op::Item(list) = g.op(id)
                && let Some(leaf) = leaf_of(g.operand(id, 0))
                && scalar
            {
                let (node, element) = (id, g.list(list)[0] as usize);
                code.inputs.push(Place {
                    node,
                    leaf,
                    element,
                });
                continue;
            }
            if !scalar || !matches!(g.op(id), Op::Map(_) | Op::Reshape) {
                return None;
            }
            for x in g.operands(id) {
                code.inside[x.index()] = true;
            }
        }
        code.inputs.reverse();
        Some(code)
    }

    /// The elements of a result: a number, or numbers that were packed.
    fn outputs(&mut self, g: &Graph, leaf: usize, y: NodeId) -> Option<()> {
        let mut put = |node, element| {
            self.outputs.push(Place {
                node,
                leaf,
                element,
            });
        };
        if g.shape(y).is_empty() {
            put(y, 0);
            return Some(());
        }
        if g.size(y) == 1 && matches!(g.op(y), Op::Reshape) {
            put(g.operand(y, 0), 0);
            return Some(());
        }
        let scalars = g.operands(y).iter().all(|&x| g.shape(x).is_empty());
        if !matches!(g.op(y), Op::Pack(_)) || !scalars {
            return None;
        }
        for (&node, &element) in g.operands(y).iter().zip(list_of(g, g.op(y))) {
            put(node, element as usize);
        }
        Some(())
    }

    /// Few directions reach each node.
    fn is_sparse(&self, g: &Graph, mode: Mode) -> bool {
        let inside = self.inside.iter().filter(|&&inside| inside).count();
        let limit = DIRECTIONS * inside + LITTLE;
        let seeds = match mode {
            Mode::Forward => &self.inputs,
            Mode::Reverse => &self.outputs,
        };
        // A sweep passes by all nodes, also those that its seed does not reach.
        if seeds.len().saturating_mul(g.len()) > PATIENCE.max(64 * limit) {
            return false;
        }
        // Which seeds reach a node, 64 at a time.
        let mut reached = 0;
        for some in seeds.chunks(64) {
            let mut sets = vec![0u64; g.len()];
            for (k, seed) in some.iter().enumerate() {
                sets[seed.node.index()] |= 1 << k;
            }
            let ids = g.ids().filter(|id| self.inside[id.index()]);
            match mode {
                Mode::Forward => ids.for_each(|id| {
                    let from = g.operands(id).iter().map(|x| sets[x.index()]);
                    sets[id.index()] |= from.fold(0, |all, set| all | set);
                }),
                Mode::Reverse => ids.rev().for_each(|id| {
                    for x in g.operands(id) {
                        sets[x.index()] |= sets[id.index()];
                    }
                }),
            }
            let ids = g.ids().filter(|id| self.inside[id.index()]);
            reached += ids
                .map(|id| sets[id.index()].count_ones() as usize)
                .sum::<usize>();
            if reached > limit {
                return false;
            }
        }
        true
    }
}
