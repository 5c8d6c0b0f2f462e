//! Reductions over axes, and the place of an extremum.

use super::elementwise::Fun;
use super::{Call, Cotangent, Lanes, Operation, Rule, build, list_of};
use crate::array::{DType, Dims, Layout, Out, Strides, View, coalesce, walk};
use crate::error::{Error, Result};
use crate::ir::{Cumulation, Graph, Guard, NodeId, Op, Pick, Reduction, Type};
use crate::simd::Number;
use crate::with_type;

/// Elements that can be reduced; for bools a sum is "any" and a product is "all".
pub trait Reducible: Copy {
    const ZERO: Self;
    const ONE: Self;
    fn plus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn larger(self, other: Self) -> Self;
    fn smaller(self, other: Self) -> Self;
    /// `self` comes before `other` when looking for the largest (NaN before all).
    fn beats(self, other: Self, pick: Pick) -> bool;
}

macro_rules! reducible {
    ($($T:ident)*) => {
        $(impl Reducible for $T {
            const ZERO: Self = <$T as Number>::ZERO;
            const ONE: Self = <$T as Number>::ONE;
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                Number::add(self, other)
            }
            #[inline(always)]
            fn times(self, other: Self) -> Self {
                Number::mul(self, other)
            }
            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                Number::maximum(self, other)
            }
            #[inline(always)]
            fn smaller(self, other: Self) -> Self {
                Number::minimum(self, other)
            }
            fn beats(self, other: Self, pick: Pick) -> bool {
                let ahead = match pick {
                    Pick::Max => self > other,
                    Pick::Min => self < other,
                };
                ahead || (Number::is_nan(self) && !Number::is_nan(other))
            }
        })*
    };
}
reducible!(i64 f32 f64);

impl Reducible for u8 {
    const ZERO: Self = 0;
    const ONE: Self = 1;
    fn plus(self, other: Self) -> Self {
        self | other
    }
    fn times(self, other: Self) -> Self {
        self & other
    }
    fn larger(self, other: Self) -> Self {
        self | other
    }
    fn smaller(self, other: Self) -> Self {
        self & other
    }
    fn beats(self, other: Self, pick: Pick) -> bool {
        if pick == Pick::Max { self > other } else { self < other }
    }
}

/// `x + y` in any dtype.
#[inline(always)]
pub fn plus<T: Reducible>(x: T, y: T) -> T {
    x.plus(y)
}

/// The axes of a list.
pub fn axes_of(list: &[i64]) -> Dims {
    list.iter().map(|&a| a as usize).collect()
}

pub struct Reduce;

impl Reduce {
    fn parts(g: &Graph, op: Op) -> (Reduction, Dims) {
        let Op::Reduce(kind, _) = op else { unreachable!("{op:?}") };
        (kind, axes_of(list_of(g, op)))
    }
}

impl Operation for Reduce {
    fn name(&self, op: Op) -> String {
        match op {
            Op::Reduce(Reduction::Sum, _) => "sum",
            Op::Reduce(Reduction::Prod, _) => "prod",
            Op::Reduce(Reduction::Max, _) => "max",
            _ => "min",
        }
        .into()
    }

    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let x = operands[0];
        let (kind, axes) = Self::parts(g, op);
        let shape = g.shape(x);
        let increasing = axes.windows(2).all(|w| w[0] < w[1]);
        if !increasing || axes.last().is_some_and(|&a| a >= shape.len()) {
            return Err(Error::internal(format!("axes {axes:?} of {shape:?}")));
        }
        if matches!(kind, Reduction::Max | Reduction::Min) && axes.iter().any(|&a| shape[a] == 0) {
            return Err(Error::value(format!(
                "zero-size array to reduction operation {}imum which has no identity",
                self.name(op)
            )));
        }
        let kept = (0..shape.len()).filter(|a| !axes.contains(a)).map(|a| shape[a]).collect();
        Ok(Type { dtype: g.dtype(x), shape: kept })
    }

    fn rule(&self, op: Op) -> Rule {
        if self.linear_in(op, 0) { Rule::Linear } else { Rule::General }
    }

    fn linear_in(&self, op: Op, _: usize) -> bool {
        matches!(op, Op::Reduce(Reduction::Sum, _))
    }

    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let Op::Reduce(kind, _) = call.op else { unreachable!() };
        let axes = axes_of(&call.list);
        with_type!(out.dtype, T => match kind {
            Reduction::Sum => fold::<T>(&operands[0], &axes, out, Reducible::ZERO, Reducible::plus),
            Reduction::Prod => fold::<T>(&operands[0], &axes, out, Reducible::ONE, Reducible::times),
            Reduction::Max => fold::<T>(&operands[0], &axes, out, Reducible::ZERO, Reducible::larger),
            Reduction::Min => fold::<T>(&operands[0], &axes, out, Reducible::ZERO, Reducible::smaller),
        });
        Ok(())
    }

    fn jvp(&self, g: &mut Graph, y: NodeId, tangents: &[Option<NodeId>]) -> NodeId {
        let (kind, axes) = Self::parts(g, g.op(y));
        let x = g.operand(y, 0);
        let t = tangents[0].expect("the only operand is active");
        match kind {
            Reduction::Prod => {
                let others = exclusive_products(g, x, &axes);
                let terms = build::mul0(g, others, t);
                build::sum(g, terms, &axes)
            }
            _ => {
                // Ties share the derivative evenly.
                let share = tie_shares(g, x, y, &axes);
                let terms = build::mul0(g, share, t);
                build::sum(g, terms, &axes)
            }
        }
    }

    fn transpose(&self, g: &mut Graph, y: NodeId, ct: NodeId, _: &[bool]) -> Vec<Option<Cotangent>> {
        let (_, axes) = Self::parts(g, g.op(y));
        let shape = g.dims(g.operand(y, 0));
        vec![Some(Cotangent::Whole(build::unreduce(g, ct, &axes, &shape)))]
    }

    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        build::emit(g, g.op(y), lanes.operands)
    }
}

