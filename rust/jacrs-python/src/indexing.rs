//! Index expressions: Python's into the engine's.

use jacrs::array::DType;
use jacrs::error::Result;
use jacrs::trace::Index;
use numpy::PyUntypedArray;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyInt, PySlice, PyString, PyTuple};

use crate::state::{Operand, State};
use crate::tracer::Tracer;

/// One part of an index expression, read before the recording is touched.
pub enum Part<'py> {
    Ready(Index),
    Operand(Operand<'py>),
}

/// Reads an index expression.
pub fn read<'py>(index: &Bound<'py, PyAny>) -> PyResult<Vec<Part<'py>>> {
    match index.cast::<PyTuple>() {
        Ok(tuple) => tuple.iter().map(|part| read_part(&part)).collect(),
        Err(_) => Ok(vec![read_part(index)?]),
    }
}

fn read_part<'py>(x: &Bound<'py, PyAny>) -> PyResult<Part<'py>> {
    if x.is_instance_of::<PyInt>() && !x.is_instance_of::<PyBool>() {
        return Ok(Part::Ready(Index::At(x.extract()?)));
    }
    if let Ok(slice) = x.cast::<PySlice>() {
        let py = x.py();
        let bound = |name: &Bound<'_, PyString>| -> PyResult<Option<i64>> {
            let value = slice.getattr(name)?;
            if value.is_none() {
                Ok(None)
            } else {
                Ok(Some(clamped(&value)?))
            }
        };
        return Ok(Part::Ready(Index::Slice {
            start: bound(intern!(py, "start"))?,
            stop: bound(intern!(py, "stop"))?,
            step: bound(intern!(py, "step"))?,
        }));
    }
    if x.is_none() {
        return Ok(Part::Ready(Index::NewAxis));
    }
    if x.is_instance_of::<PyEllipsis>() {
        return Ok(Part::Ready(Index::Ellipsis));
    }
    let is_array = x.cast::<Tracer>().is_ok() || x.cast::<PyUntypedArray>().is_ok();
    if !is_array
        && !x.is_instance_of::<PyBool>()
        && let Ok(place) = x.extract::<i64>()
    {
        // NumPy's integer scalars, and whatever else has an index.
        return Ok(Part::Ready(Index::At(place)));
    }
    Ok(Part::Operand(Operand::require(x)?))
}

/// A slice bound, with Python's clamping of huge ones.
fn clamped(x: &Bound<'_, PyAny>) -> PyResult<i64> {
    let index = x.call_method0("__index__")?;
    match index.extract::<i64>() {
        Ok(value) => Ok(value),
        Err(_) => Ok(if index.lt(0)? { i64::MIN } else { i64::MAX }),
    }
}

/// The index as the engine takes it: operands become nodes, single integers become places.
pub fn resolve(state: &mut State, parts: Vec<Part<'_>>) -> Result<Vec<Index>> {
    parts
        .into_iter()
        .map(|part| resolve_part(state, part))
        .collect()
}

fn resolve_part(state: &mut State, part: Part<'_>) -> Result<Index> {
    let operand = match part {
        Part::Ready(index) => return Ok(index),
        Part::Operand(operand) => operand,
    };
    let node = state.strong(&operand)?;
    let shape_is_empty = state.rec.graph.shape(node).is_empty();
    let plain_array = matches!(operand, Operand::Array(..));
    match state.rec.graph.dtype(node) {
        DType::I64 if shape_is_empty && plain_array => Ok(Index::Point(node)),
        DType::Bool => Ok(Index::Mask(node)),
        DType::I64 => Ok(Index::Array(node)),
        // NumPy makes float64 of an empty list, and takes it as an index all the same.
        _ if state.rec.graph.size(node) == 0 && matches!(operand, Operand::Array(..)) => {
            let shape = state.rec.graph.dims(node);
            Ok(Index::Array(jacrs::ops::build::constant(
                &mut state.rec.graph,
                DType::I64,
                &shape,
                0.0,
            )))
        }
        _ => Err(jacrs::error::text::not_an_index()),
    }
}
