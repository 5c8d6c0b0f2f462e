//! Runs strips: all steps on some rows, then on the next.

use std::cell::Cell;
use std::ops::Range;

use smallvec::SmallVec;

use super::frame::Frame;
use super::pass::Pass;
use super::{group, pool};
use crate::array::{Buffer, Out, View, product};
use crate::error::Result;
use crate::ops::{self, pairwise::halved};
use crate::plan::{Address, KernelStep, Operand, STRIP, StripStep, Strips};

/// Elements of work that are worth handing to another thread.
const TASK: u64 = 1 << 17;

thread_local! {
    /// The memory for a strip of this thread, with its size in bytes.
    static MEMORY: Cell<Option<(usize, Buffer)>> = const { Cell::new(None) };
}

/// Runs strips, on several threads where that pays; `between` is called by this thread.
pub fn run(
    strips: &Strips,
    frame: &Frame,
    pass: Pass<'_>,
    between: &dyn Fn() -> Result<()>,
) -> Result<()> {
    let count = 1usize << strips.depth;
    let at_once = (TASK * count as u64 / strips.work().max(1)).clamp(1, count as u64) as usize;
    let task = |k: usize| {
        let first = k * at_once;
        (first..count.min(first + at_once)).try_for_each(|k| run_strip(strips, frame, pass, k))
    };
    let tasks = count.div_ceil(at_once);
    if tasks <= 2 {
        (0..tasks).try_for_each(&task)?;
        between()?;
    } else {
        pool::parallel_for(tasks, &task, between)?;
    }
    for step in &strips.steps {
        if let StripStep::Total(kernel, parts) = step {
            join(kernel, *parts, count, frame);
        }
    }
    Ok(())
}

fn run_strip(strips: &Strips, frame: &Frame, pass: Pass<'_>, k: usize) -> Result<()> {
    let rows = halved(strips.rows, strips.depth, k);
    let kept = MEMORY.take().filter(|(size, _)| *size >= strips.bytes);
    let (size, memory) = kept.unwrap_or_else(|| (strips.bytes, Buffer::new(strips.bytes)));
    if cfg!(debug_assertions) {
        // SAFETY: the buffer has this many bytes.
        unsafe { std::ptr::write_bytes(memory.ptr(), 0xff, strips.bytes) }
    }
    let frame = frame.in_strip(memory.ptr());
    let result = strips.steps.iter().try_for_each(|step| match step {
        StripStep::Group(group) => {
            group::run_span(group, &frame, pass, &group.blocks.strip(&rows));
            Ok(())
        }
        StripStep::Kernel(kernel) => {
            let mut shape = kernel.out.layout.shape.clone();
            shape[0] = rows.len();
            let row = product(&shape[1..]) * kernel.out.dtype.size();
            let skipped = skipped(kernel.out.address, &rows) * row;
            let out = Out {
                ptr: frame.resolve(kernel.out.address).wrapping_add(skipped),
                dtype: kernel.out.dtype,
                shape,
            };
            on_rows(kernel, &frame, pass.exact, &rows, &out)
        }
        StripStep::Total(kernel, parts) => {
            let shape = kernel.out.layout.shape.clone();
            let bytes = product(&shape) * kernel.out.dtype.size();
            let out = Out {
                ptr: frame.resolve(*parts).wrapping_add(k * bytes),
                dtype: kernel.out.dtype,
                shape,
            };
            on_rows(kernel, &frame, pass.exact, &rows, &out)
        }
    });
    MEMORY.set(Some((size, memory)));
    result
}

/// Rows before a strip: none in its own memory.
fn skipped(address: Address, rows: &Range<usize>) -> usize {
    if address.base == STRIP { 0 } else { rows.start }
}

/// A kernel on some rows of its operands.
fn on_rows(
    kernel: &KernelStep,
    frame: &Frame,
    exact: bool,
    rows: &Range<usize>,
    out: &Out,
) -> Result<()> {
    let part = |x: &Operand| {
        let mut view = frame.view(x);
        view.layout.shape[0] = rows.len();
        let offset = skipped(x.address, rows) as isize * view.layout.strides[0];
        let layout = view.layout.clone();
        view.relaid(offset, layout)
    };
    let operands: SmallVec<[View; 3]> = kernel.operands.iter().map(part).collect();
    let call = &kernel.calls[usize::from(exact)];
    ops::operation(call.op).eval(call, &operands, out)
}

/// The results of all strips become one.
fn join(kernel: &KernelStep, parts: Address, count: usize, frame: &Frame) {
    let width = product(&kernel.out.layout.shape);
    let (parts, dtype) = (frame.resolve(parts), kernel.out.dtype);
    // SAFETY: the arena has room for the results of all strips, the output for one.
    unsafe {
        ops::join_parts(kernel.calls[0].op, dtype, parts, count, width);
        let out = frame.resolve(kernel.out.address);
        std::ptr::copy_nonoverlapping(parts, out, width * dtype.size());
    }
}
