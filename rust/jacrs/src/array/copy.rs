//! Copies between strided arrays.

use super::{Layout, Out, View, coalesce, walk};
use crate::interrupt::{elements, stretches};

/// Bytes that are copied at once.
const LONG: usize = 1 << 20;

/// Copies `source` to the elements of `layout` from `target`, which must have the same shape.
pub fn copy(source: &View, target: *mut u8, layout: &Layout) {
    debug_assert_eq!(source.shape(), layout.shape.as_slice());
    if source.is_contiguous() && layout.is_contiguous() {
        return copy_dense(source, target);
    }
    match source.dtype.size() {
        1 => copy_sized::<u8>(source, target, layout),
        4 => copy_sized::<u32>(source, target, layout),
        8 => copy_sized::<u64>(source, target, layout),
        _ => copy_sized::<u128>(source, target, layout),
    }
}

fn copy_dense(source: &View, target: *mut u8) {
    let bytes = source.len() * source.dtype.size();
    for part in stretches(bytes, LONG) {
        // SAFETY: both have this many bytes, without gaps, whose memory the caller vouches for.
        unsafe {
            let (from, to) = (source.ptr.add(part.start), target.add(part.start));
            std::ptr::copy_nonoverlapping(from, to, part.len());
        }
    }
}

fn copy_sized<T: Copy>(source: &View, target: *mut u8, layout: &Layout) {
    let (dims, [from, to]) = coalesce(source.shape(), [source.strides(), &layout.strides]);
    let (outer, inner) = dims.split_at(dims.len().saturating_sub(1));
    let n = inner.first().copied().unwrap_or(1);
    let (step_from, step_to) = match dims.len() {
        0 => (1, 1),
        k => (from[k - 1], to[k - 1]),
    };
    let k = outer.len();
    walk(outer, [&from[..k], &to[..k]], |[a, b]| {
        elements(n);
        // SAFETY: `coalesce` and `walk` stay inside the two shapes, whose memory the caller vouches for.
        unsafe {
            let src = source.ptr.cast::<T>().offset(a);
            let dst = target.cast::<T>().offset(b);
            if step_from == 1 && step_to == 1 {
                std::ptr::copy_nonoverlapping(src, dst, n);
            } else if step_from == 0 && step_to == 1 {
                std::slice::from_raw_parts_mut(dst, n).fill(src.read());
            } else {
                for i in 0..n as isize {
                    dst.offset(i * step_to)
                        .write(src.offset(i * step_from).read());
                }
            }
        }
    });
}

/// Sets every byte of `out` to zero, which is zero in every dtype.
pub fn fill(out: &Out) {
    // SAFETY: `out` owns this many bytes.
    unsafe { std::ptr::write_bytes(out.ptr, 0, out.len() * out.dtype.size()) }
}
