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

/// So many items are sooner compared one by one than looked up.
const FEW: usize = 8;

/// A set of slices that hands out dense ids; id 0 is the empty slice.
#[derive(Clone)]
pub struct Interner<T> {
    /// Short lists lie in place: an empty boxed slice has no address, and comparing through one
    /// (a masked vector load from an unmapped page) was seen to cost 300 ns.
    items: Vec<SmallVec<[T; 4]>>,
    /// Of all items, once they are more than [`FEW`].
    index: HashTable<u32>,
    hasher: super::hash::FastState,
}

impl<T: Copy + Eq + Hash> Default for Interner<T> {
    fn default() -> Self {
        let mut items = Vec::with_capacity(FEW / 2);
        items.push(SmallVec::new());
        Self {
            items,
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
        if let Some(id) = self.find(item) {
            return id;
        }
        let id = u32::try_from(self.items.len()).expect("fewer than 2^32 lists");
        self.items.push(SmallVec::from_slice(item));
        let fresh = match self.items.len() {
            ..=FEW => return id,
            n if n == FEW + 1 => 0..=id,
            _ => id..=id,
        };
        let (items, hasher) = (&self.items, &self.hasher);
        let hash = |&id: &u32| hasher.hash_one(items[id as usize].as_slice());
        for id in fresh {
            self.index.insert_unique(hash(&id), id, hash);
        }
        id
    }

    fn find(&self, item: &[T]) -> Option<u32> {
        let is_it = |id: u32| self.items[id as usize].as_slice() == item;
        if self.items.len() <= FEW {
            return (0..self.items.len() as u32).find(|&id| is_it(id));
        }
        let hash = self.hasher.hash_one(item);
        self.index.find(hash, |&id| is_it(id)).copied()
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
