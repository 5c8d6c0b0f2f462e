//! NumPy's indexing rules, one at a time, with the shapes and errors that NumPy gives.

use super::*;
use crate::ops::Fun;
use crate::trace::{Access, Demand, Weak};

fn at(r: &mut Recording, h: &mut Handle, index: &[Index]) -> (Vec<usize>, Vec<f64>) {
    let part = r.view(h, index).unwrap();
    (r.shape(part).to_vec(), contents(r, part))
}

fn fails(index: impl Fn(&mut Recording) -> Vec<Index>, shape: &[usize]) -> String {
    let (mut r, mut y) = start(shape);
    let index = index(&mut r);
    message(r.view(&mut y, &index))
}

#[test]
fn integers_and_slices() {
    let (mut r, mut y) = start(&[3, 4]);
    assert_eq!(
        at(&mut r, &mut y, &[Index::At(1), Index::At(-1)]),
        (vec![], vec![7.0])
    );
    assert_eq!(
        at(&mut r, &mut y, &[Index::At(-1)]),
        (vec![4], vec![8.0, 9.0, 10.0, 11.0])
    );
    let reversed = [Index::from(1..), slice(None, None, -2)];
    assert_eq!(
        at(&mut r, &mut y, &reversed),
        (vec![2, 2], vec![7.0, 5.0, 11.0, 9.0])
    );
    let odd = [
        Index::Ellipsis,
        Index::NewAxis,
        slice(Some(-3), Some(100), 2),
    ];
    assert_eq!(
        at(&mut r, &mut y, &odd),
        (vec![3, 1, 2], vec![1.0, 3.0, 5.0, 7.0, 9.0, 11.0])
    );
    assert_eq!(
        at(&mut r, &mut y, &[slice(Some(2), Some(2), 1)]).0,
        vec![0, 4]
    );
    assert_eq!(
        at(&mut r, &mut y, &[slice(Some(-100), None, i64::MAX)]).0,
        vec![1, 4]
    );
    assert_eq!(
        at(&mut r, &mut y, &[slice(None, None, i64::MIN)]).1,
        vec![8.0, 9.0, 10.0, 11.0]
    );
    let empty = r.view(&mut y, &[]).unwrap();
    assert!(r.same_memory(empty, y));
}

#[test]
fn errors_of_integers_and_slices() {
    assert_eq!(
        fails(|_| vec![Index::At(3)], &[3]),
        "index 3 is out of bounds for axis 0 with size 3"
    );
    let low = |_: &mut Recording| vec![Index::At(0), Index::At(-5)];
    assert_eq!(
        fails(low, &[3, 4]),
        "index -5 is out of bounds for axis 1 with size 4"
    );
    let many = |_: &mut Recording| vec![Index::At(0); 3];
    assert_eq!(
        fails(many, &[3, 4]),
        "too many indices for array: array is 2-dimensional, but 3 were indexed"
    );
    let two = |_: &mut Recording| vec![Index::Ellipsis; 2];
    assert_eq!(
        fails(two, &[3]),
        "an index can only have a single ellipsis ('...')"
    );
    assert_eq!(
        fails(|_| vec![slice(None, None, 0)], &[3]),
        "slice step cannot be zero"
    );
    let (mut r, y) = start(&[2]);
    let node = r.node(y);
    let scalar = r.item(node, 0);
    let mut scalar = r.fresh(scalar);
    assert_eq!(
        message(r.view(&mut scalar, &[Index::At(0)])),
        "invalid index to scalar variable."
    );
    let one = number(&mut r, 1.0);
    let text = message(r.assign(&mut scalar, &[], one));
    assert_eq!(
        text,
        "'numpy.float64' object does not support item assignment"
    );
}

#[test]
fn zero_dimensional_arrays() {
    let mut r = Recording::new();
    let mut y = r.filled(DType::F64, &[], 2.0);
    assert!(matches!(r.view(&mut y, &[]).unwrap(), Handle::Value(_)));
    let view = r.view(&mut y, &[Index::Ellipsis]).unwrap();
    let seven = number(&mut r, 7.0);
    r.assign(&mut y, &[], seven).unwrap();
    assert_eq!(contents(&mut r, view), [7.0]);
    assert_eq!(
        message(r.view(&mut y, &[Index::At(0)])),
        "too many indices for array: array is 0-dimensional, but 1 were indexed"
    );
}

