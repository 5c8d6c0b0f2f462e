//! Reducing many terms to one, pairwise and in an order that depends on shapes alone.

use std::marker::PhantomData;
use std::ops::Range;

use crate::array::{Dims, Out, Strides, View, coalesce, walk};
use crate::interrupt::{STRETCH, elements};
use crate::ir::Pick;
use crate::simd::{Number, Work, vectorised};

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
/// Columns whose totals are in registers at once: enough to hide how long an addition takes.
const PIECE: usize = 32;
/// Columns that a long run is dealt out to, like cards.
const DEALT: usize = 64;
/// Up to this many terms a sum is taken one after the other; above, halves are added.
pub const LEAF: usize = 16;

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
    if let (&[n], &[step], [_]) = (x.shape(), x.strides(), axes)
        && n > 0
    {
        return fold_line::<T, J>(x.ptr.cast(), n, step, out.ptr.cast());
    }
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
    let mut table = vec![];
    let terms = match *reduced.1.as_slice() {
        [] => Terms::Even(0),
        [step] => Terms::Even(step),
        ref strides => {
            table.reserve(n);
            walk(&reduced.0, [strides], |[offset]| table.push(offset));
            Terms::Table(&table)
        }
    };
    let fastest = x.shape().iter().rposition(|&length| length != 1);
    let dealt = n >= 2 * DEALT && fastest.is_some_and(|axis| axes.contains(&axis));
    // The last kept axis goes side by side, in tiles.
    let split = kept.0.len().saturating_sub(1);
    let (width, step) = kept.0.last().map_or((1, 1), |&w| (w, kept.1[split]));
    let mut row = 0;
    walk(&kept.0[..split], [&kept.1[..split]], |[base]| {
        let start = x.ptr.cast::<T>().wrapping_offset(base);
        let target = out_ptr.wrapping_add(row);
        if dealt {
            for k in 0..width {
                let total = run_total::<T, J>(start.wrapping_offset(k as isize * step), n, &terms);
                // SAFETY: row by row, inside `out`.
                unsafe { target.add(k).write(total) }
            }
        } else {
            for first in (0..width).step_by(TILE) {
                let columns = Columns {
                    ptr: start.wrapping_offset(first as isize * step),
                    step,
                    count: TILE.min(width - first),
                };
                columns.write_totals::<J>(n, &terms, target.wrapping_add(first));
            }
        }
        row += width;
    });
}

/// The same for all of one axis: loops over short vectors do it often.
fn fold_line<T: Reducible, J: Join<T>>(ptr: *const T, n: usize, step: isize, out: *mut T) {
    let terms = Terms::Even(step);
    if n >= 2 * DEALT {
        // SAFETY: the result is one element.
        return unsafe { out.write(run_total::<T, J>(ptr, n, &terms)) };
    }
    let column = Columns {
        ptr,
        step: 0,
        count: 1,
    };
    column.write_totals::<J>(n, &terms, out);
}

/// The part `k` of `0..n` halved `depth` times, as sums are halved.
pub fn halved(n: usize, depth: u32, k: usize) -> Range<usize> {
    let (mut from, mut to) = (0, n);
    for level in (0..depth).rev() {
        let middle = from + (to - from) / 2;
        if k >> level & 1 == 0 {
            to = middle;
        } else {
            from = middle;
        }
    }
    from..to
}

/// Joins the totals of halves, `count` of them of `width` columns each, into the first.
///
/// # Safety
/// `totals` must be good for all of them.
pub unsafe fn join_halves<T: Reducible, J: Join<T>>(totals: *mut T, count: usize, width: usize) {
    let mut apart = 1;
    while apart < count {
        for k in (0..count).step_by(2 * apart) {
            for column in 0..width {
                // SAFETY: the caller's contract.
                unsafe {
                    let left = totals.add(k * width + column);
                    left.write(J::join(
                        left.read(),
                        totals.add((k + apart) * width + column).read(),
                    ));
                }
            }
        }
        apart *= 2;
    }
}

