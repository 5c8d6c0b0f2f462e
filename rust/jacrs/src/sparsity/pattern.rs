//! Boolean matrices: where a Jacobian may be other than zero.

use std::fmt;
use std::sync::Arc;

use crate::error::{Result, text};
use crate::interrupt::elements;
use crate::memory::list_for;

/// A boolean matrix by rows (CSR), never changed once made; a clone shares it.
///
/// Row `i` has its entries in the columns `columns()[starts()[i]..starts()[i + 1]]`, which ascend:
/// no entry is there twice.
///
/// ```
/// use jacrs::sparsity::Pattern;
/// let p = Pattern::new((2, 3), vec![0, 2, 3], vec![0, 2, 1])?;
/// assert_eq!((p.nnz(), p.row(0), p.contains(1, 2)), (3, &[0, 2][..], false));
/// assert_eq!(p.to_string(), "x.x\n.x.\n");
/// assert_eq!(p.transposed()?.row(2), [0]);
/// # Ok::<(), jacrs::error::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    shape: (usize, usize),
    starts: Vec<usize>,
    columns: Vec<u32>,
}

impl Pattern {
    /// A pattern of these parts.
    ///
    /// # Errors
    /// If they are none: `starts` must go from 0 to the number of entries, one more than there are
    /// rows, and the columns of each row ascend below the number of columns.
    pub fn new(shape: (usize, usize), starts: Vec<usize>, columns: Vec<u32>) -> Result<Self> {
        let (rows, width) = shape;
        let ends = starts.first() == Some(&0) && starts.last() == Some(&columns.len());
        if starts.len() != rows + 1 || !ends || starts.windows(2).any(|w| w[0] > w[1]) {
            return Err(text::no_pattern(
                "row pointers must ascend from 0 to the number of entries, one more than there are rows",
            ));
        }
        if width > u32::MAX as usize {
            return Err(text::too_many_columns(width));
        }
        for bounds in starts.windows(2) {
            let row = &columns[bounds[0]..bounds[1]];
            if row.windows(2).any(|w| w[0] >= w[1])
                || row.last().is_some_and(|&j| j as usize >= width)
            {
                return Err(text::no_pattern(
                    "the columns of each row must ascend, below the number of columns",
                ));
            }
            elements(row.len());
        }
        Ok(Self::of(shape, starts, columns))
    }

    /// The same of parts that are known to fit.
    pub(super) fn of(shape: (usize, usize), starts: Vec<usize>, columns: Vec<u32>) -> Self {
        Self(Arc::new(Parts {
            shape,
            starts,
            columns,
        }))
    }

    /// A pattern of rows, each given by its columns, which ascend.
    fn by_rows<R: AsRef<[u32]>>(width: usize, rows: impl Iterator<Item = R>) -> Self {
        let (mut starts, mut columns) = (vec![0], vec![]);
        for row in rows {
            columns.extend_from_slice(row.as_ref());
            elements(row.as_ref().len());
            starts.push(columns.len());
        }
        Self::of((starts.len() - 1, width), starts, columns)
    }

    /// Ones on the diagonal.
    pub fn identity(n: usize) -> Self {
        Self::of((n, n), (0..=n).collect(), (0..n as u32).collect())
    }

    /// No entry.
    pub fn empty(shape: (usize, usize)) -> Self {
        Self::of(shape, vec![0; shape.0 + 1], vec![])
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        self.0.shape
    }

    /// How many entries there are.
    pub fn nnz(&self) -> usize {
        self.0.columns.len()
    }

    /// Where each row starts among the entries, and where the last one ends.
    pub fn starts(&self) -> &[usize] {
        &self.0.starts
    }

    /// The columns of all entries, row by row.
    pub fn columns(&self) -> &[u32] {
        &self.0.columns
    }

    /// The columns of row `i`.
    pub fn row(&self, i: usize) -> &[u32] {
        &self.0.columns[self.0.starts[i]..self.0.starts[i + 1]]
    }

