//! What is particular to tapes: sweeps, reuse, length, misuse; and branches, in both modes.

use jacrs::{Dual, Float, Scalar, Tape, Var};

#[test]
fn any_number_of_sweeps_by_any_variables() {
    let tape = Tape::new();
    let (x, y) = (tape.var(2.0), tape.var(3.0));
    let u = x * y;
    let v = u.square() + x;
    assert_eq!(tape.gradient(v, &[x, y, u, v]), [37.0, 24.0, 12.0, 1.0]);
    assert_eq!(tape.gradient(u, &[v, y, x]), [0.0, 2.0, 3.0]);
    assert_eq!(tape.gradient(v, &[x, x]), [37.0, 37.0]);
    let w = v + u; // more after a sweep
    assert_eq!(tape.gradient(w, &[x]), [40.0]);
    let swept = tape.sweep(&[(v, [1.0, 0.0]), (u, [0.0, 2.0]), (v, [1.0, 0.0])]);
    assert_eq!((swept.of(x), swept.of(y)), ([74.0, 6.0], [48.0, 4.0]));
    assert_eq!(
        tape.jacobian(&[u, v, u], &[y, x]).into_vec(),
        [2.0, 3.0, 24.0, 37.0, 2.0, 3.0]
    );
    assert_eq!(tape.jacobian(&[], &[x]).shape(), (0, 1));
}

#[test]
fn constants_need_no_tape_and_have_no_derivative() {
    let tape = Tape::new();
    let x = tape.var(2.0);
    let c = Var::constant(3.0) * Var::from(2.0) + 1.0;
    assert!(c.is_constant() && (c.floor() + c.sin()).is_constant());
    assert_eq!(tape.len(), 1);
    assert_eq!(tape.gradient(c, &[x, c]), [0.0, 0.0]);
    assert_eq!(tape.gradient(x * c, &[x, c]), [7.0, 0.0]);
    assert!(x.floor().is_constant(), "a step has no derivative");
    assert_eq!(format!("{x:?}"), "Var { value: 2.0, place: Some(0) }");
}

#[test]
#[should_panic(expected = "a variable of one tape was used with another")]
fn variables_of_two_tapes_do_not_mix() {
    let (tape, other) = (Tape::new(), Tape::new());
    let _ = tape.var(1.0) + other.var(2.0);
}

#[test]
#[should_panic(expected = "a variable of one tape was used with another")]
fn a_tape_sweeps_its_own_variables() {
    let (tape, other) = (Tape::new(), Tape::new());
    tape.gradient(other.var(2.0), &[]);
}

#[test]
#[should_panic(expected = "a variable of one tape was used with another")]
fn a_sweep_knows_the_variables_of_its_tape() {
    let (tape, other) = (Tape::new(), Tape::new());
    tape.gradient(tape.var(2.0), &[other.var(1.0)]);
}

/// The logistic map: derivatives by the recurrence, in plain numbers, as the reference.
fn logistic<S: Scalar>(r: S, steps: usize) -> S {
    (0..steps).fold(S::from(0.3), |x, _| r * x * (-x + 1.0))
}

#[test]
fn long_programs_use_no_stack_and_little_memory() {
    const STEPS: usize = 250_000; // four operations each
    let r = 2.7;
    let (mut x, mut slope) = (0.3, 0.0);
    for _ in 0..STEPS {
        (x, slope) = (
            r * x * (1.0 - x),
            x * (1.0 - x) + r * (1.0 - 2.0 * x) * slope,
        );
    }
    let mut tape = Tape::new();
    for _ in 0..2 {
        let v = tape.var(r);
        let y = logistic(v, STEPS);
        assert_eq!(y.value(), x);
        assert!((tape.gradient(y, &[v])[0] - slope).abs() < 1e-12);
        assert!(tape.len() <= 4 * STEPS + 1, "one entry an operation");
        tape.clear();
    }
    assert!((logistic(Dual::variable(r), STEPS).partials[0] - slope).abs() < 1e-12);
    drop(tape);
}

/// Newton's iteration takes as many turns as the value needs.
fn root<S: Scalar>(a: S) -> S {
    let mut x = a;
    while (x * x - a).abs() > 1e-13 {
        x = (x + a / x) * 0.5;
    }
    x
}

#[test]
fn branches_follow_values() {
    assert!((root(Dual::variable(4.0)).partials[0] - 0.25).abs() < 1e-12);
    let tape = Tape::new();
    let a = tape.var(4.0);
    assert!((tape.gradient(root(a), &[a])[0] - 0.25).abs() < 1e-12);
    assert!(a > 3.0 && a == 4.0 && a < tape.var(5.0) && a == Var::constant(4.0));
    assert!(
        Dual::seeded(1.0, 0) == Dual::<f64, 2>::constant(1.0),
        "by value"
    );
}

#[test]
fn nan_compares_as_nan_and_poisons_no_other_lane() {
    let x = Dual::<f64, 2>::seeded(f64::NAN, 0);
    let (less, not_less) = (x < 1.0, x >= 1.0);
    assert!(x.partial_cmp(&x).is_none() && x != x && !less && !not_less);
    let taken = if x > 0.0 { x } else { Dual::seeded(2.0, 1) };
    assert_eq!(taken.partials, [0.0, 1.0]);
    // A branch not taken adds nothing, though its slope is infinite.
    let zero = Dual::<f64, 2>::seeded(0.0, 0);
    let weighted = zero.sqrt().mul0(Dual::constant(0.0)) + Dual::seeded(3.0, 1);
    assert_eq!(weighted.partials, [0.0, 1.0]);
    let pole = zero.sqrt() + Dual::seeded(3.0, 1);
    assert_eq!(pole.partials, [f64::INFINITY, 1.0]);
}
