//! Sets of columns, and the numbers they are known by.
//!
//! A set is a number, its *code*: 0 is the empty set, `j + 1` is `{j}`, the next one says that a
//! value is there but depends on nothing, and the larger ones name a row of a *block*. Sets with one
//! element take no memory of their own, and equal rows are shared as long as nobody tells them apart.

use std::rc::{Rc, Weak};

use smallvec::SmallVec;

use super::sets::Dense;
use crate::array::Array;
use crate::error::Result;
use crate::interrupt::elements;
use crate::memory::{check_memory, exhausted};

pub type Code = i64;

/// The empty set: the value is zero, and so are its derivatives.
pub const EMPTY: Code = 0;

/// From here on codes name rows of blocks: the number of the block above these bits, its row below.
const BLOCKS: Code = 1 << 32;

/// Rows that were made by one operation. They have two columns or more.
#[derive(Default)]
pub struct Block {
    starts: Vec<usize>,
    columns: Vec<u32>,
}

impl Block {
    fn row(&self, at: usize) -> &[u32] {
        &self.columns[self.starts[at]..self.starts[at + 1]]
    }
}

/// All blocks; who uses the rows of one keeps it alive.
pub struct Store {
    /// How many columns there are.
    pub width: usize,
    blocks: Vec<Weak<Block>>,
}

impl Store {
    /// `width` must be less than `2^32 - 1`.
    pub fn new(width: usize) -> Self {
        Self {
            width,
            blocks: vec![],
        }
    }

    /// The set of one column.
    pub fn single(column: usize) -> Code {
        column as Code + 1
    }

    /// The set of a value that depends on no column, and need not be zero.
    pub fn something(&self) -> Code {
        self.width as Code + 1
    }

    pub fn is_block(code: Code) -> bool {
        code >= BLOCKS
    }

    fn block(&self, code: Code) -> (Rc<Block>, usize) {
        let block = self.blocks[(code / BLOCKS) as usize - 1].upgrade();
        let block = block.expect("who has a code keeps its block");
        (block, (code % BLOCKS) as usize)
    }

    /// How many columns a set has.
    pub fn size(&self, code: Code) -> usize {
        if Self::is_block(code) {
            let (block, row) = self.block(code);
            block.row(row).len()
        } else {
            usize::from(code != EMPTY && code != self.something())
        }
    }

    /// Appends the columns of a set.
    pub fn append(&self, code: Code, columns: &mut Vec<u32>) {
        if Self::is_block(code) {
            let (block, row) = self.block(code);
            columns.extend_from_slice(block.row(row));
        } else if code != EMPTY && code != self.something() {
            columns.push((code - 1) as u32);
        }
    }

    /// The blocks that the codes of some arrays name.
    pub fn blocks_of(&self, arrays: impl Iterator<Item = Array>) -> SmallVec<[Rc<Block>; 1]> {
        let mut found = vec![];
        for array in arrays {
            let dense = Dense::of(&array);
            let named = dense.codes().iter().filter(|&&code| Self::is_block(code));
            found.extend(named.map(|code| code / BLOCKS));
            elements(dense.codes().len());
            found.sort_unstable();
            found.dedup();
        }
        found
            .iter()
            .map(|number| self.block(number * BLOCKS).0)
            .collect()
    }

    /// A new block to be filled.
    pub fn unions(&mut self) -> Unions<'_> {
        self.blocks.push(Weak::new());
        Unions {
            block: Block {
                starts: vec![0],
                columns: vec![],
            },
            store: self,
            rest: vec![],
            merged: vec![],
            last: (vec![], EMPTY),
        }
    }
}

/// Unions of sets, as rows of a new block where they are none that is there.
pub struct Unions<'a> {
    store: &'a mut Store,
    block: Block,
    rest: Vec<u32>,
    merged: Vec<u32>,
    /// What was united last, and the code of that.
    last: (Vec<Code>, Code),
}