/// A long run, dealt out to columns whose totals are then joined by halves.
fn run_total<T: Reducible, J: Join<T>>(ptr: *const T, n: usize, terms: &Terms) -> T {
    let mut total = [J::EMPTY; DEALT];
    let (step, hands) = match terms {
        Terms::Even(step) => (*step, Terms::Even(step * DEALT as isize)),
        Terms::Table(table) | Terms::Dealt(table) => (0, Terms::Dealt(table)),
    };
    let columns = Columns {
        ptr,
        step,
        count: DEALT,
    };
    columns.halves::<J, DEALT>(0, n / DEALT, &hands, &mut total);
    let mut half = DEALT / 2;
    while half > 0 {
        for k in 0..half {
            total[k] = J::join(total[k], total[k + half]);
        }
        half /= 2;
    }
    (n / DEALT * DEALT..n).fold(total[0], |sum, i| {
        // SAFETY: the run has `n` elements.
        J::join(sum, unsafe { ptr.offset(terms.at(i)).read() })
    })
}

/// Where terms lie, from the first.
#[derive(Clone, Copy)]
enum Terms<'a> {
    Even(isize),
    Table(&'a [isize]),
    /// Each element of a hand has an entry of its own.
    Dealt(&'a [isize]),
}

impl Terms<'_> {
    #[inline(always)]
    fn at(&self, i: usize) -> isize {
        match self {
            Terms::Even(step) => i as isize * step,
            Terms::Table(table) | Terms::Dealt(table) => table[i],
        }
    }
}

/// Columns side by side, the terms of each one below the other.
#[derive(Clone, Copy)]
struct Columns<T> {
    ptr: *const T,
    step: isize,
    count: usize,
}

impl<T: Reducible> Columns<T> {
    /// Reduces all terms into `target`.
    fn write_totals<J: Join<T>>(&self, n: usize, terms: &Terms, target: *mut T) {
        if n <= LEAF {
            // SAFETY: the caller's row has `count` elements from here.
            let total = unsafe { std::slice::from_raw_parts_mut(target, self.count) };
            return self.leaf::<J>(0, n, terms, total);
        }
        let mut total = [J::EMPTY; TILE];
        self.halves::<J, TILE>(0, n, terms, &mut total);
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(total.as_ptr(), target, self.count) }
    }

    fn halves<J: Join<T>, const W: usize>(
        &self,
        from: usize,
        to: usize,
        terms: &Terms,
        total: &mut [T; W],
    ) {
        if to - from <= LEAF {
            return self.leaf::<J>(from, to, terms, &mut total[..self.count]);
        }
        if to - from >= STRETCH / W {
            elements(STRETCH);
        }
        let middle = from + (to - from) / 2;
        self.halves::<J, W>(from, middle, terms, total);
        let mut right = [J::EMPTY; W];
        self.halves::<J, W>(middle, to, terms, &mut right);
        vectorised(Both::<T, J, W> {
            left: total,
            right: &right,
            join: PhantomData,
        });
    }

    fn leaf<J: Join<T>>(&self, from: usize, to: usize, terms: &Terms, total: &mut [T]) {
        vectorised(Leaf::<T, J> {
            columns: *self,
            from,
            to,
            terms: *terms,
            total,
            join: PhantomData,
        });
    }
}

/// Two totals of each column become one.
struct Both<'a, T, J, const W: usize> {
    left: &'a mut [T; W],
    right: &'a [T; W],
    join: PhantomData<J>,
}

impl<T: Reducible, J: Join<T>, const W: usize> Work for Both<'_, T, J, W> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (a, &b) in self.left.iter_mut().zip(self.right) {
            *a = J::join(*a, b);
        }
    }
}

/// A few terms of each column, one after the other.
struct Leaf<'a, T, J> {
    columns: Columns<T>,
    from: usize,
    to: usize,
    terms: Terms<'a>,
    total: &'a mut [T],
    join: PhantomData<J>,
}

