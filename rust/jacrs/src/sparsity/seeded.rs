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
use crate::ops::build;

/// Lanes at a time: what is between has so many numbers for each of its elements.
const PANEL: usize = 64;

/// The entries of the Jacobian of some outputs by some inputs from products with seeds.
///
/// The colours are those of columns, if forward, or of rows, if in reverse.
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
    let Seeds {
        mode, colouring, ..
    } = seeds;
    let Colouring { colours, count } = colouring;

    let mut seeding = Seeding {
        g: recorded.clone(),
        tables: vec![],
    };
    let (seeded, swept) = match mode {
        Mode::Forward => (inputs, outputs),
        Mode::Reverse => (outputs, inputs),
    };
    let g = &mut seeding.g;
    let names: Vec<NodeId> = seeded.iter().map(|&x| stand_in(g, x)).collect();
    let given: Vec<_> = names.iter().copied().map(Some).collect();
    let products = match mode {
        Mode::Forward => jvp(g, outputs, inputs, &given),
        Mode::Reverse => vjp(g, outputs, inputs, &given),
    };
    let dtypes = outputs.iter().map(|&y| g.dtype(y));
    let dtype = dtypes.reduce(DType::promote).unwrap_or(DType::F64);
    let present: Vec<NodeId> = products.iter().flatten().copied().collect();
    let lengths: Vec<usize> = swept.iter().map(|&x| g.size(x)).collect();
    let mut parts = vec![];
    for first in (0..*count).step_by(PANEL) {
        let width = PANEL.min(count - first);
        let seeds = seeding.seeds(&names, colours, first, width);
        let lanes = batch(&mut seeding.g, &present, &names, &seeds, width)?;
        let mut lanes = lanes.into_iter();
        for (product, &length) in products.iter().zip(&lengths) {
            let lane = product.and_then(|_| lanes.next());
            parts.push(seeding.flat(lane, length, width, dtype));
        }
    }
    let g = &mut seeding.g;
    let compressed = if parts.is_empty() {
        build::constant(g, dtype, &[0], 0.0)
    } else {
        build::concat(g, &parts, 0)
    };
    let places = places(pattern, seeds, lengths.iter().sum());
    let places = seeding.table(Array::from_slice(&[places.len()], &places));
    let Seeding { mut g, tables } = seeding;
    let entries = build::gather(&mut g, compressed, places);
    g.outputs = [values, &[entries]].concat();
    Ok(Entries { graph: g, tables })
}

/// What seeds are made of.
pub struct Seeds {
    pub mode: Mode,
    pub colouring: Colouring,
    /// For each entry of a symmetric pattern whether it is read as that of the other triangle.
    pub mirrored: Option<Vec<bool>>,
}

fn stand_in(g: &mut Graph, like: NodeId) -> NodeId {
    let shape = g.dims(like);
    g.placeholder(g.dtype(like), &shape, true)
}

struct Seeding {
    g: Graph,
    tables: Vec<Array>,
}

impl Seeding {
    /// A table more, as an input.
    fn table(&mut self, table: Array) -> NodeId {
        let node = self.g.input(table.dtype(), table.shape(), false);
        self.tables.push(table);
        node
    }

    /// For each name the lanes of the colours from `first` on: ones at the elements of a colour.
    fn seeds(
        &mut self,
        names: &[NodeId],
        colours: &[u32],
        first: usize,
        width: usize,
    ) -> Vec<NodeId> {
        let mut start = 0;
        let seeds = names.iter().map(|&name| {
            let (dtype, mut shape, size) =
                (self.g.dtype(name), self.g.dims(name), self.g.size(name));
            let own = &colours[start..start + size];
            start += size;
            shape.push(width);
            let mut seeds: Vec<f64> = list_for(size * width);
            seeds.resize(size * width, 0.0);
            for (lanes, &colour) in seeds.chunks_exact_mut(width).zip(own) {
                let lane = (colour as usize).checked_sub(first);
                if let Some(lane) = lane.and_then(|k| lanes.get_mut(k)) {
                    *lane = 1.0;
                }
            }
            elements(size * width);
            let table = self.table(Array::from_slice(&shape, &seeds));
            build::cast(&mut self.g, table, dtype)
        });
        seeds.collect()
    }

    /// A product in lanes as numbers side by side; zeros where there is none.
    fn flat(
        &mut self,
        lane: Option<(NodeId, bool)>,
        length: usize,
        width: usize,
        dtype: DType,
    ) -> NodeId {
        let g = &mut self.g;
        match lane {
            Some((product, true)) => {
                let product = build::reshape(g, product, &[length * width]);
                build::cast(g, product, dtype)
            }
            _ => build::constant(g, dtype, &[length * width], 0.0),
        }
    }
}

/// Where each entry stands: panel after panel, in each the elements of all that is swept with their
/// lanes.
fn places(pattern: &Pattern, seeds: &Seeds, swept: usize) -> Vec<i64> {
    let Colouring { colours, count } = &seeds.colouring;
    let place = |element: usize, vertex: usize| {
        let colour = colours[vertex] as usize;
        let first = colour / PANEL * PANEL;
        let width = PANEL.min(count - first);
        (swept * first + element * width + colour - first) as i64
    };
    let mut places: Vec<i64> = list_for(pattern.nnz());
    for (i, columns) in pattern.rows().enumerate() {
        for &j in columns {
            let across = seeds.mirrored.as_ref().is_some_and(|m| m[places.len()]);
            places.push(if across == (seeds.mode == Mode::Forward) {
                place(j as usize, i)
            } else {
                place(i, j as usize)
            });
        }
        elements(columns.len());
    }
    places
}
