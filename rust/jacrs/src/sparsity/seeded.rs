//! Entries by seeds: columns that meet in no row share a lane (Curtis, Powell and Reid, "On the
//! estimation of sparse Jacobian matrices", J. Inst. Maths Applics 13, 1974), or rows that meet in
//! no column, in reverse, or some of both.

use super::Pattern;
use super::colouring::Colouring;
use super::entries::Entries;
use crate::array::{Array, DType};
use crate::differentiate::{Mode, jvp, vjp};
use crate::error::Result;
use crate::interrupt::elements;
use crate::ir::{Graph, NodeId};
use crate::memory::list_for;
use crate::ops::batch::batch;
use crate::ops::{Fun, build};

/// Lanes at a time, at most and at least.
const MOST_LANES: usize = 64;
const FEWEST_LANES: usize = 16;
/// Numbers that an array in lanes should not have more of.
const LARGEST: usize = 1 << 23;
/// The graph is repeated for each panel of lanes: where there are many colours panels are wider.
const MOST_PANELS: usize = 64;

/// What seeds are made of.
pub struct Seeds {
    pub mode: Mode,
    pub colouring: Colouring,
    /// For each entry of a symmetric pattern whether it is read as that of the other triangle.
    pub mirrored: Option<Vec<bool>>,
    /// For each entry whether it is read from these products; all are, if not said.
    pub reads: Option<Vec<bool>>,
}

impl Seeds {
    /// Those of which all entries are read.
    pub fn all(mode: Mode, colouring: Colouring) -> Self {
        Self {
            mode,
            colouring,
            mirrored: None,
            reads: None,
        }
    }

    /// Those of which some entries are read.
    pub fn some(mode: Mode, colouring: Colouring, reads: Vec<bool>) -> Self {
        Self {
            reads: Some(reads),
            ..Self::all(mode, colouring)
        }
    }
}

/// The entries of the Jacobian of some outputs by some inputs from products with seeds.
///
/// The colours are those of columns, if forward, or of rows, if in reverse. Each entry is read from
/// the products of one of the seeds. Lanes go in panels, one after the other; of each panel only its
/// entries are kept.
///
/// # Errors
/// If memory does not suffice.
pub fn seeded(
    recorded: &Graph,
    values: &[NodeId],
    ends: [&[NodeId]; 2],
    pattern: &Pattern,
    seeds: &[Seeds],
) -> Result<Entries> {
    let mut made = Entries {
        graph: recorded.clone(),
        tables: vec![],
    };
    let mut reads = Reads::new(pattern.nnz());
    let mut parts = vec![];
    for seeds in seeds.iter().filter(|seeds| seeds.colouring.count > 0) {
        let mut seeding = Seeding::new(&mut made, ends, seeds.mode);
        let width = seeding.lanes_at_once(seeds.colouring.count);
        let colours = seeding.colours(&seeds.colouring.colours);
        let panels = reads.add(pattern, seeds, width);
        for (k, places) in panels.iter().enumerate() {
            if !places.is_empty() {
                let product = seeding.panel(&colours, k * width, width)?;
                let places = table(seeding.made, Array::from_slice(&[places.len()], places));
                parts.push(build::gather(&mut seeding.made.graph, product, places));
            }
        }
    }
    let entries = match parts[..] {
        [] => build::constant(&mut made.graph, dtype_of(recorded, ends[0]), &[0], 0.0),
        [one] => one,
        _ => {
            let all = build::concat(&mut made.graph, &parts, 0);
            let order = reads.order();
            let order = table(&mut made, Array::from_slice(&[order.len()], &order));
            build::gather(&mut made.graph, all, order)
        }
    };
    made.graph.outputs = [values, &[entries]].concat();
    Ok(made)
}

/// That of the entries.
fn dtype_of(g: &Graph, outputs: &[NodeId]) -> DType {
    let dtypes = outputs.iter().map(|&y| g.dtype(y));
    dtypes.reduce(DType::promote).unwrap_or(DType::F64)
}

/// A table more, as an input.
fn table(made: &mut Entries, table: Array) -> NodeId {
    let node = made.graph.input(table.dtype(), table.shape(), false);
    made.tables.push(table);
    node
}

fn stand_in(g: &mut Graph, like: NodeId) -> NodeId {
    let shape = g.dims(like);
    g.placeholder(g.dtype(like), &shape, true)
}

/// Products with seeds of one mode.
struct Seeding<'m> {
    made: &'m mut Entries,
    names: Vec<NodeId>,
    products: Vec<Option<NodeId>>,
    /// Of all that is swept.
    sizes: Vec<usize>,
    dtype: DType,
}

impl<'m> Seeding<'m> {
    fn new(made: &'m mut Entries, [outputs, inputs]: [&[NodeId]; 2], mode: Mode) -> Self {
        let g = &mut made.graph;
        let (seeded, swept) = match mode {
            Mode::Forward => (inputs, outputs),
            Mode::Reverse => (outputs, inputs),
        };
        let names: Vec<NodeId> = seeded.iter().map(|&x| stand_in(g, x)).collect();
        let given: Vec<_> = names.iter().copied().map(Some).collect();
        let products = match mode {
            Mode::Forward => jvp(g, outputs, inputs, &given),
            Mode::Reverse => vjp(g, outputs, inputs, &given),
        };
        Self {
            sizes: swept.iter().map(|&x| g.size(x)).collect(),
            dtype: dtype_of(g, outputs),
            made,
            names,
            products,
        }
    }

