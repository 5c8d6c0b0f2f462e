//! The pullback of a function at a point: what it kept, and the linear half that reads it.

use std::sync::Arc;

use jacrs::array::{Array, Buffer};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::arrays::{self, Take};
use crate::error::OrRaise;
use crate::late::Late;
use crate::linear::record_products;
use crate::programs::{Arrays, Job, check_result, results, views};
use crate::signals::run;

/// The linear map from cotangents of the results to cotangents of the arguments.
#[pyclass(frozen, module = "jacrs._jacrs")]
pub struct Pullback {
    late: Arc<Late>,
    /// The residuals.
    memory: Arc<Buffer>,
}

/// Values, and the pullback that holds what its sweeps need.
pub fn pullback(py: Python<'_>, job: &Job) -> PyResult<(Arrays, Pullback)> {
    let (early, late) = job.program.split();
    let (arrays, mut outs) = results(py, job.program.results().0, "a result")?;
    let residuals = late.residuals();
    check_result(residuals.kinds().iter(), "what a pullback keeps,").or_raise(py)?;
    let inputs = views(&job.inputs);
    let memory = run(py, early.work(), |check| {
        let (memory, places) = residuals.room();
        outs.extend(places);
        early.run(&inputs, &outs, check)?;
        Ok(memory)
    })?;
    Ok((arrays, Pullback::new(late.clone(), memory)))
}

impl Pullback {
    /// `memory` holds the residuals of `late`, as it packs them.
    pub fn new(late: Arc<Late>, memory: Arc<Buffer>) -> Self {
        Self { late, memory }
    }

    fn residuals(&self) -> impl Iterator<Item = Array> {
        let packed = self.late.residuals();
        (0..packed.kinds().len()).map(|k| packed.array(&self.memory, k))
    }
}

#[pymethods]
impl Pullback {
    /// Cotangents of the arguments for those of the results, given in their dtypes and shapes.
    fn __call__(&self, py: Python<'_>, cotangents: &Bound<'_, PyList>) -> PyResult<Arrays> {
        let mut inputs = read(cotangents)?;
        inputs.extend(self.residuals());
        let plan = self.late.single();
        let (arrays, outs) = results(py, plan.outputs(), "a result")?;
        let inputs = views(&inputs);
        run(py, plan.work(), |check| plan.run(&inputs, &outs, check))?;
        Ok(arrays)
    }

    /// As a call, for `width` cotangents of each result at once, along a first axis of all arrays.
    fn batched(
        &self,
        py: Python<'_>,
        cotangents: &Bound<'_, PyList>,
        width: usize,
    ) -> PyResult<Arrays> {
        let mut inputs: Vec<Array> = self.residuals().collect();
        inputs.extend(read(cotangents)?);
        let plan = self.late.lanes(width).or_raise(py)?;
        let (arrays, outs) = results(py, plan.outputs(), "a result")?;
        let inputs = views(&inputs);
        run(py, plan.work(), |check| plan.run(&inputs, &outs, check))?;
        Ok(arrays)
    }

    /// As a call, as nodes of the recording under way.
    fn record(&self, py: Python<'_>, cotangents: &Bound<'_, PyList>) -> PyResult<Vec<Py<PyAny>>> {
        record_products(py, self.late.graph(), cotangents, self.residuals())
    }
}

fn read(cotangents: &Bound<'_, PyList>) -> PyResult<Vec<Array>> {
    (cotangents.iter())
        .map(|ct| arrays::from_numpy(&arrays::asarray(&ct)?, Take::Borrow))
        .collect()
}
