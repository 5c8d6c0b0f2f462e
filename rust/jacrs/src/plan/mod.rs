//! From a graph to a program: fusion into block programs and tapes, lifetimes, one arena.
//!
//! ```text
//! schedule  nodes -> steps: tapes of single numbers, fused groups, other kernels
//! lifetime  registers, buffers, updates in place
//! emit      addresses: the program that `execute` runs
//! native    machine code for programs that run often
//! ```
//!
//! A group says *what* is computed over blocks, not how: a lowering to another kind of processor
//! starts from the same steps.

mod arena;
mod blocks;
mod draft;
mod emit;
mod group;
mod guards;
mod lifetime;
#[cfg(target_arch = "x86_64")]
pub mod native;
mod schedule;
mod scratch;
mod step;

use std::cell::Cell;
use std::fmt;

pub use arena::{ALIGN, after, aligned};
pub use blocks::{Blocks, Span};
pub use scratch::Scratch;
pub use step::{
    ARENA, Address, BlockCode, BlockInstruction, Code, Fill, Gathered, Group, Instruction,
    KernelStep, Operand, Rows, STRIP, Step, Stream, StripStep, Strips, Tape,
};

use crate::array::product;
use crate::error::Result;
use crate::interrupt::pause;
use crate::ir::{Graph, NodeId, Type};
use crate::optimize::{by_elements, by_parts, has_small_arrays};

/// A program that computes the outputs of a graph from its inputs. It keeps nothing of the graph,
/// never changes, and may be run by several threads at once.
///
/// ```
/// use jacrs::{array::Array, ir::parse, plan::Plan};
/// let graph = parse("
///     %0 = input : float64[5]
///     %1 = sin(%0) : float64[5]
///     %2 = mul(%1, %0) : float64[5]
///     return %2").unwrap();
/// let plan = Plan::new(&graph).unwrap();
/// assert_eq!(plan.summary().groups, 1);
/// let x = Array::from_slice(&[5], &[0.0, 1.0, 2.0, 3.0, 4.0]);
/// let y = plan.evaluate(&[x]).unwrap();
/// assert_eq!(y[0].to_vec::<f64>()[1], 1f64.sin());
/// ```
pub struct Plan {
    inputs: Vec<Type>,
    outputs: Vec<Type>,
    steps: Vec<Step>,
    /// What is copied to outputs after the last step.
    copies: Vec<(Operand, u32)>,
    /// The first registers of the arena.
    constants: Vec<u64>,
    registers: usize,
    guarded: bool,
    /// A plain run could go wrong unseen.
    exact: bool,
    scratch: Scratch,
    bindings: Bindings,
    /// Each input and output has a base of its own.
    apart: bool,
    work: u64,
    /// The memory of the largest strip.
    strip_bytes: usize,
    #[cfg(target_arch = "x86_64")]
    native: native::Lazy,
}

/// Where the inputs and outputs of a plan lie: addresses in bases that each run supplies. Many
/// small arguments in one base cost nothing to pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bindings {
    pub inputs: Vec<Address>,
    pub outputs: Vec<Address>,
}

impl Bindings {
    /// A base for each input, then one for each output.
    pub fn apart(inputs: usize, outputs: usize) -> Self {
        let bases = |first: usize, n: usize| {
            (first..first + n)
                .map(|k| Address {
                    base: ARENA + 1 + k as u32,
                    offset: 0,
                })
                .collect()
        };
        Self {
            inputs: bases(0, inputs),
            outputs: bases(inputs, outputs),
        }
    }
}

impl Plan {
    /// Plans the outputs of a graph.
    pub fn new(graph: &Graph) -> Result<Self> {
        Self::of(graph, &graph.outputs)
    }

    /// Plans these nodes as the outputs.
    pub fn of(graph: &Graph, outputs: &[NodeId]) -> Result<Self> {
        Self::bound(
            graph,
            outputs,
            Bindings::apart(graph.inputs().len(), outputs.len()),
        )
    }

    /// Plans these nodes as the outputs, with inputs and outputs at these addresses.
    pub fn bound(graph: &Graph, outputs: &[NodeId], bindings: Bindings) -> Result<Self> {
        match by_parts(graph, outputs) {
            Some((graph, outputs)) => Self::in_parts(&graph, &outputs, bindings),
            None => Self::in_parts(graph, outputs, bindings),
        }
    }

    fn in_parts(graph: &Graph, outputs: &[NodeId], bindings: Bindings) -> Result<Self> {
        if has_small_arrays(graph) {
            let (graph, outputs) = by_elements(graph, outputs, &[]);
            return Self::scheduled(&graph, &outputs, bindings);
        }
        Self::scheduled(graph, outputs, bindings)
    }

