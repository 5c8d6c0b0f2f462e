//! Scans along an axis: cumulative sums and the linear recurrence, of which `cumprod` is a case.

use super::tile::{self, Cut, Known, Needs, Tile};
use super::{Call, Cotangent, Flow, Lanes, Operation, Rule, build};
use crate::array::{Dims, Out, View, walk};
use crate::error::{Error, Result};
use crate::interrupt::{STRETCH, stretches};
use crate::ir::{Cumulation, Graph, Guard, NodeId, Op, Type};
use crate::ops::pairwise::Reducible;
use crate::with_type;

pub struct Cumulate;

impl Cumulate {
    fn parts(op: Op) -> (Cumulation, usize) {
        match op {
            Op::Cumulate(kind, axis, _) => (kind, axis as usize),
            other => unreachable!("{other:?}"),
        }
    }
}

fn is_recurrence(kind: Cumulation) -> bool {
    matches!(kind, Cumulation::Recurrence | Cumulation::RecurrenceBack)
}

/// The same scan from the other end.
fn reversed(kind: Cumulation) -> Cumulation {
    match kind {
        Cumulation::Sum => Cumulation::SumBack,
        Cumulation::SumBack => Cumulation::Sum,
        Cumulation::Recurrence => Cumulation::RecurrenceBack,
        Cumulation::RecurrenceBack => Cumulation::Recurrence,
    }
}

fn forwards(kind: Cumulation) -> bool {
    matches!(kind, Cumulation::Sum | Cumulation::Recurrence)
}

/// `x` moved by one along the axis, in (or against) the direction of the scan, zero coming in.
fn shifted(g: &mut Graph, x: NodeId, axis: usize, later: bool) -> NodeId {
    let mut shape = g.dims(x);
    let n = shape[axis];
    if n == 0 {
        return x;
    }
    shape[axis] = 1;
    let zero = build::constant(g, g.dtype(x), &shape, 0.0);
    if later {
        let rest = build::slice_axis(g, x, axis, 0, n - 1);
        build::concat(g, &[zero, rest], axis)
    } else {
        let rest = build::slice_axis(g, x, axis, 1, n);
        build::concat(g, &[rest, zero], axis)
    }
}

impl Operation for Cumulate {
    fn name(&self, op: Op) -> String {
        let Op::Cumulate(kind, _, guard) = op else {
            unreachable!("{op:?}")
        };
        match (kind, guard) {
            (Cumulation::Sum, _) => "cumsum",
            (Cumulation::SumBack, _) => "cumsum_back",
            (Cumulation::Recurrence, Guard::Off) => "recurrence",
            (Cumulation::Recurrence, Guard::On) => "recurrence0",
            (Cumulation::RecurrenceBack, Guard::Off) => "recurrence_back",
            (Cumulation::RecurrenceBack, Guard::On) => "recurrence_back0",
        }
        .into()
    }

    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let (kind, axis) = Self::parts(op);
        let t = g.type_of(operands[0]);
        let arity = if is_recurrence(kind) { 2 } else { 1 };
        if operands.len() != arity
            || axis >= t.shape.len()
            || operands.iter().any(|&x| g.type_of(x) != t)
        {
            return Err(Error::internal(format!(
                "{} along axis {axis} of {:?}",
                self.name(op),
                t.shape
            )));
        }
        Ok(t)
    }

    fn rule(&self, op: Op) -> Rule {
        if is_recurrence(Self::parts(op).0) {
            Rule::General
        } else {
            Rule::Linear
        }
    }

    fn flow(&self, g: &Graph, y: NodeId) -> Flow {
        let (kind, axis) = Self::parts(g.op(y));
        Flow::Scans {
            axis,
            forwards: forwards(kind),
            factors: is_recurrence(kind),
        }
    }

    fn linear_in(&self, op: Op, k: usize) -> bool {
        !is_recurrence(Self::parts(op).0) || k == 1
    }

    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let (kind, axis) = Self::parts(call.op);
        let guarded = call.exact && matches!(call.op, Op::Cumulate(_, _, Guard::On));
        with_type!(out.dtype, T => scan::<T>(kind, axis, operands, out, guarded));
        Ok(())
    }

    /// `y = a S y + b` gives `dy = a S dy + (da S y + db)`: a recurrence with the same factors.
    /// Where only `b` varies it is linear, and this is not asked for.
    fn jvp(&self, g: &mut Graph, y: NodeId, tangents: &[Option<NodeId>]) -> NodeId {
        let (kind, axis) = Self::parts(g.op(y));
        let a = g.operand(y, 0);
        let from_factors = tangents[0].map(|ta| {
            let before = shifted(g, y, axis, forwards(kind));
            build::mul0(g, before, ta)
        });
        let source = match (from_factors, tangents[1]) {
            (Some(p), Some(q)) => build::add(g, p, q),
            (p, q) => p.or(q).expect("an operand is active"),
        };
        build::cumulate(g, kind, &[a, source], axis, Guard::On)
    }

    /// With respect to `b`: the cotangent runs back through the factor of the next element.
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        _: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let (kind, axis) = Self::parts(g.op(y));
        let back = reversed(kind);
        if !is_recurrence(kind) {
            return vec![Some(Cotangent::Whole(build::cumulate(
                g,
                back,
                &[ct],
                axis,
                Guard::Off,
            )))];
        }
        let a = g.operand(y, 0);
        let next = shifted(g, a, axis, !forwards(kind));
        vec![
            None,
            Some(Cotangent::Whole(build::cumulate(
                g,
                back,
                &[next, ct],
                axis,
                Guard::On,
            ))),
        ]
    }

    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        let operands = lanes.all(g);
        build::emit(g, g.op(y), &operands)
    }

    /// From where the scan starts to the end of the tile.
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        let (kind, axis) = Self::parts(g.op(y));
        let (start, end) = if forwards(kind) {
            (0, tile.end(axis))
        } else {
            (tile.start[axis], g.shape(y)[axis])
        };
        tile::alike(g, y, &tile.clone().with(axis, start, end))
    }

    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        cut.part_of(target, &cut.needs[0].1)
    }
}

