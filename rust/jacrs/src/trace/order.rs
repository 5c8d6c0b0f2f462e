//! How the axes of an array lie in memory: NumPy's rules where it has a choice.

use crate::array::{Dims, Layout, Strides};

/// The number of axes that have a place in memory at all.
pub(super) fn long_axes(shape: &[usize]) -> usize {
    if shape.contains(&0) {
        0
    } else {
        shape.iter().filter(|&&n| n > 1).count()
    }
}

/// Gapless strides for axes given from the innermost to the outermost.
fn pack(shape: &[usize], inner_first: &[usize]) -> Layout {
    let mut layout = Layout {
        shape: shape.into(),
        strides: Strides::from_elem(0, shape.len()),
    };
    let mut step = 1;
    for &axis in inner_first {
        layout.strides[axis] = step;
        step *= shape[axis].max(1) as isize;
    }
    layout
}

/// The layout of an elementwise result: the rule by which `nditer` orders axes. Axes are sorted by
/// the strides of all operands; where two operands disagree, C order wins.
pub(super) fn keep(shape: &[usize], operands: &[&Strides]) -> Layout {
    // Innermost first, as `nditer` counts.
    let mut order: Dims = Dims::new();
    for axis in (0..shape.len()).rev() {
        let mut place = order.len();
        for k in (0..order.len()).rev() {
            match inside(shape, operands, axis, order[k]) {
                Some(true) => place = k,
                Some(false) => break,
                None => {}
            }
        }
        order.insert(place, axis);
    }
    pack(shape, &order)
}

/// Whether `axis` goes inside `other`, which is the later one in C order; `None` where no operand
/// has steps along both.
fn inside(shape: &[usize], operands: &[&Strides], axis: usize, other: usize) -> Option<bool> {
    let step = |strides: &Strides, axis: usize| {
        if shape[axis] == 1 {
            0
        } else {
            strides[axis].abs()
        }
    };
    let mut answer = None;
    for strides in operands {
        let (a, b) = (step(strides, axis), step(strides, other));
        if a == 0 || b == 0 {
            continue;
        }
        if b <= a {
            return Some(false);
        }
        answer = Some(true);
    }
    answer
}

/// The layout of a copy that keeps the order of axes: sorted by stride, C order among equals.
pub(super) fn keep_copy(layout: &Layout) -> Layout {
    let mut order: Dims = (0..layout.shape.len()).collect();
    order.sort_by_key(|&axis| std::cmp::Reverse(layout.strides[axis].abs()));
    order.reverse();
    pack(&layout.shape, &order)
}

/// The frame of an array that came with memory of its own, and whether its order is in doubt: what
/// is repeated has no place among the other axes.
pub(super) fn of_memory(layout: &Layout) -> (Layout, bool) {
    if layout.is_contiguous() {
        return (Layout::contiguous(&layout.shape), false);
    }
    let repeated = (layout.shape.iter().zip(&layout.strides)).any(|(&n, &s)| n > 1 && s == 0);
    (keep_copy(layout), repeated && long_axes(&layout.shape) > 1)
}
