//! The tracer: what the recorded function holds in place of an array or a number.

mod array;
mod inside;
mod operators;

pub use array::{ArrayTracer, change, same_kind, write_into};
pub use inside::numpy_value;
pub use operators::map;

use std::sync::atomic::AtomicU64;

use jacrs::array::DType;
use jacrs::ops::Fun;
use jacrs::trace::{Handle, Index};
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::types::{PyBytes, PyTuple};

use operators::binary;

use crate::arrays::{numpy_dtype, parse_dtype, scalar_bits, to_numpy};
use crate::registry;
use crate::state::{self, Operand};
use crate::text;
use crate::{indexing, protocols};

/// A value of the function being recorded: a NumPy scalar to its user.
///
/// It holds a name in the recording of its thread, not the recording: used from another thread or
/// after the function returned, it raises.
// `mapping`: NumPy must not take it for a sequence, or it replaces our errors by its own.
#[pyclass(frozen, subclass, mapping, module = "jacrs._jacrs")]
pub struct Tracer {
    generation: u32,
    handle: AtomicU64,
}

/// A new tracer: an array, or a scalar that no assignment changes.
pub fn new(py: Python<'_>, generation: u32, handle: Handle, array: bool) -> PyResult<Py<PyAny>> {
    let base = Tracer {
        generation,
        handle: AtomicU64::new(handle.to_bits()),
    };
    if array {
        let init = PyClassInitializer::from(base).add_subclass(ArrayTracer);
        return Ok(Py::new(py, init)?.into_any());
    }
    Ok(Py::new(py, base)?.into_any())
}

macro_rules! unary {
    ($slf:ident, $fun:ident) => {
        map($slf.py(), Fun::$fun, &[Operand::Tracer($slf.clone())])
    };
}

