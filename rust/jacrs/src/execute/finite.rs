//! Whether results are finite: what decides if a run is repeated with guarded products.

use crate::array::DType;

/// No element is a NaN or an infinity; always so for integers and bools.
///
/// # Safety
/// `ptr` must be good for `n` elements.
pub unsafe fn all_finite(ptr: *const u8, dtype: DType, n: usize) -> bool {
    // Exponents of all ones, counted without branches a block at a time.
    const BLOCK: usize = 4096;
    let (mut start, mut fine) = (0, true);
    while fine && start < n {
        let count = BLOCK.min(n - start);
        // SAFETY: inside the `n` elements.
        fine = unsafe {
            match dtype {
                DType::F64 => {
                    let words = ptr.cast::<u64>().add(start);
                    (0..count).fold(0u32, |bad, i| {
                        bad | u32::from(words.add(i).read() << 1 >= 0x7ff << 53)
                    }) == 0
                }
                DType::F32 => {
                    let words = ptr.cast::<u32>().add(start);
                    (0..count).fold(0u32, |bad, i| {
                        bad | u32::from(words.add(i).read() << 1 >= 0xff << 24)
                    }) == 0
                }
                _ => true,
            }
        };
        start += count;
    }
    fine
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
