//! Runs a plan: tapes, block programs and kernels over one arena, on the threads of this process.

mod finite;
mod frame;
mod group;
mod lanes;
mod memory;
pub mod pool;
mod tape;

use std::cell::Cell;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

pub use memory::{check_memory, memory_limit, set_memory_limit};
pub use pool::{num_threads, set_num_threads};

use crate::array::{Array, Buffer, Layout, Out, View, copy};
use crate::error::{Error, Result};
use crate::ir::Type;
use crate::ops;
use crate::plan::{KernelStep, Plan, Step};
use frame::Frame;

/// Interrupts are looked for about this often.
const PATIENCE: Duration = Duration::from_millis(5);
/// Elements of work between two looks at the clock.
const UNWATCHED: u64 = 1 << 15;

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
    pub fn run(&self, inputs: &[View], outputs: &[Out], check: &dyn Fn() -> Result<()>) -> Result<()> {
        validate("input", self.inputs(), inputs.iter().map(|v| (v.dtype, v.shape())))?;
        validate("output", self.outputs(), outputs.iter().map(|o| (o.dtype, o.shape.as_slice())))?;
        let staged = Staged::new(inputs, outputs)?;
        check_memory(self.scratch_bytes(), || format!("the intermediate values of this program, {self},"))?;
        let arena = self.arena();
        let frame = Frame::new(arena.ptr(), &staged.inputs, &staged.outputs);
        let run = Run { plan: self, frame: &frame, watch: Watch::new(check) };
        let result = run.all();
        drop(frame);
        self.scratch().give(arena);
        result?;
        staged.finish(outputs);
        Ok(())
    }

    /// Computes the outputs into new arrays.
    pub fn evaluate(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let views: SmallVec<[View; 8]> = inputs.iter().map(|x| x.view().clone()).collect();
        let (arrays, outs): (Vec<_>, Vec<_>) =
            self.outputs().iter().map(|t| Array::uninit(t.dtype, &t.shape)).unzip();
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
            unsafe { std::ptr::copy_nonoverlapping(constants.as_ptr(), arena.ptr().cast(), constants.len()) }
        }
        arena
    }
}

/// The types must be the plan's.
fn validate<'a>(
    what: &str,
    types: &[Type],
    given: impl ExactSizeIterator<Item = (crate::array::DType, &'a [usize])>,
) -> Result<()> {
    if types.len() != given.len() {
        return Err(Error::value(format!("{} {what}s given, {} expected", given.len(), types.len())));
    }
    for (k, (want, (dtype, shape))) in types.iter().zip(given).enumerate() {
        if want.dtype != dtype {
            return Err(Error::type_(format!("{what} {k} has dtype {dtype}, not {}", want.dtype)));
        }
        if want.shape.as_slice() != shape {
            return Err(Error::shape(format!("{what} {k} has shape {shape:?}, not {:?}", want.shape)));
        }
    }
    Ok(())
}

/// The memory of a call as kernels like it: inputs contiguous and aligned, outputs apart from them
/// and from each other. What is not so already is copied once.
struct Staged {
    inputs: SmallVec<[*const u8; 8]>,
    outputs: SmallVec<[*mut u8; 8]>,
    copies: Vec<Buffer>,
    /// Outputs computed elsewhere first.
    late: SmallVec<[usize; 2]>,
}

impl Staged {
    fn new(inputs: &[View], outputs: &[Out]) -> Result<Self> {
        let mut staged =
            Self { inputs: SmallVec::new(), outputs: SmallVec::new(), copies: vec![], late: SmallVec::new() };
        for view in inputs {
            staged.inputs.push(staged_input(view, &mut staged.copies)?);
        }
        for (k, out) in outputs.iter().enumerate() {
            let meets_input = inputs.iter().any(|view| overlap(view, out));
            let meets_output = outputs[..k].iter().any(|other| overlap(&other.view(), out));
            let misaligned = !out.ptr.addr().is_multiple_of(out.dtype.size());
            if meets_input || meets_output || misaligned {
                let buffer = Buffer::new(out.len() * out.dtype.size());
                staged.outputs.push(buffer.ptr());
                staged.copies.push(buffer);
                staged.late.push(k);
            } else {
                staged.outputs.push(out.ptr);
            }
        }
        Ok(staged)
    }

