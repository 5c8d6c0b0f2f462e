//! Graphs and what the passes make of them, as text. `UPDATE_GOLDEN=1 cargo test --test golden`
//! writes the files anew; read the difference before keeping it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use jacrs::array::DType;
use jacrs::differentiate::{Mode, jacobian, jvp, linearize, vjp};
use jacrs::ir::{Graph, NodeId, parse, print};
use jacrs::ops::build;
use jacrs::optimize::optimize;
use jacrs::sparsity::{Form, detect, structured};

/// A file is the source graph followed by sections that the passes produced.
fn sections(source: &str) -> String {
    let graph = parse(source).unwrap();
    let active: Vec<NodeId> = graph
        .inputs()
        .iter()
        .copied()
        .filter(|&x| graph.node(x).active)
        .collect();
    let mut text = source.to_owned();
    let mut section = |name: &str, g: &Graph| {
        write!(text, "\n=== {name}\n{}", print(g)).unwrap();
    };
    section("printed", &graph);
    section("optimized", &optimize(&graph));
    section("forward", &optimize(&forward(&graph, &active)));
    section("reverse", &optimize(&reverse(&graph, &active)));
    section("jacobian", &optimize(&dense(&graph, &active)));
    let split = linearize(
        &graph,
        &graph.outputs,
        &graph.outputs,
        &active,
        Mode::Forward,
        4,
    )
    .unwrap();
    section("early half", &optimize(&split.early));
    section("late half, 4 lanes", &optimize(&split.late));
    text.push_str(&structure(&graph, &active));
    text
}

/// The pattern, and the graph of the entries with its tables.
fn structure(graph: &Graph, active: &[NodeId]) -> String {
    let found = detect(graph, &graph.outputs, active, &[]).unwrap();
    let made = structured(graph, &[], &graph.outputs, active, &found, Form::Rows).unwrap();
    let mut text = format!("\n=== pattern\n{}\n=== entries\n", found.pattern);
    match made {
        Ok(entries) => {
            text.push_str(&print(&optimize(&entries.graph)));
            for table in &entries.tables {
                match table.dtype() {
                    DType::I64 => writeln!(text, "table {:?}", table.to_vec::<i64>()).unwrap(),
                    _ => writeln!(text, "table {:?}", table.to_vec::<f64>()).unwrap(),
                }
            }
        }
        Err(reason) => writeln!(text, "none: {reason}").unwrap(),
    }
    text
}

fn forward(graph: &Graph, active: &[NodeId]) -> Graph {
    let mut g = graph.clone();
    let tangents: Vec<_> = active.iter().map(|&x| Some(like(&mut g, x))).collect();
    let moved = jvp(&mut g, &graph.outputs, active, &tangents);
    g.outputs = moved.into_iter().flatten().collect();
    g
}

fn reverse(graph: &Graph, active: &[NodeId]) -> Graph {
    let mut g = graph.clone();
    let cotangents: Vec<_> = graph
        .outputs
        .iter()
        .map(|&y| Some(like(&mut g, y)))
        .collect();
    let swept = vjp(&mut g, &graph.outputs, active, &cotangents);
    g.outputs = swept.into_iter().flatten().collect();
    g
}

fn dense(graph: &Graph, active: &[NodeId]) -> Graph {
    let mut g = graph.clone();
    let blocks = jacobian(&mut g, &graph.outputs, active, Mode::Forward).unwrap();
    g.outputs = blocks.into_iter().flatten().flatten().collect();
    g
}

fn like(g: &mut Graph, x: NodeId) -> NodeId {
    let shape = g.dims(x);
    g.input(g.dtype(x), &shape, false)
}

#[test]
fn passes_give_what_the_files_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kept = fs::read_to_string(&path).unwrap();
        let source = kept.split("\n=== ").next().unwrap();
        let source = if source.ends_with('\n') {
            source.to_owned()
        } else {
            format!("{source}\n")
        };
        let made = sections(&source);
        if update {
            fs::write(&path, &made).unwrap();
        }
        assert_eq!(
            made,
            if update { made.clone() } else { kept },
            "{}",
            path.display()
        );
        seen += 1;
    }
    assert!(seen >= 5);
}

#[test]
fn wrong_text_is_refused_with_its_line() {
    let cases = [
        (
            "%0 = input : float64[3]\n%1 = sin(%7) : float64[3]",
            "line 2: %7 is not defined",
        ),
        ("%0 = input : float63[3]", "line 1: no dtype float63"),
        (
            "%0 = input : float64[3]\n%1 = frob(%0) : float64[3]",
            "line 2: there is no operation frob",
        ),
        (
            "%0 = input : float64[3]\n%0 = input : float64[3]",
            "line 2: %0 is defined twice",
        ),
        (
            "%0 = input : float64[3]\n%1 = sin(%0",
            "line 2: the type is missing",
        ),
        (
            "%0 = input : float64[99999999999,99999999999]",
            "line 1: the shape is too large",
        ),
        ("%0 = const : float64[]", "line 1: the value is missing"),
        (
            "%0 = input : float64[3]\n%1 = reshape(%0) : float64[4]",
            "line 2: reshape of [3] cannot give [4]",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(parse(text).map(|_| ()).unwrap_err().message, message);
    }
}

#[test]
fn equal_operations_are_one_node() {
    let mut g = Graph::new();
    let x = g.input(jacrs::array::DType::F64, &[2], true);
    let (a, b) = (build::mul(&mut g, x, x), build::mul(&mut g, x, x));
    let names = [g.opaque(x), g.opaque(x)];
    assert_eq!(a, b);
    assert_ne!(names[0], names[1]);
}
