//! Entries of structured Jacobians of random graphs against derivatives along unit vectors.

pub use jacrs::{array, ir, ops};

#[allow(dead_code)] // other tests use the rest
mod common;
#[path = "../src/execute/tests/random.rs"]
mod random;

use common::{numbers, scattered};
use jacrs::array::{Array, DType};
use jacrs::differentiate::{Mode, jvp, vjp};
use jacrs::ir::{Graph, NodeId, Op, parse};
use jacrs::ops::{Call, Fun, build, evaluate};
use jacrs::optimize::optimize;
use jacrs::plan::Plan;
use jacrs::sparsity::{Detected, Entries, Form, detect, structured, structured_by};
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

/// Some columns of the Jacobian.
fn columns(
    g: &Graph,
    ys: &[NodeId],
    xs: &[NodeId],
    inputs: &[Array],
    picks: &[usize],
) -> Option<Vec<Vec<f64>>> {
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
    for &column in picks {
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

/// Element `row, column` of the Jacobian by a sweep back.
fn swept_back(
    g: &Graph,
    ys: &[NodeId],
    xs: &[NodeId],
    inputs: &[Array],
    (row, column): (usize, usize),
) -> Option<f64> {
    let mut g = g.clone();
    let sizes = ys.iter().scan(0, |end, &y| {
        *end += g.size(y);
        Some((y, *end - g.size(y), *end))
    });
    let (y, start, _) = sizes.into_iter().find(|&(_, _, end)| row < end)?;
    let shape = g.dims(y);
    let dtype = g.dtype(y);
    let one = build::constant(&mut g, dtype, &[], 1.0);
    let unit = build::pack(&mut g, &[one], &[(row - start) as i64], &shape);
    let swept = vjp(&mut g, &[y], xs, &[Some(unit)]);
    let mut first = 0;
    for (&x, swept) in xs.iter().zip(swept) {
        if column < first + g.size(x) {
            g.outputs = vec![swept?];
            return Some(outputs_of(&g, inputs)?[0][column - first]);
        }
        first += g.size(x);
    }
    None
}

/// Infinities that meet in another order may give no number.
fn close(a: f64, b: f64, tolerance: f64) -> bool {
    a == b || !b.is_finite() || (a - b).abs() <= tolerance * (1.0 + b.abs())
}

/// Floats that are differentiated by, and those that are differentiated.
fn ends(g: &Graph) -> (Vec<NodeId>, Vec<NodeId>) {
    let is_float = |x: &NodeId| g.dtype(*x).is_float();
    let xs = g.inputs().iter().copied().filter(is_float).collect();
    (xs, g.outputs.iter().copied().filter(is_float).collect())
}

fn run(entries: &Entries, inputs: &[Array]) -> Vec<Array> {
    let given = [inputs, &entries.tables].concat();
    let plan = Plan::new(&optimize(&entries.graph)).unwrap();
    plan.evaluate(&given).unwrap()
}

/// The entries as a dense matrix, by columns.
fn filled(found: &Detected, entries: &[f64]) -> Vec<Vec<f64>> {
    let (rows, width) = found.pattern.shape();
    assert_eq!(entries.len(), found.pattern.nnz());
    let mut columns = vec![vec![0.0; rows]; width];
    let mut entries = entries.iter();
    for (i, row) in found.pattern.rows().enumerate() {
        for &j in row {
            columns[j as usize][i] = *entries.next().unwrap();
        }
    }
    columns
}

/// The blocks as one matrix, by columns.
fn joined(g: &Graph, ys: &[NodeId], xs: &[NodeId], blocks: &[Array]) -> Vec<Vec<f64>> {
    let rows = ys.iter().map(|&y| g.size(y)).sum();
    let mut columns = vec![];
    for (j, &x) in xs.iter().enumerate() {
        let width = g.size(x);
        let mut part = vec![Vec::with_capacity(rows); width];
        for (i, &y) in ys.iter().enumerate() {
            let block = &blocks[i * xs.len() + j];
            let shape = [g.shape(y), g.shape(x)].concat();
            assert_eq!((block.shape(), block.dtype()), (&shape[..], g.dtype(y)));
            for (k, number) in numbers(block).into_iter().enumerate() {
                part[k % width].push(number);
            }
        }
        columns.extend(part);
    }
    columns
}

/// Larger Jacobians take too long here.
const MOST: usize = 1 << 20;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1200))]

    #[test]
    fn entries_of_a_random_graph_are_those_of_the_dense_jacobian(
        choices in prop::collection::vec(any::<u16>(), 20..160),
        form in prop::sample::select(vec![Form::Rows, Form::Blocks]),
        mode in prop::sample::select(vec![Mode::Forward, Mode::Reverse]),
        seed in any::<u64>(),
    ) {
        let g = random::random_graph(&choices);
        // A matrix that is nearly singular has no digits to compare.
        prop_assume!(!g.ids().any(|id| matches!(g.op(id), Op::Factor(_) | Op::Cofactors)));
        let inputs = random::inputs_for(&g, &choices);
        let (xs, ys) = ends(&g);
        let Ok(found) = detect(&g, &ys, &xs, &inputs) else {
            return Ok(()); // an index out of bounds
        };
        let (rows, width) = found.pattern.shape();
        prop_assume!(rows * width <= MOST);
        let Ok(entries) = structured_by(mode, &g, &ys, &xs, &found, form).unwrap() else {
            return Ok(());
        };
        let picks: Vec<usize> = match width {
            0..32 => (0..width).collect(),
            _ => scattered(16, seed, 0.0, width as f64).iter().map(|&x| x as usize).collect(),
        };
        let Some(dense) = columns(&g, &ys, &xs, &inputs, &picks) else { return Ok(()) };
        let results = run(&entries, &inputs);
        let got = match form {
            Form::Rows => filled(&found, &numbers(&results[0])),
            Form::Blocks => joined(&g, &ys, &xs, &results),
        };
        let single = xs.iter().chain(&ys).any(|&x| g.dtype(x) == DType::F32);
        let tolerance = if single { 1e-4 } else { 1e-9 };
        for (&j, dense) in picks.iter().zip(&dense) {
            for (i, (&a, &b)) in got[j].iter().zip(dense).enumerate() {
                // Two products that cancel have no sum where they are infinite: nor have they when
                // sweeping back.
                let back = || swept_back(&g, &ys, &xs, &inputs, (i, j));
                let singular = || a.is_nan() && back().is_some_and(|c| !c.is_finite());
                prop_assert!(
                    close(a, b, tolerance) || singular(),
                    "row {i}, column {j}: {a} instead of {b}\n{}", ir::print(&g)
                );
            }
        }
    }
}

