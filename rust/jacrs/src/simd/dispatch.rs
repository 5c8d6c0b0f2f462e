//! Loops compiled once for each level, outside of the table of elementwise kernels.

use super::{Level, level};

/// Work whose loops the compiler vectorises. `run`, and all that it calls in its loops, must be
/// `#[inline(always)]`: what is called stays at the baseline.
pub trait Work {
    type Output;
    fn run(self) -> Self::Output;
}

/// Runs the work as it is compiled for the level of this machine.
#[inline]
pub fn vectorised<W: Work>(work: W) -> W::Output {
    match level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the machine has the level.
        Level::Avx512 => unsafe { avx512(work) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx2 => unsafe { avx2(work) },
        _ => work.run(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")]
fn avx512<W: Work>(work: W) -> W::Output {
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<W: Work>(work: W) -> W::Output {
    work.run()
}
