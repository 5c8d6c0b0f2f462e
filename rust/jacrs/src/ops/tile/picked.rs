//! Tiles through indices: which rows they name, where that is known.

use super::{Cut, Known, Needs, Tile};
use crate::ir::{Graph, NodeId};
use crate::ops::build;

/// What a tile of `x[idx]` needs: of `x` the rows between the least and the greatest index, where
/// these are known and none counts from the end.
pub fn gathered(g: &Graph, y: NodeId, tile: &Tile, known: Known<'_>) -> Needs {
    let (x, idx) = (g.operand(y, 0), g.operand(y, 1));
    let depth = g.shape(idx).len();
    let places = Tile {
        start: tile.start[..depth].into(),
        shape: tile.shape[..depth].into(),
    };
    let mut rows = rows_like(g, x, tile, depth);
    let values = known(idx).map(|data| places.integers_of(&data));
    if let Some((low, high)) = values.and_then(|v| extent(&v)) {
        rows = rows.with(0, low, high);
    }
    [(0, rows), (1, places)].into_iter().collect()
}

/// All rows of `x`, cut as the axes of a tile behind the first `depth` are.
fn rows_like(g: &Graph, x: NodeId, tile: &Tile, depth: usize) -> Tile {
    let mut rows = Tile::of(g, x);
    for axis in 1..rows.shape.len() {
        let at = depth + axis - 1;
        rows = rows.with(axis, tile.start[at], tile.end(at));
    }
    rows
}

/// The rows from the first to the last named; `None` where one counts from the end, or none is named.
fn extent(indices: &[i64]) -> Option<(usize, usize)> {
    let (&low, &high) = (indices.iter().min()?, indices.iter().max()?);
    (low >= 0).then(|| (low as usize, high as usize + 1))
}

/// `idx` counted from the first row of a tile.
pub fn counted_from(g: &mut Graph, idx: NodeId, rows: &Tile) -> NodeId {
    if rows.start[0] == 0 {
        return idx;
    }
    let first = build::constant_like(g, idx, rows.start[0] as f64);
    build::sub(g, idx, first)
}

/// What a tile of `x` with values put into rows `idx` needs. Where the indices are known, and a
/// list, the run of those that name rows of the tile; their rows are then needed as well.
pub fn scattered(g: &Graph, y: NodeId, tile: &Tile, known: Known<'_>) -> Needs {
    let (idx, v) = (g.operand(y, 1), g.operand(y, 2));
    let mut places = Tile::of(g, idx);
    let mut rows = tile.clone().with(0, 0, g.shape(y)[0]);
    if let (&[n], Some(data)) = (g.shape(idx), known(idx)) {
        let values = places.integers_of(&data);
        let inside = |&k: &usize| (tile.start[0] as i64..tile.end(0) as i64).contains(&values[k]);
        if values.iter().all(|&i| i >= 0) {
            let Some(first) = (0..n).find(inside) else {
                return [(0, tile.clone())].into_iter().collect();
            };
            let end = (0..n).rfind(inside).map_or(n, |last| last + 1);
            places = places.with(0, first, end);
            let (low, high) = extent(&values[first..end]).unwrap_or((0, g.shape(y)[0]));
            rows = rows.with(0, low.min(tile.start[0]), high.max(tile.end(0)));
        }
    }
    let mut put = Tile::of(g, v);
    let depth = places.shape.len();
    for axis in 0..put.shape.len() {
        put = if axis < depth {
            put.with(axis, places.start[axis], places.end(axis))
        } else {
            let at = axis - depth + 1;
            put.with(axis, tile.start[at], tile.end(at))
        };
    }
    [(0, rows), (1, places), (2, put)].into_iter().collect()
}

/// The operation over the rows, indices and values that [`scattered`] named.
pub fn restrict_scatter(target: &mut Graph, cut: &Cut<'_>) -> NodeId {
    let &[x, idx, v] = cut.operands else {
        return cut.operands[0];
    };
    let rows = &cut.needs[0].1;
    let idx = counted_from(target, idx, rows);
    let inner = Cut {
        operands: &[x, idx, v],
        ..*cut
    };
    inner.part_of(target, rows)
}
