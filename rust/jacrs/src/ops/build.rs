//! Typed constructors of nodes: the vocabulary in which derivative rules and lowerings are written.
//!
//! They take operands that fit; a misfit is a bug of the caller and panics with the type error.
//! What users can get wrong is checked before, by [`emit`], which returns the error.

use super::{Fun, elementwise, fold, infer};
use crate::array::{DType, Dims, product};
use crate::error::Result;
use crate::ir::{Cumulation, Graph, Guard, NodeId, Op, Reduction, Type};

/// A node of this operation with the inferred type, or why there is none.
pub fn emit(g: &mut Graph, op: Op, operands: &[NodeId]) -> Result<NodeId> {
    emit_typed(g, op, &Type::new(DType::F64, &[]), operands)
}

/// A node whose type is (partly) a parameter: the target of a reshape, a cast, a broadcast.
pub fn emit_typed(g: &mut Graph, op: Op, declared: &Type, operands: &[NodeId]) -> Result<NodeId> {
    let Type { dtype, shape } = infer(g, op, operands, declared)?;
    let shape = g.intern_shape(&shape);
    Ok(g.push(op, dtype, shape, operands))
}

fn sure(g: &mut Graph, op: Op, operands: &[NodeId]) -> NodeId {
    emit(g, op, operands).unwrap_or_else(|e| panic!("{e}"))
}

fn sure_typed(g: &mut Graph, op: Op, dtype: DType, shape: &[usize], operands: &[NodeId]) -> NodeId {
    emit_typed(g, op, &Type::new(dtype, shape), operands).unwrap_or_else(|e| panic!("{e}"))
}

/// An elementwise node over equally shaped operands, simplified where constants allow.
pub fn map(g: &mut Graph, fun: Fun, operands: &[NodeId]) -> NodeId {
    fold(g, fun, operands).unwrap_or_else(|| {
        let typed = elementwise::signature(g, fun, operands, DType::F64);
        let (dtype, shape) = typed.unwrap_or_else(|e| panic!("{e}"));
        g.push(Op::Map(fun), dtype, shape, operands)
    })
}

/// The bits of a constant of `dtype`; floats of either width are kept as float64, rounded to theirs.
pub fn constant_bits(dtype: DType, value: f64) -> i64 {
    match dtype {
        DType::Bool => i64::from(value != 0.0),
        DType::I64 => value as i64,
        DType::F32 => f64::from(value as f32).to_bits().cast_signed(),
        _ => value.to_bits().cast_signed(),
    }
}

/// The value of a constant, as a float64.
pub fn constant_value(g: &Graph, id: NodeId) -> Option<f64> {
    let Op::Const(list) = g.op(id) else {
        return None;
    };
    let bits = g.list(list)[0];
    Some(match g.dtype(id) {
        DType::Bool | DType::I64 => bits as f64,
        _ => f64::from_bits(bits.cast_unsigned()),
    })
}

/// Whether a value is known to be zero everywhere.
pub fn is_zero(g: &Graph, id: NodeId) -> bool {
    constant_value(g, id) == Some(0.0)
}

/// The same value in every element.
pub fn constant(g: &mut Graph, dtype: DType, shape: &[usize], value: f64) -> NodeId {
    constant_from_bits(g, dtype, shape, constant_bits(dtype, value))
}

pub fn constant_from_bits(g: &mut Graph, dtype: DType, shape: &[usize], bits: i64) -> NodeId {
    let list = g.intern_list(&[bits]);
    let shape = g.intern_shape(shape);
    g.push(Op::Const(list), dtype, shape, &[])
}

pub fn constant_like(g: &mut Graph, x: NodeId, value: f64) -> NodeId {
    let (dtype, shape) = (g.dtype(x), g.shape_id(x));
    let list = g.intern_list(&[constant_bits(dtype, value)]);
    g.push(Op::Const(list), dtype, shape, &[])
}

