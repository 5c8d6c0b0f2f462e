//! Each function against differences, and what is known of it.

use jacrs::scalar::{NAMES, apply};
use jacrs::{Dual, Float, Tape};

use crate::common::{assert_close, richardson};

/// Smooth points of every function, away from jumps and bounds.
const POINTS: [[f64; 2]; 4] = [[0.31, 0.83], [0.77, 0.29], [0.52, 0.41], [0.23, 0.67]];

/// The inverse hyperbolic cosine lives above one.
fn points(name: &str) -> impl Iterator<Item = [f64; 2]> {
    let shift = if name == "arccosh" { 1.0 } else { 0.0 };
    POINTS.into_iter().map(move |[x, z]| [x + shift, z])
}

fn call<S: Float>(name: &str, arity: usize, [x, z]: [S; 2]) -> S {
    // By its order it has no derivative.
    let x = if name == "zeta" { S::from_f64(3.0) } else { x };
    apply(name, &[x, z][..arity]).unwrap()
}

#[test]
fn first_derivatives_agree_with_differences() {
    for &(name, arity) in NAMES {
        for [x, z] in points(name) {
            let got: Dual<f64, 2> = call(name, arity, [Dual::seeded(x, 0), Dual::seeded(z, 1)]);
            assert_eq!(
                got.value.to_bits(),
                call(name, arity, [x, z]).to_bits(),
                "{name}"
            );
            let by_x = richardson(|h| vec![call(name, arity, [x + h, z])])[0];
            let by_z = richardson(|h| vec![call(name, arity, [x, z + h])])[0];
            assert_close(&got.partials, &[by_x, by_z], 1e-9, name);
        }
    }
}

#[test]
fn second_derivatives_agree_with_differences_of_the_first() {
    let first = |name, arity, x, z| {
        let y: Dual<f64, 2> = call(name, arity, [Dual::seeded(x, 0), Dual::seeded(z, 1)]);
        y.partials.to_vec()
    };
    for &(name, arity) in NAMES {
        for [x, z] in points(name) {
            let twice = |x, k| Dual::seeded(Dual::seeded(x, k), k);
            let got: Dual<Dual<f64, 2>, 2> = call(name, arity, [twice(x, 0), twice(z, 1)]);
            let by_x = richardson(|h| first(name, arity, x + h, z));
            let by_z = richardson(|h| first(name, arity, x, z + h));
            assert_close(&got.partials[0].partials, &by_x, 1e-8, name);
            assert_close(&got.partials[1].partials, &by_z, 1e-8, name);
        }
    }
}

#[test]
fn single_precision_is_single_precision_of_the_same() {
    for &(name, arity) in NAMES {
        for [x, z] in points(name) {
            let wide: Dual<f64, 2> = call(name, arity, [Dual::seeded(x, 0), Dual::seeded(z, 1)]);
            let narrow: Dual<f32, 2> = call(
                name,
                arity,
                [Dual::seeded(x as f32, 0), Dual::seeded(z as f32, 1)],
            );
            let tape = Tape::new();
            let (u, v) = (tape.var(x as f32), tape.var(z as f32));
            let y = call(name, arity, [u, v]);
            assert_eq!(y.value().to_bits(), narrow.value.to_bits(), "{name}");
            assert_close(&[f64::from(narrow.value)], &[wide.value], 1e-5, name);
            for got in [narrow.partials.to_vec(), tape.gradient(y, &[u, v])] {
                let got: Vec<f64> = got.into_iter().map(f64::from).collect();
                assert_close(&got, &wide.partials, 1e-4, name);
            }
        }
    }
}

#[test]
fn powers_have_their_slopes_at_zero_too() {
    let slope = |f: &dyn Fn(Dual<f64, 1>) -> Dual<f64, 1>, x: f64| f(Dual::variable(x)).partials[0];
    for n in [-3, -1, 0, 1, 2, 5] {
        let c = f64::from(n);
        for x in [-1.5, -0.0, 0.0, 2.0] {
            let by_int = slope(&|x| x.powi(n), x);
            let wanted = if n == 0 { 0.0 } else { c * x.powi(n - 1) };
            assert_eq!(by_int, wanted, "{x} to the {n}");
            assert_close(&[slope(&|x| x.powf(c), x)], &[wanted], 1e-15, "powf");
            assert_close(&[slope(&|x| x.pow(c.into()), x)], &[wanted], 1e-15, "pow");
        }
    }
    assert_eq!(slope(&|x| x.powf(0.5), 0.0), f64::INFINITY);
    assert_eq!(slope(&|x| x.powf(1.5), 0.0), 0.0);
    // There is no integer below the smallest.
    assert_eq!(slope(&|x| x.powi(i32::MIN), 2.0), 0.0);
    assert_close(
        &[slope(&|x| x.powi(i32::MIN), 1.0)],
        &[f64::from(i32::MIN)],
        1e-15,
        "powi",
    );
}

#[test]
fn composed_functions_are_what_they_say() {
    let x = Dual::variable(2.75);
    assert_eq!((x.fract().value, x.fract().partials), (0.75, [1.0]));
    assert_eq!((x.signum().value, x.signum().partials), (1.0, [0.0]));
    assert_eq!(Dual::variable(-0.0).signum().value, -1.0);
    assert_eq!(x.sin_cos().1.partials, [-Float::sin(2.75f64)]);
    assert_eq!(x.mul_add(x, x).partials, [6.5]);
    let clamped = |x: f64| Dual::variable(x).clamp(0.0.into(), 1.0.into());
    assert_eq!(
        [-1.0, 0.0, 0.5, 1.0, 2.0].map(|x| clamped(x).partials[0]),
        [0.0, 0.5, 1.0, 0.5, 0.0]
    );
    assert!(clamped(f64::NAN).is_nan());
    assert!(x.is_finite() && !x.is_infinite() && !x.is_nan() && !x.is_sign_negative());
}

/// Constants on both sides, and assignment.
#[test]
fn constants_mix_with_every_operator() {
    fn all<S: jacrs::Scalar>(x: S) -> S {
        let mut y = x + 1.0;
        y *= x;
        y -= 0.5;
        y /= x + 3.0;
        y += x % 0.75;
        y %= S::from(7.0);
        (y * 2.0 - 1.0) / 4.0
    }
    let at = 1.3;
    let wanted = richardson(|h| vec![all(at + h)])[0];
    assert_close(
        &all(Dual::variable(at)).partials,
        &[wanted],
        1e-10,
        "on the right",
    );
    let tape = Tape::new();
    let x = tape.var(at);
    assert_close(
        &tape.gradient(all(x), &[x]),
        &[wanted],
        1e-10,
        "on the tape",
    );

    let left = 2.0 / (3.0 - 0.5 * x) + (1.0 + x) * (7.0 % x);
    let plain = |x: f64| 2.0 / (3.0 - 0.5 * x) + (1.0 + x) * (7.0 % x);
    assert_eq!(left.value(), plain(at));
    let wanted = richardson(|h| vec![plain(at + h)])[0];
    assert_close(&tape.gradient(left, &[x]), &[wanted], 1e-10, "on the left");

    let items = [
        Dual::variable(2.0),
        Dual::constant(3.0),
        Dual::variable(5.0),
    ];
    assert_eq!(items.iter().sum::<Dual<f64, 1>>().partials, [2.0]);
    assert_eq!(items.into_iter().product::<Dual<f64, 1>>().partials, [21.0]);
}
