//! How the vectors of eigenvalues and singular values move.
//!
//! The vector `v` of a simple eigenvalue `w` of a symmetric matrix `a` has the tangent `r (da v)`, with
//! the reduced resolvent `r = (w - a)^+`. It depends on the other vectors through what they span
//! alone: among themselves they may be repeated, and `r` is smooth nevertheless. So the family is
//! closed: the derivative of `r b` is written in `r`, `v` and `da`, one eigenvalue at a time, and
//! what some column is multiplied by never reaches another. Where `w` is repeated itself, `r` leaves
//! out all of its vectors, and a [`super::Pole`] says that there is no derivative.
//!
//! Singular vectors are those of the symmetric matrix `[0 a; a^T 0]`: `u` above `v` belongs to `s`, `u`
//! above `-v` to `-s`. What lengthens `u` and shortens `v` is left out as well: both are unit vectors.

use faer::MatRef;

use super::algebra::{block, join, multiply, sizes, symmetric};
use super::kernel::{self, Bases, Entry};
use super::{batch_leading, line, matrix, packed_length, part_node, with_float, zeroed};
use crate::array::{Dims, Out, View, walk};
use crate::error::{Error, Result};
use crate::ir::{Factorisation, Graph, NodeId, Op, Part, Type};
use crate::ops::{Call, Cotangent, Flow, Lanes, Operation, Rule, Triangle, build};

pub struct Resolvent;

fn factorisation(op: Op) -> Factorisation {
    match op {
        Op::Resolvent(factors) => factors,
        other => unreachable!("{other:?}"),
    }
}

/// Rows and columns of the vectors of a matrix, left above right.
fn vectors_shape(factors: Factorisation, m: usize, n: usize) -> (usize, usize) {
    match factors {
        Factorisation::Eigh => (n, n),
        _ => (m + n, m.min(n)),
    }
}

/// A symmetric matrix, or the symmetric matrix that a matrix is half of.
#[derive(Clone, Copy)]
struct Symmetric {
    factors: Factorisation,
    /// How many rows are above.
    m: usize,
}

impl Symmetric {
    fn of(factors: Factorisation, g: &Graph, a: NodeId) -> Self {
        let m = sizes(g, a).0;
        Self { factors, m }
    }

    /// The parts of a matrix that belong to left and right vectors, or all of it.
    fn sides(self, g: &mut Graph, x: NodeId) -> Vec<NodeId> {
        let (rows, columns) = sizes(g, x);
        if self.factors == Factorisation::Eigh {
            return vec![x];
        }
        vec![
            block(g, x, (0, self.m), (0, columns)),
            block(g, x, (self.m, rows), (0, columns)),
        ]
    }

    fn stacked(self, g: &mut Graph, sides: &[NodeId]) -> NodeId {
        if let &[all] = sides {
            all
        } else {
            join(g, sides, false)
        }
    }

    /// The product with vectors.
    fn times(self, g: &mut Graph, a: NodeId, x: NodeId) -> NodeId {
        let sides = self.sides(g, x);
        let images = if let &[above, below] = sides.as_slice() {
            let at = build::swap_last(g, a);
            vec![multiply(g, a, below), multiply(g, at, above)]
        } else {
            vec![multiply(g, a, x)]
        };
        self.stacked(g, &images)
    }

    /// The inner products of columns, of each side, repeated over its rows.
    fn dots(self, g: &mut Graph, x: NodeId, z: NodeId) -> Vec<NodeId> {
        let products = build::mul0(g, x, z);
        let r = g.shape(products).len();
        (self.sides(g, products).into_iter())
            .map(|side| {
                let shape = g.dims(side);
                let total = build::sum(g, side, &[r - 2]);
                let mut row = shape.clone();
                row[r - 2] = 1;
                let total = build::reshape(g, total, &row);
                build::broadcast(g, total, &shape)
            })
            .collect()
    }

    fn stacked_dots(self, g: &mut Graph, x: NodeId, z: NodeId) -> NodeId {
        let dots = self.dots(g, x, z);
        self.stacked(g, &dots)
    }
}

