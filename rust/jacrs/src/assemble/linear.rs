//! A function linearized at a point: values and residuals once, products any number of times.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::sweep::plan_early;
use super::{Packed, Place};
use crate::array::{Array, Buffer, Layout, Out, View, copy, zero_fill};
use crate::differentiate::{Late, Maps, Mode, Residual};
use crate::error::Result;
use crate::execute::{self, Staged, Watch, check_memory, pool};
use crate::ir::{Graph, NodeId, Type};
use crate::plan::{ARENA, Address, Bindings, Plan};

/// Both linear maps of a function, planned; the maps themselves when they are first wanted.
///
/// ```
/// use jacrs::{array::Array, assemble::{Linear, Mode}, differentiate::Maps, execute::uninterrupted, ir::parse};
/// let g = parse("
///     %0 = input! : float64[3]
///     %1 = square(%0) : float64[3]
///     return %1").unwrap();
/// let linear = Linear::new(Maps::new(&g, &g.outputs, &g.outputs, g.inputs()), 1, 16).unwrap();
/// let (y, y_out) = Array::uninit(jacrs::array::DType::F64, &[3]);
/// let x = Array::from_slice(&[3], &[1.0, 2.0, 3.0]);
/// let point = linear.at(vec![x], &[y_out], &uninterrupted).unwrap();
/// assert_eq!(y.to_vec::<f64>(), [1.0, 4.0, 9.0]);
/// let u = Array::from_slice(&[3], &[1.0, 0.0, 1.0]);
/// let (v, out) = Array::uninit(jacrs::array::DType::F64, &[3]);
/// linear.sweeps().product(&point, Mode::Forward, &[u.view().clone()], &[out], &uninterrupted).unwrap();
/// assert_eq!(v.to_vec::<f64>(), [2.0, 0.0, 6.0]);
/// ```
pub struct Linear {
    early: Plan,
    values: usize,
    sweeps: Arc<Sweeps>,
}

/// The linear maps of a function, planned, for all of its points.
pub struct Sweeps {
    /// The residuals that are computed.
    residuals: Packed,
    forward: Half,
    reverse: Half,
    width: usize,
}

/// A linear map and its programs.
struct Half {
    late: Late,
    single: OnceLock<Plan>,
    lanes: OnceLock<Plan>,
}

/// What products at a point are computed from.
pub struct Point {
    /// The data of the function's inputs, in C order.
    inputs: Vec<Array>,
    residuals: Arc<Buffer>,
}

impl Point {
    /// A point where the inputs of a function are these, and its residuals are in `residuals` as
    /// [`Sweeps::residuals`] packs them.
    ///
    /// # Safety
    /// All residuals of the function were written there.
    pub unsafe fn new(inputs: &[Array], residuals: Arc<Buffer>) -> Self {
        Self {
            inputs: inputs.iter().map(Array::to_contiguous).collect(),
            residuals,
        }
    }

    pub fn inputs(&self) -> &[Array] {
        &self.inputs
    }
}

/// Vectors that go one by one where they are no whole panel.
const FEW: usize = 3;

impl Linear {
    /// Plans the maps of a function with `values` values; many vectors go `width` at a time.
    ///
    /// # Errors
    /// Those of [`Plan::new`].
    pub fn new(maps: Maps, values: usize, width: usize) -> Result<Self> {
        let computed: Vec<NodeId> = maps.early.outputs[values..].to_vec();
        let early = maps.early.clone();
        let sweeps = Sweeps::new(maps, values, width);
        let offsets = sweeps.residuals.offsets().iter();
        let places: Vec<Place> = offsets.map(|&o| Place::Stored(o)).collect();
        Ok(Self {
            early: plan_early(&early, values, &places, &computed)?,
            values,
            sweeps: Arc::new(sweeps),
        })
    }

    /// Computes the values for these inputs, and what products at this point need.
    ///
    /// # Errors
    /// Inputs or values of other types; too little memory; whatever a kernel or `check` reports.
    pub fn at(
        &self,
        inputs: Vec<Array>,
        values: &[Out],
        check: &dyn Fn() -> Result<()>,
    ) -> Result<Point> {
        let types = inputs.iter().map(|x| (x.dtype(), x.shape()));
        execute::validate("input", self.early.inputs(), types)?;
        let given = values.iter().map(|o| (o.dtype, &o.shape[..]));
        execute::validate("output", self.value_types(), given)?;
        let bytes = (self.early.run_bytes(execute::num_threads()))
            .saturating_add(self.sweeps.residuals.bytes());
        check_memory(bytes, || "the linear map of a function".into())?;
        let inputs: Vec<Array> = inputs.iter().map(Array::to_contiguous).collect();
        let views: Vec<View> = inputs.iter().map(|x| x.view().clone()).collect();
        let staged = Staged::new(&views, values)?;
        let residuals = Arc::new(Buffer::new(self.sweeps.residuals.bytes()));
        let bases = (staged.inputs.iter().map(|p| p.cast_mut()))
            .chain(staged.outputs.iter().copied())
            .chain([residuals.ptr()]);
        // SAFETY: the bases of `plan_early`; the types were checked, and staging parted them.
        unsafe { self.early.run_bound(bases, check)? };
        staged.finish(values);
        Ok(Point { inputs, residuals })
    }

