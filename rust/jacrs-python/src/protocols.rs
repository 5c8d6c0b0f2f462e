//! NumPy's protocols: ufuncs and functions called with a tracer among their arguments.

use jacrs::array::DType;
use jacrs::error::text as engine_text;
use jacrs::ops::Fun;
use jacrs::trace::Weak;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::arrays::parse_dtype;
use crate::error::raise_as;
use crate::state::{self, Operand};
use crate::text;
use crate::tracer::{self, Tracer};
use crate::{location, registry};

/// `x @ z`, with every shape NumPy takes.
pub fn matmul(py: Python<'_>, x: &Bound<'_, PyAny>, z: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let (Some(x), Some(z)) = (Operand::read(x)?, Operand::read(z)?) else {
        return Ok(py.NotImplemented());
    };
    state::wrap(py, |state| {
        let (a, b) = (state.strong(&x)?, state.strong(&z)?);
        state.rec.matmul(a, b)
    })
}

pub fn array_ufunc(
    py: Python<'_>,
    ufunc: &Bound<'_, PyAny>,
    method: &str,
    inputs: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    let plain = kwargs.is_none_or(PyDictMethods::is_empty);
    if method != "__call__" {
        return ufunc_method(py, ufunc, method, inputs, kwargs);
    }
    let Some(fun) = registry::elementwise(ufunc)? else {
        return other_ufunc(py, ufunc, inputs, kwargs);
    };
    let operands = inputs
        .iter()
        .map(|x| Operand::require(&x))
        .collect::<PyResult<Vec<_>>>()?;
    match kwargs {
        Some(kwargs) if !plain => with_keywords(py, fun, ufunc, operands, kwargs),
        _ => tracer::map(py, fun, &operands),
    }
}

/// What the keywords of a ufunc say about its value.
#[derive(Default)]
struct Keywords<'py> {
    out: Option<Bound<'py, PyAny>>,
    mask: Option<Bound<'py, PyAny>>,
    dtype: Option<DType>,
    /// Any cast will do.
    unsafe_casts: bool,
}

impl<'py> Keywords<'py> {
    fn read(
        py: Python<'py>,
        ufunc: &Bound<'py, PyAny>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        let mut keywords = Self::default();
        for (key, value) in kwargs.into_iter().flatten() {
            let key: String = key.extract()?;
            match key.as_str() {
                "out" => keywords.out = single_output(&value)?,
                "where" if value.is(pyo3::types::PyBool::new(py, true)) => {}
                "where" => keywords.mask = Some(value),
                "dtype" | "signature" if value.is_none() => {}
                "dtype" => keywords.dtype = Some(parse_dtype(&value)?),
                "casting" => keywords.unsafe_casts = value.eq("unsafe")?,
                "order" | "subok" => {}
                _ => return Err(unsupported_keyword(py, ufunc, &key)),
            }
        }
        Ok(keywords)
    }
}

/// An elementwise function whose keywords say something about its value.
fn with_keywords<'py>(
    py: Python<'py>,
    fun: Fun,
    ufunc: &Bound<'py, PyAny>,
    mut operands: Vec<Operand<'py>>,
    kwargs: &Bound<'py, PyDict>,
) -> PyResult<Py<PyAny>> {
    let keywords = Keywords::read(py, ufunc, Some(kwargs))?;
    if let Some(dtype) = keywords.dtype {
        let name: String = ufunc.getattr("__name__")?.extract()?;
        for (k, operand) in operands.iter_mut().enumerate() {
            let converted = state::wrap(py, |state| {
                let node = state.strong(operand)?;
                let from = state.rec.graph.dtype(node);
                if keywords.unsafe_casts || tracer::same_kind(from, dtype) {
                    return Ok(state.rec.cast(node, dtype));
                }
                Err(engine_text::no_input_cast(&name, k, from, dtype))
            })?;
            *operand = Operand::require(converted.bind(py))?;
        }
    }
    let result = tracer::map(py, fun, &operands)?;
    finish(py, ufunc, result, keywords.out, keywords.mask)
}

/// Puts a result where `out=` and `where=` say.
fn finish(
    py: Python<'_>,
    ufunc: &Bound<'_, PyAny>,
    result: Py<PyAny>,
    out: Option<Bound<'_, PyAny>>,
    mask: Option<Bound<'_, PyAny>>,
) -> PyResult<Py<PyAny>> {
    let Some(out) = out else {
        return match mask {
            None => Ok(result),
            Some(_) => Err(text::where_without_out(py)),
        };
    };
    let Ok(target) = out.cast::<Tracer>() else {
        return Err(plain_output(py, ufunc));
    };
    let mut value = Operand::require(result.bind(py))?;
    if let Some(mask) = mask {
        let mask = Operand::require(&mask)?;
        let old = Operand::Tracer(target.clone());
        let merged = state::wrap(py, |state| {
            let (c, x, z) = (
                state.strong(&mask)?,
                state.strong(&value)?,
                state.strong(&old)?,
            );
            state.rec.select(c, (x, Weak::None), (z, Weak::None))
        })?;
        value = Operand::require(merged.bind(py))?;
    }
    let name: String = ufunc.getattr("__name__")?.extract()?;
    tracer::write_into(py, target, &value, &name)?;
    Ok(out.unbind())
}