pub fn zeros_like(g: &mut Graph, x: NodeId) -> NodeId {
    constant_like(g, x, 0.0)
}

/// `0, 1, ..., n - 1` as int64.
pub fn iota(g: &mut Graph, n: usize) -> NodeId {
    sure_typed(g, Op::Iota, DType::I64, &[n], &[])
}

pub fn add(g: &mut Graph, x: NodeId, z: NodeId) -> NodeId {
    map(g, Fun::Add, &[x, z])
}

pub fn sub(g: &mut Graph, x: NodeId, z: NodeId) -> NodeId {
    map(g, Fun::Sub, &[x, z])
}

pub fn mul(g: &mut Graph, x: NodeId, z: NodeId) -> NodeId {
    map(g, Fun::Mul, &[x, z])
}

pub fn div(g: &mut Graph, x: NodeId, z: NodeId) -> NodeId {
    map(g, Fun::Div, &[x, z])
}

pub fn neg(g: &mut Graph, x: NodeId) -> NodeId {
    map(g, Fun::Neg, &[x])
}

/// The product of derivatives: zero where either factor is.
pub fn mul0(g: &mut Graph, x: NodeId, z: NodeId) -> NodeId {
    map(g, Fun::Mul0, &[x, z])
}

pub fn select(g: &mut Graph, c: NodeId, x: NodeId, z: NodeId) -> NodeId {
    map(g, Fun::Where, &[c, x, z])
}

/// Integers up to 2^53 are float64s.
const EXACT: f64 = 9007199254740992.0;

pub fn cast(g: &mut Graph, x: NodeId, dtype: DType) -> NodeId {
    if g.dtype(x) == dtype {
        return x;
    }
    // Where rounding or range decide, it is the kernel that does.
    let floats = g.dtype(x).is_float() && dtype.is_float();
    let folded = constant_value(g, x).filter(|value| floats || value.abs() <= EXACT);
    let shape = g.dims(x);
    if let Some(value) = folded {
        return constant(g, dtype, &shape, value);
    }
    sure_typed(g, Op::Map(Fun::Cast), dtype, &shape, &[x])
}

pub fn reshape(g: &mut Graph, x: NodeId, shape: &[usize]) -> NodeId {
    if g.shape(x) == shape {
        return x;
    }
    match g.op(x) {
        Op::Const(_) => return reconst(g, x, shape),
        Op::Reshape => {
            let inner = g.operand(x, 0);
            return reshape(g, inner, shape);
        }
        _ => {}
    }
    sure_typed(g, Op::Reshape, g.dtype(x), shape, &[x])
}

/// A constant with another shape.
fn reconst(g: &mut Graph, x: NodeId, shape: &[usize]) -> NodeId {
    let Op::Const(list) = g.op(x) else {
        unreachable!("{x:?} is a constant")
    };
    let shape = g.intern_shape(shape);
    g.push(Op::Const(list), g.dtype(x), shape, &[])
}

/// Axis `i` of the result is axis `perm[i]` of `x`.
pub fn transpose(g: &mut Graph, x: NodeId, perm: &[usize]) -> NodeId {
    if perm.iter().enumerate().all(|(i, &p)| i == p) {
        return x;
    }
    if matches!(g.op(x), Op::Const(_)) {
        let shape: Dims = perm.iter().map(|&p| g.shape(x)[p]).collect();
        return reconst(g, x, &shape);
    }
    let list: Vec<i64> = perm.iter().map(|&p| p as i64).collect();
    let list = g.intern_list(&list);
    sure(g, Op::Transpose(list), &[x])
}

/// Swaps the last two axes.
pub fn swap_last(g: &mut Graph, x: NodeId) -> NodeId {
    let n = g.shape(x).len();
    let mut perm: Dims = (0..n).collect();
    perm.swap(n - 1, n - 2);
    transpose(g, x, &perm)
}

