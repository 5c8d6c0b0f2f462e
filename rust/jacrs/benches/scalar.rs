//! Dual numbers and tapes against derivatives written by hand and against plain evaluation.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};
use jacrs::{Dual, Function, Scalar, Tape, dual, function, tape};

fn point(n: usize) -> Vec<f64> {
    (0..n).map(|i| 1.0 + 0.3 * (i as f64 * 0.7).sin()).collect()
}

fn check(got: &[f64], wanted: &[f64]) {
    assert_eq!(got.len(), wanted.len());
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-10 * b.abs().max(1.0);
    assert!(got.iter().zip(wanted).all(close), "{got:?}, not {wanted:?}");
}

fn time<T>(group: &mut BenchmarkGroup<WallTime>, name: &str, n: usize, mut f: impl FnMut() -> T) {
    group.bench_function(BenchmarkId::new(name, n), |b| b.iter(|| black_box(f())));
}

fn rosenbrock<S: Scalar>(x: &[S]) -> S {
    (x.windows(2))
        .map(|w| (w[1] - w[0].square()).square() * 100.0 + (w[0] - 1.0).square())
        .sum()
}

fn rosenbrock_gradient(x: &[f64]) -> Vec<f64> {
    let mut g = vec![0.0; x.len()];
    for i in 0..x.len() - 1 {
        let gap = x[i + 1] - x[i] * x[i];
        g[i] += -400.0 * x[i] * gap + 2.0 * (x[i] - 1.0);
        g[i + 1] += 200.0 * gap;
    }
    g
}

fn rosenbrock_hessian(x: &[f64]) -> Vec<f64> {
    let n = x.len();
    let mut h = vec![0.0; n * n];
    for i in 0..n - 1 {
        h[i * n + i] += 1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 2.0;
        h[i * n + i + 1] -= 400.0 * x[i];
        h[(i + 1) * n + i] -= 400.0 * x[i];
        h[(i + 1) * n + i + 1] += 200.0;
    }
    h
}

fn gradients(c: &mut Criterion) {
    let mut group = c.benchmark_group("rosenbrock gradient");
    for n in [2, 8, 16, 100] {
        let x = point(n);
        let wanted = rosenbrock_gradient(&x);
        check(
            &jacrs::gradient(function!(rosenbrock), &x).unwrap(),
            &wanted,
        );
        check(&tape::gradient(|x| rosenbrock(x), &x), &wanted);
        let forward = |x: &[f64]| dual::jacobian::<f64, 8>(|x| vec![rosenbrock(x)], x).unwrap();
        check(forward(&x).as_slice(), &wanted);
        time(&mut group, "plain", n, || rosenbrock(black_box(&x[..])));
        time(&mut group, "by hand", n, || {
            rosenbrock_gradient(black_box(&x))
        });
        time(&mut group, "gradient", n, || {
            jacrs::gradient(function!(rosenbrock), black_box(&x))
        });
        time(&mut group, "forward, 8 lanes", n, || forward(black_box(&x)));
        time(&mut group, "new tape", n, || {
            tape::gradient(|x| rosenbrock(x), black_box(&x))
        });
        let mut kept = Tape::new();
        time(&mut group, "kept tape", n, || {
            kept.clear();
            let xs = kept.vars(black_box(&x));
            kept.gradient(rosenbrock(&xs), &xs)
        });
    }
    group.finish();
}

fn hessians(c: &mut Criterion) {
    let mut group = c.benchmark_group("rosenbrock hessian");
    for n in [2, 8, 32] {
        let x = point(n);
        let h = jacrs::hessian(function!(rosenbrock), &x).unwrap();
        check(h.as_slice(), &rosenbrock_hessian(&x));
        time(&mut group, "by hand", n, || {
            rosenbrock_hessian(black_box(&x))
        });
        time(&mut group, "hessian", n, || {
            jacrs::hessian(function!(rosenbrock), black_box(&x))
        });
    }
    group.finish();
}

/// HIRES, 8 species (E. Hairer and G. Wanner, "Solving Ordinary Differential Equations II", IV.10).
fn hires<S: Scalar>(y: &[S]) -> [S; 8] {
    let pair = y[5] * y[7] * 280.0;
    [
        y[0] * -1.71 + y[1] * 0.43 + y[2] * 8.32 + 0.0007,
        y[0] * 1.71 - y[1] * 8.75,
        y[2] * -10.03 + y[3] * 0.43 + y[4] * 0.035,
        y[1] * 8.32 + y[2] * 1.71 - y[3] * 1.12,
        y[4] * -1.745 + y[5] * 0.43 + y[6] * 0.43,
        -pair + y[3] * 0.69 + y[4] * 1.71 - y[5] * 0.43 + y[6] * 0.69,
        pair - y[6] * 1.81,
        -pair + y[6] * 1.81,
    ]
}

