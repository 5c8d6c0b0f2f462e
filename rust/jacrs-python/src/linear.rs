//! A function linearized at a point: products with its Jacobian, and parts of it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use jacrs::array::{Array, DType, Dims, Layout, Out, View, copy};
use jacrs::differentiate::{self, Late, Maps, Mode, Places, Residual, Source, Submatrix};
use jacrs::error::Result;
use jacrs::execute::{self, Watch, check_memory, pool};
use jacrs::ir::{Graph, NodeId, Op, Type};
use jacrs::ops::tile::{Tile, cut_out};
use jacrs::plan::Plan;
use jacrs::trace::{Access, Handle, shape_text};
use numpy::{PyArrayDyn, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyList, PySlice};

use crate::arrays::{self, Take, new_numpy};
use crate::error::OrRaise;
use crate::programs::{self, Arrays, Job, PANEL, Program, Request, detached, results, views};
use crate::session;
use crate::state::{self, State};

/// Values and residuals once, then two linear maps over them.
pub struct LinearProgram {
    early: Plan,
    values: usize,
    forward: Half,
    reverse: Half,
}

/// A linear map with its programs, which are made when they are first wanted.
struct Half {
    late: Late,
    single: OnceLock<Plan>,
    lanes: OnceLock<Plan>,
}

/// Columns of seeds that go one by one where they are no whole panel.
const FEW: usize = 3;

impl LinearProgram {
    pub fn new(recorded: &Graph, ys: &[NodeId], outputs: &[NodeId], xs: &[NodeId]) -> Result<Self> {
        let maps = Maps::new(recorded, ys, outputs, xs);
        let half = |late| Half {
            late,
            single: OnceLock::new(),
            lanes: OnceLock::new(),
        };
        Ok(Self {
            early: Plan::new(&maps.early)?,
            values: ys.len(),
            forward: half(maps.forward),
            reverse: half(maps.reverse),
        })
    }

    pub fn kept_bytes(&self) -> usize {
        let late = [&self.forward, &self.reverse];
        let plans = late.iter().flat_map(|half| [&half.single, &half.lanes]);
        let kept = |plan: &Plan| plan.scratch().kept_bytes();
        kept(&self.early) + plans.filter_map(OnceLock::get).map(kept).sum::<usize>()
    }

    fn half(&self, reverse: bool) -> &Half {
        if reverse {
            &self.reverse
        } else {
            &self.forward
        }
    }
}

impl fmt::Display for LinearProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "once:\n{}", self.early)
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

impl Half {
    fn single(&self) -> Result<&Plan> {
        planned(&self.single, || Plan::new(&self.late.graph))
    }

    fn lanes(&self) -> Result<&Plan> {
        planned(&self.lanes, || Plan::new(&self.late.lanes(PANEL)?))
    }
}

/// A recorded function at a point. It keeps the graph and the data of its inputs, for parts of the
/// Jacobian, and the residuals, for products.
#[pyclass(frozen, module = "jacrs._jacrs")]
pub struct LinearMap {
    program: Arc<Program>,
    graph: Graph,
    inputs: Vec<Array>,
    /// With the number of the first row of each.
    ys: Vec<(NodeId, usize)>,
    xs: Vec<NodeId>,
    residuals: Vec<Array>,
}

/// The values of `ys`, and the linear map.
pub fn linear_map(
    py: Python<'_>,
    job: Job,
    graph: Graph,
    ys: Vec<(NodeId, usize)>,
    xs: Vec<NodeId>,
) -> PyResult<(Arrays, LinearMap)> {
    let program = job.program.linear();
    let types = program.early.outputs();
    let (values, mut outs) = results(py, &types[..program.values])?;
    let mut residuals = vec![];
    for Type { dtype, shape } in &types[program.values..] {
        let (array, out) = Array::uninit(*dtype, shape);
        residuals.push(array);
        outs.push(out);
    }
    let inputs = views(&job.inputs);
    detached(py, |check| program.early.run(&inputs, &outs, check))?;
    let map = LinearMap {
        program: job.program.clone(),
        graph,
        inputs: job.inputs,
        ys,
        xs,
        residuals,
    };
    Ok((values, map))
}

#[pymethods]
impl LinearMap {
    /// The product with one vector: tangents forward, cotangents in `reverse`, in their dtypes and
    /// shapes.
    fn product(
        &self,
        py: Python<'_>,
        reverse: bool,
        seeds: &Bound<'_, PyList>,
    ) -> PyResult<Arrays> {
        let seeds = read_seeds(seeds)?;
        let half = self.program.linear().half(reverse);
        let plan = half.single().or_raise(py)?;
        let given: Vec<View> = seeds.iter().chain(self.residuals(half)).map(view).collect();
        let (arrays, outs) = results(py, plan.outputs())?;
        detached(py, |check| plan.run(&given, &outs, check))?;
        Ok(arrays)
    }

