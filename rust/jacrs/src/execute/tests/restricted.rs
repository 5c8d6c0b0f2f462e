//! Tiles computed alone against tiles of the whole.

use proptest::prelude::*;

use super::random::{inputs_for, random_graph};
use super::{bits, node_by_node};
use crate::array::{Array, DType, Dims};
use crate::differentiate::Wanted;
use crate::ir::{Graph, NodeId, Op, Reduction};
use crate::ops::Fun;
use crate::ops::elementwise::Class;
use crate::ops::tile::Tile;

/// A tile of this shape that the numbers decide; now and then all of it, or nothing.
fn tile_of(shape: &[usize], mut choice: usize) -> Tile {
    let mut tile = Tile::whole(shape);
    for (axis, &n) in shape.iter().enumerate() {
        let start = choice % (n + 1);
        let length = (choice / 7) % (n - start + 1);
        if !choice.is_multiple_of(5) {
            tile = tile.with(axis, start, start + length);
        }
        choice = choice / 3 + 1;
    }
    tile
}

/// The outputs' tiles from a graph that computes no more, node by node.
fn alone(g: &Graph, wanted: &[(NodeId, Tile)], inputs: &[Array], known: bool) -> Vec<Array> {
    let data = |x: NodeId| match g.op(x) {
        Op::Input(k) if known => Some(inputs[k as usize].clone()),
        _ => None,
    };
    let found = Wanted::by(g, wanted.iter().cloned(), |_| false, &data);
    let mut target = Graph::new();
    let mut given = vec![];
    let built = found.build(
        &mut target,
        |_| false,
        |t, x, tile| {
            let Op::Input(k) = g.op(x) else {
                unreachable!("the only leaves")
            };
            given.push(tile.part_of(&inputs[k as usize]));
            t.input(g.dtype(x), &tile.shape, false)
        },
    );
    let outputs = wanted
        .iter()
        .map(|(y, tile)| built.tile(&mut target, *y, tile));
    let outputs: Vec<NodeId> = outputs.collect();
    target.outputs = outputs;
    crate::ops::verify(&target).unwrap();
    node_by_node(&target, &given, true).unwrap()
}

/// Sums whose terms are added in an order that depends on the shape.
fn rounds(g: &Graph) -> bool {
    g.ids().any(|y| {
        g.dtype(y).is_float()
            && matches!(
                g.op(y),
                Op::MatMul(_) | Op::Reduce(Reduction::Sum | Reduction::Prod, _)
            )
    })
}

/// Operations that turn a difference in rounding into another result.
fn jumps(g: &Graph) -> bool {
    g.ids().any(|y| match g.op(y) {
        Op::Map(fun) => {
            matches!(fun.class(), Class::Compare | Class::Test | Class::Logic)
                || fun.row().flat
                || matches!(fun, Fun::Cast | Fun::Remainder)
        }
        Op::Argsort(_) | Op::ArgPick(..) | Op::Nonzero => true,
        _ => false,
    })
}

fn close(a: &Array, b: &Array) -> bool {
    let wide = |x: &Array| -> Option<Vec<f64>> {
        Some(match x.dtype() {
            DType::F64 => x.to_vec::<f64>(),
            DType::F32 => x.to_vec::<f32>().into_iter().map(f64::from).collect(),
            _ => return None,
        })
    };
    match (wide(a), wide(b)) {
        (Some(a), Some(b)) => a.iter().zip(&b).all(|(a, b)| {
            let sure = a.is_finite() && b.is_finite();
            !sure || (a - b).abs() <= 1e-3 * (1.0 + a.abs().max(b.abs()))
        }),
        _ => bits(a) == bits(b),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn tiles_are_those_of_the_whole(
        choices in prop::collection::vec(any::<u16>(), 4..120),
        places in prop::collection::vec(any::<usize>(), 8),
        known: bool,
    ) {
        let g = random_graph(&choices);
        let rounding = rounds(&g);
        prop_assume!(!(rounding && jumps(&g)));
        let inputs = inputs_for(&g, &choices);
        let wanted: Vec<(NodeId, Tile)> = g.outputs.iter().zip(&places)
            .map(|(&y, &choice)| (y, tile_of(g.shape(y), choice % 100_000)))
            .collect();
        let whole = node_by_node(&g, &inputs, true);
        prop_assume!(whole.is_ok()); // a factorisation may not converge
        let whole = whole.unwrap();
        let found = alone(&g, &wanted, &inputs, known);
        for ((whole, (_, tile)), found) in whole.iter().zip(&wanted).zip(&found) {
            let expected = tile.part_of(whole);
            let same = if rounding { close(&expected, found) } else { bits(&expected) == bits(found) };
            prop_assert!(same, "{tile:?}\n{}", crate::ir::print(&g));
        }
    }
}

/// A tile of shape `shape` at `start`.
fn tile(start: &[usize], shape: &[usize]) -> Tile {
    Tile {
        start: Dims::from_slice(start),
        shape: Dims::from_slice(shape),
    }
}

fn reads(text: &str, node: usize, wanted: Tile) -> Vec<(u32, Tile)> {
    let g = crate::ir::parse(text).unwrap();
    let y = g.outputs[0];
    let found = Wanted::by(&g, [(y, wanted)], |_| false, &|_| None);
    let x = g.ids().nth(node).unwrap();
    found.tiles_of(x).map(|t| (x.0, t.clone())).collect()
}

#[test]
fn distant_tiles_stay_apart_and_near_ones_join() {
    let text = "%0 = input : float64[1000]
        %1 = slice(%0, [999 -1]) : float64[1000]
        %2 = add(%1, %0) : float64[1000]
        return %2";
    let found = reads(text, 0, tile(&[0], &[2]));
    let mut starts: Vec<(usize, usize)> = found
        .iter()
        .map(|(_, t)| (t.start[0], t.shape[0]))
        .collect();
    starts.sort_unstable();
    assert_eq!(starts, [(0, 2), (998, 2)]);
    assert_eq!(
        reads(text, 0, tile(&[495], &[10])),
        [(0, tile(&[495], &[10]))]
    );
}

#[test]
fn a_row_of_a_product_reads_one_row() {
    let text = "%0 = input : float64[50,40]
        %1 = input : float64[40,30]
        %2 = matmul(%0, %1) : float64[50,30]
        return %2";
    assert_eq!(
        reads(text, 0, tile(&[7, 2], &[1, 3])),
        [(0, tile(&[7, 0], &[1, 40]))]
    );
    assert_eq!(
        reads(text, 1, tile(&[7, 2], &[1, 3])),
        [(1, tile(&[0, 2], &[40, 3]))]
    );
}

#[test]
fn a_reshape_passes_runs_on() {
    let text = "%0 = input : float64[4,6,5]
        %1 = reshape(%0) : float64[24,5]
        return %1";
    assert_eq!(
        reads(text, 0, tile(&[7, 1], &[2, 3])),
        [(0, tile(&[1, 1, 1], &[1, 2, 3]))]
    );
    assert_eq!(
        reads(text, 0, tile(&[4, 1], &[4, 3])),
        [(0, tile(&[0, 0, 1], &[2, 6, 3]))]
    );
}
