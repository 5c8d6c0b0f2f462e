//! Partial distance-2 colouring: columns without a common row, or rows without a common column.

use super::order::Adjacency;
use super::{Colouring, Forbidden, NONE, Order};
use crate::error::Result;
use crate::interrupt::elements;
use crate::sparsity::Pattern;

/// Colours for the columns: in each row all entries have different ones (Gebremedhin, Manne and
/// Pothen 2005, Algorithm 3.1; Curtis, Powell and Reid 1974).
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

fn coloured(by_rows: &Pattern, by_columns: &Pattern, order: Order) -> Colouring {
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
