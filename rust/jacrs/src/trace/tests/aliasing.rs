//! Who sees a write, and who may write.

use super::*;
use crate::ir::Op;
use crate::ops::Fun;
use crate::trace::{Access, Weak};

fn put(r: &mut Recording, h: &mut Handle, index: &[Index], value: f64) {
    let value = number(r, value);
    r.assign(h, index, value).unwrap();
}

#[test]
fn views_of_views_see_writes() {
    let (mut r, mut y) = start(&[6]);
    let mut tail = r.view(&mut y, &[Index::from(1..)]).unwrap();
    let mut back = r.view(&mut tail, &[slice(None, None, -2)]).unwrap();
    let grid = r.reshape(&mut y, &[2, 3]).unwrap();
    put(&mut r, &mut back, &[Index::At(0)], -1.0);
    put(&mut r, &mut tail, &[Index::from(..2)], -2.0);
    assert_eq!(contents(&mut r, y), [0.0, -2.0, -2.0, 3.0, 4.0, -1.0]);
    assert_eq!(contents(&mut r, grid), [0.0, -2.0, -2.0, 3.0, 4.0, -1.0]);
    assert_eq!(contents(&mut r, back), [-1.0, 3.0, -2.0]);
}

#[test]
fn a_read_is_a_value() {
    let (mut r, mut y) = start(&[4]);
    let before = r.node(y);
    let mut head = r.view(&mut y, &[Index::from(..3)]).unwrap();
    let moved = r.node(head);
    let mut tail = r.view(&mut y, &[Index::from(1..)]).unwrap();
    r.assign(&mut tail, &[Index::Ellipsis], moved).unwrap();
    assert_eq!(contents(&mut r, y), [0.0, 0.0, 1.0, 2.0]);
    put(&mut r, &mut head, &[Index::At(0)], 9.0);
    assert_eq!(
        r.value(before).unwrap().to_vec::<f64>(),
        [0.0, 1.0, 2.0, 3.0]
    );
}

#[test]
fn transposed_rows_in_place() {
    let (mut r, mut y) = start(&[2, 3]);
    let mut turned = r.transpose(&mut y, &[1, 0]).unwrap();
    let mut part = r.view(&mut turned, &[Index::from(1..)]).unwrap();
    let (old, ten) = (r.node(part), number(&mut r, 10.0));
    let new = r
        .map(Fun::Add, &[(old, Weak::None), (ten, Weak::Float)])
        .unwrap();
    r.assign(&mut part, &[Index::Ellipsis], new).unwrap();
    assert_eq!(contents(&mut r, y), [0.0, 11.0, 12.0, 3.0, 14.0, 15.0]);
}

#[test]
fn copies_are_apart() {
    let (mut r, mut y) = start(&[3]);
    let copy = r.copy(y);
    put(&mut r, &mut y, &[Index::At(0)], 5.0);
    assert_eq!(contents(&mut r, copy), [0.0, 1.0, 2.0]);
    assert!(!r.same_memory(copy, y));
}

#[test]
fn a_promoted_value_is_shared_by_its_views() {
    let (mut r, y) = start(&[3]);
    let node = r.node(y);
    let mut value = r.fresh(node);
    let view = r.view(&mut value, &[Index::from(1..)]).unwrap();
    assert!(r.is_view(view) && !r.is_view(value) && r.same_memory(view, value));
    put(&mut r, &mut value, &[Index::At(2)], 8.0);
    assert_eq!(contents(&mut r, view), [1.0, 8.0]);
}

#[test]
fn a_broadcast_view_follows_and_cannot_be_written() {
    let (mut r, mut y) = start(&[3]);
    let mut wide = r.broadcast_to(&mut y, &[2, 3]).unwrap();
    put(&mut r, &mut y, &[Index::At(0)], 4.0);
    assert_eq!(contents(&mut r, wide), [4.0, 1.0, 2.0, 4.0, 1.0, 2.0]);
    let one = number(&mut r, 1.0);
    assert!(message(r.assign(&mut wide, &[Index::At(0)], one)).contains("broadcast_to"));
    assert_eq!(
        message(r.broadcast_to(&mut y, &[2, 4])),
        "operands could not be broadcast together with remapped shapes [original->remapped]: (3,)  and requested shape (2,4)"
    );
}

#[test]
fn diagonals() {
    let (mut r, mut y) = start(&[3, 4]);
    for (shift, wanted) in [
        (0, vec![0.0, 5.0, 10.0]),
        (2, vec![2.0, 7.0]),
        (-1, vec![4.0, 9.0]),
        (7, vec![]),
    ] {
        let part = r.diagonal(&mut y, shift, 0, 1).unwrap();
        assert_eq!(contents(&mut r, part), wanted);
    }
    let part = r.diagonal(&mut y, 0, 0, 1).unwrap();
    put(&mut r, &mut y, &[Index::At(1), Index::At(1)], -5.0);
    assert_eq!(contents(&mut r, part), [0.0, -5.0, 10.0]);
}

