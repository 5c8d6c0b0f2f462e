//! Owned memory, and arrays that share it.

use std::alloc::{Layout as Alloc, alloc, dealloc};
use std::any::Any;
use std::sync::Arc;

use super::{DType, Dims, Layout, Out, View, copy, product};
use crate::memory::exhausted;

/// One cache line, and the width of an AVX-512 register.
const ALIGN: usize = 64;
/// The alignment of the widest element.
const WIDEST: usize = 16;

/// A block of memory: ours, or a foreign one with whatever keeps it alive.
pub struct Buffer {
    ptr: *mut u8,
    owner: Owner,
}

enum Owner {
    Ours(Alloc),
    Foreign(#[allow(dead_code, reason = "held for its Drop")] Box<dyn Any + Send + Sync>),
}

// SAFETY: the memory is owned (or kept alive by the owner), and is only written before it is shared.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Uninitialised memory for `bytes` bytes; kernels fill it before anyone reads.
    ///
    /// Throws an error of kind [`Kind::Memory`](crate::error::Kind::Memory) where there is none.
    pub fn new(bytes: usize) -> Self {
        // What fits in one line gains nothing by its place, and costs several times as much there.
        let align = if bytes <= ALIGN { WIDEST } else { ALIGN };
        let Ok(alloc_layout) = Alloc::from_size_align(bytes.max(1), align) else {
            exhausted(bytes)
        };
        // SAFETY: the size is not zero.
        let ptr = unsafe { alloc(alloc_layout) };
        if ptr.is_null() {
            exhausted(bytes);
        }
        Self {
            ptr,
            owner: Owner::Ours(alloc_layout),
        }
    }

    /// Memory of somebody else, read only through raw pointers, alive as long as `owner`.
    pub fn foreign(ptr: *const u8, owner: Box<dyn Any + Send + Sync>) -> Self {
        Self {
            ptr: ptr.cast_mut(),
            owner: Owner::Foreign(owner),
        }
    }

    pub fn ptr(&self) -> *mut u8 {
        self.ptr
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Owner::Ours(alloc_layout) = self.owner {
            // SAFETY: allocated in `new` with this layout.
            unsafe { dealloc(self.ptr, alloc_layout) }
        }
    }
}

/// A strided array that shares its buffer; cloning copies no elements.
#[derive(Clone)]
pub struct Array {
    buffer: Arc<Buffer>,
    view: View,
}

impl Array {
    /// An uninitialised contiguous array and where to write it.
    pub fn uninit(dtype: DType, shape: &[usize]) -> (Self, Out) {
        let buffer = Arc::new(Buffer::new(product(shape) * dtype.size()));
        let out = Out {
            ptr: buffer.ptr(),
            dtype,
            shape: Dims::from_slice(shape),
        };
        (
            Self {
                view: out.view(),
                buffer,
            },
            out,
        )
    }

    /// A view of memory kept alive by `buffer`.
    pub fn from_parts(buffer: Arc<Buffer>, view: View) -> Self {
        Self { buffer, view }
    }

    /// Copies plain Rust values; the dtype follows from the element type.
    pub fn from_slice<T: Element>(shape: &[usize], values: &[T]) -> Self {
        assert_eq!(product(shape), values.len());
        let (array, out) = Self::uninit(T::DTYPE, shape);
        // SAFETY: `out` has room for exactly these values.
        unsafe {
            std::ptr::copy_nonoverlapping(
                values.as_ptr().cast::<u8>(),
                out.ptr,
                std::mem::size_of_val(values),
            );
        }
        array
    }

    /// The elements of a view, in C order.
    pub fn copied(view: &View) -> Self {
        let (array, out) = Self::uninit(view.dtype, view.shape());
        copy(view, out.ptr, &array.view.layout);
        array
    }

    /// A 0-d array.
    pub fn scalar<T: Element>(value: T) -> Self {
        Self::from_slice(&[], &[value])
    }

    pub fn view(&self) -> &View {
        &self.view
    }

    pub fn dtype(&self) -> DType {
        self.view.dtype
    }

    pub fn shape(&self) -> &[usize] {
        self.view.shape()
    }

    /// Another view of the same buffer.
    #[must_use]
    pub fn relaid(&self, offset: isize, layout: Layout) -> Self {
        Self {
            buffer: self.buffer.clone(),
            view: self.view.relaid(offset, layout),
        }
    }

    /// This array in C order, copied only if it is not.
    #[must_use]
    pub fn to_contiguous(&self) -> Self {
        if self.view.is_contiguous() {
            return self.clone();
        }
        Self::copied(&self.view)
    }

    /// The elements in C order.
    ///
    /// # Panics
    /// If the dtype is not that of `T`.
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        assert_eq!(self.dtype(), T::DTYPE);
        let dense = self.to_contiguous();
        let n = product(self.shape());
        // SAFETY: contiguous, initialised and of this type.
        (0..n)
            .map(|i| unsafe { dense.view.ptr.cast::<T>().add(i).read() })
            .collect()
    }
}

/// Rust types that are elements of arrays.
pub trait Element: Copy {
    const DTYPE: DType;
}
impl Element for f64 {
    const DTYPE: DType = DType::F64;
}
impl Element for f32 {
    const DTYPE: DType = DType::F32;
}
impl Element for i64 {
    const DTYPE: DType = DType::I64;
}
impl Element for bool {
    const DTYPE: DType = DType::Bool;
}
