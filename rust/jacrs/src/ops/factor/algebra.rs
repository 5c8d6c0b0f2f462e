//! Matrices in the last two axes, as graphs: what the rules of factorisations are written in.

use crate::ir::{Graph, Guard, NodeId};
use crate::ops::{Fun, build};

pub fn multiply(g: &mut Graph, a: NodeId, b: NodeId) -> NodeId {
    build::matmul(g, a, b, Guard::On)
}

/// The sum of products of all entries of each pair of matrices.
pub fn inner(g: &mut Graph, a: NodeId, b: NodeId) -> NodeId {
    let products = build::mul0(g, a, b);
    let r = g.shape(products).len();
    build::sum(g, products, &[r - 2, r - 1])
}

/// The number of rows and columns.
pub fn sizes(g: &Graph, x: NodeId) -> (usize, usize) {
    let shape = g.shape(x);
    (shape[shape.len() - 2], shape[shape.len() - 1])
}

/// Where `comparison` holds between the number of a row and that of a column; like `x`.
fn where_places(g: &mut Graph, x: NodeId, comparison: Fun) -> NodeId {
    let (m, n) = sizes(g, x);
    let shape = g.dims(x);
    let rows = build::iota(g, m);
    let rows = build::reshape(g, rows, &[m, 1]);
    let rows = build::broadcast(g, rows, &[m, n]);
    let columns = build::iota(g, n);
    let columns = build::broadcast(g, columns, &[m, n]);
    let mask = build::map(g, comparison, &[rows, columns]);
    build::broadcast(g, mask, &shape)
}

/// `x` with zeros wherever `comparison` of row and column fails: `Less` keeps what is strictly above
/// the diagonal.
pub fn keep(g: &mut Graph, x: NodeId, comparison: Fun) -> NodeId {
    let mask = where_places(g, x, comparison);
    let zero = build::zeros_like(g, x);
    build::select(g, mask, x, zero)
}

/// The symmetric matrix with this lower triangle.
pub fn symmetric(g: &mut Graph, x: NodeId) -> NodeId {
    let below = keep(g, x, Fun::Greater);
    let above = build::swap_last(g, below);
    let lower = keep(g, x, Fun::GreaterEqual);
    build::add(g, lower, above)
}

/// `x - x^T`.
pub fn skew(g: &mut Graph, x: NodeId) -> NodeId {
    let turned = build::swap_last(g, x);
    build::sub(g, x, turned)
}

/// A stack of identity matrices, as many as `x` has.
pub fn identity(g: &mut Graph, x: NodeId, n: usize) -> NodeId {
    let eye = build::eye(g, g.dtype(x), n);
    let mut shape = g.dims(x);
    let r = shape.len();
    (shape[r - 2], shape[r - 1]) = (n, n);
    build::broadcast(g, eye, &shape)
}

/// Some rows and columns: `start..stop` of each.
pub fn block(g: &mut Graph, x: NodeId, rows: (usize, usize), columns: (usize, usize)) -> NodeId {
    let r = g.shape(x).len();
    let x = build::slice_axis(g, x, r - 2, rows.0, rows.1);
    build::slice_axis(g, x, r - 1, columns.0, columns.1)
}

/// `a` over `b`, or `a` beside `b`.
pub fn join(g: &mut Graph, parts: &[NodeId], beside: bool) -> NodeId {
    let r = g.shape(parts[0]).len();
    build::concat(g, parts, if beside { r - 1 } else { r - 2 })
}

/// `x` with columns of zeros added up to a width.
pub fn widened(g: &mut Graph, x: NodeId, width: usize) -> NodeId {
    let (_, n) = sizes(g, x);
    if n == width {
        return x;
    }
    let mut shape = g.dims(x);
    *shape.last_mut().expect("a matrix") = width - n;
    let zeros = build::constant(g, g.dtype(x), &shape, 0.0);
    join(g, &[x, zeros], true)
}

/// A list of numbers as a row, repeated over rows like `x`; or as a column.
pub fn spread(g: &mut Graph, values: NodeId, x: NodeId, as_row: bool) -> NodeId {
    let shape = g.dims(x);
    let mut aligned = g.dims(values);
    let at = if as_row {
        aligned.len() - 1
    } else {
        aligned.len()
    };
    aligned.insert(at, 1);
    let values = build::reshape(g, values, &aligned);
    build::broadcast(g, values, &shape)
}
