//! The adjacency graph of a symmetric pattern: an edge for each entry and its twin across the
//! diagonal.

use super::Colouring;
use super::order::Adjacency;
use crate::interrupt::elements;
use crate::memory::list_for;
use crate::sparsity::Pattern;

/// Neighbours are entries beside the diagonal.
pub struct Edges<'p> {
    pub pattern: &'p Pattern,
}

impl<'p> Edges<'p> {
    pub fn of(&self, v: u32) -> impl Iterator<Item = u32> + use<'p> {
        self.at(v).map(|(w, _)| w)
    }

    /// Neighbours with the places of their entries in the row of `v`.
    pub fn at(&self, v: u32) -> impl Iterator<Item = (u32, usize)> + use<'p> {
        let row = self.pattern.row(v as usize);
        elements(row.len());
        let places = self.pattern.starts()[v as usize]..;
        row.iter()
            .copied()
            .zip(places)
            .filter(move |&(w, _)| w != v)
    }
}

impl Adjacency for Edges<'_> {
    fn vertices(&self) -> usize {
        self.pattern.shape().0
    }

    fn neighbours(&mut self, vertex: u32, visit: &mut dyn FnMut(u32)) {
        self.of(vertex).for_each(visit);
    }
}

/// For each entry `(i, j)` of a symmetric pattern, row by row, which one `(j, i)` is.
pub fn twins(pattern: &Pattern) -> Vec<usize> {
    // Row `j` is met from its columns in their order.
    let mut next = pattern.starts().to_vec();
    let mut twins = list_for(pattern.nnz());
    for row in pattern.rows() {
        twins.extend(row.iter().map(|&j| {
            let place = &mut next[j as usize];
            *place += 1;
            *place - 1
        }));
        elements(row.len());
    }
    twins
}

/// For each entry, row by row, whether its column has a colour that no other column with an entry in
/// the row has. A neutral column has none.
pub fn alone(pattern: &Pattern, colouring: &Colouring) -> Vec<bool> {
    let colours = &colouring.colours;
    let mut counts: Vec<(usize, u32)> = vec![(usize::MAX, 0); colouring.count];
    let mut alone = list_for(pattern.nnz());
    for (i, row) in pattern.rows().enumerate() {
        for &j in row {
            if let Some(entry) = counts.get_mut(colours[j as usize] as usize) {
                *entry = (i, if entry.0 == i { entry.1 + 1 } else { 1 });
            }
        }
        alone.extend(row.iter().map(|&j| {
            let entry = counts.get(colours[j as usize] as usize);
            entry.is_some_and(|entry| entry.1 == 1)
        }));
        elements(row.len());
    }
    alone
}