    fn finish(&self, outputs: &[Out]) {
        for &k in &self.late {
            let out = &outputs[k];
            // SAFETY: both have room for the elements of the output.
            unsafe { std::ptr::copy_nonoverlapping(self.outputs[k], out.ptr, out.len() * out.dtype.size()) }
        }
    }
}

fn staged_input(view: &View, copies: &mut Vec<Buffer>) -> Result<*const u8> {
    let size = view.dtype.size();
    let aligned = view.ptr.addr().is_multiple_of(size);
    if view.is_contiguous() && aligned {
        return Ok(view.ptr);
    }
    let buffer = Buffer::new(view.len() * size);
    if aligned {
        copy(view, buffer.ptr(), &Layout::contiguous(view.shape()));
    } else if view.is_contiguous() {
        // SAFETY: as many bytes as the view has, read byte by byte.
        unsafe { std::ptr::copy_nonoverlapping(view.ptr, buffer.ptr(), view.len() * size) }
    } else {
        return Err(Error::value("a strided input must be aligned; copy it first"));
    }
    let ptr = buffer.ptr();
    copies.push(buffer);
    Ok(ptr)
}

/// The addresses between the first and the last element of a view.
fn extent(view: &View) -> (usize, usize) {
    let size = view.dtype.size() as isize;
    let (mut low, mut high) = (0isize, size);
    for (&n, &stride) in view.shape().iter().zip(view.strides()) {
        let reach = (n as isize - 1) * stride * size;
        low += reach.min(0);
        high += reach.max(0);
    }
    (view.ptr.addr().wrapping_add_signed(low), view.ptr.addr().wrapping_add_signed(high))
}

/// A view and an output may share memory.
pub fn overlap(view: &View, out: &Out) -> bool {
    if view.is_empty() || out.is_empty() {
        return false;
    }
    let (start, end) = extent(view);
    let first = out.ptr.addr();
    start < first + out.len() * out.dtype.size() && first < end
}

/// Looks for interrupts now and then.
pub struct Watch<'a> {
    check: &'a dyn Fn() -> Result<()>,
    work: Cell<u64>,
    last: Cell<Option<Instant>>,
}

impl<'a> Watch<'a> {
    pub fn new(check: &'a dyn Fn() -> Result<()>) -> Self {
        Self { check, work: Cell::new(0), last: Cell::new(None) }
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
        self.pass(false)?;
        if self.plan.contains_guards() && !self.finite() {
            self.pass(true)?;
        }
        Ok(())
    }

    fn pass(&self, exact: bool) -> Result<()> {
        for step in self.plan.steps() {
            match step {
                Step::Tape(tape) => {
                    tape::run(tape, self.frame, exact);
                    self.watch.after(tape.code.len() as u64)?;
                }
                Step::Group(group) => group::run(group, self.frame, exact, &|| self.watch.now())?,
                Step::Kernel(kernel) => {
                    self.kernel(kernel, exact)?;
                    self.watch.after(kernel.work)?;
                }
            }
        }
        for (operand, k) in self.plan.copies() {
            let target = self.frame.output(*k);
            copy(&self.frame.view(operand), target, &Layout::contiguous(&operand.layout.shape));
        }
        Ok(())
    }

    fn kernel(&self, step: &KernelStep, exact: bool) -> Result<()> {
        let call = &step.calls[usize::from(exact)];
        let operands: SmallVec<[View; 3]> = step.operands.iter().map(|x| self.frame.view(x)).collect();
        let ptr = self.frame.resolve(step.out.address);
        let out = Out { ptr, dtype: step.out.dtype, shape: step.out.layout.shape.clone() };
        if step.copies_first {
            copy(&operands[0], out.ptr, &step.out.layout);
        }
        ops::operation(call.op).eval(call, &operands, &out)
    }

    /// No float output holds a NaN or an infinity.
    fn finite(&self) -> bool {
        let mut types = self.plan.outputs().iter().zip(0..);
        types.all(|(t, k)| {
            let n = t.shape.iter().product();
            // SAFETY: every output has been written.
            unsafe { finite::all_finite(self.frame.output(k), t.dtype, n) }
        })
    }
}

#[cfg(test)]
mod tests;
