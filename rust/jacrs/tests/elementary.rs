//! Elementwise functions at every level of this machine: a number alone, a block, and what is left
//! over at the end of a block have the same bits.

use jacrs::array::DType;
use jacrs::ops::elementwise::{Class, Kernel, ROWS, kernel_at, scalar_in, sin_cos_at};
use jacrs::ops::{Fun, scalar};
use jacrs::simd::math::{Fused, Portable};
use jacrs::simd::{Level, level};

/// Numbers spread evenly, in no order.
fn scattered(n: usize, seed: u64, low: f64, high: f64) -> Vec<f64> {
    let golden = 0.618_033_988_749_895;
    (0..n)
        .map(|i| low + (high - low) * ((i as f64 + 97.0 * seed as f64) * golden).fract())
        .collect()
}

/// Numbers of all kinds: moderate, of every exponent, and special ones.
fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let special = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        5e-324,
        1e300,
        -1e17,
    ];
    let spread = scattered(n, seed, -9.0, 9.0);
    let exponents = scattered(n, seed + 1, -1070.0, 1020.0);
    (0..n)
        .map(|i| match i % 8 {
            7 => exponents[i].exp2().copysign(spread[i]),
            3 if seed % 2 == 1 => special[i / 8 % special.len()],
            _ => spread[i],
        })
        .collect()
}

fn apply<T: Copy>(run: Kernel, operands: &[&[T]], out: &mut [T]) {
    let pointers: Vec<*const u8> = operands.iter().map(|x| x.as_ptr().cast()).collect();
    // SAFETY: operands and result have the length of `out`.
    unsafe { run(&pointers, out.as_mut_ptr().cast(), out.len()) }
}

/// Float functions of one or two operands.
fn functions() -> impl Iterator<Item = Fun> {
    ROWS.iter()
        .filter(|row| matches!(row.class, Class::Float | Class::Arith))
        .map(|row| row.fun)
}

fn assert_same(got: f64, wanted: f64, what: &str) {
    let same = got.to_bits() == wanted.to_bits() || (got.is_nan() && wanted.is_nan());
    assert!(same, "{what}: {got:e} is not {wanted:e}");
}

/// The arithmetic of a level, for a number alone.
fn alone(level: Level, fun: Fun, x: f64, z: f64) -> f64 {
    let (x, z) = (x.to_bits(), z.to_bits());
    // SAFETY: the level is one of this machine.
    f64::from_bits(unsafe {
        match level {
            Level::Baseline => scalar_in::<Portable>(fun, x, z, 0),
            Level::Avx2 | Level::Avx512 => scalar_in::<Fused>(fun, x, z, 0),
        }
    })
}

#[test]
fn blocks_have_the_bits_of_single_numbers() {
    for seed in [2, 3] {
        let (x, z) = (numbers(531, seed), numbers(531, seed + 2));
        for level in Level::available() {
            for fun in functions() {
                let run = kernel_at(level, fun, DType::F64, DType::F64).unwrap();
                let operands = [x.as_slice(), &z];
                let mut out = vec![0.0; x.len()];
                apply(run, &operands[..fun.arity()], &mut out);
                for (i, y) in out.iter().enumerate() {
                    let what = format!("{} at {:e}, {:e}, {level:?}", fun.name(), x[i], z[i]);
                    assert_same(*y, alone(level, fun, x[i], z[i]), &what);
                }
            }
        }
    }
}

#[test]
fn every_length_has_the_same_bits() {
    let (x, z) = (numbers(300, 2), numbers(300, 4));
    for level in Level::available() {
        for fun in functions() {
            let run = kernel_at(level, fun, DType::F64, DType::F64).unwrap();
            let mut whole = vec![0.0; x.len()];
            apply(run, &[x.as_slice(), &z][..fun.arity()], &mut whole);
            for n in [0, 1, 2, 7, 8, 15, 16, 17, 31, 33, 255, 256, 257] {
                let mut out = vec![f64::NAN; n + 1];
                apply(run, &[&x[..n], &z[..n]][..fun.arity()], &mut out[..n]);
                assert!(out[n].is_nan(), "{} writes past the end", fun.name());
                for (got, wanted) in out[..n].iter().zip(&whole) {
                    assert_same(*got, *wanted, &format!("{}, {n}, {level:?}", fun.name()));
                }
            }
        }
    }
}

