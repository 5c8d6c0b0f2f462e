//! Entries by seeds: columns that meet in no row share a lane (Curtis, Powell and Reid, "On the
//! estimation of sparse Jacobian matrices", J. Inst. Maths Applics 13, 1974), or rows that meet in
//! no column, in reverse.

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
}

/// The entries of the Jacobian of some outputs by some inputs from products with seeds.
///
/// The colours are those of columns, if forward, or of rows, if in reverse. Lanes go in panels, one
/// after the other; of each panel only its entries are kept.
///
/// # Errors
/// If memory does not suffice.
pub fn seeded(
    recorded: &Graph,
    values: &[NodeId],
    [outputs, inputs]: [&[NodeId]; 2],
    pattern: &Pattern,
    seeds: &Seeds,
) -> Result<Entries> {
    let mut g = recorded.clone();
    let (seeded, swept) = match seeds.mode {
        Mode::Forward => (inputs, outputs),
        Mode::Reverse => (outputs, inputs),
    };
    let names: Vec<NodeId> = seeded.iter().map(|&x| stand_in(&mut g, x)).collect();
    let given: Vec<_> = names.iter().copied().map(Some).collect();
    let products = match seeds.mode {
        Mode::Forward => jvp(&mut g, outputs, inputs, &given),
        Mode::Reverse => vjp(&mut g, outputs, inputs, &given),
    };
    let dtypes = outputs.iter().map(|&y| g.dtype(y));
    let dtype = dtypes.reduce(DType::promote).unwrap_or(DType::F64);
    let sizes: Vec<usize> = swept.iter().map(|&x| g.size(x)).collect();
    let width = lanes_at_once(&g, &names, &products, seeds.colouring.count);
    let mut seeding = Seeding {
        g,
        tables: vec![],
        names,
        products,
        sizes,
        dtype,
    };
    let colours = seeding.colours(&seeds.colouring.colours);
    let reads = Reads::new(pattern, seeds, width);
    let mut parts = vec![];
    for (k, places) in reads.places.iter().enumerate() {
        if !places.is_empty() {
            let product = seeding.panel(&colours, k * width, width)?;
            let places = seeding.table(Array::from_slice(&[places.len()], places));
            parts.push(build::gather(&mut seeding.g, product, places));
        }
    }
    let entries = match parts[..] {
        [] => build::constant(&mut seeding.g, dtype, &[0], 0.0),
        [one] => one,
        _ => {
            let all = build::concat(&mut seeding.g, &parts, 0);
            let order = reads.order();
            let order = seeding.table(Array::from_slice(&[order.len()], &order));
            build::gather(&mut seeding.g, all, order)
        }
    };
    let Seeding { mut g, tables, .. } = seeding;
    g.outputs = [values, &[entries]].concat();
    Ok(Entries { graph: g, tables })
}

fn stand_in(g: &mut Graph, like: NodeId) -> NodeId {
    let shape = g.dims(like);
    g.placeholder(g.dtype(like), &shape, true)
}

/// How many lanes go together, so that what is between does not get too large.
fn lanes_at_once(g: &Graph, names: &[NodeId], products: &[Option<NodeId>], count: usize) -> usize {
    let wanted: Vec<NodeId> = products.iter().flatten().copied().collect();
    let (moves, needed) = (g.dependents(names), g.reachable(&wanted));
    let between = g.ids().filter(|id| moves[id.index()] && needed[id.index()]);
    let largest = between.map(|id| g.size(id)).max().unwrap_or(0).max(1);
    let fitting = (LARGEST / largest).clamp(FEWEST_LANES, MOST_LANES);
    let panels = count.div_ceil(fitting).clamp(1, MOST_PANELS);
    count.div_ceil(panels).max(1)
}

struct Seeding {
    g: Graph,
    tables: Vec<Array>,
    names: Vec<NodeId>,
    products: Vec<Option<NodeId>>,
    /// Of all that is swept.
    sizes: Vec<usize>,
    dtype: DType,
}

impl Seeding {
    /// A table more, as an input.
    fn table(&mut self, table: Array) -> NodeId {
        let node = self.g.input(table.dtype(), table.shape(), false);
        self.tables.push(table);
        node
    }

    /// The colours of the elements of each name.
    fn colours(&mut self, colours: &[u32]) -> Vec<NodeId> {
        let mut start = 0;
        let sizes: Vec<usize> = self.names.iter().map(|&x| self.g.size(x)).collect();
        let tables = sizes.into_iter().map(|size| {
            let own: Vec<i64> = (colours[start..start + size].iter())
                .map(|&colour| i64::from(colour))
                .collect();
            start += size;
            elements(size);
            self.table(Array::from_slice(&[size, 1], &own))
        });
        tables.collect()
    }

    /// The products with the seeds of `width` colours from `first` on, side by side.
    fn panel(&mut self, colours: &[NodeId], first: usize, width: usize) -> Result<NodeId> {
        let seeds: Vec<NodeId> = (0..self.names.len())
            .map(|k| self.seed(self.names[k], colours[k], first, width))
            .collect();
        let g = &mut self.g;
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
        let g = &mut self.g;
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

/// Where entries are read: in each panel the elements of all that is swept, with their lanes.
struct Reads {
    /// For each panel the places of its entries, which are in their order.
    places: Vec<Vec<i64>>,
    /// The panel of each entry.
    panels: Vec<u32>,
}

impl Reads {
    fn new(pattern: &Pattern, seeds: &Seeds, width: usize) -> Self {
        let Colouring { colours, count } = &seeds.colouring;
        let mut places = vec![vec![]; count.div_ceil(width)];
        let mut panels: Vec<u32> = list_for(pattern.nnz());
        for (i, columns) in pattern.rows().enumerate() {
            for &j in columns {
                let across = seeds.mirrored.as_ref().is_some_and(|m| m[panels.len()]);
                let (element, vertex) = if across == (seeds.mode == Mode::Forward) {
                    (j as usize, i)
                } else {
                    (i, j as usize)
                };
                let colour = colours[vertex] as usize;
                places[colour / width].push((element * width + colour % width) as i64);
                panels.push((colour / width) as u32);
            }
            elements(columns.len());
        }
        Self { places, panels }
    }

    /// Where each entry is if the panels follow each other.
    fn order(&self) -> Vec<i64> {
        let mut end = 0;
        let starts = self.places.iter().map(|places| {
            end += places.len() as i64;
            end - places.len() as i64
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
