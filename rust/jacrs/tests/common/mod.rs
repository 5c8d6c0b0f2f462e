//! What the integration tests share: running a graph node by node, and differences to compare with.

use jacrs::array::{Array, DType};
use jacrs::error::Result;
use jacrs::ir::{Graph, NodeId, Op};
use jacrs::ops::{Call, evaluate};

/// Every node's value, by the evaluation of its operation alone: no plan, no optimizer.
pub fn interpret(g: &Graph, inputs: &[Array]) -> Vec<Option<Array>> {
    try_interpret(g, inputs).unwrap()
}

/// The same; an error where a matrix cannot be factored or an index is out of bounds.
pub fn try_interpret(g: &Graph, inputs: &[Array]) -> Result<Vec<Option<Array>>> {
    let live = g.reachable(&g.outputs);
    let mut values: Vec<Option<Array>> = vec![None; g.len()];
    for id in g.ids().filter(|id| live[id.index()]) {
        values[id.index()] = Some(if let Op::Input(k) = g.op(id) {
            inputs[k as usize].clone()
        } else {
            let operands: Vec<Array> = g
                .operands(id)
                .iter()
                .map(|x| values[x.index()].clone().unwrap())
                .collect();
            evaluate(&Call::of(g, id, true), &operands)?
        });
    }
    Ok(values)
}

/// The outputs of a graph as plain numbers.
pub fn outputs(g: &Graph, inputs: &[Array]) -> Vec<Vec<f64>> {
    let values = interpret(g, inputs);
    g.outputs
        .iter()
        .map(|y| numbers(values[y.index()].as_ref().unwrap()))
        .collect()
}

pub fn numbers(a: &Array) -> Vec<f64> {
    match a.dtype() {
        DType::F64 => a.to_vec::<f64>(),
        DType::F32 => a.to_vec::<f32>().into_iter().map(f64::from).collect(),
        DType::I64 => a.to_vec::<i64>().into_iter().map(|v| v as f64).collect(),
        _ => a
            .to_vec::<bool>()
            .into_iter()
            .map(|v| f64::from(u8::from(v)))
            .collect(),
    }
}

/// One value of one output.
pub fn value_of(g: &Graph, y: NodeId, inputs: &[Array]) -> Vec<f64> {
    let mut g = g.clone();
    g.outputs = vec![y];
    outputs(&g, inputs).remove(0)
}

/// Numbers that look random, in an interval, different for each seed.
pub fn scattered(n: usize, seed: u64, low: f64, high: f64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            low + (high - low) * (state >> 11) as f64 / (1u64 << 53) as f64
        })
        .collect()
}

/// The derivative of `f` at zero, by central differences extrapolated to step zero (Richardson;
/// Ridders, "Accurate computation of F'(x)", Adv. Eng. Softw. 4, 1982): the best of a tableau, with
/// an estimate of its error.
pub fn richardson(f: impl Fn(f64) -> Vec<f64>) -> Vec<f64> {
    const ROWS: usize = 6;
    let central = |h: f64| -> Vec<f64> {
        f(h).iter()
            .zip(f(-h))
            .map(|(a, b)| (a - b) / (2.0 * h))
            .collect()
    };
    let first: Vec<Vec<f64>> = (0..ROWS)
        .map(|k| central(0.02 / 1.6f64.powi(k as i32)))
        .collect();
    (0..first[0].len())
        .map(|i| {
            let mut row: Vec<f64> = first.iter().map(|r| r[i]).collect();
            let (mut best, mut error) = (row[0], f64::INFINITY);
            let mut factor = 1.0;
            while row.len() > 1 {
                factor *= 1.6 * 1.6;
                let next: Vec<f64> = row
                    .windows(2)
                    .map(|w| w[1] + (w[1] - w[0]) / (factor - 1.0))
                    .collect();
                for (k, &value) in next.iter().enumerate() {
                    let change = (value - row[k]).abs().max((value - row[k + 1]).abs());
                    if change < error {
                        (best, error) = (value, change);
                    }
                }
                row = next;
            }
            best
        })
        .collect()
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Equal up to a relative error, measured against the largest entry.
pub fn assert_close(got: &[f64], wanted: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    let scale = wanted.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    for (i, (a, b)) in got.iter().zip(wanted).enumerate() {
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * scale;
        assert!(same, "{what}: entry {i} is {a}, not {b}");
    }
}
