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
    let rows = out.shape.first().copied().unwrap_or(1);
    let apart = (operation.apart(call))
        .filter(|apart| rows >= 2 * apart.rows && rows > 1 && step.work > 2 * apart.work);
    let Some(apart) = apart else {
        return operation.eval(call, &operands, &out);
    };
    // Tasks are the same for every number of threads, and so are the bits.
    let each = (apart.work.saturating_mul(rows as u64)).div_ceil(step.work) as usize;
    let each = each.max(apart.rows);
    let task = |task: usize| {
        let range = task * each..rows.min((task + 1) * each);
        on_rows(call, &operands, apart.operand, &range, &out)
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

#[cfg(test)]
mod tests {
    use crate::array::Array;
    use crate::execute::{set_num_threads, uninterrupted};
    use crate::ir::parse;
    use crate::plan::Plan;

    #[test]
    fn a_product_in_tasks_is_right_and_the_same_on_every_number_of_threads() {
        let (m, k, n) = (530, 90, 130);
        let text = format!(
            "%0 = input : float64[{m},{k}]\n%1 = input : float64[{k},{n}]\n\
             %2 = matmul(%0, %1) : float64[{m},{n}]\nreturn %2"
        );
        let plan = Plan::new(&parse(&text).unwrap()).unwrap();
        // Small integers: sums of their products are exact in any order.
        let entries = |count: usize, step: usize| -> Vec<f64> {
            (0..count).map(|i| (i * step % 17) as f64 - 8.0).collect()
        };
        let (a, b) = (entries(m * k, 5), entries(k * n, 7));
        let inputs = [
            Array::from_slice(&[m, k], &a),
            Array::from_slice(&[k, n], &b),
        ];
        let views = inputs.each_ref().map(|x| x.view().clone());
        let expected: Vec<f64> = (0..m * n)
            .map(|at| (0..k).map(|l| a[at / n * k + l] * b[l * n + at % n]).sum())
            .collect();
        for threads in [1, 3] {
            set_num_threads(threads);
            let (product, out) = Array::uninit(plan.outputs()[0].dtype, &[m, n]);
            plan.run(&views, &[out], &uninterrupted).unwrap();
            assert_eq!(product.to_vec::<f64>(), expected);
        }
        set_num_threads(0);
    }
}
