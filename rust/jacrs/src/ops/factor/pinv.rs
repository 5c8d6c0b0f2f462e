//! The pseudoinverse.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::algebra::{multiply, sizes};
use super::kernel::Entry;
use super::{batch_leading, line, matrix, packed_length, with_float, zeroed};
use crate::array::{Dims, Out, View, walk};
use crate::error::{Error, Result};
use crate::interrupt::elements;
use crate::ir::Op;
use crate::ir::{Factorisation, Graph, NodeId, Type};
use crate::ops::{Call, Flow, Lanes, Operation, Rule, build};

pub struct Pinv;

impl Operation for Pinv {
    fn name(&self, _: Op) -> String {
        "pinv".into()
    }

    fn infer(&self, g: &Graph, _: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let &[a, packed, cutoff] = operands else {
            return Err(Error::internal(
                "a pseudoinverse takes a matrix, its factors and a cutoff",
            ));
        };
        let (lead, m, n) = matrix(g, a)?;
        let mut expected = lead.clone();
        expected.push(packed_length(Factorisation::Svd, m, n));
        let fits = g.shape(packed) == expected.as_slice() && g.shape(cutoff) == lead.as_slice();
        if !fits || operands.iter().any(|&x| g.dtype(x) != g.dtype(a)) {
            return Err(Error::internal(format!(
                "pinv of {:?} with cutoff {:?}",
                g.shape(a),
                g.shape(cutoff)
            )));
        }
        let shape: Dims = lead.into_iter().chain([n, m]).collect();
        Ok(Type {
            dtype: g.dtype(a),
            shape,
        })
    }

    fn rule(&self, _: Op) -> Rule {
        Rule::General
    }

    fn flow(&self, g: &Graph, y: NodeId) -> Flow {
        Flow::mixes(g.shape(g.operand(y, 0)).len() - 2)
    }

    fn linear_in(&self, _: Op, _: usize) -> bool {
        false
    }

    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        debug_assert_eq!(call.op, Op::Pinv);
        with_float!(out.dtype, T => invert_all::<T>(&operands[1], &operands[2], out));
        Ok(())
    }

    /// Where the rank stays what it is (Golub and Pereyra, "The differentiation of pseudo-inverses
    /// and nonlinear least squares problems whose variables separate", SIAM J. Numer. Anal. 10,
    /// 1973, theorem 4.3). The cutoff decides a rank: it has no slope.
    fn jvp(&self, g: &mut Graph, y: NodeId, tangents: &[Option<NodeId>]) -> NodeId {
        let Some(t) = tangents[0] else {
            return build::zeros_like(g, y);
        };
        let a = g.operand(y, 0);
        let (m, n) = sizes(g, a);
        if m >= n {
            return tall(g, a, y, t);
        }
        let turned = [a, y, t].map(|x| build::swap_last(g, x));
        let dy = tall(g, turned[0], turned[1], turned[2]);
        build::swap_last(g, dy)
    }

    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        batch_leading(g, g.op(y), lanes)
    }
}

/// The node of the pseudoinverse; `cutoff` has one number for each matrix.
///
/// # Errors
/// If `a` is no matrix, or the shapes do not fit.
pub fn pinv(g: &mut Graph, a: NodeId, cutoff: NodeId) -> Result<NodeId> {
    let packed = super::factored(g, Factorisation::Svd, a)?;
    build::emit(g, Op::Pinv, &[a, packed, cutoff])
}

/// `-p t p + p p^T t^T (1 - a p) + (1 - p a) t^T p^T p`, products of the short side first.
fn tall(g: &mut Graph, a: NodeId, p: NodeId, t: NodeId) -> NodeId {
    let (pt, tt) = (build::swap_last(g, p), build::swap_last(g, t));
    let w = multiply(g, p, t);
    let wt = build::swap_last(g, w);
    let inside = multiply(g, a, wt);
    let inside = multiply(g, p, inside);
    let left = build::sub(g, wt, inside);
    let left = build::sub(g, left, w);
    let left = multiply(g, left, p);
    let back = multiply(g, tt, a);
    let back = multiply(g, back, p);
    let rest = build::sub(g, tt, back);
    let right = multiply(g, p, pt);
    let right = multiply(g, right, rest);
    build::add(g, left, right)
}

fn invert_all<T: Entry>(packed: &View, cutoff: &View, out: &Out) {
    let lead = out.shape.len() - 2;
    let (n, m) = (out.shape[lead], out.shape[lead + 1]);
    let k = m.min(n);
    let results = zeroed::<T>(out);
    if k == 0 {
        return;
    }
    let mut results = results.chunks_exact_mut(m * n);
    walk(
        &out.shape[..lead],
        [&packed.strides()[..lead], &cutoff.strides()[..lead]],
        |[i, j]| {
            let Some(result) = results.next() else { return };
            elements(m * n * k);
            let mut packed = line::<T>(packed, i);
            // SAFETY: `walk` stays inside the cutoffs.
            let cutoff = unsafe { cutoff.ptr.cast::<T>().offset(j).read() };
            let (u, rest) = packed.split_at_mut(m * k);
            let (s, rest) = rest.split_at_mut(k);
            let v = &mut rest[..n * k];
            let bound = s[0] * cutoff;
            for (column, &s) in v.chunks_exact_mut(n).zip(&*s) {
                let factor = if s > bound { T::ONE / s } else { T::ZERO };
                for x in column {
                    *x *= factor;
                }
            }
            matmul(
                MatMut::from_row_major_slice_mut(result, n, m),
                Accum::Replace,
                MatRef::from_column_major_slice(&*v, n, k),
                MatRef::from_column_major_slice(u, m, k).transpose(),
                T::ONE,
                Par::Seq,
            );
        },
    );
}