#[test]
fn integer_arrays() {
    let (mut r, mut y) = start(&[3, 4]);
    let rows = integers(&mut r, &[2], &[2, -3]);
    assert_eq!(
        at(&mut r, &mut y, &[rows]).1,
        [8.0, 9.0, 10.0, 11.0, 0.0, 1.0, 2.0, 3.0]
    );
    let square = integers(&mut r, &[2, 2], &[0, 1, 2, 0]);
    assert_eq!(at(&mut r, &mut y, &[square]).0, [2, 2, 4]);
    assert_eq!(at(&mut r, &mut y, &[Index::ALL, square]).0, [3, 2, 2]);
    // Several arrays are broadcast together.
    let column = integers(&mut r, &[2, 1], &[0, 2]);
    let across = integers(&mut r, &[3], &[3, 0, 1]);
    assert_eq!(
        at(&mut r, &mut y, &[column, across]),
        (vec![2, 3], vec![3.0, 0.0, 1.0, 11.0, 8.0, 9.0])
    );
    let none = integers(&mut r, &[0], &[]);
    assert_eq!(at(&mut r, &mut y, &[Index::ALL, none]).0, [3, 0]);
}

#[test]
fn arrays_apart_go_first() {
    let (mut r, mut y) = start(&[3, 4, 5]);
    let i = integers(&mut r, &[2], &[1, 2]);
    let shape = |r: &mut Recording, y: &mut Handle, index: &[Index]| at(r, y, index).0;
    assert_eq!(
        shape(&mut r, &mut y, &[Index::At(0), Index::ALL, i]),
        [2, 4]
    );
    assert_eq!(
        shape(&mut r, &mut y, &[Index::At(0), Index::Ellipsis, i]),
        [2, 4]
    );
    assert_eq!(
        shape(&mut r, &mut y, &[Index::ALL, Index::At(0), i]),
        [3, 2]
    );
    assert_eq!(shape(&mut r, &mut y, &[i, Index::NewAxis, i]), [2, 1, 5]);
    assert_eq!(shape(&mut r, &mut y, &[i, Index::ALL, i]), [2, 4]);
    assert_eq!(shape(&mut r, &mut y, &[Index::ALL, i, i]), [3, 2]);
    assert_eq!(
        shape(&mut r, &mut y, &[Index::NewAxis, i, Index::NewAxis]),
        [1, 2, 1, 4, 5]
    );
    // y[0, :, i] has the axis of i in front, and so has what is written there.
    let values = r.captured(Array::from_slice(&[2, 1], &[-1.0, -2.0]), Access::Writable);
    let values = r.node(values);
    r.assign(&mut y, &[Index::At(0), Index::ALL, i], values)
        .unwrap();
    let row = at(&mut r, &mut y, &[Index::At(0), Index::At(3)]).1;
    assert_eq!(row, [15.0, -1.0, -2.0, 18.0, 19.0]);
}

#[test]
fn computed_indices() {
    let (mut r, mut y) = start(&[3, 4]);
    let data = r.argument(Array::from_slice(&[2], &[-1i64, 1]), false);
    let node = r.node(data);
    let rows = Index::Array(node);
    assert_eq!(
        at(&mut r, &mut y, &[rows, rows]),
        (vec![2], vec![11.0, 5.0])
    );
    assert!(r.demands().contains(&Demand::Bounds(node, 3)));
    assert!(r.demands().contains(&Demand::Bounds(node, 4)));
    assert!(!r.demands().contains(&Demand::Value(node)));
    let (mut r, mut y) = start(&[3]);
    let data = r.argument(Array::from_slice(&[2], &[0i64, 5]), false);
    let index = [Index::Array(r.node(data))];
    assert_eq!(
        message(r.view(&mut y, &index)),
        "index 5 is out of bounds for axis 0 with size 3"
    );
    let value = number(&mut r, 1.0);
    assert_eq!(
        message(r.assign(&mut y, &index, value)),
        "index 5 is out of bounds for axis 0 with size 3"
    );
}

#[test]
fn computed_integers() {
    let (mut r, mut y) = start(&[3, 4]);
    let data = r.argument(Array::scalar(-1i64), false);
    let node = r.node(data);
    // One element: nothing need be known but the bounds. A row is a view, whose place is part of the structure.
    assert_eq!(
        at(&mut r, &mut y, &[Index::Array(node), Index::At(1)]),
        (vec![], vec![9.0])
    );
    assert!(!r.demands().contains(&Demand::Value(node)));
    let mut row = r.view(&mut y, &[Index::Array(node)]).unwrap();
    assert!(r.demands().contains(&Demand::Value(node)));
    let ten = number(&mut r, 10.0);
    r.assign(&mut row, &[Index::At(0)], ten).unwrap();
    assert_eq!(at(&mut r, &mut y, &[Index::At(2), Index::At(0)]).1, [10.0]);
}

