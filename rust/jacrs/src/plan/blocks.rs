//! How the elements of a group are cut into blocks, and how its operands lie in a block.
//!
//! Blocks follow the shape of the operands that do not lie contiguously: a block is some indices of
//! one axis, and all of the axes behind it. Then in every block an operand is one of three things:
//! elements that lie side by side, read where they are; the same elements as in the block before,
//! gathered once; or rows of one length, gathered by a loop compiled for that length.

use std::ops::Range;

use smallvec::SmallVec;

use super::step::{Gathered, Operand, Rows};
use crate::array::{Dims, Layout, Strides, coalesce, product};

/// The axes that blocks are cut from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// A block lies at one index of each of these axes but the last, of which it takes `chunk`.
    pub outer: Dims,
    pub chunk: usize,
    /// Elements at one index of these axes.
    pub inner: usize,
}

impl Blocks {
    /// Blocks of at most about `most` elements; `shape` is that of the strided operands. In strips,
    /// `rows` of the first axis are at hand at once.
    pub fn new(shape: &[usize], rows: Option<usize>, most: usize) -> Self {
        let (mut axis, mut inner) = (shape.len() - 1, 1);
        while axis > 0 && inner * shape[axis] <= most {
            inner *= shape[axis];
            axis -= 1;
        }
        let length = match rows {
            Some(rows) if axis == 0 => rows,
            _ => shape[axis].max(1),
        };
        let chunk = (most / inner).clamp(1, length);
        // Evenly, lest the last one is short.
        let mut chunk = length.div_ceil(length.div_ceil(chunk));
        if inner == 1 {
            chunk = chunk.next_multiple_of(64).min(length.next_multiple_of(8));
        }
        Self {
            outer: shape[..=axis].into(),
            chunk,
            inner,
        }
    }

    /// Elements of the longest block.
    pub fn longest(&self) -> usize {
        self.chunk * self.inner
    }

    /// Blocks along the last of the outer axes.
    fn per_row(&self) -> usize {
        self.outer[self.outer.len() - 1].div_ceil(self.chunk)
    }

    /// The number of blocks.
    pub fn count(&self) -> usize {
        product(&self.outer[..self.outer.len() - 1]) * self.per_row()
    }

    /// Some of the blocks.
    pub fn span(&self, range: Range<usize>) -> Span {
        let per_row = self.per_row();
        let mut start: Dims = SmallVec::from_elem(0, self.outer.len());
        let last = start.len() - 1;
        start[last] = range.start % per_row * self.chunk;
        let mut rest = range.start / per_row;
        for axis in (0..last).rev() {
            start[axis] = rest % self.outer[axis];
            rest /= self.outer[axis];
        }
        Span {
            start,
            count: range.len(),
            end: self.outer[last],
            origin: 0,
        }
    }

    /// The blocks of some rows, for which a strip has memory.
    pub fn strip(&self, rows: &Range<usize>) -> Span {
        let mut start: Dims = SmallVec::from_elem(0, self.outer.len());
        start[0] = rows.start;
        let last = start.len() - 1;
        let (count, end) = if last == 0 {
            (rows.len().div_ceil(self.chunk), rows.end)
        } else {
            let each = product(&self.outer[1..last]) * self.per_row();
            (rows.len() * each, self.outer[last])
        };
        Span {
            start,
            count,
            end,
            origin: rows.start,
        }
    }

    /// The element with which a block starts.
    pub fn element(&self, index: &[usize]) -> usize {
        let place = (index.iter().zip(&self.outer)).fold(0, |at, (&i, &n)| at * n + i);
        place * self.inner
    }

    /// Goes on to the next block.
    pub fn advance(&self, index: &mut [usize]) {
        let mut axis = index.len() - 1;
        index[axis] += self.chunk;
        while axis > 0 && index[axis] >= self.outer[axis] {
            index[axis] = 0;
            axis -= 1;
            index[axis] += 1;
        }
    }
}

