//! Structured Jacobians: how long until one can run, and how long it runs, beside a copy of as many
//! bytes.

mod programs;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jacrs::ir::Graph;
use jacrs::optimize::optimize;
use jacrs::plan::Plan;
use jacrs::sparsity::{Entries, Form, detect, structured};

use programs::inputs;
use programs::stencils::{bratu, brusselator, membrane, pairwise};

fn prepared(g: &Graph, form: Form) -> Entries {
    let x = &g.inputs()[..1];
    let found = detect(g, &g.outputs, x, &inputs(g)).unwrap();
    let made = structured(g, &[], &g.outputs, x, &found, form).unwrap();
    made.unwrap_or_else(|reason| panic!("{reason}"))
}

fn jacobians(c: &mut Criterion) {
    let cases: [(&str, fn(usize) -> Graph, usize, Form); 7] = [
        ("Bratu", bratu, 200, Form::Rows),
        ("Bratu", bratu, 317, Form::Rows),
        ("Bratu", bratu, 1000, Form::Rows),
        ("Hessian of a membrane", membrane, 317, Form::Rows),
        ("Brusselator", brusselator, 100, Form::Rows),
        ("Brusselator", brusselator, 700, Form::Rows),
        ("pairwise", pairwise, 400, Form::Blocks),
    ];
    let mut group = c.benchmark_group("structured");
    group.sample_size(20);
    for (name, graph, side, form) in cases {
        let g = graph(side);
        let prepare = || {
            let entries = prepared(&g, form);
            let plan = Plan::new(&optimize(&entries.graph)).unwrap();
            (plan, entries)
        };
        if side < 500 {
            group.bench_function(BenchmarkId::new(format!("{name}, prepare"), side), |b| {
                b.iter(|| black_box(prepare()));
            });
        }
        let (plan, entries) = prepare();
        let given = [inputs(&g), entries.tables].concat();
        let count = plan.outputs()[0].shape.iter().product::<usize>();
        group.throughput(Throughput::Bytes(8 * count as u64));
        group.bench_function(BenchmarkId::new(format!("{name}, run"), side), |b| {
            b.iter(|| black_box(plan.evaluate(&given).unwrap()));
        });
        let from = vec![0.5; count];
        let mut to = vec![0.0; count];
        group.bench_function(BenchmarkId::new(format!("{name}, copy"), side), |b| {
            b.iter(|| black_box(&mut to).copy_from_slice(black_box(&from)));
        });
    }
    group.finish();
}

criterion_group!(benches, jacobians);
criterion_main!(benches);
