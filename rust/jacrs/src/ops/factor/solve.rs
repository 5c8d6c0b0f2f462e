//! Linear systems.

use faer::prelude::{Reborrow, ReborrowMut};
use faer::{MatMut, MatRef};

use super::algebra::{identity, keep, multiply};
use super::kernel::{self, Entry, Pivots};
use super::{batch_leading, line, matrix, square, with_float};
use crate::array::{Layout, Out, View, copy, walk};
use crate::error::{Error, Result, text};
use crate::interrupt::elements;
use crate::ir::{Factorisation, Form, Graph, NodeId, Op, System, Type};
use crate::ops::{Call, Cotangent, Flow, Fun, Lanes, Operation, Rule, Triangle, build};

pub struct Solve;

fn system(op: Op) -> System {
    match op {
        Op::Solve(system) => system,
        other => unreachable!("{other:?}"),
    }
}

/// The node of a system on operands that fit.
pub fn solve_with(g: &mut Graph, system: System, operands: &[NodeId]) -> NodeId {
    build::emit(g, Op::Solve(system), operands).unwrap_or_else(|e| panic!("{e}"))
}

/// `x` with `a x = b`, or `a^T x = b`.
///
/// # Errors
/// If the matrix is not square, or the shapes do not fit.
pub fn solve(g: &mut Graph, system: System, a: NodeId, b: NodeId) -> Result<NodeId> {
    if system.form != Form::General {
        return build::emit(g, Op::Solve(system), &[a, b]);
    }
    let lu = super::factored(g, Factorisation::Lu, a)?;
    build::emit(g, Op::Solve(system), &[a, lu, b])
}

/// The inverse; without a check it is not finite where the matrix is singular.
///
/// # Errors
/// If the matrix is not square.
pub fn inverse(g: &mut Graph, a: NodeId, checked: bool) -> Result<NodeId> {
    let (_, n) = square(g, a)?;
    let eye = identity(g, a, n);
    let system = System {
        form: Form::General,
        transposed: false,
        checked,
    };
    solve(g, system, a, eye)
}

impl Operation for Solve {
    fn name(&self, op: Op) -> String {
        format!("solve.{}", system(op).name())
    }

    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let arity = operands.len();
        let b = operands[arity - 1];
        let (lead, n) = square(g, operands[0])?;
        let (own, rows, _) = matrix(g, b)?;
        let packed = arity == 2 || g.shape(operands[1]).last() == Some(&(n * n + n));
        let alike = operands.iter().all(|&x| g.dtype(x) == g.dtype(b));
        if own != lead || rows != n || !packed || !alike {
            return Err(Error::internal(format!(
                "{} of {:?} and {:?}",
                self.name(op),
                g.shape(operands[0]),
                g.shape(b)
            )));
        }
        Ok(g.type_of(b))
    }

    fn rule(&self, _: Op) -> Rule {
        Rule::General
    }

    fn flow(&self, g: &Graph, y: NodeId) -> Flow {
        let reads = match system(g.op(y)).form {
            Form::General => Triangle::All,
            Form::Lower => Triangle::Lower,
            Form::Upper => Triangle::Upper,
            Form::UnitLower => Triangle::StrictLower,
            Form::UnitUpper => Triangle::StrictUpper,
        };
        Flow::Mixes {
            lead: g.shape(g.operand(y, 0)).len() - 2,
            reads,
            by_columns: true,
        }
    }

    fn linear_in(&self, op: Op, k: usize) -> bool {
        k == if system(op).form == Form::General {
            2
        } else {
            1
        }
    }

    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let system = system(call.op);
        let guarded = call.exact && !system.checked;
        with_float!(out.dtype, T => solve_all::<T>(system, operands, guarded, out))
    }

    /// `a x = b` gives `a dx = db - da x`.
    fn jvp(&self, g: &mut Graph, y: NodeId, tangents: &[Option<NodeId>]) -> NodeId {
        let system = system(g.op(y));
        let mut operands = g.operands(y).to_vec();
        let last = operands.len() - 1;
        let ta = tangents[0].expect("where only the right-hand side varies it is bilinear");
        let ta = match system.form {
            Form::General => ta,
            Form::Lower => keep(g, ta, Fun::GreaterEqual),
            Form::Upper => keep(g, ta, Fun::LessEqual),
            Form::UnitLower => keep(g, ta, Fun::Greater),
            Form::UnitUpper => keep(g, ta, Fun::Less),
        };
        let ta = if system.transposed {
            build::swap_last(g, ta)
        } else {
            ta
        };
        let moved = multiply(g, ta, y);
        operands[last] = match tangents[last] {
            Some(tb) => build::sub(g, tb, moved),
            None => build::neg(g, moved),
        };
        solve_with(g, system, &operands)
    }

    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        wanted: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let mut system = system(g.op(y));
        system.transposed = !system.transposed;
        let mut operands = g.operands(y).to_vec();
        let last = operands.len() - 1;
        operands[last] = ct;
        let mut cotangents = vec![None; last + 1];
        cotangents[last] = wanted[last].then(|| Cotangent::Whole(solve_with(g, system, &operands)));
        cotangents
    }

    /// Lanes of the right-hand side alone are more columns of it.
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        let last = lanes.operands.len() - 1;
        if lanes.batched[..last].iter().any(|&b| b) {
            return batch_leading(g, g.op(y), lanes);
        }
        let shape = lanes.shape(g, y);
        let r = shape.len();
        let mut merged = g.dims(y);
        merged[r - 2] *= lanes.width;
        let mut operands = lanes.operands.to_vec();
        operands[last] = build::reshape(g, operands[last], &merged);
        let x = build::emit(g, g.op(y), &operands)?;
        Ok(build::reshape(g, x, &shape))
    }
}

