//! The code of fused groups: loops over the elements of a block.
//!
//! Operations that follow each other become one loop, whose values stay in vector registers from one
//! operation to the next; only what is needed after the loop is written to memory. Each loop is
//! made twice, for four elements at once and for the ones that remain. In between, other operations
//! are left to their kernels.

use std::ops::Range;

use smallvec::SmallVec;

use super::assembler::{Assembler, Gpr, LANES, RDI, Size, Source, Xmm};
use super::lower::{Form, Lowering};
use super::registers::{DEAD, Home, LEAVES, Registers, Uses, find_next};
use crate::array::DType;
use crate::ops::Fun;
use crate::plan::step::{BlockCode, BlockInstruction, Group};

/// A single operation on arrays is left to its kernel.
const SHORTEST: usize = 2;
/// General registers for the addresses of slots: r8 to r11, rdx, rbx, r14, r15 and r13 have them
/// from the start, as far as they suffice; rax and r12 are used in turn.
const FIXED: [u8; 9] = [8, 9, 10, 11, 2, 3, 14, 15, 13];
const IN_TURN: [u8; 2] = [0, 12];
/// No slot.
const NONE: u32 = u32::MAX;

/// What a group does.
pub struct Program {
    pub pieces: Vec<Piece>,
    /// Slots that repeat one element, by number: who reads them takes the element itself.
    pub repeated: Vec<bool>,
    /// It keeps nothing in blocks, so that one block may be as long as the streams.
    pub streaming: bool,
}

/// What a block of a group goes through, one after the other.
pub enum Piece {
    /// The loop whose code begins here.
    Loop(u32),
    /// Instructions that are left to their kernels: a copy, which groups of the same code share.
    Kernels(Vec<BlockInstruction>),
}

/// What becomes of an instruction; a kernel does all others.
#[derive(Clone, Copy)]
enum Inline {
    Operation(Form),
    Repeat,
}

fn inline(instruction: &BlockInstruction, exact: bool) -> Option<Inline> {
    if instruction.dtype != DType::F64 {
        return None;
    }
    match instruction.code {
        BlockCode::Repeat => Some(Inline::Repeat),
        BlockCode::Fun(Fun::Mul0) if !exact => Form::of(Fun::Mul).map(Inline::Operation),
        BlockCode::Fun(fun) => Form::of(fun).map(Inline::Operation),
        BlockCode::SinCos => None,
    }
}

fn uses(instruction: &BlockInstruction) -> Uses {
    // The address of what is repeated does not move, so it is none of the registers.
    let arity = match instruction.code {
        BlockCode::Repeat => 0,
        _ => instruction.arity,
    };
    Uses {
        reads: instruction.operands,
        arity,
        write: Some(instruction.out),
        aside: instruction.aside(),
        next: [DEAD; 4],
    }
}

/// All that decides the code of a group.
pub fn key(group: &Group) -> Vec<u32> {
    let sizes = group.streams.iter().map(|s| s.size);
    let fills = group.fills.iter().flat_map(|f| [f.slot, f.size]);
    let readers = group.readers.iter().map(|r| r.size);
    let odd = group.odd.iter().map(|x| x.dtype.size() as u32);
    let code = group.code.iter().flat_map(|i| {
        let code = match i.code {
            BlockCode::Fun(fun) => fun as u32,
            BlockCode::SinCos => NONE - 1,
            BlockCode::Repeat => NONE,
        };
        let [a, b, c] = i.operands;
        [code, i.dtype as u32, i.result as u32, a, b, c, i.out]
    });
    let lengths = [group.scratch, group.fills.len(), group.streams.len()];
    (lengths.into_iter().map(|n| n as u32))
        .chain(fills)
        .chain(sizes)
        .chain([group.readers.len() as u32])
        .chain(readers)
        .chain(odd)
        .chain(code)
        .collect()
}

