//! Runs a plan: tapes, block programs and kernels over one arena, on the threads of this process.

mod finite;
mod frame;
mod gather;
mod group;
mod kernel;
mod pass;
pub mod pool;
mod profile;
mod staged;
mod strips;
mod tape;

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use smallvec::SmallVec;

pub use crate::memory::{check_memory, memory_limit, set_memory_limit};
pub use pool::{num_threads, set_num_threads};
pub use staged::Staged;

use crate::array::{Array, Buffer, DType, Layout, Out, View, copy};
use crate::error::{Error, Result, caught, text};
use crate::interrupt::PATIENCE;
use crate::ir::Type;
use crate::plan::{Plan, Step};
use frame::Frame;
use pass::Pass;

/// Elements of work between two looks at the clock.
const UNWATCHED: u64 = 1 << 15;

static EXECUTED: AtomicU64 = AtomicU64::new(0);

/// Element operations that plans have run in this process, as [`Plan::work`] counts them.
pub fn executed_operations() -> u64 {
    EXECUTED.load(Ordering::Relaxed)
}

/// An interrupt check that never interrupts.
pub fn uninterrupted() -> Result<()> {
    Ok(())
}

impl Plan {
    /// Computes the outputs into the caller's memory.
    ///
    /// `check` is called every few milliseconds, by this thread, between steps; its error ends the
    /// run. Outputs may overlap inputs. Several threads may run one plan at once.
    ///
    /// # Errors
    /// Inputs or outputs of other types than the plan's, before any work; no memory for the
    /// scratch; whatever a kernel or `check` reports.
    pub fn run(
        &self,
        inputs: &[View],
        outputs: &[Out],
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        validate(
            "input",
            self.inputs(),
            inputs.iter().map(|v| (v.dtype, v.shape())),
        )?;
        validate(
            "output",
            self.outputs(),
            outputs.iter().map(|o| (o.dtype, &o.shape[..])),
        )?;
        if !self.is_apart() {
            return Err(Error::internal("the arguments of this plan share bases"));
        }
        check_memory(self.run_bytes(num_threads()), || {
            format!("the intermediate values of this program, {self},")
        })?;
        caught(|| self.run_staged(inputs, outputs, check))
    }

    fn run_staged(
        &self,
        inputs: &[View],
        outputs: &[Out],
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let staged = Staged::new(inputs, outputs)?;
        // Inputs are never written: no step has an address in them as its result.
        let bases = staged
            .inputs
            .iter()
            .map(|p| p.cast_mut())
            .chain(staged.outputs.iter().copied());
        // SAFETY: the types are the plan's, checked above; staging aligned and parted them.
        unsafe { self.run_bound(bases, check)? };
        staged.finish(outputs);
        Ok(())
    }

    /// Runs over the bases that [`Plan::bindings`] counts from, the arena aside.
    ///
    /// # Safety
    /// Inputs and outputs must lie at their addresses: contiguous, aligned, outputs apart from all else.
    pub unsafe fn run_bound(
        &self,
        bases: impl IntoIterator<Item = *mut u8>,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let arena = self.arena();
        let frame = Frame::new(arena.ptr(), bases);
        let run = Run {
            plan: self,
            frame: &frame,
            watch: Watch::new(check),
        };
        let result = caught(|| run.all());
        self.scratch().give(arena);
        result
    }

    /// Computes the outputs into new arrays.
    pub fn evaluate(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let views: SmallVec<[View; 8]> = inputs.iter().map(|x| x.view().clone()).collect();
        let (arrays, outs): (Vec<_>, Vec<_>) = self
            .outputs()
            .iter()
            .map(|t| Array::uninit(t.dtype, &t.shape))
            .unzip();
        self.run(&views, &outs, &uninterrupted)?;
        Ok(arrays)
    }

    /// Scratch with the constants in place.
    fn arena(&self) -> Buffer {
        let (arena, fresh) = self.scratch().take();
        if cfg!(debug_assertions) {
            // What is read before it is written shows as NaN.
            // SAFETY: the buffer has this many bytes.
            unsafe { std::ptr::write_bytes(arena.ptr(), 0xff, self.scratch_bytes()) }
        }
        if fresh || cfg!(debug_assertions) {
            let constants = self.constants();
            // SAFETY: registers come first in the arena, constants first among them.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    constants.as_ptr(),
                    arena.ptr().cast(),
                    constants.len(),
                );
            }
        }
        arena
    }
}

