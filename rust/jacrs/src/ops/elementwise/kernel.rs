//! Block kernels: one tight loop over contiguous operands, compiled once for each level.

use std::mem::MaybeUninit;

use crate::array::DType;
use crate::simd::math::{Arithmetic, Common, Fused, Plain, Portable, sin_cos};
use crate::simd::{Level, Work, level, vectorised};

/// Applies a function to `n` contiguous elements of each operand. A function with a second result
/// finds the place of that after its operands.
///
/// # Safety
/// Every pointer must be good for `n` elements of its type, a result not overlapping an operand
/// unless they are equal, nor another result.
pub type Kernel = unsafe fn(operands: &[*const u8], out: *mut u8, n: usize);

/// An elementary function of one or two numbers; a second that it does not have is anything.
///
/// # Safety
/// The processor must have AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
pub type Entry = unsafe extern "sysv64" fn(f64, f64) -> f64;

/// A function of one or two elements with `R` results, as a type so that each loop is compiled for
/// it. Elements have the same layout in every arithmetic.
pub trait Loop<const R: usize = 1> {
    type In<A: Arithmetic>: Copy;
    type Out<A: Arithmetic>: Copy;
    const ARITY: usize;
    /// An elementary function: long, and computed through blocks.
    const ELEMENTARY: bool = false;
    /// The function branches for elements that are not common.
    const BRANCHES: bool = false;
    #[inline(always)]
    fn is_common<A: Arithmetic>(_: Self::In<A>, _: Self::In<A>) -> bool {
        true
    }
    fn apply<A: Arithmetic>(x: Self::In<A>, z: Self::In<A>) -> [Self::Out<A>; R];
}