/// Each system of a stack. If `guarded`, a solution is zero where the right-hand side is, even if
/// the matrix is singular.
fn solve_all<T: Entry>(system: System, operands: &[View], guarded: bool, out: &Out) -> Result<()> {
    let b = &operands[operands.len() - 1];
    copy(b, out.ptr, &Layout::contiguous(&out.shape));
    let lead = out.shape.len() - 2;
    let (n, k) = (out.shape[lead], out.shape[lead + 1]);
    if out.is_empty() {
        return Ok(());
    }
    // General systems are solved by the factors, others by the matrix itself.
    let source = &operands[usize::from(system.form == Form::General)];
    let whole = Layout::contiguous(&out.shape);
    let mut scratch = vec![T::ZERO; n * n];
    let mut result = Ok(());
    walk(
        &out.shape[..lead],
        [&source.strides()[..lead], &whole.strides[..lead]],
        |[i, o]| {
            if result.is_err() {
                return;
            }
            elements(n * n * k);
            // SAFETY: `k` columns of `n` entries, row by row, which nobody else uses now.
            let mut x = unsafe {
                MatMut::from_raw_parts_mut(out.ptr.cast::<T>().offset(o), n, k, k as isize, 1)
            };
            let zeros = if guarded {
                zero_columns(x.rb())
            } else {
                vec![]
            };
            result = if system.form == Form::General {
                general(system, &line::<T>(source, i), n, x.rb_mut())
            } else {
                kernel::load(source, i, &mut scratch);
                triangular(system, &scratch, n, x.rb_mut())
            };
            for &j in &zeros {
                x.rb_mut().col_mut(j).fill(T::ZERO);
            }
        },
    );
    result
}

fn zero_columns<T: Entry>(x: MatRef<'_, T>) -> Vec<usize> {
    (0..x.ncols())
        .filter(|&j| x.col(j).iter().all(|&x| x == T::ZERO))
        .collect()
}

fn general<T: Entry>(system: System, packed: &[T], n: usize, x: MatMut<'_, T>) -> Result<()> {
    let (factors, rows) = packed.split_at(n * n);
    let pivots = Pivots { factors, rows, n };
    if system.checked && pivots.is_singular() {
        return Err(text::singular());
    }
    pivots.solve(x, system.transposed);
    Ok(())
}

fn triangular<T: Entry>(system: System, t: &[T], n: usize, x: MatMut<'_, T>) -> Result<()> {
    let unit = matches!(system.form, Form::UnitLower | Form::UnitUpper);
    let zero = (0..n).find(|i| t[i * n + i] == T::ZERO);
    if let (Some(i), true) = (zero, system.checked && !unit) {
        return Err(text::singular_at(i));
    }
    let t = MatRef::from_column_major_slice(t, n, n);
    if system.transposed {
        kernel::solve_triangular(kernel::transposed(system.form), t.transpose(), x);
    } else {
        kernel::solve_triangular(system.form, t, x);
    }
    Ok(())
}