/// Blocks one after the other.
pub struct Span {
    /// Where the first starts on the outer axes.
    pub start: Dims,
    pub count: usize,
    /// Where the last of the outer axes ends.
    pub end: usize,
    /// The row with which the memory of the strip starts.
    pub origin: usize,
}

impl Span {
    /// Elements of all its blocks.
    pub fn elements(&self, blocks: &Blocks) -> usize {
        let mut index = self.start.clone();
        let taken = (0..self.count).map(|_| {
            let taken = self.taken(blocks, &index);
            blocks.advance(&mut index);
            taken
        });
        taken.sum::<usize>() * blocks.inner
    }

    /// Indices of the last outer axis that a block takes.
    pub fn taken(&self, blocks: &Blocks, index: &[usize]) -> usize {
        blocks.chunk.min(self.end - index[index.len() - 1])
    }
}

/// A shape of `len` elements that the layouts of as many operands as possible divide; and which do.
/// The first axis has `rows`, if that is said.
pub fn common_shape(len: usize, rows: Option<usize>, operands: &[Operand]) -> (Dims, Vec<bool>) {
    if len == 0 {
        return ([0].as_slice().into(), vec![false; operands.len()]);
    }
    // A shape as the lengths of its tails.
    let row = rows.map_or(len, |rows| len / rows);
    let mut tails: SmallVec<[usize; 8]> = [1, row, len].into_iter().collect();
    tails.dedup();
    let mut fits = vec![];
    for operand in operands {
        let (shape, _) = merged(&operand.layout);
        let mut union = tails.clone();
        let mut tail = 1;
        for &n in shape.iter().rev() {
            tail *= n;
            union.push(tail);
        }
        union.sort_unstable();
        union.dedup();
        let split = rows.is_some() && union.iter().any(|&tail| row < tail && tail < len);
        let fit = !split && union.windows(2).all(|w| w[1] % w[0] == 0);
        if fit {
            tails = union;
        }
        fits.push(fit);
    }
    let mut shape: Dims = tails.windows(2).rev().map(|w| w[1] / w[0]).collect();
    if shape.is_empty() {
        shape.push(len);
    }
    (shape, fits)
}

fn merged(layout: &Layout) -> (Dims, Strides) {
    let (shape, [strides]) = coalesce(&layout.shape, [&layout.strides]);
    (shape, strides)
}

/// The strides of an operand on axes that divide its own.
fn strides_on(layout: &Layout, shape: &[usize]) -> Strides {
    let (own, strides) = merged(layout);
    let mut result: Strides = SmallVec::from_elem(0, shape.len());
    let mut axes = (own.iter().zip(&strides)).rev();
    let (mut tail, mut step) = (1, 0);
    for (axis, &n) in shape.iter().enumerate().rev() {
        if tail == 1 {
            let Some((&length, &stride)) = axes.next() else {
                break;
            };
            (tail, step) = (length, stride);
        }
        result[axis] = step;
        step *= n as isize;
        tail /= n;
    }
    result
}

/// How an operand is read, block by block.
pub fn gathered(operand: &Operand, shape: &[usize], blocks: &Blocks) -> Gathered {
    let strides = strides_on(&operand.layout, shape);
    let outer = blocks.outer.len();
    let layout = Layout {
        shape: shape[outer..].into(),
        strides: strides[outer..].into(),
    };
    let (inner, inner_strides) = merged(&layout);
    let along = strides[outer - 1];
    let contiguous = match inner.len() {
        0 => true,
        1 => inner_strides[0] == 1,
        _ => false,
    };
    let direct = contiguous && (along == blocks.inner as isize || blocks.chunk == 1);
    let split = inner.len().saturating_sub(1);
    let mut starts = vec![];
    crate::array::walk(&inner[..split], [&inner_strides[..split]], |[at]| {
        starts.push(at);
    });
    Gathered {
        address: operand.address,
        size: operand.dtype.size() as u32,
        outer: strides[..outer].into(),
        rows: (!direct).then(|| Rows {
            starts,
            length: inner.last().copied().unwrap_or(1),
            step: inner_strides.last().copied().unwrap_or(0),
        }),
    }
}
