//! Entries by seeds: columns that meet in no row share a lane (Curtis, Powell and Reid, "On the
//! estimation of sparse Jacobian matrices", J. Inst. Maths Applics 13, 1974), or rows that meet in
//! no column, in reverse.

use super::Pattern;
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
/// `groups` has a number below `count` for each column, if forward, or for each row, if in reverse:
/// in each row no two columns with an entry may have the same number, or in each column no two rows.
///
/// # Errors
/// If memory does not suffice.
pub fn seeded(
    recorded: &Graph,
    values: &[NodeId],
    [outputs, inputs]: [&[NodeId]; 2],
    pattern: &Pattern,
    mode: Mode,
    (groups, count): (&[u32], usize),
) -> Result<Entries> {
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
    for first in (0..count).step_by(PANEL) {
        let width = PANEL.min(count - first);
        let seeds = seeding.seeds(&names, groups, first, width);
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
    let places = places(pattern, mode, groups, &lengths, count);
    let places = seeding.table(Array::from_slice(&[places.len()], &places));
    let Seeding { mut g, tables } = seeding;
    let entries = build::gather(&mut g, compressed, places);
    g.outputs = [values, &[entries]].concat();
    Ok(Entries { graph: g, tables })
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

    /// For each name the lanes of the groups from `first` on: ones at the elements of a group.
    fn seeds(
        &mut self,
        names: &[NodeId],
        groups: &[u32],
        first: usize,
        width: usize,
    ) -> Vec<NodeId> {
        let mut start = 0;
        let seeds = names.iter().map(|&name| {
            let (dtype, mut shape, size) =
                (self.g.dtype(name), self.g.dims(name), self.g.size(name));
            let own = &groups[start..start + size];
            start += size;
            shape.push(width);
            let mut seeds: Vec<f64> = list_for(size * width);
            seeds.resize(size * width, 0.0);
            for (lanes, &group) in seeds.chunks_exact_mut(width).zip(own) {
                let lane = (group as usize).checked_sub(first);
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

/// Where each entry stands: panel after panel, in each the elements of the swept with their lanes.
fn places(
    pattern: &Pattern,
    mode: Mode,
    groups: &[u32],
    lengths: &[usize],
    count: usize,
) -> Vec<i64> {
    // The elements of all leaves are one after the other in a panel, so that leaves do not matter.
    let swept: usize = lengths.iter().sum();
    let place = |element: usize, group: u32| {
        let first = group as usize / PANEL * PANEL;
        let width = PANEL.min(count - first);
        (swept * first + element * width + group as usize - first) as i64
    };
    let mut places = list_for(pattern.nnz());
    for (i, columns) in pattern.rows().enumerate() {
        places.extend(columns.iter().map(|&j| match mode {
            Mode::Forward => place(i, groups[j as usize]),
            Mode::Reverse => place(j as usize, groups[i]),
        }));
        elements(columns.len());
    }
    places
}
