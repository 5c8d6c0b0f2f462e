//! Arrays that are made of parts: each part is made where it belongs.

use smallvec::SmallVec;

use super::Scheduler;
use crate::array::product;
use crate::ir::{NodeId, Op};
use crate::ops;
use crate::plan::draft::{DraftStep, NONE, Source, Value};

impl Scheduler<'_> {
    /// Parts side by side, if they can be made in place.
    pub(super) fn joined(&mut self, id: NodeId, op: Op) -> Option<Value> {
        let g = self.graph;
        let Op::Concat(axis) = op else { return None };
        let operands = g.operands(id);
        if product(&g.shape(id)[..usize::from(axis)]) != 1 || operands.len() < 2 {
            return None;
        }
        let mut made: SmallVec<[u32; 4]> = SmallVec::new();
        for &x in operands.iter().filter(|&&x| g.size(x) > 1) {
            let root = self.movable(x).filter(|root| !made.contains(root))?;
            made.push(root);
        }
        let first = made
            .iter()
            .map(|&root| self.draft.roots[root as usize].first)
            .min()?;
        let numbers: SmallVec<[NodeId; 4]> = operands
            .iter()
            .copied()
            .filter(|&x| g.size(x) == 1)
            .collect();
        // Not before the others, lest memory is held for long.
        let tape = (!numbers.is_empty()).then(|| self.tape_from(first, &numbers));
        let last = made
            .iter()
            .map(|&root| self.draft.roots[root as usize].step)
            .max()?;
        let step = last.max(tape.unwrap_or(0));
        let all = self.new_root(id, Source::Parts, step);
        let begun = tape.map_or(first, |tape| first.min(tape));
        self.draft.roots[all as usize].first = begun;
        let mut made = made.into_iter();
        let mut offset = 0;
        for &x in operands {
            let bytes = g.size(x) * g.dtype(x).size();
            match tape {
                Some(tape) if g.size(x) == 1 => self.store(x, tape, all, offset),
                _ if bytes == 0 => {}
                _ => {
                    let part = made.next().expect("one for each");
                    self.draft.roots[part as usize].within = Some((all, offset));
                    let last = self.draft.roots[part as usize].last_read;
                    self.read_root(part, last.max(step), false);
                }
            }
            offset += bytes;
        }
        Some(self.whole(id, all))
    }

    /// The root of a value, if that may be made anywhere.
    fn movable(&self, x: NodeId) -> Option<u32> {
        let Value::View(k) = self.values[x.index()] else {
            return None;
        };
        let spec = &self.draft.specs[k as usize];
        let root = &self.draft.roots[spec.root as usize];
        let free = spec.whole && root.within.is_none() && root.output == NONE;
        let made = match root.source {
            Source::Group { .. } | Source::Parts => true,
            Source::Kernel => !self.may_update(root.step),
            _ => false,
        };
        (free && made).then_some(spec.root)
    }

    /// A kernel that may take over the memory of its first operand.
    fn may_update(&self, step: u32) -> bool {
        match &self.draft.steps[step as usize] {
            DraftStep::Kernel(kernel) => ops::operation(self.graph.op(kernel.node)).updates_first(),
            _ => true, // in strips
        }
    }
}
