//! Binary exponents, taken off and put on.

use super::arithmetic::scale;

const TWO_54: f64 = 18014398509481984.0;
const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
const OF_HALF: u64 = 0x3fe0_0000_0000_0000;

/// `x = m 2^e` with `|m|` in `[1/2, 1)`, as in C99; of zero, infinity and NaN `(x, 0)`.
pub fn frexp(x: f64) -> (f64, i32) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let (x, bias) = if x.is_subnormal() {
        (x * TWO_54, 1022 + 54)
    } else {
        (x, 1022)
    };
    let bits = x.to_bits();
    let e = ((bits & EXPONENT) >> 52) as i32 - bias;
    (f64::from_bits((bits & !EXPONENT) | OF_HALF), e)
}

/// `x 2^k` for `|x| <= 1`, rounded once.
pub fn ldexp(x: f64, k: i32) -> f64 {
    // Beyond these every result is 0 or infinite.
    scale(x, k.clamp(-1999, 1999) as u64)
}

#[cfg(test)]
mod tests {
    use super::{frexp, ldexp};

    #[test]
    fn exponents_come_off_and_go_on_again() {
        let smallest = f64::from_bits(1);
        for x in [
            1.0,
            -0.75,
            1e300,
            f64::MAX,
            f64::MIN_POSITIVE,
            smallest,
            -3e-310,
        ] {
            let (m, e) = frexp(x);
            assert!((0.5..1.0).contains(&m.abs()), "{x}: {m}");
            assert_eq!(ldexp(m, e), x);
        }
        assert_eq!((frexp(8.0), frexp(smallest)), ((0.5, 4), (0.5, -1073)));
        assert_eq!(frexp(-0.0).0.to_bits(), (-0.0f64).to_bits());
        assert_eq!(frexp(f64::INFINITY), (f64::INFINITY, 0));
        assert_eq!((ldexp(0.5, 5000), ldexp(0.5, -5000)), (f64::INFINITY, 0.0));
        // Half of the smallest number is a tie, and goes to zero.
        assert_eq!((ldexp(0.5, -1074), ldexp(0.75, -1074)), (0.0, smallest));
    }
}
