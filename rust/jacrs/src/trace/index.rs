//! NumPy's indexing: from the index of a program to a strided window, or to rows to pick.

use std::ops::{Range, RangeFrom, RangeFull, RangeTo};

use super::advanced::{Group, Pick, Source};

use super::moving::is_basic;
use super::storage::Span;
use super::{Handle, Recording};
use crate::array::{DType, Dims, Layout, Strides};
use crate::error::{Result, text};
use crate::ir::NodeId;
use crate::ops::build;

/// One entry of an index.
///
/// ```
/// use jacrs::trace::Index;
/// assert_eq!(Index::from(1..), Index::Slice { start: Some(1), stop: None, step: None });
/// assert_eq!(Index::from(..), Index::ALL);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// An integer.
    At(i64),
    /// `start:stop:step`, as Python reads it.
    Slice {
        start: Option<i64>,
        stop: Option<i64>,
        step: Option<i64>,
    },
    /// `None`.
    NewAxis,
    /// `...`.
    Ellipsis,
    /// An integer array (int64), or a computed integer: a 0-d node means what an integer means.
    Array(NodeId),
    /// A 0-d integer array, as opposed to a scalar: it picks like any array, and gives a copy.
    Point(NodeId),
    /// A boolean array.
    Mask(NodeId),
}

impl Index {
    /// `:`.
    pub const ALL: Index = Index::Slice {
        start: None,
        stop: None,
        step: None,
    };
}

impl From<RangeFrom<i64>> for Index {
    fn from(r: RangeFrom<i64>) -> Self {
        Index::Slice {
            start: Some(r.start),
            stop: None,
            step: None,
        }
    }
}
impl From<RangeTo<i64>> for Index {
    fn from(r: RangeTo<i64>) -> Self {
        Index::Slice {
            start: None,
            stop: Some(r.end),
            step: None,
        }
    }
}
impl From<Range<i64>> for Index {
    fn from(r: Range<i64>) -> Self {
        Index::Slice {
            start: Some(r.start),
            stop: Some(r.end),
            step: None,
        }
    }
}
impl From<RangeFull> for Index {
    fn from(_: RangeFull) -> Self {
        Index::ALL
    }
}

/// What an index names.
pub(super) enum Target {
    /// One element, named by integers alone: a scalar, when read.
    Element(isize),
    /// A window.
    Window(isize, Layout),
    /// Rows picked by arrays.
    Pick(Pick),
}

/// `start, step, length` of a slice of an axis, by Python's rules.
fn slice_of(
    n: usize,
    start: Option<i64>,
    stop: Option<i64>,
    step: Option<i64>,
) -> Result<(i64, i64, usize)> {
    let (n, step) = (n as i64, step.unwrap_or(1));
    if step == 0 {
        return Err(text::zero_step());
    }
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let clamp = |i: i64| (if i < 0 { i.saturating_add(n) } else { i }).clamp(low, high);
    let start = start.map_or(if step > 0 { low } else { high }, clamp);
    let stop = stop.map_or(if step > 0 { high } else { low }, clamp);
    let gap = if step > 0 { stop - start } else { start - stop };
    let length = if gap <= 0 {
        0
    } else {
        (gap - 1) / step.saturating_abs() + 1
    };
    Ok((start, step, length as usize))
}

/// The place an integer names on an axis.
pub(super) fn wrap(index: i64, axis: usize, size: usize) -> Result<usize> {
    let n = size as i64;
    let place = if index < 0 {
        index.saturating_add(n)
    } else {
        index
    };
    if (0..n).contains(&place) {
        Ok(place as usize)
    } else {
        Err(text::out_of_bounds(index, axis, size))
    }
}

/// The walk over the entries of an index.
struct Walk<'a> {
    layout: &'a Layout,
    /// The next axis of the array.
    axis: usize,
    offset: isize,
    shape: Dims,
    strides: Strides,
    groups: Vec<Group>,
    /// Where the axes of the index arrays go: `None` before the first array.
    place: Option<usize>,
    /// Something other than an array or an integer came after one.
    closed: bool,
    separated: bool,
    /// Axes of the window that are no group's.
    rest: usize,
}

