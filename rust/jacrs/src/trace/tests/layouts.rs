//! Views or copies, and the order of axes in memory. The expected strides are NumPy's.

use super::*;
use crate::ops::Fun;
use crate::trace::{Access, Weak};

fn doubled(r: &mut Recording, operands: &[Handle]) -> Handle {
    let mut nodes = vec![];
    for &h in operands {
        nodes.push((r.node(h), Weak::None));
    }
    let first = nodes[0];
    let y = nodes[1..].iter().fold(first.0, |y, &z| {
        r.map(Fun::Add, &[(y, Weak::None), z]).unwrap()
    });
    let y = r.map(Fun::Add, &[(y, Weak::None), first]).unwrap();
    r.fresh_like(y, operands)
}

#[test]
fn results_keep_the_order_of_their_operands() {
    let (mut r, mut y) = start(&[2, 3, 4]);
    let mut turned = r.transpose(&mut y, &[2, 0, 1]).unwrap();
    let same = doubled(&mut r, &[turned]);
    assert_eq!(r.strides(same).as_slice(), [1, 12, 4]);
    let reversed = r.view(&mut turned, &[slice(None, None, -1)]).unwrap();
    let same = doubled(&mut r, &[reversed]);
    assert_eq!(r.strides(same).as_slice(), [1, 12, 4]);
    // Where operands disagree, C order wins.
    let plain = r.copy(turned);
    let mixed = doubled(&mut r, &[turned, plain]);
    assert_eq!(r.strides(mixed).as_slice(), [6, 3, 1]);
    // A repeated operand has no say in the axes it repeats.
    let mut row = r.view(&mut turned, &[Index::At(0), Index::At(0)]).unwrap();
    let wide = r.broadcast_to(&mut row, &[4, 2, 3]).unwrap();
    let mixed = doubled(&mut r, &[wide, turned]);
    assert_eq!(r.strides(mixed).as_slice(), [1, 12, 4]);
    let (kept, packed) = (r.copy_keep(turned), r.copy(turned));
    assert_eq!(r.strides(kept).as_slice(), [1, 12, 4]);
    assert_eq!(r.strides(packed).as_slice(), [6, 3, 1]);
    assert_eq!(contents(&mut r, kept), contents(&mut r, packed));
}

#[test]
fn a_result_in_fortran_order_is_written_through_its_views() {
    let (mut r, mut y) = start(&[2, 3]);
    let turned = r.transpose(&mut y, &[1, 0]).unwrap();
    let mut z = doubled(&mut r, &[turned]);
    assert_eq!(r.strides(z).as_slice(), [1, 3]);
    let mut back = r.transpose(&mut z, &[1, 0]).unwrap();
    let mut flat = r.reshape(&mut back, &[6]).unwrap();
    assert!(r.same_memory(flat, z));
    let minus = number(&mut r, -1.0);
    r.assign(&mut flat, &[slice(None, None, 4)], minus).unwrap();
    assert_eq!(contents(&mut r, z), [-1.0, 6.0, 2.0, -1.0, 4.0, 10.0]);
    let copy = r.reshape(&mut z, &[6]).unwrap();
    assert!(!r.same_memory(copy, z));
}

#[test]
fn reshape_is_a_view_where_numpy_gives_one() {
    let (mut r, mut y) = start(&[4, 6]);
    let view = |r: &mut Recording, h: &mut Handle, shape: &[usize]| {
        let new = r.reshape(h, shape).unwrap();
        r.same_memory(new, *h)
    };
    assert!(view(&mut r, &mut y, &[24]));
    let mut even = r.view(&mut y, &[slice(None, None, 2)]).unwrap();
    assert!(view(&mut r, &mut even, &[2, 3, 2]));
    assert!(!view(&mut r, &mut even, &[12]));
    let mut column = r.view(&mut y, &[Index::ALL, Index::At(1)]).unwrap();
    assert!(view(&mut r, &mut column, &[2, 1, 2]));
    // Ravel copies what is not in C order, even where a reshape is a view.
    let raveled = r.ravel(&mut column).unwrap();
    assert!(!r.same_memory(raveled, y));
    let raveled = r.ravel(&mut y).unwrap();
    assert!(r.same_memory(raveled, y));
    assert_eq!(
        message(r.reshape(&mut y, &[5])),
        "cannot reshape array of size 24 into shape (5,)"
    );
    assert_eq!(
        message(r.transpose(&mut y, &[0, 0])),
        "repeated axis in transpose"
    );
    assert_eq!(message(r.transpose(&mut y, &[0])), "axes don't match array");
}

