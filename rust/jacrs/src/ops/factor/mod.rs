//! Factorisations of matrices and what is computed from them.
//!
//! A factorisation is a node of its own, packed in one line, since a node has one result. Nodes that
//! read it have the matrix as an operand too: a derivative goes through the matrix, and the
//! factorisation is a constant of it. So values, derivatives and everything else that needs the
//! factors of one matrix find the same node, and it is factored once.

mod algebra;
mod cofactors;
mod kernel;
mod part;
mod pinv;
mod pole;
mod resolvent;
mod rules;
mod solve;

pub use algebra::symmetric;
pub use cofactors::Cofactors;
pub use part::PartOf;
pub use pinv::{Pinv, pinv};
pub use pole::{Pole, pole};
pub use resolvent::Resolvent;
pub use solve::{Solve, inverse, solve};

use super::{Call, Flow, Lanes, Operation, Rule, build};
use crate::array::{Dims, Out, View, walk};
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
        Factorisation::Qr | Factorisation::QrComplete => {
            let width = if factors == Factorisation::Qr { k } else { m };
            vec![
                (Part::Q, m, width),
                (Part::R, width, n),
                (Part::Ties, width, 1),
            ]
        }
        Factorisation::Eigh => vec![
            (Part::Values, n, 1),
            (Part::Vectors, n, n),
            (Part::Ties, n, 1),
        ],
        Factorisation::Svd | Factorisation::SvdFull => {
            let full = factors == Factorisation::SvdFull;
            let (left, right) = if full { (m, n) } else { (k, k) };
            vec![
                (Part::U, m, left),
                (Part::S, k, 1),
                (Part::Vt, right, n),
                (Part::Ties, k, 1),
                (Part::TiesU, left, 1),
                (Part::TiesVt, right, 1),
            ]
        }
    }
}

/// Whether a part is a list of numbers, not a matrix.
fn is_list(part: Part) -> bool {
    matches!(part, Part::Values | Part::S) || part.are_ties()
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

    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Nothing
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
            let (q, rest) = row.split_at_mut(m * width);
            let (r, ties) = rest.split_at_mut(width * n);
            kernel::qr(a, m, n, q, r);
            kernel::deficient(r, (m, n), ties);
            Ok(())
        }
        Factorisation::Eigh => {
            let (values, rest) = row.split_at_mut(n);
            let (vectors, ties) = rest.split_at_mut(n * n);
            kernel::eigh(a, n, values, vectors)?;
            kernel::repeated(values, kernel::tolerance(values, n), ties);
            Ok(())
        }
        Factorisation::Svd | Factorisation::SvdFull => {
            let full = factors == Factorisation::SvdFull;
            let (u, rest) = row.split_at_mut(m * if full { m } else { k });
            let (s, rest) = rest.split_at_mut(k);
            let (v, ties) = rest.split_at_mut(n * if full { n } else { k });
            kernel::svd(a, (m, n), u, s, v)?;
            kernel::singular_ties(s, (m, n), ties);
            Ok(())
        }
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

/// The factorisation of a matrix.
pub fn factored(g: &mut Graph, factors: Factorisation, a: NodeId) -> Result<NodeId> {
    build::emit(g, Op::Factor(factors), &[a])
}

/// A part of the factorisation of a matrix.
pub fn part_of(g: &mut Graph, factors: Factorisation, part: Part, a: NodeId) -> Result<NodeId> {
    let packed = factored(g, factors, a)?;
    build::emit(g, Op::Part(factors, part), &[a, packed])
}

/// A part of a factorisation that is there.
fn part_node(
    g: &mut Graph,
    factors: Factorisation,
    part: Part,
    (a, packed): (NodeId, NodeId),
) -> NodeId {
    build::emit(g, Op::Part(factors, part), &[a, packed]).expect("a part of this factorisation")
}
