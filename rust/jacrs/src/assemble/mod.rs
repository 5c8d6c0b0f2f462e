//! Dense Jacobians by seeds: one-hot panels of fixed width through a linear graph, scattered into
//! the caller's blocks.
//!
//! The panels are the same for every number of threads, so the bits are too.

mod panel;

use crate::array::{Array, Buffer, Dims, Layout, Out, View, copy, product};
use crate::error::{Error, Result};
pub use crate::differentiate::Mode;
use crate::execute::{self, Watch, check_memory, pool};
use crate::ir::{Graph, NodeId, Op, Type};
use crate::plan::{Plan, Scratch, Summary, aligned};
use panel::Panels;

/// A prepared dense Jacobian: values once, then panels of seeds.
///
/// ```
/// use jacrs::{array::{Array, DType, Out}, assemble::{Assembly, Mode}, execute::uninterrupted, ir::parse};
/// // y = x * x, and its derivative with respect to x, two lanes at a time.
/// let early = parse("
///     %0 = input : float64[3]
///     %1 = mul(%0, %0) : float64[3]
///     %2 = add(%0, %0) : float64[3]
///     return %1, %2").unwrap();
/// let late = parse("
///     %0 = input : float64[3,2]
///     %1 = input : float64[3]
///     %2 = reshape(%1) : float64[3,1]
///     %3 = broadcast(%2) : float64[3,2]
///     %4 = mul(%3, %0) : float64[3,2]
///     return %4").unwrap();
/// let assembly = Assembly::new(&early, &late, 1, Mode::Forward, 2).unwrap();
/// let x = Array::from_slice(&[3], &[1.0, 2.0, 3.0]);
/// let (y, y_out) = Array::uninit(DType::F64, &[3]);
/// let (j, j_out) = Array::uninit(DType::F64, &[3, 3]);
/// assembly.run(&[x.view().clone()], &[y_out], &[j_out], &uninterrupted).unwrap();
/// assert_eq!(y.to_vec::<f64>(), [1.0, 4.0, 9.0]);
/// assert_eq!(j.to_vec::<f64>(), [2.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 6.0]);
/// ```
pub struct Assembly {
    early: Plan,
    late: Plan,
    residuals: Vec<Residual>,
    /// Bytes of the residuals that `early` computes.
    residual_bytes: usize,
    residual_memory: Scratch,
    panels: Panels,
    panel_memory: Scratch,
    values: usize,
}

/// What `late` reads besides seeds.
struct Residual {
    place: Place,
    kind: Type,
}

enum Place {
    /// An input of the function, read where it is.
    Input(usize),
    /// Computed by `early`, at this offset.
    Stored(usize),
}

impl Assembly {
    /// Prepares a Jacobian from the two halves of a derivative.
    ///
    /// `early` computes from the function's inputs its `values` values and then the residuals.
    /// `late` computes, linearly, from one panel of shape `S + [width]` for each seeded leaf, and the
    /// residuals, one panel for each swept leaf. Forward, inputs are seeded and values swept; in
    /// reverse the other way round.
    pub fn new(early: &Graph, late: &Graph, values: usize, mode: Mode, width: usize) -> Result<Self> {
        let wrong = |what: &str| Error::internal(format!("the halves of a derivative do not fit: {what}"));
        let Some(residual_count) = early.outputs.len().checked_sub(values) else {
            return Err(wrong("fewer outputs than values"));
        };
        let Some(seeded) = late.inputs().len().checked_sub(residual_count) else {
            return Err(wrong("fewer inputs than residuals"));
        };
        let (residuals, computed, residual_bytes) = residuals(early, values);
        for (residual, &input) in residuals.iter().zip(&late.inputs()[seeded..]) {
            if residual.kind != late.type_of(input) {
                return Err(wrong("a residual changed its type"));
            }
        }
        let outputs: Vec<NodeId> = early.outputs[..values].iter().chain(&computed).copied().collect();
        let seeds = late.inputs()[..seeded].iter().map(|&id| late.type_of(id)).collect();
        let swept: Vec<Type> = late.outputs.iter().map(|&id| late.type_of(id)).collect();
        let by_value: Vec<usize> = early.outputs[..values].iter().map(|&id| early.size(id)).collect();
        let panels = Panels::new(mode, width, seeds, swept)?;
        if panels.value_sizes() != by_value {
            return Err(wrong("panels of other sizes than the values"));
        }
        Ok(Self {
            early: Plan::of(early, &outputs)?,
            late: Plan::new(late)?,
            residuals,
            residual_bytes,
            residual_memory: Scratch::new(residual_bytes),
            panel_memory: Scratch::new(panels.bytes()),
            panels,
            values,
        })
    }

    /// Computes the values and all blocks. `blocks[i * n + j]`, for value `i` and input `j` of `n`
    /// differentiated ones, is the derivative of one by the other, `y.shape + x.shape`.
    ///
    /// `check` is called between steps and panels by this thread; its error ends the run.
    ///
    /// # Errors
    /// Arguments of other types, before any work; too little memory; whatever a kernel or `check`
    /// reports.
    pub fn run(&self, inputs: &[View], values: &[Out], blocks: &[Out], check: &dyn Fn() -> Result<()>) -> Result<()> {
        if values.len() != self.values {
            return Err(Error::value(format!("{} outputs given for {} values", values.len(), self.values)));
        }
        self.panels.validate(blocks)?;
        let count = self.panels.count();
        let threads = execute::num_threads().min(count).max(1);
        check_memory(self.scratch_bytes(threads), || {
            format!("the scratch of a Jacobian of {}, on {threads} threads,", self.panels)
        })?;
        let (memory, _) = self.residual_memory.take();
        let inputs = staged(inputs, values, blocks);
        self.early_outputs(&inputs, values, &memory, check)?;
        let residuals: Vec<View> = self.residual_views(&inputs, &memory);
        let result = self.sweep(&residuals, blocks, check);
        self.residual_memory.give(memory);
        result
    }

