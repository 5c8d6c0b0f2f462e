//! How long values live: registers of the tapes, buffers of the arrays, updates in place.

use super::Bindings;
use super::arena::Arena;
use super::arena::aligned;
use super::draft::{
    Cell, Draft, DraftStep, END, LAST, NONE, Root, Scalar, Source, StripsDraft, TapeDraft, Value,
};
use super::step::{ARENA, Address, STRIP};
use crate::interrupt::piece;
use crate::ir::Graph;
use crate::ops::{self, pairwise};
use hashbrown::HashMap;

/// Where everything lies.
pub struct Memory {
    /// The address of each root that has memory.
    roots: Vec<Address>,
    /// Bytes of the arena.
    pub bytes: usize,
    pub registers: usize,
    strips: HashMap<u32, StripMemory>,
}

/// How the strips of a step are cut, and what they need.
#[derive(Clone, Copy, Default)]
pub struct StripMemory {
    /// The rows are halved this often.
    pub depth: u32,
    /// Bytes for what passes from step to step in a strip.
    pub bytes: usize,
    /// Where the totals of each strip lie, one reduction after the other.
    pub totals: usize,
}

impl Memory {
    pub fn strips(&self, step: u32) -> StripMemory {
        self.strips.get(&step).copied().unwrap_or_default()
    }

    pub fn root(&self, root: u32) -> Address {
        self.roots[root as usize]
    }

    /// The address of a scalar or a constant: its register.
    pub fn register(register: u32) -> Address {
        Address {
            base: ARENA,
            offset: register as isize * 8,
        }
    }
}

/// A stretch of memory that one root or a chain of roots updated in place lives in.
struct Buffer {
    bytes: usize,
    first: u32,
    last: u32,
    output: u32,
    offset: usize,
}

/// Chooses registers, updates in place, and offsets.
pub fn place(graph: &Graph, draft: &mut Draft, bindings: &Bindings) -> Memory {
    let registers = registers(draft);
    let mut buffers = buffers(graph, draft);
    let mut strips = HashMap::new();
    let mut local = HashMap::new();
    let mut totals = vec![];
    for (step, entry) in (0u32..).zip(&draft.steps) {
        if let DraftStep::Strips(entry) = entry {
            let (memory, bytes) = strip_memory(graph, draft, entry, &mut local);
            totals.push((step, buffers.len()));
            buffers.push(Buffer {
                bytes,
                first: step,
                last: step,
                output: NONE,
                offset: 0,
            });
            strips.insert(step, memory);
        }
    }
    let bytes = offsets(&mut buffers, draft.steps.len(), registers * 8);
    let address = |root: &Root| match root.source {
        Source::Input(k) => bindings.inputs[k as usize],
        Source::Constant(cell) => Memory::register(cell),
        Source::Scalar(s) => Memory::register(draft.scalars[s as usize].register),
        _ if root.buffer == NONE => Address {
            base: ARENA,
            offset: 0,
        },
        _ => match &buffers[root.buffer as usize] {
            Buffer {
                output: NONE,
                offset,
                ..
            } => Address {
                base: ARENA,
                offset: *offset as isize,
            },
            Buffer { output, .. } => bindings.outputs[*output as usize],
        },
    };
    let mut roots: Vec<Address> = draft.roots.iter().map(address).collect();
    // What is made of parts comes after them.
    for (k, root) in draft.roots.iter().enumerate().rev() {
        if let Some((all, offset)) = root.within {
            let Address {
                base,
                offset: start,
            } = roots[all as usize];
            let offset = start + offset as isize;
            roots[k] = Address { base, offset };
        }
    }
    for (root, offset) in local {
        roots[root as usize] = Address {
            base: STRIP,
            offset: offset as isize,
        };
    }
    for (step, buffer) in totals {
        let memory = strips.get_mut(&step).expect("placed above");
        memory.totals = buffers[buffer].offset;
    }
    Memory {
        roots,
        bytes,
        registers,
        strips,
    }
}

