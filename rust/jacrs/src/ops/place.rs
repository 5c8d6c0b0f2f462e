//! Putting values into arrays: slices, items, and parts side by side.

use super::pairwise;
use super::tile::{Cut, Known, Needs, Tile, slice_hits};
use super::view::{check_slice, lane_slice};
use super::{Call, Cotangent, Flow, Lanes, Operation, Rule, build, slice_layout};
use crate::array::{Dims, Layout, Out, View, copy, product, zero_fill};
use crate::error::{Error, Result};
use crate::ir::{Graph, ListId, NodeId, Op, Type};
use crate::with_type;
use smallvec::smallvec;

fn slice_id(op: Op) -> ListId {
    match op {
        Op::Assign(list) | Op::AddAt(list) => list,
        other => unreachable!("{other:?}"),
    }
}

fn infer_update(g: &Graph, op: Op, operands: &[NodeId]) -> Result<Type> {
    let [x, v] = *operands else {
        return Err(Error::internal("an update takes two operands"));
    };
    check_slice(super::list_of(g, op), g.shape(x), g.shape(v))?;
    if g.dtype(x) != g.dtype(v) {
        return Err(Error::internal(format!(
            "{} put into {}",
            g.dtype(v),
            g.dtype(x)
        )));
    }
    Ok(g.type_of(x))
}

fn batch_update(
    g: &mut Graph,
    y: NodeId,
    lanes: &Lanes<'_>,
    op: fn(ListId) -> Op,
) -> Result<NodeId> {
    let list = lane_slice(super::list_of(g, g.op(y)));
    let list = g.intern_list(&list);
    let operands = lanes.all(g);
    build::emit(g, op(list), &operands)
}

/// The slice of a cotangent that belongs to the value that was put there.
fn slice_of(g: &mut Graph, y: NodeId, ct: NodeId) -> NodeId {
    let list = super::list_of(g, g.op(y)).to_vec();
    let shape = g.dims(g.operand(y, 1));
    build::slice(g, ct, &list, &shape)
}

/// The tile of the value that is put into a tile of the result; `None` where nothing is.
fn put_tile(g: &Graph, y: NodeId, tile: &Tile) -> Option<Tile> {
    let list = super::list_of(g, g.op(y));
    let mut put = Tile::of(g, g.operand(y, 1));
    for (axis, pair) in list.chunks_exact(2).enumerate() {
        let range = tile.start[axis]..tile.end(axis);
        let hits = slice_hits((pair[0], pair[1]), put.shape[axis], range);
        put = put.with(axis, hits.start, hits.end);
    }
    (!put.is_empty()).then_some(put)
}

/// The update, where a tile of the value goes into a tile of the result.
fn restrict_update(target: &mut Graph, cut: &Cut<'_>, op: fn(ListId) -> Op) -> NodeId {
    let (Some(x), Some(put)) = (cut.operand(0), cut.need(1)) else {
        return cut.operands[0];
    };
    let list: Vec<i64> = (super::list_of(cut.source, cut.source.op(cut.y)).chunks_exact(2))
        .zip(put.start.iter().zip(&cut.tile.start))
        .flat_map(|(pair, (&k, &start))| [pair[0] + pair[1] * k as i64 - start as i64, pair[1]])
        .collect();
    let list = target.intern_list(&list);
    let shape = target.intern_shape(&cut.tile.shape);
    target.push(op(list), target.dtype(x), shape, cut.operands)
}

/// `z = x; z[slice] = v`.
pub struct Assign;

impl Operation for Assign {
    fn name(&self, _: Op) -> String {
        "assign".into()
    }
    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        infer_update(g, op, operands)
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Linear
    }
    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Moves
    }
    fn updates_first(&self) -> bool {
        true
    }
    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let whole = Layout::contiguous(&out.shape);
        let value = &operands[1];
        let (offset, layout) = slice_layout(&whole, &call.list, value.shape());
        let target = out.ptr.wrapping_offset(offset * out.dtype.size() as isize);
        copy(value, target, &layout);
        Ok(())
    }
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        wanted: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let value = wanted[1].then(|| slice_of(g, y, ct));
        let base = wanted[0].then(|| {
            let zeros = build::zeros_like(g, g.operand(y, 1));
            let list = super::list_of(g, g.op(y)).to_vec();
            build::assign(g, ct, &list, zeros)
        });
        vec![base.map(Cotangent::Whole), value.map(Cotangent::Whole)]
    }
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        batch_update(g, y, lanes, Op::Assign)
    }
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        match put_tile(g, y, tile) {
            None => smallvec![(0, tile.clone())],
            // All is written over.
            Some(put) if put.shape == tile.shape => smallvec![(1, put)],
            Some(put) => smallvec![(0, tile.clone()), (1, put)],
        }
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        if cut.operand(0).is_some() {
            return restrict_update(target, cut, Op::Assign);
        }
        let mut value = cut.operands[0];
        let list = super::list_of(cut.source, cut.source.op(cut.y));
        for (axis, pair) in list.chunks_exact(2).enumerate() {
            if pair[1] < 0 {
                value = build::flip(target, value, axis);
            }
        }
        value
    }
}

