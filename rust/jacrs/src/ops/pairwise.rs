//! Reducing many terms to one, pairwise and in an order that depends on shapes alone.

use crate::array::{Dims, Out, Strides, View, coalesce, walk};
use crate::interrupt::{STRETCH, elements};
use crate::ir::Pick;
use crate::simd::Number;

/// Elements that can be reduced; for bools a sum is "any" and a product is "all".
pub trait Reducible: Copy {
    const ZERO: Self;
    const ONE: Self;
    fn plus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    /// The guarded product.
    fn times0(self, other: Self) -> Self;
    fn larger(self, other: Self) -> Self;
    fn smaller(self, other: Self) -> Self;
    /// `self` comes before `other` when looking for the largest (NaN before all).
    fn beats(self, other: Self, pick: Pick) -> bool;
}

macro_rules! reducible {
    ($($T:ident)*) => {
        $(impl Reducible for $T {
            const ZERO: Self = <$T as Number>::ZERO;
            const ONE: Self = <$T as Number>::ONE;
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                Number::add(self, other)
            }
            #[inline(always)]
            fn times(self, other: Self) -> Self {
                Number::mul(self, other)
            }
            #[inline(always)]
            fn times0(self, other: Self) -> Self {
                Number::mul0(self, other)
            }
            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                Number::maximum(self, other)
            }
            #[inline(always)]
            fn smaller(self, other: Self) -> Self {
                Number::minimum(self, other)
            }
            fn beats(self, other: Self, pick: Pick) -> bool {
                let ahead = match pick {
                    Pick::Max => self > other,
                    Pick::Min => self < other,
                };
                ahead || (Number::is_nan(self) && !Number::is_nan(other))
            }
        })*
    };
}
reducible!(i64 f32 f64);

impl Reducible for u8 {
    const ZERO: Self = 0;
    const ONE: Self = 1;
    fn plus(self, other: Self) -> Self {
        self | other
    }
    fn times(self, other: Self) -> Self {
        self & other
    }
    fn times0(self, other: Self) -> Self {
        self & other
    }
    fn larger(self, other: Self) -> Self {
        self | other
    }
    fn smaller(self, other: Self) -> Self {
        self & other
    }
    fn beats(self, other: Self, pick: Pick) -> bool {
        if pick == Pick::Max {
            self > other
        } else {
            self < other
        }
    }
}

/// `x + y` in any dtype.
#[inline(always)]
pub fn plus<T: Reducible>(x: T, y: T) -> T {
    x.plus(y)
}

/// Kept axes and reduced axes of a view, each merged as far as they go.
struct Split {
    kept: (Dims, Strides),
    reduced: (Dims, Strides),
}

impl Split {
    fn new(x: &View, axes: &[usize]) -> Self {
        let part = |reduced: bool| {
            let chosen: Dims = (0..x.shape().len())
                .filter(|a| axes.contains(a) == reduced)
                .collect();
            let layout = x.layout.transpose(&chosen);
            let (dims, [strides]) = coalesce(&layout.shape, [&layout.strides]);
            (dims, strides)
        };
        Self {
            kept: part(false),
            reduced: part(true),
        }
    }
}

/// Columns that are reduced side by side, at most.
const TILE: usize = 128;
/// Columns that a contiguous run is dealt out to.
const WIDE: usize = 16;
/// Below this many terms a sum is taken one after the other; above, halves are added.
const LEAF: usize = 16;

/// How two partial results become one: a type, so that each loop is compiled for it.
pub trait Join<T> {
    const EMPTY: T;
    fn join(a: T, b: T) -> T;
}

macro_rules! joins {
    ($($Name:ident $empty:ident $join:ident;)*) => {
        $(pub struct $Name;
        impl<T: Reducible> Join<T> for $Name {
            const EMPTY: T = T::$empty;
            #[inline(always)]
            fn join(a: T, b: T) -> T {
                a.$join(b)
            }
        })*
    };
}
joins! {
    Sum ZERO plus;
    Prod ONE times;
    Max ZERO larger;
    Min ZERO smaller;
}

