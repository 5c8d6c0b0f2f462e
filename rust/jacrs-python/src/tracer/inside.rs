//! A tracer from inside: its handle in the recording, and what is asked of it there.

use std::sync::atomic::Ordering;

use jacrs::array::DType;
use jacrs::error::Result;
use jacrs::ir::NodeId;
use jacrs::ops::Fun;
use jacrs::trace::{Handle, Need};
use pyo3::prelude::*;

use super::Tracer;
use crate::arrays::{self, scalar_bits};
use crate::state::{self, State};
use crate::text;

impl Tracer {
    /// The handle in the recording of this generation.
    pub fn handle(&self, generation: u32) -> Result<Handle> {
        if self.generation != generation {
            return Err(text::another_recording());
        }
        Ok(Handle::from_bits(self.handle.load(Ordering::Relaxed)))
    }

    /// Runs `body` on the handle, keeping the promotion to shared storage that it may make.
    pub(super) fn shared<R>(
        &self,
        state: &mut State,
        body: impl FnOnce(&mut State, &mut Handle) -> Result<R>,
    ) -> Result<R> {
        let mut handle = self.handle(state.generation)?;
        let result = body(state, &mut handle);
        self.handle.store(handle.to_bits(), Ordering::Relaxed);
        result
    }

    pub(super) fn facts<R>(
        &self,
        py: Python<'_>,
        body: impl FnOnce(&State, Handle) -> R,
    ) -> PyResult<R> {
        state::with(py, |state| {
            let handle = self.handle(state.generation)?;
            Ok(body(state, handle))
        })
    }

    pub(super) fn shape_vec(&self, py: Python<'_>) -> PyResult<Vec<usize>> {
        self.facts(py, |state, handle| state.rec.shape(handle).to_vec())
    }

    /// The value, computed now.
    pub fn value(&self, py: Python<'_>) -> PyResult<jacrs::array::Array> {
        state::with(py, |state| {
            let node = self.node(state)?;
            state.rec.value(node)
        })
    }

    fn node(&self, state: &mut State) -> Result<NodeId> {
        let handle = self.handle(state.generation)?;
        Ok(state.rec.node(handle))
    }

    /// Whether each element is true, computed now.
    pub(super) fn truth(&self, py: Python<'_>) -> PyResult<jacrs::array::Array> {
        state::with(py, |state| {
            let node = self.node(state)?;
            let node = state.rec.decisive(node, Fun::NotEqual);
            state.rec.value_for(node, Need::Branch)
        })
    }

    /// The value as text is made of it: that of all lanes, where it is of one lane of a `vmap`.
    pub(super) fn shown(&self, py: Python<'_>) -> PyResult<(jacrs::array::Array, bool)> {
        state::with(py, |state| {
            let node = self.node(state)?;
            match state.rec.shown_lanes(node)? {
                Some(lanes) => Ok((lanes, true)),
                None => Ok((state.rec.value(node)?, false)),
            }
        })
    }

    /// A view of this tracer's storage as a new tracer.
    pub fn view_with(
        &self,
        py: Python<'_>,
        body: impl FnOnce(&mut State, &mut Handle) -> Result<Handle>,
    ) -> PyResult<Py<PyAny>> {
        state::wrap_handle(py, |state| self.shared(state, body))
    }

    /// Whether a derivative flows into it.
    pub fn is_active(&self, py: Python<'_>) -> PyResult<bool> {
        state::with(py, |state| {
            let handle = self.handle(state.generation)?;
            let node = state.rec.node(handle);
            Ok(state.rec.graph.node(node).active)
        })
    }

    /// The only element, for Python's conversions.
    pub(super) fn single(&self, py: Python<'_>, what: &str) -> PyResult<(DType, u64)> {
        self.single_of(py, what, None)
    }

    /// As [`Tracer::single`], for a conversion that looks at no more than what `fun` leaves.
    pub(super) fn single_of(
        &self,
        py: Python<'_>,
        what: &str,
        fun: Option<Fun>,
    ) -> PyResult<(DType, u64)> {
        let not_one = || text::not_one_element(what);
        if self.shape_vec(py)?.iter().product::<usize>() != 1 {
            return Err(not_one());
        }
        let value = state::with(py, |state| {
            let node = self.node(state)?;
            let node = fun.map_or(node, |fun| state.rec.decisive(node, fun));
            state.rec.value(node)
        })?;
        let bits = scalar_bits(&value).ok_or_else(not_one)?;
        Ok((value.dtype(), bits))
    }
}

impl Tracer {
    pub(super) fn copy(slf: &Bound<'_, Self>, order: &str) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        state::wrap_handle(py, |state| {
            let handle = slf.get().handle(state.generation)?;
            if state.rec.shape(handle).is_empty() && matches!(handle, Handle::Value(_)) {
                return Ok(handle);
            }
            match order {
                "K" | "A" => Ok(state.rec.copy_keep(handle)),
                "F" => {
                    let mut own = handle;
                    let reversed: Vec<usize> = (0..state.rec.shape(handle).len()).rev().collect();
                    let turned = state.rec.transpose(&mut own, &reversed)?;
                    let mut copy = state.rec.copy(turned);
                    state.rec.transpose(&mut copy, &reversed)
                }
                _ => Ok(state.rec.copy(handle)),
            }
        })
    }

    /// `+x`: a copy, a NumPy scalar without dimensions.
    pub(super) fn positive(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        state::wrap_handle(slf.py(), |state| {
            let handle = slf.get().handle(state.generation)?;
            if state.rec.shape(handle).is_empty() {
                let node = state.rec.node(handle);
                return Ok(state.rec.fresh(node));
            }
            Ok(state.rec.copy_keep(handle))
        })
    }

    pub(super) fn rounded<'py>(
        &self,
        py: Python<'py>,
        fun: Fun,
        how: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (dtype, bits) = self.single_of(py, "scalar", Some(fun))?;
        let value = if dtype.is_float() {
            f64::from_bits(bits)
        } else {
            bits.cast_signed() as f64
        };
        py.import("math")?.getattr(how)?.call1((value,))
    }
}

/// The value of a tracer as a NumPy array.
pub fn numpy_value<'py>(tracer: &Bound<'py, Tracer>) -> PyResult<Bound<'py, PyAny>> {
    let py = tracer.py();
    let value = tracer.get().value(py)?;
    arrays::to_numpy(py, &value)
}
