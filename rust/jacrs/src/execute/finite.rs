//! Whether results are finite: what decides if a run is repeated with guarded products.

use crate::array::DType;
use crate::simd::{Work, vectorised};

/// No element is a NaN or an infinity; always so for integers and bools.
///
/// # Safety
/// `ptr` must be good for `n` elements.
pub unsafe fn all_finite(ptr: *const u8, dtype: DType, n: usize) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        match dtype {
            DType::F64 => vectorised(Finite(std::slice::from_raw_parts(ptr.cast::<u64>(), n))),
            DType::F32 => vectorised(Finite(std::slice::from_raw_parts(ptr.cast::<u32>(), n))),
            _ => true,
        }
    }
}

/// The bits of floats.
struct Finite<'a, T>(&'a [T]);

macro_rules! finite {
    ($($T:ident $exponent:expr;)*) => {
        $(impl Work for Finite<'_, $T> {
            type Output = bool;

            /// Exponents of all ones are looked for without branches, a block at a time.
            #[inline(always)]
            fn run(self) -> bool {
                const ONES: $T = $exponent;
                self.0.chunks(4096).all(|block| {
                    let bad = block
                        .iter()
                        .fold(0, |bad, bits| bad | $T::from(bits & ONES == ONES));
                    bad == 0
                })
            }
        })*
    };
}
finite! {
    u32 0xff << 23;
    u64 0x7ff << 52;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_not_finite() {
        // SAFETY: as many elements as the slice has.
        let check = |v: &[f64]| unsafe { all_finite(v.as_ptr().cast(), DType::F64, v.len()) };
        assert!(check(&[0.0, -0.0, 1e308, -1e308, 5e-324]));
        for bad in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut many = vec![1.0; 9000];
            many[8999] = bad;
            assert!(!check(&many));
        }
        // SAFETY: as above.
        let check = |v: &[f32]| unsafe { all_finite(v.as_ptr().cast(), DType::F32, v.len()) };
        assert!(check(&[f32::MAX, f32::MIN, 0.0]));
        assert!(!check(&[1.0, f32::INFINITY]) && !check(&[-f32::NAN]));
    }
}
