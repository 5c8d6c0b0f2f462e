//! The code of tapes: straight on, register by register.

use smallvec::SmallVec;

use super::assembler::{Assembler, Gpr, R14, RBX, Source, Xmm};
use super::lower::{Form, Lowering};
use super::registers::{DEAD, Home, LEAVES, Registers, SPARE, Uses, find_next};
use crate::ops::Fun;
use crate::ops::elementwise::{Entry, entry, sin_cos_entry};
use crate::plan::step::{ARENA, Code, Instruction, Tape};

/// The register file is addressed from its middle: short displacements reach 32 registers.
const BIAS: i32 = 128;
/// General registers for the bases of inputs and outputs, used in turn: rax, rcx, rdx, rsi, rdi, r8
/// to r11.
const BASES: [u8; 9] = [0, 1, 2, 6, 7, 8, 9, 10, 11];

/// What becomes of an instruction; the interpreter does all others.
#[derive(Clone, Copy)]
enum Inline {
    Operation(Form),
    /// Of an elementary function.
    Call(Entry),
    /// Of the one that has two results.
    SinCos,
    Load,
    Store,
}

fn inline(instruction: &Instruction, exact: bool) -> Option<Inline> {
    let fun = match instruction.code {
        Code::Fun(fun) => fun,
        Code::Guarded if exact => Fun::Mul0,
        Code::Guarded => Fun::Mul,
        Code::SinCos => return Some(Inline::SinCos),
        Code::Load8 => return reachable(instruction).then_some(Inline::Load),
        Code::Store8 => return reachable(instruction).then_some(Inline::Store),
        _ => return None,
    };
    let operation = Form::of(fun).map(Inline::Operation);
    operation.or_else(|| entry(fun).map(Inline::Call))
}

fn reachable(instruction: &Instruction) -> bool {
    i32::try_from(instruction.address().offset).is_ok()
}

/// Instructions that are made inline.
pub fn count_inline(tape: &Tape) -> usize {
    let made = |i: &&Instruction| inline(i, false).is_some();
    tape.code.iter().filter(made).count()
}

fn uses(instruction: &Instruction) -> Uses {
    let Instruction { code, out, a, b, c } = *instruction;
    let (reads, arity, write) = match code {
        Code::Fun(fun) => ([a, b, c], fun.arity(), Some(out)),
        Code::SinCos => ([a, 0, 0], 1, Some(out)),
        Code::Guarded | Code::Kernel => ([a, b, 0], 2, Some(out)),
        Code::Load1 | Code::Load4 | Code::Load8 => ([0; 3], 0, Some(out)),
        Code::Store1 | Code::Store4 | Code::Store8 => ([out, 0, 0], 1, None),
        Code::Zero => ([0; 3], 0, None),
    };
    Uses {
        reads,
        arity: arity as u8,
        write,
        aside: (code == Code::SinCos).then_some(b),
        next: [DEAD; 4],
    }
}

/// Appends the code of a tape; where it begins. `ends` says that nothing reads its registers after it.
pub fn lower(asm: &mut Assembler, tape: &Tape, registers: usize, exact: bool, ends: bool) -> usize {
    let start = asm.bytes.len();
    let mut all: Vec<Uses> = tape.code.iter().map(uses).collect();
    find_next(
        &mut all,
        &mut vec![if ends { DEAD } else { LEAVES }; registers],
    );
    let mut lowering = Lowering {
        asm,
        registers: Registers::new(registers, File),
    };
    let mut bases = Bases::default();
    lowering.asm.enter(BIAS);
    let mut k = 0;
    while k < tape.code.len() {
        let (instruction, uses) = (&tape.code[k], &all[k]);
        match inline(instruction, exact) {
            Some(Inline::Operation(form)) => lowering.operation(form, uses),
            Some(Inline::Call(entry)) => {
                call(&mut lowering, entry as usize, uses);
                bases = Bases::default();
            }
            Some(Inline::SinCos) => {
                call(&mut lowering, sin_cos_entry as *const () as usize, uses);
                bases = Bases::default();
                lowering.asm.store(Xmm(1), File::at(instruction.b));
            }
            Some(Inline::Load) => {
                let from = bases.place(lowering.asm, instruction);
                let out = lowering.write(uses);
                lowering.asm.load(out, from);
            }
            Some(Inline::Store) => {
                let x = lowering.read(uses, 0);
                let to = bases.place(lowering.asm, instruction);
                lowering.asm.store(x, to);
                lowering.registers.release(uses);
            }
            None => {
                let rest = tape.code[k..].iter();
                let count = rest.take_while(|i| inline(i, exact).is_none()).count();
                lowering.registers.flush(lowering.asm);
                lowering.asm.call_host(k as u32, count as u32);
                bases = Bases::default();
                k += count;
                continue;
            }
        }
        k += 1;
    }
    lowering.registers.flush(lowering.asm);
    lowering.asm.leave();
    start
}

/// Everything that is read later goes to memory: the function may use all registers.
fn call(lowering: &mut Lowering<'_, File>, entry: usize, uses: &Uses) {
    let Lowering { asm, registers } = lowering;
    let operands = (0..usize::from(uses.arity)).map(|k| registers.located(asm, uses, k));
    let operands: SmallVec<[Source; 2]> = operands.flatten().collect();
    registers.release(uses);
    registers.flush(asm);
    let (first, second, aside) = (Xmm(0), Xmm(1), SPARE[0]);
    if let Some(&operand) = operands.get(1) {
        asm.load(aside, operand);
    }
    asm.load(first, operands[0]);
    if operands.len() > 1 {
        asm.load(second, Source::Register(aside));
    }
    asm.call(entry);
    registers.result(first, uses);
}

/// The registers of tapes, in the arena.
struct File;

impl File {
    fn at(register: u32) -> Source {
        Source::Memory(RBX, register as i32 * 8 - BIAS)
    }
}

impl Home for File {
    fn load(&mut self, asm: &mut Assembler, out: Xmm, register: u32) {
        asm.load(out, Self::at(register));
    }

    fn store(&mut self, asm: &mut Assembler, from: Xmm, register: u32) {
        asm.store(from, Self::at(register));
    }

    fn source(&mut self, _: &mut Assembler, register: u32) -> Option<Source> {
        Some(Self::at(register))
    }
}

/// The bases that the general registers hold; the arena stands for none.
struct Bases {
    held: [u32; BASES.len()],
    turn: usize,
}

impl Default for Bases {
    fn default() -> Self {
        Self {
            held: [ARENA; BASES.len()],
            turn: 0,
        }
    }
}

impl Bases {
    /// Where an instruction accesses memory.
    fn place(&mut self, asm: &mut Assembler, instruction: &Instruction) -> Source {
        let address = instruction.address();
        let displacement = address.offset as i32;
        if address.base == ARENA {
            return Source::Memory(RBX, displacement - BIAS);
        }
        if let Some(k) = self.held.iter().position(|&base| base == address.base) {
            return Source::Memory(Gpr(BASES[k]), displacement);
        }
        let k = self.turn;
        self.turn = (k + 1) % BASES.len();
        self.held[k] = address.base;
        let base = Gpr(BASES[k]);
        asm.load_pointer(base, R14, address.base as i32 * 8);
        Source::Memory(base, displacement)
    }
}
