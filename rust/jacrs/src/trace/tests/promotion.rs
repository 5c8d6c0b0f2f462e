//! Dtypes and values of elementwise functions, as NumPy 2 gives them.

use super::*;
use crate::ir::{NodeId, Op};
use crate::ops::Fun;
use crate::trace::{Access, Scalar, Weak};

fn arrays() -> (Recording, [NodeId; 4]) {
    let mut r = Recording::new();
    let nodes = [
        Array::from_slice(&[2], &[true, false]),
        Array::from_slice(&[2], &[2i64, -3]),
        Array::from_slice(&[2], &[0.5f32, -1.5]),
        Array::from_slice(&[2], &[0.25, 4.0]),
    ];
    let nodes = nodes.map(|a| {
        let h = r.captured(a, Access::Writable);
        r.node(h)
    });
    (r, nodes)
}

fn pair(r: &mut Recording, fun: Fun, a: NodeId, b: NodeId) -> NodeId {
    r.map(fun, &[(a, Weak::None), (b, Weak::None)]).unwrap()
}

#[test]
fn arrays_promote() {
    let (mut r, [b, i, f, d]) = arrays();
    for (x, z, wanted) in [
        (b, i, DType::I64),
        (b, f, DType::F32),
        (i, f, DType::F64),
        (f, d, DType::F64),
        (i, d, DType::F64),
    ] {
        let y = pair(&mut r, Fun::Add, x, z);
        assert_eq!(r.graph.dtype(y), wanted);
        let less = pair(&mut r, Fun::Less, x, z);
        assert_eq!(r.graph.dtype(less), DType::Bool);
    }
    let y = pair(&mut r, Fun::Div, i, b);
    assert_eq!(r.graph.dtype(y), DType::F64);
    let y = r.map(Fun::Sin, &[(i, Weak::None)]).unwrap();
    assert_eq!(r.graph.dtype(y), DType::F64);
}

#[test]
fn python_numbers_are_weak() {
    let (mut r, [b, i, f, d]) = arrays();
    let (two, half) = (r.literal_i64(3), number(&mut r, 0.3));
    for (x, with_int, with_float) in [
        (b, DType::I64, DType::F64),
        (i, DType::I64, DType::F64),
        (f, DType::F32, DType::F32),
        (d, DType::F64, DType::F64),
    ] {
        let y = r
            .map(Fun::Mul, &[(two, Weak::Int), (x, Weak::None)])
            .unwrap();
        assert_eq!(r.graph.dtype(y), with_int);
        let y = r
            .map(Fun::Mul, &[(x, Weak::None), (half, Weak::Float)])
            .unwrap();
        assert_eq!(r.graph.dtype(y), with_float);
    }
    let y = r
        .map(Fun::Add, &[(two, Weak::Int), (half, Weak::Float)])
        .unwrap();
    assert_eq!(r.graph.dtype(y), DType::F64);
}

#[test]
fn truth_values() {
    let (mut r, [b, i, _, d]) = arrays();
    let sum = pair(&mut r, Fun::Add, b, b);
    assert_eq!(r.graph.op(sum), Op::Map(Fun::Or));
    let product = pair(&mut r, Fun::Mul, b, b);
    assert_eq!(r.graph.op(product), Op::Map(Fun::And));
    let text = message(r.map(Fun::Sub, &[(b, Weak::None), (b, Weak::None)]));
    assert!(text.starts_with("numpy boolean subtract, the `-` operator, is not supported"));
    assert!(message(r.map(Fun::Neg, &[(b, Weak::None)])).contains("`~` operator"));
    let both = pair(&mut r, Fun::And, i, d);
    assert_eq!(r.value(both).unwrap().to_vec::<bool>(), [true, true]);
    let text = message(r.map(Fun::BitAnd, &[(i, Weak::None), (d, Weak::None)]));
    assert!(
        text.contains("'bitwise_and'") || text.contains("''safe''"),
        "{text}"
    );
    let power = pair(&mut r, Fun::Power, b, b);
    assert_eq!(r.graph.dtype(power), DType::I64);
}

