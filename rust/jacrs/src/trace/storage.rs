//! Storages, the windows onto them, and reading through a window.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::elements::Elements;
use super::moving::Origin;
use super::region::Region;
use super::{Handle, Recording, ViewId};
use crate::array::{DType, Dims, Layout, product};
use crate::ir::NodeId;
use crate::ops::build;

/// Memory with a history: `base` is its content, as a node.
pub(super) struct Storage {
    pub dtype: DType,
    /// The shape of `base`, and how its axes lie in memory: C order up to a permutation, no gaps.
    pub frame: Layout,
    pub base: NodeId,
    /// Counts writes, so that windows know when what they remember is old.
    pub version: u32,
    /// It is not known in which order NumPy put the axes.
    pub unordered: bool,
    /// A reshape of an unordered storage: NumPy may have made a view here where a copy was made.
    pub guarded: bool,
    /// What single elements hold, once one was written.
    pub elements: Option<Box<Elements>>,
    /// The window that shows all of it.
    pub root: u32,
    /// What it is a view of, where no window can be one.
    pub origin: Option<Box<Origin>>,
}

/// A strided view of a storage.
pub(super) struct Window {
    pub storage: u32,
    pub offset: isize,
    pub layout: Layout,
    /// Why it may not be written through, if so.
    pub locked: Option<&'static str>,
    /// A shape of the memory in which this window is likely to be a box.
    pub hint: ShapeHint,
    /// What it was last read as, and at which version.
    seen: Option<(u32, NodeId)>,
}

/// The shape that a reshape gave the whole memory, if that is how the window came about.
pub(super) type ShapeHint = Option<Arc<[usize]>>;

/// A place in memory and how to walk from it.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub storage: u32,
    pub offset: isize,
    pub layout: Layout,
    pub hint: ShapeHint,
}

impl Span {
    pub fn size(&self) -> usize {
        product(&self.layout.shape)
    }

    /// The places in memory of the elements, in C order.
    pub fn places(&self) -> Vec<usize> {
        let mut places = Vec::with_capacity(self.size());
        crate::array::walk(&self.layout.shape, [&self.layout.strides], |[at]| {
            places.push((self.offset + at) as usize);
        });
        places
    }
}

impl Recording {
    pub(super) fn window(&self, id: ViewId) -> &Window {
        &self.windows[id.0 as usize]
    }

    pub(super) fn storage(&self, id: ViewId) -> &Storage {
        &self.storages[self.window(id).storage as usize]
    }

    pub(super) fn span(&self, id: ViewId) -> Span {
        let window = self.window(id);
        Span {
            storage: window.storage,
            offset: window.offset,
            layout: window.layout.clone(),
            hint: window.hint.clone(),
        }
    }

    /// Memory that holds `base`, and the window of all of it.
    pub(super) fn new_storage(
        &mut self,
        base: NodeId,
        frame: Layout,
        unordered: bool,
        locked: Option<&'static str>,
    ) -> Handle {
        let storage = u32::try_from(self.storages.len()).expect("fewer than 2^32 storages");
        let root = u32::try_from(self.windows.len()).expect("fewer than 2^32 windows");
        self.storages.push(Storage {
            dtype: self.graph.dtype(base),
            frame: frame.clone(),
            base,
            version: 0,
            unordered,
            guarded: false,
            elements: None,
            root,
            origin: None,
        });
        let seen = Some((0, base));
        self.windows.push(Window {
            storage,
            offset: 0,
            layout: frame,
            locked,
            hint: None,
            seen,
        });
        Handle::View(ViewId(root))
    }

    /// The handle of a window; the same window is one handle.
    pub(super) fn new_window(&mut self, span: Span, locked: Option<&'static str>) -> Handle {
        let Span {
            storage,
            offset,
            layout,
            hint,
        } = span;
        let hash = hash_of(storage, offset, &layout);
        let same = |&k: &u32| {
            let w = &self.windows[k as usize];
            w.storage == storage && w.offset == offset && w.layout == layout && w.locked == locked
        };
        if let Some(&k) = self.window_index.find(hash, same) {
            return Handle::View(ViewId(k));
        }
        let k = u32::try_from(self.windows.len()).expect("fewer than 2^32 windows");
        self.windows.push(Window {
            storage,
            offset,
            layout,
            locked,
            hint,
            seen: None,
        });
        let windows = &self.windows;
        self.window_index.insert_unique(hash, k, |&k| {
            let w = &windows[k as usize];
            hash_of(w.storage, w.offset, &w.layout)
        });
        Handle::View(ViewId(k))
    }