/// `z = x; z[slice] += v`.
pub struct AddAt;

impl Operation for AddAt {
    fn name(&self, _: Op) -> String {
        "add_at".into()
    }
    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        infer_update(g, op, operands)
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Linear
    }
    fn flow(&self, g: &Graph, y: NodeId) -> Flow {
        Flow::Adds(Op::Assign(slice_id(g.op(y))))
    }
    fn updates_first(&self) -> bool {
        true
    }
    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let whole = Layout::contiguous(&out.shape);
        let value = &operands[1];
        let (start, layout) = slice_layout(&whole, &call.list, value.shape());
        with_type!(out.dtype, T => {
            // SAFETY: the slice is inside `out`.
            let target = unsafe { out.ptr.cast::<T>().offset(start) };
            pairwise::add_to::<T>(value, target, &layout.strides);
        });
        Ok(())
    }
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        wanted: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let value = wanted[1].then(|| Cotangent::Whole(slice_of(g, y, ct)));
        vec![Some(Cotangent::Whole(ct)), value]
    }
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        debug_assert!(matches!(g.op(y), Op::AddAt(list) if list == slice_id(g.op(y))));
        batch_update(g, y, lanes, Op::AddAt)
    }
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        let put = put_tile(g, y, tile).map(|put| (1, put));
        std::iter::once((0, tile.clone())).chain(put).collect()
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        restrict_update(target, cut, Op::AddAt)
    }
}

/// Items at distinct places of zeros.
pub struct Pack;

impl Pack {
    /// The leading axes of the result: those that the items do not have.
    fn lead(shape: &[usize], item: &[usize]) -> usize {
        shape.len() - item.len()
    }
}

impl Operation for Pack {
    fn name(&self, _: Op) -> String {
        "pack".into()
    }
    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], declared: &Type) -> Result<Type> {
        let Some(&first) = operands.first() else {
            return Err(Error::internal("nothing to pack"));
        };
        let (item, dtype) = (g.shape(first), g.dtype(first));
        let same = operands
            .iter()
            .all(|&x| g.shape(x) == item && g.dtype(x) == dtype);
        let shape = &declared.shape;
        let places = super::list_of(g, op);
        let fits = item.len() <= shape.len() && shape[Self::lead(shape, item)..] == *item;
        if !(same && fits && places.len() == operands.len()) {
            return Err(Error::internal(format!(
                "items {item:?} do not pack into {shape:?}"
            )));
        }
        let room = product(&shape[..Self::lead(shape, item)]) as i64;
        if places.iter().any(|p| !(0..room).contains(p)) {
            return Err(Error::internal(format!("a place outside {shape:?}")));
        }
        Ok(Type::new(dtype, shape))
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Linear
    }
    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Moves
    }
    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let item = operands[0].shape();
        let length = product(item);
        if operands.len() * length < out.len() {
            zero_fill(out);
        }
        let layout = Layout::contiguous(item);
        for (view, &place) in operands.iter().zip(&call.list) {
            let bytes = place as usize * length * out.dtype.size();
            // SAFETY: `infer` checked the place; each item has room for `length` elements.
            copy(view, unsafe { out.ptr.add(bytes) }, &layout);
        }
        Ok(())
    }
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        wanted: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let places = super::list_of(g, g.op(y)).to_vec();
        let lead = Self::lead(g.shape(y), g.shape(g.operand(y, 0)));
        (wanted.iter().zip(places))
            .map(|(&w, p)| w.then(|| Cotangent::Whole(build::item(g, ct, p as usize, lead))))
            .collect()
    }
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        let operands = lanes.all(g);
        let shape = lanes.shape(g, y);
        let declared = Type::new(g.dtype(y), &shape);
        build::emit_typed(g, g.op(y), &declared, &operands)
    }
    /// The items whose places are in the tile.
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        let lead = Self::lead(g.shape(y), g.shape(g.operand(y, 0)));
        let item = behind(tile, lead);
        let places = super::list_of(g, g.op(y)).iter().enumerate();
        places
            .filter(|&(_, &p)| place_in(&g.shape(y)[..lead], p, tile).is_some())
            .map(|(k, _)| (k, item.clone()))
            .collect()
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        let (g, y) = (cut.source, cut.y);
        if cut.operands.is_empty() {
            return build::constant(target, g.dtype(y), &cut.tile.shape, 0.0);
        }
        let lead = Self::lead(g.shape(y), g.shape(g.operand(y, 0)));
        let places = super::list_of(g, g.op(y));
        let inside: Vec<i64> = (cut.needs.iter())
            .filter_map(|&(k, _)| place_in(&g.shape(y)[..lead], places[k], cut.tile))
            .collect();
        build::pack(target, cut.operands, &inside, &cut.tile.shape)
    }
}

