//! Tangents of what is read off a factorisation.
//!
//! Nothing here divides by what may vanish: where a vector is no function of the matrix, its tangent
//! is some finite number and a [`pole`], which makes it NaN.

use super::algebra::{block, inner, join, keep, multiply, sizes, skew, spread, symmetric, widened};
use super::resolvent::moved_vectors;
use super::solve::{inverse, solve_with};
use super::{kernel, part_node, pole};
use crate::ir::{Factorisation, Form, Graph, NodeId, Op, Part, System};
use crate::ops::{Fun, build};

/// A matrix and its factorisation.
#[derive(Clone, Copy)]
pub struct Factored {
    pub a: NodeId,
    pub packed: NodeId,
    pub factors: Factorisation,
}

impl Factored {
    fn part(self, g: &mut Graph, part: Part) -> NodeId {
        part_node(g, self.factors, part, (self.a, self.packed))
    }

    /// Where a list of vectors or values has no derivative by the entries of `a`, which the matrix
    /// is or is made of.
    fn pole(self, g: &mut Graph, ties: Part, a: NodeId) -> NodeId {
        let flags = self.part(g, ties);
        pole::pole(g, a, flags).expect("as many matrices as flags")
    }
}

/// The tangent of a part `y` for the tangent `t` of the matrix.
pub fn tangent(g: &mut Graph, f: Factored, part: Part, y: NodeId, t: NodeId) -> NodeId {
    if g.size(t) == 0 {
        return build::zeros_like(g, y);
    }
    match part {
        Part::Det => {
            let cofactors = build::emit(g, Op::Cofactors, &[f.a]).expect("a square matrix");
            inner(g, cofactors, t)
        }
        Part::LogDet => {
            let inverse = inverse(g, f.a, false).expect("a square matrix");
            let gradient = build::swap_last(g, inverse);
            inner(g, gradient, t)
        }
        Part::Lower => cholesky(g, y, t),
        Part::Q | Part::R => qr(g, f, part, t),
        Part::Values | Part::Vectors => eigh(g, f, part, t),
        Part::S => singular_values(g, f, t),
        Part::U | Part::Vt => singular_vectors(g, f, part, t),
        Part::Sign | Part::Ties | Part::TiesU | Part::TiesVt => unreachable!("a step"),
    }
}

fn triangular(g: &mut Graph, form: Form, transposed: bool, t: NodeId, b: NodeId) -> NodeId {
    let system = System {
        form,
        transposed,
        checked: false,
    };
    solve_with(g, system, &[t, b])
}

/// `dl = l phi(l^-1 da l^-T)`, where `phi` keeps the lower triangle and half the diagonal (Murray,
/// "Differentiation of the Cholesky decomposition", arXiv:1602.07527, 2016).
fn cholesky(g: &mut Graph, l: NodeId, t: NodeId) -> NodeId {
    let t = symmetric(g, t);
    let half = triangular(g, Form::Lower, false, l, t);
    let half = build::swap_last(g, half);
    let whole = triangular(g, Form::Lower, false, l, half);
    let below = keep(g, whole, Fun::Greater);
    let middle = keep(g, whole, Fun::Equal);
    let middle = scaled(g, middle, 0.5);
    let phi = build::add(g, below, middle);
    multiply(g, l, phi)
}

fn scaled(g: &mut Graph, x: NodeId, factor: f64) -> NodeId {
    let factor = build::constant_like(g, x, factor);
    build::mul(g, x, factor)
}