#[pymethods]
impl Tracer {
    fn __add__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::Add, slf.as_any(), other)
    }
    fn __radd__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::Add, other, slf.as_any())
    }
    fn __sub__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::Sub, slf.as_any(), other)
    }
    fn __rsub__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::Sub, other, slf.as_any())
    }
    fn __mul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::Mul, slf.as_any(), other)
    }
    fn __rmul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::Mul, other, slf.as_any())
    }
    fn __truediv__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::Div, slf.as_any(), other)
    }
    fn __rtruediv__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::Div, other, slf.as_any())
    }
    fn __floordiv__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::FloorDivide, slf.as_any(), other)
    }
    fn __rfloordiv__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::FloorDivide, other, slf.as_any())
    }
    fn __mod__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::Remainder, slf.as_any(), other)
    }
    fn __rmod__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::Remainder, other, slf.as_any())
    }
    fn __divmod__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
    ) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
        Ok((Self::__floordiv__(slf, other)?, Self::__mod__(slf, other)?))
    }
    fn __rdivmod__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
    ) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
        Ok((
            Self::__rfloordiv__(slf, other)?,
            Self::__rmod__(slf, other)?,
        ))
    }
    fn __pow__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        _modulo: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::Power, slf.as_any(), other)
    }
    fn __rpow__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        _modulo: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::Power, other, slf.as_any())
    }
    fn __and__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::BitAnd, slf.as_any(), other)
    }
    fn __rand__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::BitAnd, other, slf.as_any())
    }
    fn __or__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::BitOr, slf.as_any(), other)
    }
    fn __ror__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::BitOr, other, slf.as_any())
    }
    fn __xor__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::BitXor, slf.as_any(), other)
    }
    fn __rxor__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        binary(slf.py(), Fun::BitXor, other, slf.as_any())
    }
    fn __matmul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        protocols::matmul(slf.py(), slf.as_any(), other)
    }
    fn __rmatmul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        protocols::matmul(slf.py(), other, slf.as_any())
    }
    fn __neg__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        unary!(slf, Neg)
    }
    fn __abs__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        unary!(slf, Abs)
    }
    fn __invert__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        unary!(slf, Invert)
    }
    fn __pos__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Self::positive(slf)
    }

    fn __richcmp__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        op: CompareOp,
    ) -> PyResult<Py<PyAny>> {
        let fun = match op {
            CompareOp::Lt => Fun::Less,
            CompareOp::Le => Fun::LessEqual,
            CompareOp::Gt => Fun::Greater,
            CompareOp::Ge => Fun::GreaterEqual,
            CompareOp::Eq => Fun::Equal,
            CompareOp::Ne => Fun::NotEqual,
        };
        binary(slf.py(), fun, slf.as_any(), other)
    }

    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        match self.shape_vec(py)?.iter().product() {
            1 => {}
            0 => {
                return Err(text::empty_truth());
            }
            _ => {
                return Err(text::many_truths());
            }
        }
        let value = self.truth(py)?;
        Ok(match scalar_bits(&value) {
            Some(bits) if value.dtype().is_float() => f64::from_bits(bits) != 0.0,
            bits => bits != Some(0),
        })
    }

    fn __float__(&self, py: Python<'_>) -> PyResult<f64> {
        if self.is_active(py)? {
            return Err(text::no_float(py));
        }
        let (dtype, bits) = self.single(py, "scalar")?;
        Ok(if dtype.is_float() {
            f64::from_bits(bits)
        } else {
            bits.cast_signed() as f64
        })
    }

    fn __complex__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let real = self.__float__(py)?;
        Ok(pyo3::types::PyComplex::from_doubles(py, real, 0.0)
            .into_any()
            .unbind())
    }

    /// The integer part of the value: a step function, whose derivative is zero.
    fn __int__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (dtype, bits) = self.single_of(py, "scalar", Some(Fun::Trunc))?;
        if dtype.is_float() {
            return pyo3::types::PyFloat::new(py, f64::from_bits(bits)).call_method0("__int__");
        }
        Ok(bits.cast_signed().into_pyobject(py)?.into_any())
    }

    fn __index__(&self, py: Python<'_>) -> PyResult<i64> {
        let value = self.value(py)?;
        match (scalar_bits(&value), value.dtype()) {
            (Some(bits), DType::I64) => Ok(bits.cast_signed()),
            _ => Err(text::no_integer()),
        }
    }

    fn __trunc__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.__int__(py)
    }
    fn __floor__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.rounded(py, Fun::Floor, "floor")
    }
    fn __ceil__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.rounded(py, Fun::Ceil, "ceil")
    }
    #[pyo3(signature = (ndigits = None))]
    fn __round__(slf: &Bound<'_, Self>, ndigits: Option<i64>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        match ndigits {
            Some(digits) => {
                let round = py.import("numpy")?.getattr("round")?;
                Ok(round.call1((slf, digits))?.unbind())
            }
            None => {
                let (dtype, bits) = slf.get().single_of(py, "scalar", Some(Fun::Rint))?;
                let value = if dtype.is_float() {
                    f64::from_bits(bits)
                } else {
                    bits.cast_signed() as f64
                };
                Ok(pyo3::types::PyFloat::new(py, value)
                    .call_method0("__round__")?
                    .unbind())
            }
        }
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.shape_vec(py)?
            .first()
            .copied()
            .ok_or_else(text::no_length)
    }

    fn __iter__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let shape = slf.get().shape_vec(py)?;
        let Some(&n) = shape.first() else {
            return Err(text::no_iteration());
        };
        // As NumPy's iterator: the items are taken one by one, so that later writes are seen.
        let take = slf.getattr("__getitem__")?;
        let range = py.import("builtins")?.getattr("range")?.call1((n,))?;
        Ok(py
            .import("builtins")?
            .getattr("map")?
            .call1((take, range))?
            .unbind())
    }

    fn __reversed__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let index = Index::Slice {
            start: None,
            stop: None,
            step: Some(-1),
        };
        let flipped = slf
            .get()
            .view_with(py, |state, handle| state.rec.view(handle, &[index]))?;
        Ok(flipped.bind(py).try_iter()?.into_any().unbind())
    }

    fn __getitem__(slf: &Bound<'_, Self>, index: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let parts = indexing::read(index)?;
        slf.get().view_with(slf.py(), |state, handle| {
            let index = indexing::resolve(state, parts)?;
            state.rec.view(handle, &index)
        })
    }

    #[pyo3(signature = (ufunc, method, *inputs, **kwargs))]
    fn __array_ufunc__(
        slf: &Bound<'_, Self>,
        ufunc: &Bound<'_, PyAny>,
        method: &str,
        inputs: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, pyo3::types::PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        protocols::array_ufunc(slf.py(), ufunc, method, inputs, kwargs)
    }

    fn __array_function__(
        &self,
        func: &Bound<'_, PyAny>,
        _types: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, pyo3::types::PyDict>,
    ) -> PyResult<Py<PyAny>> {
        protocols::array_function(func, args, kwargs)
    }

    #[pyo3(signature = (dtype = None, copy = None))]
    fn __array__(
        slf: &Bound<'_, Self>,
        dtype: Option<&Bound<'_, PyAny>>,
        copy: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let _ = copy;
        protocols::to_array(slf, dtype)
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.shape_vec(py)?)
    }
    #[getter]
    fn ndim(&self, py: Python<'_>) -> PyResult<usize> {
        self.facts(py, |state, handle| state.rec.shape(handle).len())
    }
    #[getter]
    fn size(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.shape_vec(py)?.iter().product())
    }
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let dtype = self.facts(py, |state, handle| state.rec.dtype(handle))?;
        numpy_dtype(py, dtype)
    }
    /// Distances between neighbours along each axis, in bytes, as NumPy would show them.
    #[getter]
    fn strides<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let strides = self.facts(py, |state, handle| {
            let size = state.rec.dtype(handle).size() as isize;
            state
                .rec
                .strides(handle)
                .iter()
                .map(|s| s * size)
                .collect::<Vec<_>>()
        })?;
        PyTuple::new(py, strides)
    }
    #[getter]
    fn itemsize(&self, py: Python<'_>) -> PyResult<usize> {
        self.facts(py, |state, handle| state.rec.dtype(handle).size())
    }
    #[getter]
    fn nbytes(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.size(py)? * self.itemsize(py)?)
    }
    /// Depends, through operations that have a derivative, on an argument being differentiated.
    #[getter]
    fn active(&self, py: Python<'_>) -> PyResult<bool> {
        self.is_active(py)
    }
    #[getter(T)]
    fn t(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        slf.get().view_with(slf.py(), |state, handle| {
            let perm: Vec<usize> = (0..state.rec.shape(*handle).len()).rev().collect();
            state.rec.transpose(handle, &perm)
        })
    }
    /// The elements in C order, to be read, iterated over and written to.
    #[getter]
    fn flat(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        slf.get().view_with(slf.py(), |state, handle| {
            let size = state.rec.shape(*handle).iter().product();
            let flat = state.rec.reshape(handle, &[size])?;
            if state.rec.same_memory(*handle, flat) {
                return Ok(flat);
            }
            Err(text::no_flat())
        })
    }
    #[getter]
    fn real(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    /// A copy that shares no memory with this array.
    #[pyo3(signature = (order = "C"))]
    #[pyo3(name = "copy")]
    fn copy_method(slf: &Bound<'_, Self>, order: &str) -> PyResult<Py<PyAny>> {
        Self::copy(slf, order)
    }
    fn __copy__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Self::copy(slf, "K")
    }
    fn __deepcopy__(slf: &Bound<'_, Self>, _memo: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Self::copy(slf, "K")
    }

    /// The elements in another dtype: a new array, unless `copy=False` and nothing changes.
    #[pyo3(signature = (dtype, order = "K", casting = "unsafe", subok = true, copy = true))]
    fn astype(
        slf: &Bound<'_, Self>,
        dtype: &Bound<'_, PyAny>,
        order: &str,
        casting: &str,
        subok: bool,
        copy: bool,
    ) -> PyResult<Py<PyAny>> {
        let _ = subok;
        let py = slf.py();
        let (from, to) = (slf.getattr("dtype")?, parse_dtype(dtype)?);
        let same = parse_dtype(&from)? == to;
        if !same && casting != "unsafe" {
            let numpy = py.import("numpy")?;
            if !numpy
                .call_method1("can_cast", (&from, dtype, casting))?
                .is_truthy()?
            {
                numpy
                    .call_method1("empty", (0, &from))?
                    .call_method1("astype", (dtype, "K", casting))?;
            }
        }
        if same {
            return if copy {
                Self::copy(slf, order)
            } else {
                Ok(slf.clone().into_any().unbind())
            };
        }
        state::wrap_handle(py, |state| {
            let handle = slf.get().handle(state.generation)?;
            let node = state.rec.node(handle);
            let cast = state.rec.cast(node, to);
            if matches!(handle, Handle::View(_)) && state.rec.shape(handle).is_empty() {
                return Ok(state.rec.as_array(cast));
            }
            Ok(if order == "C" {
                state.rec.fresh(cast)
            } else {
                state.rec.fresh_like(cast, &[handle])
            })
        })
    }

    /// `x in y`: whether any element equals it.
    fn __contains__(slf: &Bound<'_, Self>, item: &Bound<'_, PyAny>) -> PyResult<bool> {
        let equal = slf.as_any().rich_compare(item, CompareOp::Eq)?;
        equal.call_method0("any")?.is_truthy()
    }

    fn __reduce__(&self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        Err(text::no_pickle(py))
    }

    /// The value in words; text carries no derivative.
    fn __str__(&self, py: Python<'_>) -> PyResult<String> {
        let (value, lanes) = self.shown(py)?;
        let text = to_numpy(py, &value)?.str()?.to_string();
        Ok(if lanes { format!("lanes {text}") } else { text })
    }

    fn __format__<'py>(
        &self,
        py: Python<'py>,
        spec: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (value, lanes) = self.shown(py)?;
        if lanes && spec.is_empty()? {
            return Ok(self.__str__(py)?.into_pyobject(py)?.into_any());
        }
        let value = if lanes { self.value(py)? } else { value };
        let array = to_numpy(py, &value)?;
        let plain = if self.ndim(py)? == 0 {
            array.call_method0("item")?
        } else {
            array
        };
        plain.call_method1("__format__", (spec,))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let Ok((value, lanes)) = self.shown(py) else {
            return Ok("Tracer(of a recording that has ended)".into());
        };
        let array = to_numpy(py, &value)?.repr()?;
        Ok(if lanes {
            format!("Tracer(lanes of {array})")
        } else {
            format!("Tracer({array})")
        })
    }

    /// Methods and attributes of ndarray that are compositions come from the table of adapters.
    fn __getattr__(slf: &Bound<'_, Self>, name: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        if let Some(adapter) = registry::method(name)? {
            let bind = py.import("types")?.getattr("MethodType")?;
            return Ok(bind.call1((adapter, slf))?.unbind());
        }
        match registry::property(name)? {
            Some(adapter) => Ok(adapter.call1((slf,))?.unbind()),
            None => Err(text::no_attribute(name)),
        }
    }
}