#[rustfmt::skip]
fn hires_jacobian(y: &[f64]) -> Vec<f64> {
    let (a, b) = (280.0 * y[7], 280.0 * y[5]);
    vec![
        -1.71, 0.43, 8.32, 0.0, 0.0, 0.0, 0.0, 0.0,
        1.71, -8.75, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        0.0, 0.0, -10.03, 0.43, 0.035, 0.0, 0.0, 0.0,
        0.0, 8.32, 1.71, -1.12, 0.0, 0.0, 0.0, 0.0,
        0.0, 0.0, 0.0, 0.0, -1.745, 0.43, 0.43, 0.0,
        0.0, 0.0, 0.0, 0.69, 1.71, -a - 0.43, 0.69, -b,
        0.0, 0.0, 0.0, 0.0, 0.0, a, -1.81, b,
        0.0, 0.0, 0.0, 0.0, 0.0, -a, 1.81, -b,
    ]
}

fn lorenz<S: Scalar>(u: [S; 3]) -> [S; 3] {
    let [x, y, z] = u;
    [(y - x) * 10.0, x * (-z + 28.0) - y, x * y - z * (8.0 / 3.0)]
}

fn lorenz_tangent([x, y, z]: [f64; 3], t: [f64; 3]) -> [f64; 3] {
    [
        10.0 * (t[1] - t[0]),
        t[0] * (28.0 - z) - x * t[2] - t[1],
        t[0] * y + x * t[1] - 8.0 / 3.0 * t[2],
    ]
}

fn moved<S: Scalar>(u: [S; 3], k: [S; 3], h: f64) -> [S; 3] {
    std::array::from_fn(|i| u[i] + k[i] * h)
}

/// One step of the classical Runge-Kutta method.
fn step<S: Scalar>(u: &[S]) -> [S; 3] {
    const H: f64 = 0.01;
    let u = [u[0], u[1], u[2]];
    let a = lorenz(u);
    let b = lorenz(moved(u, a, H / 2.0));
    let c = lorenz(moved(u, b, H / 2.0));
    let d = lorenz(moved(u, c, H));
    std::array::from_fn(|i| u[i] + (a[i] + b[i] * 2.0 + c[i] * 2.0 + d[i]) * (H / 6.0))
}

/// The same with the variational equation, a column at a time.
fn step_jacobian(u: &[f64]) -> Vec<f64> {
    const H: f64 = 0.01;
    let u = [u[0], u[1], u[2]];
    let a = lorenz(u);
    let at_b = moved(u, a, H / 2.0);
    let b = lorenz(at_b);
    let at_c = moved(u, b, H / 2.0);
    let at_d = moved(u, lorenz(at_c), H);
    let mut jacobian = vec![0.0; 9];
    for j in 0..3 {
        let t = std::array::from_fn(|i| f64::from(u8::from(i == j)));
        let a = lorenz_tangent(u, t);
        let b = lorenz_tangent(at_b, moved(t, a, H / 2.0));
        let c = lorenz_tangent(at_c, moved(t, b, H / 2.0));
        let d = lorenz_tangent(at_d, moved(t, c, H));
        for i in 0..3 {
            jacobian[3 * i + j] = t[i] + (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]) * (H / 6.0);
        }
    }
    jacobian
}

fn jacobians(c: &mut Criterion) {
    let mut group = c.benchmark_group("jacobian");
    let mut all = |name: &str,
                   f: &dyn Fn(&[f64]) -> Vec<f64>,
                   by_hand: &dyn Fn(&[f64]) -> Vec<f64>,
                   driver: &dyn Fn(&[f64]) -> Vec<f64>,
                   n: usize| {
        let x = point(n);
        check(&driver(&x), &by_hand(&x));
        time(&mut group, &format!("{name}, plain"), n, || {
            f(black_box(&x))
        });
        time(&mut group, &format!("{name}, by hand"), n, || {
            by_hand(black_box(&x))
        });
        time(&mut group, &format!("{name}, jacobian"), n, || {
            driver(black_box(&x))
        });
    };
    let kinetics = function!(hires);
    all(
        "kinetics",
        &|x| kinetics.call(x),
        &hires_jacobian,
        &|x| jacrs::jacobian(kinetics, x).unwrap().into_vec(),
        8,
    );
    let ode = function!(step);
    all(
        "ODE step",
        &|x| ode.call(x),
        &step_jacobian,
        &|x| jacrs::jacobian(ode, x).unwrap().into_vec(),
        3,
    );
    group.finish();
}

/// What a lane costs: a recurrence of products and sums, one derivative or several side by side.
fn lanes(c: &mut Criterion) {
    fn recurrence<S: Scalar>(x: S) -> S {
        (0..1000).fold(x, |y, _| y * (x - y) + 0.3)
    }
    fn with<const N: usize>(group: &mut BenchmarkGroup<WallTime>) {
        let x = Dual::new(0.4, [1.0; N]);
        time(group, "1000 products and sums, lanes", N, || {
            recurrence(black_box(x))
        });
    }
    let mut group = c.benchmark_group("lanes");
    time(&mut group, "plain", 1, || recurrence(black_box(0.4)));
    with::<1>(&mut group);
    with::<2>(&mut group);
    with::<4>(&mut group);
    with::<8>(&mut group);
    with::<16>(&mut group);
    group.finish();
}

criterion_group!(benches, gradients, hessians, jacobians, lanes);
criterion_main!(benches);