    /// The products with `width` vectors, which are the last axis of the seeds and of the results.
    fn products(
        &self,
        py: Python<'_>,
        reverse: bool,
        seeds: &Bound<'_, PyList>,
        width: usize,
    ) -> PyResult<Arrays> {
        let seeds = read_seeds(seeds)?;
        let half = self.program.linear().half(reverse);
        let mut types = half.single().or_raise(py)?.outputs().to_vec();
        for t in &mut types {
            t.shape.push(width);
        }
        check_blocks(&types).or_raise(py)?;
        let (arrays, outs) = results(py, &types)?;
        let batch = Batch {
            half,
            seeds: seeds.iter().map(view).collect(),
            residuals: self.residuals(half).map(view).collect(),
            outs: &outs,
            width,
        };
        detached(py, |check| batch.run(check))?;
        Ok(arrays)
    }

    /// The product with one vector as nodes of the recording under way.
    fn record(
        &self,
        py: Python<'_>,
        reverse: bool,
        seeds: &Bound<'_, PyList>,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let seeds = session::read_given(seeds)?;
        let half = self.program.linear().half(reverse);
        let (made, generation) = state::with(py, |state| {
            state.locate(py);
            let mut given = session::nodes(state, &seeds)?;
            for residual in self.residuals(half) {
                given.push(captured(state, residual.clone()));
            }
            let products = state.rec.graph.splice(&half.late.graph, &given);
            let made = products.into_iter().map(|id| session::fresh(state, id));
            Ok((made.collect(), state.generation))
        })?;
        session::tracers(py, made, generation)
    }

    /// The elements of the Jacobian in some rows and columns, both ascending: blocks, each with its
    /// places among the rows and among the columns. All else is zero.
    fn submatrix(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        columns: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<Block>> {
        let (rows, columns) = (read_places(rows)?, read_places(columns)?);
        check_blocks(&[Type::new(DType::F64, &[rows.len(), columns.len()])]).or_raise(py)?;
        let known = |x: NodeId| match self.graph.op(x) {
            Op::Input(k) if self.graph.dtype(x) == DType::I64 => {
                Some(self.inputs[k as usize].clone())
            }
            _ => None,
        };
        let (ys, xs) = (&self.ys, &self.xs);
        let part =
            differentiate::submatrix(&self.graph, ys, xs, &rows, &columns, |_| false, &known);
        if part.rows.is_empty() || part.columns.is_empty() {
            return Ok(vec![]);
        }
        let request = Request::Jacobian(mode_of(&part));
        let (ys, xs) = nodes_of(&part);
        let job = Job {
            program: programs::slice_program(&part.graph, request, &ys, &xs).or_raise(py)?,
            inputs: part.sources.iter().map(|s| self.data(s)).collect(),
        };
        let (_, blocks) = programs::jacobian(py, &job)?;
        let mut found = vec![];
        for (row, blocks) in part.rows.iter().zip(blocks) {
            for (column, block) in part.columns.iter().zip(blocks) {
                let places = (as_index(py, &row.among)?, as_index(py, &column.among)?);
                found.push((places.0, places.1, block));
            }
        }
        Ok(found)
    }
}

/// Places among the rows, places among the columns, and what is there.
pub type Block = (Py<PyAny>, Py<PyAny>, Py<PyAny>);

fn mode_of(part: &Submatrix) -> Mode {
    let count = |chosen: &[differentiate::Chosen]| chosen.iter().map(|c| c.among.len()).sum();
    Mode::choose(count(&part.columns), count(&part.rows))
}

fn nodes_of(part: &Submatrix) -> (Vec<NodeId>, Vec<NodeId>) {
    let nodes = |chosen: &[differentiate::Chosen]| chosen.iter().map(|c| c.node).collect();
    (nodes(&part.rows), nodes(&part.columns))
}

/// The same within a recording: blocks are tracers.
pub fn record_submatrix(
    py: Python<'_>,
    state: &mut State,
    outputs: &[(NodeId, usize)],
    inputs: &[NodeId],
    rows: &Places,
    columns: &Places,
) -> Result<Vec<(Places, Places, (Handle, bool))>> {
    state.locate(py);
    let g = &state.rec.graph;
    let depends = g.dependents(inputs);
    // What does not depend on the inputs is there already.
    let stops = |x: NodeId| !depends[x.index()];
    let mut part = differentiate::submatrix(g, outputs, inputs, rows, columns, stops, &|_| None);
    let (ys, xs) = nodes_of(&part);
    let mode = mode_of(&part);
    let blocks = differentiate::jacobian(&mut part.graph, &ys, &xs, mode)?;
    let mut places = vec![];
    for (row, blocks) in part.rows.iter().zip(blocks) {
        for (column, block) in part.columns.iter().zip(blocks) {
            if let Some(block) = block {
                part.graph.outputs.push(block);
                places.push((row.among.clone(), column.among.clone()));
            }
        }
    }
    let given: Vec<NodeId> = (part.sources.iter())
        .map(|source| match source {
            Source::Tile(x, tile) => {
                let g = &mut state.rec.graph;
                let whole = Tile::of(g, *x);
                cut_out(g, *x, &whole, tile)
            }
            Source::Index(list) => captured(state, Array::from_slice(&[list.len()], list)),
        })
        .collect();
    let nodes = state.rec.graph.splice(&part.graph, &given);
    let made = places.into_iter().zip(nodes);
    Ok(made
        .map(|((rows, columns), id)| (rows, columns, session::fresh(state, id)))
        .collect())
}

/// Data as an input of the recording under way.
fn captured(state: &mut State, data: Array) -> NodeId {
    let access = Access::ReadOnly("it was made outside the recorded function");
    let handle = state.rec.captured(data, access);
    state.rec.node(handle)
}

impl LinearMap {
    fn residuals<'a>(&'a self, half: &'a Half) -> impl Iterator<Item = &'a Array> {
        half.late.residuals.iter().map(|residual| match *residual {
            Residual::Input(k) => &self.inputs[k],
            Residual::Computed(k) => &self.residuals[k],
        })
    }