impl Walk<'_> {
    fn keep(&mut self, n: usize, stride: isize) {
        self.shape.push(n);
        self.strides.push(stride);
    }

    /// An entry that is no array: arrays on both sides of it are not neighbours.
    fn plain(&mut self) {
        self.closed |= self.place.is_some();
    }

    /// An entry that is an array, or an integer among arrays.
    fn array(&mut self) {
        self.separated |= self.closed;
        self.place.get_or_insert(self.rest);
    }

    fn whole(&mut self, axes: usize) {
        for _ in 0..axes {
            self.keep(self.layout.shape[self.axis], self.layout.strides[self.axis]);
            self.axis += 1;
            self.rest += 1;
        }
    }

    /// Axes that an array picks from are kept whole in the window.
    fn group(&mut self, count: usize, source: Source) {
        self.array();
        self.groups.push(Group {
            first: self.shape.len(),
            count,
            axis: self.axis,
            source,
        });
        for _ in 0..count {
            self.keep(self.layout.shape[self.axis], self.layout.strides[self.axis]);
            self.axis += 1;
        }
    }

    fn at(&mut self, i: i64) -> Result<()> {
        self.array();
        let place = wrap(i, self.axis, self.layout.shape[self.axis])?;
        self.offset += self.layout.strides[self.axis] * place as isize;
        self.axis += 1;
        Ok(())
    }

    fn slice(&mut self, start: Option<i64>, stop: Option<i64>, step: Option<i64>) -> Result<()> {
        self.plain();
        let (n, stride) = (self.layout.shape[self.axis], self.layout.strides[self.axis]);
        let (start, step, length) = slice_of(n, start, stop, step)?;
        if length > 0 {
            self.offset += stride * start as isize;
        }
        // A step longer than the axis leaves one element: its size does not matter, its product might overflow.
        self.keep(
            length,
            if length > 1 {
                stride * step as isize
            } else {
                stride
            },
        );
        self.axis += 1;
        self.rest += 1;
        Ok(())
    }
}

impl Recording {
    /// What `index` names in an array of this layout.
    pub(super) fn target(
        &mut self,
        offset: isize,
        layout: &Layout,
        index: &[Index],
    ) -> Result<Target> {
        let ndim = layout.shape.len();
        let taken: usize = index.iter().map(|ix| self.axes_taken(ix)).sum();
        if index
            .iter()
            .filter(|ix| matches!(ix, Index::Ellipsis))
            .count()
            > 1
        {
            return Err(text::two_ellipses());
        }
        if taken > ndim {
            return Err(text::too_many_indices(ndim, taken));
        }
        let mut walk = Walk {
            layout,
            axis: 0,
            offset,
            shape: Dims::new(),
            strides: Strides::new(),
            groups: vec![],
            place: None,
            closed: false,
            separated: false,
            rest: 0,
        };
        for entry in index {
            self.enter(&mut walk, entry, ndim - taken)?;
        }
        walk.plain();
        walk.whole(ndim - walk.axis);
        let integers = index.len() == ndim && index.iter().all(|ix| matches!(ix, Index::At(_)));
        let window = Layout {
            shape: walk.shape,
            strides: walk.strides,
        };
        if !walk.groups.is_empty() {
            let place = if walk.separated {
                0
            } else {
                walk.place.unwrap_or(0)
            };
            return Ok(Target::Pick(Pick {
                offset: walk.offset,
                window,
                groups: walk.groups,
                place,
            }));
        }
        Ok(if integers {
            Target::Element(walk.offset)
        } else {
            Target::Window(walk.offset, window)
        })
    }

    fn axes_taken(&self, entry: &Index) -> usize {
        match entry {
            Index::At(_) | Index::Slice { .. } | Index::Array(_) | Index::Point(_) => 1,
            Index::Mask(mask) => self.graph.shape(*mask).len(),
            Index::NewAxis | Index::Ellipsis => 0,
        }
    }

    fn enter(&mut self, walk: &mut Walk<'_>, entry: &Index, spare: usize) -> Result<()> {
        match *entry {
            Index::At(i) => walk.at(i)?,
            Index::Slice { start, stop, step } => walk.slice(start, stop, step)?,
            Index::NewAxis => {
                walk.plain();
                walk.keep(1, 0);
                walk.rest += 1;
            }
            Index::Ellipsis => {
                walk.plain();
                walk.whole(spare);
            }
            Index::Array(node) | Index::Point(node) => walk.group(1, Source::Integers(node)),
            Index::Mask(mask) => {
                let shape: Dims = self.graph.shape(mask).into();
                if shape.is_empty() {
                    // A single truth value picks from an axis of its own.
                    let mask = build::reshape(&mut self.graph, mask, &[1]);
                    walk.array();
                    let first = walk.shape.len();
                    walk.groups.push(Group {
                        first,
                        count: 1,
                        axis: walk.axis,
                        source: Source::Mask(mask),
                    });
                    walk.keep(1, 0);
                    return Ok(());
                }
                for (k, &n) in shape.iter().enumerate() {
                    let size = walk.layout.shape[walk.axis + k];
                    if n != size {
                        return Err(text::wrong_mask(walk.axis + k, size, n));
                    }
                }
                walk.group(shape.len(), Source::Mask(mask));
            }
        }
        Ok(())
    }

