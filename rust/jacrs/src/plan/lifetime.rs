//! How long values live: registers of the tapes, buffers of the arrays, updates in place.

use super::Bindings;
use super::arena::Arena;
use super::draft::{
    Cell, Draft, DraftStep, END, LAST, NONE, Root, Scalar, Source, TapeDraft, Value,
};
use super::step::{ARENA, Address};
use crate::interrupt::piece;
use crate::ir::Graph;
use crate::ops;

/// Where everything lies.
pub struct Memory {
    /// The address of each root that has memory.
    roots: Vec<Address>,
    /// Bytes of the arena.
    pub bytes: usize,
    pub registers: usize,
}

impl Memory {
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
    let roots = draft.roots.iter().map(address).collect();
    Memory {
        roots,
        bytes,
        registers,
    }
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
        let made = matches!(
            root.source,
            Source::Group { .. } | Source::Kernel | Source::Tape
        );
        if !made || !root.stored {
            continue;
        }
        if before == NONE {
            root.buffer = buffers.len() as u32;
            let bytes = root.len * root.dtype.size();
            buffers.push(Buffer {
                bytes,
                first: root.step,
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
        let owned = matches!(
            root.source,
            Source::Group { .. } | Source::Kernel | Source::Tape
        );
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
