//! The memory of one run: the bases that addresses count from.

use smallvec::SmallVec;

use crate::array::View;
use crate::plan::{Address, Operand, STRIP};

/// The arena, then the bases of inputs and outputs.
pub struct Frame {
    bases: SmallVec<[*mut u8; 12]>,
    /// The memory of the strip under way.
    strip: *mut u8,
}

// SAFETY: a frame is a list of addresses. Steps write disjoint parts of what they name, and a run
// joins its threads before the memory goes away.
unsafe impl Sync for Frame {}

impl Frame {
    pub fn new(arena: *mut u8, others: impl IntoIterator<Item = *mut u8>) -> Self {
        Self {
            bases: std::iter::once(arena).chain(others).collect(),
            strip: std::ptr::null_mut(),
        }
    }

    /// The same, with memory for a strip.
    pub fn in_strip(&self, strip: *mut u8) -> Self {
        Self {
            bases: self.bases.clone(),
            strip,
        }
    }

    #[inline(always)]
    pub fn resolve(&self, address: Address) -> *mut u8 {
        let base = match address.base {
            STRIP => self.strip,
            base => self.bases[base as usize],
        };
        base.wrapping_offset(address.offset)
    }

    /// The bases in order, the arena first.
    pub fn bases(&self) -> *const *mut u8 {
        self.bases.as_ptr()
    }

    /// The registers of tapes: the arena starts with them.
    pub fn registers(&self) -> *mut u64 {
        self.bases[0].cast()
    }

    pub fn view(&self, operand: &Operand) -> View {
        View {
            ptr: self.resolve(operand.address),
            dtype: operand.dtype,
            layout: operand.layout.clone(),
        }
    }
}