pub fn broadcast(g: &mut Graph, x: NodeId, shape: &[usize]) -> NodeId {
    if g.shape(x) == shape {
        return x;
    }
    if matches!(g.op(x), Op::Const(_)) {
        return reconst(g, x, shape);
    }
    sure_typed(g, Op::Broadcast, g.dtype(x), shape, &[x])
}

/// The elements `start + step * k` of every axis; the list is `start, step` for each axis.
pub fn slice(g: &mut Graph, x: NodeId, list: &[i64], shape: &[usize]) -> NodeId {
    let whole = list.chunks(2).all(|pair| pair == [0, 1]) && g.shape(x) == shape;
    if whole {
        return x;
    }
    if matches!(g.op(x), Op::Const(_)) {
        return reconst(g, x, shape);
    }
    let list = g.intern_list(list);
    sure_typed(g, Op::Slice(list), g.dtype(x), shape, &[x])
}

/// `start..stop` of one axis.
pub fn slice_axis(g: &mut Graph, x: NodeId, axis: usize, start: usize, stop: usize) -> NodeId {
    let mut shape = g.dims(x);
    shape[axis] = stop - start;
    let mut list = [0, 1].repeat(shape.len());
    list[2 * axis] = start as i64;
    slice(g, x, &list, &shape)
}

/// The axis in reverse order.
pub fn flip(g: &mut Graph, x: NodeId, axis: usize) -> NodeId {
    let shape = g.dims(x);
    if shape[axis] == 0 {
        return x;
    }
    let mut list = [0, 1].repeat(shape.len());
    list[2 * axis] = shape[axis] as i64 - 1;
    list[2 * axis + 1] = -1;
    slice(g, x, &list, &shape)
}

/// The item at `place` (in C order) of the first `lead` axes.
pub fn item(g: &mut Graph, x: NodeId, place: usize, lead: usize) -> NodeId {
    if lead == 0 {
        return x;
    }
    match g.op(x) {
        Op::Const(_) => {
            let shape: Dims = g.shape(x)[lead..].into();
            return reconst(g, x, &shape);
        }
        // What was packed comes out again: arrays that are filled and read item by item vanish.
        Op::Pack(places) if g.shape(x).len() - g.shape(g.operand(x, 0)).len() == lead => {
            return match position(g.list(places), place as i64) {
                Some(k) => g.operand(x, k),
                None => zeros_like(g, g.operand(x, 0)),
            };
        }
        Op::Broadcast if g.shape(x).len() == lead && g.shape(g.operand(x, 0)).is_empty() => {
            return g.operand(x, 0);
        }
        _ => {}
    }
    let list = g.intern_list(&[place as i64, lead as i64]);
    sure(g, Op::Item(list), &[x])
}

/// Where a place stands in a list of distinct ones. In a full array it stands at itself.
fn position(places: &[i64], place: i64) -> Option<usize> {
    let guess = place as usize;
    if places.get(guess) == Some(&place) {
        return Some(guess);
    }
    places.iter().position(|&p| p == place)
}

/// Zeros of `shape` with equally shaped items at distinct places of its leading axes.
pub fn pack(g: &mut Graph, items: &[NodeId], places: &[i64], shape: &[usize]) -> NodeId {
    let list = g.intern_list(places);
    let dtype = g.dtype(items[0]);
    sure_typed(g, Op::Pack(list), dtype, shape, items)
}

pub fn assign(g: &mut Graph, x: NodeId, list: &[i64], value: NodeId) -> NodeId {
    let list = g.intern_list(list);
    sure(g, Op::Assign(list), &[x, value])
}

pub fn concat(g: &mut Graph, parts: &[NodeId], axis: usize) -> NodeId {
    match parts {
        [one] => *one,
        _ => sure(g, Op::Concat(axis as u8), parts),
    }
}

pub fn gather(g: &mut Graph, x: NodeId, index: NodeId) -> NodeId {
    sure(g, Op::Gather, &[x, index])
}

