//! Every operation through every derived transform: forward against differences, reverse against
//! forward, lanes against a loop, second order, single precision.

mod common;
#[path = "operations/lanes.rs"]
mod lanes;
#[path = "operations/patterns.rs"]
mod patterns;

use std::fmt::Write;

use common::{assert_close, dot, interpret, outputs, richardson, scattered, value_of};
use jacrs::array::{Array, DType};
use jacrs::differentiate::{Late, Maps, Residual, Wanted, batch, jvp, vjp};
use jacrs::ir::{Graph, NodeId, parse};
use jacrs::ops::elementwise::{Class, ROWS};
use jacrs::ops::tile::Tile;
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

/// Factorisations and what is computed from them: a name, the shape of a matrix `%1`, an operation
/// on `%1` (and on a right-hand side `%4` of shape `[2,3,2]`, or a direction), and the shape of its
/// result.
const FACTORED: &[(&str, &str, &str, &str)] = &[
    ("det", "2,3,3", "lu.det(%1, lu)", "2"),
    ("logdet", "2,3,3", "lu.logdet(%1, lu)", "2"),
    ("cholesky", "2,3,3", "cholesky.lower(%3, cholesky)", "2,3,3"),
    ("q", "4,3", "qr.q(%1, qr)", "4,3"),
    ("q of a wide one", "2,2,3", "qr.q(%1, qr)", "2,2,2"),
    ("complete q", "3,2", "qr_complete.q(%1, qr_complete)", "3,3"),
    ("r", "2,4,3", "qr.r(%1, qr)", "2,3,3"),
    ("r of a wide one", "2,4", "qr.r(%1, qr)", "2,4"),
    ("complete r", "4,2", "qr_complete.r(%1, qr_complete)", "4,2"),
    ("eigenvalues", "2,3,3", "eigh.values(%1, eigh)", "2,3"),
    ("eigenvectors", "2,3,3", "eigh.vectors(%1, eigh)", "2,3,3"),
    ("singular values", "2,4,3", "svd.s(%1, svd)", "2,3"),
    ("left vectors", "4,3", "svd.u(%1, svd)", "4,3"),
    (
        "left vectors of a wide one",
        "2,2,3",
        "svd.u(%1, svd)",
        "2,2,2",
    ),
    ("right vectors", "3,2", "svd.vt(%1, svd)", "2,2"),
    (
        "right vectors of a wide one",
        "2,4",
        "svd.vt(%1, svd)",
        "2,4",
    ),
    (
        "a full left basis",
        "3,2",
        "svd_full.u(%1, svd_full)",
        "3,3",
    ),
    (
        "a full right basis",
        "2,3",
        "svd_full.vt(%1, svd_full)",
        "3,3",
    ),
    (
        "resolvent",
        "2,3,3",
        "resolvent.eigh(%1, eigh, %10)",
        "2,3,6",
    ),
    (
        "resolvent of a tall one",
        "4,2",
        "resolvent.svd(%1, svd, %11)",
        "6,4",
    ),
    (
        "resolvent of a wide one",
        "2,2,3",
        "resolvent.svd_full(%1, svd_full, %11)",
        "2,5,4",
    ),
    ("pole without flags", "2,3,3", "pole(%1, %12)", "2,3"),
    ("solve", "2,3,3", "solve.general(%1, lu, %4)", "2,3,2"),
    (
        "solve transposed",
        "2,3,3",
        "solve.general_t_unchecked(%1, lu, %4)",
        "2,3,2",
    ),
    ("lower", "2,3,3", "solve.lower(%1, %4)", "2,3,2"),
    (
        "upper transposed",
        "2,3,3",
        "solve.upper_t(%1, %4)",
        "2,3,2",
    ),
    ("unit upper", "2,3,3", "solve.unit_upper(%1, %4)", "2,3,2"),
    (
        "unit lower transposed",
        "2,3,3",
        "solve.unit_lower_t(%1, %4)",
        "2,3,2",
    ),
    ("pinv", "2,4,3", "pinv(%1, svd, %5)", "2,3,4"),
    ("pinv of a wide one", "2,2,3", "pinv(%1, svd, %5)", "2,3,2"),
    ("cofactors", "2,3,3", "cofactors(%1)", "2,3,3"),
    ("second cofactors", "2,3,3", "cofactors(%1, %6)", "2,3,3"),
    ("third cofactors", "4,4", "cofactors(%1, %1, %6)", "4,4"),
];

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

