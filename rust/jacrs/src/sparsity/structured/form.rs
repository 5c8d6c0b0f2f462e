//! Where entries are put: in the order of the pattern, or in dense blocks.

use super::Context;
use crate::array::{Array, Dims};
use crate::interrupt::elements;
use crate::ir::{Graph, NodeId, Op};
use crate::memory::{check_memory, list_for};
use crate::ops::build;
use crate::sparsity::Pattern;

/// How the entries are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One array of the entries, in the order of the pattern.
    Rows,
    /// A block `y.shape + x.shape` for every output and input, outputs first.
    Blocks,
}

/// Rows of so many columns are searched from their start.
const SHORT: usize = 16;
/// If there are more zeros than this for each entry, the entries are scattered among zeros.
const HOLES: usize = 2;

/// The places of entries in one array.
pub struct Target<'p> {
    pattern: &'p Pattern,
    blocks: Option<Blocks>,
}

/// Dense blocks, one after the other.
struct Blocks {
    /// Where the rows of each output start, and the columns of each input; and where the last ends.
    rows: Vec<usize>,
    columns: Vec<usize>,
}

impl<'p> Target<'p> {
    /// Entries go to dense blocks directly unless most of these are zero.
    pub fn new(
        g: &Graph,
        outputs: &[NodeId],
        inputs: &[NodeId],
        pattern: &'p Pattern,
        form: Form,
    ) -> Self {
        let blocks = Blocks {
            rows: starts(g, outputs),
            columns: starts(g, inputs),
        };
        let dense = form == Form::Blocks && blocks.size() <= HOLES.saturating_mul(pattern.nnz());
        Self {
            pattern,
            blocks: dense.then_some(blocks),
        }
    }

    pub fn size(&self) -> usize {
        match &self.blocks {
            Some(blocks) => blocks.size(),
            None => self.pattern.nnz(),
        }
    }

    /// The place of an entry, if the pattern has it; `hint` is where in its row it might be.
    pub fn place(&self, row: usize, column: u32, hint: &mut usize) -> Option<usize> {
        match &self.blocks {
            Some(blocks) => Some(blocks.place(row, column as usize)),
            None => {
                let at = position(self.pattern.row(row), column, *hint)?;
                *hint = at + 1;
                Some(self.pattern.starts()[row] + at)
            }
        }
    }
}

/// The place of a column in a row, which is likely to be this one.
pub fn position(columns: &[u32], column: u32, hint: usize) -> Option<usize> {
    if columns.get(hint) == Some(&column) {
        return Some(hint);
    }
    if columns.len() <= SHORT {
        return columns.iter().position(|&j| j == column);
    }
    columns.binary_search(&column).ok()
}

fn starts(g: &Graph, nodes: &[NodeId]) -> Vec<usize> {
    let mut end = 0;
    let ends = nodes.iter().map(|&x| {
        end += g.size(x);
        end
    });
    std::iter::once(0).chain(ends).collect()
}

impl Blocks {
    fn size(&self) -> usize {
        let ends = (self.rows.last(), self.columns.last());
        ends.0.unwrap_or(&0).saturating_mul(*ends.1.unwrap_or(&0))
    }

    fn place(&self, row: usize, column: usize) -> usize {
        let i = self.rows.partition_point(|&start| start <= row) - 1;
        let j = self.columns.partition_point(|&start| start <= column) - 1;
        let (above, left) = (self.rows[i], self.columns[j]);
        let (height, width) = (self.rows[i + 1] - above, self.columns[j + 1] - left);
        let whole = self.columns[self.columns.len() - 1];
        above * whole + height * left + (row - above) * width + (column - left)
    }
}

impl Context {
    /// The blocks that hold these entries.
    ///
    /// # Errors
    /// If they do not fit into memory.
    pub(super) fn blocks(
        &mut self,
        outputs: &[NodeId],
        inputs: &[NodeId],
        entries: NodeId,
        target: &Target<'_>,
    ) -> crate::error::Result<Vec<NodeId>> {
        let blocks = Blocks {
            rows: starts(&self.g, outputs),
            columns: starts(&self.g, inputs),
        };
        let all = match target.blocks {
            Some(_) => entries,
            None => self.scattered(entries, target.pattern, &blocks)?,
        };
        let mut made = vec![];
        let mut start = 0;
        for &y in outputs {
            for &x in inputs {
                let g = &mut self.g;
                let n = g.size(y) * g.size(x);
                let shape: Dims = g.shape(y).iter().chain(g.shape(x)).copied().collect();
                let block = build::slice_axis(g, all, 0, start, start + n);
                let block = build::cast(g, block, g.dtype(y));
                made.push(build::reshape(g, block, &shape));
                start += n;
            }
        }
        Ok(made)
    }

    /// Entries in their places among zeros.
    fn scattered(
        &mut self,
        entries: NodeId,
        pattern: &Pattern,
        blocks: &Blocks,
    ) -> crate::error::Result<NodeId> {
        let dtype = self.g.dtype(entries);
        check_memory(blocks.size().saturating_mul(dtype.size()), || {
            format!("a dense Jacobian of shape {:?}", pattern.shape())
        })?;
        let zeros = build::constant(&mut self.g, dtype, &[blocks.size()], 0.0);
        if pattern.nnz() == 0 {
            return Ok(zeros);
        }
        let mut places: Vec<i64> = list_for(pattern.nnz());
        for (i, row) in pattern.rows().enumerate() {
            places.extend(row.iter().map(|&j| blocks.place(i, j as usize) as i64));
            elements(row.len());
        }
        let places = self.table(Array::from_slice(&[places.len()], &places));
        build::emit(&mut self.g, Op::ScatterSet, &[zeros, places, entries])
    }
}
