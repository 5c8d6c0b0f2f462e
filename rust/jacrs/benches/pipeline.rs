//! The stages from recording to a plan, on straight-line scalar programs: a time for each operation.

mod programs;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jacrs::array::Array;
use jacrs::optimize::optimize;
use jacrs::plan::Plan;

use programs::{gradient, record};

fn stages(c: &mut Criterion) {
    let mut group = c.benchmark_group("pipeline");
    for n in [1_000usize, 100_000] {
        group.throughput(Throughput::Elements(n as u64));
        group.sample_size(10);
        let recorded = record(n).graph;
        let differentiated = gradient(&recorded);
        let optimized = optimize(&differentiated);
        group.bench_function(BenchmarkId::new("record", n), |b| {
            b.iter(|| black_box(record(n)));
        });
        group.bench_function(BenchmarkId::new("differentiate", n), |b| {
            b.iter(|| black_box(gradient(&recorded)));
        });
        group.bench_function(BenchmarkId::new("optimize", n), |b| {
            b.iter(|| black_box(optimize(&differentiated)));
        });
        group.bench_function(BenchmarkId::new("plan", n), |b| {
            b.iter(|| black_box(Plan::new(&optimized).unwrap()));
        });
        group.bench_function(BenchmarkId::new("fingerprint", n), |b| {
            b.iter(|| black_box(recorded.fingerprint().finish()));
        });
        let plan = Plan::new(&optimized).unwrap();
        let x = Array::from_slice(&[8], &[0.9; 8]);
        group.bench_function(BenchmarkId::new("replay", n), |b| {
            b.iter(|| black_box(plan.evaluate(std::slice::from_ref(&x)).unwrap()));
        });
    }
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