/// `dq = x - q c` with `x = da r^-1` and an upper triangle `c = dr r^-1`, of which the diagonal and
/// what is above make `q^T dq` skew; `dr = q^T da - (q^T dq) r` (Walter, Lehmann and Lamour, "On
/// evaluating higher-order derivatives of the QR decomposition of tall matrices with full column
/// rank in forward and reverse mode AD", Optim. Methods Softw. 27, 2012). So a column of `q` is
/// moved by columns before it alone. Columns of the complete `q` that complete the basis move
/// as little as they can.
fn qr(g: &mut Graph, f: Factored, part: Part, t: NodeId) -> NodeId {
    let (q, r) = (f.part(g, Part::Q), f.part(g, Part::R));
    let (_, width) = sizes(g, q);
    let x = over_triangle(g, f, r, t);
    let qt = build::swap_last(g, q);
    let c = multiply(g, qt, x);
    let pole = f.pole(g, Part::Ties, f.a);
    let lost = pole::tangent(g, pole, t);
    let low = keep(g, c, Fun::Greater);
    let low = widened(g, low, width);
    if part == Part::R {
        let moved = multiply(g, qt, t);
        let omega = skew(g, low);
        let back = multiply(g, omega, r);
        let moved = build::sub(g, moved, back);
        let lost = spread(g, lost, moved, false);
        let moved = build::add(g, moved, lost);
        return keep(g, moved, Fun::LessEqual);
    }
    let upper = keep(g, c, Fun::LessEqual);
    let upper = widened(g, upper, width);
    let mirrored = build::swap_last(g, low);
    let c = build::add(g, upper, mirrored);
    let inside = multiply(g, q, c);
    let x = widened(g, x, width);
    let dq = build::sub(g, x, inside);
    let lost = spread(g, lost, dq, true);
    build::add(g, dq, lost)
}

/// `t r^-1` for the leading columns. Those of which `q` has no derivative are finite; the last of a
/// square `q` follows from the others, and is zero.
fn over_triangle(g: &mut Graph, f: Factored, r: NodeId, t: NodeId) -> NodeId {
    let (m, n) = sizes(g, f.a);
    let k = m.min(n);
    let needed = if k == m { k - 1 } else { k };
    let leading = block(g, t, (0, m), (0, needed));
    let corner = block(g, r, (0, needed), (0, needed));
    let flags = f.part(g, Part::Ties);
    let flags = spread(g, flags, r, false);
    let flags = block(g, flags, (0, needed), (0, needed));
    let lost = build::map(g, Fun::IsNan, &[flags]);
    let one = build::constant_like(g, corner, 1.0);
    let safe = build::select(g, lost, one, corner);
    let turned = build::swap_last(g, leading);
    let x = triangular(g, Form::Upper, true, safe, turned);
    let x = build::swap_last(g, x);
    widened(g, x, k)
}

/// `dw = diag(v^T da v)` (Magnus, "On differentiating eigenvalues and eigenvectors", Econometric
/// Theory 1, 1985); vectors move by the reduced resolvent.
fn eigh(g: &mut Graph, f: Factored, part: Part, t: NodeId) -> NodeId {
    let v = f.part(g, Part::Vectors);
    // What is read.
    let (below, t_below) = (
        keep(g, f.a, Fun::GreaterEqual),
        keep(g, t, Fun::GreaterEqual),
    );
    let pole = f.pole(g, Part::Ties, below);
    let t = symmetric(g, t);
    if part == Part::Values {
        let image = multiply(g, t, v);
        let slope = column_dots(g, v, image);
        let lost = pole::second(g, pole, t_below);
        return build::add(g, slope, lost);
    }
    let dv = moved_vectors(g, f.factors, (f.a, f.packed), t);
    let lost = pole::tangent(g, pole, t_below);
    let lost = spread(g, lost, dv, true);
    build::add(g, dv, lost)
}

fn column_dots(g: &mut Graph, x: NodeId, z: NodeId) -> NodeId {
    let products = build::mul0(g, x, z);
    let r = g.shape(products).len();
    build::sum(g, products, &[r - 2])
}