    /// Bytes of scratch on this many threads.
    pub fn scratch_bytes(&self, threads: usize) -> usize {
        let each = self.late.scratch_bytes() + self.panels.bytes();
        (self.early.scratch_bytes().max(each.saturating_mul(threads))).saturating_add(self.residual_bytes)
    }

    /// What the two halves run.
    pub fn summary(&self) -> (Summary, Summary) {
        (self.early.summary(), self.late.summary())
    }

    /// Panels in one run, and their width.
    pub fn panels(&self) -> (usize, usize) {
        (self.panels.count(), self.panels.width())
    }

    fn early_outputs(
        &self,
        inputs: &[Array],
        values: &[Out],
        memory: &Buffer,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let stored = self.residuals.iter().filter_map(|r| match r.place {
            Place::Stored(offset) => {
                let ptr = memory.ptr().wrapping_add(offset);
                Some(Out { ptr, dtype: r.kind.dtype, shape: r.kind.shape.clone() })
            }
            Place::Input(_) => None,
        });
        let outputs: Vec<Out> = values.iter().cloned().chain(stored).collect();
        let views: Vec<View> = inputs.iter().map(|x| x.view().clone()).collect();
        self.early.run(&views, &outputs, check)
    }

    fn residual_views(&self, inputs: &[Array], memory: &Buffer) -> Vec<View> {
        let view = |r: &Residual| match r.place {
            Place::Input(k) => inputs[k].view().clone(),
            Place::Stored(offset) => {
                View::contiguous(memory.ptr().wrapping_add(offset), r.kind.dtype, &r.kind.shape)
            }
        };
        self.residuals.iter().map(view).collect()
    }

    /// All panels, spread over the threads.
    fn sweep(&self, residuals: &[View], blocks: &[Out], check: &dyn Fn() -> Result<()>) -> Result<()> {
        let task = |k: usize| self.panel(k, residuals, blocks, &execute::uninterrupted);
        let watch = Watch::new(check);
        if self.panels.count() == 1 {
            // Alone, a panel may use the threads for itself.
            return self.panel(0, residuals, blocks, check);
        }
        pool::parallel_for(self.panels.count(), &task, &|| watch.now())
    }

    /// Seeds, one run of the linear half, and the scatter of what it gives.
    fn panel(
        &self,
        k: usize,
        residuals: &[View],
        blocks: &[Out],
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let (memory, fresh) = self.panel_memory.take();
        if fresh {
            self.panels.clear(&memory);
        }
        self.panels.seed(&memory, k, 1.0);
        let mut inputs = self.panels.seed_views(&memory);
        inputs.extend_from_slice(residuals);
        // A buffer whose seeds are not taken back is not given back.
        self.late.run(&inputs, &self.panels.swept_outs(&memory), check)?;
        // SAFETY: `run` checked the blocks; panels write disjoint parts of them.
        unsafe { self.panels.scatter(&memory, k, blocks) };
        self.panels.seed(&memory, k, 0.0);
        self.panel_memory.give(memory);
        Ok(())
    }
}

/// Inputs in C order, so that no panel has to copy them again, and apart from all that is written.
fn staged(inputs: &[View], values: &[Out], blocks: &[Out]) -> Vec<Array> {
    let stage = |view: &View| {
        // The caller keeps the memory alive during the run, longer than this array.
        let buffer = std::sync::Arc::new(Buffer::foreign(view.ptr, Box::new(())));
        let array = Array::from_parts(buffer, view.clone());
        if !values.iter().chain(blocks).any(|out| execute::overlap(view, out)) {
            return array.to_contiguous();
        }
        let (apart, out) = Array::uninit(view.dtype, view.shape());
        copy(view, out.ptr, &Layout::contiguous(view.shape()));
        apart
    };
    inputs.iter().map(stage).collect()
}

/// Where each residual is, those that have to be computed, and their bytes.
fn residuals(early: &Graph, values: usize) -> (Vec<Residual>, Vec<NodeId>, usize) {
    let (mut computed, mut bytes) = (vec![], 0);
    let residual = |&id: &NodeId| {
        let kind = early.type_of(id);
        let place = if let Op::Input(k) = early.op(id) {
            Place::Input(k as usize)
        } else {
            computed.push(id);
            let offset = bytes;
            bytes += aligned(product(&kind.shape) * kind.dtype.size());
            Place::Stored(offset)
        };
        Residual { place, kind }
    };
    let residuals = early.outputs[values..].iter().map(residual).collect();
    (residuals, computed, bytes)
}

/// The shape of a block.
fn block_shape(value: &Type, input: &Type) -> Dims {
    value.shape.iter().chain(&input.shape).copied().collect()
}

#[cfg(test)]
mod tests;
