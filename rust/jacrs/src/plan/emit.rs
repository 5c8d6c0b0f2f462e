//! From the draft to the steps that run: values become addresses.

use std::cell;

use super::arena::aligned;
use super::draft::{Cell, Draft, DraftStep, KernelDraft, Spec, StripsDraft, TapeDraft, Value};
use super::group;
use super::lifetime::Memory;
use super::step::{
    ARENA, Address, Code, Instruction, KernelStep, Operand, Step, StripStep, Strips, Tape,
};
use crate::array::{DType, Layout, product};
use crate::error::{Error, Result};
use crate::interrupt::piece;
use crate::ir::{Graph, NodeId, Op};
use crate::ops::elementwise::{Class, Kernel};
use crate::ops::{self, Call, Fun};

/// What emission reads.
pub struct Emitter<'a> {
    pub graph: &'a Graph,
    pub draft: &'a Draft,
    pub memory: &'a Memory,
    /// How many groups there are so far.
    pub groups: cell::Cell<u32>,
}

/// The kernels of an elementwise operation: as run plainly, and with guarded products.
pub fn kernels(fun: Fun, dtype: DType, result: DType) -> Result<[Kernel; 2]> {
    let find = |fun: Fun| {
        ops::kernel(fun, dtype, result)
            .ok_or_else(|| Error::internal(format!("no {} kernel for {dtype}", fun.name())))
    };
    let exact = find(fun)?;
    Ok([
        if fun == Fun::Mul0 {
            find(Fun::Mul)?
        } else {
            exact
        },
        exact,
    ])
}