/// The vectors as columns, left above right; of singular vectors those that have a value.
fn vectors(g: &mut Graph, factors: Factorisation, a: NodeId, packed: NodeId) -> NodeId {
    if factors == Factorisation::Eigh {
        return part_node(g, factors, Part::Vectors, (a, packed));
    }
    let (m, n) = sizes(g, a);
    let k = m.min(n);
    let u = part_node(g, factors, Part::U, (a, packed));
    let vt = part_node(g, factors, Part::Vt, (a, packed));
    let u = block(g, u, (0, m), (0, k));
    let vt = block(g, vt, (0, k), (0, n));
    let v = build::swap_last(g, vt);
    join(g, &[u, v], false)
}

/// The tangent of the vectors, where the matrix (of which `eigh` reads a triangle) has the tangent
/// `t`: finite also where there is none, but meaningless there.
pub fn moved_vectors(
    g: &mut Graph,
    factors: Factorisation,
    (a, packed): (NodeId, NodeId),
    t: NodeId,
) -> NodeId {
    let z = vectors(g, factors, a, packed);
    let moved = Symmetric::of(factors, g, a).times(g, t, z);
    build::emit(g, Op::Resolvent(factors), &[a, packed, moved]).expect("as many vectors")
}

/// Each column as often as the columns of `like` ask for.
fn repeated(g: &mut Graph, x: NodeId, like: NodeId) -> NodeId {
    let shape = g.dims(like);
    let mut cut = g.dims(x);
    let (r, columns) = (cut.len(), cut[cut.len() - 1]);
    if columns == shape[r - 1] {
        return x;
    }
    cut.push(1);
    let x = build::reshape(g, x, &cut);
    cut[r] = shape[r - 1] / columns;
    let x = build::broadcast(g, x, &cut);
    build::reshape(g, x, &shape)
}

/// The tangent of `y = r b` for the tangent `t` of the matrix.
///
/// With the projector `p` on what is left out, `(w - a) r = 1 - p` and `r p = 0` give
/// `dr = r (da - dw) r - r dp - dp r` (Kato, "Perturbation Theory for Linear Operators", II.2).
fn tangent(g: &mut Graph, y: NodeId, t: NodeId) -> NodeId {
    let op = g.op(y);
    let factors = factorisation(op);
    let (a, packed, b) = (g.operand(y, 0), g.operand(y, 1), g.operand(y, 2));
    let t = if factors == Factorisation::Eigh {
        symmetric(g, t)
    } else {
        t
    };
    let matrix = Symmetric::of(factors, g, a);
    let z = vectors(g, factors, a, packed);
    let image = matrix.times(g, t, z);
    let dz = build::emit(g, op, &[a, packed, image]).expect("as many vectors");
    // The slope of a singular value, twice: by its left and by its right vectors.
    let slopes = matrix.stacked_dots(g, z, image);
    let [z, dz, slopes] = [z, dz, slopes].map(|x| repeated(g, x, y));
    let inside = matrix.times(g, t, y);
    let along = build::mul0(g, slopes, y);
    let inside = build::sub(g, inside, along);
    let weight = matrix.stacked_dots(g, z, b);
    let turned = build::mul0(g, dz, weight);
    let inside = build::sub(g, inside, turned);
    let dy = build::emit(g, op, &[a, packed, inside]).expect("like the result");
    let weight = matrix.stacked_dots(g, dz, y);
    let back = build::mul0(g, z, weight);
    build::sub(g, dy, back)
}