/// Appends the loops of a group; nothing where it has none.
pub fn lower(asm: &mut Assembler, group: &Group, exact: bool) -> Option<Program> {
    let runs = runs(group, exact);
    if !runs.iter().any(|(_, loops)| *loops) {
        return None;
    }
    let all = next_uses(group, &runs);
    let mut slots = Slots::new(group, &runs);
    let mut pieces = vec![];
    for (range, loops) in runs {
        if loops {
            let code = &group.code[range.clone()];
            let start = lower_loop(asm, code, &all[range.clone()], &mut slots, exact);
            pieces.push(Piece::Loop(start as u32));
        } else {
            pieces.push(Piece::Kernels(group.code[range].to_vec()));
        }
    }
    let in_place = group.readers.is_empty() && group.odd.is_empty();
    Some(Program {
        streaming: in_place && !slots.blocks && matches!(pieces[..], [Piece::Loop(_)]),
        pieces,
        repeated: slots.repeated,
    })
}

/// Stretches of instructions, and whether they become a loop.
fn runs(group: &Group, exact: bool) -> Vec<(Range<usize>, bool)> {
    let mut runs: Vec<(Range<usize>, bool)> = vec![];
    let mut start = 0;
    let repeats = |i: &BlockInstruction| {
        group
            .fills
            .iter()
            .any(|fill| i.reads().contains(&fill.slot))
    };
    for part in group
        .code
        .chunk_by(|x, z| inline(x, exact).is_some() == inline(z, exact).is_some())
    {
        let range = start..start + part.len();
        start = range.end;
        let worth = part.len() >= SHORTEST || repeats(&part[0]);
        let loops = worth && inline(&part[0], exact).is_some();
        match runs.last_mut() {
            Some((last, false)) if !loops => last.end = range.end,
            _ => runs.push((range, loops)),
        }
    }
    runs
}

/// When each instruction of a loop is the last to read what it reads.
fn next_uses(group: &Group, runs: &[(Range<usize>, bool)]) -> Vec<Uses> {
    let mut all: Vec<Uses> = group.code.iter().map(uses).collect();
    // Streams are memory of others; blocks are forgotten.
    let slots = slots(group);
    let mut next = vec![LEAVES; slots];
    next[..group.scratch].fill(DEAD);
    for (range, _) in runs.iter().rev() {
        find_next(&mut all[range.clone()], &mut next);
        for next in next.iter_mut().filter(|next| **next != DEAD) {
            *next = LEAVES;
        }
    }
    all
}

fn slots(group: &Group) -> usize {
    group.scratch + group.streams.len() + group.readers.len() + group.odd.len()
}

/// Appends one loop, in wide and in narrow code; where it begins.
fn lower_loop(
    asm: &mut Assembler,
    code: &[BlockInstruction],
    uses: &[Uses],
    slots: &mut Slots,
    exact: bool,
) -> usize {
    let start = asm.bytes.len();
    slots.fix(code);
    let saved: Vec<Gpr> = (FIXED.iter().take(slots.fixed.len()).chain(&IN_TURN))
        .map(|&k| Gpr(k))
        .collect();
    asm.save(&saved);
    for (&base, &slot) in FIXED.iter().zip(&slots.fixed) {
        asm.load_pointer(Gpr(base), RDI, slot as i32 * 8);
    }
    asm.start_counter();
    for (wide, step) in [(true, LANES), (false, 1)] {
        asm.wide = wide;
        asm.repeat(step, |asm| body(asm, code, uses, slots, exact));
    }
    asm.restore(&saved);
    asm.leave_loop();
    start
}

fn body(
    asm: &mut Assembler,
    code: &[BlockInstruction],
    uses: &[Uses],
    slots: &mut Slots,
    exact: bool,
) {
    slots.held = [NONE; IN_TURN.len()];
    let registers = Registers::new(slots.truth.len(), slots);
    let mut lowering = Lowering { asm, registers };
    for (instruction, uses) in code.iter().zip(uses) {
        match inline(instruction, exact).expect("chosen for a loop") {
            Inline::Operation(form) => lowering.operation(form, uses),
            Inline::Repeat => {
                let out = lowering.write(uses);
                let slots = &mut *lowering.registers.home;
                let base = slots.base(lowering.asm, instruction.operands[0]);
                lowering.asm.load_repeated(out, base);
            }
        }
    }
    lowering.registers.flush(lowering.asm);
}

