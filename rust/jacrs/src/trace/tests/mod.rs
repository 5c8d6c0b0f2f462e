//! The tracer against NumPy's rules: a reference model, then each rule on its own.

mod aliasing;
mod indexing;
mod lanes;
mod layouts;
mod model;
mod programs;
mod promotion;
mod scale;

use super::{Handle, Index, Recording};
use crate::array::{Array, DType};
use crate::error::Result;

/// A recording with an argument `0, 1, 2, ...` of this shape, and a writable copy of it.
fn start(shape: &[usize]) -> (Recording, Handle) {
    let n: usize = shape.iter().product();
    let data: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let mut r = Recording::new();
    let x = r.argument(Array::from_slice(shape, &data), true);
    let y = r.copy(x);
    (r, y)
}

fn contents(r: &mut Recording, h: Handle) -> Vec<f64> {
    let node = r.node(h);
    let array = r.value(node).unwrap();
    assert_eq!(array.shape(), r.shape(h));
    match array.dtype() {
        DType::F64 => array.to_vec::<f64>(),
        DType::I64 => array.to_vec::<i64>().iter().map(|&i| i as f64).collect(),
        DType::F32 => array
            .to_vec::<f32>()
            .iter()
            .map(|&i| f64::from(i))
            .collect(),
        _ => array
            .to_vec::<bool>()
            .iter()
            .map(|&b| f64::from(u8::from(b)))
            .collect(),
    }
}

fn number(r: &mut Recording, value: f64) -> crate::ir::NodeId {
    let at = (r.graph.len(), 0);
    r.literal_f64(value, DType::F64, at)
}

fn slice(start: Option<i64>, stop: Option<i64>, step: i64) -> Index {
    Index::Slice {
        start,
        stop,
        step: Some(step),
    }
}

fn integers(r: &mut Recording, shape: &[usize], data: &[i64]) -> Index {
    let h = r.captured(Array::from_slice(shape, data), super::Access::Writable);
    Index::Array(r.node(h))
}

fn mask(r: &mut Recording, shape: &[usize], data: &[bool]) -> Index {
    let h = r.captured(Array::from_slice(shape, data), super::Access::Writable);
    Index::Mask(r.node(h))
}

fn message<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("no error"),
        Err(e) => e.message,
    }
}
