//! Star bicolouring: some entries are read from products with columns, the others from products with
//! rows.

use super::{Colouring, NONE, Order, columns, rows};
use crate::error::Result;
use crate::interrupt::elements;
use crate::memory::list_for;
use crate::sparsity::Pattern;

/// A lane in reverse counts as so many forward, as in `Mode::choose`.
const REVERSE: usize = 2;

/// Colours for columns and for rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bicolouring {
    pub columns: Colouring,
    pub rows: Colouring,
    /// For each entry, row by row, whether it is read from the product with the colour of its row, and
    /// not of its column.
    pub reverse: Vec<bool>,
}

/// Colours for the columns and for the rows of a pattern, such that each entry stands alone in a
/// product with one or the other, and with few products in all, those in reverse counted twice.
///
/// Columns and rows that are not neutral cover all entries (Hossain and Steihaug, "Computing a sparse
/// Jacobian matrix by rows and columns", Optimization Methods and Software 10, 1998; Coleman and
/// Verma, "The efficient computation of sparse Jacobian matrices using automatic differentiation",
/// SIAM J. Sci. Comput. 19, 1998; Gebremedhin, Manne and Pothen 2005, on bidirectional
/// determination). The cover is found by counts alone: rows with at most `t` entries are read forward;
/// of the others the columns with more than `s` entries are dense, and read forward in all rows; what
/// is left is read in reverse. `t` and `s` are those that promise least. Each of the three parts is
/// coloured by [`columns`] or [`rows`].
///
/// ```
/// use jacrs::sparsity::{Order, Pattern, bicolouring};
/// // The first variable with all others: an arrow.
/// let starts = vec![0, 5, 7, 9, 11, 13];
/// let arrow = Pattern::new((5, 5), starts, vec![0, 1, 2, 3, 4, 0, 1, 0, 2, 0, 3, 0, 4])?;
/// let found = bicolouring(&arrow, Order::Natural)?;
/// assert_eq!((found.columns.count, found.rows.count), (2, 1));
/// # Ok::<(), jacrs::error::Error>(())
/// ```
///
/// # Errors
/// If memory does not suffice, or there are more rows than a pattern may have columns.
pub fn bicolouring(pattern: &Pattern, order: Order) -> Result<Bicolouring> {
    let cover = Cover::of(pattern);
    let part = |wanted: Part| pattern.filtered(|i, j| cover.part(i, j) == wanted);
    let (sparse, dense) = (part(Part::SparseRows), part(Part::DenseColumns));
    let left = part(Part::Left);
    let in_columns = |part: &Pattern| Ok(neutral(columns(part, order)?, part.column_counts()));
    let counts = left.rows().map(<[u32]>::len);
    let mut reverse = list_for(pattern.nnz());
    for (i, row) in pattern.rows().enumerate() {
        reverse.extend(row.iter().map(|&j| cover.part(i, j) == Part::Left));
        elements(row.len());
    }
    Ok(Bicolouring {
        columns: together(in_columns(&sparse)?, &in_columns(&dense)?),
        rows: neutral(rows(&left, order)?, counts),
        reverse,
    })
}

/// What [`bicolouring`] promises to cost, in lanes forward.
pub fn promised(pattern: &Pattern) -> usize {
    Cover::of(pattern).cost
}

/// The colouring without vertices that have no entries.
fn neutral(mut of: Colouring, entries: impl IntoIterator<Item = usize>) -> Colouring {
    let mut count = 0;
    for (colour, entries) in of.colours.iter_mut().zip(entries) {
        if entries == 0 {
            *colour = NONE;
        } else {
            count = count.max(*colour as usize + 1);
        }
    }
    Colouring { count, ..of }
}

/// Two colourings of which one is neutral where the other is not.
fn together(mut own: Colouring, others: &Colouring) -> Colouring {
    for (colour, &other) in own.colours.iter_mut().zip(&others.colours) {
        if other != NONE {
            *colour = own.count as u32 + other;
        }
    }
    own.count += others.count;
    own
}

/// Where an entry is: the last part is read in reverse.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    DenseColumns,
    SparseRows,
    Left,
}

/// Which columns and rows have all entries.
struct Cover {
    dense_rows: Vec<bool>,
    dense_columns: Vec<bool>,
    cost: usize,
}

impl Cover {
    fn of(pattern: &Pattern) -> Self {
        let count = |&i: &u32| pattern.row(i as usize).len();
        let mut rows: Vec<u32> = (0..pattern.shape().0 as u32).collect();
        rows.sort_by_key(|i| std::cmp::Reverse(count(i)));
        // All forward, then row after row in reverse.
        let mut cost = rows.first().map_or(0, count);
        let (mut t, mut s) = (cost, 0);
        let mut tally = Tally::new(pattern.shape().1);
        let mut done = 0;
        for group in rows.chunk_by(|a, b| count(a) == count(b)) {
            for &i in group {
                tally.add(pattern.row(i as usize));
            }
            done += group.len();
            let next = rows.get(done).map_or(0, count);
            if let Some(found) = tally.cheapest(cost.saturating_sub(next)) {
                (cost, t, s) = (next + found.0, next, found.1);
            }
        }
        let dense_rows: Vec<bool> = pattern.rows().map(|row| row.len() > t).collect();
        let mut tally = Tally::new(pattern.shape().1);
        for (row, _) in pattern.rows().zip(&dense_rows).filter(|(_, dense)| **dense) {
            tally.add(row);
        }
        Self {
            dense_rows,
            dense_columns: tally.counts.iter().map(|&n| n > s).collect(),
            cost,
        }
    }

    fn part(&self, i: usize, j: u32) -> Part {
        match (self.dense_columns[j as usize], self.dense_rows[i]) {
            (true, _) => Part::DenseColumns,
            (false, false) => Part::SparseRows,
            (false, true) => Part::Left,
        }
    }
}

/// How many entries columns have in some rows.
struct Tally {
    counts: Vec<usize>,
    /// How many columns have so many, at least one.
    having: Vec<usize>,
    /// How many have any.
    used: usize,
}

impl Tally {
    fn new(columns: usize) -> Self {
        Self {
            counts: vec![0; columns],
            having: vec![0],
            used: 0,
        }
    }

    /// One row more.
    fn add(&mut self, row: &[u32]) {
        for &j in row {
            let count = &mut self.counts[j as usize];
            match *count {
                0 => self.used += 1,
                before => self.having[before] -= 1,
            }
            *count += 1;
            if self.having.len() == *count {
                self.having.push(0);
            }
            self.having[*count] += 1;
        }
        elements(row.len());
    }

    /// What the rows cost at least if columns with more than `s` entries are read forward, and `s`; if
    /// it is less than so much.
    fn cheapest(&self, limit: usize) -> Option<(usize, usize)> {
        let (mut best, mut forward) = (None, self.used);
        let mut limit = limit;
        for (s, having) in self.having.iter().enumerate() {
            if REVERSE * s >= limit {
                break;
            }
            forward -= having;
            let cost = forward + REVERSE * s;
            if cost < limit {
                (best, limit) = (Some((cost, s)), cost);
            }
            elements(1);
        }
        best
    }
}
