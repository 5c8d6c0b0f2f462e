//! The heart of the tracer: what a program does to arrays, written down as a [`Graph`].
//!
//! A [`Recording`] is driven one operation at a time, as NumPy would run it. It keeps NumPy's
//! aliasing exactly: a [`Handle`] is a value of its own or a strided window of a storage; a write
//! through one window is seen by every later read through any other. The content of a storage is
//! in static single assignment form: each write makes a new node, and windows remember the node
//! they were last read as.

mod advanced;
mod answers;
mod combine;
mod elements;
mod index;
mod lanes;
mod leaf;
mod moving;
mod order;
mod promote;
mod region;
mod reshape;
mod storage;
#[cfg(test)]
mod tests;
mod values;
mod write;

use hashbrown::{HashMap, HashTable};

pub use answers::Answers;
pub use index::Index;
pub use lanes::Need;
pub use promote::Weak;
pub use values::Scalar;

use crate::array::{DType, Dims, Layout, Strides};
use crate::error::{Result, text};
use crate::ir::{Graph, NodeId};
use lanes::Levels;
use leaf::broadcasts;
use leaf::{Literal, Slot};
use storage::{Storage, Window};
use values::Values;

/// A program being recorded.
///
/// ```
/// use jacrs::array::{Array, DType};
/// use jacrs::trace::{Index, Recording};
///
/// // y = np.zeros(3); b = y[1:]; b[0] = x[2]
/// let mut r = Recording::new();
/// let x = r.argument(Array::from_slice(&[3], &[5.0, 6.0, 7.0]), true);
/// let mut y = r.filled(DType::F64, &[3], 0.0);
/// let mut b = r.view(&mut y, &[Index::from(1..)]).unwrap();
/// let mut x = x;
/// let item = r.view(&mut x, &[Index::At(2)]).unwrap();
/// let item = r.node(item);
/// r.assign(&mut b, &[Index::At(0)], item).unwrap();
///
/// let content = r.node(y);
/// assert!(r.graph.node(content).active);
/// assert_eq!(r.value(content).unwrap().to_vec::<f64>(), [0.0, 7.0, 0.0]);
/// ```
#[derive(Default)]
pub struct Recording {
    /// What was recorded so far. Its `location` is the place in the source given to new nodes.
    pub graph: Graph,
    slots: Vec<Slot>,
    literals: HashMap<(usize, u32), Literal>,
    index_inputs: HashMap<Box<[i64]>, NodeId>,
    storages: Vec<Storage>,
    windows: Vec<Window>,
    window_index: HashTable<u32>,
    values: Values,
    demands: Vec<Demand>,
    levels: Levels,
}

/// What a tracer object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handle {
    /// A result in C order that nobody shares and nobody has written to.
    Value(NodeId),
    /// A window of a storage.
    View(ViewId),
}

impl Handle {
    /// The handle as a number, for objects that keep it in an atomic.
    pub fn to_bits(self) -> u64 {
        match self {
            Handle::Value(node) => u64::from(node.0),
            Handle::View(view) => 1 << 32 | u64::from(view.0),
        }
    }

    /// The inverse of [`Handle::to_bits`].
    pub fn from_bits(bits: u64) -> Self {
        let id = bits as u32;
        if bits >> 32 == 0 {
            Handle::Value(NodeId(id))
        } else {
            Handle::View(ViewId(id))
        }
    }
}

/// A window of a storage, of one recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewId(u32);

/// Whether an array may be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No, and why: the reason stands in the error.
    ReadOnly(&'static str),
    Writable,
}

/// A value that decided which nodes were recorded: a guard of anything that replays them. A node
/// that was asked for in the lanes of a `vmap` is the one over all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Demand {
    /// The value itself: that of a branch, of an integer used as such, of what Python was given.
    Value(NodeId),
    /// The number of true elements of a mask.
    Count(NodeId),
    /// The indices were found to lie in `-size..size`.
    Bounds(NodeId, usize),
    /// The integers were found not to be negative.
    NotNegative(NodeId),
}

impl Recording {
    pub fn new() -> Self {
        Self::default()
    }

    /// The values that decided what was recorded, in the order in which they were asked for.
    /// [`Recording::answers`] are nodes that tell whether all is as it was.
    pub fn demands(&self) -> &[Demand] {
        &self.demands
    }

    fn demand(&mut self, demand: Demand) {
        if self.demands.last() != Some(&demand) {
            self.demands.push(demand);
        }
    }

    /// The present content: a read sees every earlier write, through whichever alias.
    pub fn node(&mut self, h: Handle) -> NodeId {
        match h {
            Handle::Value(node) => node,
            Handle::View(id) => self.read(id),
        }
    }

    /// The result of an operation that gives C order.
    pub fn fresh(&mut self, node: NodeId) -> Handle {
        Handle::Value(node)
    }

    /// A result as an array of its own, which can be written to without dimensions too.
    pub fn as_array(&mut self, node: NodeId) -> Handle {
        let mut handle = self.fresh(node);
        self.share(&mut handle);
        handle
    }

