//! Identities of elementwise operations that hold for every value, rounding and NaN included.
//!
//! Applied wherever derivative expressions are built, and again by `optimize` to what was recorded.

use smallvec::SmallVec;

use super::build::{self, constant_value};
use super::elementwise::{Class, Fun, kernel};
use crate::array::DType;
use crate::ir::{Graph, NodeId, Op};

/// A simpler node with the same value, if one of the rules applies.
pub fn fold(g: &mut Graph, fun: Fun, operands: &[NodeId]) -> Option<NodeId> {
    fold_constants(g, fun, operands).or_else(|| identity(g, fun, operands))
}

/// An operation on constants is a constant.
fn fold_constants(g: &mut Graph, fun: Fun, operands: &[NodeId]) -> Option<NodeId> {
    let first = *operands.first()?;
    let dtype = g.dtype(*operands.last()?);
    // Asked first, since it is seldom so: a list that is given up costs more than the question.
    if !(operands.iter()).all(|&x| matches!(g.op(x), Op::Const(_))) {
        return None;
    }
    let values: SmallVec<[f64; 3]> = (operands.iter())
        .filter_map(|&x| constant_value(g, x))
        .collect();
    if fun.class() == Class::Select {
        return Some(operands[if values[0] == 0.0 { 2 } else { 1 }]);
    }
    if matches!(fun.class(), Class::Cast | Class::Bits) || !matches!(dtype, DType::F64 | DType::F32)
    {
        return None;
    }
    let out = fun.result_dtype(&vec![dtype; values.len()], dtype).ok()?;
    let value = evaluate(fun, dtype, out, &values)?;
    let shape = g.dims(first);
    Some(build::constant(g, out, &shape, value))
}

/// One element through the block kernel.
fn evaluate(fun: Fun, dtype: DType, out: DType, values: &[f64]) -> Option<f64> {
    let run = kernel(fun, dtype, out)?;
    let narrow: Vec<f32> = values.iter().map(|&v| v as f32).collect();
    let pointers: Vec<*const u8> = match dtype {
        DType::F64 => values
            .iter()
            .map(|v| std::ptr::from_ref(v).cast())
            .collect(),
        _ => narrow
            .iter()
            .map(|v| std::ptr::from_ref(v).cast())
            .collect(),
    };
    let mut cell = [0u8; 8];
    // SAFETY: every pointer is good for the one element that is asked for.
    unsafe { run(&pointers, cell.as_mut_ptr(), 1) };
    Some(match out {
        DType::Bool => f64::from(cell[0]),
        DType::F32 => f64::from(f32::from_le_bytes([cell[0], cell[1], cell[2], cell[3]])),
        _ => f64::from_le_bytes(cell),
    })
}

/// Algebra that no rounding and no special value can tell apart.
fn identity(g: &mut Graph, fun: Fun, operands: &[NodeId]) -> Option<NodeId> {
    let x = *operands.first()?;
    let z = operands.get(1).copied().unwrap_or(x);
    let (cx, cz) = (constant_value(g, x), constant_value(g, z));
    match fun {
        Fun::Mul | Fun::Mul0 if cz == Some(1.0) => Some(x),
        Fun::Mul | Fun::Mul0 if cx == Some(1.0) => Some(z),
        Fun::Mul | Fun::Mul0 if cz == Some(-1.0) => Some(build::neg(g, x)),
        Fun::Mul | Fun::Mul0 if cx == Some(-1.0) => Some(build::neg(g, z)),
        Fun::Mul0 if cz == Some(0.0) || cx == Some(0.0) => Some(build::zeros_like(g, x)),
        // A finite constant factor other than zero needs no guard.
        Fun::Mul0 if cz.or(cx).is_some_and(f64::is_finite) => Some(build::mul(g, x, z)),
        Fun::Div if cz == Some(1.0) => Some(x),
        Fun::Sub if cz == Some(0.0) && cz.is_some_and(f64::is_sign_positive) => Some(x),
        Fun::Add if negated(g, z).is_some() => {
            let z = negated(g, z)?;
            Some(build::sub(g, x, z))
        }
        Fun::Add if negated(g, x).is_some() => {
            let x = negated(g, x)?;
            Some(build::sub(g, z, x))
        }
        Fun::Sub if negated(g, z).is_some() => {
            let z = negated(g, z)?;
            Some(build::add(g, x, z))
        }
        Fun::Neg => negated(g, x),
        Fun::Power => match cz? {
            1.0 => Some(x),
            2.0 => Some(build::map(g, Fun::Square, &[x])),
            0.0 => Some(build::constant_like(g, x, 1.0)),
            _ => None,
        },
        Fun::Where if operands[1] == operands[2] => Some(operands[1]),
        _ => None,
    }
}

/// The operand of a negation.
fn negated(g: &Graph, x: NodeId) -> Option<NodeId> {
    (g.op(x) == Op::Map(Fun::Neg)).then(|| g.operand(x, 0))
}