/// The entries of a graph in text, in both forms, against the dense Jacobian, bit for bit if `exact`.
fn checked(text: &str, inputs: &[Array], exact: bool) -> Entries {
    let g = parse(text).unwrap();
    let active = g.inputs().iter().copied().filter(|&x| g.node(x).active);
    let (xs, ys): (Vec<NodeId>, Vec<NodeId>) = (active.collect(), g.outputs.clone());
    let found = detect(&g, &ys, &xs, inputs).unwrap();
    let picks: Vec<usize> = (0..found.pattern.shape().1).collect();
    let dense = columns(&g, &ys, &xs, inputs, &picks).unwrap();
    let made = |form| {
        let made = structured(&g, &[], &ys, &xs, &found, form).unwrap();
        made.unwrap_or_else(|reason| panic!("{reason}"))
    };
    let compare = |got: Vec<Vec<f64>>| {
        for (a, b) in got.iter().flatten().zip(dense.iter().flatten()) {
            assert!(
                if exact { a == b } else { close(*a, *b, 1e-12) },
                "{a} instead of {b}"
            );
        }
    };
    let (rows, blocks) = (made(Form::Rows), made(Form::Blocks));
    compare(filled(&found, &numbers(&run(&rows, inputs)[0])));
    compare(joined(&g, &ys, &xs, &run(&blocks, inputs)));
    rows
}

/// The elements of the largest array that a graph, or a table of it, has.
fn largest(entries: &Entries) -> usize {
    let g = optimize(&entries.graph);
    g.ids().map(|id| g.size(id)).max().unwrap_or(0)
}

fn vector(n: usize) -> Array {
    Array::from_slice(&[n], &scattered(n, 7, 0.2, 0.9))
}

/// `np.roll` by one place, either way.
fn rolled(g: &mut Graph, x: NodeId, forwards: bool) -> NodeId {
    let n = g.size(x);
    let cut = if forwards { n - 1 } else { 1 };
    let first = build::slice_axis(g, x, 0, 0, cut);
    let last = build::slice_axis(g, x, 0, cut, n);
    build::concat(g, &[last, first], 0)
}

#[test]
fn twenty_steps_of_a_stencil_have_as_many_terms_as_neighbours() {
    let n = 200;
    let mut g = Graph::new();
    let mut x = g.input(DType::F64, &[n], true);
    for _ in 0..20 {
        let (left, right) = (rolled(&mut g, x, true), rolled(&mut g, x, false));
        let sum = build::add(&mut g, left, right);
        x = build::map(&mut g, Fun::Sin, &[sum]);
    }
    g.outputs = vec![x];
    let entries = checked(&ir::print(&g), &[vector(n)], false);
    // Every second neighbour, 20 to each side.
    assert_eq!(largest(&entries), 21 * n);
}

