//! Derivatives that do not exist, however the numbers fall.
//!
//! What is no function of a matrix (the vectors of a repeated eigenvalue, say) has no derivative. A
//! formula divides by zero there; but what it divides may be zero as well, and an exact zero wins over
//! an infinity. So formulas leave out what they would divide by zero, and a pole says for each column
//! whether it has a derivative at all: it has the value zero, and the slope NaN by every entry of
//! the matrix wherever it is flagged. Its slopes have poles of their own, so this holds to every order.

use super::{batch_leading, matrix};
use crate::array::{Out, View};
use crate::error::{Error, Result};
use crate::ir::{Graph, NodeId, Op, Type};
use crate::ops::{Call, Flow, Lanes, Operation, Rule, build};

pub struct Pole;

/// The node of a pole: zeros like the flags, which are NaN or zero.
///
/// # Errors
/// If `a` is no matrix, or the shapes do not fit.
pub fn pole(g: &mut Graph, a: NodeId, flags: NodeId) -> Result<NodeId> {
    build::emit(g, Op::Pole, &[a, flags])
}

/// The tangent of a pole, where the matrix has the tangent `t`.
pub fn tangent(g: &mut Graph, pole: NodeId, t: NodeId) -> NodeId {
    let flags = g.operand(pole, 1);
    let slope = build::add(g, flags, pole);
    let moved = moved(g, flags, t);
    build::mul0(g, slope, moved)
}

/// What vanishes, and has the derivative of the pole times `t`: a pole of the second order.
pub fn second(g: &mut Graph, pole: NodeId, t: NodeId) -> NodeId {
    let flags = g.operand(pole, 1);
    let moved = moved(g, flags, t);
    build::mul0(g, pole, moved)
}

/// NaN where the tangent `t` of a flagged matrix is not zero, else zero; like the flags.
fn moved(g: &mut Graph, flags: NodeId, t: NodeId) -> NodeId {
    let r = g.shape(t).len();
    let like_flags = g.dims(flags);
    let any = build::sum(g, flags, &[r - 2]);
    let mut shape = g.dims(any);
    shape.extend([1, 1]);
    let any = build::reshape(g, any, &shape);
    let like_t = g.dims(t);
    let any = build::broadcast(g, any, &like_t);
    let all = build::mul0(g, any, t);
    let total = build::sum(g, all, &[r - 2, r - 1]);
    shape.pop();
    let total = build::reshape(g, total, &shape);
    build::broadcast(g, total, &like_flags)
}

impl Operation for Pole {
    fn name(&self, _: Op) -> String {
        "pole".into()
    }

    fn infer(&self, g: &Graph, _: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let &[a, flags] = operands else {
            return Err(Error::internal("a pole takes a matrix and flags"));
        };
        let (lead, ..) = matrix(g, a)?;
        let own = g.shape(flags);
        if own.len() != lead.len() + 1 || !own.starts_with(&lead) || g.dtype(flags) != g.dtype(a) {
            return Err(Error::internal(format!(
                "pole of {:?} with flags {own:?}",
                g.shape(a)
            )));
        }
        Ok(g.type_of(flags))
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

    fn eval(&self, call: &Call, _: &[View], out: &Out) -> Result<()> {
        debug_assert_eq!(call.op, Op::Pole);
        super::with_float!(out.dtype, T => {
            super::zeroed::<T>(out);
        });
        Ok(())
    }

    /// Flags are steps.
    fn jvp(&self, g: &mut Graph, y: NodeId, tangents: &[Option<NodeId>]) -> NodeId {
        match tangents[0] {
            Some(t) => tangent(g, y, t),
            None => build::zeros_like(g, y),
        }
    }

    fn batch(&self, g: &mut Graph, _: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        batch_leading(g, Op::Pole, lanes)
    }
}
