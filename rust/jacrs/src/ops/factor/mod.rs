//! Factorisations of matrices and what is computed from them.
//!
//! A factorisation is a node of its own, packed in one line, since a node has one result. Nodes that
//! read it have the matrix as an operand too: a derivative goes through the matrix, and the
//! factorisation is a constant of it. So values, derivatives and everything else that needs the
//! factors of one matrix find the same node, and it is factored once.

mod algebra;
mod cofactors;
mod kernel;
mod pinv;
mod rules;
mod solve;

pub use algebra::symmetric;
pub use cofactors::Cofactors;
pub use pinv::{Pinv, pinv};
pub use solve::{Solve, inverse, solve};

use super::{Call, Lanes, Operation, Rule, build};
use crate::array::{Dims, Layout, Out, View, copy, walk};
use crate::error::{Error, Result, text};
use crate::interrupt::elements;
use crate::ir::{Factorisation, Graph, NodeId, Op, Part, Type};
use kernel::Entry;

/// Runs `$body` with `$T` bound to the Rust type of a float dtype.
macro_rules! with_float {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::array::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::array::DType::F64 => {
                type $T = f64;
                $body
            }
            other => unreachable!("no factorisation of {other}"),
        }
    };
}
use with_float;

/// The sizes of a matrix in the last two axes, and the axes before it.
fn matrix(g: &Graph, x: NodeId) -> Result<(Dims, usize, usize)> {
    let shape = g.shape(x);
    let (Some(lead), true) = (shape.len().checked_sub(2), g.dtype(x).is_float()) else {
        return Err(Error::internal(format!(
            "a matrix of floats, not {}{shape:?}",
            g.dtype(x)
        )));
    };
    Ok((shape[..lead].into(), shape[lead], shape[lead + 1]))
}

fn square(g: &Graph, x: NodeId) -> Result<(Dims, usize)> {
    let (lead, m, n) = matrix(g, x)?;
    if m != n {
        return Err(text::not_square());
    }
    Ok((lead, n))
}

/// The matrices that a factorisation packs one after the other, each column by column; of `vt` the
/// rows.
fn blocks(factors: Factorisation, m: usize, n: usize) -> Vec<(Part, usize, usize)> {
    let k = m.min(n);
    match factors {
        // Both triangles, and where each row came from.
        Factorisation::Lu => vec![(Part::Lower, n, n), (Part::Values, n, 1)],
        Factorisation::Cholesky => vec![(Part::Lower, n, n)],
        Factorisation::Qr => vec![(Part::Q, m, k), (Part::R, k, n)],
        Factorisation::QrComplete => vec![(Part::Q, m, m), (Part::R, m, n)],
        Factorisation::Eigh => vec![(Part::Values, n, 1), (Part::Vectors, n, n)],
        Factorisation::Svd => vec![(Part::U, m, k), (Part::S, k, 1), (Part::Vt, k, n)],
        Factorisation::SvdFull => vec![(Part::U, m, m), (Part::S, k, 1), (Part::Vt, n, n)],
    }
}

fn packed_length(factors: Factorisation, m: usize, n: usize) -> usize {
    blocks(factors, m, n).iter().map(|&(_, m, n)| m * n).sum()
}

fn is_square_only(factors: Factorisation) -> bool {
    matches!(
        factors,
        Factorisation::Lu | Factorisation::Cholesky | Factorisation::Eigh
    )
}

/// Emits an operation whose operands are all stacked along lanes, which become the leading axis.
fn batch_leading(g: &mut Graph, op: Op, lanes: &Lanes<'_>) -> Result<NodeId> {
    let operands: Vec<NodeId> = (lanes.all(g).into_iter())
        .map(|x| {
            let last = g.shape(x).len() - 1;
            build::move_axis(g, x, last, 0)
        })
        .collect();
    let y = build::emit(g, op, &operands)?;
    let last = g.shape(y).len() - 1;
    Ok(build::move_axis(g, y, 0, last))
}

pub struct Factor;