/// Reduces by halves, so that rounding errors grow with the logarithm of the length (pairwise
/// summation; Higham, "The accuracy of floating point summation", SIAM J. Sci. Comput. 14, 1993).
/// The order of the terms depends on the shapes alone.
pub fn fold<T: Reducible, J: Join<T>>(x: &View, axes: &[usize], out: &Out) {
    let Split { kept, reduced } = Split::new(x, axes);
    let n: usize = reduced.0.iter().product();
    let out_ptr = out.ptr.cast::<T>();
    if n == 0 {
        for i in 0..out.len() {
            // SAFETY: inside `out`.
            unsafe { out_ptr.add(i).write(J::EMPTY) }
        }
        return;
    }
    let terms = term_offsets(&reduced.0, &reduced.1);
    // The last kept axis goes side by side, in tiles.
    let split = kept.0.len().saturating_sub(1);
    let (width, step) = kept.0.last().map_or((1, 1), |&w| (w, kept.1[split]));
    let mut row = 0;
    walk(&kept.0[..split], [&kept.1[..split]], |[base]| {
        for start in (0..width).step_by(TILE) {
            let count = TILE.min(width - start);
            let ptr = x
                .ptr
                .cast::<T>()
                .wrapping_offset(base + start as isize * step);
            let columns = Columns { ptr, step, count };
            let target = out_ptr.wrapping_add(row + start);
            match count {
                1 if matches!(terms, Terms::Even(1)) && n >= 2 * WIDE => {
                    let total = run_total::<T, J>(ptr, n);
                    // SAFETY: row by row, inside `out`.
                    unsafe { target.write(total) }
                }
                1 => columns.write_totals::<J, 1>(n, &terms, target),
                2..=WIDE => columns.write_totals::<J, WIDE>(n, &terms, target),
                _ => columns.write_totals::<J, TILE>(n, &terms, target),
            }
        }
        row += width;
    });
}

/// A contiguous run, dealt out to columns whose totals are then joined by halves.
fn run_total<T: Reducible, J: Join<T>>(ptr: *const T, n: usize) -> T {
    let columns = Columns {
        ptr,
        step: 1,
        count: WIDE,
    };
    let mut total = [J::EMPTY; WIDE];
    columns.halves::<J, WIDE>(0, n / WIDE, &Terms::Even(WIDE as isize), &mut total);
    let mut half = WIDE / 2;
    while half > 0 {
        for k in 0..half {
            total[k] = J::join(total[k], total[k + half]);
        }
        half /= 2;
    }
    (n / WIDE * WIDE..n).fold(total[0], |sum, i| {
        // SAFETY: the run has `n` elements.
        J::join(sum, unsafe { ptr.add(i).read() })
    })
}

enum Terms {
    Even(isize),
    Table(Vec<isize>),
}

fn term_offsets(shape: &[usize], strides: &[isize]) -> Terms {
    if shape.len() <= 1 {
        return Terms::Even(strides.first().copied().unwrap_or(0));
    }
    let mut table = Vec::with_capacity(shape.iter().product());
    walk(shape, [strides], |[offset]| table.push(offset));
    Terms::Table(table)
}

impl Terms {
    #[inline(always)]
    fn at(&self, i: usize) -> isize {
        match self {
            Terms::Even(step) => i as isize * step,
            Terms::Table(table) => table[i],
        }
    }
}

/// Columns side by side, the terms of each one below the other.
struct Columns<T> {
    ptr: *const T,
    step: isize,
    count: usize,
}

impl<T: Reducible> Columns<T> {
    /// Reduces all terms into `target`, in a tile of `W` columns.
    fn write_totals<J: Join<T>, const W: usize>(&self, n: usize, terms: &Terms, target: *mut T) {
        let mut total = [J::EMPTY; W];
        self.halves::<J, W>(0, n, terms, &mut total);
        for (k, value) in total[..self.count].iter().enumerate() {
            // SAFETY: the caller's row has `count` elements from here.
            unsafe { target.add(k).write(*value) }
        }
    }

    fn halves<J: Join<T>, const W: usize>(
        &self,
        from: usize,
        to: usize,
        terms: &Terms,
        total: &mut [T; W],
    ) {
        if to - from <= LEAF {
            self.each(terms.at(from), total, |_, value| value);
            for i in from + 1..to {
                self.each(terms.at(i), total, J::join);
            }
            return;
        }
        if to - from >= STRETCH / W {
            elements(STRETCH);
        }
        let middle = from + (to - from) / 2;
        self.halves::<J, W>(from, middle, terms, total);
        let mut right = [J::EMPTY; W];
        self.halves::<J, W>(middle, to, terms, &mut right);
        for (a, b) in total.iter_mut().zip(right) {
            *a = J::join(*a, b);
        }
    }

    /// Updates each column's total with the term at an offset.
    #[inline(always)]
    fn each<const W: usize>(&self, offset: isize, total: &mut [T; W], update: impl Fn(T, T) -> T) {
        let row = self.ptr.wrapping_offset(offset);
        if self.step == 1 && self.count == W {
            for (k, slot) in total.iter_mut().enumerate() {
                // SAFETY: columns and terms stay inside the view.
                *slot = update(*slot, unsafe { row.add(k).read() });
            }
            return;
        }
        for (k, slot) in total[..self.count].iter_mut().enumerate() {
            // SAFETY: columns and terms stay inside the view.
            *slot = update(*slot, unsafe { row.offset(k as isize * self.step).read() });
        }
    }
}