#[test]
fn integers() {
    let (mut r, [_, i, ..]) = arrays();
    assert_eq!(r.map(Fun::Floor, &[(i, Weak::None)]).unwrap(), i);
    let rounded = r.map(Fun::Rint, &[(i, Weak::None)]).unwrap();
    assert_eq!(r.graph.dtype(rounded), DType::F64);
    assert_eq!(
        message(r.map(Fun::Power, &[(i, Weak::None), (i, Weak::None)])),
        "Integers to negative integer powers are not allowed."
    );
    let whole = r.map(Fun::Reciprocal, &[(i, Weak::None)]).unwrap();
    assert_eq!(r.value(whole).unwrap().to_vec::<i64>(), [0, 0]);
    let nan = r.map(Fun::IsNan, &[(i, Weak::None)]).unwrap();
    assert_eq!(r.value(nan).unwrap().to_vec::<bool>(), [false, false]);
}

#[test]
fn powers_with_a_constant_exponent() {
    let (mut r, [_, i, f, d]) = arrays();
    let op = |r: &mut Recording, x, e, integer| {
        let y = r.pow_const(x, e, integer).unwrap();
        (r.graph.op(y), r.graph.dtype(y))
    };
    assert_eq!(op(&mut r, d, 2.0, true), (Op::Map(Fun::Square), DType::F64));
    assert_eq!(
        op(&mut r, f, 2.0, false),
        (Op::Map(Fun::Square), DType::F32)
    );
    assert_eq!(op(&mut r, i, 2.0, true), (Op::Map(Fun::Square), DType::I64));
    assert_eq!(op(&mut r, i, 0.5, false), (Op::Map(Fun::Sqrt), DType::F64));
    assert_eq!(
        op(&mut r, d, -1.0, true),
        (Op::Map(Fun::Reciprocal), DType::F64)
    );
    assert_eq!(op(&mut r, d, 3.0, true), (Op::Map(Fun::Power), DType::F64));
    assert_eq!(r.pow_const(d, 1.0, true).unwrap(), d);
    assert!(matches!(op(&mut r, d, 0.0, true).0, Op::Const(_)));
    assert!(message(r.pow_const(i, -1.0, true)).contains("negative integer powers"));
}

#[test]
fn selections_and_shapes() {
    let (mut r, [b, i, f, d]) = arrays();
    let y = r.select(b, (i, Weak::None), (f, Weak::None)).unwrap();
    assert_eq!(r.value(y).unwrap().to_vec::<f64>(), [2.0, -1.5]);
    let zero = r.literal_i64(0);
    let y = r.select(i, (zero, Weak::Int), (f, Weak::None)).unwrap();
    assert_eq!(r.graph.dtype(y), DType::F32);
    let column = crate::ops::build::reshape(&mut r.graph, d, &[2, 1]);
    let table = pair(&mut r, Fun::Sub, column, d);
    assert_eq!(
        r.value(table).unwrap().to_vec::<f64>(),
        [0.0, -3.75, 3.75, 0.0]
    );
    let three = r.filled(DType::F64, &[3], 0.0);
    let three = r.node(three);
    assert_eq!(
        message(r.map(Fun::Add, &[(d, Weak::None), (three, Weak::None)])),
        "operands could not be broadcast together with shapes (2,) (3,) "
    );
}

#[test]
fn literals_are_slots_of_their_own() {
    let mut r = Recording::new();
    let a = r.literal_f64(0.3, DType::F64, (1, 1));
    assert_eq!(r.literal_f64(0.3, DType::F64, (1, 1)), a);
    let b = r.literal_f64(0.3, DType::F64, (1, 2));
    assert_ne!(a, b);
    let two = r.literal_f64(2.0, DType::F64, (1, 3));
    assert!(matches!(r.graph.op(two), Op::Const(_)));
    let c = r.literal_f64(0.7, DType::F32, (9, 9));
    let inputs = r.inputs();
    assert_eq!(inputs.len(), 3);
    assert_eq!(
        (inputs[1].to_vec::<f64>(), inputs[2].to_vec::<f32>()),
        (vec![0.3], vec![0.7f32])
    );
    assert_eq!(r.scalar(a).unwrap(), Scalar::Float(0.3));
    assert_eq!(r.scalar(c).unwrap(), Scalar::Float(f64::from(0.7f32)));
    let yes = r.literal_bool(true);
    assert_eq!(r.scalar(yes).unwrap(), Scalar::Bool(true));
}

