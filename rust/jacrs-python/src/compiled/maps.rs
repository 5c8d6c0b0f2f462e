//! Linear maps in the result of a trace: pullbacks and lazy Jacobians.
//!
//! What products need of the point is computed with the values of the trace; the linear halves are
//! planned once. So a map stands or falls with the answers that the trace holds for, as values do.

use std::sync::Arc;

use jacrs::array::{Array, Buffer, Out};
use jacrs::assemble::{Point, Sweeps};
use jacrs::differentiate::{self, Maps, Mode};
use jacrs::error::Result;
use jacrs::ir::{Graph, NodeId, Op};
use jacrs::optimize::optimize;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::late::Late;
use crate::linear::{Function, LinearMap};
use crate::programs::PANEL;
use crate::pullback::Pullback;
use crate::session::{Given, nodes, read_given};
use crate::state::State;

/// A linear map, but for the point.
pub enum Map {
    Pullback(Arc<Late>),
    Linear {
        sweeps: Arc<Sweeps>,
        function: Arc<Function>,
        /// The inputs of the function: those that are the same in every run.
        inputs: Vec<Option<Array>>,
    },
}

/// What Python asks for: the map of some outputs by some inputs.
pub struct Asked<'py> {
    outputs: Vec<Given<'py>>,
    inputs: Vec<Given<'py>>,
    /// The first row of each output, of a Jacobian; none, of a pullback.
    starts: Option<Vec<usize>>,
}

/// What a run computed for a map.
pub struct Taken {
    residuals: Arc<Buffer>,
    inputs: Vec<Array>,
}

impl<'py> Asked<'py> {
    /// Reads `(outputs, inputs, starts)`.
    pub fn read(given: &Bound<'py, PyAny>) -> PyResult<Self> {
        let (outputs, inputs, starts): (Bound<'_, PyList>, Bound<'_, PyList>, _) =
            given.extract()?;
        Ok(Self {
            outputs: read_given(&outputs)?,
            inputs: read_given(&inputs)?,
            starts,
        })
    }

    /// The map, and the nodes of `graph` that it needs of a run. `constant` gives the inputs of the
    /// graph that do not vary.
    pub fn planned(
        &self,
        state: &mut State,
        graph: &mut Graph,
        constant: &dyn Fn(usize) -> Option<Array>,
    ) -> Result<(Map, Vec<NodeId>)> {
        let (ys, xs) = (nodes(state, &self.outputs)?, nodes(state, &self.inputs)?);
        match &self.starts {
            None => pullback(graph, &ys, &xs),
            Some(starts) => Ok(linear(graph, &ys, &xs, starts, constant)),
        }
    }
}

fn pullback(graph: &mut Graph, ys: &[NodeId], xs: &[NodeId]) -> Result<(Map, Vec<NodeId>)> {
    let split = differentiate::products(graph, &[], ys, xs, Mode::Reverse);
    let residuals = spliced(graph, &split.early);
    let late = Late::new(&split.late, ys.len())?;
    Ok((Map::Pullback(Arc::new(late)), residuals))
}

fn linear(
    graph: &mut Graph,
    ys: &[NodeId],
    xs: &[NodeId],
    starts: &[usize],
    constant: &dyn Fn(usize) -> Option<Array>,
) -> (Map, Vec<NodeId>) {
    // The function by itself: its inputs are `xs`, then what does not depend on them.
    let cut = differentiate::split(graph, &[], ys, xs);
    let mut sources = xs.to_vec();
    sources.extend(spliced(graph, &cut.early));
    let function = Function {
        ys: (cut.late.outputs.iter().copied())
            .zip(starts.iter().copied())
            .collect(),
        xs: cut.late.inputs()[..xs.len()].to_vec(),
        graph: cut.late,
    };
    let maps = Maps::new(&function.graph, &[], &function.graph.outputs, &function.xs);
    let inputs: Vec<Option<Array>> = (sources.iter())
        .map(|&x| match graph.op(x) {
            Op::Input(k) => constant(k as usize),
            _ => None,
        })
        .collect();
    let varying = sources.iter().zip(&inputs).filter(|(_, x)| x.is_none());
    let mut needed: Vec<NodeId> = varying.map(|(&x, _)| x).collect();
    needed.extend(graph.splice(&maps.early, &sources));
    let map = Map::Linear {
        sweeps: Arc::new(Sweeps::new(maps, 0, PANEL)),
        function: Arc::new(function),
        inputs,
    };
    (map, needed)
}

/// The outputs of a part of the graph that was taken out of it and has its inputs.
fn spliced(graph: &mut Graph, part: &Graph) -> Vec<NodeId> {
    let inputs = graph.inputs().to_vec();
    graph.splice(&optimize(part), &inputs)
}

impl Map {
    /// Where a run is to write what the map needs, in the order of its nodes.
    pub fn room(&self) -> (Taken, Vec<Out>) {
        match self {
            Map::Pullback(late) => {
                let (residuals, outs) = late.residuals().room();
                let inputs = vec![];
                (Taken { residuals, inputs }, outs)
            }
            Map::Linear {
                sweeps,
                function,
                inputs,
            } => {
                let mut outs = vec![];
                let graph = &function.graph;
                let inputs = graph.inputs().iter().zip(inputs).map(|(&x, constant)| {
                    constant.clone().unwrap_or_else(|| {
                        let (array, out) = Array::uninit(graph.dtype(x), graph.shape(x));
                        outs.push(out);
                        array
                    })
                });
                let inputs = inputs.collect();
                let (residuals, places) = sweeps.residuals().room();
                outs.extend(places);
                (Taken { residuals, inputs }, outs)
            }
        }
    }

    /// The map at a point.
    ///
    /// # Safety
    /// A run wrote to all places of `taken`, which is of this map.
    pub unsafe fn at<'py>(&self, py: Python<'py>, taken: Taken) -> PyResult<Bound<'py, PyAny>> {
        let Taken { residuals, inputs } = taken;
        Ok(match self {
            Map::Pullback(late) => {
                Bound::new(py, Pullback::new(late.clone(), residuals))?.into_any()
            }
            Map::Linear {
                sweeps, function, ..
            } => {
                // SAFETY: as the caller says.
                let point = unsafe { Point::new(&inputs, residuals) };
                let map = LinearMap::new(sweeps.clone(), function.clone(), point);
                Bound::new(py, map)?.into_any()
            }
        })
    }

    /// What is run for each product, in words.
    pub fn describe(&self) -> String {
        match self {
            Map::Pullback(late) => format!("each pullback:\n{}", late.single()),
            Map::Linear { sweeps, .. } => format!("each product: {sweeps}"),
        }
    }
}
