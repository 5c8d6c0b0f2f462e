//! Functions of choices are choices between functions, bit for bit: the optimised graph against the
//! graph, node by node.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{bits, node_by_node};
use crate::array::{Array, DType};
use crate::ir::{Graph, NodeId, Op, parse, print};
use crate::ops::elementwise::{Class, ROWS};
use crate::ops::{Fun, build};
use crate::optimize::optimize;

const N: usize = 5;
const SPECIAL: [f64; 9] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.5,
    -1e300,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

type Choices = [(u8, u16, u16, u16)];

/// Choices between constants and repeated numbers, and functions of them.
fn program(choices: &Choices) -> Graph {
    let mut g = Graph::new();
    let x = g.input(DType::F64, &[N], true);
    let one = g.input(DType::F64, &[], true);
    let mut values = vec![x, build::broadcast(&mut g, one, &[N])];
    values.extend(SPECIAL.map(|c| build::constant(&mut g, DType::F64, &[N], c)));
    let zero = build::zeros_like(&mut g, x);
    let mut masks = vec![build::map(&mut g, Fun::Less, &[x, zero])];
    for &(row, a, b, c) in choices {
        let pick = |from: &[NodeId], k: u16| from[usize::from(k) % from.len()];
        let [a, b] = [a, b].map(|k| pick(&values, k));
        if row % 3 == 0 {
            let mask = pick(&masks, c);
            values.push(build::select(&mut g, mask, a, b));
            continue;
        }
        let row = &ROWS[usize::from(row) * usize::from(c | 1) % ROWS.len()];
        // Guarded products are equal but for the sign of a zero.
        if row.fun == Fun::Mul0 {
            continue;
        }
        let operands = [a, b];
        let made = match row.class {
            Class::Float | Class::Arith if row.arity <= 2 => &mut values,
            Class::Compare | Class::Test => &mut masks,
            _ => continue,
        };
        let shape = g.shape_id(x);
        let dtype = match row.class {
            Class::Compare | Class::Test => DType::Bool,
            _ => DType::F64,
        };
        // As it is recorded: nothing is simplified yet.
        made.push(g.push(Op::Map(row.fun), dtype, shape, &operands[..row.arity]));
    }
    g.outputs = values.iter().rev().take(4).copied().collect();
    g
}

fn inputs() -> Vec<Array> {
    let x = [-1.5, 0.25, f64::NAN, f64::NEG_INFINITY, -0.0];
    vec![Array::from_slice(&[N], &x), Array::from_slice(&[], &[0.75])]
}

fn any_choices() -> impl Strategy<Value = Vec<(u8, u16, u16, u16)>> {
    let choice = (any::<u8>(), any::<u16>(), any::<u16>(), any::<u16>());
    prop::collection::vec(choice, 3..40)
}

fn choices_in(g: &Graph) -> usize {
    g.ids()
        .filter(|&id| g.op(id) == Op::Map(Fun::Where))
        .count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn functions_of_choices_keep_their_bits(choices in any_choices()) {
        let g = program(&choices);
        let optimised = optimize(&g);
        let want = node_by_node(&g, &inputs(), false).unwrap();
        let got = node_by_node(&optimised, &inputs(), false).unwrap();
        for (a, b) in got.iter().zip(&want) {
            prop_assert_eq!(bits(a), bits(b), "{}became\n{}", print(&g), print(&optimised));
        }
    }
}

/// The rule that the test above is about applies in many of its programs.
#[test]
fn functions_move_into_choices() {
    let mut runner = TestRunner::deterministic();
    let mut moved = 0;
    for _ in 0..200 {
        let g = program(&any_choices().new_tree(&mut runner).unwrap().current());
        let optimised = optimize(&g);
        // A choice is the last step of more outputs than before.
        let last = |g: &Graph| {
            let chosen = |y: &&NodeId| g.op(**y) == Op::Map(Fun::Where);
            g.outputs.iter().filter(chosen).count()
        };
        moved += usize::from(choices_in(&optimised) > 0 && last(&optimised) > last(&g));
    }
    assert!(moved > 20, "{moved}");
}

#[test]
fn a_negated_term_is_subtracted() {
    let g = parse(
        "%0 = input : float64[9]
         %1 = input : float64[9]
         %2 = neg(%0) : float64[9]
         %3 = add(%2, %1) : float64[9]
         return %3",
    )
    .unwrap();
    let optimised = optimize(&g);
    assert!(
        print(&optimised).contains("%2 = sub(%1, %0)"),
        "{}",
        print(&optimised)
    );
    for shift in 0..SPECIAL.len() {
        let turned = |k: usize| SPECIAL[(k + shift) % SPECIAL.len()];
        let turned: Vec<f64> = (0..SPECIAL.len()).map(turned).collect();
        let inputs = [SPECIAL.to_vec(), turned].map(|x| Array::from_slice(&[9], &x));
        let [got, want] = [&optimised, &g].map(|g| node_by_node(g, &inputs, false).unwrap());
        assert_eq!(bits(&got[0]), bits(&want[0]));
    }
}