impl<T: Reducible, J: Join<T>> Work for Leaf<'_, T, J> {
    type Output = ();

    #[inline(always)]
    #[allow(
        clippy::needless_range_loop,
        reason = "iterators keep `sums` out of registers"
    )]
    fn run(self) {
        let Columns { ptr, step, .. } = self.columns;
        let (from, to, total) = (self.from, self.to, self.total);
        // SAFETY: columns and terms stay inside the view.
        let at = |offset: isize| unsafe { ptr.offset(offset).read() };
        match self.terms {
            Terms::Dealt(table) => {
                let hand = |i: usize| &table[i * DEALT..(i + 1) * DEALT];
                for (slot, &offset) in total.iter_mut().zip(hand(from)) {
                    *slot = at(offset);
                }
                for i in from + 1..to {
                    for (slot, &offset) in total.iter_mut().zip(hand(i)) {
                        *slot = J::join(*slot, at(offset));
                    }
                }
            }
            // Each column is a run of its own.
            Terms::Even(1) if step != 1 => {
                for (k, slot) in total.iter_mut().enumerate() {
                    let start = k as isize * step;
                    let mut sum = at(start + from as isize);
                    for i in from + 1..to {
                        sum = J::join(sum, at(start + i as isize));
                    }
                    *slot = sum;
                }
            }
            terms if step == 1 => {
                let (pieces, rest) = total.as_chunks_mut::<PIECE>();
                let mut start = 0;
                for piece in pieces {
                    // Of fixed length they stay in registers.
                    let mut sums = [J::EMPTY; PIECE];
                    let first = terms.at(from) + start;
                    for k in 0..PIECE {
                        sums[k] = at(first + k as isize);
                    }
                    for i in from + 1..to {
                        let row = terms.at(i) + start;
                        for k in 0..PIECE {
                            sums[k] = J::join(sums[k], at(row + k as isize));
                        }
                    }
                    *piece = sums;
                    start += PIECE as isize;
                }
                let done = start as usize;
                for (k, slot) in rest.iter_mut().enumerate() {
                    *slot = at(terms.at(from) + (done + k) as isize);
                }
                for i in from + 1..to {
                    let row = terms.at(i) + done as isize;
                    for (k, slot) in rest.iter_mut().enumerate() {
                        *slot = J::join(*slot, at(row + k as isize));
                    }
                }
            }
            terms => {
                for (k, slot) in total.iter_mut().enumerate() {
                    *slot = at(terms.at(from) + k as isize * step);
                }
                for i in from + 1..to {
                    for (k, slot) in total.iter_mut().enumerate() {
                        *slot = J::join(*slot, at(terms.at(i) + k as isize * step));
                    }
                }
            }
        }
    }
}

/// Adds a view to the elements with these strides from `target`.
pub fn add_to<T: Reducible>(value: &View, target: *mut T, strides: &[isize]) {
    let (dims, [from, to]) = coalesce(value.shape(), [value.strides(), strides]);
    let outer = dims.len().saturating_sub(1);
    walk(&dims[..outer], [&from[..outer], &to[..outer]], |[a, b]| {
        vectorised(AddRow {
            from: value.ptr.cast::<T>().wrapping_offset(a),
            to: target.wrapping_offset(b),
            steps: dims.last().map_or((1, 1), |_| (from[outer], to[outer])),
            length: dims.last().copied().unwrap_or(1),
        });
    });
}

/// One row added to another.
struct AddRow<T> {
    from: *const T,
    to: *mut T,
    steps: (isize, isize),
    length: usize,
}

impl<T: Reducible> Work for AddRow<T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let add = |i: isize, j: isize| {
            // SAFETY: rows of two shapes that are equal.
            unsafe {
                let slot = self.to.offset(j);
                slot.write(slot.read().plus(self.from.offset(i).read()));
            }
        };
        let length = self.length as isize;
        match self.steps {
            (1, 1) => (0..length).for_each(|k| add(k, k)),
            (step, to) => (0..length).for_each(|k| add(k * step, k * to)),
        }
    }
}
