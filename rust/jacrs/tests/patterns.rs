//! Patterns of random graphs against derivatives along unit vectors, node by node.

pub use jacrs::{array, ir, ops};

#[allow(dead_code)] // other tests use the rest
mod common;
#[path = "../src/execute/tests/random.rs"]
mod random;

use common::{numbers, scattered, try_interpret};
use jacrs::array::Array;
use jacrs::differentiate::jvp;
use jacrs::ir::NodeId;
use jacrs::sparsity::detect;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn no_derivative_of_a_random_graph_is_missing(
        choices in prop::collection::vec(any::<u16>(), 20..160),
        seed in any::<u64>(),
    ) {
        let mut g = random::random_graph(&choices);
        let inputs = random::inputs_for(&g, &choices);
        let is_float = |x: &NodeId| g.dtype(*x).is_float();
        let xs: Vec<NodeId> = g.inputs().iter().copied().filter(is_float).collect();
        let ys: Vec<NodeId> = g.outputs.iter().copied().filter(is_float).collect();
        let Ok(found) = detect(&g, &ys, &xs, &inputs) else {
            return Ok(()); // an index out of bounds: there is no derivative either
        };
        let sizes: Vec<usize> = xs.iter().map(|&x| g.size(x)).collect();
        let width: usize = sizes.iter().sum();
        prop_assert_eq!(found.pattern.shape().1, width);
        let ts: Vec<NodeId> = (xs.iter())
            .map(|&x| {
                let shape = g.dims(x);
                g.input(g.dtype(x), &shape, true)
            })
            .collect();
        let seeds: Vec<_> = ts.iter().copied().map(Some).collect();
        let moved = jvp(&mut g, &ys, &xs, &seeds);
        g.outputs = moved.iter().flatten().copied().collect();
        for pick in scattered(8, seed, 0.0, width as f64) {
            let (column, mut first) = (pick as usize, 0);
            let mut given = inputs.clone();
            for (&t, &n) in ts.iter().zip(&sizes) {
                let unit = (first..first + n).map(|k| f64::from(k == column));
                given.push(match g.dtype(t) {
                    array::DType::F32 => {
                        Array::from_slice(g.shape(t), &unit.map(|v| v as f32).collect::<Vec<_>>())
                    }
                    _ => Array::from_slice(g.shape(t), &unit.collect::<Vec<_>>()),
                });
                first += n;
            }
            let Ok(values) = try_interpret(&g, &given) else { return Ok(()) };
            let mut row = 0;
            for (&y, t) in ys.iter().zip(&moved) {
                let tangent = t.map(|t| numbers(values[t.index()].as_ref().unwrap()));
                for k in 0..g.size(y) {
                    // NaN says nothing: a singular matrix gives it to directions of zero as well.
                    let there = tangent.as_ref().is_some_and(|t| t[k].abs() > 0.0);
                    prop_assert!(
                        !there || found.pattern.contains(row + k, column),
                        "element {} of {:?}: column {} is missing ({:?})\n{}",
                        k, y, column, tangent.as_ref().map(|t| t[k]), ir::print(&g)
                    );
                }
                row += g.size(y);
            }
        }
    }
}
