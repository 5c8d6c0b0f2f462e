//! Orders and places that depend on values: they are integers, and no derivative passes.

use super::tile::{self, Cut, Known, Needs, Tile};
use super::{Call, Flow, Lanes, Operation, Rule, build};
use crate::array::{DType, Dims, Layout, Out, View, copy, product, walk};
use crate::error::{Error, Result, text};
use crate::interrupt::{STRETCH, elements, pause, stretches};
use crate::ir::{Graph, NodeId, Op, Type};
use crate::memory::list_for;
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

    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Nothing
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
        with_type!(x.dtype, T => {
            // Values are read once: what another thread writes meanwhile must not change their order.
            let mut keys: Vec<(T, usize)> = list_for(n);
            walk(&from.shape, [&from.strides, &to.strides], |[base, base_out]| {
                // SAFETY: `base` and the axis stay inside the view.
                let at = |i: usize| unsafe { x.ptr.cast::<T>().offset(base + i as isize * step).read() };
                keys.clear();
                for part in stretches(n, STRETCH) {
                    keys.extend(part.map(|i| (at(i), i)));
                }
                let mut compared = 0;
                // NaN is the only value that differs from itself, and comes last.
                keys.sort_by(|(a, _), (b, _)| {
                    compared += 1;
                    if compared % STRETCH == 0 {
                        pause();
                    }
                    a.partial_cmp(b).unwrap_or_else(|| is_nan(*a).cmp(&is_nan(*b)))
                });
                elements(n);
                for (k, &(_, i)) in keys.iter().enumerate() {
                    // SAFETY: inside `out`, which has the shape of the view.
                    unsafe { out.ptr.cast::<i64>().offset(base_out + k as isize * step_out).write(i as i64) }
                }
            });
        });
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

/// The places of the true elements, for each place along the trailing axes that the result shares
/// with the mask. Their number is part of the type: it was asked for while recording.
pub struct Nonzero;

impl Operation for Nonzero {
    fn name(&self, _: Op) -> String {
        "nonzero".into()
    }

    fn infer(&self, g: &Graph, _: Op, operands: &[NodeId], declared: &Type) -> Result<Type> {
        let fits = match declared.shape.split_first() {
            Some((_, lanes)) => g.shape(operands[0]).ends_with(lanes),
            None => false,
        };
        if g.dtype(operands[0]) != DType::Bool || !fits {
            return Err(Error::internal("nonzero takes a mask and gives a list"));
        }
        Ok(Type::new(DType::I64, &declared.shape))
    }

    fn rule(&self, _: Op) -> Rule {
        Rule::Zero
    }

    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Nothing
    }

    fn eval(&self, _: &Call, operands: &[View], out: &Out) -> Result<()> {
        let mut mask: Vec<u8> = list_for(operands[0].len());
        mask.resize(operands[0].len(), 0);
        copy(
            &operands[0],
            mask.as_mut_ptr(),
            &Layout::contiguous(operands[0].shape()),
        );
        let (count, lanes) = (out.shape[0], product(&out.shape[1..]));
        for lane in 0..lanes {
            elements(mask.len() / lanes);
            let mut found = 0;
            let flags = mask.iter().skip(lane).step_by(lanes);
            for (place, _) in flags.enumerate().filter(|(_, flag)| **flag != 0) {
                if found < count {
                    // SAFETY: `out` holds `count` int64 for each lane.
                    unsafe {
                        out.ptr
                            .cast::<i64>()
                            .add(found * lanes + lane)
                            .write(place as i64);
                    }
                }
                found += 1;
            }
            if found != count {
                return Err(text::mask_changed(count, found));
            }
        }
        Ok(())
    }

    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        let declared = Type::new(DType::I64, &lanes.shape(g, y));
        build::emit_typed(g, g.op(y), &declared, lanes.operands)
    }
}
