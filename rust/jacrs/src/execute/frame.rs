//! The memory of one run: the bases that addresses count from.

use smallvec::SmallVec;

use crate::array::View;
use crate::plan::{Address, Operand};

/// The arena, the inputs, the outputs.
pub struct Frame {
    bases: SmallVec<[*mut u8; 12]>,
    inputs: usize,
}

// SAFETY: a frame is a list of addresses. Steps write disjoint parts of what they name, and a run
// joins its threads before the memory goes away.
unsafe impl Sync for Frame {}

impl Frame {
    pub fn new(arena: *mut u8, inputs: &[*const u8], outputs: &[*mut u8]) -> Self {
        let mut bases = SmallVec::with_capacity(1 + inputs.len() + outputs.len());
        bases.push(arena);
        // Inputs are never written: no step has an address in them as its result.
        bases.extend(inputs.iter().map(|p| p.cast_mut()));
        bases.extend(outputs.iter().copied());
        Self { bases, inputs: inputs.len() }
    }

    #[inline(always)]
    pub fn resolve(&self, address: Address) -> *mut u8 {
        self.bases[address.base as usize].wrapping_offset(address.offset)
    }

    pub fn output(&self, k: u32) -> *mut u8 {
        self.bases[1 + self.inputs + k as usize]
    }

    /// The registers of tapes: the arena starts with them.
    pub fn registers(&self) -> *mut u64 {
        self.bases[0].cast()
    }

    pub fn view(&self, operand: &Operand) -> View {
        View { ptr: self.resolve(operand.address), dtype: operand.dtype, layout: operand.layout.clone() }
    }
}