/// The loop over `L` for a level.
pub fn block<L: Loop<R>, const R: usize>(level: Level) -> Kernel {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::<L, R>,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::<L, R>,
        _ => run::<L, Portable, R>,
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")]
unsafe fn avx512<L: Loop<R>, const R: usize>(operands: &[*const u8], out: *mut u8, n: usize) {
    // SAFETY: the caller's contract.
    unsafe { run::<L, Fused, R>(operands, out, n) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<L: Loop<R>, const R: usize>(operands: &[*const u8], out: *mut u8, n: usize) {
    // SAFETY: the caller's contract.
    unsafe { run::<L, Fused, R>(operands, out, n) }
}

#[inline(always)]
unsafe fn run<L: Loop<R>, A: Arithmetic, const R: usize>(
    operands: &[*const u8],
    out: *mut u8,
    n: usize,
) {
    let x = operands[0].cast::<L::In<A>>();
    let z = operands[L::ARITY - 1].cast::<L::In<A>>();
    let mut outs = [out.cast::<L::Out<A>>(); R];
    for (k, out) in outs.iter_mut().enumerate().skip(1) {
        *out = operands[L::ARITY + k - 1].cast_mut().cast();
    }
    // SAFETY: the caller's contract.
    unsafe {
        if L::ELEMENTARY {
            return in_blocks::<L, A, R>(x, z, outs, n);
        }
        for i in 0..n {
            write(outs, i, L::apply::<A>(x.add(i).read(), z.add(i).read()));
        }
    }
}

/// Writes element `i` of all results.
#[inline(always)]
unsafe fn write<T: Copy, const R: usize>(outs: [*mut T; R], i: usize, values: [T; R]) {
    for (out, value) in outs.iter().zip(values) {
        // SAFETY: the caller's contract.
        unsafe { out.add(i).write(value) }
    }
}

/// Elements that are computed together: what is left over at the end is filled up to this number.
/// A vector loop that never ends in single elements needs no second, slow body.
const STRIDE: usize = 16;
const BLOCK: usize = 16 * STRIDE;

type Block<T> = [MaybeUninit<T>; BLOCK];

/// Results go to blocks on the stack first: they overlap no operand, so that neither checks nor a
/// body for operands that are updated in place are needed.
#[inline(always)]
unsafe fn in_blocks<L: Loop<R>, A: Arithmetic, const R: usize>(
    x: *const L::In<A>,
    z: *const L::In<A>,
    outs: [*mut L::Out<A>; R],
    n: usize,
) {
    let mut blocks = [[MaybeUninit::<L::Out<A>>::uninit(); BLOCK]; R];
    let mut padded = [[MaybeUninit::<L::In<A>>::uninit(); STRIDE]; 2];
    let mut start = 0;
    while start < n {
        // SAFETY: `start + count <= n`; the padded operands have `STRIDE` elements.
        unsafe {
            let (mut px, mut pz) = (x.add(start), z.add(start));
            let count = (n - start).min(BLOCK);
            let strides = count / STRIDE;
            if strides == 0 {
                for (row, from) in padded[..L::ARITY].iter_mut().zip([px, pz]) {
                    fill_up(from, count, row.as_mut_ptr().cast());
                }
                px = padded[0].as_ptr().cast();
                pz = padded[L::ARITY - 1].as_ptr().cast();
                compute::<L, A, R>(px, pz, &mut blocks, 1);
                for (block, out) in blocks.iter().zip(outs) {
                    take_back(block.as_ptr().cast(), count, out.add(start));
                }
                return;
            }
            compute::<L, A, R>(px, pz, &mut blocks, strides);
            let count = strides * STRIDE;
            for (block, out) in blocks.iter().zip(outs) {
                std::ptr::copy_nonoverlapping(block.as_ptr().cast(), out.add(start), count);
            }
            start += count;
        }
    }
}

const HALF: usize = STRIDE / 2;
const QUARTER: usize = STRIDE / 4;

/// Fills a stride with `count` elements, fewer than it has: first those from the front, then those up
/// to the end, some of them twice, so that whole vectors are moved.
#[inline(always)]
unsafe fn fill_up<T: Copy>(from: *const T, count: usize, to: *mut T) {
    // SAFETY: `from` is good for `count` elements, `to` for a stride.
    unsafe {
        let end = from.add(count);
        if count >= HALF {
            std::ptr::copy_nonoverlapping(from, to, HALF);
            std::ptr::copy_nonoverlapping(end.sub(HALF), to.add(HALF), HALF);
        } else if count >= QUARTER {
            std::ptr::copy_nonoverlapping(from, to, QUARTER);
            for place in [QUARTER, 2 * QUARTER, 3 * QUARTER] {
                std::ptr::copy_nonoverlapping(end.sub(QUARTER), to.add(place), QUARTER);
            }
        } else {
            for i in 0..STRIDE {
                to.add(i).write(from.add(i.min(count - 1)).read());
            }
        }
    }
}

/// The elements back from where [`fill_up`] puts them.
#[inline(always)]
unsafe fn take_back<T: Copy>(from: *const T, count: usize, to: *mut T) {
    // SAFETY: `from` is good for a stride, `to` for `count` elements.
    unsafe {
        let end = to.add(count);
        if count >= HALF {
            std::ptr::copy_nonoverlapping(from, to, HALF);
            std::ptr::copy_nonoverlapping(from.add(HALF), end.sub(HALF), HALF);
        } else if count >= QUARTER {
            std::ptr::copy_nonoverlapping(from, to, QUARTER);
            std::ptr::copy_nonoverlapping(from.add(QUARTER), end.sub(QUARTER), QUARTER);
        } else {
            std::ptr::copy_nonoverlapping(from, to, count);
        }
    }
}

#[inline(always)]
unsafe fn compute<L: Loop<R>, A: Arithmetic, const R: usize>(
    x: *const L::In<A>,
    z: *const L::In<A>,
    blocks: &mut [Block<L::Out<A>>; R],
    strides: usize,
) {
    let n = strides * STRIDE;
    let outs = blocks
        .each_mut()
        .map(|block| block.as_mut_ptr().cast::<L::Out<A>>());
    // SAFETY: the operands have `n` elements, of the same layout in every arithmetic.
    unsafe {
        if L::BRANCHES {
            let mut rare = false;
            for i in 0..n {
                rare |= !L::is_common::<A>(x.add(i).read(), z.add(i).read());
            }
            if rare {
                for i in 0..n {
                    write(outs, i, L::apply::<A>(x.add(i).read(), z.add(i).read()));
                }
                return;
            }
        }
        let (x, z) = (x.cast::<L::In<Common<A>>>(), z.cast::<L::In<Common<A>>>());
        let outs = outs.map(<*mut L::Out<A>>::cast::<L::Out<Common<A>>>);
        for i in 0..n {
            let values = L::apply::<Common<A>>(x.add(i).read(), z.add(i).read());
            write(outs, i, values);
        }
    }
}

/// How single numbers are computed: with the bits of a block of the same arithmetic.
pub trait Outlined: Arithmetic {
    /// # Safety
    /// The processor must have what the arithmetic needs.
    unsafe fn outlined<L: Loop>(x: L::In<Self>, z: L::In<Self>) -> L::Out<Self>;

    /// The sine and the cosine of a number.
    ///
    /// # Safety
    /// The processor must have what the arithmetic needs.
    unsafe fn sin_cos(x: f64) -> (f64, f64);
}

impl Outlined for Plain {
    #[inline(never)]
    unsafe fn outlined<L: Loop>(x: L::In<Self>, z: L::In<Self>) -> L::Out<Self> {
        let [y] = L::apply(x, z);
        y
    }

    #[inline(never)]
    unsafe fn sin_cos(x: f64) -> (f64, f64) {
        sin_cos::<Self>(x)
    }
}

impl Outlined for Fused {
    #[inline(always)]
    unsafe fn outlined<L: Loop>(x: L::In<Self>, z: L::In<Self>) -> L::Out<Self> {
        // SAFETY: the caller's contract.
        unsafe { fused::<L>(x, z) }
    }

    #[inline(always)]
    unsafe fn sin_cos(x: f64) -> (f64, f64) {
        // SAFETY: the caller's contract.
        unsafe { fused_sin_cos(x) }
    }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
#[inline(never)]
unsafe fn fused_sin_cos(x: f64) -> (f64, f64) {
    sin_cos::<Fused>(x)
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
#[inline(never)]
unsafe fn fused<L: Loop>(x: L::In<Fused>, z: L::In<Fused>) -> L::Out<Fused> {
    let [y] = L::apply(x, z);
    y
}

/// The selection kernel for values of `dtype`.
pub fn select(dtype: DType) -> Option<Kernel> {
    Some(match dtype.size() {
        1 => pick::<u8>,
        4 => pick::<u32>,
        8 => pick::<u64>,
        _ => return None,
    })
}

unsafe fn pick<T: Copy>(operands: &[*const u8], out: *mut u8, n: usize) {
    vectorised(Pick {
        condition: operands[0],
        values: [operands[1].cast::<T>(), operands[2].cast::<T>()],
        out: out.cast::<T>(),
        n,
    });
}

struct Pick<T> {
    condition: *const u8,
    values: [*const T; 2],
    out: *mut T,
    n: usize,
}

impl<T: Copy> Work for Pick<T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            condition, out, n, ..
        } = self;
        let [x, z] = self.values;
        // In pieces of fixed length; what is left over one by one.
        let whole = n / STRIDE * STRIDE;
        for start in (0..whole).step_by(STRIDE) {
            // SAFETY: the contract of `Kernel`.
            unsafe {
                let chosen = condition.add(start).cast::<[u8; STRIDE]>().read();
                let (a, b) = (
                    x.add(start).cast::<[T; STRIDE]>(),
                    z.add(start).cast::<[T; STRIDE]>(),
                );
                let (a, b) = (a.read(), b.read());
                let piece = std::array::from_fn(|i| if chosen[i] == 0 { b[i] } else { a[i] });
                out.add(start).cast::<[T; STRIDE]>().write(piece);
            }
        }
        for i in whole..n {
            // SAFETY: as above.
            unsafe {
                let chosen = condition.add(i).read() != 0;
                out.add(i).write(if chosen { x } else { z }.add(i).read());
            }
        }
    }
}

/// The conversion kernel, with NumPy's results.
pub fn cast(from: DType, to: DType) -> Option<Kernel> {
    use DType::{Bool, F32, F64, I64};
    Some(match (from, to) {
        (Bool, I64) => convert::<u8, i64>(),
        (Bool, F32) => convert::<u8, f32>(),
        (Bool, F64) => convert::<u8, f64>(),
        (I64, Bool) => convert::<i64, bool>(),
        (I64, F32) => convert::<i64, f32>(),
        (I64, F64) => convert::<i64, f64>(),
        (F32, Bool) => convert::<f32, bool>(),
        (F32, I64) => convert::<f32, i64>(),
        (F32, F64) => convert::<f32, f64>(),
        (F64, Bool) => convert::<f64, bool>(),
        (F64, I64) => convert::<f64, i64>(),
        (F64, F32) => convert::<f64, f32>(),
        (a, b) if a == b => match a.size() {
            1 => convert::<u8, u8>(),
            4 => convert::<u32, u32>(),
            8 => convert::<u64, u64>(),
            _ => return None,
        },
        _ => return None,
    })
}

fn convert<T: Copy + Convert<O>, O: Copy>() -> Kernel {
    struct Conversion<T, O>(std::marker::PhantomData<(T, O)>);
    impl<T: Copy + Convert<O>, O: Copy> Loop for Conversion<T, O> {
        type In<A: Arithmetic> = T;
        type Out<A: Arithmetic> = O;
        const ARITY: usize = 1;
        #[inline(always)]
        fn apply<A: Arithmetic>(x: T, _: T) -> [O; 1] {
            [x.convert()]
        }
    }
    block::<Conversion<T, O>, 1>(level())
}

trait Convert<O> {
    fn convert(self) -> O;
}

macro_rules! conversions {
    ($($T:ident -> $O:ident: $x:ident => $value:expr;)*) => {
        $(impl Convert<$O> for $T {
            #[inline(always)]
            fn convert(self) -> $O {
                let $x = self;
                $value
            }
        })*
    };
}

/// Float to int64 as the processors that NumPy runs on do it: what does not fit is the smallest integer.
#[inline(always)]
fn to_int(x: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&x) {
        x as i64
    } else {
        i64::MIN
    }
}

conversions! {
    u8 -> u8: x => x;
    u32 -> u32: x => x;
    u64 -> u64: x => x;
    u8 -> i64: x => i64::from(x);
    u8 -> f32: x => f32::from(x);
    u8 -> f64: x => f64::from(x);
    i64 -> bool: x => x != 0;
    i64 -> f32: x => x as f32;
    i64 -> f64: x => x as f64;
    f32 -> bool: x => x != 0.0;
    f32 -> i64: x => to_int(f64::from(x));
    f32 -> f64: x => f64::from(x);
    f64 -> bool: x => x != 0.0;
    f64 -> i64: x => to_int(x);
    f64 -> f32: x => x as f32;
}
