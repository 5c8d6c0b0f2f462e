//! Which vector register holds which register of a program.
//!
//! One pass in order, as in Belady's paging: when a vector register is needed, the one whose value
//! is read again last is given up (L. Belady, "A study of replacement algorithms for a
//! virtual-storage computer", 1966). Straight-line code needs no more.

use super::assembler::{Assembler, Source, Xmm};

/// Read no more before it is overwritten.
pub const DEAD: u32 = u32::MAX;
/// Read no more in this code, perhaps by what follows.
pub const LEAVES: u32 = u32::MAX - 1;
/// Registers that hold values; the last two are for what an instruction needs meanwhile.
const HELD: usize = 14;
pub const SPARE: [Xmm; 2] = [Xmm(14), Xmm(15)];
const NOWHERE: u8 = u8::MAX;

/// Where an instruction reads and writes, and when each of these registers is read next.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uses {
    pub reads: [u32; 3],
    pub arity: u8,
    pub write: Option<u32>,
    /// A second result, which goes to memory.
    pub aside: Option<u32>,
    /// After the instruction: for each read, then for the write.
    pub next: [u32; 4],
}

impl Uses {
    pub fn reads(&self) -> &[u32] {
        &self.reads[..usize::from(self.arity)]
    }
}

/// Finds the next uses in straight-line code, from those after its end, which become those before
/// its start.
pub fn find_next(all: &mut [Uses], next: &mut [u32]) {
    for (k, uses) in all.iter_mut().enumerate().rev() {
        if let Some(out) = uses.write {
            uses.next[3] = std::mem::replace(&mut next[out as usize], DEAD);
        }
        if let Some(out) = uses.aside {
            next[out as usize] = DEAD;
        }
        let reads = uses.reads;
        for (slot, &x) in uses.next.iter_mut().zip(&reads[..usize::from(uses.arity)]) {
            *slot = next[x as usize];
        }
        for &x in &reads[..usize::from(uses.arity)] {
            next[x as usize] = k as u32;
        }
    }
}

/// Where the registers of a program lie in memory.
pub trait Home {
    fn load(&mut self, asm: &mut Assembler, out: Xmm, register: u32);
    /// The vector register is lost.
    fn store(&mut self, asm: &mut Assembler, from: Xmm, register: u32);
    /// As an operand of arithmetic, if it can be one.
    fn source(&mut self, asm: &mut Assembler, register: u32) -> Option<Source>;
}

#[derive(Clone, Copy)]
struct Held {
    register: u32,
    next: u32,
    /// Memory does not have it yet.
    fresh: bool,
}

/// The vector registers while code is made.
pub struct Registers<H> {
    pub home: H,
    held: [Option<Held>; HELD],
    /// For each register of the program the vector register that holds it.
    place: Vec<u8>,
    /// Vector registers that the instruction at hand reads.
    pinned: u16,
}

impl<H: Home> Registers<H> {
    pub fn new(registers: usize, home: H) -> Self {
        Self {
            home,
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
                self.home.load(asm, Xmm(at), register);
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
        let once = !self.holds(register) && uses.next[k] >= LEAVES;
        let source = if once {
            self.home.source(asm, register)
        } else {
            None
        };
        source.unwrap_or_else(|| Source::Register(self.read(asm, uses, k)))
    }

    /// Operand `k` where it is.
    pub fn located(&mut self, asm: &mut Assembler, uses: &Uses, k: usize) -> Option<Source> {
        let register = uses.reads[k];
        match self.place[register as usize] {
            NOWHERE => self.home.source(asm, register),
            at => Some(Source::Register(Xmm(at))),
        }
    }

    /// The result is in this vector register, which is free.
    pub fn result(&mut self, at: Xmm, uses: &Uses) {
        let register = uses.write.expect("an instruction with a result");
        self.drop(register);
        self.put(at.0, register, uses.next[3], true);
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
                self.home.store(asm, Xmm(at), held.register);
            }
            self.place[held.register as usize] = NOWHERE;
        }
    }
}
