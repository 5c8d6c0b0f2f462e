//! Rearrangements that are views of their operand: reshape, transpose, broadcast, slice, item.

use super::tile::{self, Cut, Known, Needs, Regroup, Tile};
use super::{
    Call, Cotangent, Flow, Lanes, Operation, Rule, build, list_of, slice_layout, slice_parts,
};
use crate::array::{Dims, Layout, Out, View, copy, product};
use crate::error::{Error, Result};
use crate::ir::{Graph, NodeId, Op, Type};
use smallvec::smallvec;

fn misfit(g: &Graph, what: &str, x: NodeId, declared: &Type) -> Error {
    Error::internal(format!(
        "{what} of {:?} cannot give {:?}",
        g.shape(x),
        declared.shape
    ))
}

/// The cotangent through one operand, whole.
fn whole(id: NodeId) -> Vec<Option<Cotangent>> {
    vec![Some(Cotangent::Whole(id))]
}

pub struct Reshape;

impl Operation for Reshape {
    fn name(&self, _: Op) -> String {
        "reshape".into()
    }
    fn infer(&self, g: &Graph, _: Op, operands: &[NodeId], declared: &Type) -> Result<Type> {
        let x = operands[0];
        if g.size(x) == product(&declared.shape) {
            Ok(Type::new(g.dtype(x), &declared.shape))
        } else {
            Err(misfit(g, "reshape", x, declared))
        }
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Linear
    }
    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Moves
    }
    fn alias(&self, call: &Call, operands: &[View]) -> Option<View> {
        let layout = operands[0].layout.reshape(&call.shape)?;
        Some(operands[0].relaid(0, layout))
    }
    fn eval(&self, _: &Call, operands: &[View], out: &Out) -> Result<()> {
        // The same elements in the same order: written through the operand's own shape.
        copy(
            &operands[0],
            out.ptr,
            &Layout::contiguous(operands[0].shape()),
        );
        Ok(())
    }
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        _: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let shape = g.dims(g.operand(y, 0));
        whole(build::reshape(g, ct, &shape))
    }
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        let shape = lanes.shape(g, y);
        Ok(build::reshape(g, lanes.operands[0], &shape))
    }
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        let before = g.shape(g.operand(y, 0));
        smallvec![(0, Regroup::new(before, g.shape(y), tile).before)]
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        let before = cut.source.shape(cut.source.operand(cut.y, 0));
        let regroup = Regroup::new(before, cut.source.shape(cut.y), cut.tile);
        regroup.build(target, cut.operands[0], cut.tile)
    }
}

pub struct Transpose;

impl Operation for Transpose {
    fn name(&self, _: Op) -> String {
        "transpose".into()
    }
    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let x = operands[0];
        let shape = g.shape(x);
        let perm = permutation(list_of(g, op));
        let mut sorted = perm.clone();
        sorted.sort_unstable();
        if sorted.iter().copied().ne(0..shape.len()) {
            return Err(Error::internal(format!(
                "{perm:?} is no permutation of {shape:?}"
            )));
        }
        Ok(Type {
            dtype: g.dtype(x),
            shape: perm.iter().map(|&p| shape[p]).collect(),
        })
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Linear
    }
    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Moves
    }
    fn alias(&self, call: &Call, operands: &[View]) -> Option<View> {
        let layout = operands[0].layout.transpose(&permutation(&call.list));
        Some(operands[0].relaid(0, layout))
    }
    fn eval(&self, _: &Call, _: &[View], _: &Out) -> Result<()> {
        unreachable!("an alias")
    }
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        _: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let perm = permutation(list_of(g, g.op(y)));
        let mut inverse = perm.clone();
        for (i, &p) in perm.iter().enumerate() {
            inverse[p] = i;
        }
        whole(build::transpose(g, ct, &inverse))
    }
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        let mut perm = permutation(list_of(g, g.op(y)));
        perm.push(perm.len());
        Ok(build::transpose(g, lanes.operands[0], &perm))
    }
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        let mut before = tile.clone();
        for (i, &p) in permutation(list_of(g, g.op(y))).iter().enumerate() {
            before = before.with(p, tile.start[i], tile.end(i));
        }
        smallvec![(0, before)]
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        cut.as_tile(target)
    }
}

fn permutation(list: &[i64]) -> Dims {
    list.iter().map(|&p| p as usize).collect()
}

pub struct Broadcast;

impl Operation for Broadcast {
    fn name(&self, _: Op) -> String {
        "broadcast".into()
    }
    fn infer(&self, g: &Graph, _: Op, operands: &[NodeId], declared: &Type) -> Result<Type> {
        let x = operands[0];
        let (from, to) = (g.shape(x), &declared.shape);
        let fits = from.len() <= to.len()
            && from
                .iter()
                .zip(&to[to.len() - from.len()..])
                .all(|(&a, &b)| a == b || a == 1);
        if fits {
            Ok(Type::new(g.dtype(x), to))
        } else {
            Err(misfit(g, "broadcast", x, declared))
        }
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Linear
    }
    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Moves
    }
    fn alias(&self, call: &Call, operands: &[View]) -> Option<View> {
        Some(operands[0].relaid(0, operands[0].layout.broadcast(&call.shape)))
    }
    fn eval(&self, _: &Call, _: &[View], _: &Out) -> Result<()> {
        unreachable!("an alias")
    }
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        _: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let shape = g.dims(g.operand(y, 0));
        whole(build::unbroadcast(g, ct, &shape))
    }
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        let shape = lanes.shape(g, y);
        Ok(build::broadcast(g, lanes.operands[0], &shape))
    }
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        let mut before = Tile::of(g, g.operand(y, 0));
        let lead = tile.shape.len() - before.shape.len();
        for axis in 0..before.shape.len() {
            if before.shape[axis] != 1 {
                before = before.with(axis, tile.start[lead + axis], tile.end(lead + axis));
            }
        }
        smallvec![(0, before)]
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        build::broadcast(target, cut.operands[0], &cut.tile.shape)
    }
}