    fn scheduled(graph: &Graph, outputs: &[NodeId], bindings: Bindings) -> Result<Self> {
        let mut draft = schedule::schedule(graph, outputs)?;
        let memory = lifetime::place(graph, &mut draft, &bindings);
        let emitter = emit::Emitter {
            graph,
            draft: &draft,
            memory: &memory,
            groups: Cell::new(0),
        };
        pause();
        let apart = bindings == Bindings::apart(graph.inputs().len(), outputs.len());
        let steps = emitter.steps()?;
        let copies = emitter.copies(outputs);
        Ok(Self {
            work: work(&steps, &copies),
            strip_bytes: steps.iter().map(Step::strip_bytes).max().unwrap_or(0),
            inputs: graph.inputs().iter().map(|&id| graph.type_of(id)).collect(),
            outputs: outputs.iter().map(|&id| graph.type_of(id)).collect(),
            steps,
            copies,
            registers: memory.registers,
            guarded: draft.guarded,
            exact: guards::are_hidden(graph, outputs),
            scratch: Scratch::new(memory.bytes),
            constants: draft.constants,
            bindings,
            apart,
            #[cfg(target_arch = "x86_64")]
            native: native::Lazy::default(),
        })
    }

    /// The types of the inputs, in order.
    pub fn inputs(&self) -> &[Type] {
        &self.inputs
    }

    /// The types of the outputs, in order.
    pub fn outputs(&self) -> &[Type] {
        &self.outputs
    }

    /// The schedule.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What is copied to outputs after the last step, with the number of the output.
    pub fn copies(&self) -> &[(Operand, u32)] {
        &self.copies
    }

    /// The bits of the first registers, which no step writes.
    pub fn constants(&self) -> &[u64] {
        &self.constants
    }

    /// Guarded products are guarded from the start: a NaN of theirs might not reach an output.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Some product inside a derivative is guarded: a run whose outputs are not finite is repeated
    /// with zero times anything being zero.
    pub fn contains_guards(&self) -> bool {
        self.guarded
    }

    /// Bytes of scratch that one run needs: registers and buffers.
    pub fn scratch_bytes(&self) -> usize {
        self.scratch.bytes()
    }

    /// Bytes that each thread of a run takes beside that, for the strip it works on.
    pub fn strip_bytes(&self) -> usize {
        self.strip_bytes
    }

    /// Bytes that a run takes on this many threads, its results aside.
    pub fn run_bytes(&self, threads: usize) -> usize {
        (self.scratch_bytes()).saturating_add(self.strip_bytes.saturating_mul(threads))
    }

    /// Where inputs and outputs lie.
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// Each input and output has a base of its own, in order.
    pub fn is_apart(&self) -> bool {
        self.apart
    }

    /// Elements that one pass over the steps computes, reads for a sum or a product, or moves.
    pub fn work(&self) -> u64 {
        self.work
    }

    /// Machine code for tapes and groups, once the plan has run a few times.
    #[cfg(target_arch = "x86_64")]
    pub fn native(&self, exact: bool) -> Option<&native::Native> {
        let alone = self.steps.len() == 1 && self.copies.is_empty();
        let make = || native::Native::compile(&self.steps, self.registers, exact, alone);
        self.native.get(exact, make)
    }

    /// The memory of runs.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// What the plan consists of.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary {
            registers: self.registers,
            copies: self.copies.len(),
            scratch_bytes: self.scratch_bytes(),
            ..Summary::default()
        };
        let group = |summary: &mut Summary, group: &Group| {
            summary.groups += 1;
            summary.block_instructions += group.code.len();
        };
        for step in &self.steps {
            match step {
                Step::Tape(tape) => {
                    summary.tapes += 1;
                    summary.scalar_instructions += tape.code.len();
                }
                Step::Group(step) => group(&mut summary, step),
                Step::Kernel(_) => summary.kernels += 1,
                Step::Strips(strips) => {
                    for step in &strips.steps {
                        match step {
                            StripStep::Group(step) => group(&mut summary, step),
                            _ => summary.kernels += 1,
                        }
                    }
                }
            }
        }
        summary
    }
}

fn work(steps: &[Step], copies: &[(Operand, u32)]) -> u64 {
    let step = |step: &Step| match step {
        Step::Tape(tape) => tape.code.len() as u64,
        Step::Group(group) => group.work(),
        Step::Kernel(kernel) => kernel.work,
        Step::Strips(strips) => strips.work(),
    };
    let copied = copies.iter().map(|(x, _)| product(&x.layout.shape) as u64);
    (steps.iter().map(step).chain(copied)).fold(0, u64::saturating_add)
}

/// Counts of what a plan runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub tapes: usize,
    /// Instructions of all tapes.
    pub scalar_instructions: usize,
    pub registers: usize,
    pub groups: usize,
    /// Elementwise operations in all groups.
    pub block_instructions: usize,
    /// Other operations.
    pub kernels: usize,
    /// Outputs that are copied at the end.
    pub copies: usize,
    pub scratch_bytes: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = vec![];
        let mut part = |n: usize, text: String| {
            if n > 0 {
                parts.push(text);
            }
        };
        let Self {
            tapes,
            scalar_instructions,
            registers,
            groups,
            block_instructions,
            kernels,
            copies,
            ..
        } = *self;
        part(
            tapes,
            format!(
                "{scalar_instructions} scalar instructions in {tapes} tapes ({registers} registers)"
            ),
        );
        part(
            groups,
            format!("{block_instructions} elementwise operations in {groups} fused groups"),
        );
        part(kernels, format!("{kernels} other kernels"));
        part(copies, format!("{copies} outputs copied"));
        parts.push(format!("{} bytes of scratch", self.scratch_bytes));
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.summary().fmt(f)
    }
}