    /// All rows, one after the other.
    pub fn rows(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.0.shape.0).map(|i| self.row(i))
    }

    pub fn contains(&self, i: usize, j: usize) -> bool {
        u32::try_from(j).is_ok_and(|j| self.row(i).binary_search(&j).is_ok())
    }

    /// Whether every entry is one of `other`, which has the same shape.
    pub fn is_within(&self, other: &Self) -> bool {
        let inside = |(a, b): (&[u32], &[u32])| a.iter().all(|j| b.binary_search(j).is_ok());
        self.shape() == other.shape() && self.rows().zip(other.rows()).all(inside)
    }

    /// The entries, given by row and column, that are to be kept.
    pub(super) fn filtered(&self, keep: impl Fn(usize, u32) -> bool) -> Self {
        let rows = self.rows().enumerate().map(|(i, row)| {
            let row = row.iter().copied().filter(|&j| keep(i, j));
            row.collect::<Vec<u32>>()
        });
        Self::by_rows(self.shape().1, rows)
    }

    /// How many entries each column has.
    pub fn column_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.shape().1];
        for &j in self.columns() {
            counts[j as usize] += 1;
        }
        counts
    }

    /// The farthest entry below the diagonal, and the farthest above.
    pub fn bandwidth(&self) -> (usize, usize) {
        let (mut lower, mut upper) = (0, 0);
        for (i, row) in self.rows().enumerate() {
            if let (Some(&first), Some(&last)) = (row.first(), row.last()) {
                lower = lower.max(i.saturating_sub(first as usize));
                upper = upper.max((last as usize).saturating_sub(i));
            }
        }
        (lower, upper)
    }

    /// Columns as rows. Linear in entries, rows and columns (Gustavson, "Two fast algorithms for
    /// sparse matrices: multiplication and permuted transposition", ACM TOMS 4, 1978).
    ///
    /// # Errors
    /// If there are more rows than a pattern may have columns.
    pub fn transposed(&self) -> Result<Self> {
        let (rows, width) = self.shape();
        if rows > u32::MAX as usize {
            return Err(text::too_many_columns(rows));
        }
        let mut starts = vec![0; width + 1];
        for &j in self.columns() {
            starts[j as usize + 1] += 1;
        }
        for j in 0..width {
            starts[j + 1] += starts[j];
        }
        let mut next = starts.clone();
        let mut columns: Vec<u32> = list_for(self.nnz());
        columns.resize(self.nnz(), 0);
        for (i, row) in self.rows().enumerate() {
            for &j in row {
                columns[next[j as usize]] = i as u32;
                next[j as usize] += 1;
            }
            elements(row.len());
        }
        Ok(Self::of((width, rows), starts, columns))
    }

    /// What is in one or the other.
    ///
    /// # Errors
    /// If the shapes differ.
    pub fn union(&self, other: &Self) -> Result<Self> {
        if self.shape() != other.shape() {
            return Err(text::unlike_patterns("united", self.shape(), other.shape()));
        }
        let rows = self.rows().zip(other.rows()).map(|(a, b)| {
            let mut row = [a, b].concat();
            row.sort_unstable();
            row.dedup();
            row
        });
        Ok(Self::by_rows(self.shape().1, rows))
    }

    /// The matrix product, in which true and true is true: row `i` is the union of the rows of
    /// `other` that row `i` names. The pattern of a composition is within that of its parts.
    ///
    /// # Errors
    /// If there are not as many rows in `other` as columns here.
    pub fn product(&self, other: &Self) -> Result<Self> {
        if self.shape().1 != other.shape().0 {
            return Err(text::unlike_patterns(
                "multiplied",
                self.shape(),
                other.shape(),
            ));
        }
        // The row in which a column was last seen.
        let mut seen = vec![usize::MAX; other.shape().1];
        let rows = self.rows().enumerate().map(|(i, row)| {
            let mut made: Vec<u32> = vec![];
            for &j in row.iter().flat_map(|&k| other.row(k as usize)) {
                if std::mem::replace(&mut seen[j as usize], i) != i {
                    made.push(j);
                }
            }
            made.sort_unstable();
            made
        });
        Ok(Self::by_rows(other.shape().1, rows))
    }

    /// These rows, in this order, any of them any number of times.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn gathered(&self, rows: &[usize]) -> Self {
        Self::by_rows(self.shape().1, rows.iter().map(|&i| self.row(i)))
    }
}

impl fmt::Display for Pattern {
    /// A line for each row, with `x` for an entry and `.` for none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in self.rows() {
            let mut line = vec!['.'; self.shape().1];
            for &j in row {
                line[j as usize] = 'x';
            }
            writeln!(f, "{}", line.into_iter().collect::<String>())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, columns) = self.shape();
        write!(f, "Pattern({rows} x {columns}, {} entries)", self.nnz())
    }
}
