//! Arrays, which can be changed in place.

use jacrs::array::DType;
use jacrs::error::Result;
use jacrs::ir::NodeId;
use jacrs::ops::Fun;
use jacrs::trace::{Handle, Index, Weak};
use pyo3::prelude::*;

use super::Tracer;
use super::operators::{literal, power};
use crate::state::{self, Operand, State};
use crate::{indexing, protocols};

/// A tracer that is an array to its user: it can be changed in place.
#[pyclass(frozen, extends = Tracer, mapping, module = "jacrs._jacrs")]
pub struct ArrayTracer;

/// `y op= x`: the result is written into the array, so that every alias sees it.
fn update(slf: &Bound<'_, ArrayTracer>, fun: Fun, other: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = slf.py();
    let own = slf.as_super();
    let other = Operand::require(other)?;
    state::with(py, |state| {
        state.locate(py);
        let z = state.node(&other)?;
        own.get().shared(state, |state, handle| {
            let x = state.rec.node(*handle);
            let result = if fun == Fun::Power && literal(&other).is_some() {
                power(state, x, &other)?
            } else {
                state.rec.map(fun, &[(x, Weak::None), z])?
            };
            write_whole(state, handle, result, fun.row().numpy[0])
        })
    })
}

/// NumPy's casting rule of that name.
pub fn same_kind(from: DType, to: DType) -> bool {
    from == to || (from.is_float() && to.is_float()) || from < to
}

/// Writes a whole array in place, with NumPy's "same kind" rule; a smaller result is repeated.
pub fn write_whole(
    state: &mut State,
    handle: &mut Handle,
    result: NodeId,
    ufunc: &str,
) -> Result<()> {
    let (from, to) = (state.rec.graph.dtype(result), state.rec.dtype(*handle));
    if !same_kind(from, to) {
        return Err(jacrs::error::text::no_output_cast(ufunc, from, to));
    }
    let (result_shape, shape) = (state.rec.graph.dims(result), state.rec.shape(*handle));
    let missing = shape.len().checked_sub(result_shape.len());
    let fits = missing.is_some_and(|lead| {
        result_shape
            .iter()
            .zip(&shape[lead..])
            .all(|(&a, &b)| a == b || a == 1)
    });
    if !fits {
        return Err(jacrs::error::text::no_output_broadcast(
            shape,
            &result_shape,
        ));
    }
    state.rec.assign(handle, &[Index::Ellipsis], result)
}

#[pymethods]
impl ArrayTracer {
    fn __iadd__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        update(slf, Fun::Add, other)
    }
    fn __isub__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        update(slf, Fun::Sub, other)
    }
    fn __imul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        update(slf, Fun::Mul, other)
    }
    fn __itruediv__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        update(slf, Fun::Div, other)
    }
    fn __ifloordiv__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        update(slf, Fun::FloorDivide, other)
    }
    fn __imod__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        update(slf, Fun::Remainder, other)
    }
    fn __ipow__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        _modulo: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        update(slf, Fun::Power, other)
    }
    fn __iand__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        update(slf, Fun::BitAnd, other)
    }
    fn __ior__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        update(slf, Fun::BitOr, other)
    }
    fn __ixor__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        update(slf, Fun::BitXor, other)
    }
    fn __imatmul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let product = protocols::matmul(py, slf.as_any(), other)?;
        let product = Operand::require(product.bind(py))?;
        state::with(py, |state| {
            let (node, _) = state.node(&product)?;
            slf.as_super().get().shared(state, |state, handle| {
                write_whole(state, handle, node, "matmul")
            })
        })
    }

    fn __setitem__(
        slf: &Bound<'_, Self>,
        index: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = slf.py();
        let parts = indexing::read(index)?;
        let value = Operand::require(value)?;
        state::with(py, |state| {
            state.locate(py);
            let index = indexing::resolve(state, parts)?;
            let (node, _) = state.node(&value)?;
            slf.as_super().get().shared(state, |state, handle| {
                state.rec.assign(handle, &index, node)
            })
        })
    }
}

/// Writes a result into a tracer's storage: `out=`.
pub fn write_into(
    py: Python<'_>,
    target: &Bound<'_, Tracer>,
    result: &Operand<'_>,
    ufunc: &str,
) -> PyResult<()> {
    state::with(py, |state| {
        state.locate(py);
        let (node, _) = state.node(result)?;
        target.get().shared(state, |state, handle| {
            write_whole(state, handle, node, ufunc)
        })
    })
}

/// Runs an in-place primitive on a tracer's storage.
pub fn change(
    py: Python<'_>,
    target: &Bound<'_, Tracer>,
    body: impl FnOnce(&mut State, &mut Handle) -> Result<()>,
) -> PyResult<()> {
    state::with(py, |state| {
        state.locate(py);
        target.get().shared(state, body)
    })
}
