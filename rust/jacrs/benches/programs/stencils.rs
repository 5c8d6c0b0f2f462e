//! Partial differential equations on grids, as NumPy code is recorded.

use jacrs::array::DType;
use jacrs::ir::{Graph, NodeId};
use jacrs::ops::{Fun, build};

/// Some rows and columns of a grid, from a start on.
fn part(g: &mut Graph, x: NodeId, start: [usize; 2], shape: [usize; 2]) -> NodeId {
    build::slice(g, x, &[start[0] as i64, 1, start[1] as i64, 1], &shape)
}

/// A number that the recorded function reads, repeated.
fn number(g: &mut Graph, shape: &[usize]) -> NodeId {
    let x = g.input(DType::F64, &[], false);
    build::broadcast(g, x, shape)
}

/// Bratu's problem, `laplace(u) / h**2 + lambda * exp(u)` on a square of `side * side` points with
/// zeros around it.
pub fn bratu(side: usize) -> Graph {
    let mut g = Graph::new();
    let (shape, wide) = ([side, side], [side + 2, side + 2]);
    let x = g.input(DType::F64, &[side * side], true);
    let u = build::reshape(&mut g, x, &shape);
    let zeros = build::constant(&mut g, DType::F64, &wide, 0.0);
    let padded = build::assign(&mut g, zeros, &[1, 1, 1, 1], u);
    let starts = [[2, 1], [0, 1], [1, 2], [1, 0], [1, 1]];
    let [a, b, c, d, e] = starts.map(|start| part(&mut g, padded, start, shape));
    let sum = build::add(&mut g, a, b);
    let sum = build::add(&mut g, sum, c);
    let sum = build::add(&mut g, sum, d);
    let four = build::constant(&mut g, DType::F64, &shape, 4.0);
    let middle = build::mul(&mut g, four, e);
    let laplace = build::sub(&mut g, sum, middle);
    let (h, lambda) = (number(&mut g, &shape), number(&mut g, &shape));
    let laplace = build::div(&mut g, laplace, h);
    let exp = build::map(&mut g, Fun::Exp, &[u]);
    let source = build::mul(&mut g, lambda, exp);
    let y = build::add(&mut g, laplace, source);
    g.outputs = vec![build::reshape(&mut g, y, &[side * side])];
    g
}

/// `np.roll` by one place, either way.
fn rolled(g: &mut Graph, x: NodeId, axis: usize, forwards: bool) -> NodeId {
    let n = g.shape(x)[axis];
    let cut = if forwards { n - 1 } else { 1 };
    let (first, last) = (
        build::slice_axis(g, x, axis, 0, cut),
        build::slice_axis(g, x, axis, cut, n),
    );
    build::concat(g, &[last, first], axis)
}

/// The Brusselator with diffusion on a periodic square of `side * side` points: two fields.
pub fn brusselator(side: usize) -> Graph {
    let mut g = Graph::new();
    let shape = [side, side];
    let x = g.input(DType::F64, &[2 * side * side], true);
    let both = build::reshape(&mut g, x, &[2, side, side]);
    let [u, v] = [0, 1].map(|k| build::item(&mut g, both, k, 1));
    let (a, b, alpha) = (
        number(&mut g, &shape),
        number(&mut g, &shape),
        number(&mut g, &shape),
    );
    let four = build::constant(&mut g, DType::F64, &shape, 4.0);
    let [du, dv] = [u, v].map(|x| {
        let around = [(0, true), (0, false), (1, true), (1, false)];
        let [p, q, r, s] = around.map(|(axis, forwards)| rolled(&mut g, x, axis, forwards));
        let sum = build::add(&mut g, p, q);
        let sum = build::add(&mut g, sum, r);
        let sum = build::add(&mut g, sum, s);
        let middle = build::mul(&mut g, four, x);
        let laplace = build::sub(&mut g, sum, middle);
        build::mul(&mut g, alpha, laplace)
    });
    let square = build::map(&mut g, Fun::Square, &[u]);
    let product = build::mul(&mut g, square, v);
    let gain = build::add(&mut g, a, product);
    let one = build::constant(&mut g, DType::F64, &shape, 1.0);
    let rate = build::add(&mut g, b, one);
    let loss = build::mul(&mut g, rate, u);
    let source = build::sub(&mut g, gain, loss);
    let first = build::add(&mut g, source, du);
    let made = build::mul(&mut g, b, u);
    let sink = build::sub(&mut g, made, product);
    let second = build::add(&mut g, sink, dv);
    let [first, second] = [first, second].map(|y| build::reshape(&mut g, y, &[side * side]));
    g.outputs = vec![build::concat(&mut g, &[first, second], 0)];
    g
}

/// The gradient of the area of a membrane, `sum(sqrt(1 + p**2 + q**2))` of its slopes `p` and `q`,
/// over a square of `side * side` points with zeros around it.
pub fn membrane(side: usize) -> Graph {
    let mut g = Graph::new();
    let (wide, shape) = ([side + 2, side + 2], [side + 1, side + 1]);
    let x = g.input(DType::F64, &[side * side], true);
    let u = build::reshape(&mut g, x, &[side, side]);
    let zeros = build::constant(&mut g, DType::F64, &wide, 0.0);
    let u = build::assign(&mut g, zeros, &[1, 1, 1, 1], u);
    let [corner, below, beside] =
        [[0, 0], [1, 0], [0, 1]].map(|start| part(&mut g, u, start, shape));
    let one = build::constant(&mut g, DType::F64, &shape, 1.0);
    let square = [below, beside].into_iter().fold(one, |sum, next| {
        let slope = build::sub(&mut g, next, corner);
        let square = build::map(&mut g, Fun::Square, &[slope]);
        build::add(&mut g, sum, square)
    });
    let area = build::map(&mut g, Fun::Sqrt, &[square]);
    g.outputs = vec![build::sum(&mut g, area, &[0, 1])];
    super::gradient(&g)
}

/// `sum_j exp(-(x_i - x_j)**2)` for all `i`: a dense Jacobian through `n * n` values of which each
/// depends on two.
pub fn pairwise(n: usize) -> Graph {
    let mut g = Graph::new();
    let x = g.input(DType::F64, &[n], true);
    let shape = [n, n];
    let column = build::reshape(&mut g, x, &[n, 1]);
    let (p, q) = (
        build::broadcast(&mut g, column, &shape),
        build::broadcast(&mut g, x, &shape),
    );
    let distance = build::sub(&mut g, p, q);
    let square = build::map(&mut g, Fun::Square, &[distance]);
    let negative = build::neg(&mut g, square);
    let exp = build::map(&mut g, Fun::Exp, &[negative]);
    g.outputs = vec![build::sum(&mut g, exp, &[1])];
    g
}
