//! The elementary functions over blocks in the first-level cache, at every level of this machine.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jacrs::array::DType;
use jacrs::ops::Fun;
use jacrs::ops::elementwise::kernel_at;
use jacrs::simd::Level;

const N: usize = 1024;
const FUNCTIONS: [Fun; 31] = [
    Fun::Exp,
    Fun::Exp2,
    Fun::Expm1,
    Fun::Log,
    Fun::Log2,
    Fun::Log10,
    Fun::Log1p,
    Fun::Power,
    Fun::Cbrt,
    Fun::Sin,
    Fun::Cos,
    Fun::Tan,
    Fun::Asin,
    Fun::Acos,
    Fun::Atan,
    Fun::Atan2,
    Fun::Sinh,
    Fun::Cosh,
    Fun::Tanh,
    Fun::Asinh,
    Fun::Acosh,
    Fun::Atanh,
    Fun::Hypot,
    Fun::Erf,
    Fun::Erfc,
    Fun::Expit,
    Fun::Logaddexp,
    Fun::Logaddexp2,
    Fun::Gammaln,
    Fun::Digamma,
    Fun::Zeta,
];

/// Arguments that every function is defined for.
fn arguments(fun: Fun) -> Vec<f64> {
    let shift = match fun {
        Fun::Acosh | Fun::Zeta => 1.1,
        _ => 0.0,
    };
    (0..N)
        .map(|i| shift + (i as f64 * 0.618).fract().max(1e-3))
        .collect()
}

fn functions(c: &mut Criterion) {
    let mut group = c.benchmark_group("math");
    group.throughput(Throughput::Elements(N as u64));
    for fun in FUNCTIONS {
        let x = arguments(fun);
        let mut out = vec![0.0f64; N];
        for level in Level::available() {
            let run = kernel_at(level, fun, DType::F64, DType::F64).unwrap();
            let operands = [x.as_ptr().cast::<u8>(); 2];
            group.bench_function(BenchmarkId::new(fun.name(), level.name()), |b| {
                // SAFETY: operands and result have `N` elements; the level is one of this machine.
                b.iter(|| unsafe {
                    run(&operands[..fun.arity()], out.as_mut_ptr().cast(), N);
                    black_box(&out);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, functions);
criterion_main!(benches);
