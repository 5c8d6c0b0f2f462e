//! Block kernels: one tight loop over contiguous operands, compiled once for each level.

use crate::array::DType;
use crate::simd::{Level, level};

/// Applies a function to `n` contiguous elements of each operand.
///
/// # Safety
/// Every pointer must be good for `n` elements of its type, `out` not overlapping an operand
/// unless they are equal.
pub type Kernel = unsafe fn(operands: &[*const u8], out: *mut u8, n: usize);

/// A function of one or two elements, as a type so that each loop is compiled for it.
pub trait Loop<T, O> {
    const ARITY: usize;
    fn apply(x: T, z: T) -> O;
}

/// The loop over `L` for the level of this machine.
pub fn block<L: Loop<T, O>, T: Copy, O>() -> Kernel {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::<L, T, O>,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::<L, T, O>,
        _ => run::<L, T, O>,
    }
}

#[inline(always)]
unsafe fn run<L: Loop<T, O>, T: Copy, O>(operands: &[*const u8], out: *mut u8, n: usize) {
    let x = operands[0].cast::<T>();
    let z = operands[L::ARITY - 1].cast::<T>();
    let out = out.cast::<O>();
    for i in 0..n {
        // SAFETY: the caller's contract.
        unsafe { out.add(i).write(L::apply(x.add(i).read(), z.add(i).read())) }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")]
unsafe fn avx512<L: Loop<T, O>, T: Copy, O>(operands: &[*const u8], out: *mut u8, n: usize) {
    // SAFETY: the caller's contract.
    unsafe { run::<L, T, O>(operands, out, n) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<L: Loop<T, O>, T: Copy, O>(operands: &[*const u8], out: *mut u8, n: usize) {
    // SAFETY: the caller's contract.
    unsafe { run::<L, T, O>(operands, out, n) }
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
    let (c, x, z) = (
        operands[0],
        operands[1].cast::<T>(),
        operands[2].cast::<T>(),
    );
    for i in 0..n {
        // SAFETY: the contract of `Kernel`.
        unsafe {
            let (a, b) = (x.add(i).read(), z.add(i).read());
            out.cast::<T>()
                .add(i)
                .write(if c.add(i).read() != 0 { a } else { b });
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

fn convert<T: Copy + Convert<O>, O>() -> Kernel {
    struct Conversion;
    impl<T: Convert<O>, O> Loop<T, O> for Conversion {
        const ARITY: usize = 1;
        #[inline(always)]
        fn apply(x: T, _: T) -> O {
            x.convert()
        }
    }
    block::<Conversion, T, O>()
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