/// Elements along a line, by value: what is written must not seem to change where they are.
#[derive(Clone, Copy)]
struct Line<T> {
    first: *mut T,
    step: isize,
}

impl<T: Copy> Line<T> {
    /// The line of a view through an offset, `n` elements from where the scan starts.
    fn new(view: &View, offset: isize, axis: usize, n: usize, forwards: bool) -> Self {
        let step = view.strides()[axis];
        let last = (n as isize - 1) * step;
        let (start, step) = if forwards {
            (offset, step)
        } else {
            (offset + last, -step)
        };
        let first = view.ptr.cast::<T>().wrapping_offset(start).cast_mut();
        Self { first, step }
    }

    #[inline(always)]
    fn at(self, k: usize) -> *mut T {
        self.first.wrapping_offset(k as isize * self.step)
    }
}

/// Lines along the axis, each from one end to the other.
fn scan<T: Reducible>(kind: Cumulation, axis: usize, operands: &[View], out: &Out, guarded: bool) {
    let n = out.shape[axis];
    if n == 0 {
        return;
    }
    let target = out.view();
    let views = [&operands[0], &operands[operands.len() - 1], &target];
    let rest: Dims = (0..out.shape.len()).filter(|&a| a != axis).collect();
    let parts = views.map(|view| view.layout.transpose(&rest));
    walk(
        &parts[0].shape,
        [&parts[0].strides, &parts[1].strides, &parts[2].strides],
        |base| {
            let line = |i: usize| Line::<T>::new(views[i], base[i], axis, n, forwards(kind));
            let (a, b, y) = (line(0), line(1), line(2));
            // SAFETY: `walk` and `k < n` stay inside the three shapes, the last of which is ours.
            unsafe {
                match (is_recurrence(kind), guarded) {
                    (false, _) => run(n, b, y, |carry: T, _, term| carry.plus(term)),
                    (true, false) => run(n, b, y, move |carry, k, term| {
                        a.at(k).read().times(carry).plus(term)
                    }),
                    (true, true) => run(n, b, y, move |carry, k, term| {
                        a.at(k).read().times0(carry).plus(term)
                    }),
                }
            }
        },
    );
}

/// One line of `n` elements: the first is the first term, the others follow from the one before.
///
/// # Safety
/// Both lines must have `n` elements, and those of `y` be free to write.
#[inline(always)]
unsafe fn run<T: Copy>(n: usize, b: Line<T>, y: Line<T>, next: impl Fn(T, usize, T) -> T) {
    // SAFETY: the caller's contract.
    unsafe {
        let mut carry = b.at(0).read();
        y.at(0).write(carry);
        for part in stretches(n, STRETCH) {
            let mut total = carry;
            for k in part.start.max(1)..part.end {
                total = next(total, k, b.at(k).read());
                y.at(k).write(total);
            }
            carry = total;
        }
    }
}
