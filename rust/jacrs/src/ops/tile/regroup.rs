//! Tiles through a reshape.

use super::{Tile, cut_out};
use crate::array::{Dims, product};
use crate::ir::{Graph, NodeId};
use crate::ops::build;

/// How a tile of a reshaped array is put together from a tile of the array before.
///
/// Axes fall into groups that hold the same elements before and after. Inside a group a tile is
/// widened until it is a run of consecutive elements, which both shapes can name.
pub struct Regroup {
    /// The tile of the array before.
    pub before: Tile,
    /// The runs that `before` holds, one for each group, and the runs that are wanted of them.
    held: Tile,
    runs: Tile,
    /// The wanted runs as a tile of the array after.
    after: Tile,
}

/// The smallest tile of an array of this shape that is one run of elements and holds `lo..hi`.
pub fn cover(shape: &[usize], lo: usize, hi: usize) -> Tile {
    let (first, last) = (unravel(shape, lo), unravel(shape, hi - 1));
    let mut tile = Tile::whole(shape);
    for axis in 0..shape.len() {
        tile = tile.with(axis, first[axis], last[axis] + 1);
        if first[axis] != last[axis] {
            break;
        }
    }
    tile
}

/// The place of element `flat`, in C order.
fn unravel(shape: &[usize], mut flat: usize) -> Dims {
    let mut place = Dims::from_elem(0, shape.len());
    for axis in (0..shape.len()).rev() {
        place[axis] = flat % shape[axis];
        flat /= shape[axis];
    }
    place
}

/// Where the first element of a tile stands in an array of this shape.
pub fn flat_start(shape: &[usize], tile: &Tile) -> usize {
    let axes = shape.iter().zip(&tile.start);
    axes.fold(0, |flat, (&n, &start)| flat * n + start)
}

/// The tile widened to a run of elements: behind the first axis it is longer than one on, all.
fn widened(shape: &[usize], tile: &Tile) -> Tile {
    let run = tile.shape.iter().take_while(|&&n| n <= 1).count() + 1;
    let mut wide = tile.clone();
    for (axis, &n) in shape.iter().enumerate().skip(run) {
        wide = wide.with(axis, 0, n);
    }
    wide
}

/// Whether the elements of a tile follow each other in an array of this shape.
pub fn is_run(shape: &[usize], tile: &Tile) -> bool {
    widened(shape, tile) == *tile
}

/// Neighbouring axes of two shapes that hold the same elements: `(before, after)` of each group.
/// Both shapes have elements, and the same number of them.
fn groups(before: &[usize], after: &[usize]) -> Vec<[std::ops::Range<usize>; 2]> {
    let (mut i, mut j) = (0, 0);
    let mut found = vec![];
    let take = |shape: &[usize], at: &mut usize| {
        let n = shape.get(*at).copied().unwrap_or(1);
        *at = (*at + 1).min(shape.len());
        n
    };
    while i < before.len() || j < after.len() {
        let (first, second) = (i, j);
        let (mut a, mut b) = (take(before, &mut i), take(after, &mut j));
        while a != b {
            if a < b {
                a *= take(before, &mut i);
            } else {
                b *= take(after, &mut j);
            }
        }
        found.push([first..i, second..j]);
    }
    found
}

impl Regroup {
    /// For a tile, not empty, of an array of shape `after` that was of shape `before`.
    pub fn new(before: &[usize], after: &[usize], tile: &Tile) -> Self {
        let empty = || Tile::whole(&[]);
        let mut all = Self {
            before: empty(),
            held: empty(),
            runs: empty(),
            after: empty(),
        };
        for [b, a] in groups(before, after) {
            let part = Tile {
                start: tile.start[a.clone()].into(),
                shape: tile.shape[a.clone()].into(),
            };
            let run = widened(&after[a.clone()], &part);
            let lo = flat_start(&after[a.clone()], &run);
            let hi = lo + run.len();
            let covered = cover(&before[b.clone()], lo, hi);
            let start = flat_start(&before[b.clone()], &covered);
            push(&mut all.held, start, covered.len());
            push(&mut all.runs, lo, hi - lo);
            extend(&mut all.before, &covered);
            extend(&mut all.after, &run);
        }
        all
    }

    /// The tile, from a node that holds `before`.
    pub fn build(&self, g: &mut Graph, x: NodeId, tile: &Tile) -> NodeId {
        debug_assert_eq!(product(&self.held.shape), g.size(x));
        let flat = build::reshape(g, x, &self.held.shape);
        let runs = cut_out(g, flat, &self.held, &self.runs);
        let wide = build::reshape(g, runs, &self.after.shape);
        cut_out(g, wide, &self.after, tile)
    }
}

fn push(tile: &mut Tile, start: usize, length: usize) {
    tile.start.push(start);
    tile.shape.push(length);
}

fn extend(tile: &mut Tile, part: &Tile) {
    tile.start.extend_from_slice(&part.start);
    tile.shape.extend_from_slice(&part.shape);
}
