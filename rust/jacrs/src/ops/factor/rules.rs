//! Tangents of what is read off a factorisation.
//!
//! Where factors of a repeated eigenvalue or singular value would have to be told apart, a reciprocal
//! gap is infinite, and only what is not multiplied by it, exactly, stays finite.

use super::algebra::{block, inner, join, keep, multiply, sizes, skew, spread, symmetric, widened};
use super::solve::{inverse, solve_with};
use crate::array::DType;
use crate::ir::{Factorisation, Form, Graph, NodeId, Op, Part, Reduction, System};
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
        let op = Op::Part(self.factors, part);
        build::emit(g, op, &[self.a, self.packed]).expect("a part of this factorisation")
    }

    /// Below this part of the largest, two values are equal up to the rounding of the factorisation.
    fn tolerance(self, g: &Graph) -> f64 {
        let (m, n) = sizes(g, self.a);
        let epsilon = if g.dtype(self.a) == DType::F32 {
            f64::from(f32::EPSILON)
        } else {
            f64::EPSILON
        };
        4.0 * m.max(n) as f64 * epsilon
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
        Part::Sign => unreachable!("a step"),
        Part::Lower => cholesky(g, y, t),
        Part::Q | Part::R => qr(g, f, part, t),
        Part::Values | Part::Vectors => eigh(g, f, part, t),
        Part::U | Part::S | Part::Vt => svd(g, f, part, t),
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

/// `dq = q omega` and what leaves the span of `q`; `dr = q^T da - omega r` (Walter, Lehmann and
/// Lamour, "On evaluating higher-order derivatives of the QR decomposition of tall matrices with
/// full column rank in forward and reverse mode AD", Optim. Methods Softw. 27, 2012). Columns of
/// the complete `q` that complete the basis move as little as they can.
fn qr(g: &mut Graph, f: Factored, part: Part, t: NodeId) -> NodeId {
    let (m, n) = sizes(g, f.a);
    let k = m.min(n);
    let (q, r) = (f.part(g, Part::Q), f.part(g, Part::R));
    let (_, width) = sizes(g, q);
    let leading = block(g, t, (0, m), (0, k));
    let corner = block(g, r, (0, k), (0, k));
    let turned = build::swap_last(g, leading);
    let x = triangular(g, Form::Upper, true, corner, turned);
    let x = build::swap_last(g, x);
    let qt = build::swap_last(g, q);
    let c = multiply(g, qt, x);
    let low = keep(g, c, Fun::Greater);
    let low = widened(g, low, width);
    let omega = skew(g, low);
    if part == Part::R {
        let moved = multiply(g, qt, t);
        let back = multiply(g, omega, r);
        let moved = build::sub(g, moved, back);
        return keep(g, moved, Fun::LessEqual);
    }
    let turn = multiply(g, q, omega);
    if width == m {
        return turn;
    }
    let inside = multiply(g, q, c);
    let outside = build::sub(g, x, inside);
    build::add(g, turn, outside)
}

/// `dw = diag(v^T da v)`, `dv = v (f * v^T da v)` with `f[i, j] = 1 / (w[j] - w[i])` (Magnus, "On
/// differentiating eigenvalues and eigenvectors", Econometric Theory 1, 1985).
fn eigh(g: &mut Graph, f: Factored, part: Part, t: NodeId) -> NodeId {
    let v = f.part(g, Part::Vectors);
    let t = symmetric(g, t);
    let image = multiply(g, t, v);
    if part == Part::Values {
        let products = build::mul0(g, v, image);
        let r = g.shape(products).len();
        return build::sum(g, products, &[r - 2]);
    }
    let vt = build::swap_last(g, v);
    let m = multiply(g, vt, image);
    let w = f.part(g, Part::Values);
    let gaps = reciprocal_gaps(g, f, w, m, Fun::Sub);
    let turn = build::mul0(g, gaps, m);
    multiply(g, v, turn)
}

/// `1 / (w[j] - w[i])`, or with `+` for `-`: zero on the diagonal, infinite where the values agree
/// (or both vanish) to rounding.
fn reciprocal_gaps(g: &mut Graph, f: Factored, w: NodeId, like: NodeId, sign: Fun) -> NodeId {
    let (row, column) = (spread(g, w, like, true), spread(g, w, like, false));
    let gap = build::map(g, sign, &[row, column]);
    let inverse = guarded_reciprocal(g, f, w, gap);
    keep(g, inverse, Fun::NotEqual)
}

/// `1 / x`, infinite where `x` is zero to rounding beside the largest of `w`.
fn guarded_reciprocal(g: &mut Graph, f: Factored, w: NodeId, x: NodeId) -> NodeId {
    let near = is_negligible(g, f, w, x);
    let one = build::constant_like(g, x, 1.0);
    let safe = build::select(g, near, one, x);
    let inverse = build::map(g, Fun::Reciprocal, &[safe]);
    let pole = build::constant_like(g, x, f64::INFINITY);
    build::select(g, near, pole, inverse)
}

fn is_negligible(g: &mut Graph, f: Factored, w: NodeId, x: NodeId) -> NodeId {
    let last = g.shape(w).len() - 1;
    let sizes = build::map(g, Fun::Abs, &[w]);
    let largest = build::reduce(g, Reduction::Max, sizes, &[last]);
    let bound = scaled(g, largest, f.tolerance(g));
    let mut aligned = g.dims(bound);
    aligned.resize(g.shape(x).len(), 1);
    let shape = g.dims(x);
    let bound = build::reshape(g, bound, &aligned);
    let bound = build::broadcast(g, bound, &shape);
    let size = build::map(g, Fun::Abs, &[x]);
    build::map(g, Fun::LessEqual, &[size, bound])
}

/// With `p = u^T da v`: `ds = diag(p)`, `du = u omega`, `dv = v omega'` and what leaves the spans
/// (Townsend, "Differentiating the singular value decomposition", 2016), written with the gaps
/// `s[j] - s[i]` and `s[j] + s[i]` apart: the second is no pole at equal values.
fn svd(g: &mut Graph, f: Factored, part: Part, t: NodeId) -> NodeId {
    let (m, n) = sizes(g, f.a);
    let k = m.min(n);
    let (u, s, vt) = (f.part(g, Part::U), f.part(g, Part::S), f.part(g, Part::Vt));
    let v = build::swap_last(g, vt);
    let (u1, v1) = (block(g, u, (0, m), (0, k)), block(g, v, (0, n), (0, k)));
    let image = multiply(g, t, v1);
    if part == Part::S {
        let products = build::mul0(g, u1, image);
        let r = g.shape(products).len();
        let slope = build::sum(g, products, &[r - 2]);
        // As the slope of `abs` at zero.
        let vanishes = is_negligible(g, f, s, s);
        let zero = build::zeros_like(g, slope);
        return build::select(g, vanishes, zero, slope);
    }
    let u1t = build::swap_last(g, u1);
    let p = multiply(g, u1t, image);
    let omega = svd_turn(
        g,
        f,
        s,
        p,
        if part == Part::U { Fun::Add } else { Fun::Sub },
    );
    if part == Part::U {
        return moved_basis(g, f, (u, s), omega, image);
    }
    let tt = build::swap_last(g, t);
    let image = multiply(g, tt, u1);
    let dv = moved_basis(g, f, (v, s), omega, image);
    build::swap_last(g, dv)
}

/// Half of `(p + p^T) / (s[j] - s[i])`, and plus or minus half of `(p - p^T) / (s[j] + s[i])`.
fn svd_turn(g: &mut Graph, f: Factored, s: NodeId, p: NodeId, sign: Fun) -> NodeId {
    let pt = build::swap_last(g, p);
    let even = build::add(g, p, pt);
    let odd = build::sub(g, p, pt);
    let differences = reciprocal_gaps(g, f, s, p, Fun::Sub);
    let sums = reciprocal_gaps(g, f, s, p, Fun::Add);
    let even = build::mul0(g, differences, even);
    let odd = build::mul0(g, sums, odd);
    let both = build::map(g, sign, &[even, odd]);
    scaled(g, both, 0.5)
}

/// The tangent of a basis of which the first vectors turn among each other by `omega` and are moved
/// towards `image / s`; those that complete the basis move as little as they can.
fn moved_basis(
    g: &mut Graph,
    f: Factored,
    (basis, s): (NodeId, NodeId),
    omega: NodeId,
    image: NodeId,
) -> NodeId {
    let ((m, width), (k, _)) = (sizes(g, basis), sizes(g, omega));
    if m == k {
        return multiply(g, basis, omega);
    }
    let inverse = guarded_reciprocal(g, f, s, s);
    if width == k {
        let turned = build::swap_last(g, basis);
        let inside = multiply(g, turned, image);
        let inside = multiply(g, basis, inside);
        let outside = build::sub(g, image, inside);
        let inverse = spread(g, inverse, outside, true);
        let outside = build::mul0(g, inverse, outside);
        let turn = multiply(g, basis, omega);
        return build::add(g, turn, outside);
    }
    let rest = block(g, basis, (0, m), (k, width));
    let rest = build::swap_last(g, rest);
    let below = multiply(g, rest, image);
    let inverse = spread(g, inverse, below, true);
    let below = build::mul0(g, inverse, below);
    let zeros = widened(g, below, width);
    let low = build::zeros_like(g, omega);
    let low = widened(g, low, width);
    let low = join(g, &[low, zeros], false);
    let mixing = skew(g, low);
    let corner = widened(g, omega, width);
    let empty = build::zeros_like(g, zeros);
    let corner = join(g, &[corner, empty], false);
    let turn = build::add(g, corner, mixing);
    multiply(g, basis, turn)
}
