//! Values and derivatives of graphs of single numbers, by the graph engine.

use jacrs::array::{Array, DType};
use jacrs::differentiate::{jvp, vjp};
use jacrs::ir::{Graph, NodeId};
use jacrs::ops::build;
use jacrs::optimize::optimize;
use jacrs::plan::Plan;

use crate::common::outputs;

/// First and second derivatives of every output: `first[i][j]`, `second[i][j][k]`.
#[derive(Debug, Default)]
pub struct Derivatives {
    pub values: Vec<f64>,
    pub first: Vec<Vec<f64>>,
    pub second: Vec<Vec<Vec<f64>>>,
}

/// How derivatives are built and run.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// Forward over forward, evaluated node by node.
    ForwardByNode,
    /// Reverse, then forward over it, evaluated node by node.
    ReverseByNode,
    /// Forward over forward, planned as it is.
    ForwardPlanned,
    /// Reverse, then forward over it, optimized and planned.
    ReverseOptimized,
}

impl Way {
    pub fn is_forward(self) -> bool {
        matches!(self, Way::ForwardByNode | Way::ForwardPlanned)
    }
}

pub const WAYS: [Way; 4] = [
    Way::ForwardByNode,
    Way::ReverseByNode,
    Way::ForwardPlanned,
    Way::ReverseOptimized,
];

/// The derivatives of the outputs of a graph whose inputs are single float64 numbers.
pub fn derivatives(g: &Graph, x: &[f64], way: Way) -> Derivatives {
    let forward = way.is_forward();
    let mut g = g.clone();
    let (xs, ys) = (g.inputs().to_vec(), g.outputs.clone());
    let one = build::constant(&mut g, DType::F64, &[], 1.0);
    let zero = build::constant(&mut g, DType::F64, &[], 0.0);
    let mut wanted = ys.clone();
    for &y in &ys {
        let first = if forward {
            xs.iter()
                .map(|&x| jvp(&mut g, &[y], &[x], &[Some(one)])[0])
                .collect()
        } else {
            vjp(&mut g, &[y], &xs, &[Some(one)])
        };
        let first: Vec<NodeId> = first.into_iter().map(|d| d.unwrap_or(zero)).collect();
        wanted.extend(&first);
        for &d in &first {
            for &x in &xs {
                wanted.push(jvp(&mut g, &[d], &[x], &[Some(one)])[0].unwrap_or(zero));
            }
        }
    }
    g.outputs = wanted;
    let inputs: Vec<Array> = x.iter().map(|&x| Array::from_slice(&[], &[x])).collect();
    let numbers = run(&g, &inputs, way);
    let (n, m) = (xs.len(), ys.len());
    let mut rest = numbers[m..].iter().copied();
    let mut take = |n: usize| -> Vec<f64> { rest.by_ref().take(n).collect() };
    let mut all = Derivatives {
        values: numbers[..m].to_vec(),
        ..Derivatives::default()
    };
    for _ in 0..m {
        all.first.push(take(n));
        all.second.push((0..n).map(|_| take(n)).collect());
    }
    all
}

fn run(g: &Graph, inputs: &[Array], way: Way) -> Vec<f64> {
    let planned = |g: &Graph| {
        let arrays = Plan::new(g).unwrap().evaluate(inputs).unwrap();
        arrays.iter().map(|a| a.to_vec::<f64>()[0]).collect()
    };
    match way {
        Way::ForwardByNode | Way::ReverseByNode => outputs(g, inputs).concat(),
        Way::ForwardPlanned => planned(g),
        Way::ReverseOptimized => planned(&optimize(g)),
    }
}
