//! The kernels of factorisations: many small matrices, and single large ones.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use jacrs::array::{Array, DType};
use jacrs::ir::{Factorisation, Op};
use jacrs::ops::{Call, evaluate};

/// Symmetric matrices with a dominant diagonal, which every factorisation takes.
fn matrices(count: usize, n: usize) -> Array {
    let entry = |k: usize| {
        let (i, j) = (k / n % n, k % n);
        let off = (((i + j) * 37 + i * j) as f64 * 0.11).sin() / n as f64;
        if i == j { 2.0 + off } else { off }
    };
    let values: Vec<f64> = (0..count * n * n).map(entry).collect();
    Array::from_slice(&[count, n, n], &values)
}

fn factorisations(c: &mut Criterion) {
    let sizes = [
        (Factorisation::Lu, "lu"),
        (Factorisation::Cholesky, "cholesky"),
        (Factorisation::Qr, "qr"),
        (Factorisation::Eigh, "eigh"),
        (Factorisation::Svd, "svd"),
    ];
    let mut group = c.benchmark_group("factor");
    group.sample_size(10);
    for (factors, name) in sizes {
        for (count, n) in [(10_000, 3), (1, 100), (1, 500)] {
            let a = matrices(count, n);
            let length = match factors {
                Factorisation::Lu | Factorisation::Eigh => n * n + n,
                Factorisation::Cholesky => n * n,
                Factorisation::Qr => 2 * n * n,
                _ => 2 * n * n + n,
            };
            let call = Call {
                op: Op::Factor(factors),
                dtype: DType::F64,
                shape: [count, length].as_slice().into(),
                list: [].as_slice().into(),
                exact: false,
            };
            let id = BenchmarkId::new(name, format!("{count} of {n}"));
            group.bench_function(id, |b| {
                b.iter(|| black_box(evaluate(&call, std::slice::from_ref(&a)).unwrap()));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, factorisations);
criterion_main!(benches);
