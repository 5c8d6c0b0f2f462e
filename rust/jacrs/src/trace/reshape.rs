//! Other shapes of an array: views where NumPy gives views.

use std::sync::Arc;

use super::leaf::broadcasts;
use super::storage::Span;
use super::{Handle, Recording, ViewId, order};
use crate::array::{Dims, Layout, Strides, product};
use crate::error::{Result, text};
use crate::ops::build;

impl Recording {
    fn part(&self, id: ViewId, offset: isize, layout: Layout) -> Span {
        let window = self.window(id);
        Span {
            storage: window.storage,
            offset,
            layout,
            hint: window.hint.clone(),
        }
    }

    /// `y.reshape(shape)` in C order: a view exactly where NumPy gives one, else a copy.
    pub fn reshape(&mut self, h: &mut Handle, shape: &[usize]) -> Result<Handle> {
        let size = product(self.shape(*h));
        if product(shape) != size {
            return Err(text::no_reshape(size, shape));
        }
        if self.is_unordered(*h) && !same_long_axes(self.shape(*h), shape) {
            return Ok(self.reshape_unordered(*h, shape));
        }
        let id = self.share(h);
        match self.window(id).layout.reshape(shape) {
            Some(layout) => {
                let locked = self.window(id).locked;
                let mut span = self.part(id, self.window(id).offset, layout);
                let storage = &self.storages[span.storage as usize];
                if size == product(&storage.frame.shape) && span.layout.is_contiguous() {
                    span.hint = Some(Arc::from(shape));
                }
                Ok(self.new_window(span, locked))
            }
            None => Ok(self.reshape_copy(*h, shape)),
        }
    }

    fn reshape_copy(&mut self, h: Handle, shape: &[usize]) -> Handle {
        let node = self.node(h);
        Handle::Value(build::reshape(&mut self.graph, node, shape))
    }

    /// Whether this is a view depends on a layout that is not known: it can be read, and neither
    /// it nor what it came from can be written to.
    fn reshape_unordered(&mut self, h: Handle, shape: &[usize]) -> Handle {
        let copy = self.reshape_copy(h, shape);
        let node = self.node(copy);
        let new = self.new_storage(node, Layout::contiguous(shape), false, None);
        for h in [h, new] {
            if let Handle::View(id) = h {
                let storage = self.window(id).storage;
                self.storages[storage as usize].guarded = true;
            }
        }
        new
    }

    /// `np.ravel(y)`: a view of what is in C order, else a copy.
    pub fn ravel(&mut self, h: &mut Handle) -> Result<Handle> {
        let layout = self.layout(*h);
        let flat = [product(&layout.shape)];
        if layout.is_contiguous() || self.is_unordered(*h) {
            return self.reshape(h, &flat);
        }
        Ok(self.reshape_copy(*h, &flat))
    }

    /// `np.transpose(y, perm)`: axis `i` of the result is axis `perm[i]`.
    pub fn transpose(&mut self, h: &mut Handle, perm: &[usize]) -> Result<Handle> {
        let ndim = self.shape(*h).len();
        if perm.len() != ndim {
            return Err(text::wrong_axes());
        }
        let mut seen: Dims = perm.into();
        seen.sort_unstable();
        if let Some(&axis) = perm.iter().find(|&&axis| axis >= ndim) {
            return Err(text::axis_out_of_bounds(axis as i64, ndim));
        }
        if seen.iter().copied().ne(0..ndim) {
            return Err(text::repeated_axis());
        }
        let id = self.share(h);
        let window = self.window(id);
        let (offset, layout, locked) =
            (window.offset, window.layout.transpose(perm), window.locked);
        let span = self.part(id, offset, layout);
        Ok(self.new_window(span, locked))
    }

    /// `np.broadcast_to(y, shape)`: a view that cannot be written to.
    pub fn broadcast_to(&mut self, h: &mut Handle, shape: &[usize]) -> Result<Handle> {
        if !broadcasts(self.shape(*h), shape) {
            return Err(text::no_remap(self.shape(*h), shape));
        }
        let id = self.share(h);
        let window = self.window(id);
        let locked = Some(window.locked.unwrap_or(text::REPEATED));
        let span = self.part(id, window.offset, window.layout.broadcast(shape));
        Ok(self.new_window(span, locked))
    }

    /// `np.diagonal(y, shift, first, second)`: a view that cannot be written to.
    pub fn diagonal(
        &mut self,
        h: &mut Handle,
        shift: i64,
        first: usize,
        second: usize,
    ) -> Result<Handle> {
        self.diagonal_locked(h, shift, first, second, Some(text::DIAGONAL))
    }

    /// `np.einsum("ii->i", y)`: the same view, through which can be written.
    pub fn diagonal_window(
        &mut self,
        h: &mut Handle,
        shift: i64,
        first: usize,
        second: usize,
    ) -> Result<Handle> {
        self.diagonal_locked(h, shift, first, second, None)
    }

    fn diagonal_locked(
        &mut self,
        h: &mut Handle,
        shift: i64,
        first: usize,
        second: usize,
        lock: Option<&'static str>,
    ) -> Result<Handle> {
        let ndim = self.shape(*h).len();
        if ndim < 2 {
            return Err(text::no_diagonal());
        }
        if let Some(&axis) = [first, second].iter().find(|&&axis| axis >= ndim) {
            return Err(text::axis_out_of_bounds(axis as i64, ndim));
        }
        if first == second {
            return Err(text::same_axes());
        }
        let id = self.share(h);
        let window = self.window(id);
        let Layout { shape, strides } = &window.layout;
        let (rows, columns) = (shape[first] as i64, shape[second] as i64);
        let (down, right) = ((-shift).max(0), shift.max(0));
        let length = (rows - down).min(columns - right).max(0);
        let mut offset = window.offset;
        if length > 0 {
            offset += strides[first] * down as isize + strides[second] * right as isize;
        }
        let others = |axis: &usize| *axis != first && *axis != second;
        let mut part = Layout {
            shape: (0..ndim).filter(others).map(|a| shape[a]).collect::<Dims>(),
            strides: (0..ndim)
                .filter(others)
                .map(|a| strides[a])
                .collect::<Strides>(),
        };
        part.shape.push(length as usize);
        part.strides.push(strides[first] + strides[second]);
        let locked = window.locked.or(lock);
        let span = self.part(id, offset, part);
        Ok(self.new_window(span, locked))
    }
}

/// Whether two shapes differ by axes of length one alone.
fn same_long_axes(a: &[usize], b: &[usize]) -> bool {
    order::long_axes(a) == order::long_axes(b)
        && a.iter()
            .filter(|&&n| n != 1)
            .eq(b.iter().filter(|&&n| n != 1))
}
