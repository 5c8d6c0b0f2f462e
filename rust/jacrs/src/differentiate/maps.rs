//! A linearized function as two linear maps: tangents forward, cotangents back, over one set of
//! residuals.

use std::collections::HashMap;

use super::{Mode, batch, products};
use crate::array::Dims;
use crate::error::Result;
use crate::ir::{Graph, NodeId, Op};
use crate::ops::build;
use crate::optimize::optimize;

/// A function at a point: its values once, products with its Jacobian any number of times.
pub struct Maps {
    /// From the inputs to the values, then the residuals that are not inputs.
    pub early: Graph,
    /// From tangents of the inputs to tangents of the outputs.
    pub forward: Late,
    /// From cotangents of the outputs to cotangents of the inputs.
    pub reverse: Late,
}

/// A linear map.
pub struct Late {
    /// Its inputs are `seeds` seeds, then residuals.
    pub graph: Graph,
    pub seeds: usize,
    pub residuals: Vec<Residual>,
}

/// Where a residual is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residual {
    /// An input of the function.
    Input(usize),
    /// Among those that `early` computes.
    Computed(usize),
}

impl Maps {
    /// Both linear maps of `outputs` over `inputs`. `values` is what the early half gives back: the
    /// outputs, or what they were converted from.
    pub fn new(recorded: &Graph, values: &[NodeId], outputs: &[NodeId], inputs: &[NodeId]) -> Self {
        let halves = [Mode::Forward, Mode::Reverse]
            .map(|mode| products(recorded, values, outputs, inputs, mode));
        let seeds = [inputs.len(), outputs.len()];
        // Names are gone, so what both halves compute is the same node.
        let mut early = Graph::new();
        let sources: Vec<NodeId> = (recorded.inputs().iter())
            .map(|&x| early.input(recorded.dtype(x), recorded.shape(x), false))
            .collect();
        let mut computed: Vec<NodeId> = vec![];
        let mut numbers: HashMap<NodeId, usize> = HashMap::new();
        let mut found = vec![];
        let [forward, reverse] = [0, 1].map(|k| {
            let outputs = early.splice(&optimize(&halves[k].early), &sources);
            let residual = |&id: &NodeId| match early.op(id) {
                Op::Input(k) => Residual::Input(k as usize),
                _ => Residual::Computed(*numbers.entry(id).or_insert_with(|| {
                    computed.push(id);
                    computed.len() - 1
                })),
            };
            let residuals = outputs[values.len()..].iter().map(residual).collect();
            found = outputs[..values.len()].to_vec();
            Late {
                graph: optimize(&halves[k].late),
                seeds: seeds[k],
                residuals,
            }
        });
        early.outputs = found.into_iter().chain(computed).collect();
        Self {
            early,
            forward,
            reverse,
        }
    }
}

impl Late {
    /// The map over `width` seeds at once, along a new last axis.
    ///
    /// # Errors
    /// Those of [`batch`].
    pub fn lanes(&self, width: usize) -> Result<Graph> {
        let mut g = Graph::new();
        let single = &self.graph;
        let lanes: Vec<NodeId> = (single.inputs()[..self.seeds].iter())
            .map(|&x| {
                let shape: Dims = single.shape(x).iter().copied().chain([width]).collect();
                g.input(single.dtype(x), &shape, false)
            })
            .collect();
        // Stand-ins of the seeds, which nothing reads when the lanes are in place.
        let seeds: Vec<NodeId> = (single.inputs()[..self.seeds].iter())
            .map(|&x| {
                let zeros = build::constant(&mut g, single.dtype(x), single.shape(x), 0.0);
                g.opaque(zeros)
            })
            .collect();
        let residuals: Vec<NodeId> = (single.inputs()[self.seeds..].iter())
            .map(|&x| g.input(single.dtype(x), single.shape(x), false))
            .collect();
        let given: Vec<NodeId> = seeds.iter().chain(&residuals).copied().collect();
        let outputs = g.splice(single, &given);
        let batched = batch(&mut g, &outputs, &seeds, &lanes, width)?;
        g.outputs = (batched.into_iter())
            .map(|(id, depends)| {
                if depends {
                    id
                } else {
                    build::with_lanes(&mut g, id, width)
                }
            })
            .collect();
        Ok(optimize(&g))
    }
}
