//! The recording of the current thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jacrs::array::{Array, DType};
use jacrs::error::text as engine_text;
use jacrs::error::{Result, caught};
use jacrs::ir::NodeId;
use jacrs::trace::{Access, Handle, Recording, Weak};
use numpy::PyUntypedArray;
use pyo3::prelude::*;

use crate::arrays::{self, Take};
use crate::compiled::Kept;
use crate::error::{Located, raised_at};
use crate::given::{self, Arguments, Watched};
use crate::location::Locations;
use crate::signals::{attached, settle};
use crate::text;
use crate::tracer::{self, Tracer};

/// A recording with what belongs to it on the Python side.
pub struct State {
    pub rec: Recording,
    pub generation: u32,
    pub locations: Locations,
    captures: HashMap<usize, Capture>,
    /// The first refusal: NumPy would not have raised it, so who catches it takes a wrong path.
    pub refusal: Option<PyErr>,
    /// The arguments of the calls that are being recorded.
    arguments: Arguments,
    /// What is noted of a recording that will be run again: where its inputs come from, and which
    /// of its nodes are blocks of Jacobians.
    pub kept: Option<Kept>,
    /// Of whoever closes the recording.
    life: std::sync::Weak<()>,
}

/// A captured array: the object is kept so that its address stays its own.
struct Capture {
    _object: Py<PyAny>,
    snapshot: Array,
    handle: Handle,
}

thread_local! {
    static CURRENT: RefCell<Option<Box<State>>> = const { RefCell::new(None) };
}

impl State {
    /// A new recording, told from all others by its generation. It ends with `life`.
    pub fn new(life: &Arc<()>) -> Box<Self> {
        static GENERATIONS: AtomicU32 = AtomicU32::new(1);
        Box::new(Self {
            rec: Recording::new(),
            generation: GENERATIONS.fetch_add(1, Ordering::Relaxed),
            locations: Locations::default(),
            captures: HashMap::new(),
            refusal: None,
            arguments: Arguments::default(),
            kept: None,
            life: Arc::downgrade(life),
        })
    }

    /// A result of engine code; its error with the place at which the failing node was recorded.
    pub fn located<R>(&mut self, py: Python<'_>, result: Result<R>) -> Located<R> {
        result.map_err(|error| {
            let place = self.locations.place(py, error.location);
            (error, place)
        })
    }

    /// Gives new nodes the place in the user's code that is running now.
    pub fn locate(&mut self, py: Python<'_>) {
        self.rec.graph.location = self.locations.here(py);
    }

    /// The node of a captured array: what it holds now. Captured again unchanged it is the same
    /// input; changed in between it is another one.
    pub fn capture(&mut self, object: &Bound<'_, PyAny>, array: Array) -> Handle {
        let key = object.as_ptr() as usize;
        if let Some(known) = self.captures.get(&key)
            && same_elements(&known.snapshot, &array)
        {
            return known.handle;
        }
        let handle = self
            .rec
            .captured(array.clone(), Access::ReadOnly(engine_text::OUTSIDE));
        let capture = Capture {
            _object: object.clone().unbind(),
            snapshot: array,
            handle,
        };
        self.captures.insert(key, capture);
        handle
    }
}

fn same_elements(a: &Array, b: &Array) -> bool {
    if a.dtype() != b.dtype() || a.view().layout != b.view().layout {
        return false;
    }
    let bytes = a.view().len() * a.dtype().size();
    // SAFETY: both are our own copies of this many bytes, without gaps.
    let (x, y) = unsafe {
        (
            std::slice::from_raw_parts(a.view().ptr, bytes),
            std::slice::from_raw_parts(b.view().ptr, bytes),
        )
    };
    x == y
}

pub fn is_recording() -> bool {
    CURRENT.with(|current| {
        let Ok(current) = current.try_borrow() else {
            return false;
        };
        current.as_ref().is_some_and(|s| s.life.strong_count() > 0)
    })
}

/// Keeps a refusal for [`refusal`], in case the recorded function catches it.
pub fn remember_refusal(py: Python<'_>, error: &PyErr) {
    CURRENT.with(|current| {
        if let Ok(mut current) = current.try_borrow_mut()
            && let Some(state) = current.as_deref_mut()
        {
            state.refusal.get_or_insert_with(|| error.clone_ref(py));
        }
    });
}

/// The first refusal of the current recording.
pub fn refusal(py: Python<'_>) -> Option<PyErr> {
    CURRENT.with(|current| {
        let current = current.try_borrow().ok()?;
        current
            .as_deref()?
            .refusal
            .as_ref()
            .map(|e| e.clone_ref(py))
    })
}

/// Watches an argument of the current recording.
pub fn watch(py: Python<'_>, argument: Watched) {
    current(|state| state.arguments.watch(py, argument));
}