    /// Elements that [`Linear::at`] computes.
    pub fn work_at(&self) -> u64 {
        self.early.work()
    }

    /// The types of the values.
    pub fn value_types(&self) -> &[Type] {
        &self.early.outputs()[..self.values]
    }

    /// The linear maps, of which a point is one of many.
    pub fn sweeps(&self) -> &Arc<Sweeps> {
        &self.sweeps
    }

    /// Bytes of scratch that are kept for runs to come.
    pub fn kept_bytes(&self) -> usize {
        self.early.scratch().kept_bytes() + self.sweeps.kept_bytes()
    }
}

impl Sweeps {
    /// The maps of a function with `values` values; many vectors go `width` at a time.
    pub fn new(maps: Maps, values: usize, width: usize) -> Self {
        let computed = maps.early.outputs[values..].iter();
        let half = |late| Half {
            late,
            single: OnceLock::new(),
            lanes: OnceLock::new(),
        };
        Self {
            residuals: Packed::new(computed.map(|&id| maps.early.type_of(id)).collect()),
            forward: half(maps.forward),
            reverse: half(maps.reverse),
            width,
        }
    }

    /// The residuals that are computed, as they lie in the memory of a point.
    pub fn residuals(&self) -> &Packed {
        &self.residuals
    }

    /// The linear map as a graph, whose inputs are the seeds, then the residuals.
    pub fn graph(&self, mode: Mode) -> &Graph {
        &self.half(mode).late.graph
    }

