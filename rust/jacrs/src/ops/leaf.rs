//! Inputs, constants, counters, and the identities that only differentiation sees.

use super::tile::{self, Cut, Known, Needs, Tile};
use super::{Call, Cotangent, Flow, Lanes, Operation, Rule, build};
use crate::array::{DType, Layout, Out, View};
use crate::error::{Error, Result};
use crate::ir::{Graph, NodeId, Op, Type};

/// Nodes without operands.
pub struct Leaf;

impl Operation for Leaf {
    fn name(&self, op: Op) -> String {
        match op {
            Op::Input(_) => "input",
            Op::Const(_) => "const",
            Op::Placeholder(_) => "placeholder",
            _ => "iota",
        }
        .into()
    }

    fn infer(&self, _: &Graph, op: Op, operands: &[NodeId], declared: &Type) -> Result<Type> {
        let fits = match op {
            Op::Iota => declared.dtype == DType::I64 && declared.shape.len() == 1,
            _ => true,
        };
        if operands.is_empty() && fits {
            Ok(declared.clone())
        } else {
            Err(Error::internal(format!(
                "{} does not fit its type",
                self.name(op)
            )))
        }
    }

    fn rule(&self, _: Op) -> Rule {
        Rule::Zero
    }

    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Nothing
    }

    fn eval(&self, call: &Call, _: &[View], out: &Out) -> Result<()> {
        match call.op {
            Op::Const(_) => fill(out, call.list[0]),
            Op::Iota => {
                for i in 0..out.len() {
                    // SAFETY: `out` holds this many int64.
                    unsafe { out.ptr.cast::<i64>().add(i).write(i as i64) }
                }
            }
            _ => {
                let name = self.name(call.op);
                return Err(Error::internal(format!("{name} has no kernel")));
            }
        }
        Ok(())
    }

    fn batch(&self, _: &mut Graph, y: NodeId, _: &Lanes<'_>) -> Result<NodeId> {
        Ok(y)
    }

    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        let made = cut.as_tile(target);
        match (cut.source.op(cut.y), cut.tile.start.as_slice()) {
            (Op::Iota, &[start]) if start > 0 => {
                let first = build::constant_like(target, made, start as f64);
                build::add(target, made, first)
            }
            _ => made,
        }
    }
}

/// Writes a constant, given by its bits, to every element.
fn fill(out: &Out, bits: i64) {
    let float = f64::from_bits(bits.cast_unsigned());
    for i in 0..out.len() {
        // SAFETY: `out` holds this many elements of its dtype.
        unsafe {
            match out.dtype {
                DType::Bool => out.ptr.add(i).write(u8::from(bits != 0)),
                DType::I64 => out.ptr.cast::<i64>().add(i).write(bits),
                DType::F32 => out.ptr.cast::<f32>().add(i).write(float as f32),
                _ => out.ptr.cast::<f64>().add(i).write(float),
            }
        }
    }
}

fn same_type(g: &Graph, operands: &[NodeId]) -> Result<Type> {
    match operands {
        [x] => Ok(g.type_of(*x)),
        _ => Err(Error::internal("an identity takes one operand")),
    }
}

fn itself(operands: &[View]) -> View {
    let view = &operands[0];
    view.relaid(
        0,
        Layout {
            shape: view.layout.shape.clone(),
            strides: view.layout.strides.clone(),
        },
    )
}

/// A fresh name for its operand.
pub struct Opaque;

impl Operation for Opaque {
    fn name(&self, _: Op) -> String {
        "opaque".into()
    }
    fn infer(&self, g: &Graph, _: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        same_type(g, operands)
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Linear
    }
    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Moves
    }
    fn alias(&self, _: &Call, operands: &[View]) -> Option<View> {
        Some(itself(operands))
    }
    fn eval(&self, _: &Call, _: &[View], _: &Out) -> Result<()> {
        unreachable!("an alias")
    }
    fn transpose(
        &self,
        _: &mut Graph,
        _: NodeId,
        ct: NodeId,
        _: &[bool],
    ) -> Vec<Option<Cotangent>> {
        vec![Some(Cotangent::Whole(ct))]
    }
    fn batch(&self, g: &mut Graph, _: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        Ok(g.opaque(lanes.operands[0]))
    }
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        tile::alike(g, y, tile)
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        cut.as_tile(target)
    }
}

/// Its operand, as a constant of every differentiation.
pub struct StopGradient;

impl Operation for StopGradient {
    fn name(&self, _: Op) -> String {
        "stop_gradient".into()
    }
    fn infer(&self, g: &Graph, _: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        same_type(g, operands)
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Zero
    }
    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Nothing
    }
    fn alias(&self, _: &Call, operands: &[View]) -> Option<View> {
        Some(itself(operands))
    }
    fn eval(&self, _: &Call, _: &[View], _: &Out) -> Result<()> {
        unreachable!("an alias")
    }
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        build::emit(g, g.op(y), lanes.operands)
    }
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        tile::alike(g, y, tile)
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        cut.as_tile(target)
    }
}