/// Adds `value` into the rows `index` of `x`.
pub fn scatter_add(g: &mut Graph, x: NodeId, index: NodeId, value: NodeId) -> NodeId {
    sure(g, Op::ScatterAdd, &[x, index, value])
}

/// Reduces over axes, which disappear.
pub fn reduce(g: &mut Graph, kind: Reduction, x: NodeId, axes: &[usize]) -> NodeId {
    if axes.is_empty() {
        return x;
    }
    let list: Vec<i64> = axes.iter().map(|&a| a as i64).collect();
    let list = g.intern_list(&list);
    sure(g, Op::Reduce(kind, list), &[x])
}

pub fn sum(g: &mut Graph, x: NodeId, axes: &[usize]) -> NodeId {
    reduce(g, Reduction::Sum, x, axes)
}

/// The transpose of [`broadcast`]: sums what was repeated.
pub fn unbroadcast(g: &mut Graph, x: NodeId, shape: &[usize]) -> NodeId {
    let lead = g.shape(x).len() - shape.len();
    let axes: Dims = (0..g.shape(x).len())
        .filter(|&i| i < lead || (shape[i - lead] == 1 && g.shape(x)[i] != 1))
        .collect();
    if !axes.is_empty() && g.op(x) == Op::Map(Fun::Neg) {
        // The few sums are subtracted from zero, not the many terms: a sum of zeros stays positive.
        let inner = g.operand(x, 0);
        let summed = unbroadcast(g, inner, shape);
        let zeros = zeros_like(g, summed);
        return sub(g, zeros, summed);
    }
    let summed = sum(g, x, &axes);
    reshape(g, summed, shape)
}

/// Puts back axes of length one that a reduction dropped, then repeats along them.
pub fn unreduce(g: &mut Graph, y: NodeId, axes: &[usize], shape: &[usize]) -> NodeId {
    let mut kept: Dims = shape.into();
    for &axis in axes {
        kept[axis] = 1;
    }
    let y = reshape(g, y, &kept);
    broadcast(g, y, shape)
}

pub fn cumulate(
    g: &mut Graph,
    kind: Cumulation,
    operands: &[NodeId],
    axis: usize,
    guard: Guard,
) -> NodeId {
    sure(g, Op::Cumulate(kind, axis as u8, guard), operands)
}

pub fn matmul(g: &mut Graph, a: NodeId, b: NodeId, guard: Guard) -> NodeId {
    sure(g, Op::MatMul(guard), &[a, b])
}

/// `x` repeated along a new last axis.
pub fn with_lanes(g: &mut Graph, x: NodeId, width: usize) -> NodeId {
    let mut shape = g.dims(x);
    shape.push(1);
    let x = reshape(g, x, &shape);
    *shape.last_mut().expect("just pushed") = width;
    broadcast(g, x, &shape)
}

/// Moves axis `from` to place `to`.
pub fn move_axis(g: &mut Graph, x: NodeId, from: usize, to: usize) -> NodeId {
    let mut perm: Dims = (0..g.shape(x).len()).collect();
    let axis = perm.remove(from);
    perm.insert(to, axis);
    transpose(g, x, &perm)
}

/// The identity matrix, as float `dtype`.
pub fn eye(g: &mut Graph, dtype: DType, n: usize) -> NodeId {
    let i = iota(g, n);
    let column = reshape(g, i, &[n, 1]);
    let (rows, columns) = (broadcast(g, column, &[n, n]), broadcast(g, i, &[n, n]));
    let equal = map(g, Fun::Equal, &[rows, columns]);
    cast(g, equal, dtype)
}

/// All axes of a value.
pub fn all_axes(g: &Graph, x: NodeId) -> Dims {
    (0..g.shape(x).len()).collect()
}

/// The number of elements along some axes.
pub fn count_along(g: &Graph, x: NodeId, axes: &[usize]) -> usize {
    let lengths: Dims = axes.iter().map(|&a| g.shape(x)[a]).collect();
    product(&lengths)
}