/// The arguments of one session, which are watched no more.
pub fn watched(session: usize) -> Vec<Watched> {
    current(|state| state.arguments.take(session)).unwrap_or_default()
}

/// Notes that recorded code can reach an array from outside.
#[pyfunction]
pub fn expose(array: &Bound<'_, PyUntypedArray>) {
    let span = given::span(array);
    current(|state| state.arguments.expose(array.py(), span));
}

/// Makes `state` the recording of this thread; gives back what was there.
pub fn replace(state: Option<Box<State>>) -> Option<Box<State>> {
    CURRENT.with(|current| current.replace(state))
}

/// Closes the innermost levels of lanes of the recording of this thread, if there is one.
pub fn close_lanes(open: usize) {
    current(|state| state.rec.close_lanes(open));
}

/// Ends the recording of this thread if it is the one of that number.
pub fn take(generation: u32) -> Option<Box<State>> {
    CURRENT.with(|current| {
        let mut current = current.borrow_mut();
        current.take_if(|state| state.generation == generation)
    })
}

/// Runs engine code on the current recording. No Python code may run inside.
pub fn with<R>(py: Python<'_>, body: impl FnOnce(&mut State) -> Result<R>) -> PyResult<R> {
    let result = current(|state| {
        let result = caught(|| body(state));
        state.located(py, result)
    });
    raised_at(py, result.ok_or_else(|| not_recording(py))?)
}

/// As [`with`], for what may take long: signals are looked at, whose handlers see no recording.
pub fn with_patience<R>(py: Python<'_>, body: impl FnOnce(&mut State) -> Result<R>) -> PyResult<R> {
    let result = current(|state| {
        let (raised, result) = attached(|| body(state));
        (raised, state.located(py, result))
    });
    let (raised, result) = result.ok_or_else(|| not_recording(py))?;
    settle(&raised, || raised_at(py, result))
}

fn current<R>(body: impl FnOnce(&mut State) -> R) -> Option<R> {
    CURRENT.with(|current| {
        // Held only where a finalizer or a signal handler runs in the middle of an operation.
        let mut current = current.try_borrow_mut().ok()?;
        current.as_deref_mut().map(body)
    })
}

fn not_recording(py: Python<'_>) -> PyErr {
    text::not_recording(py)
}