impl Unions<'_> {
    /// The union of some sets, which are reordered.
    ///
    /// # Errors
    /// If it does not fit into memory.
    pub fn of(&mut self, codes: &mut Vec<Code>) -> Result<Code> {
        if codes.windows(2).any(|w| w[0] >= w[1]) {
            codes.sort_unstable();
            codes.dedup();
        }
        if codes.first() == Some(&EMPTY) {
            codes.remove(0);
        }
        if let (true, Ok(at)) = (
            codes.len() > 1,
            codes.binary_search(&self.store.something()),
        ) {
            codes.remove(at);
        }
        match codes[..] {
            [] => return Ok(EMPTY),
            [one] => return Ok(one),
            _ if *codes == self.last.0 => return Ok(self.last.1),
            _ => {}
        }
        let code = self.new_row(codes)?;
        self.last.0.clone_from(codes);
        self.last.1 = code;
        Ok(code)
    }

    /// The union of sorted codes, of which there are several.
    fn new_row(&mut self, codes: &[Code]) -> Result<Code> {
        let first_block = codes.partition_point(|&code| !Store::is_block(code));
        let (singles, blocks) = codes.split_at(first_block);
        self.rest.clear();
        self.rest
            .extend(singles.iter().map(|code| (code - 1) as u32));
        let longest = blocks.iter().copied().max_by_key(|&code| self.length(code));
        let Some(longest) = longest else {
            let row = std::mem::take(&mut self.rest);
            let code = self.push(&row);
            self.rest = row;
            return code;
        };
        let mut rest = std::mem::take(&mut self.rest);
        for &code in blocks.iter().filter(|&&code| code != longest) {
            self.with_row(code, |row| rest.extend_from_slice(row));
        }
        elements(rest.len());
        sort_runs(&mut rest);
        rest.dedup();
        let mut merged = std::mem::take(&mut self.merged);
        merged.clear();
        let known = self.with_row(longest, |row| {
            merge(row, &rest, &mut merged);
            row.len()
        });
        let code = if merged.len() == known {
            Ok(longest)
        } else {
            self.push(&merged)
        };
        (self.rest, self.merged) = (rest, merged);
        code
    }

    /// How many columns a row of a block has.
    fn length(&self, code: Code) -> usize {
        self.with_row(code, <[u32]>::len)
    }

    fn number(&self) -> Code {
        self.store.blocks.len() as Code
    }

    fn with_row<R>(&self, code: Code, look: impl FnOnce(&[u32]) -> R) -> R {
        if code / BLOCKS == self.number() {
            return look(self.block.row((code % BLOCKS) as usize));
        }
        let (block, row) = self.store.block(code);
        look(block.row(row))
    }

    fn push(&mut self, row: &[u32]) -> Result<Code> {
        grow(&mut self.block.columns, row.len())?;
        self.block.columns.extend_from_slice(row);
        self.block.starts.push(self.block.columns.len());
        elements(row.len());
        Ok(self.number() * BLOCKS + self.block.starts.len() as Code - 2)
    }

    /// The block, if there is a row in it. It lives as long as somebody has it.
    pub fn finish(self) -> Option<Rc<Block>> {
        if self.block.columns.is_empty() {
            return None;
        }
        let block = Rc::new(self.block);
        *self.store.blocks.last_mut().expect("its own") = Rc::downgrade(&block);
        Some(block)
    }
}

/// Sorts a list that is made of few ascending ones.
#[allow(
    clippy::stable_sort_primitive,
    reason = "the stable sort finds the runs, and merges them"
)]
pub fn sort_runs(columns: &mut [u32]) {
    columns.sort();
}

/// What is in one or the other of two ascending lists.
fn merge(a: &[u32], b: &[u32], merged: &mut Vec<u32>) {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let least = a[i].min(b[j]);
        merged.push(least);
        i += usize::from(a[i] == least);
        j += usize::from(b[j] == least);
    }
    merged.extend_from_slice(&a[i..]);
    merged.extend_from_slice(&b[j..]);
}

/// Room for more columns. The memory is asked for before it is taken.
///
/// # Errors
/// If there is too little.
pub fn grow(columns: &mut Vec<u32>, more: usize) -> Result<()> {
    let needed = columns.len() + more;
    if needed > columns.capacity() {
        let room = needed.max(2 * columns.capacity());
        // Twice the room is a wish; what is needed is a must.
        let room = if fits(room).is_ok() { room } else { needed };
        fits(room)?;
        if columns.try_reserve_exact(room - columns.len()).is_err() {
            exhausted(room.saturating_mul(size_of::<u32>()));
        }
    }
    Ok(())
}

/// Whether a pattern with so many entries fits into memory.
///
/// # Errors
/// If it does not.
pub fn fits(entries: usize) -> Result<()> {
    check_memory(entries.saturating_mul(size_of::<u32>()), || {
        format!("a sparsity pattern of at least {entries} entries")
    })
}
