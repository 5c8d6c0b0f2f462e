//! The arithmetic that the functions are written in: what a level has in hardware, sums and
//! products with their errors, polynomials, and the parts of a binary floating-point number.

/// What a function is compiled for. Everything is computed in float64; arguments and results of
/// float32 are converted, which leaves room for short polynomials and plain sums.
pub trait Arithmetic: Copy + 'static {
    /// The hardware multiplies and adds with one rounding. Without it `mul_add` would be a call.
    const FMA: bool;
    /// The result is rounded to float32.
    const SINGLE: bool;
    /// Every argument is one for which no function branches, so that branches are left out.
    const COMMON: bool;
}

/// Multiplications and additions, each rounded.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

/// Multiply-adds with one rounding.
#[derive(Clone, Copy, Debug)]
pub struct Fused;

/// What the baseline has: on this architecture multiply-adds are part of it.
#[cfg(target_arch = "aarch64")]
pub type Portable = Fused;
#[cfg(not(target_arch = "aarch64"))]
pub type Portable = Plain;

/// Results for float32, in the arithmetic `A`.
#[derive(Clone, Copy, Debug)]
pub struct Single<A>(std::marker::PhantomData<A>);

/// The arithmetic `A` for arguments that need no branch.
#[derive(Clone, Copy, Debug)]
pub struct Common<A>(std::marker::PhantomData<A>);

impl Arithmetic for Plain {
    const FMA: bool = false;
    const SINGLE: bool = false;
    const COMMON: bool = false;
}

impl Arithmetic for Fused {
    const FMA: bool = true;
    const SINGLE: bool = false;
    const COMMON: bool = false;
}

impl<A: Arithmetic> Arithmetic for Single<A> {
    const FMA: bool = A::FMA;
    const SINGLE: bool = true;
    const COMMON: bool = A::COMMON;
}

impl<A: Arithmetic> Arithmetic for Common<A> {
    const FMA: bool = A::FMA;
    const SINGLE: bool = A::SINGLE;
    const COMMON: bool = true;
}

/// `a b + c`, rounded once or twice.
#[inline(always)]
pub fn mul_add<A: Arithmetic>(a: f64, b: f64, c: f64) -> f64 {
    if A::FMA { a.mul_add(b, c) } else { a * b + c }
}

/// The polynomial with these coefficients, constant first: by Estrin's scheme in blocks of four, by
/// Horner's rule over the blocks. What a processor waits for is the longest chain of operations.
#[inline(always)]
pub fn polynomial<A: Arithmetic, const N: usize>(x: f64, c: &[f64; N]) -> f64 {
    let square = x * x;
    let fourth = square * square;
    let rest = N % 4;
    let mut block = N - rest;
    let mut sum = match rest {
        0 => {
            block -= 4;
            let low = mul_add::<A>(c[block + 1], x, c[block]);
            mul_add::<A>(mul_add::<A>(c[N - 1], x, c[N - 2]), square, low)
        }
        1 => c[block],
        2 => mul_add::<A>(c[N - 1], x, c[block]),
        _ => mul_add::<A>(c[N - 1], square, mul_add::<A>(c[N - 2], x, c[block])),
    };
    while block > 0 {
        block -= 4;
        let low = mul_add::<A>(c[block + 1], x, c[block]);
        let high = mul_add::<A>(c[block + 3], x, c[block + 2]);
        sum = mul_add::<A>(sum, fourth, mul_add::<A>(high, square, low));
    }
    sum
}

/// An unevaluated sum: `low` is what `high` misses by rounding (Dekker, "A floating-point
/// technique for extending the available precision", Numerische Mathematik 18, 1971).
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    pub high: f64,
    pub low: f64,
}

impl Pair {
    #[inline(always)]
    pub const fn new(high: f64, low: f64) -> Self {
        Self { high, low }
    }

    #[inline(always)]
    pub fn sum(self) -> f64 {
        self.high + self.low
    }

    /// Normalised, where `high` is the larger part.
    #[inline(always)]
    pub fn normal(self) -> Self {
        let sum = ordered_sum(self.high, self.low);
        Self::new(sum.high, sum.low)
    }

    #[inline(always)]
    pub fn plus(self, low: f64) -> Self {
        Self::new(self.high, self.low + low)
    }

