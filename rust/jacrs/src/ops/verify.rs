//! The verifier: run after each pass in debug builds, and on every graph that was parsed.

use super::infer;
use crate::error::{Error, Result};
use crate::ir::{Graph, Op};

/// Checks order, arity and types of every node.
///
/// # Errors
/// The first node that is wrong, with what it should be.
pub fn verify(g: &Graph) -> Result<()> {
    for id in g.ids() {
        if let Some(x) = g.operands(id).iter().find(|x| **x >= id) {
            return Err(Error::internal(format!(
                "%{} uses %{}, which comes later",
                id.0, x.0
            )));
        }
        if let Op::Input(k) = g.op(id)
            && g.inputs().get(k as usize) != Some(&id)
        {
            return Err(Error::internal(format!("%{} is not input {k}", id.0)));
        }
        let declared = g.type_of(id);
        let inferred = infer(g, g.op(id), g.operands(id), &declared)?;
        if inferred != declared {
            return Err(Error::internal(format!(
                "%{} is declared {declared:?}, but gives {inferred:?}",
                id.0
            )));
        }
    }
    match g.outputs.iter().find(|x| x.index() >= g.len()) {
        Some(x) => Err(Error::internal(format!("output %{} does not exist", x.0))),
        None => Ok(()),
    }
}