/// An argument of an operation, read from Python before the recording is touched.
pub enum Operand<'py> {
    Tracer(Bound<'py, Tracer>),
    /// A Python float, with the address of the object.
    Float(f64, usize),
    /// A NumPy float scalar: of a definite type.
    Scalar(f64, DType, usize),
    Int(i64),
    Bool(bool),
    /// An array as it is now, and how weak its type is.
    Array(Bound<'py, PyAny>, Array, Weak),
}

impl<'py> Operand<'py> {
    /// Reads an object; `None` where it is nothing that an array operation takes.
    pub fn read(x: &Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        use pyo3::types::{PyBool, PyFloat, PyInt, PyList, PyTuple};
        if let Ok(tracer) = x.cast::<Tracer>() {
            return Ok(Some(Self::Tracer(tracer.clone())));
        }
        let address = x.as_ptr() as usize;
        if let Ok(float) = x.cast_exact::<PyFloat>() {
            return Ok(Some(Self::Float(float.value(), address)));
        }
        if let Ok(truth) = x.cast_exact::<PyBool>() {
            return Ok(Some(Self::Bool(truth.is_true())));
        }
        if let Ok(integer) = x.cast_exact::<PyInt>() {
            return match integer.extract::<i64>() {
                Ok(value) => Ok(Some(Self::Int(value))),
                Err(_) => Ok(Some(Self::Float(x.extract::<f64>()?, address))),
            };
        }
        if x.is_instance_of::<pyo3::types::PyComplex>() {
            return Err(text::complex_number(x.py()));
        }
        if contains_tracer(x, 0) {
            // A list with traced items: the array that NumPy would make of it.
            let array = x
                .py()
                .import("jacrs.numpy")?
                .getattr("array")?
                .call1((x,))?;
            return Ok(Some(Self::Tracer(array.cast_into::<Tracer>()?)));
        }
        let is_array = x.cast::<numpy::PyUntypedArray>().is_ok();
        if is_array {
            arrays::refuse_subclass(x)?;
        }
        if !is_array && let Ok(float) = x.cast::<PyFloat>() {
            return Ok(Some(Self::Scalar(float.value(), DType::F64, address)));
        }
        if is_array
            || x.is_instance_of::<PyList>()
            || x.is_instance_of::<PyTuple>()
            || x.is_instance_of::<PyInt>() // such as an enumeration: of type int64 to NumPy
            || is_generic(x)?
        {
            let array = arrays::asarray(x)?;
            let taken = arrays::from_numpy(&array, Take::Copy)?;
            let weak = if arrays::is_narrow_integer(&array) {
                Weak::Int
            } else {
                Weak::None
            };
            return Ok(Some(Self::Array(x.clone(), taken, weak)));
        }
        Ok(None)
    }

    /// As [`Operand::read`], with an error for anything else.
    pub fn require(x: &Bound<'py, PyAny>) -> PyResult<Self> {
        Self::read(x)?.ok_or_else(|| {
            let kind = x
                .get_type()
                .name()
                .map_or_else(|_| "this".into(), |n| n.to_string());
            text::not_an_operand(x.py(), kind)
        })
    }
}

/// Whether nested lists and tuples hold a tracer somewhere.
fn contains_tracer(x: &Bound<'_, PyAny>, depth: usize) -> bool {
    use pyo3::types::{PyList, PyListMethods, PyTuple, PyTupleMethods};
    // As deep as arrays have axes: a list may hold itself.
    const DEEPEST: usize = 64;
    if depth > DEEPEST {
        return false;
    }
    let holds =
        |item: Bound<'_, PyAny>| item.cast::<Tracer>().is_ok() || contains_tracer(&item, depth + 1);
    if let Ok(list) = x.cast::<PyList>() {
        return list.iter().any(holds);
    }
    x.cast::<PyTuple>()
        .is_ok_and(|tuple| tuple.iter().any(holds))
}

fn is_generic(x: &Bound<'_, PyAny>) -> PyResult<bool> {
    static GENERIC: pyo3::sync::PyOnceLock<Py<PyAny>> = pyo3::sync::PyOnceLock::new();
    let py = x.py();
    let generic = GENERIC.get_or_try_init(py, || {
        py.import("numpy")?.getattr("generic").map(Bound::unbind)
    })?;
    x.is_instance(generic.bind(py))
}

impl State {
    /// The node of an operand, and how weak its type is.
    pub fn node(&mut self, operand: &Operand<'_>) -> Result<(NodeId, Weak)> {
        let location = self.rec.graph.location;
        Ok(match operand {
            Operand::Tracer(tracer) => {
                let handle = tracer.get().handle(self.generation)?;
                let node = self.rec.node(handle);
                self.rec.check_lane(node)?;
                (node, Weak::None)
            }
            Operand::Float(value, address) => (
                self.rec
                    .literal_f64(*value, DType::F64, (*address, location)),
                Weak::Float,
            ),
            Operand::Scalar(value, dtype, address) => (
                self.rec.literal_f64(*value, *dtype, (*address, location)),
                Weak::None,
            ),
            Operand::Int(value) => (self.rec.literal_i64(*value), Weak::Int),
            Operand::Bool(value) => (self.rec.literal_bool(*value), Weak::Bool),
            Operand::Array(object, array, weak) => {
                let handle = self.capture(object, array.clone());
                (self.rec.node(handle), *weak)
            }
        })
    }

    /// The handle of an operand, so that a result can follow its memory order.
    pub fn handle(&self, operand: &Operand<'_>) -> Option<Handle> {
        match operand {
            Operand::Tracer(tracer) => tracer.get().handle(self.generation).ok(),
            Operand::Array(object, ..) => self
                .captures
                .get(&(object.as_ptr() as usize))
                .map(|known| known.handle),
            _ => None,
        }
    }

    /// The node of a value that stands alone, with its weak type settled as NumPy's default.
    pub fn strong(&mut self, operand: &Operand<'_>) -> Result<NodeId> {
        Ok(self.node(operand)?.0)
    }
}

/// Axes that NumPy allows.
pub const MOST_AXES: usize = 64;

fn check_axes(shape: &[usize]) -> Result<()> {
    if shape.len() <= MOST_AXES {
        return Ok(());
    }
    Err(engine_text::too_many_axes(MOST_AXES, shape.len()))
}

/// A tracer for a node just made, as NumPy returns it: a scalar if it is 0-d.
pub fn wrap(
    py: Python<'_>,
    body: impl FnOnce(&mut State) -> Result<NodeId>,
) -> PyResult<Py<PyAny>> {
    let (handle, generation, array) = with(py, |state| {
        state.locate(py);
        let node = body(state)?;
        check_axes(state.rec.graph.shape(node))?;
        let handle = state.rec.fresh(node);
        Ok((
            handle,
            state.generation,
            !state.rec.graph.shape(node).is_empty(),
        ))
    })?;
    tracer::new(py, generation, handle, array)
}

/// A tracer for a handle just made.
pub fn wrap_handle(
    py: Python<'_>,
    body: impl FnOnce(&mut State) -> Result<Handle>,
) -> PyResult<Py<PyAny>> {
    let (handle, generation, array) = with(py, |state| {
        state.locate(py);
        let handle = body(state)?;
        check_axes(state.rec.shape(handle))?;
        let array = !state.rec.shape(handle).is_empty() || matches!(handle, Handle::View(_));
        Ok((handle, state.generation, array))
    })?;
    tracer::new(py, generation, handle, array)
}
