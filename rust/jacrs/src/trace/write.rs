//! Writing through a window.

use super::message;
use super::region::Region;
use super::storage::Span;
use super::{Recording, ViewId};
use crate::array::{Dims, Layout, product};
use crate::error::Result;
use crate::ir::{NodeId, Op};
use crate::ops::build;

impl Recording {
    /// Refuses to write where NumPy would, and where it is not known what else it would change.
    pub(super) fn check_writable(&self, id: ViewId) -> Result<()> {
        if let Some(why) = self.window(id).locked {
            return Err(message::locked(why));
        }
        if self.storage(id).guarded { Err(message::guarded()) } else { Ok(()) }
    }

    /// `value` as it is put into a window: cast, leading axes of length one dropped, repeated.
    /// `None` if it does not fit.
    pub(super) fn fit(&mut self, value: NodeId, storage: u32, shape: &[usize]) -> Option<NodeId> {
        let given: Dims = self.graph.shape(value).into();
        let extra = given.len().saturating_sub(shape.len());
        let (dropped, kept) = given.split_at(extra);
        if dropped.iter().any(|&n| n != 1) || !message::broadcasts(kept, shape) {
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