#[test]
fn windows_that_are_no_box_are_gathered() {
    // Every second of the flat elements, seen as a table: no slice of any shape of the memory.
    let (mut r, mut y) = start(&[14]);
    let mut odd = r.view(&mut y, &[slice(Some(1), Some(13), 2)]).unwrap();
    let mut table = r.reshape(&mut odd, &[2, 3]).unwrap();
    assert!(r.same_memory(table, y));
    assert_eq!(contents(&mut r, table), [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]);
    let mut turned = r.transpose(&mut table, &[1, 0]).unwrap();
    let mut part = r.view(&mut turned, &[Index::from(1..)]).unwrap();
    let zero = number(&mut r, 0.0);
    r.assign(&mut part, &[Index::ALL], zero).unwrap();
    let wanted = [
        0.0, 1.0, 2.0, 0.0, 4.0, 0.0, 6.0, 7.0, 8.0, 0.0, 10.0, 0.0, 12.0, 13.0,
    ];
    assert_eq!(contents(&mut r, y), wanted);
}

#[test]
fn an_unknown_order_is_read_but_not_written_through() {
    let (mut r, mut y) = start(&[3, 4]);
    let columns = integers(&mut r, &[2], &[0, 2]);
    let mut part = r.view(&mut y, &[Index::ALL, columns]).unwrap();
    let mut flat = r.reshape(&mut part, &[6]).unwrap();
    assert_eq!(contents(&mut r, flat), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
    let one = number(&mut r, 1.0);
    for h in [&mut flat, &mut part] {
        let text = message(r.assign(h, &[Index::At(0)], one));
        assert!(text.contains(".copy()"), "{text}");
    }
    // A copy is in C order. What was not reshaped can be written to, and a sum of it is as unknown.
    let mut part = r.view(&mut y, &[Index::ALL, columns]).unwrap();
    r.assign(&mut part, &[Index::At(0)], one).unwrap();
    let mut copy = r.copy(part);
    let mut flat = r.reshape(&mut copy, &[6]).unwrap();
    r.assign(&mut flat, &[Index::At(5)], one).unwrap();
    assert_eq!(contents(&mut r, copy), [1.0, 1.0, 4.0, 6.0, 8.0, 1.0]);
    let mut sum = doubled(&mut r, &[part]);
    let mut flat = r.ravel(&mut sum).unwrap();
    assert!(r.assign(&mut flat, &[Index::At(0)], one).is_err());
    // Rows picked from an array in C order are in C order.
    let mut rows = r.view(&mut y, &[columns]).unwrap();
    let mut flat = r.reshape(&mut rows, &[8]).unwrap();
    r.assign(&mut flat, &[Index::At(0)], one).unwrap();
    assert_eq!(contents(&mut r, rows)[..2], [1.0, 1.0]);
}

#[test]
fn foreign_memory_keeps_its_order() {
    let mut r = Recording::new();
    let data = Array::from_slice(&[6], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let table = crate::array::Layout::contiguous(&[2, 3]);
    let fortran = data.relaid(0, table.transpose(&[1, 0]));
    let mut x = r.captured(fortran, Access::Writable);
    assert_eq!(r.strides(x).as_slice(), [1, 3]);
    assert_eq!(contents(&mut r, x), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    let mut back = r.transpose(&mut x, &[1, 0]).unwrap();
    let mut flat = r.reshape(&mut back, &[6]).unwrap();
    let nine = number(&mut r, 9.0);
    r.assign(&mut flat, &[Index::At(1)], nine).unwrap();
    assert_eq!(contents(&mut r, x), [0.0, 3.0, 9.0, 4.0, 2.0, 5.0]);
}