/// The types given must be the ones expected.
pub fn validate<'a>(
    what: &str,
    types: &[Type],
    given: impl ExactSizeIterator<Item = (DType, &'a [usize])>,
) -> Result<()> {
    if types.len() != given.len() {
        return Err(text::wrong_count(what, types.len(), given.len()));
    }
    for (k, (want, (dtype, shape))) in types.iter().zip(given).enumerate() {
        if want.dtype != dtype {
            return Err(text::wrong_dtype(what, k, dtype, want.dtype));
        }
        if want.shape[..] != *shape {
            return Err(text::wrong_shape(what, k, shape, &want.shape));
        }
    }
    Ok(())
}

/// Looks for interrupts now and then.
pub struct Watch<'a> {
    check: &'a dyn Fn() -> Result<()>,
    work: Cell<u64>,
    last: Cell<Option<Instant>>,
}

impl<'a> Watch<'a> {
    pub fn new(check: &'a dyn Fn() -> Result<()>) -> Self {
        Self {
            check,
            work: Cell::new(0),
            last: Cell::new(None),
        }
    }

    /// After `work` more elements.
    fn after(&self, work: u64) -> Result<()> {
        let total = self.work.get().saturating_add(work);
        if total < UNWATCHED {
            self.work.set(total);
            return Ok(());
        }
        self.work.set(0);
        self.now()
    }

    /// Calls the check if it was not called for a while.
    pub fn now(&self) -> Result<()> {
        let now = Instant::now();
        match self.last.get() {
            Some(last) if now - last < PATIENCE => Ok(()),
            None => {
                self.last.set(Some(now));
                Ok(())
            }
            Some(_) => {
                self.last.set(Some(now));
                (self.check)()
            }
        }
    }
}

/// One run of a plan.
struct Run<'a> {
    plan: &'a Plan,
    frame: &'a Frame,
    watch: Watch<'a>,
}

impl Run<'_> {
    /// The steps; where guarded products may matter, again with them.
    fn all(&self) -> Result<()> {
        if self.plan.is_exact() {
            return self.pass(true);
        }
        self.pass(false)?;
        if self.plan.contains_guards() && !self.finite() {
            self.pass(true)?;
        }
        Ok(())
    }

    fn pass(&self, exact: bool) -> Result<()> {
        EXECUTED.fetch_add(self.plan.work(), Ordering::Relaxed);
        let pass = Pass::over(self.plan, exact);
        let tapes = tape::Runner::of(pass, self.frame);
        for step in self.plan.steps() {
            self.step(step, &tapes, pass)?;
        }
        self.copies();
        Ok(())
    }

    fn step(&self, step: &Step, tapes: &tape::Runner<'_>, pass: Pass<'_>) -> Result<()> {
        match step {
            Step::Tape(tape) => tapes.run(tape, &|done| self.watch.after(done)),
            Step::Group(group) => group::run(group, self.frame, pass, &|| self.watch.now()),
            Step::Kernel(kernel) => {
                kernel::run(kernel, self.frame, pass, &|| self.watch.now())?;
                self.watch.after(kernel.work)
            }
            Step::Strips(strips) => strips::run(strips, self.frame, pass, &|| self.watch.now()),
        }
    }

    /// Outputs that no step writes in place.
    fn copies(&self) {
        for (operand, k) in self.plan.copies() {
            let target = self
                .frame
                .resolve(self.plan.bindings().outputs[*k as usize]);
            copy(
                &self.frame.view(operand),
                target,
                &Layout::contiguous(&operand.layout.shape),
            );
        }
    }

    /// No float output holds a NaN or an infinity.
    fn finite(&self) -> bool {
        let mut outputs = self
            .plan
            .outputs()
            .iter()
            .zip(&self.plan.bindings().outputs);
        outputs.all(|(t, &address)| {
            let n = t.shape.iter().product();
            // SAFETY: every output has been written.
            unsafe { finite::all_finite(self.frame.resolve(address), t.dtype, n) }
        })
    }
}

#[cfg(test)]
mod tests;