    /// Computed 0-d integers are integers: where they have to be known, they are asked for.
    /// A read of one element need not know them; nor can those be known that differ from lane to
    /// lane, which pick as arrays do.
    pub(super) fn settle_integers(
        &mut self,
        index: &[Index],
        ndim: usize,
        read: bool,
    ) -> Result<Vec<Index>> {
        let is_scalar = |g: &crate::ir::Graph, ix: &Index| matches!(ix, Index::Array(n) if g.shape(*n).is_empty());
        let arrays = index.iter().any(|ix| {
            matches!(ix, Index::Array(_) | Index::Point(_) | Index::Mask(_))
                && !is_scalar(&self.graph, ix)
        });
        let element = read
            && index.len() == ndim
            && index
                .iter()
                .all(|ix| matches!(ix, Index::At(_) | Index::Array(_)));
        let mut settled = index.to_vec();
        for entry in &mut settled {
            let Index::Array(node) = *entry else { continue };
            if self.graph.dtype(node) != DType::I64 {
                return Err(text::no_index_dtype());
            }
            if is_scalar(&self.graph, entry) {
                let constant = crate::ops::build::constant_value(&self.graph, node).is_some();
                if constant || !(arrays || element || self.is_lane(node)) {
                    *entry = Index::At(self.integer(node)?);
                }
            }
        }
        Ok(settled)
    }

    /// The value of a 0-d integer, which from here on shapes the recording.
    pub fn integer(&mut self, node: NodeId) -> Result<i64> {
        Ok(self.value(node)?.to_vec::<i64>()[0])
    }

    /// `y[index]`: a window where NumPy gives a view, a new array where it gives a copy, a scalar
    /// where integers name one element.
    ///
    /// ```
    /// use jacrs::array::DType;
    /// use jacrs::trace::{Handle, Index, Recording};
    /// let mut r = Recording::new();
    /// let mut y = r.filled(DType::F64, &[2, 3], 1.0);
    /// let row = r.view(&mut y, &[Index::At(1)]).unwrap();
    /// assert!(matches!(row, Handle::View(_)));
    /// let error = r.view(&mut y, &[Index::At(2)]).unwrap_err();
    /// assert_eq!(error.message, "index 2 is out of bounds for axis 0 with size 2");
    /// ```
    pub fn view(&mut self, h: &mut Handle, index: &[Index]) -> Result<Handle> {
        let ndim = self.shape(*h).len();
        let index = self.settle_integers(index, ndim, true)?;
        if let Handle::View(id) = *h {
            self.refresh(self.window(id).storage);
        }
        let (layout, offset) = match *h {
            Handle::Value(node) => {
                let layout = Layout::contiguous(self.graph.shape(node));
                if layout.shape.is_empty() && index.iter().any(|ix| self.axes_taken(ix) > 0) {
                    return Err(text::scalar_indexed());
                }
                (layout, 0)
            }
            Handle::View(id) => (self.window(id).layout.clone(), self.window(id).offset),
        };
        match self.target(offset, &layout, &index)? {
            Target::Element(place) => Ok(Handle::Value(match *h {
                Handle::Value(node) => self.item(node, place as usize),
                Handle::View(id) => {
                    let storage = self.window(id).storage;
                    self.element(storage, place as usize)
                }
            })),
            Target::Window(offset, layout) => {
                let id = self.share(h);
                let (locked, storage) = (self.window(id).locked, self.window(id).storage);
                let hint = self.window(id).hint.clone();
                Ok(self.new_window(
                    Span {
                        storage,
                        offset,
                        layout,
                        hint,
                    },
                    locked,
                ))
            }
            Target::Pick(pick) if is_basic(&self.graph, &index) => {
                let integer = |ix: &Index| matches!(ix, Index::At(_) | Index::Array(_));
                let element = index.len() == ndim && index.iter().all(integer);
                self.picked_view(h, pick, element)
            }
            Target::Pick(pick) => self.picked(*h, &pick),
        }
    }
}
