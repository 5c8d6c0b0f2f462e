//! Some rows and some columns of a Jacobian, as a small function with a Jacobian of its own.

use std::ops::Range;

use super::restrict::Wanted;
use crate::array::{DType, product};
use crate::ir::{Graph, NodeId, Op};
use crate::ops::build;
use crate::ops::tile::{Known, Tile, cover, flat_start, is_run};

/// Numbers of rows or columns, ascending and distinct.
#[derive(Clone, Debug)]
pub enum Places {
    Range {
        start: usize,
        step: usize,
        count: usize,
    },
    List(Vec<usize>),
}

/// Where an input of the function comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A tile of a node of the graph it was made from.
    Tile(NodeId, Tile),
    /// Indices.
    Index(Vec<i64>),
}

/// A function from the chosen elements of some inputs to the chosen elements of some outputs.
pub struct Submatrix {
    pub graph: Graph,
    /// Where the inputs of `graph` come from, in order.
    pub sources: Vec<Source>,
    /// Chosen elements of outputs, as lists.
    pub rows: Vec<Chosen>,
    /// Names for chosen elements of inputs, as lists; there is none for an element on which no
    /// chosen element of an output depends.
    pub columns: Vec<Chosen>,
}

/// Elements that are together one list of `graph`.
pub struct Chosen {
    pub node: NodeId,
    /// Their numbers among all chosen rows, or columns.
    pub among: Places,
}