impl Operation for Resolvent {
    fn name(&self, op: Op) -> String {
        format!("resolvent.{}", factorisation(op).name())
    }

    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let &[a, packed, b] = operands else {
            return Err(Error::internal(
                "a resolvent takes a matrix, its factors and vectors",
            ));
        };
        let factors = factorisation(op);
        let (lead, m, n) = matrix(g, a)?;
        let (own, rows, columns) = matrix(g, b)?;
        let (size, count) = vectors_shape(factors, m, n);
        let mut expected = lead.clone();
        expected.push(packed_length(factors, m, n));
        let known = matches!(
            factors,
            Factorisation::Eigh | Factorisation::Svd | Factorisation::SvdFull
        );
        let fits = own == lead
            && g.shape(packed) == expected.as_slice()
            && rows == size
            && columns.checked_rem(count).unwrap_or(columns) == 0
            && operands.iter().all(|&x| g.dtype(x) == g.dtype(a));
        if !known || !fits {
            return Err(Error::internal(format!(
                "{} of {:?} and {:?}",
                self.name(op),
                g.shape(a),
                g.shape(b)
            )));
        }
        Ok(g.type_of(b))
    }

    fn rule(&self, _: Op) -> Rule {
        Rule::General
    }

    fn flow(&self, g: &Graph, y: NodeId) -> Flow {
        Flow::Mixes {
            lead: g.shape(g.operand(y, 0)).len() - 2,
            reads: match factorisation(g.op(y)) {
                Factorisation::Eigh => Triangle::Lower,
                _ => Triangle::All,
            },
            by_columns: true,
        }
    }

    fn linear_in(&self, _: Op, k: usize) -> bool {
        k == 2
    }

    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let factors = factorisation(call.op);
        with_float!(out.dtype, T => apply_all::<T>(factors, operands, call.exact, out));
        Ok(())
    }

    fn jvp(&self, g: &mut Graph, y: NodeId, tangents: &[Option<NodeId>]) -> NodeId {
        let t = tangents[0].expect("where only the vectors vary it is bilinear");
        let moved = tangent(g, y, t);
        let Some(tb) = tangents[2] else { return moved };
        let op = g.op(y);
        let operands = [g.operand(y, 0), g.operand(y, 1), tb];
        let rest = build::emit(g, op, &operands).expect("like the vectors");
        build::add(g, moved, rest)
    }

    /// It is symmetric.
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        wanted: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let operands = [g.operand(y, 0), g.operand(y, 1), ct];
        let op = g.op(y);
        let back = wanted[2]
            .then(|| Cotangent::Whole(build::emit(g, op, &operands).expect("like the vectors")));
        vec![None, None, back]
    }

    /// Lanes of the vectors alone are more columns of them.
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        let op = g.op(y);
        if lanes.batched[0] || lanes.batched[1] {
            return batch_leading(g, op, lanes);
        }
        let shape = lanes.shape(g, y);
        let mut merged: Dims = g.dims(y);
        *merged.last_mut().expect("a matrix") *= lanes.width;
        let b = build::reshape(g, lanes.operands[2], &merged);
        let y = build::emit(g, op, &[lanes.operands[0], lanes.operands[1], b])?;
        Ok(build::reshape(g, y, &shape))
    }
}

/// Each matrix of a stack.
fn apply_all<T: Entry>(factors: Factorisation, operands: &[View], guarded: bool, out: &Out) {
    let [a, packed, b] = operands else {
        unreachable!("checked when it was built")
    };
    let lead = out.shape.len() - 2;
    let (m, n) = (a.shape()[lead], a.shape()[lead + 1]);
    let (rows, columns) = (out.shape[lead], out.shape[lead + 1]);
    let results = zeroed::<T>(out);
    if results.is_empty() {
        return;
    }
    let mut results = results.chunks_exact_mut(rows * columns);
    let mut source = vec![T::ZERO; rows * columns];
    walk(
        &out.shape[..lead],
        [&packed.strides()[..lead], &b.strides()[..lead]],
        |[i, j]| {
            let Some(result) = results.next() else { return };
            let packed = line::<T>(packed, i);
            kernel::load_rows(b, j, &mut source);
            let bases = bases(factors, &packed, (m, n));
            kernel::resolvent(&bases, &source, guarded, result);
        },
    );
}

/// What is read of a packed factorisation.
fn bases<T: Entry>(factors: Factorisation, packed: &[T], (m, n): (usize, usize)) -> Bases<'_, T> {
    if factors == Factorisation::Eigh {
        let (values, rest) = packed.split_at(n);
        return Bases::Eigen {
            values,
            vectors: &rest[..n * n],
        };
    }
    let k = m.min(n);
    let left = if factors == Factorisation::SvdFull {
        m
    } else {
        k
    };
    let (u, rest) = packed.split_at(m * left);
    let (s, rest) = rest.split_at(k);
    Bases::Singular {
        s,
        u: MatRef::from_column_major_slice(&u[..m * k], m, k),
        v: MatRef::from_column_major_slice(&rest[..n * k], n, k),
    }
}
