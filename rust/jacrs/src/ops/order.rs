//! Orders and places that depend on values: they are integers, and no derivative passes.

use super::tile::{self, Cut, Known, Needs, Tile};
use super::{Call, Lanes, Operation, Rule, build};
use crate::array::{DType, Dims, Layout, Out, View, copy, walk};
use crate::error::{Error, Result};
use crate::ir::{Graph, NodeId, Op, Type};
use crate::with_type;

/// The stable ascending order along an axis, NaN last.
pub struct Argsort;

impl Operation for Argsort {
    fn name(&self, _: Op) -> String {
        "argsort".into()
    }

    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let Op::Argsort(axis) = op else {
            unreachable!()
        };
        let shape = g.dims(operands[0]);
        if axis as usize >= shape.len() {
            return Err(Error::internal(format!("no axis {axis} in {shape:?}")));
        }
        Ok(Type {
            dtype: DType::I64,
            shape,
        })
    }

    fn rule(&self, _: Op) -> Rule {
        Rule::Zero
    }

    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let Op::Argsort(axis) = call.op else {
            unreachable!()
        };
        let (axis, x) = (axis as usize, &operands[0]);
        let n = x.shape()[axis];
        let target = Layout::contiguous(&out.shape);
        let rest: Dims = (0..x.shape().len()).filter(|&a| a != axis).collect();
        let (from, to) = (x.layout.transpose(&rest), target.transpose(&rest));
        let (step, step_out) = (x.strides()[axis], target.strides[axis]);
        let mut order: Vec<usize> = Vec::with_capacity(n);
        with_type!(x.dtype, T => walk(&from.shape, [&from.strides, &to.strides], |[base, base_out]| {
            // SAFETY: `base` and the axis stay inside the view.
            let at = |i: usize| unsafe { x.ptr.cast::<T>().offset(base + i as isize * step).read() };
            order.clear();
            order.extend(0..n);
            order.sort_by(|&i, &j| {
                let (a, b) = (at(i), at(j));
                // NaN is the only value that differs from itself, and comes last.
                a.partial_cmp(&b).unwrap_or_else(|| (is_nan(a)).cmp(&is_nan(b)))
            });
            for (k, &i) in order.iter().enumerate() {
                // SAFETY: inside `out`, which has the shape of the view.
                unsafe { out.ptr.cast::<i64>().offset(base_out + k as isize * step_out).write(i as i64) }
            }
        }));
        Ok(())
    }

    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        build::emit(g, g.op(y), lanes.operands)
    }

    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        let Op::Argsort(axis) = g.op(y) else {
            unreachable!()
        };
        let axis = axis as usize;
        tile::alike(g, y, &tile.clone().with(axis, 0, g.shape(y)[axis]))
    }

    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        cut.part_of(target, &cut.needs[0].1)
    }
}

#[allow(
    clippy::eq_op,
    reason = "NaN is the only value that differs from itself"
)]
fn is_nan<T: PartialEq + Copy>(x: T) -> bool {
    x != x
}

/// The places of the true elements. Their number is part of the type: it was asked for while recording.
pub struct Nonzero;

impl Operation for Nonzero {
    fn name(&self, _: Op) -> String {
        "nonzero".into()
    }

    fn infer(&self, g: &Graph, _: Op, operands: &[NodeId], declared: &Type) -> Result<Type> {
        if g.dtype(operands[0]) != DType::Bool || declared.shape.len() != 1 {
            return Err(Error::internal("nonzero takes a mask and gives a list"));
        }
        Ok(Type::new(DType::I64, &declared.shape))
    }

    fn rule(&self, _: Op) -> Rule {
        Rule::Zero
    }

    fn eval(&self, _: &Call, operands: &[View], out: &Out) -> Result<()> {
        let mut mask = vec![0u8; operands[0].len()];
        copy(
            &operands[0],
            mask.as_mut_ptr(),
            &Layout::contiguous(operands[0].shape()),
        );
        let places: Vec<i64> = (0..mask.len())
            .filter(|&i| mask[i] != 0)
            .map(|i| i as i64)
            .collect();
        if places.len() != out.len() {
            return Err(Error::internal(
                "the count of a mask changed between recording and running",
            ));
        }
        // SAFETY: `out` holds exactly these many int64.
        unsafe { std::ptr::copy_nonoverlapping(places.as_ptr(), out.ptr.cast(), places.len()) };
        Ok(())
    }

    fn batch(&self, _: &mut Graph, _: NodeId, _: &Lanes<'_>) -> Result<NodeId> {
        Err(Error::trace(
            "a mask that differs from lane to lane selects a different number of elements in each; use np.where",
        ))
    }
}