    /// The result of an elementwise operation: its axes lie in memory as NumPy's `order="K"` puts them.
    pub fn fresh_like(&mut self, node: NodeId, operands: &[Handle]) -> Handle {
        let shape = self.graph.shape(node);
        if order::long_axes(shape) < 2 {
            return Handle::Value(node);
        }
        let shape: Dims = shape.into();
        let mut layouts: Vec<Layout> = vec![];
        for &h in operands {
            if self.is_unordered(h) {
                return self.fresh_unordered(node);
            }
            layouts.push(self.layout(h).broadcast(&shape));
        }
        let strides: Vec<&Strides> = layouts.iter().map(|l| &l.strides).collect();
        let frame = order::keep(&shape, &strides);
        self.fresh_in(node, frame, false)
    }

    /// The result of an operation of which it is not known how NumPy lays it out. Reading it is
    /// no matter; writing after a reshape that may have copied or not is refused.
    pub fn fresh_unordered(&mut self, node: NodeId) -> Handle {
        let shape = self.graph.shape(node);
        if order::long_axes(shape) < 2 {
            return Handle::Value(node);
        }
        let frame = Layout::contiguous(shape);
        self.fresh_in(node, frame, true)
    }

    fn fresh_in(&mut self, node: NodeId, frame: Layout, unordered: bool) -> Handle {
        if !unordered && frame.is_contiguous() {
            return Handle::Value(node);
        }
        self.new_storage(node, frame, unordered, None)
    }

    /// Gives a plain value a storage of its own, before a view is taken of it or it is written to.
    /// The caller puts the new handle where the old one was, so that all references agree.
    pub fn share(&mut self, h: &mut Handle) -> ViewId {
        match *h {
            Handle::View(id) => id,
            Handle::Value(node) => {
                let frame = Layout::contiguous(self.graph.shape(node));
                *h = self.new_storage(node, frame, false, None);
                match *h {
                    Handle::View(id) => id,
                    Handle::Value(_) => unreachable!("a storage has a window"),
                }
            }
        }
    }

    pub fn shape(&self, h: Handle) -> &[usize] {
        match h {
            Handle::Value(node) => self.graph.shape(node),
            Handle::View(id) => &self.window(id).layout.shape,
        }
    }

    pub fn dtype(&self, h: Handle) -> DType {
        match h {
            Handle::Value(node) => self.graph.dtype(node),
            Handle::View(id) => self.storage(id).dtype,
        }
    }

    /// Distances between neighbours along each axis, in elements, as NumPy would show them.
    pub fn strides(&self, h: Handle) -> Strides {
        self.layout(h).strides
    }

    fn layout(&self, h: Handle) -> Layout {
        match h {
            Handle::Value(node) => Layout::contiguous(self.graph.shape(node)),
            Handle::View(id) => self.window(id).layout.clone(),
        }
    }

    fn is_unordered(&self, h: Handle) -> bool {
        match h {
            Handle::Value(_) => false,
            Handle::View(id) => {
                self.storage(id).unordered && order::long_axes(&self.window(id).layout.shape) > 1
            }
        }
    }

    /// Why the array may not be written to, if so.
    pub fn read_only(&self, h: Handle) -> Option<&'static str> {
        match h {
            Handle::Value(_) => None,
            Handle::View(id) => self.window(id).locked,
        }
    }

    /// Whether two handles are windows of the same storage.
    pub fn same_memory(&self, a: Handle, b: Handle) -> bool {
        match (a, b) {
            (Handle::View(a), Handle::View(b)) => self.window(a).storage == self.window(b).storage,
            _ => false,
        }
    }

    /// Whether the handle shows less than, or something else than, the whole of its storage.
    pub fn is_view(&self, h: Handle) -> bool {
        match h {
            Handle::Value(_) => false,
            Handle::View(id) => {
                let window = self.window(id);
                let root = &self.windows[self.storage(id).root as usize];
                window.offset != 0 || window.layout != root.layout
            }
        }
    }

    /// `np.array(y, copy=True)`: a new array in C order.
    pub fn copy(&mut self, h: Handle) -> Handle {
        let node = self.node(h);
        self.own(node, Layout::contiguous(self.graph.shape(node)), false)
    }

    /// `np.copy(y)`: a new array whose axes lie in memory in the same order (`order="K"`).
    pub fn copy_keep(&mut self, h: Handle) -> Handle {
        let node = self.node(h);
        let frame = order::keep_copy(&self.layout(h));
        let unordered = self.is_unordered(h);
        self.own(node, frame, unordered)
    }

    /// A 0-d copy is an array, as opposed to the scalar that an operation gives.
    fn own(&mut self, node: NodeId, frame: Layout, unordered: bool) -> Handle {
        if frame.shape.is_empty() {
            return self.new_storage(node, frame, false, None);
        }
        self.fresh_in(node, frame, unordered)
    }

    /// The values of the graph's inputs, in order. Literals share one buffer.
    pub fn inputs(&self) -> Vec<crate::array::Array> {
        leaf::gather_inputs(&self.slots)
    }

    /// `x.astype(dtype)` of a node.
    pub fn cast(&mut self, x: NodeId, dtype: DType) -> NodeId {
        crate::ops::build::cast(&mut self.graph, x, dtype)
    }

    /// Broadcasts a node to a shape, or says in NumPy's words why that fails.
    pub fn broadcast(&mut self, x: NodeId, shape: &[usize]) -> Result<NodeId> {
        if !broadcasts(self.graph.shape(x), shape) {
            return Err(text::no_remap(self.graph.shape(x), shape));
        }
        Ok(crate::ops::build::broadcast(&mut self.graph, x, shape))
    }
}
