//! Sets through products of matrices, and through what mixes all of a matrix.

use smallvec::SmallVec;

use super::flows::Context;
use super::sets::{Dense, Layer, Sets, check_layer};
use crate::array::{Array, Dims, Layout, product};
use crate::error::Result;
use crate::interrupt::elements;
use crate::ir::NodeId;
use crate::ops::Triangle;

impl Context<'_> {
    /// Element `i, j` of a product from all `a[i, k]` and `b[k, j]` of which neither is zero.
    pub fn contracted(&mut self, y: NodeId, operands: Vec<Sets>) -> Result<Sets> {
        let g = self.g;
        let [a, b] = operands
            .try_into()
            .unwrap_or_else(|_| unreachable!("two operands"));
        if a.is_empty() || b.is_empty() {
            return Ok(Sets::default());
        }
        let constants = (a.is_constant(&self.store), b.is_constant(&self.store));
        let shapes = (g.dims(g.operand(y, 0)), g.dims(g.operand(y, 1)));
        let (in_a, in_b) = (a.support(product(&shapes.0)), b.support(product(&shapes.1)));
        let last = shapes.0.len() - 1;
        let mut made = Sets::default();
        // What is constant says no more than where the other one counts.
        if !constants.0 || constants.1 {
            let rows = match in_b {
                None => {
                    let rows = a.folded(&mut self.store, &shapes.0, &[last])?;
                    spread(&rows, g.shape(y), last)
                }
                Some(mask) => {
                    let turned = (turned_mask(&mask, &shapes.1), turned_shape(&shapes.1));
                    let rows = self.picked(&a, &shapes.0, &turned.0, &turned.1)?;
                    swapped(&rows)
                }
            };
            made = made.union(rows);
        }
        if !constants.1 {
            let columns = match in_a {
                None => {
                    let columns = b.folded(&mut self.store, &shapes.1, &[last - 1])?;
                    spread(&columns, g.shape(y), last - 1)
                }
                Some(mask) => {
                    let turned = swapped(&b);
                    self.picked(&turned, &turned_shape(&shapes.1), &mask, &shapes.0)?
                }
            };
            made = made.union(columns);
        }
        Ok(made)
    }

    /// For rows `x[j, :]` and rows of a mask `m[i, :]`, the matrix of unions of `x[j, k]` over all `k`
    /// with `m[i, k]`, at `i, j`.
    fn picked(
        &mut self,
        x: &Sets,
        shape: &[usize],
        mask: &[bool],
        mask_shape: &[usize],
    ) -> Result<Sets> {
        let last = shape.len() - 1;
        let (count, n) = (shape[last - 1], shape[last]);
        let rows = mask_shape[last - 1];
        let stack = product(&shape[..last - 1]);
        check_layer(stack * rows * count)?;
        let layers: Vec<Dense> = x.layers.iter().map(|l| Dense::of(&l.codes)).collect();
        let mut unions = self.store.unions();
        let (mut codes, mut members) = (Vec::with_capacity(stack * rows * count), vec![]);
        for (row, flags) in mask.chunks_exact(n).enumerate() {
            let among: Vec<usize> = (0..n).filter(|&k| flags[k]).collect();
            let base = row / rows * count * n;
            for j in 0..count {
                members.clear();
                for layer in &layers {
                    let line = &layer.codes()[base + j * n..base + (j + 1) * n];
                    members.extend(among.iter().map(|&k| line[k]));
                }
                elements(members.len());
                codes.push(unions.of(&mut members)?);
            }
        }
        let mut made_shape: Dims = shape.into();
        (made_shape[last - 1], made_shape[last]) = (rows, count);
        let mut made = Sets::of_layer(Layer::new(Array::from_slice(&made_shape, &codes)));
        made.keep(unions.finish());
        made.keep(x.blocks.iter().cloned());
        Ok(made)
    }

    pub fn mixed(
        &mut self,
        y: NodeId,
        (lead, reads, by_columns): (usize, Triangle, bool),
        operands: Vec<Sets>,
    ) -> Result<Sets> {
        let g = self.g;
        let target = g.dims(y);
        let last = operands.len() - 1;
        let mut made = Sets::default();
        for (k, mut sets) in operands.into_iter().enumerate() {
            let shape = g.dims(g.operand(y, k));
            if k == 0 && reads != Triangle::All {
                sets = sets.masked(&triangle(&shape, reads))?;
            }
            let columns = k == last && by_columns;
            let axes: Dims = (lead..if columns { lead + 1 } else { shape.len() }).collect();
            let folded = sets.folded(&mut self.store, &shape, &axes)?;
            let mut part = Sets {
                layers: SmallVec::new(),
                blocks: folded.blocks,
            };
            for layer in folded.layers {
                let mut layout = layer.codes.view().layout.clone();
                layout.strides.resize(lead + usize::from(columns), 0);
                if columns {
                    layout.strides.insert(lead, 0);
                }
                layout.strides.resize(target.len(), 0);
                layout.shape.clone_from(&target);
                part.push(layer.relaid(layout));
            }
            made = made.union(part);
        }
        // Of a matrix of zeros too: its vectors, say.
        if made.support(product(&target)).is_some() {
            made.push(self.something(&target));
        }
        made.drop_redundant(&self.store);
        Ok(made)
    }
}

/// The same sets for each place along a new axis.
fn spread(sets: &Sets, target: &[usize], axis: usize) -> Sets {
    let mut made = Sets {
        layers: SmallVec::new(),
        blocks: sets.blocks.clone(),
    };
    for layer in &sets.layers {
        let mut layout = layer.codes.view().layout.clone();
        layout.strides.insert(axis, 0);
        layout.shape = target.into();
        made.push(layer.relaid(layout));
    }
    made
}

/// The last two axes the other way round.
fn swapped(sets: &Sets) -> Sets {
    let mut made = sets.clone();
    for layer in &mut made.layers {
        let Layout {
            mut shape,
            mut strides,
        } = layer.codes.view().layout.clone();
        let last = shape.len() - 1;
        shape.swap(last - 1, last);
        strides.swap(last - 1, last);
        *layer = layer.relaid(Layout { shape, strides });
    }
    made
}

fn turned_shape(shape: &[usize]) -> Dims {
    let mut turned: Dims = shape.into();
    let last = shape.len() - 1;
    turned.swap(last - 1, last);
    turned
}

fn turned_mask(mask: &[bool], shape: &[usize]) -> Vec<bool> {
    let (rows, columns) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    let of_matrix = |matrix: &[bool]| -> Vec<bool> {
        let places = (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j)));
        places.map(|(i, j)| matrix[i * columns + j]).collect()
    };
    let matrices = mask.chunks_exact((rows * columns).max(1));
    matrices.flat_map(of_matrix).collect()
}

/// Which elements of a stack of matrices are in a triangle.
fn triangle(shape: &[usize], reads: Triangle) -> Vec<bool> {
    let (rows, columns) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    (0..product(shape))
        .map(|k| reads.contains(k / columns % rows, k % columns))
        .collect()
}
