//! Arrays that lie in one piece of memory.

use std::sync::Arc;

use crate::array::{Array, Buffer, Out, View, product};
use crate::interrupt::piece;
use crate::ir::Type;
use crate::plan::{ALIGN, after};

/// Where arrays of some types lie in one piece of memory.
///
/// ```
/// use jacrs::{array::DType, assemble::Packed, ir::Type};
/// let packed = Packed::new(vec![Type::new(DType::F64, &[]), Type::new(DType::F32, &[3])]);
/// let (memory, outs) = packed.room();
/// // SAFETY: there is room for one number.
/// unsafe { outs[0].ptr.cast::<f64>().write(2.5) };
/// assert_eq!(packed.array(&memory, 0).to_vec::<f64>(), [2.5]);
/// ```
pub struct Packed {
    kinds: Vec<Type>,
    offsets: Vec<usize>,
    bytes: usize,
}

impl Packed {
    pub fn new(kinds: Vec<Type>) -> Self {
        let mut bytes = 0usize;
        let place = |kind: &Type| {
            piece();
            let size = product(&kind.shape) * kind.dtype.size();
            // Numbers lie side by side; arrays start a line of their own.
            let offset = bytes.next_multiple_of(if size < ALIGN { 8 } else { ALIGN });
            bytes = after(offset, size);
            offset
        };
        let offsets = kinds.iter().map(place).collect();
        Self {
            kinds,
            offsets,
            bytes,
        }
    }

    /// Where each array starts, in bytes.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// All of the memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn kinds(&self) -> &[Type] {
        &self.kinds
    }

    /// New memory, and the places of the arrays in it.
    pub fn room(&self) -> (Arc<Buffer>, Vec<Out>) {
        let memory = Arc::new(Buffer::new(self.bytes));
        let out = |(kind, &offset): (&Type, &usize)| Out {
            ptr: memory.ptr().wrapping_add(offset),
            dtype: kind.dtype,
            shape: kind.shape.clone(),
        };
        let outs = self.kinds.iter().zip(&self.offsets).map(out).collect();
        (memory, outs)
    }

    /// An array that was written to the memory.
    pub fn array(&self, memory: &Arc<Buffer>, k: usize) -> Array {
        let Type { dtype, shape } = &self.kinds[k];
        let ptr = memory.ptr().wrapping_add(self.offsets[k]);
        Array::from_parts(memory.clone(), View::contiguous(ptr, *dtype, shape))
    }
}