#[test]
fn arguments_are_read_only() {
    let mut r = Recording::new();
    let mut x = r.argument(Array::from_slice(&[2], &[1.0, 2.0]), true);
    let one = number(&mut r, 1.0);
    let error = r.assign(&mut x, &[Index::At(0)], one).unwrap_err();
    assert_eq!(error.kind, crate::error::Kind::Trace);
    assert!(error.message.contains(".copy()"));
    let mut part = r.view(&mut x, &[Index::from(..1)]).unwrap();
    assert!(r.assign(&mut part, &[Index::ALL], one).is_err());
    let mut outside = r.captured(
        Array::from_slice(&[1], &[1.0]),
        Access::ReadOnly("it was made outside"),
    );
    assert!(message(r.assign(&mut outside, &[Index::ALL], one)).contains("it was made outside"));
}

#[test]
fn opaque_names_are_apart_and_read_only() {
    let (mut r, y) = start(&[2]);
    let node = r.node(y);
    let (mut a, b) = (r.opaque(node), r.opaque(node));
    assert_ne!(r.node(a), r.node(b));
    assert_eq!(contents(&mut r, b), [0.0, 1.0]);
    let one = number(&mut r, 1.0);
    assert!(r.assign(&mut a, &[Index::At(0)], one).is_err());
}

#[test]
fn an_element_that_was_written_is_read_back_as_it_is() {
    let mut r = Recording::new();
    let mut x = r.argument(Array::from_slice(&[3], &[1.0, 2.0, 3.0]), true);
    let item = r.view(&mut x, &[Index::At(2)]).unwrap();
    let item = r.node(item);
    assert!(matches!(r.graph.op(item), Op::Item(_)));
    let mut j = r.filled(DType::F64, &[2, 2], 0.0);
    r.assign(&mut j, &[Index::At(0), Index::At(1)], item)
        .unwrap();
    let mut turned = r.transpose(&mut j, &[1, 0]).unwrap();
    let back = r.view(&mut turned, &[Index::At(1), Index::At(0)]).unwrap();
    assert_eq!(back, Handle::Value(item));
    // The whole is one pack, of what was written alone; reading it twice makes nothing new.
    let whole = r.node(j);
    assert!(matches!(r.graph.op(whole), Op::Pack(_)));
    assert_eq!(r.graph.operands(whole), [item]);
    let size = r.graph.len();
    assert_eq!(r.node(j), whole);
    assert_eq!(r.graph.len(), size);
    assert!(r.graph.node(whole).active);
}

#[test]
fn few_written_elements_are_a_slice_or_a_scatter() {
    let (mut r, mut y) = start(&[100]);
    for k in [10, 12, 14] {
        put(&mut r, &mut y, &[Index::At(k)], -1.0);
    }
    let node = r.node(y);
    assert!(matches!(r.graph.op(node), Op::Assign(_)));
    put(&mut r, &mut y, &[Index::At(90)], -2.0);
    for k in [1, 2] {
        put(&mut r, &mut y, &[Index::At(k)], -2.0);
    }
    // A small part is read without the whole.
    let part = r.view(&mut y, &[Index::from(1..4)]).unwrap();
    let part = r.node(part);
    assert!(matches!(r.graph.op(part), Op::Pack(_)));
    let node = r.node(y);
    assert_eq!(r.graph.op(node), Op::ScatterSet);
    let values = r.value(node).unwrap().to_vec::<f64>();
    assert_eq!(
        (values[1], values[12], values[13], values[90]),
        (-2.0, -1.0, 13.0, -2.0)
    );
}

#[test]
fn what_is_overwritten_leaves_no_trace() {
    let mut r = Recording::new();
    let x = r.argument(Array::from_slice(&[2, 2], &[1.0, 2.0, 3.0, 4.0]), true);
    let mut y = r.copy(x);
    let mut turned = r.transpose(&mut y, &[1, 0]).unwrap();
    put(&mut r, &mut turned, &[Index::At(0)], 2.0);
    let mut back = r.view(&mut turned, &[slice(None, None, -1)]).unwrap();
    put(&mut r, &mut back, &[Index::Ellipsis], 1.0);
    let node = r.node(y);
    assert!(!r.graph.node(node).active);
}

#[test]
fn writes_cast_to_the_dtype_of_the_array() {
    let mut r = Recording::new();
    let mut k = r.filled(DType::I64, &[2], 0.0);
    put(&mut r, &mut k, &[Index::At(0)], -1.75);
    assert_eq!(contents(&mut r, k), [-1.0, 0.0]);
    let mut b = r.filled(DType::Bool, &[2], 0.0);
    put(&mut r, &mut b, &[Index::from(1..)], 0.25);
    assert_eq!(contents(&mut r, b), [0.0, 1.0]);
}
