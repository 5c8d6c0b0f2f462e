//! What structure may cost: where seeds are cheaper, it is left to them.

use crate::ir::{Graph, NodeId, Op};
use crate::sparsity::Pattern;

/// Why there is no result: an error, or that it does not pay, and why.
pub enum Halt {
    Failed(crate::error::Error),
    Dear(String),
}

impl From<crate::error::Error> for Halt {
    fn from(error: crate::error::Error) -> Self {
        Self::Failed(error)
    }
}

pub type Outcome<T> = Result<T, Halt>;

/// So many coefficients are few in any case.
const LITTLE: usize = 1 << 12;
/// A node may have so many times the entries of the result.
const SWOLLEN: usize = 4;

/// What may be computed for coefficients. All that is built for a node is asked for before.
pub struct Budget {
    /// For a node.
    each: usize,
    /// For all.
    all: usize,
    /// Of them, what is left.
    rest: usize,
}

impl Budget {
    /// No more coefficients than the seeds of a compressed Jacobian would take products: for each of
    /// these nodes as many lanes as there are entries in a row, or a column. So `terms x size` of a
    /// node is bounded before any of it is made, and memory with it. Nor more than `most`.
    pub fn new(g: &Graph, tangents: &[NodeId], pattern: &Pattern, most: Option<usize>) -> Self {
        let in_rows = pattern.starts().windows(2).map(|w| w[1] - w[0]).max();
        let in_columns = pattern.column_counts().into_iter().max();
        let lanes = in_rows.min(in_columns).unwrap_or(0).max(1);
        let computed = tangents
            .iter()
            .filter(|&&y| !matches!(g.op(y), Op::Reshape));
        let sizes = computed.clone().map(|&y| g.size(y));
        let largest = sizes.clone().max().unwrap_or(0);
        let each = SWOLLEN
            .saturating_mul(pattern.nnz())
            .saturating_add(2 * SWOLLEN * largest);
        let all = sizes.fold(0, usize::saturating_add).saturating_mul(lanes) + 16 * LITTLE;
        let all = most.map_or(all, |most| most.min(all));
        Self {
            each: each + LITTLE,
            all,
            rest: all,
        }
    }

    /// What was asked for.
    pub fn spent(&self) -> usize {
        self.all - self.rest
    }

    /// Takes the work for so many coefficients of one node.
    ///
    /// # Errors
    /// If that is too much.
    pub fn spend(&mut self, g: &Graph, y: NodeId, coefficients: usize) -> Outcome<()> {
        let what = || {
            let name = crate::ops::operation(g.op(y)).name(g.op(y));
            let shape = crate::error::text::tuple(g.shape(y));
            format!("{name} of shape {shape} would have {coefficients} coefficients")
        };
        if coefficients > self.each {
            return Err(Halt::Dear(what()));
        }
        match self.rest.checked_sub(coefficients) {
            Some(rest) => self.rest = rest,
            None => {
                return Err(Halt::Dear(
                    "there would be more coefficients than products with seeds".into(),
                ));
            }
        }
        Ok(())
    }
}
