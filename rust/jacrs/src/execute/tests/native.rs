//! Machine code against the interpreter and the kernels: the same bits, whatever the program and its
//! inputs.

use proptest::prelude::*;

use super::{bits, reference};
use crate::array::{Array, DType};
use crate::ir::{Graph, NodeId};
use crate::ops::elementwise::{Class, ROWS, Row};
use crate::ops::{Fun, build};
use crate::plan::Plan;
use crate::plan::native::{Native, is_on};

const SPECIAL: [f64; 14] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    2.5,
    -3.5,
    1e308,
    -1e308,
    5e-324,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    4503599627370497.5,
];
const INPUTS: usize = 6;

/// What the compiler makes itself is chosen more often than what it leaves to the interpreter.
const INLINE: [Fun; 20] = [
    Fun::Add,
    Fun::Sub,
    Fun::Mul,
    Fun::Mul0,
    Fun::Div,
    Fun::Neg,
    Fun::Abs,
    Fun::Square,
    Fun::Reciprocal,
    Fun::Sqrt,
    Fun::Maximum,
    Fun::Minimum,
    Fun::Copysign,
    Fun::Floor,
    Fun::Ceil,
    Fun::Trunc,
    Fun::Rint,
    Fun::Less,
    Fun::IsNan,
    Fun::Where,
];

type Choices = [(u8, u16, u16)];

/// A program over numbers, decided by a list of choices: of a row, and of its operands.
fn program(choices: &Choices) -> Graph {
    let mut g = Graph::new();
    let x = g.input(DType::F64, &[INPUTS], true);
    let mut numbers: Vec<NodeId> = (0..INPUTS - 1)
        .map(|k| build::item(&mut g, x, k, 1))
        .collect();
    numbers.push(g.input(DType::F64, &[1], true));
    numbers = (numbers.iter())
        .map(|&x| build::reshape(&mut g, x, &[1]))
        .collect();
    let (numbers, bools) = operations(&mut g, numbers, choices);
    let items: Vec<NodeId> = numbers.iter().rev().step_by(3).copied().collect();
    let places: Vec<i64> = (0..items.len() as i64).map(|k| 2 * k).collect();
    let packed = build::pack(&mut g, &items, &places, &[2 * items.len(), 1]);
    let ends = [numbers[numbers.len() - 1], bools[bools.len() - 1], packed];
    g.outputs = ends.to_vec();
    g
}

/// A program over arrays of `n` elements: rows, columns, and single elements repeated.
fn group(choices: &Choices, n: usize) -> Graph {
    let mut g = Graph::new();
    let x = g.input(DType::F64, &[INPUTS, n], true);
    let z = g.input(DType::F64, &[n, 1 + n % 3], true);
    let mut numbers: Vec<NodeId> = (0..INPUTS - 2)
        .map(|k| build::item(&mut g, x, k, 1))
        .collect();
    let one = build::item(&mut g, numbers[0], n - 1, 1);
    let column = build::move_axis(&mut g, z, 1, 0);
    numbers.push(build::broadcast(&mut g, one, &[n]));
    numbers.push(build::item(&mut g, column, 0, 1));
    let (numbers, bools) = operations(&mut g, numbers, choices);
    let kept = numbers
        .iter()
        .rev()
        .step_by(5)
        .chain(bools.iter().rev().step_by(3));
    g.outputs = kept.copied().collect();
    g
}