    /// The data of an input of a part.
    fn data(&self, source: &Source) -> Array {
        match source {
            Source::Index(list) => Array::from_slice(&[list.len()], list),
            Source::Tile(x, tile) => {
                let Op::Input(k) = self.graph.op(*x) else {
                    unreachable!("parts are computed from inputs")
                };
                tile.part_of(&self.inputs[k as usize])
            }
        }
    }
}

/// Many products over the same residuals, in panels of lanes.
struct Batch<'a> {
    half: &'a Half,
    /// With the vectors along their last axis.
    seeds: Vec<View>,
    residuals: Vec<View>,
    outs: &'a [Out],
    width: usize,
}

impl Batch<'_> {
    fn run(&self, check: &dyn Fn() -> Result<()>) -> Result<()> {
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

fn view(array: &Array) -> View {
    array.view().clone()
}

fn read_seeds(seeds: &Bound<'_, PyList>) -> PyResult<Vec<Array>> {
    seeds
        .iter()
        .map(|seed| arrays::from_numpy(&arrays::asarray(&seed)?, Take::Borrow))
        .collect()
}

/// Places from Python: `(start, step, count)`, or an ascending array of int64.
pub fn read_places(places: &Bound<'_, PyAny>) -> PyResult<Places> {
    if let Ok((start, step, count)) = places.extract::<(usize, usize, usize)>() {
        return Ok(Places::Range { start, step, count });
    }
    let list = places.cast::<PyArrayDyn<i64>>()?.to_vec()?;
    Ok(Places::List(list.into_iter().map(|p| p as usize).collect()))
}

/// Places as an index of NumPy.
pub fn as_index(py: Python<'_>, places: &Places) -> PyResult<Py<PyAny>> {
    match places {
        Places::Range { start, step, count } => {
            let bounds = [*start, start + step * count, *step].map(|n| n as isize);
            let slice = PySlice::new(py, bounds[0], bounds[1], bounds[2]);
            Ok(slice.into_any().unbind())
        }
        Places::List(list) => {
            let (array, out) = new_numpy(py, DType::I64, &[list.len()])?;
            for (k, &place) in list.iter().enumerate() {
                // SAFETY: the array was made with one int64 for each place.
                unsafe { out.ptr.cast::<i64>().add(k).write(place as i64) }
            }
            Ok(array.unbind())
        }
    }
}

/// Refuses results that the memory at hand cannot hold, before they are allocated.
fn check_blocks(types: &[Type]) -> Result<()> {
    let bytes = types.iter().map(|t| {
        let shape: &Dims = &t.shape;
        shape
            .iter()
            .fold(t.dtype.size(), |n, &d| n.saturating_mul(d))
    });
    check_memory(bytes.fold(0, usize::saturating_add), || {
        let shapes: Vec<_> = types.iter().map(|t| shape_text(&t.shape)).collect();
        format!("a result of shape {}", shapes.join(", "))
    })
}
