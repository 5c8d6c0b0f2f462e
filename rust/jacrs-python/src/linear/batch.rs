//! Many products at once, in panels of lanes.

use jacrs::array::{Array, Layout, Out, View, copy};
use jacrs::error::Result;
use jacrs::execute::{self, Watch, pool};
use jacrs::plan::Plan;

use super::Half;
use crate::programs::PANEL;

/// Vectors that go one by one where they are no whole panel.
const FEW: usize = 3;

/// Many products over the same residuals, in panels of lanes.
pub struct Batch<'a> {
    pub half: &'a Half,
    /// With the vectors along their last axis.
    pub seeds: Vec<View>,
    pub residuals: Vec<View>,
    pub outs: &'a [Out],
    pub width: usize,
}

impl Batch<'_> {
    pub fn run(&self, check: &dyn Fn() -> Result<()>) -> Result<()> {
        let (mut panels, mut rest) = (self.width / PANEL, self.width % PANEL);
        if rest > FEW {
            (panels, rest) = (panels + 1, 0);
        }
        if panels > 0 {
            let plan = self.half.lanes()?;
            let task = |k: usize| self.panel(plan, k * PANEL);
            let watch = Watch::new(check);
            pool::parallel_for(panels, &task, &|| watch.now())?;
        }
        for k in self.width - rest..self.width {
            self.one(k, check)?;
        }
        Ok(())
    }

    /// Vectors from `first` on; where there are too few for a panel, the others are zero.
    fn panel(&self, plan: &Plan, first: usize) -> Result<()> {
        let count = PANEL.min(self.width - first);
        let mut padded = vec![];
        let mut given: Vec<View> = vec![];
        for (seed, kind) in self.seeds.iter().zip(plan.inputs()) {
            let lanes = lanes_of(seed, first, count);
            if count == PANEL {
                given.push(lanes);
                continue;
            }
            let (array, out) = Array::uninit(kind.dtype, &kind.shape);
            jacrs::array::zero_fill(&out);
            copy(&lanes, out.ptr, &lanes_layout(&kind.shape, count));
            given.push(array.view().clone());
            padded.push(array);
        }
        given.extend(self.residuals.iter().cloned());
        let (found, outs): (Vec<Array>, Vec<Out>) = (plan.outputs().iter())
            .map(|t| Array::uninit(t.dtype, &t.shape))
            .unzip();
        plan.run(&given, &outs, &execute::uninterrupted)?;
        for (array, out) in found.iter().zip(self.outs) {
            let target = out.ptr.wrapping_add(first * out.dtype.size());
            copy(
                &lanes_of(array.view(), 0, count),
                target,
                &lanes_layout(&out.shape, count),
            );
        }
        Ok(())
    }

    fn one(&self, k: usize, check: &dyn Fn() -> Result<()>) -> Result<()> {
        let plan = self.half.single()?;
        let seeds = self.seeds.iter().map(|seed| {
            let mut view = lanes_of(seed, k, 1);
            view.layout.shape.pop();
            view.layout.strides.pop();
            view
        });
        let given: Vec<View> = seeds.chain(self.residuals.iter().cloned()).collect();
        let (found, outs): (Vec<Array>, Vec<Out>) = (plan.outputs().iter())
            .map(|t| Array::uninit(t.dtype, &t.shape))
            .unzip();
        plan.run(&given, &outs, check)?;
        for (array, out) in found.iter().zip(self.outs) {
            let mut layout = lanes_layout(&out.shape, 1);
            layout.shape.pop();
            layout.strides.pop();
            copy(
                array.view(),
                out.ptr.wrapping_add(k * out.dtype.size()),
                &layout,
            );
        }
        Ok(())
    }
}

/// Some lanes of a view.
fn lanes_of(view: &View, first: usize, count: usize) -> View {
    let mut layout = view.layout.clone();
    let last = layout.shape.len() - 1;
    layout.shape[last] = count;
    view.relaid(first as isize * layout.strides[last], layout)
}

/// The layout of `count` lanes in an array of this shape.
fn lanes_layout(shape: &[usize], count: usize) -> Layout {
    let mut layout = Layout::contiguous(shape);
    let last = shape.len() - 1;
    layout.shape[last] = count;
    layout
}