/// The numbers and the bools that a list of choices makes of some numbers.
fn operations(
    g: &mut Graph,
    mut numbers: Vec<NodeId>,
    choices: &Choices,
) -> (Vec<NodeId>, Vec<NodeId>) {
    let mut bools = vec![build::map(g, Fun::Less, &[numbers[0], numbers[INPUTS - 1]])];
    let mut angles = vec![];
    for &(row, a, b) in choices {
        let fun = match usize::from(row) {
            k if k < 160 => INLINE[k % INLINE.len()],
            k if k < 180 => Fun::Sin,
            k => ROWS[k % ROWS.len()].fun,
        };
        let number = |k: u16| numbers[numbers.len() - 1 - usize::from(k) % numbers.len().min(40)];
        let truth = |k: u16| bools[usize::from(k) % bools.len()];
        let Row { arity, class, .. } = *fun.row();
        let operands = match class {
            Class::Cast => continue,
            Class::Logic | Class::Bits => [truth(a), truth(b), truth(a)],
            Class::Select => [truth(a), number(a), number(b)],
            _ => [number(a), number(b), number(a)],
        };
        let mut operands = operands;
        if matches!(fun, Fun::Mul0 | Fun::Copysign | Fun::Signbit) {
            // They see the sign of a NaN, which no operation promises.
            operands = operands.map(|x| without_nan(g, x));
        }
        let made = build::map(g, fun, &operands[..arity]);
        match g.dtype(made) {
            DType::Bool => bools.push(made),
            _ => numbers.push(made),
        }
        if fun == Fun::Sin {
            angles.push(operands[0]);
        }
        // At once, or after many others: the two are computed together.
        if b % 4 == 0
            && let Some(angle) = angles.pop()
        {
            numbers.push(build::map(g, Fun::Cos, &[angle]));
        }
    }
    (numbers, bools)
}

fn without_nan(g: &mut Graph, x: NodeId) -> NodeId {
    let is_nan = build::map(g, Fun::IsNan, &[x]);
    let instead = build::constant_like(g, x, f64::NEG_INFINITY);
    build::select(g, is_nan, instead, x)
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        1 => prop::sample::select(&SPECIAL[..]),
        2 => -3.0..3.0f64,
    ]
}

fn argument() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(number(), INPUTS + 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn code_has_the_bits_of_the_interpreter(
        choices in prop::collection::vec(any::<(u8, u16, u16)>(), 20..300),
        arguments in prop::collection::vec(argument(), 6),
    ) {
        let g = program(&choices);
        let plan = Plan::new(&g).unwrap();
        for argument in arguments {
            let (x, z) = argument.split_at(INPUTS);
            let inputs = [Array::from_slice(&[INPUTS], x), Array::from_slice(&[1], z)];
            let got = plan.evaluate(&inputs).unwrap();
            let want = reference(&g, &inputs).unwrap();
            for (a, b) in got.iter().zip(&want) {
                prop_assert_eq!(bits(a), bits(b));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn loops_have_the_bits_of_the_kernels(
        choices in prop::collection::vec(any::<(u8, u16, u16)>(), 4..200),
        n in prop_oneof![5..70usize, 900..1100usize],
        values in prop::collection::vec(number(), 97),
    ) {
        let g = group(&choices, n);
        let plan = Plan::new(&g).unwrap();
        for turn in 0..6 {
            let many = |count: usize, by: usize| -> Vec<f64> {
                (0..count).map(|k| values[(k * by + turn) % values.len()]).collect()
            };
            let columns = 1 + n % 3;
            let inputs = [
                Array::from_slice(&[INPUTS, n], &many(INPUTS * n, 5)),
                Array::from_slice(&[n, columns], &many(n * columns, 3)),
            ];
            let got = plan.evaluate(&inputs).unwrap();
            let want = reference(&g, &inputs).unwrap();
            for (a, b) in got.iter().zip(&want) {
                prop_assert_eq!(bits(a), bits(b));
            }
        }
    }
}

/// Six runs are enough, and the programs above are compiled for the most part.
#[test]
fn programs_that_run_often_are_compiled() {
    let choices: Vec<_> = (0..200u16)
        .map(|k| (k as u8 % 160, k * 7, k * 13))
        .collect();
    let plan = Plan::new(&program(&choices)).unwrap();
    let inputs = [
        Array::from_slice(&[INPUTS], &[0.3; INPUTS]),
        Array::from_slice(&[1], &[0.7]),
    ];
    for _ in 0..6 {
        plan.evaluate(&inputs).unwrap();
    }
    for exact in [false, true] {
        let made = plan.native(exact).map(Native::bytes);
        let expected = is_on() && exact == plan.is_exact();
        assert_eq!(made.is_some(), expected, "{plan}");
        assert!(
            made.is_none_or(|bytes| bytes < 200 * 24),
            "{made:?} bytes for {plan}"
        );
    }
}
