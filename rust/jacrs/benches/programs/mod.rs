//! The programs that several benches run.
#![allow(dead_code, reason = "each bench uses some of them")]

pub mod scalars;
pub mod stencils;

use std::fmt::Write;

use jacrs::array::{Array, DType};
use jacrs::differentiate::vjp;
use jacrs::ir::{Graph, parse};
use jacrs::ops::{Fun, build};
use jacrs::trace::{Index, Recording, Weak};

/// Numbers between 0.1 and 0.9.
pub fn numbers(shape: &[usize]) -> Array {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n)
        .map(|i| 0.5 + 0.4 * (i as f64 * 0.37).sin())
        .collect();
    Array::from_slice(shape, &values)
}

/// Numbers for every input of a graph.
pub fn inputs(graph: &Graph) -> Vec<Array> {
    (graph.inputs().iter())
        .map(|&x| numbers(graph.shape(x)))
        .collect()
}

/// `n` additions and products of two scalars.
pub fn scalar_program(n: usize) -> Graph {
    let mut text = String::from(
        "%0 = input! : float64[2]\n%1 = item(%0, [0 1]) : float64[]\n%2 = item(%0, [1 1]) : float64[]\n",
    );
    for k in 3..n + 3 {
        let name = if k % 2 == 0 { "add" } else { "mul" };
        writeln!(text, "%{k} = {name}(%{}, %{}) : float64[]", k - 1, k - 2).unwrap();
    }
    writeln!(text, "return %{}", n + 2).unwrap();
    parse(&text).unwrap()
}

/// Four operations on `n` elements, which make one fused group: one array read, one written.
pub fn fused_chain(n: usize) -> Graph {
    let text = format!(
        "%0 = input : float64[{n}]\n%1 = mul(%0, %0) : float64[{n}]\n%2 = add(%1, %0) : float64[{n}]\n\
         %3 = sub(%2, %1) : float64[{n}]\n%4 = mul(%3, %0) : float64[{n}]\nreturn %4"
    );
    parse(&text).unwrap()
}

/// One function of `n` elements.
pub fn elementwise(name: &str, n: usize) -> Graph {
    let text = format!("%0 = input : float64[{n}]\n%1 = {name}(%0) : float64[{n}]\nreturn %1");
    parse(&text).unwrap()
}

/// `n` operations: a chain of products and sines of the elements of one argument.
pub fn record(n: usize) -> Recording {
    let mut r = Recording::new();
    let mut x = r.argument(Array::from_slice(&[8], &[0.9; 8]), true);
    let start = r.view(&mut x, &[Index::At(0)]).unwrap();
    let mut y = r.node(start);
    for k in 0..n / 2 {
        let item = r.view(&mut x, &[Index::At((k % 8) as i64)]).unwrap();
        let item = r.node(item);
        y = r
            .map(Fun::Mul, &[(y, Weak::None), (item, Weak::None)])
            .unwrap();
        y = r.map(Fun::Sin, &[(y, Weak::None)]).unwrap();
    }
    r.graph.outputs = vec![y];
    r
}

/// The gradient of the recorded function.
pub fn gradient(recorded: &Graph) -> Graph {
    let mut g = recorded.clone();
    let (x, y) = (g.inputs()[0], g.outputs[0]);
    let one = build::constant(&mut g, DType::F64, &[], 1.0);
    let swept = vjp(&mut g, &[y], &[x], &[Some(one)]);
    g.outputs = vec![y, swept[0].expect("y depends on x")];
    g
}
