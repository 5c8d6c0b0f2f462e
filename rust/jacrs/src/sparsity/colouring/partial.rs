//! Partial distance-2 colouring: columns without a common row, or rows without a common column.

use super::order::Adjacency;
use super::{Colouring, Forbidden, NONE, Order};
use crate::error::Result;
use crate::interrupt::elements;
use crate::sparsity::Pattern;

/// Colours for the columns: in each row all entries have different ones (Gebremedhin, Manne and
/// Pothen 2005, Algorithm 3.1; Curtis, Powell and Reid 1974). Time is linear in the pairs of entries
/// with a common row; where these are very many the order is [`Order::Natural`], and rows know their
/// colours as sets of bits.
///
/// ```
/// use jacrs::sparsity::{Order, Pattern, columns};
/// let tridiagonal = Pattern::new((3, 3), vec![0, 2, 5, 7], vec![0, 1, 0, 1, 2, 1, 2])?;
/// assert_eq!(columns(&tridiagonal, Order::Natural)?.colours, [0, 1, 2]);
/// # Ok::<(), jacrs::error::Error>(())
/// ```
///
/// # Errors
/// If memory does not suffice.
pub fn columns(pattern: &Pattern, order: Order) -> Result<Colouring> {
    Ok(coloured(pattern, &pattern.transposed()?, order))
}

/// Colours for the rows: in each column all entries have different ones.
///
/// # Errors
/// If memory does not suffice.
pub fn rows(pattern: &Pattern, order: Order) -> Result<Colouring> {
    Ok(coloured(&pattern.transposed()?, pattern, order))
}

/// The columns of a pattern that is given both ways.
struct Intersections<'p> {
    by_rows: &'p Pattern,
    by_columns: &'p Pattern,
    /// For each column the number of the question in which it was last met.
    met: Vec<u64>,
    questions: u64,
}

impl Intersections<'_> {
    /// Calls `visit` with the columns in common rows, itself too, some several times.
    fn meeting(&self, column: u32, mut visit: impl FnMut(u32)) {
        for &row in self.by_columns.row(column as usize) {
            let others = self.by_rows.row(row as usize);
            for &other in others {
                visit(other);
            }
            elements(others.len());
        }
    }
}

impl Adjacency for Intersections<'_> {
    fn vertices(&self) -> usize {
        self.by_rows.shape().1
    }

    fn neighbours(&mut self, vertex: u32, visit: &mut dyn FnMut(u32)) {
        let mut met = std::mem::take(&mut self.met);
        met.resize(self.vertices(), 0);
        self.questions += 1;
        met[vertex as usize] = self.questions;
        self.meeting(vertex, |other| {
            if std::mem::replace(&mut met[other as usize], self.questions) < self.questions {
                visit(other);
            }
        });
        self.met = met;
    }
}

/// Pairs of entries in a row that may be gone through several times.
const MOST_PAIRS: u64 = 1 << 30;

fn coloured(by_rows: &Pattern, by_columns: &Pattern, order: Order) -> Colouring {
    let pairs = by_rows.rows().map(|row| (row.len() as u64).pow(2));
    if pairs.fold(0, u64::saturating_add) > MOST_PAIRS {
        return by_sets(by_rows, by_columns);
    }
    let mut graph = Intersections {
        by_rows,
        by_columns,
        met: vec![],
        questions: 0,
    };
    let mut colours = vec![NONE; graph.vertices()];
    let mut forbidden = Forbidden::new();
    for v in order.of(&mut graph) {
        graph.meeting(v, |other| forbidden.forbid(colours[other as usize], v));
        colours[v as usize] = forbidden.smallest(v);
    }
    Colouring {
        colours,
        count: forbidden.count(),
    }
}

/// The same in the natural order: for each row the colours that it has.
fn by_sets(by_rows: &Pattern, by_columns: &Pattern) -> Colouring {
    let mut had: Vec<Vec<u64>> = vec![vec![]; by_rows.shape().0];
    let mut count = 0;
    let colour = |rows: &[u32]| {
        let mut taken: Vec<u64> = vec![];
        for &row in rows {
            let set = &had[row as usize];
            taken.resize(taken.len().max(set.len()), 0);
            taken.iter_mut().zip(set).for_each(|(all, own)| *all |= own);
            elements(set.len());
        }
        let word = taken.iter().position(|&word| word != u64::MAX);
        let word = word.unwrap_or(taken.len());
        let bit = taken.get(word).map_or(0, |w| w.trailing_ones());
        for &row in rows {
            let set = &mut had[row as usize];
            set.resize(set.len().max(word + 1), 0);
            set[word] |= 1 << bit;
        }
        let colour = word as u32 * 64 + bit;
        count = count.max(colour as usize + 1);
        colour
    };
    let colours = by_columns.rows().map(colour).collect();
    Colouring { colours, count }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sets_give_the_colours_of_the_natural_order(
            table in prop::collection::vec(prop::collection::vec(prop::bool::weighted(0.2), 90), 0..12),
        ) {
            let (mut starts, mut columns) = (vec![0], vec![]);
            for row in &table {
                columns.extend((0..90).filter(|&j| row[j as usize]));
                starts.push(columns.len());
            }
            let by_rows = Pattern::new((table.len(), 90), starts, columns).unwrap();
            let by_columns = by_rows.transposed().unwrap();
            let other = coloured(&by_rows, &by_columns, Order::Natural);
            prop_assert_eq!(by_sets(&by_rows, &by_columns), other);
        }
    }

    #[test]
    fn a_full_matrix_is_coloured_in_no_time() {
        let n = 1500;
        let starts = (0..=n).map(|i| i * n).collect();
        let full =
            Pattern::new((n, n), starts, (0..n as u32).collect::<Vec<_>>().repeat(n)).unwrap();
        let colouring = columns(&full, Order::SmallestLast).unwrap();
        assert!(colouring.colours.iter().copied().eq(0..n as u32));
        assert_eq!(colouring.count, n);
    }
}
