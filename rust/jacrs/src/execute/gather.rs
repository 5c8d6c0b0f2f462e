//! Blocks of operands that do not lie contiguously.

use crate::plan::Rows;
use crate::simd::Work;

/// Rows that are put side by side: those of one index of an axis, for `count` indices of it.
pub struct Gather<'a> {
    pub from: *const u8,
    pub to: *mut u8,
    /// Bytes of an element.
    pub size: usize,
    pub count: usize,
    /// From one index to the next, in elements.
    pub along: isize,
    pub rows: &'a Rows,
}

/// Long rows are moved in pieces of this length, of which the last may overlap the one before.
const PIECE: usize = 8;

impl Work for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // SAFETY: whoever makes one vouches for its addresses, as for those of a kernel.
        unsafe {
            match self.size {
                1 => self.move_all::<u8>(),
                4 => self.move_all::<u32>(),
                8 => self.move_all::<u64>(),
                _ => self.move_all::<u128>(),
            }
        }
    }
}

/// Calls `$body` with `$N` the length of a short row, or else `$long`.
macro_rules! by_length {
    ($length:expr, $N:ident => $short:expr, $long:expr) => {
        by_length!(@ $length, $N => $short, $long; 2 3 4 5 6 7)
    };
    (@ $length:expr, $N:ident => $short:expr, $long:expr; $($n:literal)*) => {
        match $length {
            $($n => {
                const $N: usize = $n;
                $short
            })*
            _ => $long,
        }
    };
}

impl Gather<'_> {
    /// # Safety
    /// `from` must be good for all elements that the rows name, `to` have room for them.
    #[inline(always)]
    unsafe fn move_all<T: Copy>(&self) {
        let Rows {
            starts,
            length,
            step,
        } = self.rows;
        let (from, to) = (self.from.cast::<T>(), self.to.cast::<T>());
        // SAFETY: the caller's contract.
        unsafe {
            if *length == 1 && starts.len() == 1 {
                return strided(from, self.along, to, self.count);
            }
            match *step {
                0 => by_length!(*length,
                    N => self.each(|x: *const T, y: *mut T| y.cast::<[T; N]>().write_unaligned([x.read(); N])),
                    self.each(|x: *const T, y: *mut T| repeat(x.read(), y, *length))),
                1 => by_length!(*length,
                    N => self.each(|x: *const T, y: *mut T| y.cast::<[T; N]>().write_unaligned(x.cast::<[T; N]>().read_unaligned())),
                    self.each(|x: *const T, y: *mut T| in_pieces(x, y, *length))),
                step => self.each(|x: *const T, y: *mut T| strided(x, step, y, *length)),
            }
        }
    }

    /// Each row: where it lies, and where it belongs.
    #[inline(always)]
    unsafe fn each<T: Copy>(&self, mut row: impl FnMut(*const T, *mut T)) {
        let Rows { starts, length, .. } = self.rows;
        let (mut from, mut to) = (self.from.cast::<T>(), self.to.cast::<T>());
        for _ in 0..self.count {
            for &start in starts {
                row(from.wrapping_offset(start), to);
                to = to.wrapping_add(*length);
            }
            from = from.wrapping_offset(self.along);
        }
    }
}

#[inline(always)]
unsafe fn strided<T: Copy>(from: *const T, step: isize, to: *mut T, length: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        if step == 0 {
            return repeat(from.read(), to, length);
        }
        for k in 0..length {
            to.add(k).write(from.offset(k as isize * step).read());
        }
    }
}

#[inline(always)]
unsafe fn repeat<T: Copy>(value: T, to: *mut T, length: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        if length < PIECE {
            for k in 0..length {
                to.add(k).write(value);
            }
            return;
        }
        let last = length - PIECE;
        let mut k = 0;
        while k < last {
            to.add(k)
                .cast::<[T; PIECE]>()
                .write_unaligned([value; PIECE]);
            k += PIECE;
        }
        to.add(last)
            .cast::<[T; PIECE]>()
            .write_unaligned([value; PIECE]);
    }
}

/// Copies a contiguous row.
#[inline(always)]
unsafe fn in_pieces<T: Copy>(from: *const T, to: *mut T, length: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        if length < PIECE {
            return strided(from, 1, to, length);
        }
        let piece = |k: usize| {
            let elements = from.add(k).cast::<[T; PIECE]>().read_unaligned();
            to.add(k).cast::<[T; PIECE]>().write_unaligned(elements);
        };
        let last = length - PIECE;
        let mut k = 0;
        while k < last {
            piece(k);
            k += PIECE;
        }
        piece(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::{Array, Layout};
    use crate::simd::vectorised;

    #[test]
    fn rows_of_every_length_are_put_side_by_side() {
        let x = Array::from_slice(&[400], &(0..400i64).collect::<Vec<_>>());
        for length in [1, 2, 3, 7, 8, 9, 10, 16, 17, 25, 40] {
            for (along, row, step) in [
                (3, 1, 1),
                (0, 5, 1),
                (1, 2, 0),
                (-1, 0, 2),
                (0, 0, -1),
                (7, 1, 0),
            ] {
                let layout = Layout {
                    shape: [4, 3, length].as_slice().into(),
                    strides: [along, row, step].as_slice().into(),
                };
                let view = x.relaid(100, layout);
                let mut got = vec![-1i64; 12 * length];
                vectorised(Gather {
                    from: view.view().ptr,
                    to: got.as_mut_ptr().cast(),
                    size: 8,
                    count: 4,
                    along,
                    rows: &Rows {
                        starts: vec![0, row, 2 * row],
                        length,
                        step,
                    },
                });
                assert_eq!(got, view.to_vec::<i64>(), "{length} {along} {row} {step}");
            }
        }
    }
}
