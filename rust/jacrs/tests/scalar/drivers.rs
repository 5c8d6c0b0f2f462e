//! Drivers: every shape, against formulas and against each other.

use jacrs::error::Kind;
use jacrs::{Float, Function, Scalar, Tape, dual, function, tape};
use std::cell::Cell;

use crate::common::{assert_close, dot, scattered};

/// Output `i` is the sum over `j` of `w[i][j] sin(x[j]) x[j + 1]`, cyclic.
struct Waves {
    outputs: usize,
    weights: Vec<f64>,
}

impl Waves {
    fn new(outputs: usize, inputs: usize) -> Self {
        Self {
            outputs,
            weights: scattered(outputs * inputs, 5, -1.0, 1.0),
        }
    }

    fn entry(&self, x: &[f64], i: usize, j: usize) -> f64 {
        let n = x.len();
        let before = (j + n - 1) % n;
        self.weights[i * n + j] * x[j].cos() * x[(j + 1) % n]
            + self.weights[i * n + before] * x[before].sin()
    }
}

impl Function for Waves {
    fn call<S: Scalar>(&self, x: &[S]) -> Vec<S> {
        let n = x.len();
        let row = |i: usize| {
            (0..n)
                .map(|j| x[j].sin() * x[(j + 1) % n] * self.weights[i * n + j])
                .sum()
        };
        (0..self.outputs).map(row).collect()
    }
}

#[test]
fn jacobians_of_every_shape() {
    for n in [0, 1, 2, 3, 5, 8, 9, 16, 17, 41] {
        for m in [0, 1, 2, 3, 4, 7, 8, 9, 20] {
            let f = Waves::new(m, n);
            let x = scattered(n, 3, -1.0, 1.0);
            let wanted: Vec<f64> = (0..m * n).map(|k| f.entry(&x, k / n, k % n)).collect();
            let (y, jacobian) = jacrs::value_and_jacobian(&f, &x).unwrap();
            assert_eq!((y, jacobian.shape()), (f.call(&x), (m, n)));
            assert_close(jacobian.as_slice(), &wanted, 1e-14, "chosen");
            let forward = dual::jacobian::<f64, 3>(|x| f.call(x), &x).unwrap();
            assert_close(forward.as_slice(), &wanted, 1e-14, "forward");
            let reverse = tape::jacobian(|x| f.call(x), &x);
            assert_close(reverse.as_slice(), &wanted, 1e-14, "reverse");
            let (v, w) = (scattered(n, 11, -1.0, 1.0), scattered(m, 13, -1.0, 1.0));
            let (_, jv) = jacrs::jvp(&f, &x, &v).unwrap();
            let (_, wj) = jacrs::vjp(&f, &x, &w).unwrap();
            assert_close(&[dot(&jv, &w)], &[dot(&wj, &v)], 1e-13, "by inner product");
            let product: Vec<f64> = (0..m).map(|i| dot(jacobian.row(i), &v)).collect();
            assert_close(&jv, &product, 1e-13, "along a vector");
        }
    }
}

#[test]
fn gradients_and_hessians_of_every_size() {
    for n in [0, 1, 2, 4, 7, 8, 9, 17, 33] {
        let f = Waves::new(1, n);
        let x = scattered(n, 3, -1.0, 1.0);
        let wanted: Vec<f64> = (0..n).map(|j| f.entry(&x, 0, j)).collect();
        let (y, gradient) = jacrs::value_and_gradient(&f, &x).unwrap();
        assert_eq!([y], f.call(&x)[..]);
        assert_close(&gradient, &wanted, 1e-14, "gradient");
        let (value, slopes, hessian) = jacrs::value_gradient_and_hessian(&f, &x).unwrap();
        assert_eq!((value, hessian.shape()), (y, (n, n)));
        assert_close(&slopes, &wanted, 1e-14, "gradient beside the Hessian");
        let v = scattered(n, 17, -1.0, 1.0);
        let along = jacrs::hvp(&f, &x, &v).unwrap();
        for i in 0..n {
            let mut second = vec![0.0; n];
            second[i] -= f.weights[i] * x[i].sin() * x[(i + 1) % n];
            second[(i + 1) % n] += f.weights[i] * x[i].cos();
            second[(i + n - 1) % n] += f.weights[(i + n - 1) % n] * x[(i + n - 1) % n].cos();
            // With one input the neighbour is the input itself.
            assert_close(hessian.row(i), &second, 1e-14, "Hessian");
            assert_close(&[along[i]], &[dot(&second, &v)], 1e-13, "along a vector");
        }
    }
}

