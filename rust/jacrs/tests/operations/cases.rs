//! One case for each operation that has a derivative.

use std::fmt::Write;

use super::common::scattered;
use super::texts::{FACTORED, STRUCTURAL};
use jacrs::array::{Array, DType};
use jacrs::ir::{Graph, NodeId, parse};
use jacrs::ops::Fun;
use jacrs::ops::elementwise::{Class, ROWS};

/// A graph with one output to be checked, and values for its inputs; the active ones vary.
pub struct Case {
    pub name: String,
    pub graph: Graph,
    pub inputs: Vec<Array>,
}

impl Case {
    pub fn active(&self) -> Vec<NodeId> {
        self.graph
            .inputs()
            .iter()
            .copied()
            .filter(|&x| self.graph.node(x).active)
            .collect()
    }

    /// The inputs with the active ones moved along a direction.
    pub fn moved(&self, direction: &[Vec<f64>], h: f64) -> Vec<Array> {
        let mut k = 0;
        let mut inputs = vec![];
        for (x, array) in self.graph.inputs().iter().zip(&self.inputs) {
            if self.graph.node(*x).active {
                let shifted: Vec<f64> = array
                    .to_vec::<f64>()
                    .iter()
                    .zip(&direction[k])
                    .map(|(a, d)| a + h * d)
                    .collect();
                inputs.push(Array::from_slice(array.shape(), &shifted));
                k += 1;
            } else {
                inputs.push(array.clone());
            }
        }
        inputs
    }

    /// A random direction: one vector for each active input.
    pub fn direction(&self, seed: u64) -> Vec<Vec<f64>> {
        let sizes = self.active().into_iter().map(|x| self.graph.size(x));
        sizes
            .enumerate()
            .map(|(k, n)| scattered(n, seed + k as u64, -1.0, 1.0))
            .collect()
    }
}

/// Text with one output; float inputs are filled with scattered numbers from 0.2 to 0.9.
fn case(name: &str, text: &str) -> Case {
    let graph = parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
    let inputs = graph
        .inputs()
        .iter()
        .enumerate()
        .map(|(k, &x)| {
            let n = graph.size(x);
            match graph.dtype(x) {
                DType::F64 => {
                    Array::from_slice(graph.shape(x), &scattered(n, 7 + k as u64, 0.2, 0.9))
                }
                DType::I64 => {
                    let places: Vec<i64> = (0..n as i64).map(|i| (i * 7 + 1) % 3 - 1).collect();
                    Array::from_slice(graph.shape(x), &places)
                }
                _ => {
                    let flags: Vec<bool> = (0..n).map(|i| i % 3 != 1).collect();
                    Array::from_slice(graph.shape(x), &flags)
                }
            }
        })
        .collect();
    Case {
        name: name.into(),
        graph,
        inputs,
    }
}

/// One case for each row of the elementwise table that has a derivative.
fn elementwise() -> Vec<Case> {
    let mut cases = vec![];
    for row in ROWS
        .iter()
        .filter(|row| !row.flat || row.class == Class::Select)
    {
        // The inverse hyperbolic cosine lives above one.
        let shift = if row.fun == Fun::Acosh {
            "%2 = const(1.5) : float64[2,3]\n%3 = add(%0, %2) : float64[2,3]\n"
        } else {
            "%3 = mul(%0, %0) : float64[2,3]\n"
        };
        let call = match (row.class, row.arity) {
            (Class::Select, _) => format!(
                "%4 = greater(%0, %1) : bool[2,3]\n%5 = {}(%4, %3, %1) : float64[2,3]\n",
                row.name
            ),
            // By its order there is no derivative.
            _ if row.fun == Fun::Zeta => {
                "%4 = const(3.0) : float64[2,3]\n%5 = zeta(%4, %3) : float64[2,3]\n".into()
            }
            (_, 1) => format!("%5 = {}(%3) : float64[2,3]\n", row.name),
            _ => format!("%5 = {}(%3, %1) : float64[2,3]\n", row.name),
        };
        let text = format!(
            "%0 = input! : float64[2,3]\n%1 = input! : float64[2,3]\n{shift}{call}return %5"
        );
        cases.push(case(row.name, &text));
    }
    cases
}

