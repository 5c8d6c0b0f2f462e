//! Costs that must not grow with the size of what was recorded before.

use super::*;
use crate::ir::NodeId;
use crate::ops::Fun;
use crate::trace::Weak;

fn chain(r: &mut Recording, steps: usize) -> NodeId {
    let x = r.argument(Array::scalar(0.5), true);
    let x = r.node(x);
    (0..steps).fold(x, |y, k| {
        let fun = if k % 2 == 0 { Fun::Sin } else { Fun::Cos };
        r.map(fun, &[(y, Weak::None)]).unwrap()
    })
}

#[test]
fn a_million_scalar_operations() {
    let mut r = Recording::new();
    let y = chain(&mut r, 1_000_000);
    // The location is part of the node; the table of nodes takes at most 9 bytes for each.
    assert!(r.graph.bytes() <= 64 * r.graph.len());
    assert!(r.value(y).unwrap().to_vec::<f64>()[0].is_finite());
}

#[test]
fn many_questions_in_a_loop() {
    let mut r = Recording::new();
    let x = r.argument(Array::scalar(1.0), true);
    let mut y = r.node(x);
    let two = number(&mut r, 3.0);
    for _ in 0..100_000 {
        y = r.map(Fun::Sin, &[(y, Weak::None)]).unwrap();
        let less = r
            .map(Fun::Less, &[(y, Weak::None), (two, Weak::Float)])
            .unwrap();
        assert_eq!(r.scalar(less).unwrap(), crate::trace::Scalar::Bool(true));
    }
}

#[test]
fn many_scalar_writes() {
    const N: usize = 200_000;
    let mut r = Recording::new();
    let x = r.argument(Array::scalar(1.0), true);
    let x = r.node(x);
    let mut u = r.filled(DType::F64, &[N], 0.0);
    r.assign(&mut u, &[Index::At(0)], x).unwrap();
    for k in 1..N as i64 {
        let before = r.view(&mut u, &[Index::At(k - 1)]).unwrap();
        let before = r.node(before);
        let next = r.map(Fun::Cos, &[(before, Weak::None)]).unwrap();
        r.assign(&mut u, &[Index::At(k)], next).unwrap();
        if k % 100 == 50 {
            // A small part costs what it shows.
            let part = r.view(&mut u, &[Index::from(k - 2..k + 1)]).unwrap();
            r.node(part);
        }
    }
    let whole = r.node(u);
    assert_eq!(r.graph.operands(whole).len(), N);
    assert!(r.graph.len() < N + N / 50);
}

#[test]
fn rows_written_in_a_loop_are_one_node_each() {
    let (mut r, mut y) = start(&[500, 8]);
    let row = r.filled(DType::F64, &[8], 1.0);
    let row = r.node(row);
    let before = r.graph.len();
    for k in 0..500 {
        r.assign(&mut y, &[Index::At(k)], row).unwrap();
    }
    assert!(r.graph.len() - before <= 2 * 500);
}