fn all() -> Vec<Case> {
    let factored = FACTORED.iter().map(factored);
    elementwise()
        .into_iter()
        .chain(structural())
        .chain(factored)
        .collect()
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

/// Products of a linear map, its residuals computed from the inputs of the case.
fn mapped(case: &Case, maps: &Maps, late: &Late, map: &Graph, seeds: Vec<Array>) -> Vec<Vec<f64>> {
    let early = interpret(&maps.early, &case.inputs);
    let computed = |k: usize| early[maps.early.outputs[1 + k].index()].clone();
    let residuals = late.residuals.iter().map(|residual| match *residual {
        Residual::Input(k) => case.inputs[k].clone(),
        Residual::Computed(k) => computed(k).expect("an output"),
    });
    let given: Vec<Array> = seeds.into_iter().chain(residuals).collect();
    outputs(map, &given)
}

/// Both maps over one set of residuals are the derivative, and each other's transpose.
#[test]
fn linear_maps_agree_with_the_tangent() {
    const WIDTH: usize = 3;
    for case in all() {
        let (g, y) = (&case.graph, case.graph.outputs[0]);
        let maps = Maps::new(g, &[y], &[y], &case.active());
        verify(&maps.early).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let (with_tangent, t, xs, _) = with_tangent(&case);
        let direction = case.direction(51);
        let shaped = |v: &[Vec<f64>]| -> Vec<Array> {
            let shapes = xs.iter().map(|&x| g.shape(x));
            shapes
                .zip(v)
                .map(|(s, v)| Array::from_slice(s, v))
                .collect()
        };
        let wanted = value_of(&with_tangent, t, &with_inputs(&case, &direction));
        let late = &maps.forward;
        let found = mapped(&case, &maps, late, &late.graph, shaped(&direction));
        assert_close(&found[0], &wanted, 1e-13, &case.name);

        let weights = scattered(g.size(y), 53, -1.0, 1.0);
        let (late, ct) = (&maps.reverse, Array::from_slice(g.shape(y), &weights));
        let back = mapped(&case, &maps, late, &late.graph, vec![ct]);
        let reverse: f64 = back.iter().zip(&direction).map(|(b, d)| dot(b, d)).sum();
        assert_close(&[reverse], &[dot(&wanted, &weights)], 1e-12, &case.name);

        let lanes = maps.forward.lanes(WIDTH).unwrap();
        let repeated = |x: &Array| {
            let values = x.to_vec::<f64>();
            let lanes = |v: &f64| {
                (0..WIDTH)
                    .map(move |k| v * (k + 1) as f64)
                    .collect::<Vec<_>>()
            };
            let shape: Vec<usize> = x.shape().iter().copied().chain([WIDTH]).collect();
            Array::from_slice(&shape, &values.iter().flat_map(lanes).collect::<Vec<f64>>())
        };
        let seeds = shaped(&direction).iter().map(repeated).collect();
        let many = mapped(&case, &maps, &maps.forward, &lanes, seeds);
        for k in 0..WIDTH {
            let lane: Vec<f64> = many[0].iter().skip(k).step_by(WIDTH).copied().collect();
            let scaled: Vec<f64> = wanted.iter().map(|v| v * (k + 1) as f64).collect();
            assert_close(&lane, &scaled, 1e-12, &case.name);
        }
    }
}

/// Every tile of a shape, empty ones too.
fn tiles(shape: &[usize]) -> Vec<Tile> {
    let mut found = vec![Tile::whole(shape)];
    for (axis, &n) in shape.iter().enumerate() {
        let ranges = (0..=n).flat_map(|start| (start..=n).map(move |end| (start, end)));
        let cut = |(start, end)| {
            let tiles = found.iter().cloned();
            tiles.map(move |tile| tile.with(axis, start, end))
        };
        found = ranges.flat_map(cut).collect();
    }
    found
}

/// The elements of a tile of an array given in C order.
fn tile_of(values: &[f64], shape: &[usize], tile: &Tile) -> Vec<f64> {
    let inside = |&flat: &usize| {
        let mut rest = flat;
        (0..shape.len()).rev().all(|axis| {
            let at = rest % shape[axis];
            rest /= shape[axis];
            (tile.start[axis]..tile.end(axis)).contains(&at)
        })
    };
    (0..values.len())
        .filter(inside)
        .map(|k| values[k])
        .collect()
}

/// The value of one tile, from tiles of the inputs.
fn alone(case: &Case, tile: &Tile, inputs: &[Array]) -> Vec<f64> {
    let (g, y) = (&case.graph, case.graph.outputs[0]);
    let data = |x: NodeId| {
        let k = g.inputs().iter().position(|&input| input == x)?;
        Some(inputs[k].clone())
    };
    let wanted = Wanted::by(g, [(y, tile.clone())], |_| false, &data);
    let mut target = Graph::new();
    let mut given = vec![];
    let built = wanted.build(
        &mut target,
        |_| false,
        |t, x, tile| {
            let whole = data(x).expect("an input");
            given.push(match g.dtype(x) {
                DType::I64 => Array::from_slice(&tile.shape, &tile.integers_of(&whole)),
                _ => {
                    let values = tile_of(&whole.to_vec::<f64>(), g.shape(x), tile);
                    Array::from_slice(&tile.shape, &values)
                }
            });
            t.input(g.dtype(x), &tile.shape, false)
        },
    );
    let output = built.tile(&mut target, y, tile);
    verify(&target).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    value_of(&target, output, &given)
}

#[test]
fn tiles_are_parts_of_the_whole() {
    for case in all() {
        let (g, y) = (&case.graph, case.graph.outputs[0]);
        // Indices as they are, some from the end, and the same ones without.
        for shift in [0, 1] {
            let moved = |x: &Array| match x.dtype() {
                DType::I64 => {
                    let places: Vec<i64> = x
                        .to_vec::<i64>()
                        .iter()
                        .map(|i| (i + shift).min(1))
                        .collect();
                    Array::from_slice(x.shape(), &places)
                }
                _ => x.clone(),
            };
            let inputs: Vec<Array> = case.inputs.iter().map(moved).collect();
            let whole = value_of(g, y, &inputs);
            for tile in tiles(g.shape(y)) {
                let wanted = tile_of(&whole, g.shape(y), &tile);
                let found = alone(&case, &tile, &inputs);
                assert_close(&found, &wanted, 1e-13, &format!("{} {tile:?}", case.name));
            }
        }
    }
}