/// The graph of one entry of [`FACTORED`].
fn factored(entry: &(&str, &str, &str, &str)) -> Case {
    let (name, shape, call, result) = entry;
    let size: Vec<usize> = shape.split(',').map(|n| n.parse().unwrap()).collect();
    let (lead, m, n) = (
        &size[..size.len() - 2],
        size[size.len() - 2],
        size[size.len() - 1],
    );
    let k = m.min(n);
    let length = |what: &str| match what {
        "lu" => n * n + n,
        "cholesky" => n * n,
        "qr" => (m + n + 1) * k,
        "qr_complete" => m * m + m * n + m,
        "eigh" => n * n + n + n,
        "svd" => (m + n + 4) * k,
        _ => m * m + n * n + 2 * k + m + n,
    };
    let shaped = |more: &[usize]| {
        let all: Vec<String> = lead.iter().chain(more).map(ToString::to_string).collect();
        all.join(",")
    };
    let mut lines = format!("%0 = input! : float64[{shape}]\n%1 = square(%0) : float64[{shape}]\n");
    let perm: Vec<String> = (0..lead.len())
        .chain([lead.len() + 1, lead.len()])
        .map(|a| a.to_string())
        .collect();
    if call.contains("%3") {
        let _ = writeln!(
            lines,
            "%2 = transpose(%0, [{}]) : float64[{shape}]\n%3 = matmul(%0, %2) : float64[{shape}]",
            perm.join(" ")
        );
    }
    if call.contains("%4") {
        let _ = writeln!(lines, "%4 = input! : float64[{}]", shaped(&[m, 2]));
    }
    if call.contains("%5") {
        let _ = writeln!(lines, "%5 = const(1e-10) : float64[{}]", shaped(&[]));
    }
    for (name, rows, columns) in [("%10", n, 2 * n), ("%11", m + n, 2 * k)] {
        if call.contains(name) {
            let _ = writeln!(
                lines,
                "{name} = input! : float64[{}]",
                shaped(&[rows, columns])
            );
        }
    }
    if call.contains("%12") {
        let _ = writeln!(lines, "%12 = const(0.0) : float64[{}]", shaped(&[n]));
    }
    if call.contains("%6") {
        let _ = writeln!(lines, "%6 = input! : float64[{shape}]");
    }
    let (op, arguments) = call.split_once('(').unwrap();
    let (first, rest) = arguments.split_once([',', ')']).unwrap();
    let factors = rest.trim_matches([' ', ')']).split(',').next().unwrap();
    let mut arguments = format!("({arguments}");
    if !factors.is_empty() && !factors.starts_with('%') {
        let _ = writeln!(
            lines,
            "%7 = {factors}({first}) : float64[{}]",
            shaped(&[length(factors)])
        );
        arguments = arguments.replacen(factors, "%7", 1);
    }
    let text = format!(
        "{lines}%8 = {op}{arguments} : float64[{result}]\n%9 = square(%8) : float64[{result}]\nreturn %9"
    );
    case(name, &text)
}

/// Each followed by a square, so that second derivatives do not vanish.
fn structural() -> Vec<Case> {
    let text = |lines: &str, shape: &str| {
        format!("%0 = input! : float64[2,3]\n{lines}%9 = square(%8) : float64[{shape}]\nreturn %9")
    };
    (STRUCTURAL.iter())
        .map(|(name, lines, shape)| case(name, &text(lines, shape)))
        .collect()
}

/// All of them.
pub fn all() -> Vec<Case> {
    let factored = FACTORED.iter().map(factored);
    elementwise()
        .into_iter()
        .chain(structural())
        .chain(factored)
        .collect()
}
