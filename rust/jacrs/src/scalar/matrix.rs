//! The small dense matrix that drivers give.

use crate::error::{Result, text};
use std::ops::{Index, IndexMut};

/// A dense matrix, row after row.
///
/// ```
/// use jacrs::Matrix;
/// let m = Matrix::from_rows(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
/// assert_eq!(m.shape(), (2, 3));
/// assert_eq!(m[(1, 0)], 4.0);
/// assert_eq!(m.row(0), [1.0, 2.0, 3.0]);
/// assert_eq!(m.into_vec().len(), 6);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix<T = f64> {
    rows: usize,
    columns: usize,
    data: Vec<T>,
}

impl<T: Copy> Matrix<T> {
    /// A matrix with the same value everywhere.
    pub fn filled(rows: usize, columns: usize, value: T) -> Self {
        let data = vec![value; rows * columns];
        Self {
            rows,
            columns,
            data,
        }
    }

    /// A matrix of numbers given row after row.
    ///
    /// # Errors
    /// There are not `rows * columns` of them.
    pub fn from_rows(rows: usize, columns: usize, data: Vec<T>) -> Result<Self> {
        if rows.checked_mul(columns) != Some(data.len()) {
            return Err(text::wrong_matrix_size(rows, columns, data.len()));
        }
        Ok(Self {
            rows,
            columns,
            data,
        })
    }

    /// Numbers of rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// One row.
    ///
    /// # Panics
    /// There is no such row.
    pub fn row(&self, i: usize) -> &[T] {
        assert!(i < self.rows, "row {i} of a matrix with {} rows", self.rows);
        &self.data[i * self.columns..(i + 1) * self.columns]
    }

    /// All numbers, row after row.
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }

    /// All numbers, row after row.
    pub fn into_vec(self) -> Vec<T> {
        self.data
    }

    fn place(&self, (i, j): (usize, usize)) -> usize {
        assert!(
            i < self.rows && j < self.columns,
            "entry ({i}, {j}) of a matrix of shape ({}, {})",
            self.rows,
            self.columns
        );
        i * self.columns + j
    }
}

impl<T: Copy> Index<(usize, usize)> for Matrix<T> {
    type Output = T;
    fn index(&self, at: (usize, usize)) -> &T {
        &self.data[self.place(at)]
    }
}

impl<T: Copy> IndexMut<(usize, usize)> for Matrix<T> {
    fn index_mut(&mut self, at: (usize, usize)) -> &mut T {
        let place = self.place(at);
        &mut self.data[place]
    }
}
