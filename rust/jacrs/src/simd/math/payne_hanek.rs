//! Reduction of large arguments of trigonometric functions, after Payne & Hanek.

use super::arithmetic::{Pair, Plain, ordered_sum};
use super::coefficients::HALF_PI;

/// The bits of 2/pi, after 64 zeros.
const TWO_OVER_PI: [u64; 20] = [
    0x0000000000000000,
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
];

const UNIT: f64 = 2.938735877055719e-39; // 2^-128

/// The quadrant in the two low bits, and the rest; NaN for infinity and NaN. For `|x| >= 2^26`.
#[cold]
#[inline(never)]
pub fn reduce(x: f64) -> (u64, Pair) {
    if !x.is_finite() {
        return (0, Pair::new(f64::NAN, 0.0));
    }
    let bits = x.abs().to_bits();
    let mantissa = (bits & 0x000f_ffff_ffff_ffff) | 0x0010_0000_0000_0000;
    let exponent = (bits >> 52) as usize; // x = mantissa 2^(exponent - 1075)
    // 192 bits of 2/pi; those before them give multiples of 4.
    let start = exponent + 62 - 1075;
    let (word, shift) = (start / 64, start % 64);
    let window = |k: usize| {
        let next = TWO_OVER_PI.get(word + k + 1).copied().unwrap_or(0);
        let two = (u128::from(TWO_OVER_PI[word + k]) << 64) | u128::from(next);
        (two << shift >> 64) as u64
    };
    // Their product with the mantissa, without what leaves the 192 bits.
    let times = |k: usize| u128::from(mantissa) * u128::from(window(k));
    let low = times(2);
    let middle = times(1) + (low >> 64);
    let high = mantissa
        .wrapping_mul(window(0))
        .wrapping_add((middle >> 64) as u64);
    // The two leading bits count quadrants; the next 128 are the fraction, from -1/2 to 1/2.
    let top = (u128::from(high) << 64) | u128::from(middle as u64);
    let fraction = ((top << 2) | u128::from((low as u64) >> 62)).cast_signed();
    let quadrant = (high >> 62).wrapping_add(u64::from(fraction < 0));
    let upper = fraction as f64;
    let lower = (fraction - upper as i128) as f64;
    let r = Pair::new(upper * UNIT, lower * UNIT).times::<Plain>(HALF_PI);
    let r = ordered_sum(r.high, r.low);
    if x < 0.0 {
        (quadrant.wrapping_neg(), Pair::new(-r.high, -r.low))
    } else {
        (quadrant, r)
    }
}
