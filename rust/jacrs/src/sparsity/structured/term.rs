//! Linear functions of tangents, element by element: coefficients times selected tangents.

use crate::array::{Array, Dims, Layout, View};
use crate::interrupt::elements;
use crate::ir::NodeId;
use crate::sparsity::rows::{Code, EMPTY};
use crate::sparsity::sets::{Dense, Layer};

/// A part of the tangent of a node: at each place a coefficient times the tangent of one column.
#[derive(Clone)]
pub struct Term {
    /// Of the shape of `columns`. What it is where nothing is selected means nothing.
    pub coefficient: NodeId,
    /// Which column, as [`Code`]s: the shape of the node, then, for a sum of several products, how
    /// many there are.
    pub columns: Layer,
}

/// The tangent of a node: the sum of these.
pub type Terms = Vec<Term>;

impl Term {
    /// How many products are added at each place of a node of so many axes, if there is an axis for
    /// them.
    pub fn width(&self, rank: usize) -> Option<usize> {
        self.columns.codes.shape().get(rank).copied()
    }

    /// Coefficients to be computed for it.
    pub fn size(&self) -> usize {
        self.columns.codes.view().len()
    }

    pub fn shape(&self) -> &[usize] {
        self.columns.codes.shape()
    }

    /// Whether it selects other columns at other places along an axis.
    pub fn varies(&self, axis: usize) -> bool {
        let view = self.columns.codes.view();
        if view.shape()[axis] == 1 || view.strides()[axis] == 0 || self.columns.uniform.is_some() {
            return false;
        }
        let n = view.shape()[axis];
        let mut order: Dims = (0..view.shape().len()).filter(|&a| a != axis).collect();
        order.push(axis);
        let turned = self.columns.relaid(view.layout.transpose(&order)).codes;
        if code_at(turned.view(), 0) != code_at(turned.view(), 1) {
            return true;
        }
        let dense = Dense::of(&turned);
        elements(dense.codes().len());
        let line = |line: &[Code]| line.iter().all(|code| *code == line[0]);
        !dense.codes().chunks_exact(n).all(line)
    }

    /// The layout of its columns, in which the place along some axes makes no difference any more.
    pub fn still(&self, axes: impl IntoIterator<Item = usize>) -> Layout {
        let mut layout = self.columns.codes.view().layout.clone();
        for axis in axes {
            layout.strides[axis] = 0;
        }
        layout
    }
}

/// Whether two layers select the same everywhere. Layers that do not differ early or late are
/// compared as a whole, which is seldom in vain.
pub fn alike(a: &Layer, b: &Layer) -> bool {
    let (x, y) = (a.codes.view(), b.codes.view());
    if x.shape() != y.shape() {
        return false;
    }
    if (x.ptr == y.ptr && x.strides() == y.strides()) || x.is_empty() {
        return true;
    }
    if let (Some(a), Some(b)) = (a.uniform, b.uniform) {
        return a == b;
    }
    let n = x.len();
    let probes = [0, n / 2, n - 1, n / 3, n / 7];
    if probes.iter().any(|&k| code_at(x, k) != code_at(y, k)) {
        return false;
    }
    elements(n);
    Dense::of(&a.codes).codes() == Dense::of(&b.codes).codes()
}

/// The code at a place, counted in C order.
fn code_at(view: &View, place: usize) -> Code {
    let (mut rest, mut offset) = (place, 0);
    for (&n, &step) in view.shape().iter().zip(view.strides()).rev() {
        offset += (rest % n) as isize * step;
        rest /= n;
    }
    // SAFETY: a place inside the view, whose codes were written when they were made.
    unsafe { view.ptr.cast::<Code>().offset(offset).read() }
}

/// The same elements, in C order, under another shape.
pub fn reshaped(codes: &Array, shape: &[usize]) -> Array {
    match codes.view().layout.reshape(shape) {
        Some(layout) => codes.relaid(0, layout),
        None => Array::copied(codes.view()).relaid(0, Layout::contiguous(shape)),
    }
}

/// Where nothing is selected.
pub fn nothing(shape: &[usize]) -> Layer {
    Layer::repeated(EMPTY, shape)
}
