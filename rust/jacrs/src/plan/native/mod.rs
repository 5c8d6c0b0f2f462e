//! Machine code for programs that run often.
//!
//! A tape is straight-line code, and so is what a group does with an element: their compiler is one
//! pass. Vector registers are chosen as they are needed, each instruction becomes one or a few of the
//! processor's, in order. What has no form here, elementary functions and other dtypes than float64,
//! is done by the interpreter and by kernels. Nothing is contracted or reordered, so the results
//! have the bits of the interpreter's.

mod assembler;
mod loops;
mod lower;
mod registers;
mod tapes;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::HashMap;
use memmap2::{Mmap, MmapMut};

use super::step::{Group, Step, StripStep, Tape};
use crate::simd::{Level, level};
use assembler::Assembler;
pub use loops::{Piece, Program};

/// Runs that are interpreted first: few programs run more often than that, and a first call should
/// not wait.
const INTERPRETED: u32 = 3;
/// Shorter tapes gain nothing.
const FEWEST: usize = 8;
/// An instruction takes some 24 bytes of code, which is fetched in order but not ahead of time: once
/// it does not stay in a cache, the interpreter, whose tape is prefetched as data, is several times
/// faster.
const MOST: usize = 400_000;
/// Bytes of code for groups, for the same reason; what is beyond is left to kernels.
const LARGEST: usize = 4 << 20;

/// Machine code is made where the processor has AVX2, unless `JACRS_NATIVE=0`.
pub fn is_on() -> bool {
    static ON: OnceLock<bool> = OnceLock::new();
    *ON.get_or_init(|| {
        let wanted = std::env::var("JACRS_NATIVE").as_deref() != Ok("0");
        wanted && level() >= Level::Avx2
    })
}

/// What the code of a tape calls: the first field of something that knows the tape and the memory of
/// the run.
#[repr(C)]
pub struct Host {
    /// Interprets `count` instructions from `first` on.
    pub interpret: unsafe extern "sysv64" fn(host: *const Host, first: u32, count: u32),
}

type TapeEntry =
    unsafe extern "sysv64" fn(registers: *mut u64, bases: *const *mut u8, host: *const Host);
type LoopEntry = unsafe extern "sysv64" fn(slots: *const *mut u8, count: usize);

/// The code of the tapes and the groups of a plan.
pub struct Native {
    /// Written once, then executable and never written again.
    memory: Mmap,
    /// Where each tape begins; empty where all are interpreted.
    tapes: Vec<u32>,
    /// What groups do, those of the same code once.
    programs: Vec<Option<Program>>,
    /// The program of each group.
    groups: Vec<u32>,
}

impl Native {
    /// Compiles the steps of a schedule; `None` where that is not worth it or not allowed. `alone`
    /// says that nothing reads registers after the last step.
    pub fn compile(steps: &[Step], registers: usize, exact: bool, alone: bool) -> Option<Self> {
        if !is_on() {
            return None;
        }
        let mut asm = Assembler::new();
        let empty = asm.bytes.len();
        let tapes = lower_tapes(&mut asm, steps, registers, exact, alone);
        let (programs, groups) = lower_groups(&mut asm, steps, exact);
        if asm.bytes.len() == empty {
            return None;
        }
        let mut memory = MmapMut::map_anon(asm.bytes.len()).ok()?;
        memory.copy_from_slice(&asm.bytes);
        let memory = memory.make_exec().ok()?;
        Some(Self {
            memory,
            tapes,
            programs,
            groups,
        })
    }

    /// Whether tapes have code.
    pub fn runs_tapes(&self) -> bool {
        !self.tapes.is_empty()
    }

    /// What a group does, if some of it has code.
    pub fn program(&self, group: &Group) -> Option<&Program> {
        self.programs[self.groups[group.number as usize] as usize].as_ref()
    }

    /// Runs tape `k`.
    ///
    /// # Safety
    /// The registers and bases must be those of a run of the plan that was compiled, the host that
    /// of this tape.
    pub unsafe fn run_tape(
        &self,
        k: usize,
        registers: *mut u64,
        bases: *const *mut u8,
        host: *const Host,
    ) {
        let entry = self.memory.as_ptr().wrapping_add(self.tapes[k] as usize);
        // SAFETY: a function with this signature was written there.
        let entry: TapeEntry = unsafe { std::mem::transmute(entry) };
        // SAFETY: the caller's contract.
        unsafe { entry(registers, bases, host) }
    }

    /// Runs the loop of a piece over `count` elements.
    ///
    /// # Safety
    /// The slots must be those of the group that the piece belongs to, each good for so many
    /// elements.
    pub unsafe fn run_loop(&self, start: u32, slots: *const *mut u8, count: usize) {
        let entry = self.memory.as_ptr().wrapping_add(start as usize);
        // SAFETY: a function with this signature was written there.
        let entry: LoopEntry = unsafe { std::mem::transmute(entry) };
        // SAFETY: the caller's contract.
        unsafe { entry(slots, count) }
    }

    /// Bytes of code.
    pub fn bytes(&self) -> usize {
        self.memory.len()
    }
}

/// Appends all tapes, if most of their instructions are made inline.
fn lower_tapes(
    asm: &mut Assembler,
    steps: &[Step],
    registers: usize,
    exact: bool,
    alone: bool,
) -> Vec<u32> {
    let tapes = || steps.iter().filter_map(Step::tape);
    let total: usize = tapes().map(|tape| tape.code.len()).sum();
    let inline: usize = tapes().map(tapes::count_inline).sum();
    if !(FEWEST..=MOST).contains(&total) || total > 2 * inline {
        return vec![];
    }
    let ends = alone && tapes().count() == 1;
    let lower = |tape: &Tape| tapes::lower(asm, tape, registers, exact, ends) as u32;
    tapes().map(lower).collect()
}

type Programs = (Vec<Option<Program>>, Vec<u32>);

/// Appends the loops of all groups.
fn lower_groups(asm: &mut Assembler, steps: &[Step], exact: bool) -> Programs {
    let mut programs = vec![];
    let start = asm.bytes.len();
    let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
    let mut lower = |group: &Group| {
        *known.entry(loops::key(group)).or_insert_with(|| {
            let small = asm.bytes.len() - start < LARGEST;
            programs.push(small.then(|| loops::lower(asm, group, exact)).flatten());
            programs.len() as u32 - 1
        })
    };
    let groups = groups(steps).map(&mut lower).collect();
    (programs, groups)
}

/// All groups, in the order of their numbers.
fn groups(steps: &[Step]) -> impl Iterator<Item = &Group> {
    steps.iter().flat_map(|step| {
        let (alone, strips) = match step {
            Step::Group(group) => (Some(group), None),
            Step::Strips(strips) => (None, Some(&strips.steps)),
            _ => (None, None),
        };
        let inside = strips.into_iter().flatten();
        let inside = inside.filter_map(|step| match step {
            StripStep::Group(group) => Some(group),
            _ => None,
        });
        alone.into_iter().chain(inside)
    })
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
