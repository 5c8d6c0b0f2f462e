//! Operations whose integers or masks differ from lane to lane, against a loop.

use super::common::{assert_close, scattered, value_of};
use jacrs::array::{Array, DType};
use jacrs::differentiate::batch;
use jacrs::error::Kind;
use jacrs::ir::{NodeId, parse};
use jacrs::ops::verify;
use jacrs::plan::Plan;

/// A case whose operands are inputs, and how its lanes differ: the numbers of these inputs.
fn by_lanes(text: &str, width: usize, varying: &[usize], lane: impl Fn(usize) -> Vec<Array>) {
    let mut g = parse(text).unwrap();
    let (ins, y) = (g.inputs().to_vec(), g.outputs[0]);
    let names: Vec<NodeId> = varying.iter().map(|&k| ins[k]).collect();
    let seeds: Vec<NodeId> = names
        .iter()
        .map(|&x| {
            let mut shape = g.dims(x);
            shape.push(width);
            g.input(g.dtype(x), &shape, false)
        })
        .collect();
    let (together, batched) = batch(&mut g, &[y], &names, &seeds, width).unwrap()[0];
    verify(&g).unwrap();
    assert!(batched, "{text}");
    let points: Vec<Vec<Array>> = (0..width).map(lane).collect();
    let mut inputs = points[0].clone();
    for (&k, &seed) in varying.iter().zip(&seeds) {
        let rows: Vec<&Array> = points.iter().map(|point| &point[k]).collect();
        inputs.push(interleaved(&rows, g.shape(seed)));
    }
    let found = value_of(&g, together, &inputs);
    for (k, point) in points.iter().enumerate() {
        let mixed: Vec<Array> = (point.iter().zip(&points[0]).enumerate())
            .map(|(j, (own, first))| if varying.contains(&j) { own } else { first }.clone())
            .collect();
        let alone = value_of(&parse(text).unwrap(), y, &mixed);
        let own: Vec<f64> = found.iter().skip(k).step_by(width).copied().collect();
        assert_close(&own, &alone, 0.0, text);
    }
}

/// Arrays of one type, element by element, as the lanes of one array.
fn interleaved(rows: &[&Array], shape: &[usize]) -> Array {
    let n = rows[0].shape().iter().product::<usize>();
    macro_rules! mix {
        ($T:ty) => {{
            let parts: Vec<Vec<$T>> = rows.iter().map(|row| row.to_vec::<$T>()).collect();
            let all: Vec<$T> = (0..n * rows.len())
                .map(|i| parts[i % rows.len()][i / rows.len()])
                .collect();
            Array::from_slice(shape, &all)
        }};
    }
    match rows[0].dtype() {
        DType::I64 => mix!(i64),
        DType::Bool => mix!(bool),
        _ => mix!(f64),
    }
}

const ROWS_OF: &[&str] = &[
    "%0 = input : float64[3,2]\n%1 = input : int64[2,2]\n%2 = input : float64[2,2,2]\n%3 = gather(%0, %1) : float64[2,2,2]\nreturn %3",
    "%0 = input : float64[3,2]\n%1 = input : int64[2,2]\n%2 = input : float64[2,2,2]\n%3 = scatter_add(%0, %1, %2) : float64[3,2]\nreturn %3",
    "%0 = input : float64[3,2]\n%1 = input : int64[2,2]\n%2 = input : float64[2,2,2]\n%3 = scatter_set(%0, %1, %2) : float64[3,2]\nreturn %3",
];

/// Integers that differ from lane to lane, negative ones too, beside any of the other operands.
#[test]
fn places_may_differ_from_lane_to_lane() {
    let point = |k: usize| {
        let places: Vec<i64> = (0..4).map(|i| (i * 5 + k as i64 * 2) % 6 - 3).collect();
        vec![
            Array::from_slice(&[3, 2], &scattered(6, 3 + k as u64, -1.0, 1.0)),
            Array::from_slice(&[2, 2], &places),
            Array::from_slice(&[2, 2, 2], &scattered(8, 23 + k as u64, -1.0, 1.0)),
        ]
    };
    for text in ROWS_OF {
        let operands: &[&[usize]] = if text.contains("gather") {
            &[&[1], &[0, 1], &[0]]
        } else {
            &[&[1], &[0, 1], &[1, 2], &[0, 1, 2], &[0], &[2], &[0, 2]]
        };
        for varying in operands {
            by_lanes(text, 3, varying, point);
        }
    }
}

/// Never a row of another lane: what is out of bounds in one lane is an error of all.
#[test]
fn places_out_of_bounds_in_one_lane_are_errors() {
    for text in ROWS_OF {
        for far in [3, -4, 1 << 62, -(1 << 62), i64::MAX, i64::MIN] {
            let mut g = parse(text).unwrap();
            let (ins, y) = (g.inputs().to_vec(), g.outputs[0]);
            let seed = g.input(DType::I64, &[2, 2, 4], false);
            let (lanes, _) = batch(&mut g, &[y], &[ins[1]], &[seed], 4).unwrap()[0];
            g.outputs = vec![lanes];
            for lane in 0..4 {
                let mut places = [0i64; 16];
                places[4 + lane] = far;
                let inputs = [
                    Array::from_slice(&[3, 2], &[0.0; 6]),
                    Array::from_slice(&[2, 2], &[0i64; 4]),
                    Array::from_slice(&[2, 2, 2], &[0.0; 8]),
                    Array::from_slice(&[2, 2, 4], &places),
                ];
                let views: Vec<_> = inputs.iter().map(|a| a.view().clone()).collect();
                let plan = Plan::new(&g).unwrap();
                let (_kept, out) = Array::uninit(DType::F64, g.shape(lanes));
                let error = plan.run(&views, &[out], &|| Ok(())).unwrap_err();
                assert_eq!(error.kind, Kind::Index, "{text} {far} in lane {lane}");
            }
        }
    }
}

#[test]
fn masks_of_equal_counts_have_their_own_places_in_each_lane() {
    let text = "%0 = input : bool[2,3]\n%1 = nonzero(%0) : int64[2]\nreturn %1";
    by_lanes(text, 4, &[0], |k| {
        let flags: Vec<bool> = (0..6).map(|i| i == k || i == 5 - k).collect();
        vec![Array::from_slice(&[2, 3], &flags)]
    });
}