    /// How many lanes go together, so that what is between does not get too large.
    fn lanes_at_once(&self, count: usize) -> usize {
        let g = &self.made.graph;
        let wanted: Vec<NodeId> = self.products.iter().flatten().copied().collect();
        let (moves, needed) = (g.dependents(&self.names), g.reachable(&wanted));
        let between = g.ids().filter(|id| moves[id.index()] && needed[id.index()]);
        let largest = between.map(|id| g.size(id)).max().unwrap_or(0).max(1);
        let fitting = (LARGEST / largest).clamp(FEWEST_LANES, MOST_LANES);
        let panels = count.div_ceil(fitting).clamp(1, MOST_PANELS);
        count.div_ceil(panels).max(1)
    }

    /// The colours of the elements of each name.
    fn colours(&mut self, colours: &[u32]) -> Vec<NodeId> {
        let mut start = 0;
        let g = &self.made.graph;
        let sizes: Vec<usize> = self.names.iter().map(|&x| g.size(x)).collect();
        let tables = sizes.into_iter().map(|size| {
            let own: Vec<i64> = (colours[start..start + size].iter())
                .map(|&colour| i64::from(colour))
                .collect();
            start += size;
            elements(size);
            table(self.made, Array::from_slice(&[size, 1], &own))
        });
        tables.collect()
    }

    /// The products with the seeds of `width` colours from `first` on, side by side.
    fn panel(&mut self, colours: &[NodeId], first: usize, width: usize) -> Result<NodeId> {
        let seeds: Vec<NodeId> = (0..self.names.len())
            .map(|k| self.seed(self.names[k], colours[k], first, width))
            .collect();
        let g = &mut self.made.graph;
        let present: Vec<NodeId> = self.products.iter().flatten().copied().collect();
        let mut lanes = batch(g, &present, &self.names, &seeds, width)?.into_iter();
        let mut parts = vec![];
        for (product, &size) in self.products.iter().zip(&self.sizes) {
            let lane = product.and_then(|_| lanes.next());
            parts.push(match lane {
                Some((product, true)) => {
                    let product = build::reshape(g, product, &[size * width]);
                    build::cast(g, product, self.dtype)
                }
                _ => build::constant(g, self.dtype, &[size * width], 0.0),
            });
        }
        Ok(build::concat(g, &parts, 0))
    }

    /// The lanes of a name: ones at the elements of each colour.
    fn seed(&mut self, name: NodeId, colours: NodeId, first: usize, width: usize) -> NodeId {
        let g = &mut self.made.graph;
        let (dtype, mut shape, size) = (g.dtype(name), g.dims(name), g.size(name));
        let lanes = build::iota(g, width);
        let start = build::constant(g, DType::I64, &[width], first as f64);
        let lanes = build::add(g, lanes, start);
        let lanes = build::broadcast(g, lanes, &[size, width]);
        let colours = build::broadcast(g, colours, &[size, width]);
        let ones = build::map(g, Fun::Equal, &[colours, lanes]);
        let ones = build::cast(g, ones, dtype);
        shape.push(width);
        build::reshape(g, ones, &shape)
    }
}

/// From which panel each entry is read, the panels of all seeds one after the other.
struct Reads {
    panels: Vec<u32>,
    /// How many entries each panel has.
    counts: Vec<usize>,
}

impl Reads {
    fn new(entries: usize) -> Self {
        let mut panels = list_for(entries);
        panels.resize(entries, 0);
        let counts = vec![];
        Self { panels, counts }
    }

    /// The places of the entries that are read from these seeds: for each panel among the elements of
    /// all that is swept, with their lanes, in the order of the entries.
    fn add(&mut self, pattern: &Pattern, seeds: &Seeds, width: usize) -> Vec<Vec<i64>> {
        let Colouring { colours, count } = &seeds.colouring;
        let first = self.counts.len();
        let mut places = vec![vec![]; count.div_ceil(width)];
        for (i, columns) in pattern.rows().enumerate() {
            for (k, &j) in (pattern.starts()[i]..).zip(columns) {
                if seeds.reads.as_ref().is_some_and(|reads| !reads[k]) {
                    continue;
                }
                let across = seeds.mirrored.as_ref().is_some_and(|m| m[k]);
                let (element, vertex) = if across == (seeds.mode == Mode::Forward) {
                    (j as usize, i)
                } else {
                    (i, j as usize)
                };
                let colour = colours[vertex] as usize;
                places[colour / width].push((element * width + colour % width) as i64);
                self.panels[k] = (first + colour / width) as u32;
            }
            elements(columns.len());
        }
        self.counts.extend(places.iter().map(Vec::len));
        places
    }

    /// Where each entry is if the panels follow each other.
    fn order(&self) -> Vec<i64> {
        let mut end = 0;
        let starts = self.counts.iter().map(|&count| {
            end += count as i64;
            end - count as i64
        });
        let mut next: Vec<i64> = starts.collect();
        let mut order = list_for(self.panels.len());
        order.extend(self.panels.iter().map(|&panel| {
            let place = &mut next[panel as usize];
            *place += 1;
            *place - 1
        }));
        order
    }
}
