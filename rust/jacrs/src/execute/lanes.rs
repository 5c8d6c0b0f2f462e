//! Blocks of operands that are not contiguous.

use crate::array::{View, coalesce};
use crate::ops::elementwise::Reader;

/// Fills blocks from a strided operand.
pub enum Source {
    /// Each element repeated over the lanes behind it: a coefficient beside a panel of seeds.
    Lanes(Lanes),
    Strided(Reader),
}

impl Source {
    /// Starts at element `start`, in C order.
    pub fn new(view: &View, start: usize) -> Self {
        let (shape, [strides]) = coalesce(view.shape(), [view.strides()]);
        if let ([_, width], [step, 0]) = (shape.as_slice(), strides.as_slice()) {
            let size = view.dtype.size();
            return Self::Lanes(Lanes {
                ptr: view.ptr,
                size,
                step: *step,
                width: *width,
                next: start,
            });
        }
        let mut reader = Reader::new(view);
        reader.seek(start);
        Self::Strided(reader)
    }

    /// The next `count` elements into a block.
    pub fn fill(&mut self, count: usize, block: *mut u8) {
        match self {
            Self::Lanes(lanes) => lanes.fill(count, block),
            Self::Strided(reader) => {
                let filled = reader.next(count, block);
                debug_assert!(
                    std::ptr::eq(filled, block),
                    "contiguous operands are streams"
                );
            }
        }
    }
}

/// Rows of one element, `width` times.
pub struct Lanes {
    ptr: *const u8,
    size: usize,
    step: isize,
    width: usize,
    next: usize,
}

impl Lanes {
    fn fill(&mut self, count: usize, block: *mut u8) {
        // SAFETY: the group reads no more elements than the operand has; a block holds `count`.
        unsafe {
            match self.size {
                1 => self.spread::<u8>(count, block.cast()),
                4 => self.spread::<u32>(count, block.cast()),
                8 => self.spread::<u64>(count, block.cast()),
                _ => self.spread::<u128>(count, block.cast()),
            }
        }
        self.next += count;
    }

    /// # Safety
    /// The operand must have `count` elements from `next`, `block` room for them.
    unsafe fn spread<T: Copy>(&self, count: usize, block: *mut T) {
        let (mut row, lane) = (self.next / self.width, self.next % self.width);
        let mut done = 0;
        // SAFETY: the caller's contract.
        unsafe {
            if lane > 0 {
                done = (self.width - lane).min(count);
                self.rows::<T>(row, 1, done, block);
                row += 1;
            }
            let whole = (count - done) / self.width;
            let target = block.add(done);
            match self.width {
                2 => self.rows_of::<T, 2>(row, whole, target),
                4 => self.rows_of::<T, 4>(row, whole, target),
                8 => self.rows_of::<T, 8>(row, whole, target),
                16 => self.rows_of::<T, 16>(row, whole, target),
                width => self.rows::<T>(row, whole, width, target),
            }
            done += whole * self.width;
            self.rows::<T>(
                row + whole,
                1.min(count - done),
                count - done,
                block.add(done),
            );
        }
    }

    unsafe fn rows<T: Copy>(&self, row: usize, rows: usize, width: usize, block: *mut T) {
        for k in 0..rows {
            // SAFETY: the caller's contract.
            unsafe {
                let value = self
                    .ptr
                    .cast::<T>()
                    .offset((row + k) as isize * self.step)
                    .read();
                for lane in 0..width {
                    block.add(k * width + lane).write(value);
                }
            }
        }
    }

    /// As [`Lanes::rows`] for a width that the compiler knows.
    unsafe fn rows_of<T: Copy, const WIDTH: usize>(&self, row: usize, rows: usize, block: *mut T) {
        for k in 0..rows {
            // SAFETY: the caller's contract.
            unsafe {
                let value = self
                    .ptr
                    .cast::<T>()
                    .offset((row + k) as isize * self.step)
                    .read();
                block.cast::<[T; WIDTH]>().add(k).write([value; WIDTH]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::{Array, Layout};

    #[test]
    fn lanes_repeat_from_anywhere() {
        let x = Array::from_slice(&[40], &(0..40i64).collect::<Vec<_>>());
        for width in [1, 2, 3, 4, 8, 16, 20] {
            for (offset, step) in [(0, 1isize), (19, -1), (1, 2)] {
                let layout = Layout {
                    shape: [20, width].as_slice().into(),
                    strides: [step, 0].as_slice().into(),
                };
                let view = x.relaid(offset, layout);
                let want = view.to_vec::<i64>();
                for start in [0, 1, 7, 20] {
                    let mut source = Source::new(view.view(), start);
                    let mut got = vec![];
                    for count in [5usize, 0, 1, 30, 200] {
                        let count = count.min(want.len() - start - got.len());
                        let mut block = vec![-1i64; count];
                        source.fill_any(count, &mut block);
                        got.extend(block);
                    }
                    assert_eq!(
                        got,
                        want[start..start + got.len()],
                        "{width} {step} {start}"
                    );
                }
            }
        }
    }

    impl Source {
        /// A width of one makes the view contiguous or merely strided.
        fn fill_any(&mut self, count: usize, block: &mut [i64]) {
            match self {
                Self::Strided(reader) => {
                    let at = reader.next(count, block.as_mut_ptr().cast());
                    // SAFETY: good for `count` elements; may be the block itself.
                    unsafe { std::ptr::copy(at.cast(), block.as_mut_ptr(), count) };
                }
                Self::Lanes(_) => self.fill(count, block.as_mut_ptr().cast()),
            }
        }
    }
}