fn polar<S: Scalar>(x: &[S]) -> [S; 2] {
    [x[0] * x[1].cos(), x[0] * x[1].sin()]
}

#[test]
fn single_precision_and_nested_numbers_are_taken() {
    let j = jacrs::jacobian(function!(polar), &[2.0f32, 0.5]).unwrap();
    let wanted = jacrs::jacobian(function!(polar), &[2.0, 0.5]).unwrap();
    let wide: Vec<f64> = j.as_slice().iter().map(|&v| f64::from(v)).collect();
    assert_close(&wide, wanted.as_slice(), 1e-6, "float32");
    // The determinant of the Jacobian is the radius: its gradient is (1, 0).
    let slopes = tape::gradient(
        |x| {
            let j = jacrs::jacobian(function!(polar), x).unwrap();
            j[(0, 0)] * j[(1, 1)] - j[(0, 1)] * j[(1, 0)]
        },
        &[2.0, 0.5],
    );
    assert_close(&slopes, &[1.0, 0.0], 1e-15, "of the determinant");
}

/// One more output at each call.
struct Growing(Cell<usize>);

impl Function for Growing {
    fn call<S: Scalar>(&self, x: &[S]) -> Vec<S> {
        self.0.set(self.0.get() + 1);
        vec![x[0]; self.0.get()]
    }
}

#[test]
fn mistakes_are_errors() {
    let kinds = [
        jacrs::gradient(function!(polar), &[1.0, 2.0]).unwrap_err(),
        jacrs::hessian(function!(polar), &[1.0, 2.0]).unwrap_err(),
        jacrs::hvp(function!(polar), &[1.0, 2.0], &[1.0, 0.0]).unwrap_err(),
        jacrs::hvp(Waves::new(1, 2), &[1.0, 2.0], &[1.0]).unwrap_err(),
        jacrs::jvp(function!(polar), &[1.0, 2.0], &[1.0]).unwrap_err(),
        jacrs::vjp(function!(polar), &[1.0, 2.0], &[1.0]).unwrap_err(),
        jacrs::gradient(Waves::new(0, 2), &[1.0, 2.0]).unwrap_err(),
        jacrs::jacobian(Growing(Cell::new(5)), &[1.0; 9]).unwrap_err(),
        jacrs::Matrix::from_rows(2, 2, vec![1.0]).unwrap_err(),
    ];
    assert!(kinds.iter().all(|e| e.kind == Kind::Shape), "{kinds:?}");
    assert!(kinds[0].message.contains("this one has 2"), "{}", kinds[0]);
    let none = dual::jacobian::<f64, 0>(<[_]>::to_vec, &[1.0]).unwrap_err();
    assert_eq!(none.kind, Kind::Value);
    let none = tape::hessian::<f64, 0>(|x| x[0], &[1.0]).unwrap_err();
    assert_eq!(none.kind, Kind::Value);
}

/// Closures may borrow what is around them.
#[test]
fn closures_over_data_are_taken() {
    let data = scattered(50, 1, -1.0, 1.0);
    let loss = tape::value_and_gradient(
        |x| data.iter().map(|&d| (x[0] * d - x[1]).square()).sum(),
        &[0.5, 0.1],
    );
    let (a, b) = (0.5, 0.1);
    let residuals: Vec<f64> = data.iter().map(|d| a * d - b).collect();
    let wanted = [
        2.0 * dot(&residuals, &data),
        -2.0 * residuals.iter().sum::<f64>(),
    ];
    assert_close(&loss.1, &wanted, 1e-13, "least squares");
    let tape = Tape::new();
    assert_eq!(
        tape.gradient(polar(&tape.vars(&[1.0, 0.0]))[0], &[]),
        Vec::<f64>::new()
    );
}
