//! Lanes: what is asked of one lane is computed in all, once, and kept apart by level.

use super::*;
use crate::ir::{NodeId, Op};
use crate::ops::{Fun, build};
use crate::plan::Plan;
use crate::trace::{Demand, Need, Weak};

const WEAK: Weak = Weak::None;

/// A recording with one lane of `0, 1, 2, ...` of this shape along its last axis.
fn lanes(shape: &[usize]) -> (Recording, NodeId) {
    let (mut r, y) = start(shape);
    let (axis, width) = (shape.len() - 1, shape[shape.len() - 1]);
    let lane = r.open_lanes(width, &[(y, axis)]).unwrap()[0];
    let lane = r.node(lane);
    (r, lane)
}

fn map(r: &mut Recording, fun: Fun, operands: &[NodeId]) -> NodeId {
    let operands: Vec<_> = operands.iter().map(|&x| (x, WEAK)).collect();
    r.map(fun, &operands).unwrap()
}

#[test]
fn many_questions_in_a_loop_are_linear() {
    const TURNS: usize = 100_000;
    let (mut r, x) = lanes(&[4]);
    let (mut y, bound) = (x, number(&mut r, 9.0));
    for _ in 0..TURNS {
        y = map(&mut r, Fun::Cos, &[y]);
        let less = map(&mut r, Fun::Less, &[y, bound]);
        assert!(r.value_for(less, Need::Branch).unwrap().to_vec::<bool>()[0]);
    }
    // Each node and its lanes, and the bound in lanes.
    assert!(r.graph.len() <= 4 * TURNS + 20);
}

#[test]
fn lanes_agree_or_say_how_many_do_not() {
    let (mut r, x) = lanes(&[5]);
    let two = number(&mut r, 2.0);
    let less = map(&mut r, Fun::Less, &[x, two]);
    let text = message(r.value_for(less, Need::Branch));
    assert!(text.contains("true in 2 of 5"), "{text}");
    assert!(message(r.value(x)).contains("in 4 of 5"));
    let same = build::zeros_like(&mut r.graph, x);
    let same = map(&mut r, Fun::Mul, &[x, same]);
    assert_eq!(r.value(same).unwrap().to_vec::<f64>(), [0.0]);
    let shown = r.shown_lanes(x).unwrap().unwrap();
    assert_eq!(shown.to_vec::<f64>(), [0.0, 1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn levels_close_in_order_and_their_nodes_with_them() {
    let (mut r, y) = start(&[2, 3]);
    let outer = r.open_lanes(2, &[(y, 0)]).unwrap()[0];
    let inner = r.open_lanes(3, &[(outer, 0)]).unwrap()[0];
    let (row, item) = (r.node(outer), r.node(inner));
    let product = map(&mut r, Fun::Mul, &[item, row]);
    let stacked = r
        .stack_lanes(&[(product, Some(1)), (row, None), (item, None)])
        .unwrap();
    assert_eq!(stacked[1..], [Some(row), None]);
    let rows = stacked[0].unwrap();
    assert_eq!(r.graph.shape(rows), [3, 3]);
    r.close_lanes(1);
    assert!(r.check_lane(product).is_err());
    assert!(message(r.value(item)).contains("a vmap that has ended"));
    assert!(r.check_lane(rows).is_ok());
    let whole = r.stack_lanes(&[(rows, Some(0))]).unwrap()[0].unwrap();
    r.close_lanes(0);
    assert!(r.check_lane(row).is_err());
    let expected: Vec<f64> = [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
        .iter()
        .flat_map(|row| row.iter().flat_map(|a| row.iter().map(move |b| a * b)))
        .collect();
    assert_eq!(r.value(whole).unwrap().to_vec::<f64>(), expected);
}

#[test]
fn what_was_asked_is_kept_for_all_lanes() {
    let (mut r, mut table) = start(&[6]);
    let places = r.captured(
        Array::from_slice(&[3], &[0i64, -1, 5]),
        crate::trace::Access::Writable,
    );
    let place = r.open_lanes(3, &[(places, 0)]).unwrap()[0];
    let (all, one) = (r.node(places), r.node(place));
    let item = r.view(&mut table, &[Index::Array(one)]).unwrap();
    assert_eq!(r.demands(), [Demand::Bounds(all, 6)]);
    let item = r.node(item);
    let items = r.stack_lanes(&[(item, Some(0))]).unwrap()[0].unwrap();
    assert_eq!(r.value(items).unwrap().to_vec::<f64>(), [0.0, 5.0, 5.0]);
}

#[test]
fn a_view_that_moves_follows_its_source_and_is_followed() {
    let (mut r, mut y) = start(&[3, 2]);
    let places = r.captured(
        Array::from_slice(&[2], &[2i64, 0]),
        crate::trace::Access::Writable,
    );
    let place = r.open_lanes(2, &[(places, 0)]).unwrap()[0];
    let place = r.node(place);
    let mut row = r.view(&mut y, &[Index::Array(place)]).unwrap();
    let (ten, eight) = (number(&mut r, 10.0), number(&mut r, 8.0));
    r.assign(&mut y, &[Index::At(0)], ten).unwrap();
    r.assign(&mut row, &[Index::At(1)], eight).unwrap();
    let (row, y) = (r.node(row), r.node(y));
    let both = r.stack_lanes(&[(row, Some(0)), (y, Some(0))]).unwrap();
    let values = |r: &mut Recording, node: Option<NodeId>| {
        let array = r.value(node.unwrap()).unwrap();
        array.to_vec::<f64>()
    };
    assert_eq!(values(&mut r, both[0]), [4.0, 8.0, 10.0, 8.0]);
    let expected = [
        10.0, 10.0, 2.0, 3.0, 4.0, 8.0, 10.0, 8.0, 2.0, 3.0, 4.0, 5.0,
    ];
    assert_eq!(values(&mut r, both[1]), expected);
}

#[test]
fn a_placeholder_is_never_computed_with() {
    let (mut r, x) = lanes(&[3]);
    let y = map(&mut r, Fun::Sin, &[x]);
    assert!(matches!(r.graph.op(x), Op::Placeholder(_)));
    r.graph.outputs = vec![y];
    let run = Plan::new(&r.graph).and_then(|plan| {
        let inputs = r.inputs();
        let views: Vec<_> = inputs.iter().map(|a| a.view().clone()).collect();
        let (_kept, out) = Array::uninit(DType::F64, &[]);
        plan.run(&views, &[out], &|| Ok(()))
    });
    assert_eq!(message(run), "placeholder has no kernel");
}
