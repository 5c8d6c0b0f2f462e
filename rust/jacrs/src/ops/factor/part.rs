//! What is read off a factorisation.

use super::kernel::Entry;
use super::{
    batch_leading, blocks, is_list, kernel, line, matrix, packed_length, rules, with_float, zeroed,
};
use crate::array::{Dims, Layout, Out, View, copy, walk};
use crate::error::{Error, Result};
use crate::ir::{Factorisation, Graph, NodeId, Op, Part, Type};
use crate::ops::{Call, Flow, Lanes, Operation, Rule, Triangle};

/// One part of a factorisation.
pub struct PartOf;

impl PartOf {
    fn parts(op: Op) -> (Factorisation, Part) {
        let Op::Part(factors, part) = op else {
            unreachable!("{op:?}")
        };
        (factors, part)
    }
}

/// The shape of a part, without leading axes.
fn part_shape(factors: Factorisation, part: Part, m: usize, n: usize) -> Option<Dims> {
    if matches!(part, Part::Det | Part::Sign | Part::LogDet) {
        return (factors == Factorisation::Lu).then(Dims::new);
    }
    if factors == Factorisation::Lu {
        return None;
    }
    let blocks = blocks(factors, m, n);
    let &(_, rows, columns) = blocks.iter().find(|(name, ..)| *name == part)?;
    Some(match part {
        _ if is_list(part) => [rows].as_slice().into(),
        _ => [rows, columns].as_slice().into(),
    })
}

impl Operation for PartOf {
    fn name(&self, op: Op) -> String {
        let (factors, part) = Self::parts(op);
        format!("{}.{}", factors.name(), part.name())
    }

    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let (factors, part) = Self::parts(op);
        let &[a, packed] = operands else {
            return Err(Error::internal("a part takes a matrix and its factors"));
        };
        let (mut shape, m, n) = matrix(g, a)?;
        let mut expected = shape.clone();
        expected.push(packed_length(factors, m, n));
        let Some(own) = part_shape(factors, part, m, n)
            .filter(|_| g.shape(packed) == expected.as_slice() && g.dtype(packed) == g.dtype(a))
        else {
            return Err(Error::internal(format!(
                "{} of {:?} and {:?}",
                self.name(op),
                g.shape(a),
                g.shape(packed)
            )));
        };
        shape.extend(own);
        Ok(Type {
            dtype: g.dtype(a),
            shape,
        })
    }

    fn rule(&self, op: Op) -> Rule {
        if Self::parts(op).1.is_step() {
            Rule::Zero
        } else {
            Rule::General
        }
    }

    fn flow(&self, g: &Graph, y: NodeId) -> Flow {
        let (factors, part) = Self::parts(g.op(y));
        if part.is_step() {
            return Flow::Nothing;
        }
        let reads = match factors {
            Factorisation::Cholesky | Factorisation::Eigh => Triangle::Lower,
            _ => Triangle::All,
        };
        Flow::Mixes {
            lead: g.shape(g.operand(y, 0)).len() - 2,
            reads,
            by_columns: false,
        }
    }

    fn linear_in(&self, _: Op, _: usize) -> bool {
        false
    }

    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let (factors, part) = Self::parts(call.op);
        let (a, packed) = (&operands[0], &operands[1]);
        let lead = a.shape().len() - 2;
        let (m, n) = (a.shape()[lead], a.shape()[lead + 1]);
        if let Part::Det | Part::Sign | Part::LogDet = part {
            with_float!(out.dtype, T => determinants::<T>(part, packed, n, out));
            return Ok(());
        }
        let blocks = blocks(factors, m, n);
        let at = blocks.iter().position(|(name, ..)| *name == part);
        let at = at.expect("checked when it was built");
        let start: usize = blocks[..at].iter().map(|&(_, m, n)| m * n).sum();
        let step = packed.strides()[lead];
        let mut layout = Layout {
            shape: packed.shape()[..lead].into(),
            strides: packed.strides()[..lead].into(),
        };
        let (_, rows, columns) = blocks[at];
        layout.shape.push(rows);
        layout.strides.push(step);
        if !is_list(part) {
            layout.shape.push(columns);
            layout.strides.push(step * rows as isize);
        }
        if part == Part::Vt {
            // Its rows are columns of `v`.
            layout.strides[lead] = step * columns as isize;
            layout.strides[lead + 1] = step;
        }
        let view = packed.relaid(start as isize * step, layout);
        copy(&view, out.ptr, &Layout::contiguous(&out.shape));
        Ok(())
    }

    fn jvp(&self, g: &mut Graph, y: NodeId, tangents: &[Option<NodeId>]) -> NodeId {
        let (factors, part) = Self::parts(g.op(y));
        let (a, packed) = (g.operand(y, 0), g.operand(y, 1));
        let t = tangents[0].expect("the factors are a constant");
        rules::tangent(g, rules::Factored { a, packed, factors }, part, y, t)
    }

    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        batch_leading(g, g.op(y), lanes)
    }
}

/// What is read off the pivots of each matrix.
fn determinants<T: Entry>(part: Part, packed: &View, n: usize, out: &Out) {
    let lead = packed.shape().len() - 1;
    let mut results = zeroed::<T>(out).iter_mut();
    walk(
        &packed.shape()[..lead],
        [&packed.strides()[..lead]],
        |[offset]| {
            let packed = line::<T>(packed, offset);
            let (factors, rows) = packed.split_at(n * n);
            let pivots = kernel::Pivots { factors, rows, n };
            let value = match part {
                Part::Det => pivots.det(),
                Part::Sign => pivots.sign(),
                _ => pivots.logdet(),
            };
            if let Some(slot) = results.next() {
                *slot = T::from_f64(value);
            }
        },
    );
}
