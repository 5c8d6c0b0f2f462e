//! Entries of structured Jacobians of random graphs against derivatives along unit vectors.

pub use jacrs::{array, ir, ops};

#[allow(dead_code)] // other tests use the rest
mod common;
#[path = "../src/execute/tests/random.rs"]
mod random;

use common::numbers;
use jacrs::array::{Array, DType};
use jacrs::differentiate::jvp;
use jacrs::ir::{Graph, NodeId, Op};
use jacrs::ops::{Call, evaluate};
use jacrs::sparsity::{Form, detect, structured};
use proptest::prelude::*;

/// The outputs, as plain numbers; `None` where a matrix cannot be factored or an index is out of
/// bounds.
fn outputs_of(g: &Graph, inputs: &[Array]) -> Option<Vec<Vec<f64>>> {
    let live = g.reachable(&g.outputs);
    let mut values: Vec<Option<Array>> = vec![None; g.len()];
    for id in g.ids().filter(|id| live[id.index()]) {
        values[id.index()] = Some(if let Op::Input(k) = g.op(id) {
            inputs[k as usize].clone()
        } else {
            let of = |x: &NodeId| values[x.index()].clone();
            let operands: Vec<Array> = g.operands(id).iter().map(of).collect::<Option<_>>()?;
            evaluate(&Call::of(g, id, true), &operands).ok()?
        });
    }
    let all = g
        .outputs
        .iter()
        .map(|y| values[y.index()].as_ref().map(numbers));
    all.collect()
}

/// The Jacobian, column by column.
fn columns(g: &Graph, ys: &[NodeId], xs: &[NodeId], inputs: &[Array]) -> Option<Vec<Vec<f64>>> {
    let mut g = g.clone();
    let ts: Vec<NodeId> = (xs.iter())
        .map(|&x| {
            let shape = g.dims(x);
            g.input(g.dtype(x), &shape, true)
        })
        .collect();
    let seeds: Vec<_> = ts.iter().copied().map(Some).collect();
    let moved = jvp(&mut g, ys, xs, &seeds);
    g.outputs = moved.iter().flatten().copied().collect();
    let sizes: Vec<usize> = xs.iter().map(|&x| g.size(x)).collect();
    let mut made = vec![];
    for column in 0..sizes.iter().sum() {
        let mut first = 0;
        let mut given = inputs.to_vec();
        for (&t, &n) in ts.iter().zip(&sizes) {
            let unit = (first..first + n).map(|k| f64::from(k == column));
            given.push(match g.dtype(t) {
                DType::F32 => {
                    Array::from_slice(g.shape(t), &unit.map(|v| v as f32).collect::<Vec<_>>())
                }
                _ => Array::from_slice(g.shape(t), &unit.collect::<Vec<_>>()),
            });
            first += n;
        }
        let mut parts = outputs_of(&g, &given)?.into_iter();
        let mut all = vec![];
        for (&y, t) in ys.iter().zip(&moved) {
            match t {
                Some(_) => all.extend(parts.next()?),
                None => all.extend(vec![0.0; g.size(y)]),
            }
        }
        made.push(all);
    }
    Some(made)
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    a == b || b.is_nan() || (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn entries_of_a_random_graph_are_those_of_the_dense_jacobian(
        choices in prop::collection::vec(any::<u16>(), 20..160),
    ) {
        let g = random::random_graph(&choices);
        // A matrix that is nearly singular has no digits to compare.
        prop_assume!(!g.ids().any(|id| matches!(g.op(id), Op::Factor(_) | Op::Cofactors)));
        let inputs = random::inputs_for(&g, &choices);
        let is_float = |x: &NodeId| g.dtype(*x).is_float();
        let xs: Vec<NodeId> = g.inputs().iter().copied().filter(is_float).collect();
        let ys: Vec<NodeId> = g.outputs.iter().copied().filter(is_float).collect();
        let Ok(found) = detect(&g, &ys, &xs, &inputs) else {
            return Ok(()); // an index out of bounds
        };
        let single = xs.iter().chain(&ys).any(|&x| g.dtype(x) == DType::F32);
        let entries = match structured(&g, &[], &ys, &xs, &found, Form::Rows).unwrap() {
            Ok(entries) => entries,
            Err(reason) => {
                if std::env::var("WHY").is_ok() { eprintln!("no: {reason}"); }
                return Ok(());
            }
        };
        let given = [inputs.clone(), entries.tables.clone()].concat();
        let Some(got) = outputs_of(&entries.graph, &given) else { return Ok(()) };
        let Some(dense) = columns(&g, &ys, &xs, &inputs) else { return Ok(()) };
        if std::env::var("WHY").is_ok() { eprintln!("yes: {}", found.pattern.nnz()); }
        let got = &got[0];
        prop_assert_eq!(got.len(), found.pattern.nnz());
        for (i, row) in found.pattern.rows().enumerate() {
            for (k, &j) in row.iter().enumerate() {
                let (a, b) = (got[found.pattern.starts()[i] + k], dense[j as usize][i]);
                prop_assert!(close(a, b, if single { 1e-4 } else { 1e-9 }),
                    "row {i}, column {j}: {a} instead of {b}\n{}", ir::print(&g));
            }
        }
    }
}
