//! NumPy arrays in and out of the engine.

use std::sync::Arc;

use jacrs::array::{Array, Buffer, DType, Dims, Layout, Out, View, copy, product};
use jacrs::error::caught;
use jacrs::error::text::tuple;
use jacrs::memory::check_memory;
use numpy::{
    PY_ARRAY_API, PyArrayDescr, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods, npyffi,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;
use smallvec::SmallVec;

use crate::error::{OrRaise, raise_as};
use crate::state::MOST_AXES;
use crate::text;

/// Inputs up to this size are copied; larger ones are read where they are.
const COPY_LIMIT: usize = 64 * 1024;

/// `numpy.asarray`.
pub fn asarray<'py>(x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyUntypedArray>> {
    static ASARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if let Ok(array) = x.cast::<PyUntypedArray>() {
        return Ok(array.clone());
    }
    let py = x.py();
    let asarray = ASARRAY.get_or_try_init(py, || {
        py.import("numpy")?.getattr("asarray").map(Bound::unbind)
    })?;
    Ok(asarray
        .bind(py)
        .call1((x,))?
        .cast_into::<PyUntypedArray>()?)
}

/// Subclasses of ndarray mean something else by `*` or by their elements, which would be lost.
pub fn refuse_subclass(x: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = x.py();
    let class = x.get_type();
    if class.is(py.get_type::<PyUntypedArray>()) {
        return Ok(());
    }
    let name = class.name()?.to_string();
    // A file in memory, and the recording scope's own view of a captured array.
    if matches!(name.as_str(), "memmap" | "Captured") {
        return Ok(());
    }
    Err(text::is_subclass(py, &name))
}

/// The engine's dtype, and whether the elements must be converted to it.
fn dtype_of(descr: &Bound<'_, PyArrayDescr>) -> Option<(DType, bool)> {
    let native = matches!(descr.byteorder(), b'=' | b'|') || descr.byteorder() == NATIVE;
    Some(match (descr.kind(), descr.itemsize()) {
        (b'b', 1) => (DType::Bool, false),
        (b'i', 8) => (DType::I64, !native),
        (b'i', _) | (b'u', 1 | 2 | 4) => (DType::I64, true),
        (b'f', 4) => (DType::F32, !native),
        (b'f', 8) => (DType::F64, !native),
        _ => return None,
    })
}

/// The engine's dtype for elements that it reads as they are.
pub fn native_dtype(descr: &Bound<'_, PyArrayDescr>) -> Option<DType> {
    dtype_of(descr).and_then(|(dtype, convert)| (!convert).then_some(dtype))
}

#[cfg(target_endian = "little")]
const NATIVE: u8 = b'<';
#[cfg(target_endian = "big")]
const NATIVE: u8 = b'>';

/// Whether float32 holds every value of this dtype, so that NumPy keeps float32 beside it.
pub fn is_narrow_integer(array: &Bound<'_, PyUntypedArray>) -> bool {
    let descr = array.dtype();
    matches!(descr.kind(), b'i' | b'u') && descr.itemsize() <= 2
}

/// How the memory of an array is taken over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// A copy of the elements as they are now.
    Copy,
    /// The memory itself where it is large: the caller keeps others from writing to it.
    Borrow,
}

/// An engine array of a NumPy array.
pub fn from_numpy(array: &Bound<'_, PyUntypedArray>, take: Take) -> PyResult<Array> {
    let py = array.py();
    let descr = array.dtype();
    let Some((dtype, convert)) = dtype_of(&descr) else {
        return Err(text::no_array_dtype(py, descr));
    };
    // SAFETY: a live array object.
    let flags = unsafe { (*array.as_array_ptr()).fields.flags };
    if convert || flags & npyffi::NPY_ARRAY_ALIGNED == 0 {
        let converted = ndarray_method(array, "astype", dtype.name())?;
        return from_numpy(converted.cast::<PyUntypedArray>()?, Take::Copy);
    }
    let size = dtype.size() as isize;
    let layout = Layout {
        shape: Dims::from_slice(array.shape()),
        strides: array.strides().iter().map(|s| s / size).collect(),
    };
    let whole_strides = array.strides().iter().all(|s| s % size == 0);
    if !whole_strides {
        let dense = ndarray_method(array, "copy", "C")?;
        return from_numpy(dense.cast::<PyUntypedArray>()?, Take::Copy);
    }
    // SAFETY: a live array object.
    let data = unsafe { (*array.as_array_ptr()).fields.data } as *const u8;
    let view = View {
        ptr: data,
        dtype,
        layout,
    };
    let borrow =
        take == Take::Borrow && view.is_contiguous() && view.len() * dtype.size() > COPY_LIMIT;
    if borrow {
        let owner: Py<PyAny> = array.clone().into_any().unbind();
        let buffer = Arc::new(Buffer::foreign(data, Box::new(owner)));
        return Ok(Array::from_parts(buffer, view));
    }
    caught(|| Ok(dense_copy(&view))).or_raise(py)
}

/// A method of plain arrays: that of a subclass may record what it does.
fn ndarray_method<'py>(
    array: &Bound<'py, PyUntypedArray>,
    name: &str,
    argument: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let ndarray = array.py().get_type::<PyUntypedArray>();
    ndarray.call_method1(name, (array, argument))
}

