//! Memory that runs lend each other.

use std::sync::Mutex;

use crate::array::Buffer;

/// What a plan keeps between runs, at most.
const KEPT_BYTES: usize = 256 << 20;
const KEPT_BUFFERS: usize = 64;

/// Buffers of one size: a run takes one, or makes one, and gives it back. Nobody waits: a buffer more
/// is cheaper, and in a forked child the lock may be held by a thread that is not there.
pub struct Scratch {
    bytes: usize,
    kept: Mutex<Vec<Buffer>>,
}

impl Scratch {
    pub fn new(bytes: usize) -> Self {
        Self {
            bytes,
            kept: Mutex::new(vec![]),
        }
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is kept for runs to come; nothing while another thread is looking.
    pub fn kept_bytes(&self) -> usize {
        self.kept
            .try_lock()
            .map_or(0, |kept| kept.len() * self.bytes)
    }

    /// A buffer, and whether it is a new one.
    pub fn take(&self) -> (Buffer, bool) {
        match self.kept.try_lock().ok().and_then(|mut kept| kept.pop()) {
            Some(buffer) => (buffer, false),
            None => (Buffer::new(self.bytes), true),
        }
    }

    pub fn give(&self, buffer: Buffer) {
        let Ok(mut kept) = self.kept.try_lock() else {
            return;
        };
        let room =
            kept.len() < KEPT_BUFFERS && (kept.len() + 1).saturating_mul(self.bytes) <= KEPT_BYTES;
        if room {
            kept.push(buffer);
        }
    }
}
