//! The linear half of a pullback: planned for one cotangent, and for many at once when there are
//! many, once for each number of them.

use std::sync::{Arc, Mutex, PoisonError};

use jacrs::array::Dims;
use jacrs::assemble::Packed;
use jacrs::differentiate::batch;
use jacrs::error::Result;
use jacrs::ir::{Graph, NodeId};
use jacrs::ops::build;
use jacrs::optimize::optimize;
use jacrs::plan::Plan;

/// From cotangents of the results, and residuals, to cotangents of the arguments.
pub struct Late {
    /// Its inputs are the seeds, then the residuals.
    graph: Graph,
    seeds: usize,
    residuals: Packed,
    single: Plan,
    /// By the number of lanes, newest last.
    lanes: Mutex<Vec<(usize, Arc<Plan>)>>,
}

const MOST_PLANS: usize = 4;

impl Late {
    pub fn new(graph: &Graph, seeds: usize) -> Result<Self> {
        let graph = optimize(graph);
        let residuals = graph.inputs()[seeds..].iter();
        Ok(Self {
            residuals: Packed::new(residuals.map(|&id| graph.type_of(id)).collect()),
            single: Plan::new(&graph)?,
            graph,
            seeds,
            lanes: Mutex::default(),
        })
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The plan for one cotangent of each result.
    pub fn single(&self) -> &Plan {
        &self.single
    }

    /// How the residuals lie in the memory of a pullback.
    pub fn residuals(&self) -> &Packed {
        &self.residuals
    }

    /// The plan for so many lanes: from the residuals, then the seeds with the lanes as their first
    /// axis, to the products with the lanes as their first axis.
    pub fn lanes(&self, width: usize) -> Result<Arc<Plan>> {
        let known = || self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, plan)) = known().iter().find(|(lanes, _)| *lanes == width) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(Plan::new(&optimize(&self.in_lanes(width)?))?);
        let mut plans = known();
        if plans.len() >= MOST_PLANS {
            plans.remove(0);
        }
        plans.push((width, plan.clone()));
        Ok(plan)
    }

    fn in_lanes(&self, width: usize) -> Result<Graph> {
        let mut g = self.graph.clone();
        let seeds = g.inputs()[..self.seeds].to_vec();
        let mut lanes = vec![];
        for &seed in &seeds {
            let shape: Dims = std::iter::once(width).chain(g.dims(seed)).collect();
            let given = g.input(g.dtype(seed), &shape, false);
            lanes.push(build::move_axis(&mut g, given, 0, shape.len() - 1));
        }
        let products = g.outputs.clone();
        let batched = batch(&mut g, &products, &seeds, &lanes, width)?;
        g.outputs = batched
            .into_iter()
            .map(|(product, in_lanes)| first_axis(&mut g, product, in_lanes, width))
            .collect();
        Ok(g.without_inputs(&seeds))
    }

    /// The bytes that the plans keep for runs to come.
    pub fn kept_bytes(&self) -> usize {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let plans = lanes.iter().map(|(_, plan)| &**plan).chain([&self.single]);
        plans.map(|plan| plan.scratch().kept_bytes()).sum()
    }
}

fn first_axis(g: &mut Graph, product: NodeId, in_lanes: bool, width: usize) -> NodeId {
    let full = if in_lanes {
        product
    } else {
        build::with_lanes(g, product, width)
    };
    let last = g.shape(full).len() - 1;
    build::move_axis(g, full, last, 0)
}
