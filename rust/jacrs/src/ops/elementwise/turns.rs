//! The sine and the cosine of the same numbers, which share nearly all.

use super::kernel::{Kernel, Loop, block};
use crate::array::DType;
#[cfg(target_arch = "x86_64")]
use crate::simd::math::Fused;
use crate::simd::math::{Arithmetic, Single, sin_cos};
use crate::simd::{Lane, Level, Real};

/// The block kernel for both, for a level of which the processor must be capable. The cosine goes
/// where the second operand would be; each has the bits that its own kernel gives.
pub fn sin_cos_at(level: Level, dtype: DType) -> Option<Kernel> {
    macro_rules! both {
        ($T:ident $A:ty) => {{
            struct Both;
            impl Loop<2> for Both {
                type In<A: Arithmetic> = Lane<$T, A>;
                type Out<A: Arithmetic> = Lane<$T, A>;
                const ARITY: usize = 1;
                const ELEMENTARY: bool = true;
                const BRANCHES: bool = true;
                #[inline(always)]
                fn is_common<A: Arithmetic>(x: Lane<$T, A>, _: Lane<$T, A>) -> bool {
                    x.is_moderate()
                }
                #[inline(always)]
                fn apply<A: Arithmetic>(x: Lane<$T, A>, _: Lane<$T, A>) -> [Lane<$T, A>; 2] {
                    let (sine, cosine) = sin_cos::<$A>(x.get().into());
                    [Lane::new(sine as $T), Lane::new(cosine as $T)]
                }
            }
            Some(block::<Both, 2>(level))
        }};
    }
    match dtype {
        DType::F64 => both!(f64 A),
        DType::F32 => both!(f32 Single<A>),
        _ => None,
    }
}

/// Two results, in two vector registers.
#[cfg(target_arch = "x86_64")]
#[repr(C)]
pub struct SinCos(f64, f64);

/// What machine code calls for a sine and the cosine.
///
/// # Safety
/// The processor must have AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
pub unsafe extern "sysv64" fn sin_cos_entry(x: f64) -> SinCos {
    let (sine, cosine) = sin_cos::<Fused>(x);
    SinCos(sine, cosine)
}