#[test]
fn a_zero_dimensional_array_copies_where_an_integer_gives_a_view() {
    let (mut r, mut y) = start(&[2, 3]);
    let one = r.captured(Array::scalar(1i64), Access::Writable);
    let one = r.node(one);
    let row = r.view(&mut y, &[Index::Array(one)]).unwrap();
    assert!(r.same_memory(row, y));
    let row = r.view(&mut y, &[Index::Point(one)]).unwrap();
    assert!(!r.same_memory(row, y));
    assert_eq!(contents(&mut r, row), [3.0, 4.0, 5.0]);
}

#[test]
fn masks() {
    let (mut r, mut y) = start(&[2, 3]);
    let some = mask(&mut r, &[2, 3], &[true, false, false, false, true, true]);
    assert_eq!(at(&mut r, &mut y, &[some]), (vec![3], vec![0.0, 4.0, 5.0]));
    let rows = mask(&mut r, &[2], &[false, true]);
    assert_eq!(
        at(&mut r, &mut y, &[rows, Index::from(1..)]),
        (vec![1, 2], vec![4.0, 5.0])
    );
    let columns = mask(&mut r, &[3], &[true, false, true]);
    assert_eq!(
        at(&mut r, &mut y, &[Index::ALL, columns]),
        (vec![2, 2], vec![0.0, 2.0, 3.0, 5.0])
    );
    let single = mask(&mut r, &[], &[true]);
    assert_eq!(at(&mut r, &mut y, &[single]).0, [1, 2, 3]);
    assert_eq!(at(&mut r, &mut y, &[Index::ALL, single]).0, [2, 1, 3]);
    let never = mask(&mut r, &[], &[false]);
    assert_eq!(at(&mut r, &mut y, &[never]).0, [0, 2, 3]);
}

#[test]
fn masks_that_depend_on_values() {
    let (mut r, mut y) = start(&[2, 3]);
    let node = r.node(y);
    let two = number(&mut r, 2.0);
    let large = r.map(Fun::Greater, &[(node, Weak::None), (two, Weak::Float)]);
    let large = large.unwrap();
    // A scalar is put there by a selection: the count stays unknown.
    let zero = number(&mut r, 0.0);
    r.assign(&mut y, &[Index::Mask(large)], zero).unwrap();
    assert!(r.demands().is_empty());
    assert_eq!(contents(&mut r, y), [0.0, 1.0, 2.0, 0.0, 0.0, 0.0]);
    let part = r.view(&mut y, &[Index::Mask(large)]).unwrap();
    assert_eq!(r.shape(part), [3]);
    assert!(r.demands().contains(&Demand::Count(large)));
    assert!(!r.demands().contains(&Demand::Value(large)));
    let values = r.captured(Array::from_slice(&[3], &[7.0, 8.0, 9.0]), Access::Writable);
    let values = r.node(values);
    r.assign(&mut y, &[Index::Mask(large)], values).unwrap();
    assert_eq!(contents(&mut r, y), [0.0, 1.0, 2.0, 7.0, 8.0, 9.0]);
}

#[test]
fn a_mask_after_an_integer_and_a_slice() {
    let (mut r, mut y) = start(&[2, 2, 3]);
    let some = mask(&mut r, &[3], &[true, false, true]);
    // The result of y[0, :, some] is (2 picked, 2): a value of shape (2,) runs along the slice.
    let values = r.captured(Array::from_slice(&[2], &[-1.0, -2.0]), Access::Writable);
    let values = r.node(values);
    r.assign(&mut y, &[Index::At(0), Index::ALL, some], values)
        .unwrap();
    assert_eq!(contents(&mut r, y)[..6], [-1.0, 1.0, -1.0, -2.0, 4.0, -2.0]);
}

