//! The pattern of every operation against its derivative along unit vectors, node by node.

use super::common::{interpret, numbers, scattered};
use super::{Case, all, with_tangent};
use jacrs::array::Array;
use jacrs::ir::{Graph, NodeId};
use jacrs::sparsity::{Pattern, detect};

/// Where an entry is not zero: a line for each row of the Jacobian.
fn nonzeros(case: &Case, inputs: &[Array]) -> Vec<Vec<bool>> {
    let (mut g, t, xs, ts) = with_tangent(case);
    g.outputs = vec![t];
    let sizes: Vec<usize> = xs.iter().map(|&x| g.size(x)).collect();
    let mut table = vec![vec![false; sizes.iter().sum()]; g.size(t)];
    for column in 0..table.first().map_or(0, Vec::len) {
        let mut given = inputs.to_vec();
        let mut first = 0;
        for (&seed, &n) in ts.iter().zip(&sizes) {
            let unit: Vec<f64> = (first..first + n).map(|k| f64::from(k == column)).collect();
            given.push(Array::from_slice(g.shape(seed), &unit));
            first += n;
        }
        let values = interpret(&g, &given);
        for (row, value) in numbers(values[t.index()].as_ref().unwrap())
            .iter()
            .enumerate()
        {
            table[row][column] = *value != 0.0;
        }
    }
    table
}

/// The active inputs with other numbers.
fn elsewhere(case: &Case, seed: u64) -> Vec<Array> {
    let active = case.active();
    let pairs = case.graph.inputs().iter().zip(&case.inputs);
    pairs
        .map(|(x, array)| {
            let n = case.graph.size(*x);
            let numbers = scattered(n, seed + u64::from(x.0), 0.2, 0.9);
            if active.contains(x) {
                Array::from_slice(array.shape(), &numbers)
            } else {
                array.clone()
            }
        })
        .collect()
}

fn pattern(g: &Graph, xs: &[NodeId], inputs: &[Array]) -> Pattern {
    detect(g, &g.outputs, xs, inputs).unwrap().pattern
}

/// Patterns with entries that are zero at all points tried: of matrices all is mixed with all, though
/// triangular ones keep to their triangle; and the value at a step is one of its operands.
const COARSE: &[&str] = &[
    "heaviside",
    "cholesky",
    "q",
    "q of a wide one",
    "complete q",
    "r",
    "r of a wide one",
    "complete r",
    "lower",
    "upper transposed",
    "unit upper",
    "unit lower transposed",
    "cofactors",
    "second cofactors",
    "third cofactors",
    "pole without flags",
];

#[test]
fn patterns_hold_every_derivative_and_little_more() {
    let mut inexact = vec![];
    for case in all() {
        let name = &case.name;
        let mut seen: Option<Vec<Vec<bool>>> = None;
        let mut found = Pattern::empty((0, 0));
        // An order of values is one at each point, so that its cases have one point.
        let points = if name == "sorted" { 1 } else { 24 };
        for seed in 0..points {
            let inputs = elsewhere(&case, 100 * seed);
            let table = nonzeros(&case, &inputs);
            found = pattern(&case.graph, &case.active(), &inputs);
            for (i, row) in table.iter().enumerate() {
                for (j, &there) in row.iter().enumerate() {
                    assert!(
                        !there || found.contains(i, j),
                        "{name}: [{i}, {j}] is missing"
                    );
                }
            }
            let known = seen.get_or_insert_with(|| table.clone());
            for (a, b) in known.iter_mut().flatten().zip(table.into_iter().flatten()) {
                *a |= b;
            }
        }
        let count = seen
            .iter()
            .flatten()
            .flatten()
            .filter(|&&there| there)
            .count();
        let coarse = COARSE.contains(&name.as_str());
        if found.nnz() != count && !coarse {
            inexact.push(format!(
                "{name}: {count} entries, not {}\n{found}",
                found.nnz()
            ));
        }
    }
    assert!(inexact.is_empty(), "{}", inexact.join("\n"));
}