#[test]
fn sums_along_a_line_are_as_large_as_their_entries() {
    let n = 150;
    let text = format!(
        "%0 = input! : float64[{n}]\n%1 = sin(%0) : float64[{n}]\n\
         %2 = cumsum(%1, [0]) : float64[{n}]\n%3 = mul(%2, %0) : float64[{n}]\nreturn %3"
    );
    // The sums are coefficients as well.
    assert!(largest(&checked(&text, &[vector(n)], false)) <= n * n + n);
}

#[test]
fn where_only_a_sweep_back_is_cheap_it_is_made() {
    let n = 2000;
    let text = format!(
        "%0 = input! : float64[{n}]\n%1 = sin(%0) : float64[{n}]\n\
         %2 = cumsum(%1, [0]) : float64[{n}]\n%3 = exp(%2) : float64[{n}]\n\
         %4 = sum(%3, [0]) : float64[]\nreturn %4"
    );
    let g = parse(&text).unwrap();
    let found = detect(&g, &g.outputs, g.inputs(), &[]).unwrap();
    let made = |form| structured(&g, &[], &g.outputs, g.inputs(), &found, form).unwrap();
    let entries = made(Form::Rows).unwrap_or_else(|reason| panic!("{reason}"));
    assert_eq!(largest(&entries), n);
    // A dense row is left to seeds.
    let reason = made(Form::Blocks).err().unwrap();
    assert_eq!(
        reason,
        "cumsum of shape (2000,) would have 4000000 coefficients"
    );
    let forward = structured_by(
        Mode::Forward,
        &g,
        &g.outputs,
        g.inputs(),
        &found,
        Form::Rows,
    );
    assert_eq!(forward.unwrap().err().unwrap(), reason);
}

#[test]
fn a_sweep_back_is_taken_where_it_needs_half_the_coefficients() {
    use std::fmt::Write;
    let (n, width, steps) = (40, 12, 10);
    let mut text = format!(
        "%0 = input! : float64[{n},{width}]\n%1 = square(%0) : float64[{n},{width}]\n\
         %2 = sum(%1, [1]) : float64[{n}]\n"
    );
    for k in 3..3 + steps {
        writeln!(text, "%{k} = sin(%{}) : float64[{n}]", k - 1).unwrap();
    }
    writeln!(text, "return %{}", 2 + steps).unwrap();
    let x = Array::from_slice(&[n, width], &scattered(n * width, 5, 0.2, 0.9));
    let wide = |entries: &Entries| {
        let g = optimize(&entries.graph);
        let wide = |id: &NodeId| matches!(g.op(*id), Op::Map(_)) && g.size(*id) == n * width;
        g.ids().filter(wide).count()
    };
    // The squares, twice the input, and the product with a slope for each row.
    assert_eq!(wide(&checked(&text, &[x], false)), 3);
    let g = parse(&text).unwrap();
    let found = detect(&g, &g.outputs, g.inputs(), &[]).unwrap();
    let forward = structured_by(
        Mode::Forward,
        &g,
        &g.outputs,
        g.inputs(),
        &found,
        Form::Rows,
    );
    assert!(wide(&forward.unwrap().ok().unwrap()) > steps);
}

#[test]
fn numbers_of_two_precisions_are_not_swept_back() {
    let text = "
        %0 = input! : float32[3]
        %1 = cast(%0) : float64[3]
        %2 = sin(%1) : float64[3]
        return %2";
    let g = parse(text).unwrap();
    let found = detect(&g, &g.outputs, g.inputs(), &[]).unwrap();
    let made = structured_by(
        Mode::Reverse,
        &g,
        &g.outputs,
        g.inputs(),
        &found,
        Form::Rows,
    );
    assert_eq!(
        made.unwrap().err().unwrap(),
        "sweeping back would lose digits"
    );
}

#[test]
fn dense_factors_are_products_of_matrices() {
    let text = "
        %0 = input! : float64[30]
        %1 = input : float64[40,30]
        %2 = input : float64[20,40]
        %3 = tanh(%0) : float64[30]
        %4 = reshape(%3) : float64[30,1]
        %5 = matmul(%1, %4) : float64[40,1]
        %6 = tanh(%5) : float64[40,1]
        %7 = matmul(%2, %6) : float64[20,1]
        return %7";
    let matrix = |m: usize, n: usize| Array::from_slice(&[m, n], &scattered(m * n, 3, -1.0, 1.0));
    let inputs = [vector(30), matrix(40, 30), matrix(20, 40)];
    assert_eq!(largest(&checked(text, &inputs, false)), 40 * 30);
}

