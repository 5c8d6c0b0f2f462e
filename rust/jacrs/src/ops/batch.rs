//! Lanes: the same computation for many values of some nodes at once, along a new last axis.

use super::{Lanes, operation};
use crate::error::Result;
use crate::ir::{Graph, NodeId};

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
    Batch::new(inputs, lanes, width).of(g, outputs)
}

/// Nodes in lanes, as far as they were asked for: each is made once, however often it is needed.
pub struct Batch {
    width: usize,
    /// What comes before this node is the same in all lanes.
    first: usize,
    /// What is known of the nodes from the first on.
    table: Vec<Place>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Unknown,
    Queued,
    /// The same in all lanes.
    Same,
    Lanes(NodeId),
}

impl Batch {
    /// See [`batch`].
    pub fn new(inputs: &[NodeId], lanes: &[NodeId], width: usize) -> Self {
        let first = inputs.iter().map(|x| x.index()).min().unwrap_or(usize::MAX);
        let end = inputs.iter().map(|x| x.index() + 1).max();
        let mut table = vec![Place::Unknown; end.map_or(0, |end| end - first)];
        for (x, &lane) in inputs.iter().zip(lanes) {
            table[x.index() - first] = Place::Lanes(lane);
        }
        Self {
            width,
            first,
            table,
        }
    }

    /// How many lanes there are.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The outputs in lanes. Asking is linear in what was added to the graph since.
    ///
    /// # Errors
    /// Those of [`batch`].
    pub fn of(&mut self, g: &mut Graph, outputs: &[NodeId]) -> Result<Vec<(NodeId, bool)>> {
        let needed = self.queue(g, outputs);
        let outer = g.location;
        let mut result = Ok(());
        for &y in &needed {
            let place = match &result {
                Ok(()) => self.lanes_of(g, y),
                Err(_) => Ok(Place::Unknown),
            };
            self.table[y.index() - self.first] = place.unwrap_or_else(|e| {
                result = Err(e);
                Place::Unknown
            });
        }
        g.location = outer;
        result?;
        let find = |&y: &NodeId| match self.place(y) {
            Place::Lanes(lane) => (lane, true),
            _ => (y, false),
        };
        Ok(outputs.iter().map(find).collect())
    }

    fn place(&self, x: NodeId) -> Place {
        match x.index().checked_sub(self.first) {
            Some(at) => self.table[at],
            None => Place::Same,
        }
    }

    /// What the outputs need and is not known, operands before their users.
    fn queue(&mut self, g: &Graph, outputs: &[NodeId]) -> Vec<NodeId> {
        let known = g.len().saturating_sub(self.first);
        self.table
            .resize(known.max(self.table.len()), Place::Unknown);
        let mut needed = vec![];
        let visit = |table: &mut [Place], x: NodeId, needed: &mut Vec<NodeId>| {
            let at = x.index().checked_sub(self.first);
            if let Some(slot @ Place::Unknown) = at.map(|at| &mut table[at]) {
                *slot = Place::Queued;
                needed.push(x);
            }
        };
        for &y in outputs {
            visit(&mut self.table, y, &mut needed);
        }
        let mut next = 0;
        while next < needed.len() {
            for &x in g.operands(needed[next]) {
                visit(&mut self.table, x, &mut needed);
            }
            next += 1;
        }
        // Ids grow along dependencies.
        needed.sort_unstable();
        needed
    }

    /// One node whose operands are known.
    fn lanes_of(&self, g: &mut Graph, y: NodeId) -> Result<Place> {
        let mut operands = g.operands(y).to_vec();
        let mut batched = vec![false; operands.len()];
        for (x, is_batched) in operands.iter_mut().zip(&mut batched) {
            if let Place::Lanes(lane) = self.place(*x) {
                (*x, *is_batched) = (lane, true);
            }
        }
        if !batched.contains(&true) {
            return Ok(Place::Same);
        }
        g.location = g.node(y).location;
        let lanes = Lanes {
            operands: &operands,
            batched: &batched,
            width: self.width,
        };
        Ok(Place::Lanes(operation(g.op(y)).batch(g, y, &lanes)?))
    }
}