impl Places {
    pub fn len(&self) -> usize {
        match self {
            Places::Range { count, .. } => *count,
            Places::List(list) => list.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn get(&self, k: usize) -> usize {
        match self {
            Places::Range { start, step, .. } => start + step * k,
            Places::List(list) => list[k],
        }
    }

    /// How many of the places come before `place`.
    fn before(&self, place: usize) -> usize {
        match *self {
            Places::Range { start, step, count } => {
                place.saturating_sub(start).div_ceil(step).min(count)
            }
            Places::List(ref list) => list.partition_point(|&p| p < place),
        }
    }

    /// Places by their numbers, counted from `start`.
    fn inside(&self, numbers: Range<usize>, start: usize) -> Places {
        match self {
            _ if numbers.is_empty() => Places::run(0, 0),
            Places::Range { step, .. } => Places::Range {
                start: self.get(numbers.start) - start,
                step: *step,
                count: numbers.len(),
            },
            Places::List(list) => Places::of(list[numbers].iter().map(|p| p - start).collect()),
        }
    }

    /// The numbers from `low` to below `high` in groups of places with no wide gap inside.
    fn clusters(&self, low: usize, high: usize) -> Vec<Range<usize>> {
        const WIDE: usize = 64;
        const MOST: usize = 8;
        // Evenly spaced places are apart all or none.
        let together = match self {
            Places::Range { .. } => high - low > MOST,
            Places::List(_) => false,
        };
        let gap = |k: usize| (self.get(k) - self.get(k - 1), k);
        let mut cuts: Vec<(usize, usize)> = (low + 1..if together { low } else { high })
            .map(gap)
            .filter(|&(gap, _)| gap > WIDE)
            .collect();
        cuts.sort_unstable_by_key(|&(gap, _)| std::cmp::Reverse(gap));
        cuts.truncate(MOST - 1);
        let mut ends: Vec<usize> = cuts.into_iter().map(|(_, k)| k).collect();
        ends.sort_unstable();
        let starts = std::iter::once(low).chain(ends.iter().copied());
        let groups = starts.zip(ends.iter().copied().chain([high]));
        groups
            .map(|(a, b)| a..b)
            .filter(|g| !g.is_empty())
            .collect()
    }

    /// All places from `start` to below `end`.
    fn run(start: usize, end: usize) -> Self {
        Places::Range {
            start,
            step: 1,
            count: end - start,
        }
    }

    /// A list as a range, where it is one.
    fn of(list: Vec<usize>) -> Self {
        let step = match list[..] {
            [a, b, ..] => b - a,
            _ => 1,
        };
        if !list.is_empty() && list.windows(2).all(|w| w[1] - w[0] == step) {
            let (start, count) = (list[0], list.len());
            return Places::Range { start, step, count };
        }
        Places::List(list)
    }
}

/// The derivative of chosen elements of outputs by chosen elements of inputs.
///
/// An output comes with the number of its first row; `columns` counts the elements of all inputs,
/// one input after the other. The search for what the rows need stops at nodes for which `stops`;
/// `known` gives the data of inputs that hold indices, where they are the same in every run.
///
/// ```
/// use jacrs::differentiate::{Places, submatrix};
/// use jacrs::ir::{parse, print};
/// let g = parse("
///     %0 = input! : float64[1000]
///     %1 = sin(%0) : float64[1000]
///     %2 = slice(%1, [999 -1]) : float64[1000]
///     return %2").unwrap();
/// let one = |start| Places::Range { start, step: 1, count: 1 };
/// let all = Places::Range { start: 0, step: 1, count: 1000 };
/// let y = (g.outputs[0], 0);
/// // Row 7 depends on one element.
/// let part = submatrix(&g, &[y], g.inputs(), &one(7), &all, |_| false, &|_| None);
/// assert_eq!(part.graph.size(part.columns[0].node), 1);
/// assert!(print(&part.graph).starts_with("%0 = input : float64[1]\n"));
/// // And not on element 3.
/// let part = submatrix(&g, &[y], g.inputs(), &one(7), &one(3), |_| false, &|_| None);
/// assert!(part.columns.is_empty());
/// ```
pub fn submatrix(
    source: &Graph,
    outputs: &[(NodeId, usize)],
    inputs: &[NodeId],
    rows: &Places,
    columns: &Places,
    stops: impl Fn(NodeId) -> bool,
    known: Known<'_>,
) -> Submatrix {
    let picks = chosen_rows(source, outputs, rows);
    let tiles = picks.iter().map(|pick| (pick.y, pick.tile.clone()));
    let is_input = |x: NodeId| inputs.contains(&x);
    let is_leaf = |x: NodeId| stops(x) || is_input(x);
    let wanted = Wanted::by(source, tiles, is_leaf, known);
    let mut made = Submatrix {
        graph: Graph::new(),
        sources: vec![],
        rows: vec![],
        columns: vec![],
    };
    let mut firsts = vec![0];
    for &x in inputs {
        firsts.push(firsts[firsts.len() - 1] + source.size(x));
    }
    let mut graph = std::mem::take(&mut made.graph);
    let built = wanted.build(&mut graph, is_leaf, |g, x, tile| {
        let id = g.input(source.dtype(x), &tile.shape, false);
        made.sources.push(Source::Tile(x, tile.clone()));
        match inputs.iter().position(|&input| input == x) {
            Some(k) => made.vary(g, id, tile, source.shape(x), firsts[k], columns),
            None => id,
        }
    });
    for pick in picks {
        let part = built.tile(&mut graph, pick.y, &pick.tile);
        let flat = build::reshape(&mut graph, part, &[pick.tile.len()]);
        let node = made.picked(&mut graph, flat, &pick.inside);
        made.rows.push(Chosen {
            node,
            among: pick.among,
        });
    }
    made.graph = graph;
    made
}

/// The chosen elements of one output.
struct Pick {
    y: NodeId,
    /// A run of elements that holds them.
    tile: Tile,
    /// Their numbers in the run.
    inside: Places,
    among: Places,
}

fn chosen_rows(g: &Graph, outputs: &[(NodeId, usize)], rows: &Places) -> Vec<Pick> {
    let mut picks = vec![];
    for &(y, first) in outputs {
        let (low, high) = (rows.before(first), rows.before(first + g.size(y)));
        for group in rows.clusters(low, high) {
            let (a, b) = (rows.get(group.start), rows.get(group.end - 1) + 1);
            let tile = cover(g.shape(y), a - first, b - first);
            let start = first + flat_start(g.shape(y), &tile);
            picks.push(Pick {
                y,
                inside: rows.inside(group.clone(), start),
                among: Places::run(group.start, group.end),
                tile,
            });
        }
    }
    picks
}

impl Submatrix {
    /// The elements of a list at these places.
    fn picked(&mut self, g: &mut Graph, x: NodeId, places: &Places) -> NodeId {
        match *places {
            Places::Range { start, step, count } => {
                build::slice(g, x, &[start as i64, step as i64], &[count])
            }
            Places::List(ref list) => {
                let index = self.index(g, list);
                build::gather(g, x, index)
            }
        }
    }

    /// A list with these elements replaced.
    fn replaced(&mut self, g: &mut Graph, x: NodeId, places: &Places, by: NodeId) -> NodeId {
        match *places {
            Places::Range { start, step, .. } => {
                build::assign(g, x, &[start as i64, step as i64], by)
            }
            Places::List(ref list) => {
                let index = self.index(g, list);
                build::emit(g, Op::ScatterSet, &[x, index, by]).expect("a list and its elements")
            }
        }
    }

    fn index(&mut self, g: &mut Graph, list: &[usize]) -> NodeId {
        let places: Vec<i64> = list.iter().map(|&p| p as i64).collect();
        self.sources.push(Source::Index(places));
        g.input(DType::I64, &[list.len()], false)
    }

    /// The tile `x` of an input of shape `whole`, whose elements are columns from `first` on: its
    /// chosen elements become a variable.
    fn vary(
        &mut self,
        g: &mut Graph,
        x: NodeId,
        tile: &Tile,
        whole: &[usize],
        first: usize,
        columns: &Places,
    ) -> NodeId {
        let (inside, among) = chosen_columns(tile, whole, first, columns);
        if inside.is_empty() {
            return x;
        }
        let flat = build::reshape(g, x, &[tile.len()]);
        let all = inside.len() == tile.len();
        let chosen = if all {
            flat
        } else {
            self.picked(g, flat, &inside)
        };
        let node = g.opaque(chosen);
        let flat = if all {
            node
        } else {
            self.replaced(g, flat, &inside, node)
        };
        self.columns.push(Chosen { node, among });
        build::reshape(g, flat, &tile.shape)
    }
}

/// The chosen elements of a tile: their numbers in the tile, and among all chosen columns.
fn chosen_columns(
    tile: &Tile,
    whole: &[usize],
    first: usize,
    columns: &Places,
) -> (Places, Places) {
    if is_run(whole, tile) {
        let start = first + flat_start(whole, tile);
        let (low, high) = (columns.before(start), columns.before(start + tile.len()));
        return (columns.inside(low..high, start), Places::run(low, high));
    }
    let (mut inside, mut among) = (vec![], vec![]);
    let row = tile.shape.last().copied().unwrap_or(1);
    for line in 0..product(&tile.shape) / row.max(1) {
        let start = first + line_start(tile, whole, line);
        for k in columns.before(start)..columns.before(start + row) {
            inside.push(line * row + columns.get(k) - start);
            among.push(k);
        }
    }
    (Places::of(inside), Places::of(among))
}

/// Where a line of the last axis of a tile starts, in C order of the whole.
fn line_start(tile: &Tile, whole: &[usize], line: usize) -> usize {
    let last = whole.len() - 1;
    let (mut rest, mut flat, mut scale) = (line, tile.start[last], whole[last]);
    for axis in (0..last).rev() {
        flat += (tile.start[axis] + rest % tile.shape[axis]) * scale;
        rest /= tile.shape[axis];
        scale *= whole[axis];
    }
    flat
}
