//! Parts of results: a graph that computes some tiles of some nodes, and nothing else.
//!
//! Backwards each node learns which tiles of it are read; forwards the nodes are built anew over
//! these tiles. What is not read is not there, so the result of a slice costs what it needs.

use std::collections::{BTreeMap, HashMap};

use crate::ir::{Graph, NodeId, Op};
use crate::ops::tile::{Cut, Known, Needs, Tile, cut_out};
use crate::ops::{build, operation};

/// Tiles of one node that share no element: what is read at distant places is not joined.
#[derive(Default)]
struct Tiles(Vec<Tile>);

/// More tiles of one node than this are joined.
const MOST_TILES: usize = 8;
/// Elements computed needlessly that are cheaper than another node.
const SLACK: usize = 16;

impl Tiles {
    fn add(&mut self, mut tile: Tile) {
        let joins =
            |a: &Tile, b: &Tile| a.intersects(b) || a.hull(b).len() <= a.len() + b.len() + SLACK;
        loop {
            if let Some(k) = self.0.iter().position(|other| joins(other, &tile)) {
                tile = self.0.swap_remove(k).hull(&tile);
            } else if self.0.len() == MOST_TILES {
                let growth = |other: &Tile| other.hull(&tile).len() - other.len();
                let k = (0..MOST_TILES).min_by_key(|&k| growth(&self.0[k]));
                tile = self.0.swap_remove(k.unwrap_or(0)).hull(&tile);
            } else {
                break;
            }
        }
        self.0.push(tile);
    }
}

/// The tiles of every node that some tiles of others are computed from.
pub struct Wanted<'g> {
    source: &'g Graph,
    /// From the last node to the first; each of its tiles with what that needs.
    nodes: Vec<(NodeId, Vec<(Tile, Needs)>)>,
}

impl<'g> Wanted<'g> {
    /// What these tiles need, back to inputs and to nodes for which `stops`. `known` gives the data
    /// of inputs that hold indices, where they are the same in every run.
    pub fn by(
        source: &'g Graph,
        outputs: impl IntoIterator<Item = (NodeId, Tile)>,
        stops: impl Fn(NodeId) -> bool,
        known: Known<'_>,
    ) -> Self {
        let mut pending: BTreeMap<NodeId, Tiles> = BTreeMap::new();
        let want = |pending: &mut BTreeMap<NodeId, Tiles>, y, tile: Tile| {
            if !tile.is_empty() {
                pending.entry(y).or_default().add(tile);
            }
        };
        for (y, tile) in outputs {
            want(&mut pending, y, tile);
        }
        let mut nodes = vec![];
        while let Some((y, tiles)) = pending.pop_last() {
            let is_leaf = matches!(source.op(y), Op::Input(_)) || stops(y);
            let with_needs = |tile: Tile| {
                let needs = if is_leaf {
                    Needs::new()
                } else {
                    operation(source.op(y)).needs(source, y, &tile, known)
                };
                (tile, needs)
            };
            let tiles: Vec<(Tile, Needs)> = tiles.0.into_iter().map(with_needs).collect();
            for (k, tile) in tiles.iter().flat_map(|(_, needs)| needs) {
                want(&mut pending, source.operand(y, *k), tile.clone());
            }
            nodes.push((y, tiles));
        }
        Self { source, nodes }
    }

    /// The tiles that are read of a node.
    pub fn tiles_of(&self, x: NodeId) -> impl Iterator<Item = &Tile> {
        let found = self.nodes.binary_search_by(|(y, _)| x.cmp(y));
        let tiles = found.map_or(&[] as &[_], |k| self.nodes[k].1.as_slice());
        tiles.iter().map(|(tile, _)| tile)
    }

    /// Builds the nodes over their tiles in another graph; `leaf` makes the tiles of inputs and of
    /// the nodes at which the search stopped.
    pub fn build(
        &self,
        target: &mut Graph,
        is_leaf: impl Fn(NodeId) -> bool,
        mut leaf: impl FnMut(&mut Graph, NodeId, &Tile) -> NodeId,
    ) -> Built<'g> {
        let mut built = Built {
            source: self.source,
            tiles: HashMap::with_capacity(self.nodes.len()),
        };
        for (y, tiles) in self.nodes.iter().rev() {
            target.location = self.source.node(*y).location;
            let mut made = Vec::with_capacity(tiles.len());
            for (tile, needs) in tiles {
                let id = if matches!(self.source.op(*y), Op::Input(_)) || is_leaf(*y) {
                    leaf(target, *y, tile)
                } else {
                    built.node(target, *y, tile, needs)
                };
                debug_assert_eq!(target.shape(id), tile.shape.as_slice());
                made.push((tile.clone(), id));
            }
            built.tiles.insert(*y, made);
        }
        built
    }
}

/// Nodes of another graph that hold tiles of this one's.
pub struct Built<'g> {
    source: &'g Graph,
    tiles: HashMap<NodeId, Vec<(Tile, NodeId)>>,
}

impl Built<'_> {
    /// A tile of a node, taken out of one that holds it.
    pub fn tile(&self, target: &mut Graph, x: NodeId, tile: &Tile) -> NodeId {
        if tile.is_empty() {
            return build::constant(target, self.source.dtype(x), &tile.shape, 0.0);
        }
        let tiles = self.tiles.get(&x).map_or(&[] as &[_], Vec::as_slice);
        let (outer, id) = (tiles.iter().find(|(outer, _)| outer.contains(tile)))
            .expect("every tile that is read was wanted");
        cut_out(target, *id, outer, tile)
    }

    fn node(&self, target: &mut Graph, y: NodeId, tile: &Tile, needs: &Needs) -> NodeId {
        let operands: Vec<NodeId> = (needs.iter())
            .map(|(k, need)| self.tile(target, self.source.operand(y, *k), need))
            .collect();
        let cut = Cut {
            source: self.source,
            y,
            tile,
            needs,
            operands: &operands,
        };
        operation(self.source.op(y)).restrict(target, &cut)
    }
}
