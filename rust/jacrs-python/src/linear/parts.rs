//! Parts of a Jacobian, run or recorded.

use jacrs::array::{Array, DType};
use jacrs::differentiate::{self, Chosen, Mode, Places, Source, Submatrix};
use jacrs::error::Result;
use jacrs::ir::{NodeId, Op};
use jacrs::ops::tile::{Tile, cut_out};
use jacrs::trace::Handle;
use numpy::{PyArrayDyn, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PySlice;

use super::{Function, LinearMap, captured};
use crate::arrays::new_numpy;
use crate::programs::{self, Job, Request};
use crate::session;
use crate::signals::detached;
use crate::state::State;

/// Places among the rows, places among the columns, and what is there.
pub type Block = (Py<PyAny>, Py<PyAny>, Py<PyAny>);

fn mode_of(part: &Submatrix) -> Mode {
    let count = |chosen: &[Chosen]| chosen.iter().map(|c| c.among.len()).sum();
    Mode::choose(count(&part.columns), count(&part.rows))
}

fn nodes_of(part: &Submatrix) -> (Vec<NodeId>, Vec<NodeId>) {
    let nodes = |chosen: &[Chosen]| chosen.iter().map(|c| c.node).collect();
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

impl LinearMap {
    /// Blocks of the Jacobian, with their places among rows and columns.
    pub fn part(&self, py: Python<'_>, rows: &Places, columns: &Places) -> PyResult<Vec<Block>> {
        let Function { graph, ys, xs } = &*self.function;
        let known = |x: NodeId| match graph.op(x) {
            Op::Input(k) if graph.dtype(x) == DType::I64 => {
                Some(self.point.inputs()[k as usize].clone())
            }
            _ => None,
        };
        let part = detached(py, || {
            Ok(differentiate::submatrix(
                graph,
                ys,
                xs,
                rows,
                columns,
                |_| false,
                &known,
            ))
        })?;
        if part.rows.is_empty() || part.columns.is_empty() {
            return Ok(vec![]);
        }
        let request = Request::Jacobian(mode_of(&part));
        let (ys, xs) = nodes_of(&part);
        let job = Job {
            program: programs::slice_program(py, &part.graph, request, &ys, &xs)?,
            inputs: part.sources.iter().map(|s| self.data(s)).collect(),
        };
        let (_, blocks) = programs::jacobian(py, &job, None, None)?;
        let mut found = vec![];
        for (row, blocks) in part.rows.iter().zip(blocks) {
            for (column, block) in part.columns.iter().zip(blocks) {
                let places = (as_index(py, &row.among)?, as_index(py, &column.among)?);
                found.push((places.0, places.1, block));
            }
        }
        Ok(found)
    }

    /// The data of an input of a part.
    fn data(&self, source: &Source) -> Array {
        match source {
            Source::Index(list) => Array::from_slice(&[list.len()], list),
            Source::Tile(x, tile) => {
                let Op::Input(k) = self.function.graph.op(*x) else {
                    unreachable!("parts are computed from inputs")
                };
                tile.part_of(&self.point.inputs()[k as usize])
            }
        }
    }
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
