//! Tiles: boxes of arrays, for computing a part of a result and no more.

mod picked;
mod regroup;

pub use picked::{counted_from, gathered, restrict_scatter, scattered};
pub use regroup::{Regroup, cover, flat_start, is_run};

use smallvec::SmallVec;

use super::{build, slice_layout};
use crate::array::{Array, Dims, product};
use crate::ir::{Graph, NodeId};

/// A box of an array: along each axis a start and a length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    pub start: Dims,
    pub shape: Dims,
}

/// What a tile of a result reads: numbers of operands, each with a tile of it. An operand that is
/// not listed is not read.
pub type Needs = SmallVec<[(usize, Tile); 2]>;

/// The data of an input, where they are known whenever the graph runs.
pub type Known<'a> = &'a dyn Fn(NodeId) -> Option<Array>;

/// A tile of a node that is built anew over the tiles it needs.
pub struct Cut<'a> {
    pub source: &'a Graph,
    /// The node, in `source`.
    pub y: NodeId,
    pub tile: &'a Tile,
    /// What [`super::Operation::needs`] said.
    pub needs: &'a [(usize, Tile)],
    /// In the target, one node for each need.
    pub operands: &'a [NodeId],
}

impl Tile {
    pub fn whole(shape: &[usize]) -> Self {
        Self {
            start: Dims::from_elem(0, shape.len()),
            shape: shape.into(),
        }
    }

    /// All of a node's value.
    pub fn of(g: &Graph, x: NodeId) -> Self {
        Self::whole(g.shape(x))
    }

    pub fn len(&self) -> usize {
        product(&self.shape)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where it ends along an axis.
    pub fn end(&self, axis: usize) -> usize {
        self.start[axis] + self.shape[axis]
    }

    /// The same tile with another range along one axis.
    #[must_use]
    pub fn with(mut self, axis: usize, start: usize, end: usize) -> Self {
        self.start[axis] = start;
        self.shape[axis] = end - start;
        self
    }

    pub fn contains(&self, other: &Tile) -> bool {
        (0..self.start.len())
            .all(|a| self.start[a] <= other.start[a] && other.end(a) <= self.end(a))
    }

    pub fn intersects(&self, other: &Tile) -> bool {
        (0..self.start.len()).all(|a| self.start[a] < other.end(a) && other.start[a] < self.end(a))
    }

    /// The smallest tile around both.
    #[must_use]
    pub fn hull(&self, other: &Tile) -> Self {
        let mut hull = self.clone();
        for axis in 0..self.start.len() {
            let start = self.start[axis].min(other.start[axis]);
            hull = hull.with(axis, start, self.end(axis).max(other.end(axis)));
        }
        hull
    }

    /// The slice list that takes this tile out of the array that `outer` is.
    pub fn slice_of(&self, outer: &Tile) -> Vec<i64> {
        let starts = self.start.iter().zip(&outer.start);
        starts.flat_map(|(&a, &b)| [(a - b) as i64, 1]).collect()
    }

    /// The tile of an array, where it lies.
    pub fn part_of(&self, array: &Array) -> Array {
        let list = self.slice_of(&Tile::whole(array.shape()));
        let (offset, layout) = slice_layout(&array.view().layout, &list, &self.shape);
        array.relaid(offset, layout)
    }

    /// The elements of an int64 array in this tile, in C order.
    pub fn integers_of(&self, array: &Array) -> Vec<i64> {
        self.part_of(array).to_vec()
    }
}

/// The part `inner` of a node that holds the tile `outer` of some array.
pub fn cut_out(g: &mut Graph, x: NodeId, outer: &Tile, inner: &Tile) -> NodeId {
    build::slice(g, x, &inner.slice_of(outer), &inner.shape)
}

/// All of every operand.
pub fn everything(g: &Graph, y: NodeId) -> Needs {
    let operands = g.operands(y).iter().enumerate();
    operands.map(|(k, &x)| (k, Tile::of(g, x))).collect()
}

/// The same tile of every operand.
pub fn alike(g: &Graph, y: NodeId, tile: &Tile) -> Needs {
    (0..g.operands(y).len())
        .map(|k| (k, tile.clone()))
        .collect()
}

impl Cut<'_> {
    /// The operation itself, on operands that give it this shape.
    pub fn again(&self, target: &mut Graph, shape: &[usize]) -> NodeId {
        target.import_shaped(self.source, self.y, self.operands, shape)
    }

    /// The operation where it gives just the tile.
    pub fn as_tile(&self, target: &mut Graph) -> NodeId {
        self.again(target, &self.tile.shape)
    }

    /// The operation where it gives the tile `outer`, and the part that is wanted of it.
    pub fn part_of(&self, target: &mut Graph, outer: &Tile) -> NodeId {
        let made = self.again(target, &outer.shape);
        cut_out(target, made, outer, self.tile)
    }

    /// The tile that is given of operand `k`.
    pub fn need(&self, k: usize) -> Option<&Tile> {
        self.at(k).map(|at| &self.needs[at].1)
    }

    /// Operand `k`, restricted.
    pub fn operand(&self, k: usize) -> Option<NodeId> {
        self.at(k).map(|at| self.operands[at])
    }

    fn at(&self, k: usize) -> Option<usize> {
        self.needs.iter().position(|(number, _)| *number == k)
    }
}

/// For the slice `start + step * k` of `count` elements: which `k` fall into a range of one axis.
pub fn slice_hits(
    (start, step): (i64, i64),
    count: usize,
    range: std::ops::Range<usize>,
) -> std::ops::Range<usize> {
    let (low, high) = (range.start as i64 - start, range.end as i64 - 1 - start);
    let step = if step == 0 { 1 } else { step }; // of one element
    // The first and the last k in the range, by division rounded towards it.
    let (first, last) = if step > 0 {
        (ceil_div(low, step), high.div_euclid(step))
    } else {
        (ceil_div(-high, -step), (-low).div_euclid(-step))
    };
    let first = first.clamp(0, count as i64);
    let end = (last + 1).clamp(first, count as i64);
    first as usize..end as usize
}

fn ceil_div(a: i64, b: i64) -> i64 {
    -((-a).div_euclid(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_meet_ranges_where_their_elements_do() {
        for step in [-3, -2, -1, 1, 2, 3] {
            for (start, count) in [(0, 1), (4, 1), (9, 4), (2, 3), (5, 0)] {
                for low in 0..12 {
                    for high in low + 1..13 {
                        let inside = |k: &usize| (low..high).contains(&(start + step * *k as i64));
                        let wanted: Vec<usize> = (0..count).filter(inside).collect();
                        let range = low as usize..high as usize;
                        let got: Vec<usize> = slice_hits((start, step), count, range).collect();
                        assert_eq!(got, wanted, "{start} {step} {count} {low}..{high}");
                    }
                }
            }
        }
    }
}
