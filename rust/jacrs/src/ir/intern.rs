//! Interning of shapes and integer lists: equal lists have equal ids, so nodes stay small and
//! compare as plain numbers.

use hashbrown::HashTable;
use smallvec::SmallVec;
use std::hash::{BuildHasher, Hash};

/// An interned shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShapeId(pub(super) u32);

impl ShapeId {
    /// The shape of a 0-d value.
    pub const SCALAR: ShapeId = ShapeId(0);
}

/// An interned list of integer parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListId(pub(super) u32);

/// A set of slices that hands out dense ids; id 0 is the empty slice.
#[derive(Clone)]
pub struct Interner<T> {
    /// Short lists lie in place: an empty boxed slice has no address, and comparing through one
    /// (a masked vector load from an unmapped page) was seen to cost 300 ns.
    items: Vec<SmallVec<[T; 4]>>,
    index: HashTable<u32>,
    hasher: super::hash::FastState,
}

impl<T: Copy + Eq + Hash> Default for Interner<T> {
    fn default() -> Self {
        Self {
            items: vec![SmallVec::new()],
            index: HashTable::new(),
            hasher: super::hash::FastState,
        }
    }
}

impl<T: Copy + Eq + Hash> Interner<T> {
    pub fn id(&mut self, item: &[T]) -> u32 {
        if item.is_empty() {
            return 0;
        }
        let hash = self.hasher.hash_one(item);
        if let Some(&id) = self
            .index
            .find(hash, |&id| self.items[id as usize].as_slice() == item)
        {
            return id;
        }
        let id = u32::try_from(self.items.len()).expect("fewer than 2^32 lists");
        self.items.push(item.into());
        let (items, hasher) = (&self.items, &self.hasher);
        self.index.insert_unique(hash, id, |&id| {
            hasher.hash_one(items[id as usize].as_slice())
        });
        id
    }

    pub fn get(&self, id: u32) -> &[T] {
        &self.items[id as usize]
    }

    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        self.items.iter().map(SmallVec::as_slice)
    }

    /// Bytes held, for the bounds of caches.
    pub fn bytes(&self) -> usize {
        self.items
            .iter()
            .map(|i| 40 + i.len() * size_of::<T>())
            .sum()
    }
}
