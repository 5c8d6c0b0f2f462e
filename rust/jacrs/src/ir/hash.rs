//! Two hashes: a fast one for the tables of one graph, and a 128-bit fingerprint for caches.

use std::hash::{BuildHasher, Hasher};

const K1: u64 = 0x9e37_79b9_7f4a_7c15;
const K2: u64 = 0xd6e8_feb8_6659_fd93;

/// Multiply-and-fold hashing of words; the tables it serves are private to one graph, so it need
/// not resist an adversary.
#[derive(Clone, Copy, Default)]
pub struct FastHasher(u64);

/// Makes [`FastHasher`]s.
#[derive(Clone, Copy, Default)]
pub struct FastState;

impl BuildHasher for FastState {
    type Hasher = FastHasher;
    fn build_hasher(&self) -> FastHasher {
        FastHasher(K2)
    }
}

impl FastHasher {
    #[inline]
    fn word(&mut self, word: u64) {
        let wide = u128::from(self.0 ^ word) * u128::from(K1);
        self.0 = (wide as u64) ^ ((wide >> 64) as u64);
    }
}

impl Hasher for FastHasher {
    fn finish(&self) -> u64 {
        // Tables take the lowest and the highest bits: both must depend on all of the words.
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(K2);
        mixed ^ (mixed >> 29)
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word) ^ (chunk.len() as u64) << 56);
        }
    }
    fn write_u8(&mut self, i: u8) {
        self.word(u64::from(i));
    }
    fn write_u32(&mut self, i: u32) {
        self.word(u64::from(i));
    }
    fn write_u64(&mut self, i: u64) {
        self.word(i);
    }
    fn write_usize(&mut self, i: usize) {
        self.word(i as u64);
    }
    fn write_isize(&mut self, i: isize) {
        self.word(i as u64);
    }
}

/// A running 128-bit hash of words: two independent 64-bit lanes.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint(u64, u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(K1, K2)
    }
}

impl Fingerprint {
    #[inline]
    pub fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word)
            .wrapping_mul(K1)
            .rotate_left(29)
            .wrapping_add(K2);
        self.1 = (self.1.wrapping_add(word) ^ (self.1 >> 31))
            .wrapping_mul(K2)
            .rotate_left(37)
            ^ K1;
    }

    pub fn words(&mut self, words: impl IntoIterator<Item = u64>) {
        for word in words {
            self.word(word);
        }
    }

    /// A checksum of bytes. Files hold it: it must stay what it is.
    pub fn of_bytes(bytes: &[u8]) -> u128 {
        let mut print = Self::default();
        print.word(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            print.word(u64::from_le_bytes(word));
        }
        print.finish()
    }

    pub fn finish(self) -> u128 {
        let mut end = self;
        end.word(K1);
        end.word(K2);
        u128::from(end.0) << 64 | u128::from(end.1)
    }
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    #[test]
    fn the_checksum_of_files_stays_what_it_is() {
        let of = Fingerprint::of_bytes;
        assert_eq!(of(b""), 293275604402068892625429228400235605553);
        assert_eq!(
            of(b"the same bytes"),
            283590992030216710576539340426292683937
        );
        assert_ne!(of(b"\0"), of(b"\0\0"));
    }
}
