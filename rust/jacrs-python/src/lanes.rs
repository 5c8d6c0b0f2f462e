//! The linear half of a pullback for many cotangents at once, planned once for each number of them.

use std::sync::{Arc, Mutex, PoisonError};

use jacrs::array::Dims;
use jacrs::differentiate::batch;
use jacrs::error::Result;
use jacrs::ir::{Graph, NodeId};
use jacrs::ops::build;
use jacrs::optimize::optimize;
use jacrs::plan::Plan;

/// The linear half as a graph, and its plans by the number of lanes, newest last.
pub struct LanePlans {
    late: Graph,
    seeds: usize,
    plans: Mutex<Vec<(usize, Arc<Plan>)>>,
}

const MOST_PLANS: usize = 4;

impl LanePlans {
    /// `late` has the seeds as its first inputs.
    pub fn new(late: Graph, seeds: usize) -> Self {
        Self {
            late,
            seeds,
            plans: Mutex::default(),
        }
    }

    /// The plan for so many lanes: from the inputs behind the seeds, then the seeds with the lanes
    /// as their first axis, to the products with the lanes as their first axis.
    pub fn plan(&self, width: usize) -> Result<Arc<Plan>> {
        let known = || self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, plan)) = known().iter().find(|(lanes, _)| *lanes == width) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(Plan::new(&optimize(&self.graph(width)?))?);
        let mut plans = known();
        if plans.len() >= MOST_PLANS {
            plans.remove(0);
        }
        plans.push((width, plan.clone()));
        Ok(plan)
    }

    fn graph(&self, width: usize) -> Result<Graph> {
        let mut g = self.late.clone();
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
        let plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.iter().map(|(_, p)| p.scratch().kept_bytes()).sum()
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
