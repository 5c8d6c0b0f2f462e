//! Writing through a window.

use super::index::Target;
use super::leaf::broadcasts;
use super::region::Region;
use super::storage::Span;
use super::{Handle, Index, Recording, ViewId};
use crate::array::{DType, Dims, Layout, product};
use crate::error::{Result, text};
use crate::ir::{NodeId, Op};
use crate::ops::{Fun, build};

/// What happens to the elements that an index names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Update {
    Set,
    Add,
}

impl Recording {
    /// `y[index] = value`: broadcast and cast as NumPy does.
    ///
    /// ```
    /// use jacrs::array::DType;
    /// use jacrs::trace::{Index, Recording};
    /// let mut r = Recording::new();
    /// let mut y = r.filled(DType::F64, &[2, 2], 0.0);
    /// let one = r.literal_f64(1.0, DType::F64, (0, 0));
    /// r.assign(&mut y, &[Index::ALL, Index::At(-1)], one).unwrap();
    /// let y = r.node(y);
    /// assert_eq!(r.value(y).unwrap().to_vec::<f64>(), [0.0, 1.0, 0.0, 1.0]);
    /// ```
    pub fn assign(&mut self, h: &mut Handle, index: &[Index], value: NodeId) -> Result<()> {
        self.store(h, index, value, Update::Set)
    }

    /// `np.add.at(y, index, value)`: repeated indices add up.
    pub fn add_at(&mut self, h: &mut Handle, index: &[Index], value: NodeId) -> Result<()> {
        let (to, from) = (self.dtype(*h), self.graph.dtype(value));
        if to.promote(from) != to && !(to.is_float() && from.is_float()) {
            return Err(text::no_output_cast("add", to.promote(from), to));
        }
        self.store(h, index, value, Update::Add)
    }

    fn store(
        &mut self,
        h: &mut Handle,
        index: &[Index],
        value: NodeId,
        update: Update,
    ) -> Result<()> {
        if matches!(h, Handle::Value(node) if self.graph.shape(*node).is_empty()) {
            let dtype = self.dtype(*h);
            return Err(text::no_scalar_assignment(dtype));
        }
        let id = self.share(h);
        self.check_writable(id)?;
        let ndim = self.shape(*h).len();
        let index = self.settle_integers(index, ndim, false)?;
        let span = self.span(id);
        self.refresh(span.storage);
        let storage = span.storage;
        self.store_span(span, &index, value, update)?;
        self.write_back(storage)
    }

    fn store_span(
        &mut self,
        mut span: Span,
        index: &[Index],
        value: NodeId,
        update: Update,
    ) -> Result<()> {
        match self.target(span.offset, &span.layout, index)? {
            Target::Element(place) => {
                if self.graph.size(value) != 1 {
                    return Err(text::sequence_for_element());
                }
                let value = self.item(value, 0);
                let mut value = self.cast(value, self.storages[span.storage as usize].dtype);
                if update == Update::Add {
                    let old = self.element(span.storage, place as usize);
                    value = self.plus(old, value);
                }
                self.set_element(span.storage, place as usize, value);
                Ok(())
            }
            Target::Window(offset, layout) => {
                (span.offset, span.layout) = (offset, layout);
                let Some(mut fitted) = self.fit(value, span.storage, &span.layout.shape) else {
                    return Err(text::no_assignment(
                        self.graph.shape(value),
                        &span.layout.shape,
                    ));
                };
                if update == Update::Add {
                    let old = self.read_span(&span);
                    fitted = self.plus(old, fitted);
                }
                self.write_span(&span, fitted);
                Ok(())
            }
            Target::Pick(pick) => {
                (span.offset, span.layout) = (pick.offset, pick.window.clone());
                if update == Update::Set && self.select_masked(&span, &pick, value) {
                    return Ok(());
                }
                self.scatter(&span, &pick, value, update)
            }
        }
    }

    /// `a + b` of one dtype, bools included.
    fn plus(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let fun = if self.graph.dtype(a) == DType::Bool {
            Fun::Or
        } else {
            Fun::Add
        };
        build::map(&mut self.graph, fun, &[a, b])
    }

    /// Refuses to write where NumPy would, and where it is not known what else it would change.
    pub(super) fn check_writable(&self, id: ViewId) -> Result<()> {
        if let Some(why) = self.window(id).locked {
            return Err(text::locked(why));
        }
        if self.storage(id).guarded {
            return Err(text::guarded());
        }
        self.followed(id)
            .map_or(Ok(()), |source| self.check_writable(source))
    }

    /// `value` as it is put into a window: cast, leading axes of length one dropped, repeated.
    /// `None` if it does not fit.
    pub(super) fn fit(&mut self, value: NodeId, storage: u32, shape: &[usize]) -> Option<NodeId> {
        let given: Dims = self.graph.shape(value).into();
        let extra = given.len().saturating_sub(shape.len());
        let (dropped, kept) = given.split_at(extra);
        if dropped.iter().any(|&n| n != 1) || !broadcasts(kept, shape) {
            return None;
        }
        let dtype = self.storages[storage as usize].dtype;
        let g = &mut self.graph;
        let value = build::cast(g, value, dtype);
        let value = build::reshape(g, value, kept);
        Some(build::broadcast(g, value, shape))
    }

    /// Replaces the content of a part of a storage by a node of its shape and dtype.
    pub(super) fn write_span(&mut self, span: &Span, value: NodeId) {
        let size = span.size();
        if size == 0 {
            return;
        }
        if size == 1 {
            let scalar = self.item(value, 0);
            self.set_element(span.storage, span.offset as usize, scalar);
            return;
        }
        let total = product(&self.storages[span.storage as usize].frame.shape);
        if size == total {
            self.storages[span.storage as usize].elements = None;
        } else {
            self.settle(span.storage);
            if let Some(elements) = &mut self.storages[span.storage as usize].elements {
                elements.forget(&span.places());
            }
        }
        let (frame, base) = self.written(span, value);
        let s = &mut self.storages[span.storage as usize];
        s.version += 1;
        s.base = base;
        s.frame = frame;
    }

    /// The content after a write, and the shape of the memory in which it is given.
    fn written(&mut self, span: &Span, value: NodeId) -> (Layout, NodeId) {
        for frame in self.frames(span) {
            if let Some(region) = Region::find(&frame, span.offset, &span.layout) {
                let whole = self.reframed(span.storage, &frame);
                let base = region.write(&mut self.graph, whole, value, &span.layout);
                return (frame, base);
            }
        }
        let flat = self.flat(span.storage);
        let places: Vec<i64> = span.places().iter().map(|&p| p as i64).collect();
        let index = self.index_input(&span.layout.shape, &places);
        let base = build::emit(&mut self.graph, Op::ScatterSet, &[flat, index, value]);
        let base = base.expect("one value for each element");
        (Layout::contiguous(self.graph.shape(base)), base)
    }
}
