//! Runs what is neither a tape nor a group: one operation on whole arrays.

use std::ops::Range;

use smallvec::SmallVec;

use super::frame::Frame;
use super::pass::Pass;
use super::pool;
use crate::array::{Out, View, copy, product};
use crate::error::Result;
use crate::ops::{self, Call};
use crate::plan::KernelStep;

/// Elements worth handing to another thread.
const TASK: usize = 1 << 15;

/// Runs one operation, on several threads where its rows can be computed apart and that pays;
/// `between` is called by this thread.
pub fn run(
    step: &KernelStep,
    frame: &Frame,
    pass: Pass<'_>,
    between: &dyn Fn() -> Result<()>,
) -> Result<()> {
    let call = &step.calls[usize::from(pass.exact)];
    let operands: SmallVec<[View; 3]> = step.operands.iter().map(|x| frame.view(x)).collect();
    let out = Out {
        ptr: frame.resolve(step.out.address),
        dtype: step.out.dtype,
        shape: step.out.layout.shape.clone(),
    };
    if step.copies_first {
        copy(&operands[0], out.ptr, &step.out.layout);
    }
    let operation = ops::operation(call.op);
    let apart = operation.by_rows_of().filter(|&k| {
        let rows = operands[k].shape().first();
        rows.is_some_and(|&rows| rows > 1 && out.len() > 2 * TASK)
    });
    let Some(k) = apart else {
        return operation.eval(call, &operands, &out);
    };
    let rows = out.shape[0];
    let each = (TASK * rows).div_ceil(out.len());
    let task = |task: usize| {
        let range = task * each..rows.min((task + 1) * each);
        on_rows(call, &operands, k, &range, &out)
    };
    pool::parallel_for(rows.div_ceil(each), &task, between)
}

/// Some rows of the result, from the same rows of operand `k`.
fn on_rows(call: &Call, operands: &[View], k: usize, rows: &Range<usize>, out: &Out) -> Result<()> {
    let mut operands: SmallVec<[View; 3]> = operands.into();
    let mut layout = operands[k].layout.clone();
    layout.shape[0] = rows.len();
    let offset = rows.start as isize * layout.strides[0];
    operands[k] = operands[k].relaid(offset, layout);
    let mut shape = out.shape.clone();
    shape[0] = rows.len();
    let bytes = rows.start * product(&shape[1..]) * out.dtype.size();
    let part = Out {
        ptr: out.ptr.wrapping_add(bytes),
        dtype: out.dtype,
        shape,
    };
    ops::operation(call.op).eval(call, &operands, &part)
}
