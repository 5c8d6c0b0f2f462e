//! A function linearized at a point: products with its Jacobian, and parts of it.

mod batch;
mod parts;

use std::fmt;
use std::sync::{Arc, OnceLock};

use jacrs::array::{Array, DType, Dims, View};
use jacrs::differentiate::{Late, Maps, Residual};
use jacrs::error::Result;
use jacrs::execute::check_memory;
use jacrs::ir::{Graph, NodeId, Type};
use jacrs::plan::Plan;
use jacrs::trace::{Access, shape_text};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::arrays::{self, Take};
use crate::error::OrRaise;
use crate::programs::{Arrays, Job, PANEL, Program, detached, results, views};
use crate::session;
use crate::state::{self, State};
use batch::Batch;
pub use parts::{Block, as_index, read_places, record_submatrix};

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
        self.part(py, &rows, &columns)
    }
}

impl LinearMap {
    fn residuals<'a>(&'a self, half: &'a Half) -> impl Iterator<Item = &'a Array> {
        half.late.residuals.iter().map(|residual| match *residual {
            Residual::Input(k) => &self.inputs[k],
            Residual::Computed(k) => &self.residuals[k],
        })
    }
}

/// Data as an input of the recording under way.
fn captured(state: &mut State, data: Array) -> NodeId {
    let access = Access::ReadOnly("it was made outside the recorded function");
    let handle = state.rec.captured(data, access);
    state.rec.node(handle)
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