/// What the steps of a strip hand on should stay in the second-level cache.
const STRIP_BYTES: usize = if cfg!(test) { 256 } else { 384 << 10 };

/// Cuts the strips of a step and places what lives in them; and the bytes of totals.
fn strip_memory(
    graph: &Graph,
    draft: &Draft,
    strips: &StripsDraft,
    local: &mut HashMap<u32, usize>,
) -> (StripMemory, usize) {
    let depth = depth(draft, strips);
    let longest = strips.rows.div_ceil(1 << depth);
    let mut arena = Arena::starting_at(0);
    let mut live: Vec<(u32, usize, usize)> = vec![];
    let mut totals = 0;
    for (inner, step) in (0u32..).zip(&strips.steps) {
        if let DraftStep::Kernel(kernel) = step
            && kernel.total
        {
            let id = kernel.node;
            totals += aligned((graph.size(id) * graph.dtype(id).size()) << depth);
        }
        for k in step.made() {
            let root = &draft.roots[k as usize];
            if !root.is_local() {
                continue;
            }
            let bytes = root.len / strips.rows * root.dtype.size() * longest;
            let offset = arena.take(bytes);
            local.insert(k, offset);
            live.push((root.inner.map_or(inner, |(_, last)| last), offset, bytes));
        }
        live.retain(|&(last, offset, bytes)| {
            if last == inner {
                arena.give(offset, bytes);
            }
            last > inner
        });
    }
    let memory = StripMemory {
        depth,
        bytes: arena.top(),
        totals: 0,
    };
    (memory, totals)
}

/// How often the rows are halved: until a strip fits, but sums over the rows are not cut where they
/// are taken one after the other.
fn depth(draft: &Draft, strips: &StripsDraft) -> u32 {
    let made = strips.steps.iter().flat_map(DraftStep::made);
    let local = made
        .map(|k| &draft.roots[k as usize])
        .filter(|root| root.is_local());
    let row: usize = local
        .map(|root| root.len / strips.rows * root.dtype.size())
        .sum();
    let mut depth = 0;
    let fits = |depth: u32| (strips.rows >> depth).saturating_mul(row) <= STRIP_BYTES;
    let shortest = if strips.totals { pairwise::LEAF } else { 1 };
    while !fits(depth) && strips.rows >> depth > shortest {
        depth += 1;
    }
    depth
}

/// Gives every scalar a register, free again after its last use; constants come first and stay.
fn registers(draft: &mut Draft) -> usize {
    // Scalars whose last use is not in a tape, by the step of that use.
    let mut ends: Vec<(u32, u32)> = (draft.scalars.iter().zip(0..))
        .filter(|(s, _)| s.last.1 == LAST && s.last.0 != END)
        .map(|(s, k)| (s.last.0, k))
        .collect();
    ends.sort_unstable();
    let mut ends = ends.into_iter().peekable();
    let mut file = File {
        next: draft.constants.len() as u32,
        free: vec![],
    };
    for (step, entry) in (0u32..).zip(&draft.steps) {
        if let DraftStep::Tape(code) = entry {
            for (k, instruction) in (0u32..).zip(code) {
                piece();
                file.instruction(&mut draft.scalars, instruction, (step, k));
            }
        }
        while let Some((_, s)) = ends.next_if(|end| end.0 == step) {
            file.free.push(draft.scalars[s as usize].register);
        }
    }
    file.next as usize
}

/// The registers in use.
struct File {
    next: u32,
    free: Vec<u32>,
}