/// One over the number of extrema at each extremum, zero elsewhere.
fn tie_shares(g: &mut Graph, x: NodeId, y: NodeId, axes: &[usize]) -> NodeId {
    let (shape, dtype) = (g.dims(x), g.dtype(x));
    let extremum = build::unreduce(g, y, axes, &shape);
    let mask = build::map(g, Fun::Equal, &[x, extremum]);
    let mask = build::cast(g, mask, dtype);
    let count = build::sum(g, mask, axes);
    let count = build::unreduce(g, count, axes, &shape);
    // Nothing equals a NaN: then this is 0 / 0, and the derivative is NaN like the value.
    build::div(g, mask, count)
}

/// For each element the product of all others along the axes: right where some are zero.
fn exclusive_products(g: &mut Graph, x: NodeId, axes: &[usize]) -> NodeId {
    let shape = g.dims(x);
    let kept: Dims = (0..shape.len()).filter(|a| !axes.contains(a)).collect();
    let order: Dims = kept.iter().chain(axes).copied().collect();
    let moved = build::transpose(g, x, &order);
    let moved_shape = g.dims(moved);
    let n = build::count_along(g, x, axes);
    let mut flat: Dims = moved_shape[..kept.len()].into();
    flat.push(n);
    let rows = build::reshape(g, moved, &flat);
    let axis = kept.len();
    let before = exclusive_scan(g, rows, axis, Cumulation::Recurrence);
    let after = exclusive_scan(g, rows, axis, Cumulation::RecurrenceBack);
    let products = build::mul(g, before, after);
    let products = build::reshape(g, products, &moved_shape);
    let mut inverse: Dims = order.clone();
    for (i, &p) in order.iter().enumerate() {
        inverse[p] = i;
    }
    build::transpose(g, products, &inverse)
}

/// `e[i] = x[0] ... x[i-1]` (or from the other end), `e` of the first being 1.
fn exclusive_scan(g: &mut Graph, x: NodeId, axis: usize, kind: Cumulation) -> NodeId {
    let shape = g.dims(x);
    let n = shape[axis];
    if n == 0 {
        return x;
    }
    let mut one_shape = shape.clone();
    one_shape[axis] = 1;
    let dtype = g.dtype(x);
    let one = build::constant(g, dtype, &one_shape, 1.0);
    let mut rest_shape = shape;
    rest_shape[axis] = n - 1;
    let zeros = build::constant(g, dtype, &rest_shape, 0.0);
    let (factors, start) = if kind == Cumulation::Recurrence {
        let shifted = build::slice_axis(g, x, axis, 0, n - 1);
        (build::concat(g, &[one, shifted], axis), build::concat(g, &[one, zeros], axis))
    } else {
        let shifted = build::slice_axis(g, x, axis, 1, n);
        (build::concat(g, &[shifted, one], axis), build::concat(g, &[zeros, one], axis))
    };
    build::cumulate(g, kind, &[factors, start], axis, Guard::Off)
}

/// Kept axes and reduced axes of a view, each merged as far as they go.
struct Split {
    kept: (Dims, Strides),
    reduced: (Dims, Strides),
}

impl Split {
    fn new(x: &View, axes: &[usize]) -> Self {
        let part = |reduced: bool| {
            let chosen: Dims = (0..x.shape().len()).filter(|a| axes.contains(a) == reduced).collect();
            let layout = x.layout.transpose(&chosen);
            let (dims, [strides]) = coalesce(&layout.shape, [&layout.strides]);
            (dims, strides)
        };
        Self { kept: part(false), reduced: part(true) }
    }
}

/// Columns that are reduced side by side.
const TILE: usize = 128;
/// Below this many terms a sum is taken one after the other; above, halves are added.
const LEAF: usize = 16;

