//! What a recording leaves behind that nothing will be recorded after.

use super::{Graph, NodeId, Op};
use crate::interrupt::piece;

impl Graph {
    /// The part of the graph that its outputs need, with equal things being one node again. Names of
    /// values ([`Op::Opaque`]) go, but for those that are still to be differentiated by: `named`. In
    /// each pair of inputs that are `equal` the second stands for the first, which is left unused:
    /// inputs keep their number and order.
    ///
    /// ```
    /// use jacrs::ir::{parse, print};
    /// let g = parse("
    ///     %0 = input : float64[]
    ///     %1 = input : float64[]
    ///     %2 = opaque(%0) : float64[]
    ///     %3 = exp(%1) : float64[]
    ///     %4 = exp(%2) : float64[]
    ///     %5 = add(%3, %4) : float64[]
    ///     return %5").unwrap();
    /// let settled = g.settled(&[], &[(g.inputs()[1], g.inputs()[0])]);
    /// assert!(print(&settled).ends_with("%2 = exp(%0) : float64[]\n%3 = add(%2, %2) : float64[]\nreturn %3\n"));
    /// ```
    #[must_use]
    pub fn settled(&self, named: &[NodeId], equal: &[(NodeId, NodeId)]) -> Graph {
        let live = self.reachable(&self.outputs);
        let mut target = Graph::with_capacity(live.iter().filter(|&&lives| lives).count());
        let mut kept = vec![false; self.len()];
        for name in named {
            kept[name.index()] = true;
        }
        let mut place: Vec<NodeId> = vec![NodeId(u32::MAX); self.len()];
        for &x in self.inputs() {
            place[x.index()] = target.input(self.dtype(x), self.shape(x), self.node(x).active);
        }
        for (x, other) in equal {
            place[x.index()] = place[other.index()];
        }
        let mut operands = vec![];
        for id in self.ids().filter(|id| live[id.index()]) {
            piece();
            operands.clear();
            operands.extend(self.operands(id).iter().map(|x| place[x.index()]));
            place[id.index()] = match self.op(id) {
                Op::Input(_) => continue,
                Op::Opaque(_) if !kept[id.index()] => operands[0],
                _ => target.import(self, id, &operands),
            };
        }
        target.outputs = self.outputs.iter().map(|y| place[y.index()]).collect();
        target
    }

    /// The part of the graph that its outputs need, where these values are given: as inputs after all
    /// others, in order.
    ///
    /// ```
    /// use jacrs::ir::{NodeId, parse, print};
    /// let g = parse("
    ///     %0 = input : float64[3]
    ///     %1 = exp(%0) : float64[3]
    ///     %2 = sin(%1) : float64[3]
    ///     return %2").unwrap();
    /// let rest = g.given(&[NodeId(1)]);
    /// assert_eq!(print(&rest), "%0 = input : float64[3]\n%1 = input : float64[3]\n%2 = sin(%1) : float64[3]\nreturn %2\n");
    /// ```
    #[must_use]
    pub fn given(&self, values: &[NodeId]) -> Graph {
        let mut target = Graph::with_capacity(self.len());
        let mut place: Vec<NodeId> = vec![NodeId(u32::MAX); self.len()];
        for &x in self.inputs() {
            place[x.index()] = target.input(self.dtype(x), self.shape(x), self.node(x).active);
        }
        for &x in values {
            place[x.index()] = target.input(self.dtype(x), self.shape(x), false);
        }
        let wanted = self.needed_beside(values);
        let mut operands = vec![];
        for id in self.ids().filter(|id| wanted[id.index()]) {
            piece();
            operands.clear();
            operands.extend(self.operands(id).iter().map(|x| place[x.index()]));
            if place[id.index()] == NodeId(u32::MAX) {
                place[id.index()] = target.import(self, id, &operands);
            }
        }
        target.outputs = self.outputs.iter().map(|y| place[y.index()]).collect();
        target
    }

    /// What the outputs depend on, not through these values.
    fn needed_beside(&self, values: &[NodeId]) -> Vec<bool> {
        let mut needed = vec![false; self.len()];
        for y in &self.outputs {
            needed[y.index()] = true;
        }
        let mut given = vec![false; self.len()];
        for x in values {
            given[x.index()] = true;
        }
        for id in self.ids().rev() {
            if needed[id.index()] && !given[id.index()] {
                for x in self.operands(id) {
                    needed[x.index()] = true;
                }
            }
        }
        needed
    }
}