/// A copy without gaps whose axes lie in memory in the same order.
fn dense_copy(view: &View) -> Array {
    if view.is_contiguous() {
        return Array::copied(view);
    }
    let mut order: Vec<usize> = (0..view.shape().len()).collect();
    order.sort_by_key(|&axis| std::cmp::Reverse(view.strides()[axis].abs()));
    if order.is_sorted() {
        return Array::copied(view);
    }
    let sorted = view.layout.transpose(&order);
    let (target, out) = Array::uninit(view.dtype, &sorted.shape);
    copy(
        &View {
            layout: sorted.clone(),
            ..view.clone()
        },
        out.ptr,
        &Layout::contiguous(&sorted.shape),
    );
    let mut back = order.clone();
    for (place, &axis) in order.iter().enumerate() {
        back[axis] = place;
    }
    target.relaid(0, Layout::contiguous(&sorted.shape).transpose(&back))
}

/// NumPy's descriptor of a dtype that results have.
pub fn descr(py: Python<'_>, dtype: DType) -> PyResult<Bound<'_, PyArrayDescr>> {
    Ok(match dtype {
        DType::Bool => numpy::dtype::<bool>(py),
        DType::I64 => numpy::dtype::<i64>(py),
        DType::F32 => numpy::dtype::<f32>(py),
        DType::F64 => numpy::dtype::<f64>(py),
        other => {
            let text = format!("no result of dtype {other}");
            return Err(raise_as(py, "internal", &text));
        }
    })
}

/// A fresh NumPy array and where the engine writes it.
pub fn new_numpy<'py>(
    py: Python<'py>,
    dtype: DType,
    shape: &[usize],
) -> PyResult<(Bound<'py, PyAny>, Out)> {
    if shape.len() > MOST_AXES {
        return Err(text::result_axes(py, shape.len(), MOST_AXES));
    }
    let descr = descr(py, dtype)?;
    let mut dims: SmallVec<[npyffi::npy_intp; 6]> = shape.iter().map(|&n| n as isize).collect();
    // SAFETY: as many dimensions as `dims` has; the descriptor's reference is handed over. Every
    // element is written before the array is handed out.
    let array = unsafe {
        let array = PY_ARRAY_API.PyArray_Empty(
            py,
            dims.len() as std::ffi::c_int,
            dims.as_mut_ptr(),
            descr.into_ptr().cast(),
            0,
        );
        Bound::from_owned_ptr_or_err(py, array)?
    };
    // SAFETY: a live array object.
    let ptr = unsafe {
        (*array.as_ptr().cast::<npyffi::PyArrayObject>())
            .fields
            .data
    };
    Ok((
        array,
        Out {
            ptr: ptr.cast(),
            dtype,
            shape: Dims::from_slice(shape),
        },
    ))
}

/// A NumPy array with the elements of an engine array.
pub fn to_numpy<'py>(py: Python<'py>, array: &Array) -> PyResult<Bound<'py, PyAny>> {
    let bytes = product(array.shape()) * array.dtype().size();
    check_memory(bytes, || {
        format!("a copy of an array of shape {}", tuple(array.shape()))
    })
    .or_raise(py)?;
    let (result, out) = new_numpy(py, array.dtype(), array.shape())?;
    copy(array.view(), out.ptr, &Layout::contiguous(array.shape()));
    Ok(result)
}

/// The only element of an array, as bits; floats of either width become float64.
pub fn scalar_bits(array: &Array) -> Option<u64> {
    if product(array.shape()) != 1 {
        return None;
    }
    let at = array.view().ptr;
    // SAFETY: the array has one element, aligned, of its dtype.
    Some(unsafe {
        match array.dtype() {
            DType::Bool => u64::from(at.read() != 0),
            DType::F32 => f64::from(at.cast::<f32>().read()).to_bits(),
            _ => at.cast::<u64>().read(),
        }
    })
}

/// The `numpy.dtype` object of an engine dtype.
pub fn numpy_dtype(py: Python<'_>, dtype: DType) -> PyResult<Bound<'_, PyAny>> {
    static DTYPES: PyOnceLock<Vec<Py<PyAny>>> = PyOnceLock::new();
    let all = DTYPES.get_or_try_init(py, || {
        let make = py.import("numpy")?.getattr("dtype")?;
        DType::ALL
            .iter()
            .map(|d| {
                make.call1((PyString::new(py, d.name()),))
                    .map(Bound::unbind)
            })
            .collect::<PyResult<_>>()
    })?;
    Ok(all[dtype as usize].bind(py).clone())
}

/// The engine's dtype for anything that `numpy.dtype` accepts.
pub fn parse_dtype(x: &Bound<'_, PyAny>) -> PyResult<DType> {
    let py = x.py();
    let descr = py
        .import("numpy")?
        .getattr("dtype")?
        .call1((x,))?
        .cast_into::<PyArrayDescr>()?;
    match dtype_of(&descr) {
        Some((dtype, false)) => Ok(dtype),
        _ => Err(text::no_dtype(py, descr)),
    }
}