    /// The residuals of the linear map at a point, in the order of its inputs.
    pub fn residuals_at<'a>(
        &'a self,
        point: &'a Point,
        mode: Mode,
    ) -> impl Iterator<Item = Array> + 'a {
        let late = &self.half(mode).late;
        late.residuals.iter().map(|residual| match *residual {
            Residual::Input(k) => point.inputs[k].clone(),
            Residual::Computed(k) => self.residuals.array(&point.residuals, k),
        })
    }

    /// Elements that a product computes; no number is too large for the first, which plans.
    pub fn work(&self, mode: Mode) -> u64 {
        self.half(mode).single.get().map_or(u64::MAX, Plan::work)
    }

    fn half(&self, mode: Mode) -> &Half {
        match mode {
            Mode::Forward => &self.forward,
            Mode::Reverse => &self.reverse,
        }
    }

    /// The types of products: those of the values forward, of the inputs in reverse.
    pub fn product_types(&self, mode: Mode) -> Vec<Type> {
        let graph = self.graph(mode);
        graph.outputs.iter().map(|&id| graph.type_of(id)).collect()
    }

    /// The product with one vector.
    ///
    /// # Errors
    /// Vectors or products of other types; too little memory; whatever a kernel or `check` reports.
    pub fn product(
        &self,
        point: &Point,
        mode: Mode,
        seeds: &[View],
        outs: &[Out],
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let half = self.half(mode);
        let plan = planned(&half.single, || self.plan(&half.late, &half.late.graph))?;
        self.run(point, plan, half.late.seeds, seeds, outs, check)
    }

    /// The products with `count` vectors, which are the last axis of seeds and products. They go in
    /// panels over the threads; which panels depends on nothing but `count`.
    ///
    /// # Errors
    /// Vectors or products of other types; too little memory; whatever a kernel or `check` reports.
    pub fn products(
        &self,
        point: &Point,
        mode: Mode,
        seeds: &[View],
        outs: &[Out],
        count: usize,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let half = self.half(mode);
        let seeded = half.late.graph.inputs()[..half.late.seeds].iter();
        let seeded: Vec<Type> = seeded.map(|&id| half.late.graph.type_of(id)).collect();
        let types = seeds.iter().map(|v| (v.dtype, v.shape()));
        execute::validate("seed", &repeated(seeded, count), types)?;
        let given = outs.iter().map(|o| (o.dtype, &o.shape[..]));
        execute::validate("product", &repeated(self.product_types(mode), count), given)?;
        let (mut panels, mut rest) = (count / self.width, count % self.width);
        if rest > FEW {
            (panels, rest) = (panels + 1, 0);
        }
        if panels > 0 {
            let make = || self.plan(&half.late, &half.late.lanes(self.width)?);
            let plan = planned(&half.lanes, make)?;
            let task = |k: usize| {
                let first = k * self.width;
                let lanes = first..count.min(first + self.width);
                self.panel(point, plan, half.late.seeds, seeds, outs, lanes)
            };
            let watch = Watch::new(check);
            pool::parallel_for(panels, &task, &|| watch.now())?;
        }
        for k in count - rest..count {
            let one: Vec<View> = seeds
                .iter()
                .map(|s| without_last(lanes_of(s, k, 1)))
                .collect();
            let (found, places) = arrays(&self.product_types(mode));
            self.product(point, mode, &one, &places, check)?;
            for (array, out) in found.iter().zip(outs) {
                let target = without_last(lanes_of(&out.view(), k, 1));
                copy(array.view(), target.ptr.cast_mut(), &target.layout);
            }
        }
        Ok(())
    }

    /// Some vectors at once; where they are fewer than the panel is wide, the others are zero.
    fn panel(
        &self,
        point: &Point,
        plan: &Plan,
        seeded: usize,
        seeds: &[View],
        outs: &[Out],
        lanes: std::ops::Range<usize>,
    ) -> Result<()> {
        let (full, places) = arrays(&plan.inputs()[..seeded]);
        for (seed, out) in seeds.iter().zip(&places) {
            if lanes.len() < self.width {
                zero_fill(out);
            }
            let target = lanes_of(&out.view(), 0, lanes.len());
            copy(
                &lanes_of(seed, lanes.start, lanes.len()),
                out.ptr,
                &target.layout,
            );
        }
        let given: Vec<View> = full.iter().map(|x| x.view().clone()).collect();
        let (found, places) = arrays(plan.outputs());
        self.run(
            point,
            plan,
            seeded,
            &given,
            &places,
            &execute::uninterrupted,
        )?;
        for (array, out) in found.iter().zip(outs) {
            let target = lanes_of(&out.view(), lanes.start, lanes.len());
            let source = lanes_of(array.view(), 0, lanes.len());
            copy(&source, target.ptr.cast_mut(), &target.layout);
        }
        Ok(())
    }

    /// Plans a linear map: a base for each seed and each product, one for all residuals, then one
    /// for each input of the function.
    fn plan(&self, late: &Late, graph: &Graph) -> Result<Plan> {
        let mut bindings = Bindings::apart(late.seeds, graph.outputs.len());
        let base = ARENA + 1 + (late.seeds + graph.outputs.len()) as u32;
        let places = late.residuals.iter().map(|residual| match *residual {
            Residual::Computed(k) => Address {
                base,
                offset: self.residuals.offsets()[k] as isize,
            },
            Residual::Input(k) => Address {
                base: base + 1 + k as u32,
                offset: 0,
            },
        });
        bindings.inputs.extend(places);
        Plan::bound(graph, &graph.outputs, bindings)
    }

    fn run(
        &self,
        point: &Point,
        plan: &Plan,
        seeded: usize,
        seeds: &[View],
        outs: &[Out],
        check: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let types = seeds.iter().map(|v| (v.dtype, v.shape()));
        execute::validate("seed", &plan.inputs()[..seeded], types)?;
        let given = outs.iter().map(|o| (o.dtype, &o.shape[..]));
        execute::validate("product", plan.outputs(), given)?;
        check_memory(plan.run_bytes(execute::num_threads()), || {
            format!("the intermediate values of a product, {plan},")
        })?;
        let staged = Staged::new(seeds, outs)?;
        let bases = (staged.inputs.iter().map(|p| p.cast_mut()))
            .chain(staged.outputs.iter().copied())
            .chain([point.residuals.ptr()])
            .chain(point.inputs.iter().map(|x| x.view().ptr.cast_mut()));
        // SAFETY: the bases of `plan`, of which no step writes residuals or inputs; the types were
        // checked, staging parted seeds and products, a point was made by this map.
        unsafe { plan.run_bound(bases, check)? };
        staged.finish(outs);
        Ok(())
    }

    /// Bytes of scratch that are kept for runs to come.
    pub fn kept_bytes(&self) -> usize {
        let halves = [&self.forward, &self.reverse];
        let late = halves.iter().flat_map(|half| [&half.single, &half.lanes]);
        let plans = late.filter_map(OnceLock::get);
        plans.map(|plan| plan.scratch().kept_bytes()).sum()
    }
}

impl fmt::Display for Linear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "once: {}, {}", self.early, self.sweeps)
    }
}

impl fmt::Display for Sweeps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of residuals", self.residuals.bytes())
    }
}

/// What is in the cell, made there if nothing is yet.
fn planned(cell: &OnceLock<Plan>, make: impl FnOnce() -> Result<Plan>) -> Result<&Plan> {
    if let Some(plan) = cell.get() {
        return Ok(plan);
    }
    // Two threads may both plan: the first to be done wins.
    let plan = make()?;
    Ok(cell.get_or_init(|| plan))
}

/// The types with a last axis more.
fn repeated(mut types: Vec<Type>, count: usize) -> Vec<Type> {
    for t in &mut types {
        t.shape.push(count);
    }
    types
}

/// New arrays of these types, and where to write them.
fn arrays(types: &[Type]) -> (Vec<Array>, Vec<Out>) {
    let made = types.iter().map(|t| Array::uninit(t.dtype, &t.shape));
    made.unzip()
}

/// Some lanes of a view.
fn lanes_of(view: &View, first: usize, count: usize) -> View {
    let mut layout = view.layout.clone();
    let last = layout.shape.len() - 1;
    layout.shape[last] = count;
    view.relaid(first as isize * layout.strides[last], layout)
}

/// The only lane of a view, without its axis.
fn without_last(view: View) -> View {
    let mut layout: Layout = view.layout.clone();
    layout.shape.pop();
    layout.strides.pop();
    view.relaid(0, layout)
}
