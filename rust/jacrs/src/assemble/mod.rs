//! Dense Jacobians: entry by entry where they are scalar code, else by seeds.

mod linear;
mod packed;
mod panel;
mod sweep;

use crate::array::{Array, Dims, Out, View};
pub use crate::differentiate::Mode;
use crate::error::{Error, Result};
use crate::ir::{Graph, NodeId, Op, Type};
use crate::plan::{Plan, Summary};
pub use linear::{Linear, Point, Sweeps};
pub use packed::Packed;
use sweep::Sweep;

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
pub struct Assembly(Body);

/// Where the memory of a run lies.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    pub inputs: &'a [*const u8],
    pub values: &'a [*mut u8],
    pub blocks: &'a [*mut u8],
}

// SAFETY: addresses; who writes through them keeps to disjoint parts.
unsafe impl Sync for Places<'_> {}

enum Body {
    Whole(Box<Whole>),
    Swept(Box<Sweep>),
}

/// One program computes the values and all entries.
struct Whole {
    plan: Plan,
    values: usize,
    /// What its last inputs hold.
    tables: Vec<Array>,
}

impl Whole {
    fn inputs(&self) -> &[Type] {
        let all = self.plan.inputs();
        &all[..all.len() - self.tables.len()]
    }
}

impl Assembly {
    /// Prepares a Jacobian from the two halves of a derivative.
    ///
    /// `early` computes from the function's inputs its `values` values and then the residuals.
    /// `late` computes, linearly, from one panel of shape `S + [width]` for each seeded leaf, and the
    /// residuals, one panel for each swept leaf. The values are whatever is wanted once. Forward, inputs are seeded and values swept; in
    /// reverse the other way round.
    pub fn new(
        early: &Graph,
        late: &Graph,
        values: usize,
        mode: Mode,
        width: usize,
    ) -> Result<Self> {
        let sweep = Sweep::new(early, late, values, mode, width)?;
        Ok(Self(Body::Swept(Box::new(sweep))))
    }

    /// Prepares a Jacobian from a graph that computes its `values` values and then all blocks, as
    /// [`unrolled`](crate::differentiate::unrolled) and [`structured`](crate::sparsity::structured)
    /// make it. Its last inputs are `tables`, which hold the same in all runs.
    pub fn whole(graph: &Graph, values: usize, tables: Vec<Array>) -> Result<Self> {
        let tables = tables.into_iter().map(|table| table.to_contiguous());
        let whole = Whole {
            plan: Plan::new(graph)?,
            values,
            tables: tables.collect(),
        };
        Ok(Self(Body::Whole(Box::new(whole))))
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
        match &self.0 {
            Body::Whole(whole) if whole.values == values.len() => {
                let outputs: Vec<Out> = values.iter().chain(blocks).cloned().collect();
                let tables = whole.tables.iter().map(Array::view);
                let inputs: Vec<View> = inputs.iter().chain(tables).cloned().collect();
                whole.plan.run(&inputs, &outputs, check)
            }
            Body::Whole(whole) => Err(Error::internal(format!(
                "{} values where {} are computed",
                values.len(),
                whole.values
            ))),
            Body::Swept(sweep) => sweep.run_in_chunks(inputs, values, blocks, directions, check),
        }
    }

    /// As [`Assembly::run_in_chunks`], of memory that needs no look. `proceed` is asked when the values
    /// are there; whether it agreed. If it did not the blocks are of no use; see
    /// [`Assembly::asks_first`].
    ///
    /// # Safety
    /// Inputs, values and blocks must have the types of this Jacobian, be contiguous and aligned, and
    /// what is written lie apart from all else.
    pub unsafe fn run_bound(
        &self,
        places: Places<'_>,
        directions: usize,
        proceed: &dyn Fn() -> bool,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<bool> {
        match &self.0 {
            Body::Whole(whole) => {
                let tables = whole.tables.iter().map(|table| table.view().ptr);
                let inputs = places.inputs.iter().copied().chain(tables);
                let outputs = places.values.iter().chain(places.blocks).copied();
                let bases = inputs.map(<*const u8>::cast_mut).chain(outputs);
                // SAFETY: the caller's, and tables are contiguous; inputs are never written.
                unsafe { whole.plan.run_bound(bases, check)? };
                Ok(proceed())
            }
            Body::Swept(sweep) => {
                let at_once = sweep.panels_for(directions);
                // SAFETY: the caller's.
                unsafe { sweep.run_bound(places, at_once, proceed, check) }
            }
        }
    }

    /// Whether `proceed` is asked before anything is written to the blocks.
    pub fn asks_first(&self) -> bool {
        matches!(self.0, Body::Swept(_))
    }

    /// The types of the inputs.
    pub fn inputs(&self) -> &[Type] {
        match &self.0 {
            Body::Whole(whole) => whole.inputs(),
            Body::Swept(sweep) => sweep.inputs(),
        }
    }

    /// Elements that one run computes.
    pub fn work(&self) -> u64 {
        match &self.0 {
            Body::Whole(whole) => whole.plan.work(),
            Body::Swept(sweep) => sweep.work(),
        }
    }

    /// Bytes of scratch that are kept for runs to come.
    pub fn kept_bytes(&self) -> usize {
        match &self.0 {
            Body::Whole(whole) => whole.plan.scratch().kept_bytes(),
            Body::Swept(sweep) => sweep.kept_bytes(),
        }
    }

    /// Bytes of scratch on this many threads.
    pub fn scratch_bytes(&self, threads: usize) -> usize {
        match &self.0 {
            Body::Whole(whole) => whole.plan.run_bytes(threads),
            Body::Swept(sweep) => sweep.scratch_bytes(threads),
        }
    }

    /// What runs once, and what runs for each panel.
    pub fn summary(&self) -> (Summary, Summary) {
        match &self.0 {
            Body::Whole(whole) => (whole.plan.summary(), Summary::default()),
            Body::Swept(sweep) => sweep.summary(),
        }
    }

    /// Panels in one run, and their width; none where entries are computed one by one.
    pub fn panels(&self) -> (usize, usize) {
        match &self.0 {
            Body::Whole(_) => (0, 0),
            Body::Swept(sweep) => sweep.panels(),
        }
    }
}

/// Where a residual is.
#[derive(Clone, Copy)]
enum Place {
    /// An input of the function, read where it is.
    Input(usize),
    /// Computed by `early`, at this offset.
    Stored(usize),
}

/// Where each residual is, those that have to be computed, and their bytes.
fn residuals(early: &Graph, values: usize, kinds: &[Type]) -> (Vec<Place>, Vec<NodeId>, usize) {
    let given = early.outputs[values..].iter().zip(kinds);
    let (computed, stored): (Vec<NodeId>, Vec<Type>) = given
        .filter(|&(&id, _)| !matches!(early.op(id), Op::Input(_)))
        .map(|(&id, kind)| (id, kind.clone()))
        .unzip();
    let packed = Packed::new(stored);
    let mut offsets = packed.offsets().iter().copied();
    let places = (early.outputs[values..].iter())
        .map(|&id| match early.op(id) {
            Op::Input(k) => Place::Input(k as usize),
            _ => Place::Stored(offsets.next().expect("one for each that is computed")),
        })
        .collect();
    (places, computed, packed.bytes())
}

/// The shape of a block.
fn block_shape(value: &Type, input: &Type) -> Dims {
    value.shape.iter().chain(&input.shape).copied().collect()
}

#[cfg(test)]
mod tests;