#[test]
fn results_may_replace_operands() {
    let x: Vec<f32> = numbers(100, 2).iter().map(|&x| x as f32).collect();
    for level in Level::available() {
        for fun in functions() {
            let run = kernel_at(level, fun, DType::F32, DType::F32).unwrap();
            let mut wanted = vec![0.0; x.len()];
            apply(run, &[x.as_slice(), &x][..fun.arity()], &mut wanted);
            let mut out = x.clone();
            let pointers = [out.as_ptr().cast::<u8>(); 2];
            // SAFETY: the operands are the result.
            unsafe { run(&pointers[..fun.arity()], out.as_mut_ptr().cast(), out.len()) };
            for (got, wanted) in out.iter().zip(&wanted) {
                assert_same((*got).into(), (*wanted).into(), fun.name());
            }
        }
    }
}

/// Results of the kernel for both, and of the two kernels, as numbers of the same type.
fn both_and_each<T: Copy + Default + Into<f64>>(
    level: Level,
    dtype: DType,
    x: &[T],
) -> [[Vec<T>; 2]; 2] {
    let each = [Fun::Sin, Fun::Cos].map(|fun| {
        let mut out = vec![T::default(); x.len()];
        apply(kernel_at(level, fun, dtype, dtype).unwrap(), &[x], &mut out);
        out
    });
    let mut both = [vec![T::default(); x.len()], vec![T::default(); x.len()]];
    let [sine, cosine] = both.each_mut().map(|out| out.as_mut_ptr().cast::<u8>());
    let run = sin_cos_at(level, dtype).unwrap();
    // SAFETY: the operand and both results have the same length.
    unsafe { run(&[x.as_ptr().cast(), cosine], sine, x.len()) };
    [both, each]
}

fn assert_both<T: Copy + Default + Into<f64>>(dtype: DType, x: &[T]) {
    for level in Level::available() {
        let [both, each] = both_and_each(level, dtype, x);
        for (both, each) in both.iter().zip(&each) {
            for (i, (a, b)) in both.iter().zip(each).enumerate() {
                let x: f64 = x[i].into();
                assert_same((*a).into(), (*b).into(), &format!("{x:e}, {level:?}"));
            }
        }
    }
}

#[test]
fn a_sine_with_its_cosine_has_the_bits_of_each() {
    for seed in [2, 3] {
        let x = numbers(700, seed);
        let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        for n in (0..40).chain([255, 256, 257, 271, 513, 700]) {
            assert_both(DType::F64, &x[700 - n..]);
            assert_both(DType::F32, &single[700 - n..]);
        }
    }
}

/// The angle is in the place of the sine or of the cosine, and nothing is written past the end.
#[test]
fn a_sine_or_its_cosine_may_replace_the_angle() {
    let n = 277;
    let x = numbers(n, 3);
    for level in Level::available() {
        let [[sine, cosine], _] = both_and_each(level, DType::F64, &x);
        let run = sin_cos_at(level, DType::F64).unwrap();
        for place in 0..2 {
            let mut outs = [vec![7.0; n + 1], vec![7.0; n + 1]];
            outs[place][..n].copy_from_slice(&x);
            let [first, second] = outs.each_mut().map(|out| out.as_mut_ptr().cast::<u8>());
            let angle = [first, second][place].cast_const();
            // SAFETY: the operand is one of the results, which have `n` elements.
            unsafe { run(&[angle, second], first, n) };
            for (out, wanted) in outs.iter().zip([&sine, &cosine]) {
                assert_eq!(out[n], 7.0);
                for (got, wanted) in out.iter().zip(wanted) {
                    assert_same(*got, *wanted, &format!("{level:?}"));
                }
            }
        }
    }
}

#[test]
fn single_numbers_are_those_of_the_chosen_level() {
    for fun in functions() {
        for (x, z) in numbers(64, 3).into_iter().zip(numbers(64, 5)) {
            let got = f64::from_bits(scalar(fun, x.to_bits(), z.to_bits(), 0));
            assert_same(got, alone(level(), fun, x, z), fun.name());
        }
    }
}

#[test]
fn levels_with_multiply_adds_agree() {
    let levels: Vec<_> = Level::available()
        .filter(|&l| l > Level::Baseline)
        .collect();
    let (x, z) = (numbers(1000, 3), numbers(1000, 5));
    for fun in functions() {
        let results = levels.iter().map(|&level| {
            let run = kernel_at(level, fun, DType::F64, DType::F64).unwrap();
            let mut out = vec![0.0; x.len()];
            apply(run, &[x.as_slice(), &z][..fun.arity()], &mut out);
            out
        });
        let results: Vec<_> = results.collect();
        for pair in results.windows(2) {
            for (a, b) in pair[0].iter().zip(&pair[1]) {
                assert_same(*a, *b, fun.name());
            }
        }
    }
}
