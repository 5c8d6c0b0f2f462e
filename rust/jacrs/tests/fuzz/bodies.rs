//! What is asked of any input: run by `cargo test` on a fixed number of them, and by the fuzzer.

use jacrs::array::{Array, DType, Dims, View};
use jacrs::assemble::{Assembly, Mode};
use jacrs::differentiate::{jvp, linearize, vjp};
use jacrs::error::{Error, caught};
use jacrs::execute::uninterrupted;
use jacrs::ir::{Graph, NodeId, decode, encode, parse, print};
use jacrs::ops::{build, verify};
use jacrs::optimize::optimize;
use jacrs::plan::Plan;

use crate::common::{interpret, numbers};
use crate::random::{inputs_for, random_graph};

/// Text is a graph or a typed error, and a graph is the same after it was printed and parsed.
pub fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let graph = match parse(&text) {
        Ok(graph) => graph,
        Err(error) => {
            assert!(
                !error.message.starts_with("the engine panicked"),
                "{error}\n{text}"
            );
            return;
        }
    };
    assert_eq!(verify(&graph), Ok(()), "{text}");
    let printed = print(&graph);
    let again = parse(&printed).unwrap_or_else(|e| panic!("{e}\n{printed}"));
    assert_eq!(print(&again), printed);
}

/// Bytes are a graph or a typed error. A graph is the same after it was encoded and decoded, and it
/// can be planned, differentiated and run: with a typed error at worst.
pub fn binary(bytes: &[u8]) {
    let graph = match decode(bytes) {
        Ok(graph) => graph,
        Err(error) => return assert_typed(&error, None),
    };
    assert_eq!(verify(&graph), Ok(()));
    let again = decode(&encode(&graph)).unwrap_or_else(|e| panic!("{e}\n{}", print(&graph)));
    assert_eq!(print(&again), print(&graph));
    for mode in [None, Some(Mode::Forward), Some(Mode::Reverse)] {
        if let Err(error) = caught(|| used(&graph, mode)) {
            assert_typed(&error, Some(&graph));
        }
    }
}

fn assert_typed(error: &Error, graph: Option<&Graph>) {
    let panicked = error.message.starts_with("the engine panicked");
    assert!(
        !panicked,
        "{error}\n{}",
        graph.map_or_else(String::new, print)
    );
}

/// Plans the values or the Jacobian of a graph, and runs it where it is small.
fn used(graph: &Graph, mode: Option<Mode>) -> Result<(), Error> {
    let count = graph
        .ids()
        .fold(0, |n: usize, id| n.saturating_add(graph.size(id)));
    let inputs = (count < 5000).then(|| inputs_for(graph, &[7]));
    let Some(mode) = mode else {
        let plan = Plan::new(&optimize(graph))?;
        return inputs.map_or(Ok(()), |inputs| plan.evaluate(&inputs).map(drop));
    };
    let floats = |of: &[NodeId]| -> Vec<NodeId> {
        let float = |x: &NodeId| graph.dtype(*x).is_float();
        of.iter().copied().filter(float).take(2).collect()
    };
    let (ys, xs) = (floats(&graph.outputs), floats(graph.inputs()));
    let split = linearize(graph, &graph.outputs, &ys, &xs, mode, 4)?;
    let (early, late) = (optimize(&split.early), optimize(&split.late));
    let assembly = Assembly::new(&early, &late, graph.outputs.len(), mode, 4)?;
    let Some(inputs) = inputs else {
        return Ok(());
    };
    let inputs: Vec<View> = inputs.iter().map(|x| x.view().clone()).collect();
    let values = graph
        .outputs
        .iter()
        .map(|&y| (graph.dtype(y), graph.dims(y)));
    let block = |y: NodeId, x: NodeId| {
        let swept = if mode == Mode::Forward { y } else { x };
        let shape = graph.shape(y).iter().chain(graph.shape(x)).copied();
        (graph.dtype(swept), shape.collect())
    };
    let blocks = ys.iter().flat_map(|&y| xs.iter().map(move |&x| (y, x)));
    let made = |(dtype, shape): (DType, Dims)| Array::uninit(dtype, &shape);
    let (_values, value_outs): (Vec<_>, Vec<_>) = values.map(made).unzip();
    let blocks = blocks.map(|(y, x)| block(y, x));
    let (_blocks, block_outs): (Vec<_>, Vec<_>) = blocks.map(made).unzip();
    assembly.run(&inputs, &value_outs, &block_outs, &uninterrupted)
}