pub struct Slice;

impl Operation for Slice {
    fn name(&self, _: Op) -> String {
        "slice".into()
    }
    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], declared: &Type) -> Result<Type> {
        let x = operands[0];
        check_slice(list_of(g, op), g.shape(x), &declared.shape)?;
        Ok(Type::new(g.dtype(x), &declared.shape))
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Linear
    }
    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Moves
    }
    fn alias(&self, call: &Call, operands: &[View]) -> Option<View> {
        let (offset, layout) = slice_layout(&operands[0].layout, &call.list, &call.shape);
        Some(operands[0].relaid(offset, layout))
    }
    fn eval(&self, _: &Call, _: &[View], _: &Out) -> Result<()> {
        unreachable!("an alias")
    }
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        _: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let Op::Slice(slice) = g.op(y) else {
            unreachable!()
        };
        vec![Some(Cotangent::Slice { slice, value: ct })]
    }
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        let list = lane_slice(list_of(g, g.op(y)));
        let shape = lanes.shape(g, y);
        Ok(build::slice(g, lanes.operands[0], &list, &shape))
    }
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        let (starts, steps) = slice_parts(list_of(g, g.op(y)));
        let mut before = tile.clone();
        for axis in 0..tile.shape.len() {
            let at = |k: usize| (starts[axis] + steps[axis] * k as i64) as usize;
            let (a, b) = (at(tile.start[axis]), at(tile.end(axis) - 1));
            before = before.with(axis, a.min(b), a.max(b) + 1);
        }
        smallvec![(0, before)]
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        let (_, steps) = slice_parts(list_of(cut.source, cut.source.op(cut.y)));
        let lengths = &cut.needs[0].1.shape;
        let list: Vec<i64> = (steps.iter().zip(lengths))
            .flat_map(|(&step, &n)| [if step > 0 { 0 } else { n as i64 - 1 }, step])
            .collect();
        build::slice(target, cut.operands[0], &list, &cut.tile.shape)
    }
}

/// A slice list extended by the whole of a lane axis.
pub fn lane_slice(list: &[i64]) -> Vec<i64> {
    let mut list = list.to_vec();
    list.extend([0, 1]);
    list
}

/// A slice must stay inside the array it is taken from.
pub fn check_slice(list: &[i64], whole: &[usize], part: &[usize]) -> Result<()> {
    let (starts, steps) = slice_parts(list);
    let inside = |axis: usize| {
        let n = part[axis] as i64;
        let last = starts[axis] + steps[axis] * (n - 1).max(0);
        n == 0
            || ((0..whole[axis] as i64).contains(&starts[axis])
                && (0..whole[axis] as i64).contains(&last))
    };
    if list.len() == 2 * whole.len() && part.len() == whole.len() && (0..whole.len()).all(inside) {
        Ok(())
    } else {
        Err(Error::internal(format!(
            "slice {list:?} of {whole:?} cannot give {part:?}"
        )))
    }
}

/// One item of the leading axes.
pub struct Item;

impl Item {
    /// The place, and over how many axes it counts.
    fn parts(g: &Graph, op: Op) -> (usize, usize) {
        let list = list_of(g, op);
        (list[0] as usize, list[1] as usize)
    }
}

impl Operation for Item {
    fn name(&self, _: Op) -> String {
        "item".into()
    }
    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let x = operands[0];
        let list = list_of(g, op);
        let shape = g.shape(x);
        match *list {
            [place, lead]
                if lead as usize <= shape.len()
                    && (0..product(&shape[..lead as usize]) as i64).contains(&place) =>
            {
                Ok(Type::new(g.dtype(x), &shape[lead as usize..]))
            }
            _ => Err(Error::internal(format!("item {list:?} of {shape:?}"))),
        }
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Linear
    }
    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Moves
    }
    fn alias(&self, call: &Call, operands: &[View]) -> Option<View> {
        let (mut place, lead) = (call.list[0] as usize, call.list[1] as usize);
        let layout = &operands[0].layout;
        let mut offset = 0;
        for axis in (0..lead).rev() {
            offset += (place % layout.shape[axis]) as isize * layout.strides[axis];
            place /= layout.shape[axis];
        }
        let rest = Layout {
            shape: layout.shape[lead..].into(),
            strides: layout.strides[lead..].into(),
        };
        Some(operands[0].relaid(offset, rest))
    }
    fn eval(&self, _: &Call, _: &[View], _: &Out) -> Result<()> {
        unreachable!("an alias")
    }
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        _: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let (place, lead) = Self::parts(g, g.op(y));
        vec![Some(Cotangent::Item {
            place: place as i64,
            lead,
            value: ct,
        })]
    }
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        build::emit(g, g.op(y), lanes.operands)
    }
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        let (place, lead) = Self::parts(g, g.op(y));
        let mut before = tile::cover(&g.shape(g.operand(y, 0))[..lead], place, place + 1);
        before.start.extend_from_slice(&tile.start);
        before.shape.extend_from_slice(&tile.shape);
        smallvec![(0, before)]
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        let (_, lead) = Self::parts(cut.source, cut.source.op(cut.y));
        build::item(target, cut.operands[0], 0, lead)
    }
}
