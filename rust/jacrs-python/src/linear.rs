//! A function linearized at a point: products with its Jacobian, and parts of it.

mod parts;

use std::sync::Arc;

use jacrs::array::{Array, DType};
use jacrs::assemble::{Mode, Point, Sweeps};
use jacrs::ir::{Graph, NodeId, Type};
use jacrs::trace::Access;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::arrays::{self, Take};
use crate::error::OrRaise;
use crate::programs::{Arrays, Job, check_result, results, views};
use crate::session;
use crate::signals::run;
use crate::sparse::entries_at;
use crate::sparsity::Structure;
use crate::state::{self, State};
pub use parts::{Block, as_index, read_places, record_submatrix};

/// A recorded function at a point. It keeps the graph and the data of its inputs, for parts of the
/// Jacobian, and the residuals, for products.
#[pyclass(frozen, module = "jacrs._jacrs")]
pub struct LinearMap {
    sweeps: Arc<Sweeps>,
    function: Arc<Function>,
    point: Point,
}

/// What was recorded.
pub struct Function {
    pub graph: Graph,
    /// With the number of the first row of each.
    pub ys: Vec<(NodeId, usize)>,
    pub xs: Vec<NodeId>,
}

/// The values of `ys`, and the linear map.
pub fn linear_map(py: Python<'_>, job: Job, function: Function) -> PyResult<(Arrays, LinearMap)> {
    let Job { program, inputs } = job;
    let linear = program.linear();
    let (values, outs) = results(py, linear.value_types(), "a result")?;
    let point = run(py, linear.work_at(), |check| {
        linear.at(inputs, &outs, check)
    })?;
    let map = LinearMap::new(linear.sweeps().clone(), Arc::new(function), point);
    Ok((values, map))
}

impl LinearMap {
    /// The linear maps of a function at one of its points.
    pub fn new(sweeps: Arc<Sweeps>, function: Arc<Function>, point: Point) -> Self {
        Self {
            sweeps,
            function,
            point,
        }
    }
}

fn mode(reverse: bool) -> Mode {
    if reverse {
        Mode::Reverse
    } else {
        Mode::Forward
    }
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
        let (seeds, mode, sweeps) = (read_seeds(seeds)?, mode(reverse), &self.sweeps);
        let (arrays, outs) = results(py, &sweeps.product_types(mode), "a result")?;
        let seeds = views(&seeds);
        run(py, sweeps.work(mode), |check| {
            sweeps.product(&self.point, mode, &seeds, &outs, check)
        })?;
        Ok(arrays)
    }

    /// The products with `count` vectors, which are the last axis of the seeds and of the results.
    fn products(
        &self,
        py: Python<'_>,
        reverse: bool,
        seeds: &Bound<'_, PyList>,
        count: usize,
    ) -> PyResult<Arrays> {
        let (seeds, mode, sweeps) = (read_seeds(seeds)?, mode(reverse), &self.sweeps);
        let mut types = sweeps.product_types(mode);
        for t in &mut types {
            t.shape.push(count);
        }
        let (arrays, outs) = results(py, &types, "a result")?;
        let seeds = views(&seeds);
        run(py, u64::MAX, |check| {
            sweeps.products(&self.point, mode, &seeds, &outs, count, check)
        })?;
        Ok(arrays)
    }

    /// The product with one vector as nodes of the recording under way.
    fn record(
        &self,
        py: Python<'_>,
        reverse: bool,
        seeds: &Bound<'_, PyList>,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let (mode, sweeps) = (mode(reverse), &self.sweeps);
        let residuals = sweeps.residuals_at(&self.point, mode);
        record_products(py, sweeps.graph(mode), seeds, residuals)
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
        let whole = Type::new(DType::F64, &[rows.len(), columns.len()]);
        check_result(std::iter::once(&whole), "a part of a Jacobian").or_raise(py)?;
        self.part(py, &rows, &columns)
    }

    /// Where the Jacobian may be other than zero, and its entries there; only the rows of outputs
    /// that are differentiated.
    fn sparse(&self, py: Python<'_>) -> PyResult<(Py<Structure>, Py<PyAny>)> {
        let Function { graph, ys, xs } = &*self.function;
        let ys: Vec<NodeId> = ys.iter().map(|(y, _)| *y).collect();
        entries_at(py, graph, [&ys, xs], self.point.inputs())
    }
}

/// The outputs of a linear graph as nodes of the recording under way; its inputs are the seeds, then
/// the residuals.
pub fn record_products(
    py: Python<'_>,
    graph: &Graph,
    seeds: &Bound<'_, PyList>,
    residuals: impl Iterator<Item = Array>,
) -> PyResult<Vec<Py<PyAny>>> {
    let seeds = session::read_given(seeds)?;
    let (made, generation) = state::with(py, |state| {
        state.locate(py);
        let mut given = session::nodes(state, &seeds)?;
        for residual in residuals {
            given.push(captured(state, residual));
        }
        let products = state.rec.graph.splice(graph, &given);
        let made = products.into_iter().map(|id| session::fresh(state, id));
        Ok((made.collect(), state.generation))
    })?;
    session::tracers(py, made, generation)
}

/// Data as an input of the recording under way.
fn captured(state: &mut State, data: Array) -> NodeId {
    let access = Access::ReadOnly(jacrs::error::text::OUTSIDE);
    let handle = state.rec.captured(data, access);
    state.rec.node(handle)
}

fn read_seeds(seeds: &Bound<'_, PyList>) -> PyResult<Vec<Array>> {
    seeds
        .iter()
        .map(|seed| arrays::from_numpy(&arrays::asarray(&seed)?, Take::Borrow))
        .collect()
}