fn single_output<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let value = match value.cast::<PyTuple>() {
        Ok(tuple) => tuple.get_item(0)?,
        Err(_) => value.clone(),
    };
    Ok((!value.is_none()).then_some(value))
}

fn plain_output(py: Python<'_>, ufunc: &Bound<'_, PyAny>) -> PyErr {
    let name = ufunc
        .getattr("__name__")
        .map_or_else(|_| "a ufunc".into(), |n| n.to_string());
    text::plain_output(py, name)
}

fn unsupported_keyword(py: Python<'_>, ufunc: &Bound<'_, PyAny>, key: &str) -> PyErr {
    let name = ufunc
        .getattr("__name__")
        .map_or_else(|_| "a ufunc".into(), |n| n.to_string());
    text::no_keyword(py, name, key)
}

/// Ufuncs that are no row of the table: matmul, and those that are compositions.
fn other_ufunc(
    py: Python<'_>,
    ufunc: &Bound<'_, PyAny>,
    inputs: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    let name: String = ufunc.getattr("__name__")?.extract()?;
    match name.as_str() {
        "matmul" | "positive" | "conjugate" if registry::is_from("numpy", ufunc, &name)? => {
            let keywords = Keywords::read(py, ufunc, kwargs)?;
            if keywords.dtype.is_some() {
                return Err(unsupported_keyword(py, ufunc, "dtype"));
            }
            let x = inputs.get_item(0)?;
            let result = if name == "matmul" {
                matmul(py, &x, &inputs.get_item(1)?)?
            } else {
                x.call_method0("__pos__")?.unbind()
            };
            finish(py, ufunc, result, keywords.out, keywords.mask)
        }
        _ => match registry::function(ufunc)? {
            Some(adapter) => Ok(adapter.call(inputs, kwargs)?.unbind()),
            None => registry::without_adapter(ufunc, inputs, kwargs),
        },
    }
}

fn ufunc_method(
    py: Python<'_>,
    ufunc: &Bound<'_, PyAny>,
    method: &str,
    inputs: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    let adapter = registry::ufunc_method(py)
        .ok_or_else(|| raise_as(py, "internal", "the adapters are not registered"))?;
    let kwargs = kwargs.map_or_else(|| Ok(PyDict::new(py)), PyDictMethods::copy)?;
    Ok(adapter
        .call1((ufunc, PyString::new(py, method), inputs, kwargs))?
        .unbind())
}

pub fn array_function(
    func: &Bound<'_, PyAny>,
    args: &Bound<'_, PyTuple>,
    kwargs: &Bound<'_, PyDict>,
) -> PyResult<Py<PyAny>> {
    match registry::function(func)? {
        Some(adapter) => Ok(adapter.call(args, Some(kwargs))?.unbind()),
        None => registry::without_adapter(func, args, Some(kwargs)),
    }
}

/// `np.asarray(tracer)` and everything that does the same: the value where no derivative is lost,
/// an error otherwise.
pub fn to_array(slf: &Bound<'_, Tracer>, dtype: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
    let py = slf.py();
    let active = slf.get().is_active(py)?;
    if active && called_from_scipy_sparse(py) {
        // There, an object array defers to the tracer's own reflected operators.
        let numpy = py.import("numpy")?;
        let cell = numpy.call_method1("empty", (PyTuple::empty(py), "O"))?;
        cell.set_item(PyTuple::empty(py), slf)?;
        return Ok(cell.unbind());
    }
    if active {
        return Err(text::no_plain_array(py));
    }
    let array = match dtype {
        Some(dtype) if !dtype.is_none() => {
            tracer::numpy_value(slf)?.call_method1("astype", (dtype,))?
        }
        _ => tracer::numpy_value(slf)?,
    };
    // A copy: writing to it would not reach the recorded array, so it cannot be written to.
    let read_only = PyDict::new(py);
    read_only.set_item("write", false)?;
    array.call_method("setflags", (), Some(&read_only))?;
    Ok(array.unbind())
}

fn called_from_scipy_sparse(py: Python<'_>) -> bool {
    let file = location::innermost(py)
        .and_then(|(code, _)| code.getattr("co_filename").ok()?.extract::<String>().ok());
    file.is_some_and(|f| f.contains("scipy/sparse") || f.contains("scipy\\sparse"))
}
