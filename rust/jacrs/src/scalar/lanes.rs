//! Several derivatives side by side: arrays that the compiler turns into vectors.
//!
//! A factor that is finite and not zero needs no guard: one test for all lanes. The rest is kept
//! out of line, with arguments by value, so that lanes stay in registers on the common path.

use super::Float;
use std::array::from_fn;

/// The guarded product of a slope and each lane.
#[inline(always)]
pub fn scaled<T: Float, const N: usize>(slope: T, lanes: [T; N]) -> [T; N] {
    if slope.is_regular() {
        from_fn(|i| slope * lanes[i])
    } else {
        scaled_guarded(slope, lanes)
    }
}

#[cold]
#[inline(never)]
fn scaled_guarded<T: Float, const N: usize>(slope: T, lanes: [T; N]) -> [T; N] {
    from_fn(|i| slope.guarded(lanes[i]))
}

/// The sum of two scaled arrays of lanes.
#[inline(always)]
pub fn combined<T: Float, const N: usize>([dx, dz]: [T; 2], x: [T; N], z: [T; N]) -> [T; N] {
    if dx.is_regular() && dz.is_regular() {
        from_fn(|i| dx * x[i] + dz * z[i])
    } else {
        combined_guarded([dx, dz], x, z)
    }
}

#[cold]
#[inline(never)]
fn combined_guarded<T: Float, const N: usize>([dx, dz]: [T; 2], x: [T; N], z: [T; N]) -> [T; N] {
    from_fn(|i| dx.guarded(x[i]).gather(dz.guarded(z[i])))
}

/// The sum of lanes.
#[inline(always)]
pub fn gathered<T: Float, const N: usize>(x: [T; N], z: [T; N]) -> [T; N] {
    from_fn(|i| x[i].gather(z[i]))
}
