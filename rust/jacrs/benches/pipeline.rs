//! The stages from recording to a plan, on straight-line scalar programs: a time for each operation.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jacrs::array::{Array, DType};
use jacrs::differentiate::vjp;
use jacrs::ir::Graph;
use jacrs::ops::{Fun, build};
use jacrs::optimize::optimize;
use jacrs::plan::Plan;
use jacrs::trace::{Index, Recording, Weak};

/// `n` operations: a chain of products and sines of the elements of one argument.
fn record(n: usize) -> Recording {
    let mut r = Recording::new();
    let mut x = r.argument(Array::from_slice(&[8], &[0.9; 8]), true);
    let start = r.view(&mut x, &[Index::At(0)]).unwrap();
    let mut y = r.node(start);
    for k in 0..n / 2 {
        let item = r.view(&mut x, &[Index::At((k % 8) as i64)]).unwrap();
        let item = r.node(item);
        y = r
            .map(Fun::Mul, &[(y, Weak::None), (item, Weak::None)])
            .unwrap();
        y = r.map(Fun::Sin, &[(y, Weak::None)]).unwrap();
    }
    r.graph.outputs = vec![y];
    r
}

/// The gradient of the recorded function.
fn gradient(recorded: &Graph) -> Graph {
    let mut g = recorded.clone();
    let (x, y) = (g.inputs()[0], g.outputs[0]);
    let one = build::constant(&mut g, DType::F64, &[], 1.0);
    let swept = vjp(&mut g, &[y], &[x], &[Some(one)]);
    g.outputs = vec![y, swept[0].expect("y depends on x")];
    g
}

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
