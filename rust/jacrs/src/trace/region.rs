//! Strided windows as boxes: the slice, permutation and reshape that read or write one.

use crate::array::{Dims, Layout, Strides, product};
use crate::ir::{Graph, NodeId};
use crate::ops::build;

use super::storage::coordinates;

/// A box in a frame of the memory whose axes, permuted, are those of a window.
#[derive(Debug)]
pub(super) struct Region {
    /// `start, step` for each axis of the frame.
    list: Vec<i64>,
    /// The lengths along the axes of the frame.
    part: Dims,
    /// For each axis of the window that has steps, the axis of the frame along which it steps.
    axes: Dims,
}

impl Region {
    /// How a window lies in a frame, if it is a box there.
    pub fn find(frame: &Layout, offset: isize, layout: &Layout) -> Option<Self> {
        let start = coordinates(frame, offset as usize);
        let mut list: Vec<i64> = start.iter().flat_map(|&c| [c as i64, 1]).collect();
        let mut part: Dims = Dims::from_elem(1, frame.shape.len());
        let mut axes = Dims::new();
        for (&n, &stride) in layout.shape.iter().zip(&layout.strides) {
            if n == 1 || stride == 0 {
                continue;
            }
            let axis = carrier(frame, stride)?;
            if part[axis] != 1 {
                return None;
            }
            let step = (stride / frame.strides[axis]) as i64;
            let last = start[axis] as i64 + step * (n as i64 - 1);
            if !(0..frame.shape[axis] as i64).contains(&last) {
                return None;
            }
            part[axis] = n;
            list[2 * axis + 1] = step;
            axes.push(axis);
        }
        Some(Self { list, part, axes })
    }

    /// A frame of `size` elements made for a window: one axis for each of its own.
    pub fn split(layout: &Layout, size: usize) -> Option<Layout> {
        let mut strides: Vec<usize> = (layout.shape.iter().zip(&layout.strides))
            .filter(|&(&n, &s)| n > 1 && s != 0)
            .map(|(_, s)| s.unsigned_abs())
            .collect();
        strides.sort_unstable_by_key(|&s| std::cmp::Reverse(s));
        // The innermost axis may step; the others need an axis that is as long as their stride.
        if let Some(last) = strides.last_mut() {
            *last = 1;
        }
        let mut shape = Dims::new();
        let mut outer = size;
        for stride in strides {
            if !outer.is_multiple_of(stride) {
                return None;
            }
            shape.push(outer / stride);
            outer = stride;
        }
        Some(Layout::contiguous(&shape)).filter(|l| product(&l.shape) == size)
    }

    /// The axes of the frame in the order of the window, those without steps first.
    fn order(&self) -> Dims {
        let rest = (0..self.part.len()).filter(|axis| !self.axes.contains(axis));
        rest.chain(self.axes.iter().copied()).collect()
    }

    fn is_ordered(&self) -> bool {
        self.axes.windows(2).all(|w| w[0] < w[1])
    }

    /// The window's content, out of the content of the frame.
    pub fn read(&self, g: &mut Graph, whole: NodeId, layout: &Layout) -> NodeId {
        let mut node = match self.rows(g.shape(whole)) {
            Some((number, lead)) => build::item(g, whole, number, lead),
            None => build::slice(g, whole, &self.list, &self.part),
        };
        if !self.is_ordered() {
            node = build::reshape(g, node, &self.part);
            node = build::transpose(g, node, &self.order());
        }
        let repeated = layout.strides.iter().map(|&s| s == 0);
        let once: Dims = layout
            .shape
            .iter()
            .zip(repeated)
            .map(|(&n, zero)| if zero { 1 } else { n })
            .collect();
        let node = build::reshape(g, node, &once);
        build::broadcast(g, node, &layout.shape)
    }

    /// The leading axes at one place and all the others whole: an item, which is simpler than a slice.
    fn rows(&self, frame: &[usize]) -> Option<(usize, usize)> {
        let whole = |axis: usize| {
            self.part[axis] == frame[axis] && self.list[2 * axis..2 * axis + 2] == [0, 1]
        };
        let lead = (0..frame.len())
            .rev()
            .find(|&axis| !whole(axis))
            .map_or(0, |axis| axis + 1);
        let single = lead > 0 && self.part[..lead].iter().all(|&n| n == 1);
        single.then(|| {
            let number =
                (0..lead).fold(0, |k, axis| k * frame[axis] + self.list[2 * axis] as usize);
            (number, lead)
        })
    }

    /// The content of the frame after the window was given a value of its shape.
    pub fn write(&self, g: &mut Graph, whole: NodeId, value: NodeId, layout: &Layout) -> NodeId {
        debug_assert_eq!(g.shape(value), layout.shape.as_slice());
        let mut value = value;
        if self.is_ordered() {
            value = build::reshape(g, value, &self.part);
        } else {
            let order = self.order();
            let shape: Dims = order.iter().map(|&axis| self.part[axis]).collect();
            let mut inverse: Dims = Dims::from_elem(0, order.len());
            for (k, &axis) in order.iter().enumerate() {
                inverse[axis] = k;
            }
            value = build::reshape(g, value, &shape);
            value = build::transpose(g, value, &inverse);
        }
        if self.part.as_slice() == g.shape(whole) {
            // Nothing of the old content is left. Each step is 1 or -1, so that reading undoes writing.
            return build::slice(g, value, &self.list, &self.part);
        }
        build::assign(g, whole, &self.list, value)
    }
}

/// The axis of a frame along which a stride steps: the one with the longest stride within it.
fn carrier(frame: &Layout, stride: isize) -> Option<usize> {
    let step = stride.abs();
    let strides: &Strides = &frame.strides;
    let fits = |&axis: &usize| frame.shape[axis] > 1 && strides[axis] <= step;
    let axis = (0..frame.shape.len())
        .filter(fits)
        .max_by_key(|&axis| strides[axis])?;
    (step % strides[axis] == 0).then_some(axis)
}
