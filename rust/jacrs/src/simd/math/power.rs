//! Powers.

use super::arithmetic::{Arithmetic, Pair, at_least, at_most, product, scale};
use super::exponential::{exp, exp_pair};
use super::logarithm::{log, precise_log};

const TWO_52: f64 = 4503599627370496.0;
const TWO_53: f64 = 9007199254740992.0;

/// Whether a number that is not negative is an integer, and whether it is an odd one.
#[inline(always)]
fn integrality(y: f64) -> (bool, bool) {
    let shifted = y + TWO_52;
    let below = y < TWO_52;
    let integer = !below | (shifted - TWO_52 == y);
    let last = if below { shifted } else { y };
    let odd = (last.to_bits() & 1 == 1) & (y < TWO_53);
    (integer, integer & odd)
}

/// `x^y` as `exp(y log(x))`, the logarithm to 68 bits; special values as in C99, annex F.
#[inline(always)]
pub fn pow<A: Arithmetic>(x: f64, y: f64) -> f64 {
    let size = x.abs();
    let power = of_positive::<A>(size, y);
    // Zero and infinity have the power of the same kind, or of the other.
    let extreme = (size == 0.0) | (size == f64::INFINITY);
    let infinite = (size == 0.0) == (y < 0.0);
    let at_extreme = if infinite { f64::INFINITY } else { 0.0 };
    let power = if extreme { at_extreme } else { power };
    let power = if (y == 0.0) | (size == 1.0) {
        1.0
    } else {
        power
    };
    let (integer, odd) = integrality(y.abs());
    let negative = x.is_sign_negative();
    let power = if negative & odd { -power } else { power };
    let power = if (x < 0.0) & !integer & !extreme {
        f64::NAN
    } else {
        power
    };
    let undefined = (x.is_nan() & (y != 0.0)) | (y.is_nan() & (x != 1.0));
    if undefined { f64::NAN } else { power }
}

/// For a positive finite base.
#[inline(always)]
fn of_positive<A: Arithmetic>(x: f64, y: f64) -> f64 {
    if A::SINGLE {
        return exp::<A>(y * log::<A>(x));
    }
    let (e, k) = exp_of_product::<A>(y, precise_log::<A>(x));
    scale(e.sum(), k)
}

/// The exponential of `y log`, as a factor and the low bits of an exponent.
#[inline(always)]
fn exp_of_product<A: Arithmetic>(y: f64, log: Pair) -> (Pair, u64) {
    // Larger exponents than this give 0, 1 or infinity alike, and their products stay finite.
    let y = at_most(at_least(y, -1e300), 1e300);
    let p = product::<A>(y, log.high);
    let low = p.low + y * log.low;
    let clamped = at_most(at_least(p.high, -800.0), 800.0);
    let low = if clamped == p.high { low } else { 0.0 };
    exp_pair::<A>(Pair::new(clamped, low))
}

/// `x^y` as a pair, for a positive finite base that is a pair.
#[inline(always)]
pub fn pow_pair<A: Arithmetic>(x: Pair, y: f64) -> Pair {
    let log = precise_log::<A>(x.high).plus(x.low / x.high);
    let (e, k) = exp_of_product::<A>(y, log);
    let e = e.normal();
    Pair::new(scale(e.high, k), scale(e.low, k))
}
