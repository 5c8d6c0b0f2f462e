//! Jacobians entry by entry against the same by seeds in lanes.

use proptest::prelude::*;

use super::*;
use crate::differentiate::{linearize, unrolled};
use crate::ir::{Graph, NodeId};
use crate::ops::elementwise::{Class, ROWS};
use crate::ops::{Fun, build};
use crate::optimize::optimize;

const ELEMENTS: usize = 5;
const RESULTS: usize = 4;

/// A function of the elements of one argument and of a number, decided by choices; its results are a
/// number, and an array that is packed of some of its numbers.
fn scalar_code(choices: &[(u8, u16, u16)]) -> Graph {
    let mut g = Graph::new();
    let x = g.input(DType::F64, &[ELEMENTS], true);
    let z = g.input(DType::F64, &[], true);
    let mut numbers: Vec<NodeId> = (0..ELEMENTS)
        .map(|k| build::item(&mut g, x, k, 1))
        .collect();
    numbers.push(z);
    let smooth: Vec<Fun> = (ROWS.iter())
        .filter(|row| matches!(row.class, Class::Arith | Class::Float) && row.fun != Fun::Mul0)
        .map(|row| row.fun)
        .collect();
    for &(row, a, b) in choices {
        let fun = smooth[usize::from(row) % smooth.len()];
        let number = |k: u16| numbers[numbers.len() - 1 - usize::from(k) % numbers.len().min(8)];
        let operands = [number(a), number(b)];
        numbers.push(build::map(&mut g, fun, &operands[..fun.arity()]));
    }
    let last = numbers[numbers.len() - 1];
    let items: Vec<NodeId> = numbers.iter().rev().take(RESULTS).copied().collect();
    let packed = build::pack(&mut g, &items, &[0, 1, 3, 5], &[3, 2]);
    g.outputs = vec![last, packed];
    g
}

/// All values and blocks.
fn everything(assembly: &Assembly, inputs: &[Array]) -> Vec<Vec<f64>> {
    let views: Vec<View> = inputs.iter().map(|x| x.view().clone()).collect();
    let shapes: [&[usize]; 6] = [&[], &[3, 2], &[ELEMENTS], &[], &[3, 2, ELEMENTS], &[3, 2]];
    let (arrays, outs): (Vec<_>, Vec<_>) =
        shapes.iter().map(|s| Array::uninit(DType::F64, s)).unzip();
    assembly
        .run(&views, &outs[..2], &outs[2..], &uninterrupted)
        .unwrap();
    arrays.iter().map(Array::to_vec).collect()
}

fn same(a: f64, b: f64) -> bool {
    // Where lanes add a zero nothing is added here, so zeros may differ in their signs.
    a == b || a.is_nan() && b.is_nan()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn entries_are_what_lanes_give(
        choices in prop::collection::vec(any::<(u8, u16, u16)>(), 4..40),
        x in prop::collection::vec(-2.0..2.0f64, ELEMENTS + 1),
    ) {
        let g = scalar_code(&choices);
        let inputs = [Array::from_slice(&[ELEMENTS], &x[1..]), Array::scalar(x[0])];
        for mode in [Mode::Forward, Mode::Reverse] {
            let entries = unrolled(&g, &g.outputs, &g.outputs, g.inputs(), mode).unwrap();
            let entries = Assembly::whole(&optimize(&entries), 2, vec![]).unwrap();
            prop_assert_eq!(entries.panels(), (0, 0));
            let split = linearize(&g, &g.outputs, &g.outputs, g.inputs(), mode, 4).unwrap();
            let (early, late) = (optimize(&split.early), optimize(&split.late));
            let lanes = Assembly::new(&early, &late, 2, mode, 4).unwrap();
            let (got, want) = (everything(&entries, &inputs), everything(&lanes, &inputs));
            for (a, b) in got.iter().flatten().zip(want.iter().flatten()) {
                prop_assert!(same(*a, *b), "{mode:?}: {a} {b} of\n{}", crate::ir::print(&g));
            }
        }
    }
}

fn offered(text: &str, mode: Mode) -> bool {
    let g = parse(text).unwrap();
    unrolled(&g, &g.outputs, &g.outputs, &g.inputs()[..1], mode).is_some()
}

#[test]
fn only_scalar_code_is_unrolled() {
    let scalar = "%0 = input! : float64[2]
        %1 = item(%0, [0 1]) : float64[]
        %2 = sin(%1) : float64[]
        return %2";
    let array = "%0 = input! : float64[2]
        %1 = sin(%0) : float64[2]
        %2 = square(%1) : float64[2]
        return %2";
    for mode in [Mode::Forward, Mode::Reverse] {
        assert!(offered(scalar, mode));
        assert!(!offered(&scalar.replace("64", "32"), mode));
        // Whatever the numbers come from that do not vary.
        let constant = "%0 = input! : float64[2]
            %1 = input : float64[20]
            %2 = item(%0, [0 1]) : float64[]
            %3 = item(%1, [7 1]) : float64[]
            %4 = mul(%2, %3) : float64[]
            return %4";
        assert!(offered(constant, mode));
        // Arrays of few elements are so many numbers.
        assert!(offered(array, mode));
        assert!(!offered(&array.replace("[2]", "[20]"), mode));
        // The argument as a whole is a result.
        assert!(!offered("%0 = input! : float64[2]\nreturn %0", mode));
    }
}

/// A long chain that all of many elements reach is cheaper in lanes, or backwards.
#[test]
fn dense_scalar_code_is_swept() {
    let n = 64;
    let mut g = Graph::new();
    let x = g.input(DType::F64, &[n], true);
    let mut y = build::item(&mut g, x, 0, 1);
    for k in 1..n {
        let item = build::item(&mut g, x, k, 1);
        y = build::mul(&mut g, y, item);
    }
    for _ in 0..4000 {
        y = build::map(&mut g, Fun::Sin, &[y]);
    }
    assert!(unrolled(&g, &[y], &[y], &[x], Mode::Forward).is_none());
    assert!(unrolled(&g, &[y], &[y], &[x], Mode::Reverse).is_some());
}
