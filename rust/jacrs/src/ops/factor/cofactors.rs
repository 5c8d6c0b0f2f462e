//! Cofactors, and their derivatives of every order: what makes the derivative of a determinant right
//! at singular matrices too.
//!
//! The determinant is a polynomial. Its derivative of order `r + 1` at `a` is a symmetric form in as
//! many matrices; with all of them but one given, it is the matrix that [`Cofactors`] computes. So
//! the family is closed: one more derivative is one more operand, and a transposed derivative
//! puts the cotangent in the place of an operand.

mod kernel;

use super::kernel::{Entry, load};
use super::{batch_leading, square, with_float, zeroed};
use crate::array::{Out, View, walk};
use crate::error::{Error, Result};
use crate::interrupt::elements;
use crate::ir::{Graph, NodeId, Op, Type};
use crate::ops::{Call, Cotangent, Flow, Lanes, Operation, Rule, build};
use kernel::Expansion;

pub struct Cofactors;

/// The node on a matrix and directions, whose order does not matter.
fn cofactors(g: &mut Graph, operands: &[NodeId]) -> NodeId {
    let mut operands = operands.to_vec();
    operands[1..].sort_unstable();
    build::emit(g, Op::Cofactors, &operands).expect("matrices of one shape")
}

impl Operation for Cofactors {
    fn name(&self, _: Op) -> String {
        "cofactors".into()
    }

    fn infer(&self, g: &Graph, _: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let &[a, ..] = operands else {
            return Err(Error::internal("cofactors of a matrix"));
        };
        square(g, a)?;
        let t = g.type_of(a);
        if operands.iter().any(|&x| g.type_of(x) != t) {
            return Err(Error::internal("cofactors along matrices of another shape"));
        }
        Ok(t)
    }

    fn rule(&self, _: Op) -> Rule {
        Rule::General
    }

    fn flow(&self, g: &Graph, y: NodeId) -> Flow {
        Flow::mixes(g.shape(g.operand(y, 0)).len() - 2)
    }

    fn linear_in(&self, _: Op, k: usize) -> bool {
        k > 0
    }

    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        debug_assert_eq!(call.op, Op::Cofactors);
        with_float!(out.dtype, T => expand_all::<T>(operands, out));
        Ok(())
    }

    fn jvp(&self, g: &mut Graph, y: NodeId, tangents: &[Option<NodeId>]) -> NodeId {
        let operands = g.operands(y).to_vec();
        let mut total = None;
        for (k, t) in tangents.iter().enumerate() {
            let Some(t) = *t else { continue };
            let mut moved = operands.clone();
            if k == 0 {
                moved.push(t);
            } else {
                moved[k] = t;
            }
            let term = cofactors(g, &moved);
            total = Some(total.map_or(term, |sum| build::add(g, sum, term)));
        }
        total.expect("an operand varies")
    }

    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        wanted: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let operands = g.operands(y).to_vec();
        (0..operands.len())
            .map(|k| {
                let mut moved = operands.clone();
                moved[k] = ct;
                wanted[k].then(|| Cotangent::Whole(cofactors(g, &moved)))
            })
            .collect()
    }

    fn batch(&self, g: &mut Graph, _: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        batch_leading(g, Op::Cofactors, lanes)
    }
}

/// Each matrix of a stack, in double precision. Matrices that are the same memory are expanded once.
fn expand_all<T: Entry>(operands: &[View], out: &Out) {
    let lead = out.shape.len() - 2;
    let n = out.shape[lead];
    if out.is_empty() {
        return;
    }
    let mut scratch = vec![T::ZERO; n * n];
    let mut read = |view: &View, offset: isize| -> Vec<f64> {
        load(view, offset, &mut scratch);
        scratch.iter().map(|x| x.to_f64()).collect()
    };
    let mut known: Option<(isize, Expansion)> = None;
    let mut results = zeroed::<T>(out).chunks_exact_mut(n * n);
    // One list of offsets for each operand.
    let offsets: Vec<Vec<isize>> = (operands.iter())
        .map(|view| {
            let mut list = vec![];
            walk(&out.shape[..lead], [&view.strides()[..lead]], |[i]| {
                list.push(i);
            });
            list
        })
        .collect();
    for place in 0..offsets[0].len() {
        elements(n * n * n);
        let offset = offsets[0][place];
        if known.as_ref().is_none_or(|(at, _)| *at != offset) {
            known = Some((offset, Expansion::new(read(&operands[0], offset), n)));
        }
        let directions: Vec<Vec<f64>> = (operands[1..].iter().zip(&offsets[1..]))
            .map(|(view, offsets)| read(view, offsets[place]))
            .collect();
        let (Some((_, expansion)), Some(result)) = (&known, results.next()) else {
            continue;
        };
        let columns = expansion.along(&directions);
        for (i, row) in result.chunks_exact_mut(n).enumerate() {
            for (j, slot) in row.iter_mut().enumerate() {
                *slot = T::from_f64(columns[j * n + i]);
            }
        }
    }
}
