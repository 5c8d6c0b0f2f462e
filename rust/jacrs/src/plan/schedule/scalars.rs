//! Single numbers: what goes on the tape, and how numbers come from arrays and go to them.

use super::Scheduler;
use crate::array::DType;
use crate::ir::NodeId;
use crate::ops::{self, Fun};
use crate::plan::draft::{Cell, DraftStep, END, NONE, Scalar, Source, TapeDraft, Value};

impl Scheduler<'_> {
    /// The first tape that may use a value: a tape runs in order, so its own values are ready.
    fn available_to_tape(&self, value: Value) -> u32 {
        match value {
            Value::Scalar(s) => self.draft.scalars[s as usize].step,
            Value::Element { root, .. } => {
                let root = &self.draft.roots[root as usize];
                if root.source == Source::Tape {
                    root.step
                } else {
                    self.available(value, false)
                }
            }
            _ => 0,
        }
    }

    /// The latest tape, if these operands are ready for it, else a new one.
    fn tape_for(&mut self, operands: &[NodeId]) -> u32 {
        self.tape_from(0, operands)
    }

    /// The same, from some step on.
    pub(super) fn tape_from(&mut self, first: u32, operands: &[NodeId]) -> u32 {
        let earliest = operands
            .iter()
            .map(|x| self.available_to_tape(self.values[x.index()]))
            .fold(first, u32::max);
        match self.tape {
            Some(tape) if tape >= earliest => tape,
            _ => {
                let step = self.step();
                // Most programs of numbers are one tape.
                let room = self.tape.map_or(self.graph.len(), |_| 0);
                (self.draft.steps).push(DraftStep::Tape(Vec::with_capacity(room)));
                self.tape = Some(step);
                step
            }
        }
    }

    /// Adds an instruction; the number of the instruction.
    fn record(&mut self, step: u32, instruction: TapeDraft) {
        let DraftStep::Tape(code) = &mut self.draft.steps[step as usize] else {
            unreachable!("a tape")
        };
        let at = (step, code.len() as u32);
        code.push(instruction);
        match instruction {
            TapeDraft::Map { operands, .. } => {
                for cell in operands {
                    self.read_cell(cell, at);
                }
            }
            TapeDraft::SinCos { angle: from, .. } | TapeDraft::Store { from, .. } => {
                self.read_cell(from, at);
            }
            TapeDraft::Load { .. } | TapeDraft::Zero { .. } => {}
        }
    }

    fn read_cell(&mut self, cell: Cell, at: (u32, u32)) {
        if let Cell::Scalar(s) = cell {
            self.read_scalar(s, at);
        }
    }

    fn new_scalar(&mut self, step: u32) -> u32 {
        self.draft.scalars.push(Scalar {
            step,
            last: (step, 0),
            register: NONE,
        });
        self.draft.scalars.len() as u32 - 1
    }

    /// A node as an operand of a tape; elements of arrays are loaded once.
    fn cell(&mut self, id: NodeId, step: u32) -> Cell {
        match self.values[id.index()] {
            Value::Scalar(s) => Cell::Scalar(s),
            Value::Constant(cell) => Cell::Constant(cell),
            Value::Element { root, offset } => {
                let out = self.new_scalar(step);
                self.read_root(root, step, false);
                self.record(
                    step,
                    TapeDraft::Load {
                        dtype: self.graph.dtype(id),
                        root,
                        offset,
                        out,
                    },
                );
                self.values[id.index()] = Value::Scalar(out);
                Cell::Scalar(out)
            }
            other => unreachable!("{other:?} is no single number"),
        }
    }

    /// An elementwise node of one element.
    pub(super) fn scalar(&mut self, id: NodeId, fun: Fun) -> Value {
        self.draft.guarded |= fun == Fun::Mul0;
        let g = self.graph;
        let nodes = g.operands(id);
        let turns = matches!(fun, Fun::Sin | Fun::Cos) && g.dtype(id) == DType::F64;
        if turns {
            self.turns.resize(g.len(), None);
            if let Some(at) = self.turns[nodes[0].index()].take() {
                return self.both(at);
            }
        }
        let step = self.tape_for(nodes);
        let first = self.cell(nodes[0], step);
        let mut operands = [first; 3];
        for (slot, &x) in operands.iter_mut().zip(nodes).skip(1) {
            *slot = self.cell(x, step);
        }
        let out = self.new_scalar(step);
        let dtype = g.dtype(nodes[nodes.len() - 1]);
        self.record(
            step,
            TapeDraft::Map {
                fun,
                dtype,
                result: g.dtype(id),
                operands,
                out,
            },
        );
        if turns {
            let DraftStep::Tape(code) = &self.draft.steps[step as usize] else {
                unreachable!("a tape")
            };
            self.turns[nodes[0].index()] = Some((step, code.len() as u32 - 1));
        }
        Value::Scalar(out)
    }

    /// The cosine of a number whose sine is computed there, or the sine where the cosine is.
    fn both(&mut self, (step, k): (u32, u32)) -> Value {
        let other = self.new_scalar(step);
        let DraftStep::Tape(code) = &mut self.draft.steps[step as usize] else {
            unreachable!("a tape")
        };
        let instruction = &mut code[k as usize];
        let TapeDraft::Map {
            fun, operands, out, ..
        } = *instruction
        else {
            unreachable!("a sine or a cosine")
        };
        let (sine, cosine) = if fun == Fun::Sin {
            (out, other)
        } else {
            (other, out)
        };
        *instruction = TapeDraft::SinCos {
            angle: operands[0],
            sine,
            cosine,
        };
        Value::Scalar(other)
    }

    /// Single numbers put into an array: stores of the tape.
    pub(super) fn pack(&mut self, id: NodeId) -> Value {
        let g = self.graph;
        let dtype = g.dtype(id);
        let step = self.tape_for(g.operands(id));
        let root = self.new_root(id, Source::Tape, step);
        if g.operands(id).len() < g.size(id) {
            self.record(step, TapeDraft::Zero { root });
        }
        let places = ops::list_of(g, g.op(id));
        for (&x, &place) in g.operands(id).iter().zip(places) {
            self.store(x, step, root, place as usize * dtype.size());
        }
        self.whole(id, root)
    }

    /// Puts a number into an array.
    pub(super) fn store(&mut self, x: NodeId, step: u32, root: u32, offset: usize) {
        let from = self.cell(x, step);
        let dtype = self.graph.dtype(x);
        let offset = offset as isize;
        self.record(
            step,
            TapeDraft::Store {
                dtype,
                root,
                offset,
                from,
            },
        );
    }

    /// A number of the tape as an output: stored by the latest tape.
    pub(super) fn store_output(&mut self, id: NodeId, s: u32, k: u32) {
        let step = self.tape.expect("a tape made the number");
        let root = self.new_root(id, Source::Tape, step);
        let made = &mut self.draft.roots[root as usize];
        (made.output, made.last_read) = (k, END);
        let dtype = made.dtype;
        self.record(
            step,
            TapeDraft::Store {
                dtype,
                root,
                offset: 0,
                from: Cell::Scalar(s),
            },
        );
    }
}