/// Reduces by halves, so that rounding errors grow with the logarithm of the length (pairwise
/// summation; Higham, "The accuracy of floating point summation", SIAM J. Sci. Comput. 14, 1993).
/// The order of the terms depends on the shapes alone.
fn fold<T: Reducible>(x: &View, axes: &[usize], out: &Out, empty: T, join: fn(T, T) -> T) {
    let Split { kept, reduced } = Split::new(x, axes);
    let n: usize = reduced.0.iter().product();
    let out_ptr = out.ptr.cast::<T>();
    if n == 0 {
        for i in 0..out.len() {
            // SAFETY: inside `out`.
            unsafe { out_ptr.add(i).write(empty) }
        }
        return;
    }
    let offsets = term_offsets(&reduced.0, &reduced.1);
    let term = |i: usize| match &offsets {
        Terms::Even(step) => i as isize * step,
        Terms::Table(table) => table[i],
    };
    // The last kept axis goes side by side, in tiles.
    let split = kept.0.len().saturating_sub(1);
    let (width, step) = kept.0.last().map_or((1, 1), |&w| (w, kept.1[split]));
    let mut row = 0;
    walk(&kept.0[..split], [&kept.1[..split]], |[base]| {
        for start in (0..width).step_by(TILE) {
            let count = TILE.min(width - start);
            let columns = Columns { ptr: x.ptr.cast::<T>().wrapping_offset(base + start as isize * step), step, count };
            let mut total = [empty; TILE];
            columns.halves(0, n, &term, join, &mut total);
            for (k, value) in total[..count].iter().enumerate() {
                // SAFETY: row by row, inside `out`.
                unsafe { out_ptr.add(row + start + k).write(*value) }
            }
        }
        row += width;
    });
}

enum Terms {
    Even(isize),
    Table(Vec<isize>),
}

fn term_offsets(shape: &[usize], strides: &[isize]) -> Terms {
    if shape.len() <= 1 {
        return Terms::Even(strides.first().copied().unwrap_or(0));
    }
    let mut table = Vec::with_capacity(shape.iter().product());
    walk(shape, [strides], |[offset]| table.push(offset));
    Terms::Table(table)
}

struct Columns<T> {
    ptr: *const T,
    step: isize,
    count: usize,
}

impl<T: Reducible> Columns<T> {
    fn halves(&self, from: usize, to: usize, term: &impl Fn(usize) -> isize, join: fn(T, T) -> T, total: &mut [T; TILE]) {
        if to - from <= LEAF {
            self.load(term(from), total);
            for i in from + 1..to {
                self.join(term(i), join, total);
            }
            return;
        }
        let middle = from + (to - from) / 2;
        self.halves(from, middle, term, join, total);
        let mut right = *total;
        self.halves(middle, to, term, join, &mut right);
        for k in 0..self.count {
            total[k] = join(total[k], right[k]);
        }
    }

    fn load(&self, offset: isize, total: &mut [T; TILE]) {
        for (k, slot) in total[..self.count].iter_mut().enumerate() {
            // SAFETY: columns and terms stay inside the view.
            *slot = unsafe { self.ptr.offset(offset + k as isize * self.step).read() };
        }
    }

    fn join(&self, offset: isize, join: fn(T, T) -> T, total: &mut [T; TILE]) {
        for (k, slot) in total[..self.count].iter_mut().enumerate() {
            // SAFETY: columns and terms stay inside the view.
            *slot = join(*slot, unsafe { self.ptr.offset(offset + k as isize * self.step).read() });
        }
    }
}

/// The place of the first extremum along an axis; NaN is taken for it, as in NumPy.
pub struct ArgPick;

impl Operation for ArgPick {
    fn name(&self, op: Op) -> String {
        if matches!(op, Op::ArgPick(Pick::Max, _)) { "argmax" } else { "argmin" }.into()
    }

    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let Op::ArgPick(_, axis) = op else { unreachable!() };
        let mut shape = g.dims(operands[0]);
        if axis as usize >= shape.len() {
            return Err(Error::internal(format!("no axis {axis} in {shape:?}")));
        }
        if shape.remove(axis as usize) == 0 {
            let name = self.name(op);
            return Err(Error::value(format!("attempt to get {name} of an empty sequence")));
        }
        Ok(Type { dtype: DType::I64, shape })
    }

    fn rule(&self, _: Op) -> Rule {
        Rule::Zero
    }

    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let Op::ArgPick(pick, axis) = call.op else { unreachable!() };
        let x = &operands[0];
        let (n, step) = (x.shape()[axis as usize], x.strides()[axis as usize]);
        let rest: Dims = (0..x.shape().len()).filter(|&a| a != axis as usize).collect();
        let Layout { shape, strides } = x.layout.transpose(&rest);
        let mut place = 0;
        with_type!(x.dtype, T => walk(&shape, [&strides], |[base]| {
            // SAFETY: `base` and the axis stay inside the view; `place` counts the elements of `out`.
            unsafe {
                let at = |i: usize| x.ptr.cast::<T>().offset(base + i as isize * step).read();
                let best = (1..n).fold(0, |best, i| if at(i).beats(at(best), pick) { i } else { best });
                out.ptr.cast::<i64>().add(place).write(best as i64);
            }
            place += 1;
        }));
        Ok(())
    }

    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        build::emit(g, g.op(y), lanes.operands)
    }
}
