//! Both sides have the same functions.

use jacrs::ir::{Graph, Op};
use jacrs::ops::elementwise::{Class, ROWS};
use jacrs::ops::{Fun, build};
use jacrs::scalar::NAMES;

use crate::engine::{Derivatives, WAYS, derivatives};
use crate::scalars::{Slot, evaluate, ways};

/// A row that is new in the engine's table fails here until it has a row in
/// `src/scalar/table.rs` (a test or a comparison: a line in `evaluate`).
#[test]
fn every_row_of_the_engine_has_a_scalar_function() {
    for row in ROWS {
        let operands: Vec<Slot<f64>> = (0..row.arity)
            .map(|k| match row.class {
                Class::Logic => Slot::Flag(true),
                Class::Select if k == 0 => Slot::Flag(true),
                _ => Slot::Number(0.5),
            })
            .collect();
        let excused = matches!(row.class, Class::Bits | Class::Cast);
        let result = evaluate(row.fun, &operands);
        assert_eq!(result.is_err(), excused, "{}: {result:?}", row.name);
    }
}

#[test]
fn every_scalar_function_has_a_row_in_the_engine() {
    for &(name, arity) in NAMES {
        let fun = Fun::from_name(name).unwrap_or_else(|| panic!("the engine has no {name}"));
        assert_eq!(fun.arity(), arity, "{name}");
        assert!(matches!(fun.class(), Class::Float | Class::Arith), "{name}");
    }
    let differentiable = ROWS
        .iter()
        .filter(|row| matches!(row.class, Class::Float | Class::Arith));
    assert_eq!(NAMES.len(), differentiable.count());
}

const SPECIAL: [f64; 17] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    -2.0,
    0.5,
    -0.5,
    3.0,
    2.5,
    1e-3,
    40.0,
    -40.0,
    1e200,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

fn single(fun: Fun) -> Graph {
    let mut g = Graph::new();
    let xs: Vec<_> = (0..3)
        .map(|_| g.input(jacrs::array::DType::F64, &[], true))
        .collect();
    let y = build::emit(&mut g, Op::Map(fun), &xs[..fun.arity()]).unwrap();
    g.outputs = vec![y];
    g
}

/// At kinks and poles too, wherever there is a value.
#[test]
fn single_functions_agree_at_special_points() {
    let mut wrong = vec![];
    for row in ROWS
        .iter()
        .filter(|row| matches!(row.class, Class::Float | Class::Arith))
    {
        let g = single(row.fun);
        for x in SPECIAL {
            for z in if row.arity == 1 {
                &SPECIAL[..1]
            } else {
                &SPECIAL
            } {
                let x = [x, *z, 1.0];
                let wanted = derivatives(&g, &x, WAYS[0]);
                for (way, _, got) in ways(&g, &x) {
                    if let Some(order) = difference(&got, &wanted) {
                        wrong.push(format!(
                            "{order} of {} at {x:?} by {way}: {got:?}, not {wanted:?}",
                            row.name
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The order at which two sides differ.
fn difference(got: &Derivatives, wanted: &Derivatives) -> Option<&'static str> {
    if got.values[0].is_nan() && wanted.values[0].is_nan() {
        return None;
    }
    let second: Vec<f64> = got.second.iter().flatten().flatten().copied().collect();
    if got.values != wanted.values {
        Some("the value")
    } else if !all_same(&got.first[0], &wanted.first[0]) {
        Some("the slope")
    } else if !second.is_empty() && !all_same(&second, &wanted.second[0].concat()) {
        Some("the second derivative")
    } else {
        None
    }
}

fn all_same(a: &[f64], b: &[f64]) -> bool {
    let finite = a.iter().filter(|x| x.is_finite());
    let scale = finite.fold(1.0, |scale: f64, x| scale.max(x.abs()));
    (a.iter().zip(b))
        .all(|(a, b)| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-13 * scale)
}