/// `ds = diag(u^T da v)`; at zero as the slope of `abs`.
fn singular_values(g: &mut Graph, f: Factored, t: NodeId) -> NodeId {
    let (m, n) = sizes(g, f.a);
    let k = m.min(n);
    let (u, s, vt) = (f.part(g, Part::U), f.part(g, Part::S), f.part(g, Part::Vt));
    let v = build::swap_last(g, vt);
    let (u, v) = (block(g, u, (0, m), (0, k)), block(g, v, (0, n), (0, k)));
    let image = multiply(g, t, v);
    let slope = column_dots(g, u, image);
    let zero = build::zeros_like(g, slope);
    let vanishes = vanish(g, s, m.max(n));
    let slope = build::select(g, vanishes, zero, slope);
    let pole = f.pole(g, Part::Ties, f.a);
    let lost = pole::second(g, pole, t);
    build::add(g, slope, lost)
}

/// Where singular values are zero, to rounding.
fn vanish(g: &mut Graph, s: NodeId, size: usize) -> NodeId {
    let shape = g.dims(s);
    let largest = build::slice_axis(g, s, shape.len() - 1, 0, 1);
    let bound = scaled(g, largest, kernel::share(g.dtype(s), size));
    let bound = build::broadcast(g, bound, &shape);
    build::map(g, Fun::LessEqual, &[s, bound])
}

/// Vectors of values move by the reduced resolvent (Townsend, "Differentiating the singular value
/// decomposition", 2016, has its entries). Those that complete a basis follow as little as they can.
fn singular_vectors(g: &mut Graph, f: Factored, part: Part, t: NodeId) -> NodeId {
    let (m, n) = sizes(g, f.a);
    let k = m.min(n);
    let moved = moved_vectors(g, f.factors, (f.a, f.packed), t);
    let left = part == Part::U;
    let (size, ties, partner) = if left {
        (m, Part::TiesU, Part::TiesVt)
    } else {
        (n, Part::TiesVt, Part::TiesU)
    };
    let rows = if left { (0, m) } else { (m, m + n) };
    let mut moved = block(g, moved, rows, (0, k));
    let ties = f.pole(g, ties, f.a);
    let lost = pole::tangent(g, ties, t);
    // A vector may have a derivative where its partner has none: its second one is made of both.
    let partner = f.pole(g, partner, f.a);
    let later = pole::second(g, partner, t);
    let r = g.shape(later).len();
    let later = build::slice_axis(g, later, r - 1, 0, k);
    let later = spread(g, later, moved, true);
    moved = build::add(g, moved, later);
    let width = g.shape(lost)[r - 1];
    if width > k {
        let rest = completing(g, f, left, t);
        moved = join(g, &[moved, rest], true);
    }
    debug_assert_eq!(sizes(g, moved), (size, width));
    let lost = spread(g, lost, moved, true);
    moved = build::add(g, moved, lost);
    if left {
        moved
    } else {
        build::swap_last(g, moved)
    }
}

/// The tangent `-u1 (u0^T da v1 / s)^T` of the vectors `u0` that complete a left basis, or the same of
/// a right one.
fn completing(g: &mut Graph, f: Factored, left: bool, t: NodeId) -> NodeId {
    let (m, n) = sizes(g, f.a);
    let k = m.min(n);
    let (u, s, vt) = (f.part(g, Part::U), f.part(g, Part::S), f.part(g, Part::Vt));
    let v = build::swap_last(g, vt);
    let (size, basis, other, t) = if left {
        (m, u, v, t)
    } else {
        let tt = build::swap_last(g, t);
        (n, v, u, tt)
    };
    let (_, height) = sizes(g, t);
    let rest = block(g, basis, (0, size), (k, size));
    let basis = block(g, basis, (0, size), (0, k));
    let other = block(g, other, (0, height), (0, k));
    let rest = build::swap_last(g, rest);
    let image = multiply(g, t, other);
    let image = multiply(g, rest, image);
    let s = spread(g, s, image, true);
    let image = build::div(g, image, s);
    let back = build::swap_last(g, image);
    let moved = multiply(g, basis, back);
    build::neg(g, moved)
}
