//! Arguments made fit for kernels.

use smallvec::SmallVec;

use crate::array::{Buffer, Layout, Out, View, copy};
use crate::error::{Result, text};

/// The memory of a call as kernels like it: inputs contiguous and aligned, outputs apart from them
/// and from each other. What is not so already is copied once.
pub struct Staged {
    pub inputs: SmallVec<[*const u8; 8]>,
    pub outputs: SmallVec<[*mut u8; 8]>,
    copies: Vec<Buffer>,
    /// Outputs computed elsewhere first.
    late: SmallVec<[usize; 2]>,
}

// SAFETY: addresses and the memory of copies; who writes through them keeps to disjoint parts.
unsafe impl Sync for Staged {}

impl Staged {
    pub fn new(inputs: &[View], outputs: &[Out]) -> Result<Self> {
        let mut staged = Self {
            inputs: SmallVec::new(),
            outputs: SmallVec::new(),
            copies: vec![],
            late: SmallVec::new(),
        };
        for view in inputs {
            staged.inputs.push(staged_input(view, &mut staged.copies)?);
        }
        let shared = shared(inputs, outputs);
        for (k, out) in outputs.iter().enumerate() {
            let misaligned = !out.ptr.addr().is_multiple_of(out.dtype.size());
            if misaligned || shared.contains(&k) {
                let buffer = Buffer::new(out.len() * out.dtype.size());
                staged.outputs.push(buffer.ptr());
                staged.copies.push(buffer);
                staged.late.push(k);
            } else {
                staged.outputs.push(out.ptr);
            }
        }
        Ok(staged)
    }

    /// Puts what was computed elsewhere where it belongs.
    pub fn finish(&self, outputs: &[Out]) {
        for &k in &self.late {
            let out = &outputs[k];
            // SAFETY: both have room for the elements of the output.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    self.outputs[k],
                    out.ptr,
                    out.len() * out.dtype.size(),
                );
            }
        }
    }
}

fn staged_input(view: &View, copies: &mut Vec<Buffer>) -> Result<*const u8> {
    let size = view.dtype.size();
    let aligned = view.ptr.addr().is_multiple_of(size);
    if view.is_contiguous() && aligned {
        return Ok(view.ptr);
    }
    let buffer = Buffer::new(view.len() * size);
    if aligned {
        copy(view, buffer.ptr(), &Layout::contiguous(view.shape()));
    } else if view.is_contiguous() {
        // SAFETY: as many bytes as the view has, read byte by byte.
        unsafe { std::ptr::copy_nonoverlapping(view.ptr, buffer.ptr(), view.len() * size) }
    } else {
        return Err(text::not_aligned_input());
    }
    let ptr = buffer.ptr();
    copies.push(buffer);
    Ok(ptr)
}

/// The addresses between the first and the last element of a view.
fn extent(view: &View) -> (usize, usize) {
    let size = view.dtype.size() as isize;
    let (mut low, mut high) = (0isize, size);
    for (&n, &stride) in view.shape().iter().zip(view.strides()) {
        let reach = (n as isize - 1) * stride * size;
        low += reach.min(0);
        high += reach.max(0);
    }
    (
        view.ptr.addr().wrapping_add_signed(low),
        view.ptr.addr().wrapping_add_signed(high),
    )
}

/// The outputs that share memory with an input or an earlier output.
fn shared(inputs: &[View], outputs: &[Out]) -> SmallVec<[usize; 2]> {
    let mut spans: SmallVec<[(usize, usize, Option<usize>); 8]> = SmallVec::new();
    spans.extend(
        inputs
            .iter()
            .filter(|v| !v.is_empty())
            .map(|v| (extent(v).0, extent(v).1, None)),
    );
    let span = |(k, out): (usize, &Out)| {
        let first = out.ptr.addr();
        (first, first + out.len() * out.dtype.size(), Some(k))
    };
    spans.extend(outputs.iter().enumerate().map(span).filter(|s| s.0 < s.1));
    spans.sort_unstable();
    // Swept in the order of their addresses: of what overlaps all outputs are put elsewhere.
    let mut found = SmallVec::new();
    let mut furthest: Option<(usize, Option<usize>)> = None;
    for &(start, end, output) in &spans {
        if let Some((reach, before)) = furthest
            && start < reach
        {
            found.extend(output.into_iter().chain(before));
        }
        if furthest.is_none_or(|(reach, _)| end > reach) {
            furthest = Some((end, output));
        }
    }
    found
}
