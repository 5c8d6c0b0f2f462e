//! Derivatives as graphs made from graphs: tangents forward, cotangents backward, lanes alongside.
//!
//! Each function appends to the graph it is given and returns the new nodes, so that transforms
//! nest to any order: what they build is differentiated again like anything else. Differentiation
//! is always with respect to given nodes; whatever does not depend on them is a constant.

mod jacobian;
mod jvp;
mod linearize;
mod maps;
mod restrict;
mod submatrix;
mod unrolled;
mod vjp;

pub use crate::ops::batch::batch;
pub use jacobian::{Mode, jacobian};
pub use jvp::jvp;
pub use linearize::{Split, linearize, products, split};
pub use maps::{Late, Maps, Residual};
pub use restrict::{Built, Wanted};
pub use submatrix::{Chosen, Places, Source, Submatrix, submatrix};
pub use unrolled::unrolled;
pub use vjp::vjp;

use crate::ir::{Graph, Guard, NodeId, Op};
use crate::ops;

/// The part of a graph between some inputs and some outputs.
pub(crate) struct Region {
    first: usize,
    inside: Vec<bool>,
}

impl Region {
    /// Nodes on a path from an input to an output along which derivatives flow. The inputs are
    /// inside if an output depends on them.
    fn of_derivatives(g: &Graph, outputs: &[NodeId], inputs: &[NodeId]) -> Self {
        let first = inputs.iter().map(|x| x.index()).min().unwrap_or(0);
        let last = outputs
            .iter()
            .map(|x| x.index() + 1)
            .max()
            .unwrap_or(0)
            .max(first);
        let mut depends = vec![false; last - first];
        for x in inputs {
            if let Some(slot) = depends.get_mut(x.index() - first) {
                *slot = true;
            }
        }
        let mut wanted = depends.clone();
        for k in first..last {
            let id = NodeId(k as u32);
            let through = |x: &NodeId| x.index() >= first && depends[x.index() - first];
            let blocked = || ops::blocks_derivative(g.op(id), g.dtype(id));
            if !depends[k - first] && !blocked() && g.operands(id).iter().any(through) {
                depends[k - first] = true;
            }
        }
        wanted.fill(false);
        for y in outputs {
            if y.index() >= first {
                wanted[y.index() - first] = true;
            }
        }
        for k in (0..depends.len()).rev() {
            if wanted[k] && depends[k] {
                for x in g.operands(NodeId((k + first) as u32)) {
                    if x.index() >= first {
                        wanted[x.index() - first] = true;
                    }
                }
            }
        }
        let inside = depends.iter().zip(&wanted).map(|(&d, &w)| d && w).collect();
        Self { first, inside }
    }

    fn contains(&self, id: NodeId) -> bool {
        id.index() >= self.first && self.inside.get(id.index() - self.first) == Some(&true)
    }

    /// Which nodes of the region are among the given ones.
    fn marks(&self, nodes: &[NodeId]) -> Table<bool> {
        let mut marks = Table::new(self, false);
        for &x in nodes.iter().filter(|x| self.contains(**x)) {
            *marks.at(x) = true;
        }
        marks
    }

    fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> {
        let first = self.first;
        (self.inside.iter().enumerate())
            .filter(|(_, inside)| **inside)
            .map(move |(k, _)| NodeId((k + first) as u32))
    }
}

/// For each output and input, whether a derivative flows from the one to the other.
pub fn dependence(g: &Graph, outputs: &[NodeId], inputs: &[NodeId]) -> Vec<Vec<bool>> {
    let mut table = vec![vec![false; inputs.len()]; outputs.len()];
    for (j, &x) in inputs.iter().enumerate() {
        let region = Region::of_derivatives(g, outputs, &[x]);
        for (i, &y) in outputs.iter().enumerate() {
            table[i][j] = region.contains(y);
        }
    }
    table
}

/// A map from the nodes of a region to something about them.
pub(crate) struct Table<T> {
    first: usize,
    items: Vec<T>,
}

impl<T: Clone> Table<T> {
    fn new(region: &Region, empty: T) -> Self {
        Self {
            first: region.first,
            items: vec![empty; region.inside.len()],
        }
    }

    fn get(&self, id: NodeId) -> Option<&T> {
        self.items.get(id.index().wrapping_sub(self.first))
    }

    fn at(&mut self, id: NodeId) -> &mut T {
        &mut self.items[id.index() - self.first]
    }
}

/// The operation as a derivative uses it: its products are guarded.
fn guarded(op: Op) -> Op {
    match op {
        Op::MatMul(_) => Op::MatMul(Guard::On),
        Op::Cumulate(kind, axis, _) => Op::Cumulate(kind, axis, Guard::On),
        other => other,
    }
}

/// The kind of rule that applies where only some operands vary: a general one that is linear in each
/// of them needs no more than a bilinear one.
fn effective_rule(op: Op, varies: impl Fn(usize) -> bool, arity: usize) -> ops::Rule {
    let rule = ops::rule(op);
    let linear = || (0..arity).all(|k| !varies(k) || ops::operation(op).linear_in(op, k));
    if rule == ops::Rule::General && linear() {
        ops::Rule::Bilinear
    } else {
        rule
    }
}