/// A tile without its leading axes.
fn behind(tile: &Tile, lead: usize) -> Tile {
    Tile {
        start: tile.start[lead..].into(),
        shape: tile.shape[lead..].into(),
    }
}

/// Where a place of the leading axes, of this shape, is in a tile.
fn place_in(shape: &[usize], place: i64, tile: &Tile) -> Option<i64> {
    let (mut rest, mut inside, mut scale) = (place as usize, 0, 1);
    for axis in (0..shape.len()).rev() {
        let at = (rest % shape[axis]).checked_sub(tile.start[axis])?;
        if at >= tile.shape[axis] {
            return None;
        }
        inside += at * scale;
        scale *= tile.shape[axis];
        rest /= shape[axis];
    }
    Some(inside as i64)
}

/// Parts side by side along an axis.
pub struct Concat;

impl Concat {
    fn axis(op: Op) -> usize {
        match op {
            Op::Concat(axis) => axis as usize,
            other => unreachable!("{other:?}"),
        }
    }
}

impl Operation for Concat {
    fn name(&self, _: Op) -> String {
        "concat".into()
    }
    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let axis = Self::axis(op);
        let Some(&first) = operands.first() else {
            return Err(Error::internal("nothing to concatenate"));
        };
        let mut shape = g.dims(first);
        if axis >= shape.len() {
            return Err(Error::internal(format!("no axis {axis} in {shape:?}")));
        }
        shape[axis] = 0;
        let mut total = 0;
        for &x in operands {
            let mut rest = g.dims(x);
            if rest.len() != shape.len() || g.dtype(x) != g.dtype(first) {
                return Err(Error::internal("parts of different types"));
            }
            total = usize::saturating_add(total, std::mem::take(&mut rest[axis]));
            if rest != shape {
                return Err(Error::internal(format!(
                    "{:?} does not continue {shape:?}",
                    g.shape(x)
                )));
            }
        }
        shape[axis] = total;
        Ok(Type {
            dtype: g.dtype(first),
            shape,
        })
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Linear
    }
    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Moves
    }
    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let axis = Self::axis(call.op);
        let strides = Layout::contiguous(&out.shape).strides;
        let mut start = 0;
        for part in operands {
            let layout = Layout {
                shape: part.layout.shape.clone(),
                strides: strides.clone(),
            };
            let bytes = start * strides[axis] * out.dtype.size() as isize;
            copy(part, out.ptr.wrapping_offset(bytes), &layout);
            start += part.shape()[axis] as isize;
        }
        Ok(())
    }
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        wanted: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let axis = Self::axis(g.op(y));
        let lengths: Dims = g.operands(y).iter().map(|&x| g.shape(x)[axis]).collect();
        let mut start = 0;
        (lengths.iter().zip(wanted))
            .map(|(&n, &w)| {
                start += n;
                w.then(|| Cotangent::Whole(build::slice_axis(g, ct, axis, start - n, start)))
            })
            .collect()
    }
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        let operands = lanes.all(g);
        build::emit(g, g.op(y), &operands)
    }
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        let axis = Self::axis(g.op(y));
        let mut first = 0;
        let mut needs = Needs::new();
        for (k, &x) in g.operands(y).iter().enumerate() {
            let end = first + g.shape(x)[axis];
            let (from, to) = (tile.start[axis].max(first), tile.end(axis).min(end));
            if from < to {
                needs.push((k, tile.clone().with(axis, from - first, to - first)));
            }
            first = end;
        }
        needs
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        build::concat(target, cut.operands, Self::axis(cut.source.op(cut.y)))
    }
}
