//! Running plans: the scalar tape, fused groups, reductions, products, and assembled Jacobians.

mod programs;

use std::fmt::Write;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jacrs::array::{Array, DType};
use jacrs::assemble::Assembly;
use jacrs::differentiate::{Mode, linearize, unrolled};
use jacrs::execute::uninterrupted;
use jacrs::ir::{Graph, parse};
use jacrs::optimize::optimize;
use jacrs::plan::Plan;

use programs::scalars::{determinant, kinetics, runge_kutta};
use programs::{elementwise, fused_chain, gradient, inputs, numbers, scalar_program};

fn bench_graph(c: &mut Criterion, name: &str, n: usize, bytes: bool, graph: &Graph) {
    let plan = Plan::new(&optimize(graph)).unwrap();
    let inputs = inputs(graph);
    let mut group = c.benchmark_group("execute");
    group.throughput(if bytes {
        Throughput::Bytes(8 * n as u64)
    } else {
        Throughput::Elements(n as u64)
    });
    group.bench_function(BenchmarkId::new(name, n), |b| {
        b.iter(|| black_box(plan.evaluate(&inputs).unwrap()));
    });
    group.finish();
}

fn plans(c: &mut Criterion) {
    for n in [1_000, 100_000] {
        bench_graph(c, "scalar tape", n, false, &scalar_program(n));
    }
    for n in [1_000usize, 100_000, 4_000_000] {
        // One array read, one written.
        bench_graph(c, "fused chain", 2 * n, true, &fused_chain(n));
        let total = format!("%0 = input : float64[{n}]\n%1 = sum(%0, [0]) : float64[]\nreturn %1");
        bench_graph(c, "sum", n, true, &parse(&total).unwrap());
    }
    for name in ["exp", "sin", "tanh"] {
        bench_graph(c, name, 100_000, false, &elementwise(name, 100_000));
    }
    for n in [64usize, 256] {
        let product = format!(
            "%0 = input : float64[{n},{n}]\n%1 = matmul(%0, %0) : float64[{n},{n}]\nreturn %1"
        );
        bench_graph(
            c,
            "matmul, multiply-adds",
            n * n * n,
            false,
            &parse(&product).unwrap(),
        );
    }
}

/// Operands that do not lie contiguously, sums over each axis, and what strips keep in the cache.
fn shapes(c: &mut Criterion) {
    for (rows, columns) in [(10_000usize, 8usize), (250, 1_000)] {
        let n = rows * columns;
        let broadcast = format!(
            "%0 = input : float64[{rows},1]\n%1 = input : float64[1,{columns}]\n\
             %2 = broadcast(%0) : float64[{rows},{columns}]\n%3 = broadcast(%1) : float64[{rows},{columns}]\n\
             %4 = sub(%2, %3) : float64[{rows},{columns}]\nreturn %4"
        );
        bench_graph(
            c,
            &format!("broadcast to {columns} columns"),
            n,
            false,
            &parse(&broadcast).unwrap(),
        );
        for (axis, kept) in [(0, columns), (1, rows)] {
            let sum = format!(
                "%0 = input : float64[{rows},{columns}]\n%1 = sum(%0, [{axis}]) : float64[{kept}]\nreturn %1"
            );
            let name = format!("sum over axis {axis} of {columns} columns");
            bench_graph(c, &name, n, false, &parse(&sum).unwrap());
        }
    }
    let (points, centres, d) = (10_000usize, 10usize, 8usize);
    let shape = format!("float64[{points},{centres},{d}]");
    let distances = format!(
        "%0 = input : float64[{points},1,{d}]\n%1 = input : float64[1,{centres},{d}]\n\
         %2 = broadcast(%0) : {shape}\n%3 = broadcast(%1) : {shape}\n%4 = sub(%2, %3) : {shape}\n\
         %5 = mul(%4, %4) : {shape}\n%6 = sum(%5, [2]) : float64[{points},{centres}]\n\
         %7 = min(%6, [1]) : float64[{points}]\nreturn %7"
    );
    let n = points * centres * d;
    bench_graph(
        c,
        "nearest of 10 centres, in strips",
        n,
        false,
        &parse(&distances).unwrap(),
    );
}