impl Emitter<'_> {
    pub fn steps(&self) -> Result<Vec<Step>> {
        let step = |(k, draft): (u32, &DraftStep)| {
            piece();
            Ok(Some(match draft {
                DraftStep::Tape(code) => Step::Tape(self.tape(code)?),
                DraftStep::Group(draft) => Step::Group(group::emit(self, draft, None)?),
                DraftStep::Kernel(draft) => Step::Kernel(Box::new(self.kernel(draft))),
                DraftStep::Strips(draft) => Step::Strips(Box::new(self.strips(k, draft)?)),
                DraftStep::Moved => return Ok(None),
            }))
        };
        (0u32..)
            .zip(&self.draft.steps)
            .map(step)
            .filter_map(Result::transpose)
            .collect()
    }

    fn strips(&self, step: u32, draft: &StripsDraft) -> Result<Strips> {
        let memory = self.memory.strips(step);
        let longest = draft.rows.div_ceil(1 << memory.depth);
        let mut totals = memory.totals;
        let inner = |draft_step: &DraftStep| {
            Ok(match draft_step {
                DraftStep::Group(group) => {
                    StripStep::Group(group::emit(self, group, Some((draft.rows, longest)))?)
                }
                DraftStep::Kernel(kernel) if kernel.total => {
                    let address = Address {
                        base: ARENA,
                        offset: totals as isize,
                    };
                    let kernel = self.kernel(kernel);
                    let bytes = product(&kernel.out.layout.shape) * kernel.out.dtype.size();
                    totals += aligned(bytes << memory.depth);
                    StripStep::Total(Box::new(kernel), address)
                }
                DraftStep::Kernel(kernel) => StripStep::Kernel(Box::new(self.kernel(kernel))),
                _ => unreachable!("strips hold groups and kernels"),
            })
        };
        Ok(Strips {
            rows: draft.rows,
            depth: memory.depth,
            bytes: memory.bytes,
            steps: draft.steps.iter().map(inner).collect::<Result<_>>()?,
        })
    }

    /// The results that are copied to outputs at the end.
    pub fn copies(&self, outputs: &[NodeId]) -> Vec<(Operand, u32)> {
        let copies = self.draft.copies.iter();
        copies
            .map(|&(value, k)| {
                (
                    self.operand(value, self.graph.dtype(outputs[k as usize])),
                    k,
                )
            })
            .collect()
    }

    /// Where a value lies; one element has no axes.
    pub fn operand(&self, value: Value, dtype: DType) -> Operand {
        let scalar = |address| Operand {
            address,
            dtype,
            layout: Layout::contiguous(&[]),
        };
        match value {
            Value::Scalar(s) => scalar(Memory::register(self.draft.scalars[s as usize].register)),
            Value::Constant(cell) => scalar(Memory::register(cell)),
            Value::Element { root, offset } => scalar(self.element(root, offset)),
            Value::View(k) => {
                let Spec {
                    root,
                    offset,
                    layout,
                    ..
                } = &self.draft.specs[k as usize];
                Operand {
                    address: self.element(*root, *offset),
                    dtype,
                    layout: layout.clone(),
                }
            }
            Value::Absent => unreachable!("operands come first"),
        }
    }

    fn element(&self, root: u32, offset: isize) -> Address {
        let Address {
            base,
            offset: start,
        } = self.memory.root(root);
        Address {
            base,
            offset: start + offset,
        }
    }

    fn kernel(&self, draft: &KernelDraft) -> KernelStep {
        let (g, id) = (self.graph, draft.node);
        let operands = (draft.operands.iter().zip(g.operands(id)))
            .map(|(&value, &x)| {
                let mut operand = self.operand(value, g.dtype(x));
                if g.size(x) == 1 {
                    operand.layout = Layout::contiguous(g.shape(x));
                }
                operand
            })
            .collect();
        let layout = Layout::contiguous(g.shape(id));
        let out = Operand {
            address: self.memory.root(draft.root),
            dtype: g.dtype(id),
            layout,
        };
        let updates = ops::operation(g.op(id)).updates_first();
        KernelStep {
            calls: [false, true].map(|exact| Call::of(g, id, exact)),
            operands,
            out,
            copies_first: updates && !draft.in_place,
            work: work(g, id),
        }
    }

    fn tape(&self, drafts: &[TapeDraft]) -> Result<Tape> {
        let mut tape = Tape {
            code: Vec::with_capacity(drafts.len()),
            kernels: vec![],
            zeros: vec![],
        };
        for draft in drafts {
            piece();
            let instruction = self.instruction(&mut tape, draft)?;
            tape.code.push(instruction);
        }
        Ok(tape)
    }

    fn register(&self, cell: Cell) -> u32 {
        match cell {
            Cell::Scalar(s) => self.draft.scalars[s as usize].register,
            Cell::Constant(cell) => cell,
        }
    }

    fn instruction(&self, tape: &mut Tape, draft: &TapeDraft) -> Result<Instruction> {
        Ok(match *draft {
            TapeDraft::Load {
                dtype,
                root,
                offset,
                out,
            } => {
                let code = sized(dtype, [Code::Load1, Code::Load4, Code::Load8]);
                let register = self.draft.scalars[out as usize].register;
                Instruction::memory(code, register, self.element(root, offset))
            }
            TapeDraft::SinCos {
                angle,
                sine,
                cosine,
            } => Instruction {
                code: Code::SinCos,
                out: self.draft.scalars[sine as usize].register,
                a: self.register(angle),
                b: self.draft.scalars[cosine as usize].register,
                c: 0,
            },
            TapeDraft::Store {
                dtype,
                root,
                offset,
                from,
            } => {
                let code = sized(dtype, [Code::Store1, Code::Store4, Code::Store8]);
                Instruction::memory(code, self.register(from), self.element(root, offset))
            }
            TapeDraft::Zero { root } => {
                let area = &self.draft.roots[root as usize];
                tape.zeros
                    .push((self.memory.root(root), area.len * area.dtype.size()));
                Instruction {
                    code: Code::Zero,
                    out: 0,
                    a: 0,
                    b: 0,
                    c: tape.zeros.len() as u32 - 1,
                }
            }
            TapeDraft::Map {
                fun,
                dtype,
                result,
                operands,
                out,
                ..
            } => {
                let [a, b, mut c] = operands.map(|cell| self.register(cell));
                let code = code(fun, dtype);
                if code == Code::Kernel {
                    c = tape.kernels.len() as u32;
                    tape.kernels.push(kernels(fun, dtype, result)?);
                }
                Instruction {
                    code,
                    out: self.draft.scalars[out as usize].register,
                    a,
                    b,
                    c,
                }
            }
        })
    }
}

/// How a tape runs a function of operands of `dtype`.
fn code(fun: Fun, dtype: DType) -> Code {
    match fun.class() {
        Class::Select | Class::Logic => Code::Fun(fun),
        Class::Float | Class::Arith | Class::Compare | Class::Test if dtype == DType::F64 => {
            if fun == Fun::Mul0 {
                Code::Guarded
            } else {
                Code::Fun(fun)
            }
        }
        _ => Code::Kernel,
    }
}

fn sized(dtype: DType, codes: [Code; 3]) -> Code {
    match dtype.size() {
        1 => codes[0],
        4 => codes[1],
        _ => codes[2],
    }
}

/// Elements that a kernel reads, writes or multiplies.
fn work(g: &Graph, id: NodeId) -> u64 {
    let read: usize = match g.op(id) {
        // Of what it picks from it reads no more than it writes.
        Op::Gather => g.size(g.operand(id, 1)).saturating_add(g.size(id)),
        _ => (g.operands(id).iter()).fold(0, |total, &x| total.saturating_add(g.size(x))),
    };
    let terms = match g.op(id) {
        Op::MatMul(_) => product(g.shape(id))
            .saturating_mul(g.shape(g.operand(id, 0)).last().copied().unwrap_or(1)),
        _ => g.size(id),
    };
    read.saturating_add(terms) as u64
}
