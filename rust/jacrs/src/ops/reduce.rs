//! Reductions over axes, and the place of an extremum.

use super::elementwise::Fun;
use super::pairwise::{Max, Min, Prod, Reducible, Sum, fold, join_halves};
use super::tile::{Cut, Known, Needs, Tile};
use super::{Call, Cotangent, Flow, Lanes, Operation, Rule, build, list_of};
use crate::array::{DType, Dims, Layout, Out, View, walk};
use crate::error::{Error, Result, text};
use crate::interrupt::{STRETCH, stretches};
use crate::ir::{Cumulation, Graph, Guard, NodeId, Op, Pick, Reduction, Type};
use crate::with_type;
use smallvec::smallvec;

/// Joins what a reduction over the first axis gave for `count` parts of it, halves of halves, into
/// the first.
///
/// # Safety
/// `parts` must be good for `count` results of `width` elements.
pub unsafe fn join_parts(op: Op, dtype: DType, parts: *mut u8, count: usize, width: usize) {
    let Op::Reduce(kind, _) = op else {
        unreachable!("{op:?}")
    };
    // SAFETY: the caller's contract.
    with_type!(dtype, T => unsafe {
        match kind {
            Reduction::Sum => join_halves::<T, Sum>(parts.cast(), count, width),
            Reduction::Prod => join_halves::<T, Prod>(parts.cast(), count, width),
            Reduction::Max => join_halves::<T, Max>(parts.cast(), count, width),
            Reduction::Min => join_halves::<T, Min>(parts.cast(), count, width),
        }
    });
}

/// The axes of a list.
pub fn axes_of(list: &[i64]) -> Dims {
    list.iter().map(|&a| a as usize).collect()
}

pub struct Reduce;

impl Reduce {
    fn parts(g: &Graph, op: Op) -> (Reduction, Dims) {
        let Op::Reduce(kind, _) = op else {
            unreachable!("{op:?}")
        };
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
            return Err(text::empty_reduction(&(self.name(op) + "imum")));
        }
        let kept = (0..shape.len())
            .filter(|a| !axes.contains(a))
            .map(|a| shape[a])
            .collect();
        Ok(Type {
            dtype: g.dtype(x),
            shape: kept,
        })
    }

    fn rule(&self, op: Op) -> Rule {
        if self.linear_in(op, 0) {
            Rule::Linear
        } else {
            Rule::General
        }
    }

    fn flow(&self, g: &Graph, y: NodeId) -> Flow {
        Flow::Folds(Self::parts(g, g.op(y)).1)
    }

    fn linear_in(&self, op: Op, _: usize) -> bool {
        matches!(op, Op::Reduce(Reduction::Sum, _))
    }

    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let Op::Reduce(kind, _) = call.op else {
            unreachable!()
        };
        let axes = axes_of(&call.list);
        with_type!(out.dtype, T => match kind {
            Reduction::Sum => fold::<T, Sum>(&operands[0], &axes, out),
            Reduction::Prod => fold::<T, Prod>(&operands[0], &axes, out),
            Reduction::Max => fold::<T, Max>(&operands[0], &axes, out),
            Reduction::Min => fold::<T, Min>(&operands[0], &axes, out),
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

    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        _: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let (_, axes) = Self::parts(g, g.op(y));
        let shape = g.dims(g.operand(y, 0));
        vec![Some(Cotangent::Whole(build::unreduce(
            g, ct, &axes, &shape,
        )))]
    }

    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        build::emit(g, g.op(y), lanes.operands)
    }

    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        let (_, axes) = Self::parts(g, g.op(y));
        unreduced(g, g.operand(y, 0), &axes, tile)
    }

    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        cut.as_tile(target)
    }
}

/// The tile of an operand whose axes `gone` are reduced to a tile of the result.
fn unreduced(g: &Graph, x: NodeId, gone: &[usize], tile: &Tile) -> Needs {
    let mut before = Tile::of(g, x);
    let kept = (0..before.shape.len()).filter(|a| !gone.contains(a));
    for (place, axis) in kept.enumerate() {
        before = before.with(axis, tile.start[place], tile.end(place));
    }
    smallvec![(0, before)]
}

/// One over the number of extrema at each extremum, zero elsewhere.
fn tie_shares(g: &mut Graph, x: NodeId, y: NodeId, axes: &[usize]) -> NodeId {
    let (shape, dtype) = (g.dims(x), g.dtype(x));
    let extremum = build::unreduce(g, y, axes, &shape);
    let mask = build::map(g, Fun::Equal, &[x, extremum]);
    let ones = build::cast(g, mask, dtype);
    let count = build::sum(g, ones, axes);
    // Nothing equals a NaN: then this is 0 / 0, and the derivative is NaN like the value.
    let mut share = |of: f64| {
        let of = build::constant_like(g, count, of);
        let share = build::div(g, of, count);
        build::unreduce(g, share, axes, &shape)
    };
    let (extremal, other) = (share(1.0), share(0.0));
    build::select(g, mask, extremal, other)
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
        (
            build::concat(g, &[one, shifted], axis),
            build::concat(g, &[one, zeros], axis),
        )
    } else {
        let shifted = build::slice_axis(g, x, axis, 1, n);
        (
            build::concat(g, &[shifted, one], axis),
            build::concat(g, &[zeros, one], axis),
        )
    };
    build::cumulate(g, kind, &[factors, start], axis, Guard::Off)
}

/// The place of the first extremum along an axis; NaN is taken for it, as in NumPy.
pub struct ArgPick;

impl Operation for ArgPick {
    fn name(&self, op: Op) -> String {
        if matches!(op, Op::ArgPick(Pick::Max, _)) {
            "argmax"
        } else {
            "argmin"
        }
        .into()
    }

    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let Op::ArgPick(_, axis) = op else {
            unreachable!()
        };
        let mut shape = g.dims(operands[0]);
        if axis as usize >= shape.len() {
            return Err(Error::internal(format!("no axis {axis} in {shape:?}")));
        }
        if shape.remove(axis as usize) == 0 {
            let name = self.name(op);
            return Err(text::empty_pick(&name));
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
        let Op::ArgPick(pick, axis) = call.op else {
            unreachable!()
        };
        let x = &operands[0];
        let (n, step) = (x.shape()[axis as usize], x.strides()[axis as usize]);
        let rest: Dims = (0..x.shape().len())
            .filter(|&a| a != axis as usize)
            .collect();
        let Layout { shape, strides } = x.layout.transpose(&rest);
        let mut place = 0;
        with_type!(x.dtype, T => walk(&shape, [&strides], |[base]| {
            // SAFETY: `base` and the axis stay inside the view; `place` counts the elements of `out`.
            unsafe {
                let at = |i: usize| x.ptr.cast::<T>().offset(base + i as isize * step).read();
                let mut best = 0;
                for part in stretches(n, STRETCH) {
                    best = part.fold(best, |best, i| if at(i).beats(at(best), pick) { i } else { best });
                }
                out.ptr.cast::<i64>().add(place).write(best as i64);
            }
            place += 1;
        }));
        Ok(())
    }

    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        build::emit(g, g.op(y), lanes.operands)
    }

    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        let Op::ArgPick(_, axis) = g.op(y) else {
            unreachable!()
        };
        unreduced(g, g.operand(y, 0), &[axis as usize], tile)
    }

    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        cut.as_tile(target)
    }
}
