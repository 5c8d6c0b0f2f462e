//! A sine and a cosine of the same numbers in one group: computed at once, with the bits of each.

use super::*;
use crate::ops::build;
use crate::plan::{BlockCode, Group};

/// How many sines and cosines a plan computes together.
pub fn pairs(plan: &Plan) -> usize {
    let of = |group: &Group| {
        let both = group.code.iter().filter(|i| i.code == BlockCode::SinCos);
        both.count()
    };
    let steps = plan.steps().iter().map(|step| match step {
        Step::Group(group) => of(group),
        Step::Strips(strips) => (strips.steps.iter())
            .map(|step| match step {
                StripStep::Group(group) => of(group),
                _ => 0,
            })
            .sum(),
        _ => 0,
    });
    steps.sum()
}

/// Numbers of all kinds, in no order.
fn angles(n: usize) -> Vec<f64> {
    let special = [
        0.0,
        -0.0,
        5e-324,
        -1e-300,
        1e-9,
        1e8,
        -1e9,
        1e300,
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    (0..n)
        .map(|i| match i % 29 {
            k if k < special.len() && i / 29 % 3 == 1 => special[k],
            _ => (i as f64 * 0.618_033_988_749_895).fract() * 20.0 - 10.0,
        })
        .collect()
}

/// The arrays that the inputs of a graph need.
fn inputs(g: &Graph) -> Vec<Array> {
    let array = |&id: &NodeId| {
        let values = angles(g.size(id));
        match g.dtype(id) {
            DType::F32 => {
                let values: Vec<f32> = values.iter().map(|&x| x as f32).collect();
                Array::from_slice(g.shape(id), &values)
            }
            _ => Array::from_slice(g.shape(id), &values),
        }
    };
    g.inputs().iter().map(array).collect()
}

/// One input of some shape, to what a function makes of it; `expected` pairs among that. With and
/// without machine code the results are those of single operations.
fn assert_pairs(
    shape: &[usize],
    dtype: DType,
    expected: usize,
    body: impl Fn(&mut Graph, NodeId) -> Vec<NodeId>,
) {
    let mut g = Graph::new();
    let x = g.input(dtype, shape, false);
    g.outputs = body(&mut g, x);
    let (plan, inputs) = (Plan::new(&g).unwrap(), inputs(&g));
    let printed = crate::ir::print(&g);
    assert_eq!(pairs(&plan), expected, "{printed}");
    let want: Vec<Vec<u64>> = reference(&g, &inputs).unwrap().iter().map(bits).collect();
    for _ in 0..8 {
        let got: Vec<Vec<u64>> = plan.evaluate(&inputs).unwrap().iter().map(bits).collect();
        assert_eq!(got, want, "{printed}");
    }
}

/// Lengths around those of vectors, strides and blocks.
const LENGTHS: [usize; 9] = [9, 15, 16, 17, 37, 127, 129, 1025, 2900];

/// The same for vectors of all these lengths and both dtypes.
fn assert_vectors(expected: usize, body: impl Fn(&mut Graph, NodeId) -> Vec<NodeId>) {
    for n in LENGTHS {
        for dtype in [DType::F64, DType::F32] {
            assert_pairs(&[n], dtype, expected, &body);
        }
    }
}

fn both(g: &mut Graph, x: NodeId) -> [NodeId; 2] {
    [Fun::Sin, Fun::Cos].map(|fun| build::map(g, fun, &[x]))
}

#[test]
fn either_alone_stays_alone() {
    for fun in [Fun::Sin, Fun::Cos] {
        assert_vectors(0, |g, x| vec![build::map(g, fun, &[x])]);
    }
}

#[test]
fn both_are_outputs() {
    assert_vectors(1, |g, x| both(g, x).to_vec());
    assert_vectors(1, |g, x| {
        let cosine = build::map(g, Fun::Cos, &[x]);
        vec![build::map(g, Fun::Sin, &[x]), cosine]
    });
}

#[test]
fn one_is_an_output_and_the_other_a_block() {
    for kept in 0..2 {
        assert_vectors(1, |g, x| {
            let turned = both(g, x);
            vec![build::map(g, Fun::Mul, &turned), turned[kept]]
        });
    }
}

/// The angle is a block that ends with the pair, and others take its place.
#[test]
fn blocks_are_used_again_after_a_pair() {
    assert_vectors(3, |g, x| {
        let mut x = build::map(g, Fun::Square, &[x]);
        for _ in 0..3 {
            let [sine, cosine] = both(g, x);
            let product = build::map(g, Fun::Mul, &[sine, cosine]);
            let square = build::map(g, Fun::Square, &[cosine]);
            let root = build::map(g, Fun::Exp, &[square]);
            x = build::map(g, Fun::Add, &[product, root]);
        }
        vec![x]
    });
}

/// As in reverse mode: all sines come first, and the cosines in the opposite order.
#[test]
fn the_second_may_come_much_later() {
    assert_vectors(6, |g, x| {
        let mut angles = vec![build::map(g, Fun::Neg, &[x])];
        for k in 0..6 {
            let sine = build::map(g, Fun::Sin, &[angles[k]]);
            angles.push(sine);
        }
        let mut slope = angles.pop().expect("the last sine");
        while let Some(angle) = angles.pop() {
            let cosine = build::map(g, Fun::Cos, &[angle]);
            slope = build::map(g, Fun::Mul0, &[cosine, slope]);
        }
        vec![slope]
    });
}

#[test]
fn the_angle_may_be_needed_after_both() {
    assert_vectors(1, |g, x| {
        let angle = build::map(g, Fun::Neg, &[x]);
        let [sine, cosine] = both(g, angle);
        let sum = build::map(g, Fun::Add, &[sine, angle]);
        vec![build::map(g, Fun::Mul, &[sum, cosine]), angle]
    });
}

/// Names of the same values: of two sines and two cosines, one of each are computed together.
#[test]
fn the_same_numbers_may_have_several_names() {
    assert_vectors(1, |g, x| {
        let names = [x, g.opaque(x)];
        let sines = names.map(|x| build::map(g, Fun::Sin, &[x]));
        let cosines = names.map(|x| build::map(g, Fun::Cos, &[x]));
        [sines, cosines].concat()
    });
}

#[test]
fn angles_need_not_lie_side_by_side() {
    for (rows, columns) in [(3, 40), (50, 26)] {
        for dtype in [DType::F64, DType::F32] {
            assert_pairs(&[rows, columns], dtype, 1, |g, x| {
                let turned = build::move_axis(g, x, 1, 0);
                both(g, turned).to_vec()
            });
            assert_pairs(&[rows, columns], dtype, 2, |g, x| {
                let row = build::item(g, x, 1, 1);
                let wide = build::broadcast(g, row, &[rows, columns]);
                let [sine, cosine] = both(g, wide);
                let [other, another] = both(g, x);
                let sums = [[sine, another], [other, cosine]];
                sums.map(|pair| build::map(g, Fun::Add, &pair)).to_vec()
            });
        }
    }
}

/// The element is repeated for the pair, and what it was repeated in is free after it.
#[test]
fn one_angle_may_be_repeated() {
    assert_vectors(1, |g, x| {
        let first = build::item(g, x, 1, 1);
        let shape = g.dims(x);
        let repeated = build::broadcast(g, first, &shape);
        let [sine, cosine] = both(g, repeated);
        let sum = build::map(g, Fun::Add, &[sine, x]);
        let square = build::map(g, Fun::Square, &[sum]);
        vec![build::map(g, Fun::Mul, &[square, cosine])]
    });
}
