//! Given patterns, checked at the point of a recording.

use std::sync::Arc;

use jacrs::array::Array;
use jacrs::ir::{Graph, NodeId};
use jacrs::sparsity::{Check, Entries, Pattern};
use pyo3::prelude::*;

use crate::arrays::{Take, asarray, from_numpy};
use crate::programs::{Job, Program, own_program, products};
use crate::signals::detached;

/// What a check has found.
pub enum Finding {
    Nothing,
    /// Some numbers are not finite.
    Unknown,
    /// Row, column and value of an element outside of the pattern.
    Outside(usize, usize, f64),
}

/// A check, and the vectors that are the last inputs of its graph.
pub struct Verification {
    pub graph: Graph,
    pub vectors: Vec<Array>,
}

impl Verification {
    /// The check of a pattern; none where nothing can be outside.
    pub fn new(
        py: Python<'_>,
        recorded: &Graph,
        entries: &Entries,
        pattern: &Pattern,
        [ys, xs]: [&[NodeId]; 2],
    ) -> PyResult<Option<Self>> {
        detached(py, || {
            let check = Check::new(recorded, pattern, ys, xs);
            if check.is_idle(recorded) {
                return Ok(None);
            }
            let (graph, vectors) = check.products(entries);
            Ok(Some(Self { graph, vectors }))
        })
    }

    /// Runs it for the data of the recorded inputs.
    pub fn run(
        &self,
        py: Python<'_>,
        recorded: &Graph,
        entries: &Entries,
        data: &[Array],
        pattern: &Pattern,
        [ys, xs]: [&[NodeId]; 2],
    ) -> PyResult<Finding> {
        let inputs = [data, &entries.tables, &self.vectors].concat();
        let numbers = &self.graph.outputs[..self.graph.outputs.len() - 1];
        let program = own_program(py, &self.graph, numbers, None)?.into();
        let values = numbers_of(py, &program, inputs)?;
        let check = Check::new(recorded, pattern, ys, xs);
        let verdict = detached(py, || Ok(check.judged(&values[0], &values[1..])))?;
        if let Some((row, column, value)) = outside(py, &check, recorded, data, &verdict.rows)? {
            return Ok(Finding::Outside(row, column, value));
        }
        Ok(if verdict.complete {
            Finding::Nothing
        } else {
            Finding::Unknown
        })
    }
}

/// The first element outside of the pattern in some rows, each computed alone.
fn outside(
    py: Python<'_>,
    check: &Check<'_>,
    recorded: &Graph,
    data: &[Array],
    rows: &[usize],
) -> PyResult<Option<(usize, usize, f64)>> {
    if rows.is_empty() {
        return Ok(None);
    }
    let graph = check.row(recorded);
    let program: Arc<Program> = own_program(py, &graph, &graph.outputs, None)?.into();
    for &row in rows {
        let inputs = [data, &[check.cotangent(row)]].concat();
        let values = numbers_of(py, &program, inputs)?;
        if let Some((column, value)) = check.outside(row, &values[0]) {
            return Ok(Some((row, column, value)));
        }
    }
    Ok(None)
}

/// The values of a program, which are vectors of float64.
fn numbers_of(
    py: Python<'_>,
    program: &Arc<Program>,
    inputs: Vec<Array>,
) -> PyResult<Vec<Vec<f64>>> {
    let program = program.clone();
    let (values, _) = products(py, &Job { program, inputs })?;
    let values = values.iter().map(|value| {
        let array = from_numpy(&asarray(value.bind(py))?, Take::Copy)?;
        Ok(array.to_vec())
    });
    values.collect()
}
