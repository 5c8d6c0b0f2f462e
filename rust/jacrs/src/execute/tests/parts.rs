//! Arrays that are put together out of stretches of others: made in place, with the bits of single
//! operations.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{check, text, vector};
use crate::array::{Array, DType};
use crate::ir::{Graph, NodeId};
use crate::ops::{Fun, build};
use crate::optimize::by_parts;

/// Lengths of the arrays: of two of them, so that most fit to others.
const LENGTHS: [usize; 2] = [23, 22];

type Choices = [(u8, u16, u16, u8)];

/// A program of stretches and elementwise operations, decided by a list of choices.
fn program(choices: &Choices) -> Graph {
    let mut g = Graph::new();
    let mut values: Vec<NodeId> = LENGTHS.map(|n| g.input(DType::F64, &[n], true)).into();
    let one = build::item(&mut g, values[0], 3, 1);
    for n in LENGTHS {
        values.push(build::constant(&mut g, DType::F64, &[n], 0.0));
        values.push(build::broadcast(&mut g, one, &[n]));
    }
    let matrix = build::broadcast(&mut g, values[0], &[2, LENGTHS[0]]);
    values.push(build::sum(&mut g, matrix, &[0])); // made by a kernel
    for &(kind, a, b, at) in choices {
        let pick = |k: u16| values[k as usize % values.len()];
        let (x, z) = (pick(a), pick(b));
        let new = step(&mut g, kind, x, z, at.into());
        values.extend(new.filter(|&id| g.size(id) > 0));
    }
    let last = values.len() - 1;
    let sum = build::sum(&mut g, values[last], &[0]);
    g.outputs = vec![
        values[last],
        sum,
        values[last / 2],
        values[last - 1],
        values[last],
    ];
    g
}

fn step(g: &mut Graph, kind: u8, x: NodeId, z: NodeId, at: usize) -> Option<NodeId> {
    let (n, m) = (g.size(x), g.size(z));
    let middle = at % n;
    Some(match kind % 8 {
        // Operations on equal lengths, if need be on the ends of what is longer.
        0..=2 => {
            let k = n.min(m);
            let x = build::slice_axis(g, x, 0, n - k, n);
            let z = build::slice_axis(g, z, 0, m - k, m);
            let fun = [Fun::Add, Fun::Mul, Fun::Maximum][usize::from(kind % 8)];
            build::map(g, fun, &[x, z])
        }
        3 => build::map(g, Fun::Sin, &[x]),
        4 => build::slice_axis(g, x, 0, middle, n),
        5 => {
            let before = build::slice_axis(g, z, 0, 0, at % m);
            let most = LENGTHS[at % 2].checked_sub(at % m).filter(|&k| k <= n)?;
            let x = build::slice_axis(g, x, 0, 0, most);
            let parts: Vec<NodeId> = [before, x].into_iter().filter(|&x| g.size(x) > 0).collect();
            build::concat(g, &parts, 0)
        }
        6 => {
            let stop = n.min(middle + m);
            let z = build::slice_axis(g, z, 0, 0, stop - middle);
            build::assign(g, x, &[middle as i64, 1], z)
        }
        _ => {
            let stop = n.min(middle + m);
            let z = build::slice_axis(g, z, 0, 0, stop - middle);
            let declared = g.type_of(x);
            let list = g.intern_list(&[middle as i64, 1]);
            let op = crate::ir::Op::AddAt(list);
            build::emit_typed(g, op, &declared, &[x, z]).unwrap()
        }
    })
}

fn inputs() -> Vec<Array> {
    let numbers = |n: usize| {
        (0..n)
            .map(|k| 0.3 + (k as f64 * 1.7).sin())
            .collect::<Vec<_>>()
    };
    LENGTHS.map(|n| Array::from_slice(&[n], &numbers(n))).into()
}

fn any_choices() -> impl Strategy<Value = Vec<(u8, u16, u16, u8)>> {
    prop::collection::vec(
        (any::<u8>(), any::<u16>(), any::<u16>(), any::<u8>()),
        4..60,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn parts_are_made_where_they_belong(choices in any_choices()) {
        check(&program(&choices), &inputs());
    }
}

/// The test above is about something.
#[test]
fn many_random_programs_are_taken_apart() {
    let mut runner = TestRunner::deterministic();
    let mut apart = 0;
    for _ in 0..100 {
        let choices = any_choices().new_tree(&mut runner).unwrap().current();
        let g = program(&choices);
        apart += usize::from(by_parts(&g, &g.outputs).is_some());
    }
    assert!(apart > 50, "{apart}");
}

#[test]
fn a_step_of_a_stencil_is_one_group() {
    let (plan, y) = text(
        "%0 = input : float64[1000]
         %1 = slice(%0, [0 1]) : float64[998]
         %2 = slice(%0, [2 1]) : float64[998]
         %3 = add(%1, %2) : float64[998]
         %4 = item(%0, [0 1]) : float64[]
         %5 = reshape(%4) : float64[1]
         %6 = concat(%5, %3, %5, [0]) : float64[1000]
         %7 = const(0.5) : float64[1000]
         %8 = mul(%7, %6) : float64[1000]
         %9 = add(%8, %0) : float64[1000]
         return %9",
        &[vector(1000)],
    );
    let summary = plan.summary();
    assert_eq!(
        (summary.groups, summary.kernels, summary.copies),
        (1, 0, 0),
        "{plan}"
    );
    assert_eq!(y[0].shape(), [1000]);
}

/// Bools have no sum that would be taken apart.
#[test]
fn bools_that_are_added_stay_whole() {
    let (_, y) = text(
        "%0 = input : float64[40]
         %1 = const(0.5) : float64[40]
         %2 = less(%0, %1) : bool[40]
         %3 = slice(%2, [0 1]) : bool[38]
         %4 = add_at(%2, %3, [1 1]) : bool[40]
         return %4",
        &[vector(40)],
    );
    assert_eq!(y[0].shape(), [40]);
}
