//! Derivatives of derivatives: the levels stay apart.

use jacrs::dual::derivative;
use jacrs::{Dual, Float, Tape, Var, tape};

/// J. M. Siskind and B. A. Pearlmutter, "Perturbation confusion and referential transparency", 2005.
#[test]
fn an_inner_derivative_does_not_see_the_outer_perturbation() {
    // d/dx (x d/dy (x + y)) = 1
    let sum = |x| x * derivative(|y| Dual::constant(x) + y, 1.0.into()).1;
    assert_eq!(derivative(sum, 1.0), (1.0, 1.0));
    // d/dx (x d/dy (x y)) = d/dx x^2
    let product = |x| x * derivative(|y| Dual::constant(x) * y, 2.0.into()).1;
    assert_eq!(derivative(product, 3.0), (9.0, 6.0));
    // The same point for both levels.
    let same = |x: Dual<f64, 1>| x * derivative(|y| Dual::constant(x) * y * y, x).1;
    assert_eq!(derivative(same, 2.0), (16.0, 24.0));
}

#[test]
fn neither_do_tapes() {
    fn slope<'t>(x: Var<'t>, at: Var<'t>) -> Var<'t> {
        tape::gradient(|y| Var::constant(x) * y[0] * y[0], &[at])[0]
    }
    // d/dx (x d/dy (x y^2)) at y = 1
    assert_eq!(
        tape::gradient(|x| x[0] * slope(x[0], Var::constant(1.0)), &[3.0]),
        [12.0]
    );
    // at y = x: d/dx 2 x^3
    assert_eq!(tape::gradient(|x| x[0] * slope(x[0], x[0]), &[2.0]), [24.0]);
}

#[test]
fn modes_mix_in_either_order() {
    let over = |x: Dual<f64, 1>| tape::gradient(|y| (Var::constant(x) * y[0]).sin(), &[x])[0];
    // d/dx (x cos(x^2)) = cos(x^2) - 2 x^2 sin(x^2)
    let wanted = |x: f64| (x * x).cos() - 2.0 * x * x * (x * x).sin();
    assert!((derivative(over, 0.7).1 - wanted(0.7)).abs() < 1e-15);
    let tape = Tape::new();
    let x = tape.var(0.7);
    let under = derivative(|y| (Dual::constant(x) * y).sin(), x).1;
    assert!((tape.gradient(under, &[x])[0] - wanted(0.7)).abs() < 1e-15);
}

#[test]
fn four_levels_give_the_fourth_derivative() {
    fn d<T: Float>(f: impl Fn(Dual<T, 1>) -> Dual<T, 1>) -> impl Fn(T) -> T {
        move |x| derivative(&f, x).1
    }
    let fourth = d(d(d(d(|x: Dual<Dual<Dual<Dual<f64, 1>, 1>, 1>, 1>| {
        (x * x).exp()
    }))));
    let x: f64 = 0.3;
    let wanted = (16.0 * x.powi(4) + 48.0 * x * x + 12.0) * (x * x).exp();
    assert!((fourth(x) - wanted).abs() < 1e-12 * wanted);
}

/// A cotangent whose value is zero must go on if it has derivatives: that of `3 y` in
/// `sin(x * 3 y)` is `0 + 1 e` at the origin.
#[test]
fn a_zero_with_derivatives_is_not_a_zero() {
    let h = tape::hessian::<f64, 2>(|x| (x[0] * (x[1] * 3.0)).sin(), &[0.0, 0.0]).unwrap();
    assert_eq!(h.as_slice(), [0.0, 3.0, 3.0, 0.0]);
    let h = tape::hessian::<f64, 1>(|x| (x[0] * (x[0] * 3.0)).sin(), &[0.0]).unwrap();
    assert_eq!(h.as_slice(), [6.0]);
    let tape = Tape::new();
    let x = tape.var(0.0);
    let inner = tape::gradient(|y| (y[0] * (y[0] * 3.0)).sin(), &[x])[0];
    assert_eq!(tape.gradient(inner, &[x]), [6.0]);
}