/// A graph computes the same optimized and planned as node by node, and its derivatives forward
/// and backward agree.
pub fn graph(bytes: &[u8]) {
    let choices: Vec<u16> = bytes
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], *pair.get(1).unwrap_or(&0)]))
        .take(400)
        .collect();
    let graph = random_graph(&choices);
    let inputs = inputs_for(&graph, &choices);
    let expected = interpret(&graph, &inputs);
    let plan = Plan::new(&optimize(&graph)).unwrap();
    for (found, y) in plan.evaluate(&inputs).unwrap().iter().zip(&graph.outputs) {
        let want = expected[y.index()].as_ref().unwrap();
        assert_eq!(bits(found), bits(want), "%{}\n{}", y.0, print(&graph));
    }
    derivatives(&graph, &inputs);
}

/// The bits of the elements; all NaN are equal.
fn bits(array: &Array) -> Vec<u64> {
    let bits = |v: f64| {
        if v.is_nan() {
            f64::NAN.to_bits()
        } else {
            v.to_bits()
        }
    };
    numbers(array).into_iter().map(bits).collect()
}

/// `ct . (J t)` and `(J^T ct) . t`, where no number on the way is extreme.
fn derivatives(graph: &Graph, inputs: &[Array]) {
    let mut g = graph.clone();
    let smooth = |g: &Graph, id: NodeId| g.dtype(id) == DType::F64;
    let xs: Vec<NodeId> = g
        .inputs()
        .iter()
        .copied()
        .filter(|&x| smooth(&g, x))
        .collect();
    let ys: Vec<NodeId> = g
        .outputs
        .iter()
        .copied()
        .filter(|&y| smooth(&g, y))
        .collect();
    let seeds = |g: &mut Graph, of: &[NodeId], seed: f64| -> Vec<NodeId> {
        let constant =
            |(k, &x): (usize, &NodeId)| build::constant_like(g, x, seed + 0.25 * k as f64);
        of.iter().enumerate().map(constant).collect()
    };
    let (ts, cts) = (seeds(&mut g, &xs, 0.5), seeds(&mut g, &ys, -0.75));
    let given = |of: &[NodeId]| of.iter().copied().map(Some).collect::<Vec<_>>();
    let forward = jvp(&mut g, &ys, &xs, &given(&ts));
    let backward = vjp(&mut g, &ys, &xs, &given(&cts));
    // Everything is an output, so that every number on the way is seen.
    let before = graph.len();
    let swept: Vec<NodeId> = forward.iter().chain(&backward).flatten().copied().collect();
    g.outputs = swept;
    let values = interpret(&g, inputs);
    let of = |id: NodeId| values[id.index()].as_ref().map(numbers);
    let tame = |v: &f64| v.is_finite() && v.abs() < 1e6;
    if !g.ids().all(|id| of(id).is_none_or(|v| v.iter().all(tame))) {
        return;
    }
    let mut size = 1.0;
    let mut product = |pairs: &[Option<NodeId>], seed: f64| -> f64 {
        let mut total = 0.0;
        for (k, id) in pairs.iter().enumerate() {
            let weight = seed + 0.25 * k as f64;
            for v in id.and_then(of).unwrap_or_default() {
                size += (weight * v).abs();
                total += weight * v;
            }
        }
        total
    };
    let (there, back) = (product(&forward, -0.75), product(&backward, 0.5));
    assert!(
        (there - back).abs() <= 1e-6 * size,
        "{there} forward, {back} in reverse\n{before} nodes of\n{}",
        print(&g)
    );
}
