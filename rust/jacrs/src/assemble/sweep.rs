//! Values once, then one-hot panels of fixed width through a linear graph, scattered into the
//! caller's blocks.
//!
//! The panels are the same for every number of threads, so the bits are too.

use super::panel::Panels;
use super::{Place, Places};
use crate::array::{Buffer, Out, View};
use crate::differentiate::Mode;
use crate::error::{Error, Result, caught};
use crate::execute::{self, Staged, Watch, check_memory, pool};
use crate::interrupt::pause;
use crate::ir::{Graph, NodeId, Type};
use crate::plan::{ARENA, Address, Bindings, Plan, Scratch, Summary};

/// A Jacobian that is swept.
pub struct Sweep {
    early: Plan,
    late: Plan,
    /// Bytes of the residuals that `early` computes.
    residual_bytes: usize,
    residual_memory: Scratch,
    panels: Panels,
    panel_memory: Scratch,
    values: usize,
}

impl Sweep {
    /// As [`super::Assembly::new`].
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
        let (residuals, computed, residual_bytes) = super::residuals(early, values, &kinds);
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

    /// As [`super::Assembly::run_in_chunks`].
    pub fn run_in_chunks(
        &self,
        inputs: &[View],
        values: &[Out],
        blocks: &[Out],
        directions: usize,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let types = inputs.iter().map(|v| (v.dtype, v.shape()));
        execute::validate("input", self.early.inputs(), types)?;
        let given = values.iter().map(|o| (o.dtype, &o.shape[..]));
        execute::validate("output", &self.early.outputs()[..self.values], given)?;
        self.panels.validate(blocks)?;
        let at_once = self.panels_for(directions);
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
        caught(|| self.run_staged(inputs, values, blocks, at_once, check))
    }

    fn run_staged(
        &self,
        inputs: &[View],
        values: &[Out],
        blocks: &[Out],
        at_once: usize,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let outputs: Vec<Out> = values.iter().chain(blocks).cloned().collect();
        let staged = Staged::new(inputs, &outputs)?;
        let (values, blocks) = staged.outputs.split_at(self.values);
        let places = Places {
            inputs: &staged.inputs,
            values,
            blocks,
        };
        // SAFETY: the types were checked, and staging aligned and parted the memory.
        unsafe { self.run_bound(places, at_once, &|| true, check)? };
        staged.finish(&outputs);
        Ok(())
    }

    /// As [`super::Assembly::run_bound`], `at_once` panels at a time.
    ///
    /// # Safety
    /// The same.
    pub unsafe fn run_bound(
        &self,
        places: Places<'_>,
        at_once: usize,
        proceed: &dyn Fn() -> bool,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<bool> {
        let (residuals, _) = self.residual_memory.take();
        let result = self.early(places, &residuals, check).and_then(|()| {
            let goes_on = proceed();
            if goes_on {
                self.sweep(places, &residuals, at_once, check)?;
            }
            Ok(goes_on)
        });
        self.residual_memory.give(residuals);
        result
    }

    /// The types of the inputs.
    pub fn inputs(&self) -> &[Type] {
        self.early.inputs()
    }

    /// Panels that are `directions` seeds.
    pub fn panels_for(&self, directions: usize) -> usize {
        directions.div_ceil(self.panels.width()).max(1)
    }

    /// Elements that one run computes.
    pub fn work(&self) -> u64 {
        let panels = (self.late.work()).saturating_mul(self.panels.count() as u64);
        self.early.work().saturating_add(panels)
    }

    /// Bytes of scratch that are kept for runs to come.
    pub fn kept_bytes(&self) -> usize {
        self.early.scratch().kept_bytes() + self.late.scratch().kept_bytes()
    }

    /// Bytes of scratch, of panels on this many threads; strips may be spread over all there are.
    pub fn scratch_bytes(&self, threads: usize) -> usize {
        let each = self.late.scratch_bytes() + self.panels.bytes();
        let strip = self.early.strip_bytes().max(self.late.strip_bytes());
        (self.early.scratch_bytes().max(each.saturating_mul(threads)))
            .saturating_add(self.residual_bytes)
            .saturating_add(strip.saturating_mul(execute::num_threads()))
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
        places: Places<'_>,
        residuals: &Buffer,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let inputs = places.inputs.iter().map(|p| p.cast_mut());
        let bases = inputs
            .chain(places.values.iter().copied())
            .chain([residuals.ptr()]);
        // SAFETY: the bases of `plan_early`; the rest is the contract of `run_bound`.
        unsafe { self.early.run_bound(bases, check) }
    }

    /// All panels, spread over the threads, `at_once` of them at a time.
    fn sweep(
        &self,
        places: Places<'_>,
        residuals: &Buffer,
        at_once: usize,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        if self.panels.count() == 1 {
            // Alone, a panel may use the threads for itself.
            return self.panel(0, places, residuals, check);
        }
        let task = |k: usize| self.panel(k, places, residuals, &execute::uninterrupted);
        let watch = Watch::new(check);
        pool::parallel_for_on(at_once, self.panels.count(), &task, &|| watch.now())
    }

    /// Seeds, one run of the linear half, and the scatter of what it gives.
    fn panel(
        &self,
        k: usize,
        places: Places<'_>,
        residuals: &Buffer,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let (memory, fresh) = self.panel_memory.take();
        if fresh {
            self.panels.clear(&memory);
        }
        self.panels.seed(&memory, k, 1.0);
        let bases = [memory.ptr(), residuals.ptr()]
            .into_iter()
            .chain(places.inputs.iter().map(|p| p.cast_mut()));
        // A buffer whose seeds are not taken back is not given back.
        // SAFETY: the bases of `plan_late`; only the memory of this panel is written. Blocks were
        // checked, and panels write disjoint parts of them.
        unsafe {
            self.late.run_bound(bases, check)?;
            self.panels.scatter(&memory, k, places.blocks);
        }
        self.panels.seed(&memory, k, 0.0);
        self.panel_memory.give(memory);
        Ok(())
    }
}

/// The early half: a base for each input and each value, one for all residuals.
pub fn plan_early(
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
