//! Products of matrices and arrays side by side, in every form that NumPy takes.

use super::Recording;
use super::leaf::common_shape;
use crate::array::{DType, Dims};
use crate::error::{Result, text};
use crate::ir::{Graph, Guard, NodeId};
use crate::ops::{Fun, build};

impl Recording {
    /// `np.matmul(a, b)`.
    ///
    /// ```
    /// use jacrs::array::Array;
    /// use jacrs::trace::Recording;
    /// let mut r = Recording::new();
    /// let a = r.argument(Array::from_slice(&[2, 3], &[1.0, 0.0, 2.0, 0.0, 1.0, 0.0]), true);
    /// let v = r.argument(Array::from_slice(&[3], &[1.0, 2.0, 3.0]), true);
    /// let (a, v) = (r.node(a), r.node(v));
    /// let y = r.matmul(a, v).unwrap();
    /// assert_eq!(r.value(y).unwrap().to_vec::<f64>(), [7.0, 2.0]);
    /// ```
    pub fn matmul(&mut self, a: NodeId, b: NodeId) -> Result<NodeId> {
        for (k, x) in [a, b].into_iter().enumerate() {
            if self.graph.shape(x).is_empty() {
                return Err(text::no_matrix(k));
            }
        }
        let (sa, sb) = (self.graph.dims(a), self.graph.dims(b));
        let row: Dims = if sa.len() == 1 {
            [1, sa[0]].as_slice().into()
        } else {
            sa.clone()
        };
        let column: Dims = if sb.len() == 1 {
            [sb[0], 1].as_slice().into()
        } else {
            sb.clone()
        };
        let (la, lb) = (row.len() - 2, column.len() - 2);
        if row[la + 1] != column[lb] {
            return Err(text::no_product(column[lb], row[la + 1]));
        }
        let Some(lead) = common_shape([&row[..la], &column[..lb]].into_iter()) else {
            return Err(text::no_batch(&row, &column));
        };
        let g = &mut self.graph;
        let (a, b) = (build::reshape(g, a, &row), build::reshape(g, b, &column));
        let full = |core: &[usize]| lead.iter().chain(core).copied().collect::<Dims>();
        let (a, b) = (
            build::broadcast(g, a, &full(&row[la..])),
            build::broadcast(g, b, &full(&column[lb..])),
        );
        let y = product(g, a, b);
        let keep_row = (sa.len() > 1).then_some(row[la]);
        let keep_column = (sb.len() > 1).then_some(column[lb + 1]);
        let core: Dims = keep_row.into_iter().chain(keep_column).collect();
        Ok(build::reshape(g, y, &full(&core)))
    }

    /// `np.dot(a, b)`: a multiplication if either is 0-d, else over the last axis of `a` and the
    /// last but one of `b`.
    pub fn dot(&mut self, a: NodeId, b: NodeId) -> Result<NodeId> {
        use super::Weak;
        let (sa, sb) = (self.graph.dims(a), self.graph.dims(b));
        if sa.is_empty() || sb.is_empty() {
            return self.map(Fun::Mul, &[(a, Weak::None), (b, Weak::None)]);
        }
        let (last, inner) = (sa.len() - 1, sb.len().saturating_sub(2));
        if sa[last] != sb[inner] {
            return Err(text::not_aligned((&sa, last), (&sb, inner)));
        }
        if sa.len() <= 2 && sb.len() <= 2 {
            return self.matmul(a, b);
        }
        let k = sa[last];
        let rows: usize = sa[..last].iter().product();
        let rest: Dims = (0..sb.len())
            .filter(|&axis| axis != inner)
            .map(|axis| sb[axis])
            .collect();
        let columns: usize = rest.iter().product();
        let g = &mut self.graph;
        let a = build::reshape(g, a, &[rows, k]);
        let b = build::move_axis(g, b, inner, 0);
        let b = build::reshape(g, b, &[k, columns]);
        let y = product(g, a, b);
        let shape: Dims = sa[..last].iter().chain(&rest).copied().collect();
        Ok(build::reshape(g, y, &shape))
    }

    /// `np.concatenate(parts, axis)`.
    pub fn concatenate(&mut self, parts: &[NodeId], axis: i64) -> Result<NodeId> {
        let Some(&first) = parts.first() else {
            return Err(text::nothing_to_concatenate());
        };
        let shape = self.graph.dims(first);
        if shape.is_empty() {
            return Err(text::no_axis_to_concatenate());
        }
        let axis = on_axis(axis, shape.len())?;
        for (k, &part) in parts.iter().enumerate().skip(1) {
            check_beside(&shape, self.graph.shape(part), axis, k)?;
        }
        let dtype = self.meet(parts);
        let parts: Vec<NodeId> = parts.iter().map(|&x| self.cast(x, dtype)).collect();
        Ok(build::concat(&mut self.graph, &parts, axis))
    }

    /// `np.stack(parts, axis)`; so also `np.array` of a list.
    pub fn stack(&mut self, parts: &[NodeId], axis: i64) -> Result<NodeId> {
        let Some(&first) = parts.first() else {
            return Err(text::nothing_to_stack());
        };
        let shape = self.graph.dims(first);
        if parts
            .iter()
            .any(|&x| self.graph.shape(x) != shape.as_slice())
        {
            return Err(text::different_shapes());
        }
        let axis = on_axis(axis, shape.len() + 1)?;
        let dtype = self.meet(parts);
        let parts: Vec<NodeId> = parts.iter().map(|&x| self.cast(x, dtype)).collect();
        let full: Dims = std::iter::once(parts.len()).chain(shape).collect();
        let stacked = self.pack(&parts, &full);
        Ok(build::move_axis(&mut self.graph, stacked, 0, axis))
    }

    fn meet(&self, parts: &[NodeId]) -> DType {
        let mut dtypes = parts.iter().map(|&x| self.graph.dtype(x));
        let first = dtypes.next().unwrap_or(DType::F64);
        dtypes.fold(first, DType::promote)
    }
}

/// `[..., m, k] @ [..., k, n]` after promotion; of truth values: whether any product is true.
fn product(g: &mut Graph, a: NodeId, b: NodeId) -> NodeId {
    let dtype = g.dtype(a).promote(g.dtype(b));
    let inner = if dtype == DType::Bool {
        DType::I64
    } else {
        dtype
    };
    let (a, b) = (build::cast(g, a, inner), build::cast(g, b, inner));
    let y = build::matmul(g, a, b, Guard::Off);
    build::cast(g, y, dtype)
}

fn on_axis(axis: i64, ndim: usize) -> Result<usize> {
    let n = ndim as i64;
    if (-n..n).contains(&axis) {
        Ok(axis.rem_euclid(n) as usize)
    } else {
        Err(text::axis_out_of_bounds(axis, ndim))
    }
}

fn check_beside(first: &[usize], other: &[usize], axis: usize, k: usize) -> Result<()> {
    if other.is_empty() {
        return Err(text::no_axis_to_concatenate());
    }
    if first.len() != other.len() {
        return Err(text::different_ndim(first.len(), k, other.len()));
    }
    match (0..first.len()).find(|&a| a != axis && first[a] != other[a]) {
        None => Ok(()),
        Some(a) => Err(text::different_lengths(a, first[a], k, other[a])),
    }
}
