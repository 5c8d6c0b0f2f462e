//! Offsets in one arena for buffers that live for a while: best fit, neighbours merged.

use std::collections::{BTreeMap, BTreeSet};

use crate::memory::exhausted;

/// One cache line; also what an AVX-512 load likes.
pub const ALIGN: usize = 64;

/// Bytes rounded up to whole lines.
pub fn aligned(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGN)
}

/// The end of `bytes` bytes from `offset` on, where bytes can still be counted.
pub fn after(offset: usize, bytes: usize) -> usize {
    let end = offset.checked_add(bytes);
    end.filter(|&end| isize::try_from(end).is_ok())
        .unwrap_or_else(|| exhausted(bytes))
}

/// Free areas below `top`; all above is free too.
#[derive(Default)]
pub struct Arena {
    by_offset: BTreeMap<usize, usize>,
    by_size: BTreeSet<(usize, usize)>,
    top: usize,
}

impl Arena {
    pub fn starting_at(top: usize) -> Self {
        Self {
            top: aligned(top),
            ..Self::default()
        }
    }

    /// The most bytes that were in use.
    pub fn top(&self) -> usize {
        self.top
    }

    /// The offset of an area of this many bytes.
    pub fn take(&mut self, bytes: usize) -> usize {
        let bytes = aligned(bytes);
        if bytes == 0 {
            return self.top;
        }
        if let Some(&(size, offset)) = self.by_size.range((bytes, 0)..).next() {
            self.remove(offset, size);
            if size > bytes {
                self.insert(offset + bytes, size - bytes);
            }
            return offset;
        }
        // The last free area may reach up to the top: grow it.
        if let Some((&offset, &size)) = self.by_offset.last_key_value()
            && offset + size == self.top
        {
            self.remove(offset, size);
            self.top = after(offset, bytes);
            return offset;
        }
        let offset = self.top;
        self.top = after(offset, bytes);
        offset
    }

    pub fn give(&mut self, offset: usize, bytes: usize) {
        let (mut offset, mut size) = (offset, aligned(bytes));
        if size == 0 {
            return;
        }
        if let Some((&before, &length)) = self.by_offset.range(..offset).next_back()
            && before + length == offset
        {
            self.remove(before, length);
            offset = before;
            size += length;
        }
        if let Some(&length) = self.by_offset.get(&(offset + size)) {
            self.remove(offset + size, length);
            size += length;
        }
        self.insert(offset, size);
    }

    fn insert(&mut self, offset: usize, size: usize) {
        self.by_offset.insert(offset, size);
        self.by_size.insert((size, offset));
    }

    fn remove(&mut self, offset: usize, size: usize) {
        self.by_offset.remove(&offset);
        self.by_size.remove(&(size, offset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn freed_neighbours_merge_and_are_used_again() {
        let mut arena = Arena::starting_at(8);
        let [a, b, c] = [100, 64, 200].map(|n| arena.take(n));
        assert_eq!((a, b, c, arena.top()), (64, 192, 256, 512));
        arena.give(a, 100);
        arena.give(b, 64);
        assert_eq!(arena.take(192), a);
        arena.give(c, 200);
        assert_eq!((arena.take(1000), arena.top()), (c, 256 + 1024));
    }

    #[test]
    fn areas_that_cannot_be_counted_are_refused() {
        let mut arena = Arena::starting_at(0);
        arena.take(1 << 62);
        let error = crate::error::caught(|| Ok(arena.take(1 << 62))).unwrap_err();
        assert_eq!(error.kind, crate::error::Kind::Memory);
    }

    proptest! {
        #[test]
        fn live_areas_never_overlap(ops in prop::collection::vec((any::<bool>(), 0usize..500), 1..80)) {
            let mut arena = Arena::starting_at(0);
            let mut live: Vec<(usize, usize)> = vec![];
            for (frees, n) in ops {
                if frees && !live.is_empty() {
                    let (offset, bytes) = live.swap_remove(n % live.len());
                    arena.give(offset, bytes);
                } else {
                    let offset = arena.take(n);
                    for &(other, bytes) in live.iter().filter(|l| l.1 > 0 && n > 0) {
                        prop_assert!(offset + n <= other || other + bytes <= offset);
                    }
                    prop_assert!(offset + n <= arena.top());
                    live.push((offset, n));
                }
            }
        }
    }
}