#[test]
fn products_of_matrices() {
    let (mut r, y) = start(&[2, 3]);
    let a = r.node(y);
    let at = crate::ops::build::swap_last(&mut r.graph, a);
    let shape = |r: &Recording, x: NodeId| r.graph.shape(x).to_vec();
    let gram = r.matmul(a, at).unwrap();
    assert_eq!(
        r.value(gram).unwrap().to_vec::<f64>(),
        [5.0, 14.0, 14.0, 50.0]
    );
    let v = r.item(a, 0);
    assert!(message(r.matmul(a, v)).contains("operand 1 does not have enough dimensions"));
    assert!(message(r.matmul(a, a)).ends_with("(size 2 is different from 3)"));
    assert_eq!(
        message(r.dot(a, a)),
        "shapes (2,3) and (2,3) not aligned: 3 (dim 1) != 2 (dim 0)"
    );
    let row = crate::ops::build::item(&mut r.graph, a, 1, 1);
    let inner = r.matmul(row, row).unwrap();
    assert_eq!(r.scalar(inner).unwrap(), Scalar::Float(50.0));
    let many = r.broadcast(a, &[4, 1, 2, 3]).unwrap();
    let others = r.broadcast(at, &[5, 3, 2]).unwrap();
    let product = r.matmul(many, others).unwrap();
    assert_eq!(shape(&r, product), [4, 5, 2, 2]);
    let product = r.matmul(many, row).unwrap();
    assert_eq!(shape(&r, product), [4, 1, 2]);
    let product = r.dot(many, others).unwrap();
    assert_eq!(shape(&r, product), [4, 1, 2, 5, 2]);
    let wrong = r.broadcast(at, &[3, 3, 2]).unwrap();
    let four = r.broadcast(a, &[4, 2, 3]).unwrap();
    assert_eq!(
        message(r.matmul(four, wrong)),
        "operands could not be broadcast together with remapped shapes [original->remapped]: (4,2,3)->(4,newaxis,newaxis) (3,3,2)->(3,newaxis,newaxis)  and requested shape (2,2)"
    );
}

#[test]
fn parts_side_by_side() {
    let (mut r, [_, i, f, d]) = arrays();
    let all = r.concatenate(&[i, f, d], -1).unwrap();
    assert_eq!(
        r.value(all).unwrap().to_vec::<f64>(),
        [2.0, -3.0, 0.5, -1.5, 0.25, 4.0]
    );
    let table = r.stack(&[f, d], 1).unwrap();
    assert_eq!(
        r.value(table).unwrap().to_vec::<f64>(),
        [0.5, 0.25, -1.5, 4.0]
    );
    assert_eq!(
        message(r.concatenate(&[], 0)),
        "need at least one array to concatenate"
    );
    assert_eq!(
        message(r.concatenate(&[d], 1)),
        "axis 1 is out of bounds for array of dimension 1"
    );
    assert_eq!(
        message(r.concatenate(&[table, d], 0)),
        "all the input arrays must have same number of dimensions, but the array at index 0 has 2 dimension(s) and the array at index 1 has 1 dimension(s)"
    );
    assert_eq!(
        message(r.stack(&[table, d], 0)),
        "all input arrays must have the same shape"
    );
    let scalars: Vec<NodeId> = (0..2).map(|k| r.item(d, k)).collect();
    let packed = r.stack(&scalars, 0).unwrap();
    let mut packed = r.fresh(packed);
    let first = r.view(&mut packed, &[Index::At(-1)]).unwrap();
    assert_eq!(first, Handle::Value(scalars[1]));
}