/// The slots of a group, whose addresses the first argument lists.
struct Slots {
    /// What holds bools: bytes in memory.
    truth: Vec<bool>,
    /// What repeats one element, of which memory has no more.
    repeated: Vec<bool>,
    /// How many are blocks, and whether code reads or writes these.
    scratch: usize,
    blocks: bool,
    /// The slots whose addresses stay in registers.
    fixed: SmallVec<[u32; FIXED.len()]>,
    /// The slots whose addresses the other registers hold.
    held: [u32; IN_TURN.len()],
    turn: usize,
}

impl Slots {
    fn new(group: &Group, runs: &[(Range<usize>, bool)]) -> Self {
        let mut truth = vec![false; group.scratch];
        truth.extend(group.streams.iter().map(|s| s.size == 1));
        truth.extend(group.readers.iter().map(|r| r.size == 1));
        truth.extend(group.odd.iter().map(|x| x.dtype.size() == 1));
        let mut repeated = vec![false; truth.len()];
        for fill in &group.fills {
            truth[fill.slot as usize] = fill.size == 1;
            repeated[fill.slot as usize] = fill.size == 8;
        }
        // A block is used again for elements of its own size alone.
        for instruction in &group.code {
            let results = [Some(instruction.out), instruction.aside()];
            for slot in results.into_iter().flatten() {
                truth[slot as usize] = instruction.result == DType::Bool;
            }
        }
        for (range, _) in runs.iter().filter(|(_, loops)| !loops) {
            for instruction in &group.code[range.clone()] {
                for &slot in instruction.reads() {
                    repeated[slot as usize] = false;
                }
            }
        }
        Self {
            truth,
            repeated,
            scratch: group.scratch,
            blocks: false,
            fixed: SmallVec::new(),
            held: [NONE; IN_TURN.len()],
            turn: 0,
        }
    }

    /// Chooses the slots whose addresses stay in registers: those that are memory for sure.
    fn fix(&mut self, code: &[BlockInstruction]) {
        self.fixed.clear();
        for instruction in code {
            for slot in instruction.slots() {
                let memory = slot as usize >= self.scratch || self.repeated[slot as usize];
                let room = self.fixed.len() < FIXED.len();
                if memory && room && !self.fixed.contains(&slot) {
                    self.fixed.push(slot);
                }
            }
        }
    }

    fn base(&mut self, asm: &mut Assembler, slot: u32) -> Gpr {
        self.blocks |= (slot as usize) < self.scratch && !self.repeated[slot as usize];
        if let Some(k) = self.fixed.iter().position(|&fixed| fixed == slot) {
            return Gpr(FIXED[k]);
        }
        let k = match self.held.iter().position(|&held| held == slot) {
            Some(k) => k,
            None => {
                let k = self.turn;
                self.held[k] = slot;
                asm.load_pointer(Gpr(IN_TURN[k]), RDI, slot as i32 * 8);
                k
            }
        };
        // The operand at hand is not given up for the next one.
        if k == self.turn {
            self.turn = (k + 1) % IN_TURN.len();
        }
        Gpr(IN_TURN[k])
    }
}

impl Home for &mut Slots {
    fn load(&mut self, asm: &mut Assembler, out: Xmm, slot: u32) {
        let base = self.base(asm, slot);
        if self.truth[slot as usize] {
            asm.load_bools(out, base);
        } else if self.repeated[slot as usize] {
            asm.load_repeated(out, base);
        } else {
            asm.load(out, Source::Element(base, Size::Eight));
        }
    }

    fn store(&mut self, asm: &mut Assembler, from: Xmm, slot: u32) {
        let base = self.base(asm, slot);
        if self.truth[slot as usize] {
            asm.store_bools(from, base);
        } else {
            asm.store(from, Source::Element(base, Size::Eight));
        }
    }

    fn source(&mut self, asm: &mut Assembler, slot: u32) -> Option<Source> {
        let plain = !self.truth[slot as usize] && !self.repeated[slot as usize];
        plain.then(|| Source::Element(self.base(asm, slot), Size::Eight))
    }
}