    /// The content of a window now.
    pub(super) fn read(&mut self, id: ViewId) -> NodeId {
        self.refresh(self.window(id).storage);
        let version = self.storage(id).version;
        match self.window(id).seen {
            Some((at, node)) if at == version => return node,
            _ => {}
        }
        let span = self.span(id);
        let node = self.read_span(&span);
        self.windows[id.0 as usize].seen = Some((version, node));
        node
    }

    /// The content of a part of a storage, as a node of the part's shape.
    pub(super) fn read_span(&mut self, span: &Span) -> NodeId {
        let shape = &span.layout.shape;
        let dtype = self.storages[span.storage as usize].dtype;
        match span.size() {
            0 => return build::constant(&mut self.graph, dtype, shape, 0.0),
            1 => {
                let node = self.element(span.storage, span.offset as usize);
                return build::reshape(&mut self.graph, node, shape);
            }
            _ => {}
        }
        if let Some(node) = self.read_pending(span) {
            return node;
        }
        for frame in self.frames(span) {
            if let Some(region) = Region::find(&frame, span.offset, &span.layout) {
                let whole = self.reframed(span.storage, &frame);
                return region.read(&mut self.graph, whole, &span.layout);
            }
        }
        let flat = self.flat(span.storage);
        let places: Vec<i64> = span.places().iter().map(|&p| p as i64).collect();
        let index = self.index_input(shape, &places);
        build::gather(&mut self.graph, flat, index)
    }

    /// The shapes of the memory in which a span may be a box, the likeliest first.
    pub(super) fn frames(&self, span: &Span) -> Vec<Layout> {
        let storage = &self.storages[span.storage as usize];
        let size = product(&storage.frame.shape);
        let mut frames = vec![storage.frame.clone()];
        let hinted = span.hint.as_deref().map(Layout::contiguous);
        // The shape it was made with fits all windows taken before any reshape.
        let root = self.windows[storage.root as usize].layout.clone();
        for frame in hinted
            .into_iter()
            .chain([root, Layout::contiguous(&[size])])
        {
            if !frames.contains(&frame) {
                frames.push(frame);
            }
        }
        frames.extend(Region::split(&span.layout, size));
        frames
    }

    /// The content of a storage under another shape of its memory.
    pub(super) fn reframed(&mut self, storage: u32, frame: &Layout) -> NodeId {
        let s = &self.storages[storage as usize];
        let base = s.base;
        if s.frame == *frame {
            return base;
        }
        let g = &mut self.graph;
        let ordered = build::transpose(g, base, &outer_first(&s.frame));
        // Into the memory order of the wanted frame, then to its own order of axes.
        let target = outer_first(frame);
        let shape: Dims = target.iter().map(|&axis| frame.shape[axis]).collect();
        let ordered = build::reshape(g, ordered, &shape);
        let mut back: Dims = Dims::from_elem(0, target.len());
        for (k, &axis) in target.iter().enumerate() {
            back[axis] = k;
        }
        build::transpose(g, ordered, &back)
    }

    /// The content of a storage in the order of its memory.
    pub(super) fn flat(&mut self, storage: u32) -> NodeId {
        let size = product(&self.storages[storage as usize].frame.shape);
        self.reframed(storage, &Layout::contiguous(&[size]))
    }
}

/// The axes of a frame, outermost in memory first; those of length one are anywhere.
fn outer_first(frame: &Layout) -> Dims {
    let mut axes: Dims = (0..frame.shape.len()).collect();
    if !frame.is_contiguous() {
        // An axis of length one shares its stride with a neighbour: ties go by the length.
        axes.sort_by_key(|&a| (std::cmp::Reverse(frame.strides[a]), frame.shape[a] != 1));
    }
    axes
}

/// The coordinate along each axis of a frame of a place in memory.
pub(super) fn coordinates(frame: &Layout, place: usize) -> Dims {
    (frame.shape.iter().zip(&frame.strides))
        .map(|(&n, &stride)| {
            if n == 1 {
                0
            } else {
                place / stride as usize % n
            }
        })
        .collect()
}

/// The number in C order of the element of a frame that lies at a place in memory.
pub(super) fn number_of(frame: &Layout, place: usize) -> usize {
    if frame.is_contiguous() {
        return place;
    }
    let coordinates = coordinates(frame, place);
    coordinates
        .iter()
        .zip(&frame.shape)
        .fold(0, |number, (&c, &n)| number * n + c)
}

fn hash_of(storage: u32, offset: isize, layout: &Layout) -> u64 {
    let mut h = DefaultHasher::new();
    h.write_u32(storage);
    h.write_isize(offset);
    layout.shape.hash(&mut h);
    layout.strides.hash(&mut h);
    h.finish()
}
