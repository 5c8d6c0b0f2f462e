//! Machine code for tapes that run often.
//!
//! A tape is straight-line code, so its compiler is one pass: vector registers are chosen as they are
//! needed, each instruction becomes one or a few of the processor's, in the order of the tape. What
//! has no form here, elementary functions and other dtypes than float64, is done by the interpreter,
//! called for as many instructions as follow each other. Nothing is contracted or reordered, so
//! the results have the bits of the interpreter's.

mod assembler;
mod lower;
mod registers;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use memmap2::{Mmap, MmapMut};

use super::step::{Step, Tape};
use crate::simd::{Level, level};
use assembler::Assembler;

/// Runs that are interpreted first: few programs run more often than that, and a first call should
/// not wait.
const INTERPRETED: u32 = 3;
/// Shorter programs gain nothing.
const FEWEST: usize = 8;
/// An instruction takes some 24 bytes of code, which is fetched in order but not ahead of time: once
/// it does not stay in a cache, the interpreter, whose tape is prefetched as data, is several times
/// faster.
const MOST: usize = 1 << 18;

/// Machine code is made where the processor has AVX2, unless `JACRS_NATIVE=0`.
pub fn is_on() -> bool {
    static ON: OnceLock<bool> = OnceLock::new();
    *ON.get_or_init(|| {
        let wanted = std::env::var("JACRS_NATIVE").as_deref() != Ok("0");
        wanted && level() >= Level::Avx2
    })
}

/// What code calls: the first field of something that knows the tape and the memory of the run.
#[repr(C)]
pub struct Host {
    /// Interprets `count` instructions from `first` on.
    pub interpret: unsafe extern "sysv64" fn(host: *const Host, first: u32, count: u32),
}

type Entry =
    unsafe extern "sysv64" fn(registers: *mut u64, bases: *const *mut u8, host: *const Host);

/// The code of all tapes of a plan.
pub struct Native {
    /// Written once, then executable and never written again.
    memory: Mmap,
    /// Where each tape begins.
    entries: Vec<u32>,
}

impl Native {
    /// Compiles the tapes of a schedule; `None` where that is not worth it or not allowed.
    pub fn compile(steps: &[Step], registers: usize, exact: bool, alone: bool) -> Option<Self> {
        let tapes = || steps.iter().filter_map(Step::tape);
        let total: usize = tapes().map(|tape| tape.code.len()).sum();
        let inline: usize = tapes().map(lower::inline).sum();
        let fits = (FEWEST..=MOST).contains(&total) && total <= 2 * inline;
        if !fits || !is_on() {
            return None;
        }
        let ends = alone && tapes().count() == 1;
        let mut asm = Assembler::new();
        let lower = |tape: &Tape| lower::lower(&mut asm, tape, registers, exact, ends) as u32;
        let entries = tapes().map(lower).collect();
        let mut memory = MmapMut::map_anon(asm.bytes.len()).ok()?;
        memory.copy_from_slice(&asm.bytes);
        let memory = memory.make_exec().ok()?;
        Some(Self { memory, entries })
    }

    /// Runs tape `k`.
    ///
    /// # Safety
    /// The registers and bases must be those of a run of the plan that was compiled, the host that
    /// of this tape.
    pub unsafe fn run(
        &self,
        k: usize,
        registers: *mut u64,
        bases: *const *mut u8,
        host: *const Host,
    ) {
        let entry = self.memory.as_ptr().wrapping_add(self.entries[k] as usize);
        // SAFETY: a function with this signature was written there.
        let entry: Entry = unsafe { std::mem::transmute(entry) };
        // SAFETY: the caller's contract.
        unsafe { entry(registers, bases, host) }
    }

    /// Bytes of code.
    pub fn bytes(&self) -> usize {
        self.memory.len()
    }
}

/// The code of a plan, made when it has run a few times.
#[derive(Default)]
pub struct Lazy {
    runs: [AtomicU32; 2],
    made: [OnceLock<Option<Native>>; 2],
}

impl Lazy {
    /// The code for a run, if there is some. One thread makes it; no thread waits for it.
    pub fn get(&self, exact: bool, make: impl FnOnce() -> Option<Native>) -> Option<&Native> {
        let k = usize::from(exact);
        if let Some(made) = self.made[k].get() {
            return made.as_ref();
        }
        if self.runs[k].fetch_add(1, Ordering::Relaxed) != INTERPRETED {
            return None;
        }
        self.made[k].get_or_init(make).as_ref()
    }
}