impl File {
    fn instruction(&mut self, scalars: &mut [Scalar], instruction: &TapeDraft, at: (u32, u32)) {
        let mut release = |cell: Cell| {
            if let Cell::Scalar(s) = cell {
                let scalar = &mut scalars[s as usize];
                if scalar.last == at {
                    self.free.push(scalar.register);
                    // Named twice by one instruction, released once.
                    scalar.last.0 = NONE;
                }
            }
        };
        match *instruction {
            TapeDraft::Map { operands, out, .. } => {
                operands.into_iter().for_each(&mut release);
                scalars[out as usize].register = self.take();
            }
            TapeDraft::SinCos {
                angle,
                sine,
                cosine,
            } => {
                release(angle);
                scalars[sine as usize].register = self.take();
                scalars[cosine as usize].register = self.take();
            }
            TapeDraft::Load { out, .. } => scalars[out as usize].register = self.take(),
            TapeDraft::Store { from, .. } => release(from),
            TapeDraft::Zero { .. } => {}
        }
    }

    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }
}

/// Gives every stored root a buffer; an update of a buffer nobody reads again happens in it.
fn buffers(graph: &Graph, draft: &mut Draft) -> Vec<Buffer> {
    let mut buffers: Vec<Buffer> = vec![];
    let updates = updates_in_place(graph, draft);
    for (k, &before) in updates.iter().enumerate() {
        let root = &mut draft.roots[k];
        let own = root.source.is_made() && root.within.is_none();
        if !own || !root.stored || root.is_local() {
            continue;
        }
        if before == NONE {
            root.buffer = buffers.len() as u32;
            let bytes = root.len * root.dtype.size();
            buffers.push(Buffer {
                bytes,
                first: root.first,
                last: root.last_read,
                output: root.output,
                offset: 0,
            });
        } else {
            let shared = draft.roots[before as usize].buffer;
            let root = &mut draft.roots[k];
            root.buffer = shared;
            let buffer = &mut buffers[shared as usize];
            buffer.last = buffer.last.max(root.last_read);
            // Of a chain only the last can be an output: the others are overwritten.
            buffer.output = root.output;
        }
    }
    buffers
}

/// For every root the root whose memory it takes over, or [`NONE`].
fn updates_in_place(graph: &Graph, draft: &mut Draft) -> Vec<u32> {
    let mut updates = vec![NONE; draft.roots.len()];
    for step in 0..draft.steps.len() {
        piece();
        let DraftStep::Kernel(kernel) = &draft.steps[step] else {
            continue;
        };
        if !ops::operation(graph.op(kernel.node)).updates_first() {
            continue;
        }
        let base = |value: Value| match value {
            Value::View(k) => Some(draft.specs[k as usize].root),
            Value::Element { root, .. } => Some(root),
            _ => None,
        };
        let target = match kernel.operands[0] {
            Value::View(k) if draft.specs[k as usize].whole => draft.specs[k as usize].root,
            _ => continue,
        };
        let root = &draft.roots[target as usize];
        let owned = root.source.is_made() && root.within.is_none();
        let dies = root.last_read == step as u32 && root.output == NONE;
        let apart = kernel.operands[1..]
            .iter()
            .all(|&v| base(v) != Some(target));
        if owned && dies && apart {
            updates[kernel.root as usize] = target;
            if let DraftStep::Kernel(kernel) = &mut draft.steps[step] {
                kernel.in_place = true;
            }
        }
    }
    updates
}

/// Offsets in the arena, after the registers; the bytes of the arena.
fn offsets(buffers: &mut [Buffer], steps: usize, registers: usize) -> usize {
    let mut arena = Arena::starting_at(registers);
    let mut starts: Vec<Vec<u32>> = vec![vec![]; steps];
    let mut ends: Vec<Vec<u32>> = vec![vec![]; steps];
    for (k, buffer) in buffers.iter().enumerate().filter(|(_, b)| b.output == NONE) {
        starts[buffer.first as usize].push(k as u32);
        if buffer.last != END {
            ends[buffer.last as usize].push(k as u32);
        }
    }
    for step in 0..steps {
        piece();
        for &k in &starts[step] {
            let buffer = &mut buffers[k as usize];
            buffer.offset = arena.take(buffer.bytes);
        }
        for &k in &ends[step] {
            let buffer = &buffers[k as usize];
            arena.give(buffer.offset, buffer.bytes);
        }
    }
    arena.top()
}
