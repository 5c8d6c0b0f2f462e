//! Views whose place differs from lane to lane: `row = x[i]` with an integer of one lane.
//!
//! Such a view cannot be a window of its source. It is a storage of its own that follows it: read
//! anew when the source was written to, and put back into the source when it is written to itself.

use super::advanced::Pick;
use super::write::Update;
use super::{Handle, Index, Recording, ViewId};
use crate::array::Layout;
use crate::error::Result;
use crate::ir::Graph;

/// What a storage follows.
pub(super) struct Origin {
    source: ViewId,
    pick: Pick,
    /// The version of the source that was last read.
    version: u32,
}

/// Whether an index names a view by integers alone, some of which are computed.
pub(super) fn is_basic(g: &Graph, index: &[Index]) -> bool {
    index.iter().all(|entry| match entry {
        Index::Array(node) => g.shape(*node).is_empty(),
        Index::Point(_) | Index::Mask(_) => false,
        _ => true,
    })
}

impl Recording {
    /// `y[index]` where integers of one lane are among those of the index: a scalar where they name
    /// one element, or else a view.
    pub(super) fn picked_view(
        &mut self,
        h: &mut Handle,
        pick: Pick,
        element: bool,
    ) -> Result<Handle> {
        let index = self.row_index(&pick)?;
        if element {
            return Ok(Handle::Value(self.gather_rows(*h, &pick, index)));
        }
        let source = self.share(h);
        let content = self.gather_rows(*h, &pick, index);
        let frame = Layout::contiguous(self.graph.shape(content));
        let unordered = self.is_unordered(*h) || !pick.rest().is_contiguous();
        let (locked, version) = (self.window(source).locked, self.storage(source).version);
        let view = self.new_storage(content, frame, unordered, locked);
        if let Handle::View(id) = view {
            let storage = self.window(id).storage as usize;
            self.storages[storage].origin = Some(Box::new(Origin {
                source,
                pick,
                version,
            }));
        }
        Ok(view)
    }

    /// Brings a storage up to date with what it follows.
    pub(super) fn refresh(&mut self, storage: u32) {
        let Some(mut origin) = self.storages[storage as usize].origin.take() else {
            return;
        };
        let source = self.window(origin.source).storage;
        self.refresh(source);
        let version = self.storages[source as usize].version;
        if origin.version != version {
            origin.version = version;
            // It was found in bounds when the view was taken.
            if let Ok(index) = self.row_index(&origin.pick) {
                let content = self.gather_rows(Handle::View(origin.source), &origin.pick, index);
                let s = &mut self.storages[storage as usize];
                s.base = content;
                s.frame = Layout::contiguous(self.graph.shape(content));
                s.elements = None;
                s.version += 1;
            }
        }
        self.storages[storage as usize].origin = Some(origin);
    }

    /// Puts a storage that was written to back into what it follows.
    pub(super) fn write_back(&mut self, storage: u32) -> Result<()> {
        let Some(mut origin) = self.storages[storage as usize].origin.take() else {
            return Ok(());
        };
        let content = self.read(ViewId(self.storages[storage as usize].root));
        let mut span = self.span(origin.source);
        (span.offset, span.layout) = (origin.pick.offset, origin.pick.window.clone());
        let source = span.storage;
        let written = self.scatter(&span, &origin.pick, content, Update::Set);
        origin.version = self.storages[source as usize].version;
        self.storages[storage as usize].origin = Some(origin);
        written?;
        self.write_back(source)
    }

    /// What the storage of a window follows.
    pub(super) fn followed(&self, id: ViewId) -> Option<ViewId> {
        self.storage(id).origin.as_ref().map(|origin| origin.source)
    }
}

impl Pick {
    /// The axes that are not picked from.
    pub(super) fn rest(&self) -> Layout {
        let others: Vec<usize> = (0..self.window.shape.len())
            .filter(|&axis| !self.is_picked(axis))
            .collect();
        Layout {
            shape: others.iter().map(|&a| self.window.shape[a]).collect(),
            strides: others.iter().map(|&a| self.window.strides[a]).collect(),
        }
    }
}
