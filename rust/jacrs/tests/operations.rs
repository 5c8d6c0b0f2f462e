//! Every operation through every derived transform: forward against differences, reverse against
//! forward, lanes against a loop, second order, single precision.

mod common;

use common::{assert_close, dot, richardson, scattered, value_of};
use jacrs::array::{Array, DType};
use jacrs::differentiate::{batch, jvp, vjp};
use jacrs::ir::{Graph, NodeId, parse};
use jacrs::ops::elementwise::{Class, ROWS};
use jacrs::ops::{Fun, build, verify};

/// A graph with one output to be checked, and values for its inputs; the active ones vary.
struct Case {
    name: String,
    graph: Graph,
    inputs: Vec<Array>,
}

impl Case {
    fn active(&self) -> Vec<NodeId> {
        self.graph
            .inputs()
            .iter()
            .copied()
            .filter(|&x| self.graph.node(x).active)
            .collect()
    }

    /// The inputs with the active ones moved along a direction.
    fn moved(&self, direction: &[Vec<f64>], h: f64) -> Vec<Array> {
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
    fn direction(&self, seed: u64) -> Vec<Vec<f64>> {
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

/// Structural operations: a name, the lines after an input `%0` of `[2,3]` up to `%8`, and the shape
/// of `%8`.
const STRUCTURAL: &[(&str, &str, &str)] = &[
    ("reshape", "%8 = reshape(%0) : float64[3,1,2]\n", "3,1,2"),
    (
        "transpose",
        "%8 = transpose(%0, [1 0]) : float64[3,2]\n",
        "3,2",
    ),
    (
        "broadcast",
        "%8 = broadcast(%0) : float64[4,2,3]\n",
        "4,2,3",
    ),
    (
        "slice",
        "%8 = slice(%0, [1 -1 0 2]) : float64[2,2]\n",
        "2,2",
    ),
    (
        "empty slice",
        "%8 = slice(%0, [0 1 0 1]) : float64[0,3]\n",
        "0,3",
    ),
    (
        "assign",
        "%1 = input! : float64[1,3]\n%8 = assign(%0, %1, [1 1 0 1]) : float64[2,3]\n",
        "2,3",
    ),
    (
        "add_at",
        "%1 = input! : float64[2,2]\n%8 = add_at(%0, %1, [0 1 0 2]) : float64[2,3]\n",
        "2,3",
    ),
    ("item", "%8 = item(%0, [4 2]) : float64[]\n", ""),
    ("item row", "%8 = item(%0, [1 1]) : float64[3]\n", "3"),
    (
        "pack",
        "%1 = item(%0, [1 2]) : float64[]\n%2 = item(%0, [5 2]) : float64[]\n%8 = pack(%1, %2, %1, [0 3 1]) : float64[2,2]\n",
        "2,2",
    ),
    (
        "pack rows",
        "%1 = item(%0, [1 1]) : float64[3]\n%2 = item(%0, [0 1]) : float64[3]\n%8 = pack(%1, %2, [3 0]) : float64[4,3]\n",
        "4,3",
    ),
    (
        "concat",
        "%1 = input! : float64[2,1]\n%8 = concat(%0, %1, %0, [1]) : float64[2,7]\n",
        "2,7",
    ),
    (
        "gather",
        "%1 = input : int64[2,2]\n%8 = gather(%0, %1) : float64[2,2,3]\n",
        "2,2,3",
    ),
    (
        "scatter_add",
        "%1 = input : int64[4]\n%2 = input! : float64[4,3]\n%8 = scatter_add(%0, %1, %2) : float64[2,3]\n",
        "2,3",
    ),
    (
        "scatter_set",
        "%1 = input : int64[4]\n%2 = input! : float64[4,3]\n%8 = scatter_set(%0, %1, %2) : float64[2,3]\n",
        "2,3",
    ),
    ("sum", "%8 = sum(%0, [1]) : float64[2]\n", "2"),
    ("sum all", "%8 = sum(%0, [0 1]) : float64[]\n", ""),
    ("prod", "%8 = prod(%0, [0]) : float64[3]\n", "3"),
    ("prod all", "%8 = prod(%0, [0 1]) : float64[]\n", ""),
    ("max", "%8 = max(%0, [1]) : float64[2]\n", "2"),
    ("min", "%8 = min(%0, [0 1]) : float64[]\n", ""),
    ("cumsum", "%8 = cumsum(%0, [1]) : float64[2,3]\n", "2,3"),
    (
        "cumsum_back",
        "%8 = cumsum_back(%0, [0]) : float64[2,3]\n",
        "2,3",
    ),
    (
        "recurrence",
        "%1 = input! : float64[2,3]\n%8 = recurrence(%0, %1, [1]) : float64[2,3]\n",
        "2,3",
    ),
    (
        "recurrence0",
        "%1 = input! : float64[2,3]\n%8 = recurrence0(%0, %1, [0]) : float64[2,3]\n",
        "2,3",
    ),
    (
        "recurrence_back",
        "%1 = input! : float64[2,3]\n%8 = recurrence_back(%0, %1, [1]) : float64[2,3]\n",
        "2,3",
    ),
    (
        "recurrence_back0",
        "%1 = input! : float64[2,3]\n%8 = recurrence_back0(%0, %1, [1]) : float64[2,3]\n",
        "2,3",
    ),
    (
        "matmul",
        "%1 = input! : float64[3,4]\n%8 = matmul(%0, %1) : float64[2,4]\n",
        "2,4",
    ),
    (
        "matmul0",
        "%1 = input! : float64[3,4]\n%8 = matmul0(%0, %1) : float64[2,4]\n",
        "2,4",
    ),
    (
        "matmul batch",
        "%1 = reshape(%0) : float64[2,1,3]\n%2 = input! : float64[2,3,2]\n%8 = matmul(%1, %2) : float64[2,1,2]\n",
        "2,1,2",
    ),
    ("opaque", "%8 = opaque(%0, #1) : float64[2,3]\n", "2,3"),
    (
        "sorted",
        "%1 = reshape(%0) : float64[6]\n%2 = argsort(%1, [0]) : int64[6]\n%8 = gather(%1, %2) : float64[6]\n",
        "6",
    ),
];

/// Each followed by a square, so that second derivatives do not vanish.
fn structural() -> Vec<Case> {
    let text = |lines: &str, shape: &str| {
        format!("%0 = input! : float64[2,3]\n{lines}%9 = square(%8) : float64[{shape}]\nreturn %9")
    };
    (STRUCTURAL.iter())
        .map(|(name, lines, shape)| case(name, &text(lines, shape)))
        .collect()
}

fn all() -> Vec<Case> {
    elementwise().into_iter().chain(structural()).collect()
}

/// Adds tangent inputs for the active inputs and the tangent of the output.
fn with_tangent(case: &Case) -> (Graph, NodeId, Vec<NodeId>, Vec<NodeId>) {
    let mut g = case.graph.clone();
    let (xs, y) = (case.active(), g.outputs[0]);
    let ts: Vec<NodeId> = xs
        .iter()
        .map(|&x| {
            let shape = g.dims(x);
            g.input(DType::F64, &shape, true)
        })
        .collect();
    let seeds: Vec<_> = ts.iter().copied().map(Some).collect();
    let t =
        jvp(&mut g, &[y], &xs, &seeds)[0].unwrap_or_else(|| panic!("{}: no tangent", case.name));
    verify(&g).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    (g, t, xs, ts)
}

fn with_inputs(case: &Case, more: &[Vec<f64>]) -> Vec<Array> {
    let shapes: Vec<_> = case.active().iter().map(|&x| case.graph.dims(x)).collect();
    let extra = more
        .iter()
        .zip(&shapes)
        .map(|(v, s)| Array::from_slice(s, v));
    case.inputs.iter().cloned().chain(extra).collect()
}

#[test]
fn forward_agrees_with_differences() {
    for case in all() {
        let (g, t, _, _) = with_tangent(&case);
        let direction = case.direction(3);
        let got = value_of(&g, t, &with_inputs(&case, &direction));
        let y = case.graph.outputs[0];
        let wanted = richardson(|h| value_of(&case.graph, y, &case.moved(&direction, h)));
        assert_close(&got, &wanted, 1e-8, &case.name);
    }
}

#[test]
fn reverse_agrees_with_forward() {
    for case in all() {
        let (mut g, t, xs, _) = with_tangent(&case);
        let y = case.graph.outputs[0];
        let shape = g.dims(y);
        let ct = g.input(DType::F64, &shape, false);
        let swept = vjp(&mut g, &[y], &xs, &[Some(ct)]);
        verify(&g).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let direction = case.direction(5);
        let weights = scattered(g.size(y), 11, -1.0, 1.0);
        let mut inputs = with_inputs(&case, &direction);
        inputs.push(Array::from_slice(&shape, &weights));
        let forward = dot(&value_of(&g, t, &inputs), &weights);
        let reverse: f64 = (swept.iter().zip(&direction))
            .map(|(c, d)| c.map_or(0.0, |c| dot(&value_of(&g, c, &inputs), d)))
            .sum();
        assert_close(&[reverse], &[forward], 1e-12, &case.name);
    }
}

#[test]
fn lanes_agree_with_a_loop() {
    const WIDTH: usize = 3;
    for case in all() {
        let (mut g, t, _, ts) = with_tangent(&case);
        let seeds: Vec<NodeId> = ts
            .iter()
            .map(|&t| {
                let mut shape = g.dims(t);
                shape.push(WIDTH);
                g.input(DType::F64, &shape, false)
            })
            .collect();
        let (lanes, batched) = batch(&mut g, &[t], &ts, &seeds, WIDTH).unwrap()[0];
        verify(&g).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        assert!(batched, "{}", case.name);
        let directions: Vec<_> = (0..WIDTH)
            .map(|k| case.direction(20 + 5 * k as u64))
            .collect();
        let mut inputs = with_inputs(&case, &directions[0]);
        for (j, &seed) in seeds.iter().enumerate() {
            let n = directions[0][j].len();
            let mixed: Vec<f64> = (0..n * WIDTH)
                .map(|i| directions[i % WIDTH][j][i / WIDTH])
                .collect();
            inputs.push(Array::from_slice(g.shape(seed), &mixed));
        }
        let together = value_of(&g, lanes, &inputs);
        for (k, direction) in directions.iter().enumerate() {
            let alone = value_of(&g, t, &with_inputs(&case, direction));
            let lane: Vec<f64> = together.iter().skip(k).step_by(WIDTH).copied().collect();
            assert_close(&lane, &alone, 1e-13, &case.name);
        }
    }
}

#[test]
fn primal_lanes_agree_with_a_loop() {
    const WIDTH: usize = 2;
    for case in all() {
        let mut g = case.graph.clone();
        let (xs, y) = (case.active(), g.outputs[0]);
        let lanes: Vec<NodeId> = xs
            .iter()
            .map(|&x| {
                let mut shape = g.dims(x);
                shape.push(WIDTH);
                g.input(DType::F64, &shape, false)
            })
            .collect();
        let (out, _) = batch(&mut g, &[y], &xs, &lanes, WIDTH).unwrap()[0];
        let directions = [case.direction(1), case.direction(31)];
        let points: Vec<_> = directions.iter().map(|d| case.moved(d, 0.05)).collect();
        let mut inputs = case.inputs.clone();
        for (&x, &lane) in xs.iter().zip(&lanes) {
            let at = case.graph.inputs().iter().position(|&i| i == x).unwrap();
            let parts: Vec<Vec<f64>> = points.iter().map(|p| p[at].to_vec::<f64>()).collect();
            let n = parts[0].len();
            let mixed: Vec<f64> = (0..n * WIDTH)
                .map(|i| parts[i % WIDTH][i / WIDTH])
                .collect();
            inputs.push(Array::from_slice(g.shape(lane), &mixed));
        }
        let together = value_of(&g, out, &inputs);
        for (k, point) in points.iter().enumerate() {
            let lane: Vec<f64> = together.iter().skip(k).step_by(WIDTH).copied().collect();
            assert_close(&lane, &value_of(&case.graph, y, point), 1e-13, &case.name);
        }
    }
}

/// Forward over reverse, against differences of the forward derivative.
#[test]
fn second_order_agrees_with_differences() {
    for case in all() {
        let (g, t, xs, _) = with_tangent(&case);
        let (first, second) = (case.direction(41), case.direction(43));
        let mut over = g.clone();
        let weights = scattered(over.size(t), 47, -1.0, 1.0);
        let shape = over.dims(t);
        let ct = over.input(DType::F64, &shape, false);
        let swept = vjp(&mut over, &[t], &xs, &[Some(ct)]);
        let mut inputs = with_inputs(&case, &first);
        inputs.push(Array::from_slice(&shape, &weights));
        let got: f64 = (swept.iter().zip(&second))
            .map(|(c, d)| c.map_or(0.0, |c| dot(&value_of(&over, c, &inputs), d)))
            .sum();
        let wanted = richardson(|h| {
            let mut moved = case.moved(&second, h);
            moved.extend(with_inputs(&case, &first).split_off(case.inputs.len()));
            vec![dot(&value_of(&g, t, &moved), &weights)]
        });
        assert_close(&[got], &wanted, 1e-7, &case.name);
    }
}

#[test]
fn single_precision_stays_single() {
    for row in ROWS.iter().filter(|row| !row.flat) {
        let args = if row.arity == 1 { "%0" } else { "%0, %1" };
        let text = format!(
            "%0 = input! : float32[2]\n%1 = input! : float32[2]\n%2 = {}({args}) : float32[2]\nreturn %2",
            row.name
        );
        let mut g = parse(&text).unwrap();
        let (xs, y) = (g.inputs().to_vec(), g.outputs[0]);
        let ones = build::constant_like(&mut g, y, 1.0);
        for ct in vjp(&mut g, &[y], &xs, &[Some(ones)]).into_iter().flatten() {
            assert_eq!(g.dtype(ct), DType::F32, "{}", row.name);
        }
        verify(&g).unwrap();
    }
}
