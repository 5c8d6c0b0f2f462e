//! Elementwise operators on whatever Python hands over.

use jacrs::array::DType;
use jacrs::error::{Error, Result};
use jacrs::ir::NodeId;
use jacrs::ops::Fun;
use jacrs::trace::{Handle, Weak};
use pyo3::prelude::*;

use crate::state::{self, Operand, State};

/// The result of a binary operator: `NotImplemented` where the other side is no operand.
pub fn binary(
    py: Python<'_>,
    fun: Fun,
    x: &Bound<'_, PyAny>,
    z: &Bound<'_, PyAny>,
) -> PyResult<Py<PyAny>> {
    let (Some(x), Some(z)) = (Operand::read(x)?, Operand::read(z)?) else {
        return Ok(py.NotImplemented());
    };
    if fun == Fun::Power && literal(&z).is_some() {
        return state::wrap_handle(py, |state| {
            let (base, _) = state.node(&x)?;
            let node = power(state, base, &z)?;
            Ok(follow(state, node, &[x]))
        });
    }
    map(py, fun, &[x, z])
}

/// `x ** 2` and its like, with the short cuts that NumPy's operator takes and its ufunc does not.
pub fn power(state: &mut State, base: NodeId, exponent: &Operand<'_>) -> Result<NodeId> {
    let (value, integer) =
        literal(exponent).ok_or_else(|| Error::internal("the exponent is no number"))?;
    let base = match exponent {
        // NumPy's scalars have a type of their own, Python's numbers have not.
        Operand::Scalar(_, dtype, _) => {
            let common = state.rec.graph.dtype(base).promote(*dtype);
            state.rec.cast(base, common)
        }
        _ => base,
    };
    state.rec.pow_const(base, value, integer)
}

/// An elementwise operation on operands already read.
pub fn map(py: Python<'_>, fun: Fun, operands: &[Operand<'_>]) -> PyResult<Py<PyAny>> {
    state::wrap_handle(py, |state| {
        let mut nodes = [(NodeId(0), Weak::None); 3];
        for (slot, operand) in nodes.iter_mut().zip(operands) {
            *slot = state.node(operand)?;
        }
        if fun == Fun::Power
            && let Some((exponent, false)) = literal(&operands[1])
        {
            nodes[1].0 =
                jacrs::ops::build::constant(&mut state.rec.graph, DType::F64, &[], exponent);
        }
        let node = state.rec.map(fun, &nodes[..operands.len()])?;
        Ok(follow(state, node, operands))
    })
}

/// A Python number as an exponent: part of the structure of the graph.
pub fn literal(operand: &Operand<'_>) -> Option<(f64, bool)> {
    match operand {
        Operand::Float(value, _) | Operand::Scalar(value, DType::F64, _) => Some((*value, false)),
        Operand::Int(value) => Some((*value as f64, true)),
        _ => None,
    }
}

/// The handle of a result, in the memory order that NumPy gives it.
pub fn follow(state: &mut State, node: NodeId, operands: &[Operand<'_>]) -> Handle {
    if state.rec.graph.shape(node).len() < 2 {
        return state.rec.fresh(node);
    }
    let handles: Vec<Handle> = operands.iter().filter_map(|x| state.handle(x)).collect();
    state.rec.fresh_like(node, &handles)
}