#[test]
fn errors_of_arrays() {
    let far = |r: &mut Recording| vec![Index::ALL, integers(r, &[1], &[9])];
    assert_eq!(
        fails(far, &[3, 4]),
        "index 9 is out of bounds for axis 1 with size 4"
    );
    let apart = |r: &mut Recording| vec![integers(r, &[2], &[0, 1]), integers(r, &[3], &[0, 1, 2])];
    assert_eq!(
        fails(apart, &[3, 4]),
        "shape mismatch: indexing arrays could not be broadcast together with shapes (2,) (3,) "
    );
    let listed =
        |r: &mut Recording| vec![mask(r, &[2, 2], &[true; 4]), integers(r, &[3], &[9, 9, 9])];
    assert_eq!(
        fails(listed, &[2, 2, 4]),
        "shape mismatch: indexing arrays could not be broadcast together with shapes (4,) (4,) (3,) "
    );
    let short = |r: &mut Recording| vec![mask(r, &[2, 4], &[true; 8])];
    assert_eq!(
        fails(short, &[3, 4]),
        "boolean index did not match indexed array along axis 0; size of axis is 3 but size of corresponding boolean axis is 2"
    );
    let deep = |r: &mut Recording| vec![mask(r, &[3, 4, 1], &[true; 12])];
    assert_eq!(
        fails(deep, &[3, 4]),
        "too many indices for array: array is 2-dimensional, but 3 were indexed"
    );
    let float = |r: &mut Recording| {
        let h = r.filled(DType::F64, &[2], 0.0);
        vec![Index::Array(r.node(h))]
    };
    assert_eq!(
        fails(float, &[3]),
        "arrays used as indices must be of integer (or boolean) type"
    );
}

#[test]
fn errors_of_values() {
    let (mut r, mut y) = start(&[3, 4]);
    let three = r.filled(DType::F64, &[3], 0.0);
    let three = r.node(three);
    let fails =
        |r: &mut Recording, y: &mut Handle, index: &[Index]| message(r.assign(y, index, three));
    assert_eq!(
        fails(&mut r, &mut y, &[Index::ALL]),
        "could not broadcast input array from shape (3,) into shape (3,4)"
    );
    assert_eq!(
        fails(&mut r, &mut y, &[Index::At(0), Index::At(0)]),
        "setting an array element with a sequence."
    );
    let rows = integers(&mut r, &[2], &[0, 1]);
    assert_eq!(
        fails(&mut r, &mut y, &[rows]),
        "shape mismatch: value array of shape (3,) could not be broadcast to indexing result of shape (2,4)"
    );
    let all = mask(&mut r, &[3, 4], &[true; 12]);
    assert_eq!(
        fails(&mut r, &mut y, &[all]),
        "NumPy boolean array indexing assignment cannot assign 3 input values to the 12 output values where the mask is true"
    );
    let two = mask(&mut r, &[4], &[true, true, false, false]);
    assert_eq!(
        fails(&mut r, &mut y, &[Index::ALL, two]),
        "shape mismatch: value array of shape (3,) could not be broadcast to indexing result of shape (3,2)"
    );
}

#[test]
fn leading_axes_of_a_value_are_dropped() {
    let (mut r, mut y) = start(&[2, 3]);
    let value = r.filled(DType::F64, &[1, 1, 3], 0.5);
    let value = r.node(value);
    r.assign(&mut y, &[Index::At(0)], value).unwrap();
    assert_eq!(contents(&mut r, y), [0.5, 0.5, 0.5, 3.0, 4.0, 5.0]);
}

#[test]
fn add_at_adds_repeated_indices() {
    let (mut r, mut y) = start(&[3]);
    let i = integers(&mut r, &[4], &[0, 0, 2, -1]);
    let one = number(&mut r, 1.0);
    r.add_at(&mut y, &[i], one).unwrap();
    assert_eq!(contents(&mut r, y), [2.0, 1.0, 4.0]);
    r.add_at(&mut y, &[Index::from(1..)], one).unwrap();
    r.add_at(&mut y, &[Index::At(1)], one).unwrap();
    assert_eq!(contents(&mut r, y), [2.0, 3.0, 5.0]);
    // Assignment does not add up, and casts where addition refuses to.
    let mut k = r.filled(DType::I64, &[3], 0.0);
    let half = number(&mut r, 1.5);
    assert!(message(r.add_at(&mut k, &[i], half)).starts_with("Cannot cast ufunc 'add' output"));
    r.assign(&mut k, &[i], half).unwrap();
    assert_eq!(contents(&mut r, k), [1.0, 0.0, 1.0]);
}

#[test]
fn the_last_of_repeated_indices_wins() {
    let (mut r, mut y) = start(&[3]);
    let i = integers(&mut r, &[3], &[1, 1, 0]);
    let values = r.captured(Array::from_slice(&[3], &[5.0, 6.0, 7.0]), Access::Writable);
    let values = r.node(values);
    r.assign(&mut y, &[i], values).unwrap();
    assert_eq!(contents(&mut r, y), [7.0, 6.0, 2.0]);
}