impl Operation for Factor {
    fn name(&self, op: Op) -> String {
        let Op::Factor(factors) = op else {
            unreachable!("{op:?}")
        };
        factors.name().into()
    }

    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let (Op::Factor(factors), &[a]) = (op, operands) else {
            return Err(Error::internal("a factorisation takes one operand"));
        };
        let (mut shape, m, n) = matrix(g, a)?;
        if is_square_only(factors) && m != n {
            return Err(text::not_square());
        }
        shape.push(packed_length(factors, m, n));
        Ok(Type {
            dtype: g.dtype(a),
            shape,
        })
    }

    fn rule(&self, _: Op) -> Rule {
        Rule::Zero
    }

    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let Op::Factor(factors) = call.op else {
            unreachable!()
        };
        with_float!(out.dtype, T => factor_all::<T>(factors, &operands[0], out))
    }

    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        batch_leading(g, g.op(y), lanes)
    }
}

/// Each matrix of a stack.
fn factor_all<T: Entry>(factors: Factorisation, a: &View, out: &Out) -> Result<()> {
    let lead = a.shape().len() - 2;
    let (m, n) = (a.shape()[lead], a.shape()[lead + 1]);
    let packed = zeroed::<T>(out);
    let mut rows = packed.chunks_exact_mut(packed_length(factors, m, n).max(1));
    let mut scratch = vec![T::ZERO; m * n];
    let mut result = Ok(());
    walk(&a.shape()[..lead], [&a.strides()[..lead]], |[offset]| {
        let Some(row) = rows.next() else { return };
        if result.is_ok() {
            elements(m * n * m.min(n));
            kernel::load(a, offset, &mut scratch);
            result = factor(factors, &mut scratch, (m, n), row);
        }
    });
    result
}

/// The result as a slice, which is zero until something is written.
#[allow(
    clippy::mut_from_ref,
    reason = "an `Out` names memory that is written, and does not hold it"
)]
fn zeroed<T: Entry>(out: &Out) -> &mut [T] {
    let n = out.len();
    let ptr = out.ptr.cast::<T>();
    for i in 0..n {
        // SAFETY: `out` has room for these elements.
        unsafe { ptr.add(i).write(T::ZERO) }
    }
    // SAFETY: written just now; nobody else has the memory of a result while it is made.
    unsafe { std::slice::from_raw_parts_mut(ptr, n) }
}

/// One matrix, which is overwritten.
fn factor<T: Entry>(
    factors: Factorisation,
    a: &mut [T],
    (m, n): (usize, usize),
    row: &mut [T],
) -> Result<()> {
    let k = m.min(n);
    match factors {
        Factorisation::Lu => {
            let (packed, rows) = row.split_at_mut(n * n);
            packed.copy_from_slice(a);
            kernel::lu(packed, n, rows);
            Ok(())
        }
        Factorisation::Cholesky => {
            row.copy_from_slice(a);
            kernel::cholesky(row, n)
        }
        Factorisation::Qr | Factorisation::QrComplete => {
            let width = if factors == Factorisation::Qr { k } else { m };
            let (q, r) = row.split_at_mut(m * width);
            kernel::qr(a, m, n, q, r);
            Ok(())
        }
        Factorisation::Eigh => {
            let (values, vectors) = row.split_at_mut(n);
            kernel::eigh(a, n, values, vectors)
        }
        Factorisation::Svd | Factorisation::SvdFull => {
            let full = factors == Factorisation::SvdFull;
            let (u, rest) = row.split_at_mut(m * if full { m } else { k });
            let (s, v) = rest.split_at_mut(k);
            kernel::svd(a, (m, n), u, s, v)
        }
    }
}

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
        Part::Values | Part::S => [rows].as_slice().into(),
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
        if Self::parts(op).1 == Part::Sign {
            Rule::Zero
        } else {
            Rule::General
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
        if !matches!(part, Part::Values | Part::S) {
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

/// A copy of the last axis of a view at an offset.
fn line<T: Entry>(view: &View, offset: isize) -> Vec<T> {
    let last = view.shape().len() - 1;
    let (n, step) = (view.shape()[last], view.strides()[last]);
    let base = view.ptr.cast::<T>().wrapping_offset(offset);
    (0..n as isize)
        // SAFETY: inside the last axis, at an offset of the axes before.
        .map(|i| unsafe { base.offset(i * step).read() })
        .collect()
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

/// The factorisation of a matrix.
pub fn factored(g: &mut Graph, factors: Factorisation, a: NodeId) -> Result<NodeId> {
    build::emit(g, Op::Factor(factors), &[a])
}

/// A part of the factorisation of a matrix.
pub fn part_of(g: &mut Graph, factors: Factorisation, part: Part, a: NodeId) -> Result<NodeId> {
    let packed = factored(g, factors, a)?;
    build::emit(g, Op::Part(factors, part), &[a, packed])
}
