//! Terms through operations that mix the places along some axes.
//!
//! Where a term selects the same column at all of these places, its coefficient is a tangent like any
//! other, and goes through the operation itself. Other terms are brought into this form: for each
//! block of places that are mixed, the columns that any of them selects become lanes.

use std::ops::Range;

use super::Context;
use super::bound::Outcome;
use super::form::position;
use super::places::Puzzle;
use super::term::{Term, Terms, reshaped};
use crate::array::{Array, Dims, Layout, product, walk};
use crate::interrupt::elements;
use crate::ir::{Guard, NodeId};
use crate::ops::{Fun, build};
use crate::sparsity::rows::{Code, EMPTY, Store};
use crate::sparsity::sets::{Dense, Layer, check_layer};

/// The columns of blocks of places.
struct Blocks {
    /// For each place, in C order, its block.
    of: Vec<usize>,
    /// Where the columns of each block start, and where the last ones end.
    starts: Vec<usize>,
    columns: Vec<u32>,
}

impl Blocks {
    /// The blocks along some axes of a shape, and what is selected in each.
    fn new(shape: &[usize], axes: &Range<usize>, terms: &[Term]) -> Self {
        let rank = shape.len();
        let kept: Dims = (0..rank).filter(|a| !axes.contains(a)).collect();
        let count: usize = kept.iter().map(|&a| shape[a]).product();
        let mut strides = smallvec::SmallVec::<[isize; 6]>::from_elem(0, rank);
        let mut step = 1;
        for &a in kept.iter().rev() {
            strides[a] = step;
            step *= shape[a] as isize;
        }
        let mut of = Vec::with_capacity(product(shape));
        walk(shape, [&strides], |[block]| of.push(block as usize));
        let order: Dims = kept.iter().copied().chain(axes.clone()).collect();
        let lines: Vec<Dense> = (terms.iter())
            .map(|term| {
                let order: Dims = order
                    .iter()
                    .copied()
                    .chain(rank..term.shape().len())
                    .collect();
                let layout = term.columns.codes.view().layout.transpose(&order);
                Dense::of(&term.columns.relaid(layout).codes)
            })
            .collect();
        let (mut starts, mut columns, mut seen) = (vec![0], vec![], vec![]);
        for block in 0..count {
            seen.clear();
            for line in &lines {
                let n = line.codes().len() / count;
                let codes = &line.codes()[block * n..(block + 1) * n];
                seen.extend(
                    codes
                        .iter()
                        .filter(|&&c| c != EMPTY)
                        .map(|&c| (c - 1) as u32),
                );
            }
            elements(seen.len());
            seen.sort_unstable();
            seen.dedup();
            columns.extend_from_slice(&seen);
            starts.push(columns.len());
        }
        Self {
            of,
            starts,
            columns,
        }
    }

    fn of_block(&self, block: usize) -> &[u32] {
        &self.columns[self.starts[block]..self.starts[block + 1]]
    }

    fn most(&self) -> usize {
        self.starts
            .windows(2)
            .map(|w| w[1] - w[0])
            .max()
            .unwrap_or(0)
    }
}

impl Context {
    /// An operation that mixes places along the axes that `axes` names for operand `k` and its rank.
    pub(super) fn in_lanes(
        &mut self,
        y: NodeId,
        operands: Vec<Terms>,
        axes: impl Fn(usize, usize) -> Range<usize>,
    ) -> Outcome<Terms> {
        let mut made = vec![];
        for (k, terms) in operands.into_iter().enumerate() {
            if terms.is_empty() {
                continue;
            }
            let x = self.g.operand(y, k);
            let axes = axes(k, self.g.shape(x).len());
            let (varying, mut still): (Terms, Terms) =
                (terms.into_iter()).partition(|term| axes.clone().any(|axis| term.varies(axis)));
            let blocks = Blocks::new(self.g.shape(x), &axes, &varying);
            still.extend(self.aligned(y, x, &axes, &blocks, &varying)?);
            for term in still {
                let term = self.through(y, k, &term, &axes)?;
                self.push(&mut made, term);
            }
        }
        Ok(made)
    }

    /// Matrix products. What varies along the axis that is summed over may also be multiplied there,
    /// as sums of products.
    pub(super) fn contracted(&mut self, y: NodeId, operands: Vec<Terms>) -> Outcome<Terms> {
        let mut made = vec![];
        for (k, terms) in operands.into_iter().enumerate() {
            if terms.is_empty() {
                continue;
            }
            let x = self.g.operand(y, k);
            let axis = self.g.shape(x).len() - if k == 0 { 1 } else { 2 };
            let axes = axis..axis + 1;
            let (varying, mut still): (Terms, Terms) =
                terms.into_iter().partition(|term| term.varies(axis));
            let length = self.g.shape(x)[axis];
            let products: usize = (varying.iter())
                .map(|t| length * t.width(self.g.shape(x).len()).unwrap_or(1))
                .sum();
            let blocks = Blocks::new(self.g.shape(x), &axes, &varying);
            if 2 * blocks.most() <= products {
                still.extend(self.aligned(y, x, &axes, &blocks, &varying)?);
            } else {
                for term in &varying {
                    let term = self.multiplied(y, k, term)?;
                    self.push(&mut made, term);
                }
            }
            for term in still {
                let term = self.through(y, k, &term, &axes)?;
                self.push(&mut made, term);
            }
        }
        Ok(made)
    }

