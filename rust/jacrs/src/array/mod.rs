//! Strided arrays: what kernels read and write. No operation and no graph is known here.

mod buffer;
mod bytes;
mod copy;
mod dtype;
mod layout;

pub use buffer::{Array, Buffer, Element};
pub use bytes::{from_bytes, to_bytes};
pub use copy::{copy, fill as zero_fill};
pub use dtype::DType;
pub use layout::{Dims, Layout, Strides, coalesce, product, walk};

/// A borrowed strided array, by raw pointer: foreign buffers may change under us, so they are
/// never seen as Rust slices.
#[derive(Clone, Debug)]
pub struct View {
    pub ptr: *const u8,
    pub dtype: DType,
    pub layout: Layout,
}

// SAFETY: a `View` is a pointer with a description. Whoever makes one keeps the memory alive and
// free of Rust writers for as long as kernels read it (the executor joins its threads first).
unsafe impl Send for View {}
// SAFETY: as above; reads through it are raw reads.
unsafe impl Sync for View {}

impl View {
    pub fn contiguous(ptr: *const u8, dtype: DType, shape: &[usize]) -> Self {
        Self {
            ptr,
            dtype,
            layout: Layout::contiguous(shape),
        }
    }

    pub fn shape(&self) -> &[usize] {
        &self.layout.shape
    }

    pub fn strides(&self) -> &[isize] {
        &self.layout.strides
    }

    pub fn len(&self) -> usize {
        product(&self.layout.shape)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn is_contiguous(&self) -> bool {
        self.layout.is_contiguous()
    }

    /// The same memory moved by `offset` elements and read with another layout.
    #[must_use]
    pub fn relaid(&self, offset: isize, layout: Layout) -> Self {
        let bytes = offset * self.dtype.size() as isize;
        Self {
            ptr: self.ptr.wrapping_offset(bytes),
            dtype: self.dtype,
            layout,
        }
    }
}

/// Where a kernel writes: contiguous, in C order, disjoint from every operand.
#[derive(Clone, Debug)]
pub struct Out {
    pub ptr: *mut u8,
    pub dtype: DType,
    pub shape: Dims,
}

// SAFETY: as for `View`: a pointer with a description, written by one kernel at a time.
unsafe impl Send for Out {}
// SAFETY: as above.
unsafe impl Sync for Out {}

impl Out {
    pub fn len(&self) -> usize {
        product(&self.shape)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn view(&self) -> View {
        View::contiguous(self.ptr, self.dtype, &self.shape)
    }
}

/// Runs `$body` with `$T` bound to the Rust type of a real dtype.
#[macro_export]
macro_rules! with_type {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::array::DType::Bool => {
                type $T = u8;
                $body
            }
            $crate::array::DType::I64 => {
                type $T = i64;
                $body
            }
            $crate::array::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::array::DType::F64 => {
                type $T = f64;
                $body
            }
            other => panic!("no kernel for {other}"),
        }
    };
}