#[test]
fn a_convolution_has_a_term_for_each_weight() {
    use std::fmt::Write;
    let (n, m) = (300, 9);
    let count = n - m + 1;
    let mut text = format!(
        "%0 = input! : float64[{n}]\n%1 = input : float64[{m}]\n%2 = const(0.0) : float64[{count}]\n"
    );
    for k in 0..m {
        let id = 3 + 5 * k;
        let before = if k == 0 { 2 } else { id - 1 };
        write!(
            text,
            "%{id} = slice(%0, [{k} 1]) : float64[{count}]\n%{} = item(%1, [{k} 1]) : float64[]\n\
             %{} = broadcast(%{}) : float64[{count}]\n%{} = mul(%{}, %{id}) : float64[{count}]\n\
             %{} = add(%{before}, %{}) : float64[{count}]\n",
            id + 1,
            id + 2,
            id + 1,
            id + 3,
            id + 2,
            id + 4,
            id + 3,
        )
        .unwrap();
    }
    writeln!(text, "return %{}", 2 + 5 * m).unwrap();
    let entries = checked(&text, &[vector(n), vector(m)], true);
    assert_eq!(largest(&entries), m * count);
    // The weights are numbers: nothing is computed for an element.
    let g = optimize(&entries.graph);
    assert!(!g.ids().any(|id| matches!(g.op(id), Op::Map(_))));
}

#[test]
fn constant_entries_are_a_table() {
    let text = "
        %0 = input! : float32[5]
        %1 = slice(%0, [1 1]) : float32[4]
        %2 = slice(%0, [0 1]) : float32[4]
        %3 = sub(%1, %2) : float32[4]
        return %3";
    let x = Array::from_slice::<f32>(&[5], &[1.0, 2.0, 3.0, 4.0, 5.0]);
    let entries = checked(text, &[x], true);
    let g = optimize(&entries.graph);
    assert!(matches!(g.op(g.outputs[0]), Op::Input(1)));
    assert_eq!(entries.tables[0].to_vec::<f32>(), [-1.0f32, 1.0].repeat(4));
}

#[test]
fn a_branch_that_is_not_taken_adds_nothing_to_an_entry() {
    // `sqrt` has an infinite slope at the zero that stands for what is not taken.
    let text = "
        %0 = input! : float64[4]
        %1 = const(0.0) : float64[4]
        %2 = greater(%0, %1) : bool[4]
        %3 = where(%2, %0, %1) : float64[4]
        %4 = sqrt(%3) : float64[4]
        %5 = slice(%4, [3 -1]) : float64[4]
        %6 = mul(%5, %0) : float64[4]
        return %6";
    let x = Array::from_slice(&[4], &[4.0, -1.0, 0.0, 2.25]);
    checked(text, &[x], true);
}

#[test]
fn inputs_may_be_given_twice_numbers_and_empty() {
    let text = "
        %0 = input! : float64[]
        %1 = input! : float64[2,0]
        %2 = input! : float64[2]
        %3 = broadcast(%0) : float64[2]
        %4 = mul(%3, %2) : float64[2]
        %5 = sum(%1, [1]) : float64[2]
        %6 = add(%4, %5) : float64[2]
        %7 = item(%6, [1 1]) : float64[]
        return %6, %7, %0, %1, %6";
    let inputs = [
        Array::scalar(3.0),
        Array::from_slice::<f64>(&[2, 0], &[]),
        vector(2),
    ];
    checked(text, &inputs, true);
    let g = parse(text).unwrap();
    let xs: Vec<NodeId> = [2, 2].map(|k| g.inputs()[k]).into();
    let found = detect(&g, &g.outputs[..1], &xs, &inputs).unwrap();
    let made = structured(&g, &[], &g.outputs[..1], &xs, &found, Form::Rows).unwrap();
    let entries = made.unwrap_or_else(|reason| panic!("{reason}"));
    assert_eq!(numbers(&run(&entries, &inputs)[0]), [3.0; 4]);
}

#[test]
fn solutions_of_a_linear_system_go_through_in_lanes() {
    let text = "
        %0 = input! : float64[4,3]
        %1 = input : float64[3,3]
        %2 = lu(%1) : float64[12]
        %3 = transpose(%0, [1 0]) : float64[3,4]
        %4 = sin(%3) : float64[3,4]
        %5 = solve.general(%1, %2, %4) : float64[3,4]
        %6 = mul(%5, %3) : float64[3,4]
        return %6";
    let matrix = [4.0, 1.0, 0.0, 1.0, 5.0, 2.0, 0.5, 1.0, 3.0];
    let inputs = [
        Array::from_slice(&[4, 3], &scattered(12, 1, 0.1, 0.9)),
        Array::from_slice(&[3, 3], &matrix),
    ];
    // Columns stay apart: three lanes, not twelve; a sum of two products at most for each entry.
    assert!(largest(&checked(text, &inputs, false)) <= 2 * 3 * 12);
}