    /// The operation on a coefficient that is the same tangent at all places it mixes.
    fn through(&mut self, y: NodeId, k: usize, term: &Term, axes: &Range<usize>) -> Outcome<Term> {
        let x = self.g.operand(y, k);
        let width = term.width(self.g.shape(x).len());
        let lanes = width.unwrap_or(1);
        let work = self.g.size(y).max(self.g.size(x)).saturating_mul(lanes);
        self.budget.spend(&self.g, y, work)?;
        let mut operands = self.g.operands(y).to_vec();
        operands[k] = term.coefficient;
        let coefficient = self.again(y, &operands, width)?;
        // The axes before those that are mixed, and those behind, if the operation keeps them.
        let still = term.still(axes.clone());
        let mut layout = Layout {
            shape: self.g.dims(y),
            strides: still.strides[..axes.start].into(),
        };
        let rank = layout.shape.len();
        let kept = self.g.shape(x).len() - axes.end;
        layout.strides.resize(rank - kept, 0);
        layout
            .strides
            .extend_from_slice(&still.strides[axes.end..axes.end + kept]);
        if let Some(width) = width {
            layout.shape.push(width);
            layout.strides.push(still.strides[still.strides.len() - 1]);
        }
        Ok(Term {
            coefficient,
            columns: term.columns.relaid(layout),
        })
    }

    /// Terms as one whose columns do not vary along some axes; nothing if they select nothing.
    fn aligned(
        &mut self,
        y: NodeId,
        x: NodeId,
        axes: &Range<usize>,
        blocks: &Blocks,
        terms: &[Term],
    ) -> Outcome<Option<Term>> {
        let shape = self.g.dims(x);
        let (size, most) = (product(&shape), blocks.most());
        if most == 0 {
            return Ok(None);
        }
        self.budget.spend(&self.g, y, size.saturating_mul(most))?;
        let mut puzzle = Puzzle::new(self.g.dtype(x), size * most);
        let place = |k: usize, column: u32, hint: &mut usize| {
            let at = position(blocks.of_block(blocks.of[k]), column, *hint)?;
            *hint = at + 1;
            Some(k * most + at)
        };
        puzzle.put(&self.g, &self.contents, size, terms, place)?;
        let flat = puzzle.finish(self);
        let mut target = shape.clone();
        target.push(most);
        let coefficient = build::reshape(&mut self.g, flat, &target);
        let count = blocks.starts.len() - 1;
        check_layer(count * most)?;
        let mut codes: Vec<Code> = Vec::with_capacity(count * most);
        for block in 0..count {
            let columns = blocks.of_block(block).iter();
            codes.extend(columns.map(|&j| Store::single(j as usize)));
            codes.resize((block + 1) * most, EMPTY);
        }
        let mut kept: Dims = shape.clone();
        kept[axes.clone()].fill(1);
        kept.push(most);
        let codes = Array::from_slice(&kept, &codes);
        let layout = codes.view().layout.broadcast(&target);
        Ok(Some(Term {
            coefficient,
            columns: Layer::new(codes.relaid(0, layout)),
        }))
    }

    /// A product of matrices as the products that its sums are of.
    fn multiplied(&mut self, y: NodeId, k: usize, term: &Term) -> Outcome<Term> {
        let x = self.g.operand(y, k);
        let rank = self.g.shape(x).len();
        let (axis, other_axis) = (rank - 1 - k, rank - 2 + k);
        let length = self.g.shape(x)[axis];
        let width = term.width(rank);
        let lanes = width.unwrap_or(1);
        let mut full = self.g.dims(y);
        full.extend([length, lanes]);
        self.budget.spend(&self.g, y, product(&full))?;
        // `[.., rows, columns, summed, lanes]`: of the coefficient, then of the other factor.
        let mut order: Dims = (0..rank - 2).collect();
        order.extend([other_axis, axis]);
        let mut shape: Dims = order.iter().map(|&a| self.g.shape(x)[a]).collect();
        shape.push(lanes);
        let mut turn = order.clone();
        turn.extend(width.map(|_| rank));
        let spread = if k == 0 { rank - 1 } else { rank - 2 };
        let mut lifted = shape.clone();
        lifted.insert(spread, 1);
        let g = &mut self.g;
        let turned = build::transpose(g, term.coefficient, &turn);
        let mine = build::reshape(g, turned, &lifted);
        let mine = build::broadcast(g, mine, &full);
        let other = g.operand(y, 1 - k);
        let other = if k == 0 {
            build::swap_last(g, other)
        } else {
            other
        };
        let mut theirs = g.dims(other);
        theirs.insert(if k == 0 { rank - 2 } else { rank - 1 }, 1);
        theirs.push(1);
        let other = build::reshape(g, other, &theirs);
        let other = build::broadcast(g, other, &full);
        let guarded = matches!(g.op(y), crate::ir::Op::MatMul(Guard::On));
        let fun = if guarded { Fun::Mul0 } else { Fun::Mul };
        let operands = if k == 0 { [mine, other] } else { [other, mine] };
        let product = build::map(g, fun, &operands);
        let mut target = g.dims(y);
        target.push(length * lanes);
        let coefficient = build::reshape(g, product, &target);
        let turned = term
            .columns
            .relaid(term.columns.codes.view().layout.transpose(&turn));
        let lifted_codes = reshaped(&turned.codes, &lifted);
        let layout = lifted_codes.view().layout.broadcast(&full);
        let codes = reshaped(&lifted_codes.relaid(0, layout), &target);
        Ok(Term {
            coefficient,
            columns: Layer::known(codes, term.columns.full),
        })
    }
}