/// The same work without a plan, as the compiler makes it for any machine: beside it stands `execute`.
fn floors(c: &mut Criterion) {
    let mut group = c.benchmark_group("floor");
    for n in [1_000usize, 100_000, 4_000_000] {
        let x: Vec<f64> = (0..n).map(|i| 0.5 + i as f64 / n as f64).collect();
        let mut y = vec![0.0; n];
        group.throughput(Throughput::Bytes(16 * n as u64));
        group.bench_function(BenchmarkId::new("copy", 2 * n), |b| {
            b.iter(|| black_box(&mut y).copy_from_slice(black_box(&x)));
        });
        group.bench_function(BenchmarkId::new("chain by hand", 2 * n), |b| {
            b.iter(|| {
                for (y, &x) in black_box(&mut y).iter_mut().zip(black_box(&x)) {
                    let square = x * x;
                    *y = ((square + x) - square) * x;
                }
            });
        });
    }
    for n in [1_000u64, 100_000] {
        group.throughput(Throughput::Elements(n));
        group.bench_function(BenchmarkId::new("additions and products in turn", n), |b| {
            b.iter(|| {
                (0..n / 2).fold(black_box((0.5, 0.6)), |(x, y): (f64, f64), _| {
                    let product = x * y;
                    (product, product + y)
                })
            });
        });
    }
    group.finish();
}

/// Two layers of `tanh(A x)`.
fn layers(n: usize) -> Graph {
    let mut text = format!(
        "%0 = input : float64[{n},{n}]\n%1 = input! : float64[{n}]\n%2 = reshape(%1) : float64[{n},1]\n"
    );
    for k in [3, 5] {
        writeln!(
            text,
            "%{k} = matmul(%0, %{}) : float64[{n},1]\n%{} = tanh(%{k}) : float64[{n},1]",
            k - 1,
            k + 1
        )
        .unwrap();
    }
    writeln!(text, "%7 = reshape(%6) : float64[{n}]\nreturn %7").unwrap();
    parse(&text).unwrap()
}

fn jacobians(c: &mut Criterion) {
    let mut group = c.benchmark_group("jacobian");
    for n in [16usize, 256] {
        let g = layers(n);
        let x = g.inputs()[1];
        for mode in [Mode::Forward, Mode::Reverse] {
            let split = linearize(&g, &g.outputs, &g.outputs, &[x], mode, 16).unwrap();
            let (early, late) = (optimize(&split.early), optimize(&split.late));
            let assembly = Assembly::new(&early, &late, 1, mode, 16).unwrap();
            let inputs = [numbers(&[n, n]), numbers(&[n])];
            let views: Vec<_> = inputs.iter().map(|a| a.view().clone()).collect();
            let name = format!("two layers, {mode:?}");
            group.bench_function(BenchmarkId::new(name, n), |b| {
                b.iter(|| {
                    let (_y, value) = Array::uninit(DType::F64, &[n]);
                    let (block, out) = Array::uninit(DType::F64, &[n, n]);
                    assembly
                        .run(&views, &[value], &[out], &uninterrupted)
                        .unwrap();
                    black_box(block)
                });
            });
        }
    }
    group.finish();
}

/// Derivatives of scalar code, a straight line of instructions each. `JACRS_NATIVE=0` interprets them.
fn scalar_code(c: &mut Criterion) {
    let mut group = c.benchmark_group("scalar code");
    let mut bench = |name: &str, graph: &Graph| {
        let plan = Plan::new(&optimize(graph)).unwrap();
        let inputs = inputs(graph);
        group.throughput(Throughput::Elements(plan.work()));
        group.bench_function(name, |b| {
            b.iter(|| black_box(plan.evaluate(&inputs).unwrap()));
        });
    };
    let g = kinetics();
    let (x, y) = (g.inputs()[0], g.outputs[0]);
    let jacobian = unrolled(&g, &[y], &[y], &[x], Mode::Forward).unwrap();
    bench("kinetics, Jacobian", &jacobian);
    bench(
        "300 steps of Runge-Kutta, gradient",
        &gradient(&runge_kutta(300)),
    );
    for side in [5, 7, 9] {
        let name = format!("determinant of {side} x {side}, gradient");
        bench(&name, &gradient(&determinant(side)));
    }
    group.finish();
}

criterion_group!(benches, plans, shapes, floors, jacobians, scalar_code);
criterion_main!(benches);
