//! Which vector register holds which register of the tape.
//!
//! One pass in order, as in Belady's paging: when a vector register is needed, the one whose value
//! is read again last is given up (L. Belady, "A study of replacement algorithms for a
//! virtual-storage computer", 1966). Straight-line code needs no more.

use super::assembler::{Assembler, RBX, Source, Xmm};
use crate::plan::step::{Code, Instruction};

/// Read no more before it is overwritten.
pub const DEAD: u32 = u32::MAX;
/// Read no more in this tape, perhaps by what follows.
pub const LEAVES: u32 = u32::MAX - 1;
/// Registers that hold values; the last two are for what an instruction needs meanwhile.
const HELD: usize = 14;
pub const SPARE: [Xmm; 2] = [Xmm(14), Xmm(15)];
/// The register file is addressed from its middle: short displacements reach 32 registers.
pub const BIAS: i32 = 128;
const NOWHERE: u8 = u8::MAX;

/// Where an instruction reads and writes, and when each of these registers is read next.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uses {
    pub reads: [u32; 3],
    pub arity: u8,
    pub write: Option<u32>,
    /// After the instruction: for each read, then for the write.
    pub next: [u32; 4],
}

impl Uses {
    fn of(instruction: &Instruction) -> Self {
        let Instruction { code, out, a, b, c } = *instruction;
        let (reads, arity, write) = match code {
            Code::Fun(fun) => ([a, b, c], fun.arity(), Some(out)),
            Code::Guarded | Code::Kernel => ([a, b, 0], 2, Some(out)),
            Code::Load1 | Code::Load4 | Code::Load8 => ([0; 3], 0, Some(out)),
            Code::Store1 | Code::Store4 | Code::Store8 => ([out, 0, 0], 1, None),
            Code::Zero => ([0; 3], 0, None),
        };
        Self {
            reads,
            arity: arity as u8,
            write,
            next: [DEAD; 4],
        }
    }

    pub fn reads(&self) -> &[u32] {
        &self.reads[..usize::from(self.arity)]
    }
}

/// The uses of a tape over so many registers, found backwards.
pub fn uses(code: &[Instruction], registers: usize, at_end: u32) -> Vec<Uses> {
    let mut next = vec![at_end; registers];
    let mut all: Vec<Uses> = code.iter().map(Uses::of).collect();
    for (k, uses) in all.iter_mut().enumerate().rev() {
        if let Some(out) = uses.write {
            uses.next[3] = std::mem::replace(&mut next[out as usize], DEAD);
        }
        let reads = uses.reads;
        for (slot, &x) in uses.next.iter_mut().zip(&reads[..usize::from(uses.arity)]) {
            *slot = next[x as usize];
        }
        for &x in &reads[..usize::from(uses.arity)] {
            next[x as usize] = k as u32;
        }
    }
    all
}

#[derive(Clone, Copy)]
struct Held {
    register: u32,
    next: u32,
    /// Memory does not have it yet.
    fresh: bool,
}

/// The vector registers while code is made.
pub struct Registers {
    held: [Option<Held>; HELD],
    /// For each register of the tape the vector register that holds it.
    place: Vec<u8>,
    /// Vector registers that the instruction at hand reads.
    pinned: u16,
}

fn displacement(register: u32) -> i32 {
    register as i32 * 8 - BIAS
}

impl Registers {
    pub fn new(registers: usize) -> Self {
        Self {
            held: [None; HELD],
            place: vec![NOWHERE; registers],
            pinned: 0,
        }
    }

    pub fn holds(&self, register: u32) -> bool {
        self.place[register as usize] != NOWHERE
    }

    /// Operand `k` in a vector register.
    pub fn read(&mut self, asm: &mut Assembler, uses: &Uses, k: usize) -> Xmm {
        let register = uses.reads[k];
        let at = match self.place[register as usize] {
            NOWHERE => {
                let at = self.free(asm);
                asm.load(Xmm(at), RBX, displacement(register));
                self.put(at, register, uses.next[k], false);
                at
            }
            at => at,
        };
        self.pinned |= 1 << at;
        Xmm(at)
    }

    /// Operand `k` where it is, unless it is worth a vector register.
    pub fn source(&mut self, asm: &mut Assembler, uses: &Uses, k: usize) -> Source {
        let register = uses.reads[k];
        if !self.holds(register) && uses.next[k] >= LEAVES {
            return Source::Memory(RBX, displacement(register));
        }
        Source::Register(self.read(asm, uses, k))
    }

    /// All operands have been read: those that are dead make room. They are still there until the
    /// next vector register is written.
    pub fn release(&mut self, uses: &Uses) {
        for (&register, &next) in uses.reads().iter().zip(&uses.next) {
            let at = self.place[register as usize];
            if let Some(Some(held)) = self.held.get_mut(usize::from(at)) {
                held.next = next;
                if next == DEAD {
                    self.drop(register);
                }
            }
        }
        self.pinned = 0;
    }

    /// The vector register for the result, after [`Registers::release`].
    pub fn write(&mut self, asm: &mut Assembler, uses: &Uses) -> Xmm {
        let register = uses.write.expect("an instruction with a result");
        self.drop(register);
        let at = self.free(asm);
        self.put(at, register, uses.next[3], true);
        Xmm(at)
    }

    /// Everything that is read later goes to memory, and every vector register is free.
    pub fn flush(&mut self, asm: &mut Assembler) {
        for at in 0..HELD as u8 {
            self.evict(asm, at);
        }
    }

    fn put(&mut self, at: u8, register: u32, next: u32, fresh: bool) {
        self.held[usize::from(at)] = Some(Held {
            register,
            next,
            fresh,
        });
        self.place[register as usize] = at;
    }

    fn drop(&mut self, register: u32) {
        let at = std::mem::replace(&mut self.place[register as usize], NOWHERE);
        if let Some(held) = self.held.get_mut(usize::from(at)) {
            *held = None;
        }
    }

    /// A vector register without a value.
    fn free(&mut self, asm: &mut Assembler) -> u8 {
        // Free ones come last of all.
        let rank = |&at: &u8| match &self.held[usize::from(at)] {
            None => u64::MAX,
            Some(held) => u64::from(held.next) << 1 | u64::from(!held.fresh),
        };
        let at = (0..HELD as u8)
            .filter(|at| self.pinned >> at & 1 == 0)
            .max_by_key(rank)
            .expect("an instruction has at most three operands");
        self.evict(asm, at);
        at
    }

    fn evict(&mut self, asm: &mut Assembler, at: u8) {
        if let Some(held) = self.held[usize::from(at)].take() {
            if held.fresh && held.next != DEAD {
                asm.store(Xmm(at), RBX, displacement(held.register));
            }
            self.place[held.register as usize] = NOWHERE;
        }
    }
}