    #[inline(always)]
    pub fn scaled(self, factor: f64) -> Self {
        Self::new(factor * self.high, factor * self.low)
    }

    /// The product, to about twice the precision.
    #[inline(always)]
    pub fn times<A: Arithmetic>(self, other: Self) -> Self {
        let p = product::<A>(self.high, other.high);
        let cross = mul_add::<A>(self.high, other.low, self.low * other.high);
        Self::new(p.high, p.low + cross)
    }

    /// The quotient as a pair: a division, and a Newton step for the rest.
    #[inline(always)]
    pub fn over<A: Arithmetic>(self, other: Self) -> Self {
        let inverse = 1.0 / other.high;
        let q = self.high * inverse;
        let rest = remainder::<A>(self.high, q, other.high);
        let rest = rest + mul_add::<A>(-q, other.low, self.low);
        Self::new(q, rest * inverse)
    }
}

/// The sum and its error (Knuth, The Art of Computer Programming 2, 4.2.2).
#[inline(always)]
pub fn sum(a: f64, b: f64) -> Pair {
    let s = a + b;
    let part = s - a;
    Pair::new(s, (a - (s - part)) + (b - part))
}

/// The sum and its error, where `a` is the larger or zero.
#[inline(always)]
pub fn ordered_sum(a: f64, b: f64) -> Pair {
    let s = a + b;
    Pair::new(s, b - (s - a))
}

/// The product and its error. Without FMA factors are split in halves of 26 bits by masking, which
/// cannot overflow as Veltkamp's multiplication can.
#[inline(always)]
pub fn product<A: Arithmetic>(a: f64, b: f64) -> Pair {
    let p = a * b;
    if A::FMA {
        return Pair::new(p, a.mul_add(b, -p));
    }
    let (ah, bh) = (upper_half(a), upper_half(b));
    let (al, bl) = (a - ah, b - bh);
    Pair::new(p, (((ah * bh - p) + ah * bl) + al * bh) + al * bl)
}

/// `a - b c`, as if rounded once.
#[inline(always)]
pub fn remainder<A: Arithmetic>(a: f64, b: f64, c: f64) -> f64 {
    if A::FMA {
        return (-b).mul_add(c, a);
    }
    let p = product::<A>(b, c);
    (a - p.high) - p.low
}

/// The 26 leading bits.
#[inline(always)]
pub fn upper_half(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & 0xffff_ffff_f800_0000)
}

/// Adding this leaves the nearest integer in the low bits of the sum.
const SHIFT: f64 = 6755399441055744.0; // 1.5 * 2^52

/// The nearest integer, halves to even, for `|x| < 2^51`: as a number, and in the low bits of an
/// integer whose other bits mean nothing.
#[inline(always)]
pub fn nearest(x: f64) -> (f64, u64) {
    let shifted = x + SHIFT;
    (shifted - SHIFT, shifted.to_bits())
}

/// The integer nearest to `a b`.
#[inline(always)]
pub fn nearest_product<A: Arithmetic>(a: f64, b: f64) -> (f64, u64) {
    let shifted = mul_add::<A>(a, b, SHIFT);
    (shifted - SHIFT, shifted.to_bits())
}

/// `2^k` for `-1022 <= k <= 1023`, given in the low bits.
#[inline(always)]
pub fn power_of_two(k: u64) -> f64 {
    f64::from_bits(k.wrapping_add(1023) << 52)
}

/// `x 2^k` for `-2000 < k < 2000`, rounded once; `k` is in the low bits of what [`nearest`] gives.
#[inline(always)]
pub fn scale(x: f64, k: u64) -> f64 {
    // Half of the exponent each, for a result below the normal numbers or beyond the largest.
    let half = k >> 1;
    x * power_of_two(half) * power_of_two(k.wrapping_sub(half))
}

/// `x` where it is no less than a bound; NaN stays.
#[inline(always)]
pub fn at_least(x: f64, bound: f64) -> f64 {
    if x < bound { bound } else { x }
}

/// `x` where it is no more than a bound; NaN stays.
#[inline(always)]
pub fn at_most(x: f64, bound: f64) -> f64 {
    if x > bound { bound } else { x }
}
