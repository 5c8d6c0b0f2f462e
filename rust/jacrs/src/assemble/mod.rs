//! Dense Jacobians by seeds: one-hot panels of fixed width through a linear graph, scattered into
//! the caller's blocks.
//!
//! The panels are the same for every number of threads, so the bits are too.

mod linear;
mod panel;

use crate::array::{Buffer, Dims, Out, View, product};
pub use crate::differentiate::Mode;
use crate::error::{Error, Result, caught};
use crate::execute::{self, Staged, Watch, check_memory, pool};
use crate::interrupt::{pause, piece};
use crate::ir::{Graph, NodeId, Op, Type};
use crate::plan::{ALIGN, ARENA, Address, Bindings, Plan, Scratch, Summary, after};
pub use linear::{Linear, Point};
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
    /// Bytes of the residuals that `early` computes.
    residual_bytes: usize,
    residual_memory: Scratch,
    panels: Panels,
    panel_memory: Scratch,
    values: usize,
}

/// Where a residual is.
#[derive(Clone, Copy)]
enum Place {
    /// An input of the function, read where it is.
    Input(usize),
    /// Computed by `early`, at this offset.
    Stored(usize),
}

impl Assembly {
    /// Prepares a Jacobian from the two halves of a derivative.
    ///
    /// `early` computes from the function's inputs `values` values and then the residuals. The values
    /// are whatever is wanted once: those that are differentiated, or others.
    /// `late` computes, linearly, from one panel of shape `S + [width]` for each seeded leaf, and the
    /// residuals, one panel for each swept leaf. Forward, inputs are seeded and values swept; in
    /// reverse the other way round.
    pub fn new(
        early: &Graph,
        late: &Graph,
        values: usize,
        mode: Mode,
        width: usize,
    ) -> Result<Self> {
        let wrong =
            |what: &str| Error::internal(format!("the halves of a derivative do not fit: {what}"));
        let Some(residual_count) = early.outputs.len().checked_sub(values) else {
            return Err(wrong("fewer outputs than values"));
        };
        let Some(seeded) = late.inputs().len().checked_sub(residual_count) else {
            return Err(wrong("fewer inputs than residuals"));
        };
        let kinds: Vec<Type> = early.outputs[values..]
            .iter()
            .map(|&id| early.type_of(id))
            .collect();
        if !kinds
            .iter()
            .zip(&late.inputs()[seeded..])
            .all(|(kind, &input)| *kind == late.type_of(input))
        {
            return Err(wrong("a residual changed its type"));
        }
        pause();
        let (residuals, computed, residual_bytes) = residuals(early, values, &kinds);
        let seeds = late.inputs()[..seeded]
            .iter()
            .map(|&id| late.type_of(id))
            .collect();
        let swept: Vec<Type> = late.outputs.iter().map(|&id| late.type_of(id)).collect();
        let panels = Panels::new(mode, width, seeds, swept)?;
        Ok(Self {
            early: plan_early(early, values, &residuals, &computed)?,
            late: plan_late(late, &residuals, &panels)?,
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
    pub fn run(
        &self,
        inputs: &[View],
        values: &[Out],
        blocks: &[Out],
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        self.run_in_chunks(inputs, values, blocks, usize::MAX, check)
    }

    /// [`Assembly::run`] with at most `directions` seeds in flight at once, rounded up to panels:
    /// that bounds the scratch, and changes no bit of the result.
    pub fn run_in_chunks(
        &self,
        inputs: &[View],
        values: &[Out],
        blocks: &[Out],
        directions: usize,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let always = || true;
        self.run_if(inputs, values, blocks, directions, always, check)
            .map(drop)
    }

    /// [`Assembly::run_in_chunks`], where `proceed` is asked between the values and the blocks;
    /// whether it agreed. If it did not nothing is written to the blocks.
    pub fn run_if(
        &self,
        inputs: &[View],
        values: &[Out],
        blocks: &[Out],
        directions: usize,
        proceed: impl Fn() -> bool,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<bool> {
        let types = |v: &View| (v.dtype, v.layout.shape.clone());
        execute::validate("input", self.early.inputs(), inputs.iter().map(types))?;
        let given = values.iter().map(|o| (o.dtype, o.shape.clone()));
        execute::validate("output", &self.early.outputs()[..self.values], given)?;
        self.panels.validate(blocks)?;
        let at_once = directions.div_ceil(self.panels.width()).max(1);
        let threads = execute::num_threads()
            .min(self.panels.count())
            .min(at_once)
            .max(1);
        check_memory(self.scratch_bytes(threads), || {
            format!(
                "the scratch of a Jacobian of {}, on {threads} threads,",
                self.panels
            )
        })?;
        caught(|| self.run_staged(inputs, values, blocks, at_once, &proceed, check))
    }

    fn run_staged(
        &self,
        inputs: &[View],
        values: &[Out],
        blocks: &[Out],
        at_once: usize,
        proceed: &dyn Fn() -> bool,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<bool> {
        let outputs: Vec<Out> = values.iter().chain(blocks).cloned().collect();
        let staged = Staged::new(inputs, &outputs)?;
        let (residuals, _) = self.residual_memory.take();
        let result = self.early(&staged, &residuals, check).and_then(|()| {
            let goes_on = proceed();
            if goes_on {
                self.sweep(&staged, &residuals, blocks, at_once, check)?;
            }
            Ok(goes_on)
        });
        self.residual_memory.give(residuals);
        let went_on = result?;
        if went_on {
            staged.finish(&outputs);
        }
        Ok(went_on)
    }

    /// Element operations of a run.
    pub fn work(&self) -> u64 {
        let panels = (self.late.work()).saturating_mul(self.panels.count() as u64);
        self.early.work().saturating_add(panels)
    }

    /// Bytes of scratch that are kept for runs to come.
    pub fn kept_bytes(&self) -> usize {
        self.early.scratch().kept_bytes() + self.late.scratch().kept_bytes()
    }

    /// Bytes of scratch on this many threads.
    pub fn scratch_bytes(&self, threads: usize) -> usize {
        let each = self.late.scratch_bytes() + self.panels.bytes();
        (self.early.scratch_bytes().max(each.saturating_mul(threads)))
            .saturating_add(self.residual_bytes)
    }

    /// What the two halves run.
    pub fn summary(&self) -> (Summary, Summary) {
        (self.early.summary(), self.late.summary())
    }

    /// Panels in one run, and their width.
    pub fn panels(&self) -> (usize, usize) {
        (self.panels.count(), self.panels.width())
    }

    /// Values and residuals.
    fn early(
        &self,
        staged: &Staged,
        residuals: &Buffer,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let inputs = staged.inputs.iter().map(|p| p.cast_mut());
        let bases = inputs
            .chain(staged.outputs[..self.values].iter().copied())
            .chain([residuals.ptr()]);
        // SAFETY: the bases of `plan_early`; the types were checked, and staging parted them.
        unsafe { self.early.run_bound(bases, check) }
    }

    /// All panels, spread over the threads, `at_once` of them at a time.
    fn sweep(
        &self,
        staged: &Staged,
        residuals: &Buffer,
        blocks: &[Out],
        at_once: usize,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let places = blocks.iter().zip(&staged.outputs[self.values..]);
        let blocks: Vec<Out> = places
            .map(|(block, &ptr)| Out {
                ptr,
                ..block.clone()
            })
            .collect();
        if self.panels.count() == 1 {
            // Alone, a panel may use the threads for itself.
            return self.panel(0, staged, residuals, &blocks, check);
        }
        let task = |k: usize| self.panel(k, staged, residuals, &blocks, &execute::uninterrupted);
        let watch = Watch::new(check);
        pool::parallel_for_on(at_once, self.panels.count(), &task, &|| watch.now())
    }

    /// Seeds, one run of the linear half, and the scatter of what it gives.
    fn panel(
        &self,
        k: usize,
        staged: &Staged,
        residuals: &Buffer,
        blocks: &[Out],
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let (memory, fresh) = self.panel_memory.take();
        if fresh {
            self.panels.clear(&memory);
        }
        self.panels.seed(&memory, k, 1.0);
        let bases = [memory.ptr(), residuals.ptr()]
            .into_iter()
            .chain(staged.inputs.iter().map(|p| p.cast_mut()));
        // A buffer whose seeds are not taken back is not given back.
        // SAFETY: the bases of `plan_late`; only the memory of this panel is written. Blocks were
        // checked, and panels write disjoint parts of them.
        unsafe {
            self.late.run_bound(bases, check)?;
            self.panels.scatter(&memory, k, blocks);
        }
        self.panels.seed(&memory, k, 0.0);
        self.panel_memory.give(memory);
        Ok(())
    }
}

/// The early half: a base for each input and each value, one for all residuals.
fn plan_early(
    early: &Graph,
    values: usize,
    residuals: &[Place],
    computed: &[NodeId],
) -> Result<Plan> {
    let mut bindings = Bindings::apart(early.inputs().len(), values);
    let base = ARENA + 1 + (early.inputs().len() + values) as u32;
    bindings
        .outputs
        .extend(residuals.iter().filter_map(|place| match *place {
            Place::Stored(offset) => Some(Address {
                base,
                offset: offset as isize,
            }),
            Place::Input(_) => None,
        }));
    let outputs: Vec<NodeId> = early.outputs[..values]
        .iter()
        .chain(computed)
        .copied()
        .collect();
    Plan::bound(early, &outputs, bindings)
}

/// The linear half: a base for the panels, one for all residuals, then one for each input of the function.
fn plan_late(late: &Graph, residuals: &[Place], panels: &Panels) -> Result<Plan> {
    let place = |place: &Place| match *place {
        Place::Stored(offset) => Address {
            base: ARENA + 2,
            offset: offset as isize,
        },
        Place::Input(k) => Address {
            base: ARENA + 3 + k as u32,
            offset: 0,
        },
    };
    let panel = |offset: usize| Address {
        base: ARENA + 1,
        offset: offset as isize,
    };
    let bindings = Bindings {
        inputs: panels
            .seeded_offsets()
            .map(panel)
            .chain(residuals.iter().map(place))
            .collect(),
        outputs: panels.swept_offsets().map(panel).collect(),
    };
    Plan::bound(late, &late.outputs, bindings)
}

/// Where each residual is, those that have to be computed, and their bytes.
fn residuals(early: &Graph, values: usize, kinds: &[Type]) -> (Vec<Place>, Vec<NodeId>, usize) {
    let given = early.outputs[values..].iter().zip(kinds);
    let (computed, stored): (Vec<NodeId>, Vec<Type>) = given
        .filter(|&(&id, _)| !matches!(early.op(id), Op::Input(_)))
        .map(|(&id, kind)| (id, kind.clone()))
        .unzip();
    let (offsets, bytes) = packed(&stored);
    let mut offsets = offsets.into_iter();
    let places = (early.outputs[values..].iter())
        .map(|&id| match early.op(id) {
            Op::Input(k) => Place::Input(k as usize),
            _ => Place::Stored(offsets.next().expect("one for each that is computed")),
        })
        .collect();
    (places, computed, bytes)
}

/// Where arrays of these types lie in one piece of memory, and its bytes.
fn packed(kinds: &[Type]) -> (Vec<usize>, usize) {
    let mut bytes = 0usize;
    let place = |kind: &Type| {
        piece();
        let size = product(&kind.shape) * kind.dtype.size();
        // Numbers lie side by side; arrays start a line of their own.
        let offset = bytes.next_multiple_of(if size < ALIGN { 8 } else { ALIGN });
        bytes = after(offset, size);
        offset
    };
    let offsets = kinds.iter().map(place).collect();
    (offsets, bytes)
}

/// The shape of a block.
fn block_shape(value: &Type, input: &Type) -> Dims {
    value.shape.iter().chain(&input.shape).copied().collect()
}

#[cfg(test)]
mod tests;
