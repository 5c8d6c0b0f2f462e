//! One call of a transform: a recording of its own, or a part of the one that is under way.

mod values;

use std::sync::{Arc, Mutex, PoisonError};

use jacrs::array::DType;
use jacrs::differentiate;
use jacrs::error::Result;
use jacrs::ir::NodeId;
use jacrs::sparsity::detect;
use jacrs::trace::{Access, Handle};
use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::arrays::{self, Take};
use crate::error::{raise_as, raised_at};
use crate::given::Watched;
use crate::linear::{self, Block, Function, LinearMap};
use crate::programs::{self, Request};
use crate::pullback::{Pullback, pullback};
use crate::signals::{attached, detached, settle};
use crate::sparsity::Structure;
use crate::state::{self, State};
use crate::text;
use crate::tracer::{self, Tracer};

pub use values::{Given, fresh, nodes, read_given, tracers};
use values::{blocks, cheaper, filled, parse_mode};

/// A recording, from the first argument to the last result.
#[pyclass(frozen, module = "jacrs._jacrs")]
pub struct Session {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    joined: bool,
    open: bool,
    /// The levels of lanes that were open before this session opened one.
    levels: Option<usize>,
    /// The number of the recording that was started.
    generation: u32,
    arguments: usize,
    /// The recording after it was closed.
    kept: Option<Box<State>>,
    /// The recording ends with this object, closed or not.
    life: Arc<()>,
}

impl Session {
    /// A number that no other session has while this one lives.
    fn mark(&self) -> usize {
        Arc::as_ptr(&self.inner().life).addr()
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error of a run. Programs do not know where their steps were recorded: where a matrix could
    /// not be factored, the recording is evaluated node by node to find its place.
    pub fn placed(&self, py: Python<'_>, error: PyErr, outputs: &[NodeId]) -> PyErr {
        let failed = py
            .import("numpy.linalg")
            .and_then(|module| module.getattr("LinAlgError"))
            .is_ok_and(|class| error.is_instance(py, &class));
        if !failed {
            return error;
        }
        let evaluate = |state: &mut State| {
            outputs
                .iter()
                .try_for_each(|&y| state.rec.value(y).map(drop))
        };
        self.with(py, evaluate).err().unwrap_or(error)
    }

    /// Runs engine code on this session's recording, under way or closed.
    pub fn with<R>(
        &self,
        py: Python<'_>,
        body: impl FnOnce(&mut State) -> Result<R>,
    ) -> PyResult<R> {
        // Taken out while it is used: Python code that runs in between must not wait for a lock.
        let Some(mut state) = self.inner().kept.take() else {
            return state::with(py, body);
        };
        let result = attached(|| body(&mut state));
        let result = state.located(py, result);
        self.inner().kept = Some(state);
        settle(|| raised_at(py, result))
    }
}

#[pymethods]
impl Session {
    #[new]
    fn new() -> Self {
        Self {
            inner: Mutex::default(),
        }
    }

    /// Whether this thread was recording already: then results are tracers.
    #[getter]
    fn joined(&self) -> bool {
        self.inner().joined
    }

    /// Starts a recording on this thread, or joins the one there is.
    fn open(&self, py: Python<'_>) -> PyResult<()> {
        let mut inner = self.inner();
        if inner.open || inner.kept.is_some() {
            drop(inner);
            return Err(raise_as(py, "internal", "a session records once"));
        }
        inner.open = true;
        inner.joined = state::is_recording();
        if !inner.joined {
            let state = State::new(&inner.life);
            inner.generation = state.generation;
            drop(inner);
            // What an abandoned recording held goes without a lock.
            drop(state::replace(Some(state)));
        }
        Ok(())
    }

    /// Raises the first refusal that the recorded function caught, if it caught one; gives the
    /// number of an argument that holds something else than when it was given, if there is one.
    fn check(&self, py: Python<'_>) -> PyResult<Option<usize>> {
        let Some((error, note)) = state::refusal(py) else {
            let given = state::watched(self.mark());
            return Ok((given.iter().find(|x| x.has_changed(py))).map(|x| x.number));
        };
        error.value(py).call_method1("add_note", (note,))?;
        Err(error)
    }

    /// Ends the recording if there is no more to say of its result than that it is one float64
    /// array of it, without dimensions if it is to be a `scalar`; tells whether that is so.
    fn ends_with(&self, py: Python<'_>, y: &Bound<'_, PyAny>, scalar: bool) -> PyResult<bool> {
        let Ok(tracer) = y.cast::<Tracer>() else {
            return Ok(false);
        };
        let plain = !self.joined()
            && state::with(py, |state| {
                let handle = tracer.get().handle(state.generation)?;
                let fits = !scalar || state.rec.shape(handle).is_empty();
                Ok(fits && state.rec.dtype(handle) == DType::F64)
            })?;
        if plain {
            self.close(py)?;
        }
        Ok(plain)
    }

    /// Ends the recording; its tracers raise from then on.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        // Its traceback knows this session, which would never be freed: dropped last, with no lock.
        let _refusal;
        let mut inner = self.inner();
        if let Some(levels) = inner.levels.take() {
            state::close_lanes(levels);
        }
        if inner.open && !inner.joined {
            let Some(mut state) = state::take(inner.generation) else {
                drop(inner);
                return Err(text::another_thread(py));
            };
            _refusal = state.refusal.take();
            inner.kept = Some(state);
        }
        inner.open = false;
        Ok(())
    }

    /// Opens a level of `width` lanes, which lasts until `close`: one lane of each source, along
    /// its axis.
    fn open_lanes(
        &self,
        py: Python<'_>,
        width: usize,
        sources: Vec<Bound<'_, Tracer>>,
        axes: Vec<usize>,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let mut before = 0;
        let (made, generation) = state::with(py, |state| {
            state.locate(py);
            let handles = (sources.iter())
                .map(|x| x.get().handle(state.generation))
                .collect::<Result<Vec<_>>>()?;
            let sources: Vec<_> = handles.into_iter().zip(axes).collect();
            before = state.rec.open_levels();
            let lanes = state.rec.open_lanes(width, &sources)?;
            let made = lanes
                .into_iter()
                .map(|h| (h, matches!(h, Handle::View(_))))
                .collect();
            Ok((made, state.generation))
        })?;
        self.inner().levels.get_or_insert(before);
        tracers(py, made, generation)
    }

    /// The outputs over all lanes, these along the given axes; without one an output is given back
    /// as it is, or none where it is not the same in all lanes.
    fn stack_lanes(
        &self,
        py: Python<'_>,
        outputs: &Bound<'_, PyList>,
        axes: Vec<Option<usize>>,
    ) -> PyResult<Vec<Option<Py<PyAny>>>> {
        let outputs = read_given(outputs)?;
        let (made, generation) = state::with(py, |state| {
            state.locate(py);
            let ys = nodes(state, &outputs)?;
            let ys: Vec<_> = ys.into_iter().zip(axes).collect();
            let stacked = state.rec.stack_lanes(&ys)?;
            let made: Vec<_> = stacked
                .into_iter()
                .map(|y| y.map(|y| fresh(state, y)))
                .collect();
            Ok((made, state.generation))
        })?;
        made.into_iter()
            .map(|made| {
                made.map(|(handle, array)| tracer::new(py, generation, handle, array))
                    .transpose()
            })
            .collect()
    }

    /// A fresh, read-only name for an argument; `keep` where it may change before the recording is
    /// run.
    #[pyo3(signature = (x, differentiable, keep = false))]
    fn argument(
        &self,
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        differentiable: bool,
        keep: bool,
    ) -> PyResult<Py<PyAny>> {
        let (joined, number) = {
            let mut inner = self.inner();
            inner.arguments += 1;
            (inner.joined, inner.arguments - 1)
        };
        if let Ok(tracer) = x.cast::<Tracer>() {
            return state::wrap_handle(py, |state| {
                let handle = tracer.get().handle(state.generation)?;
                let node = state.rec.node(handle);
                Ok(if differentiable {
                    state.rec.opaque(node)
                } else {
                    state.rec.fresh(node)
                })
            });
        }
        let array = arrays::asarray(x)?;
        // An outer recording goes on, and runs later.
        let take = if keep || joined {
            Take::Copy
        } else {
            Take::Borrow
        };
        let taken = arrays::from_numpy(&array, take)?;
        if !keep {
            state::watch(py, Watched::new(self.mark(), number, &array));
        }
        state::wrap_unlocated(py, |state| {
            if !joined {
                return Ok(state.rec.argument(taken, differentiable));
            }
            let handle = state
                .rec
                .captured(taken, Access::ReadOnly(jacrs::error::text::ARGUMENT));
            let node = state.rec.node(handle);
            Ok(if differentiable {
                state.rec.opaque(node)
            } else {
                handle
            })
        })
    }

    /// For each output and input, whether a derivative flows.
    fn depends(
        &self,
        py: Python<'_>,
        outputs: &Bound<'_, PyList>,
        inputs: &Bound<'_, PyList>,
    ) -> PyResult<Vec<Vec<bool>>> {
        let (outputs, inputs) = (read_given(outputs)?, read_given(inputs)?);
        self.with(py, |state| {
            let (ys, xs) = (nodes(state, &outputs)?, nodes(state, &inputs)?);
            Ok(differentiate::dependence(&state.rec.graph, &ys, &xs))
        })
    }

    /// Tangents of the outputs, as tracers.
    fn jvp(
        &self,
        py: Python<'_>,
        outputs: &Bound<'_, PyList>,
        inputs: &Bound<'_, PyList>,
        tangents: &Bound<'_, PyList>,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let given = (
            read_given(outputs)?,
            read_given(inputs)?,
            read_given(tangents)?,
        );
        let (made, generation) = state::with(py, |state| {
            state.locate(py);
            let (ys, xs, ts) = (
                nodes(state, &given.0)?,
                nodes(state, &given.1)?,
                nodes(state, &given.2)?,
            );
            let ts: Vec<_> = ts.into_iter().map(Some).collect();
            let moved = differentiate::jvp(&mut state.rec.graph, &ys, &xs, &ts);
            Ok((filled(state, moved, &ys), state.generation))
        })?;
        tracers(py, made, generation)
    }

    /// Cotangents of the inputs, as tracers.
    fn vjp(
        &self,
        py: Python<'_>,
        outputs: &Bound<'_, PyList>,
        inputs: &Bound<'_, PyList>,
        cotangents: &Bound<'_, PyList>,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let given = (
            read_given(outputs)?,
            read_given(inputs)?,
            read_given(cotangents)?,
        );
        let (made, generation) = state::with(py, |state| {
            state.locate(py);
            let (ys, xs, cts) = (
                nodes(state, &given.0)?,
                nodes(state, &given.1)?,
                nodes(state, &given.2)?,
            );
            let cts: Vec<_> = cts.into_iter().map(Some).collect();
            let swept = differentiate::vjp(&mut state.rec.graph, &ys, &xs, &cts);
            Ok((filled(state, swept, &xs), state.generation))
        })?;
        tracers(py, made, generation)
    }

    /// Blocks `[i][j]` of shape `outputs[i].shape + inputs[j].shape`, as tracers.
    fn jacobian(
        &self,
        py: Python<'_>,
        outputs: &Bound<'_, PyList>,
        inputs: &Bound<'_, PyList>,
        mode: Option<&str>,
    ) -> PyResult<Vec<Vec<Py<PyAny>>>> {
        let mode = parse_mode(py, mode)?;
        let given = (read_given(outputs)?, read_given(inputs)?);
        let (rows, generation) = state::with(py, |state| {
            state.locate(py);
            let (ys, xs) = (nodes(state, &given.0)?, nodes(state, &given.1)?);
            let mode = mode.unwrap_or_else(|| cheaper(&state.rec.graph, &ys, &xs));
            let rows = blocks(state, ys, xs, mode)?;
            Ok((rows, state.generation))
        })?;
        rows.into_iter()
            .map(|made| tracers(py, made, generation))
            .collect()
    }

    /// The values of the outputs, node by node: each is computed once, with what was asked for while
    /// recording and in other calls. For a few values; see `run_values` for all that a call gives.
    fn values(&self, py: Python<'_>, outputs: &Bound<'_, PyList>) -> PyResult<Vec<Py<PyAny>>> {
        let outputs = read_given(outputs)?;
        let results = self.with(py, |state| {
            let ys = nodes(state, &outputs)?;
            ys.into_iter()
                .map(|y| state.rec.value(y))
                .collect::<Result<Vec<_>>>()
        })?;
        results
            .iter()
            .map(|array| Ok(arrays::to_numpy(py, array)?.unbind()))
            .collect()
    }

    /// The values of the outputs, as one planned program.
    fn run_values(&self, py: Python<'_>, outputs: &Bound<'_, PyList>) -> PyResult<Vec<Py<PyAny>>> {
        let outputs = read_given(outputs)?;
        let (wish, ys) = self.with(py, |state| {
            let ys = nodes(state, &outputs)?;
            Ok((programs::prepare(state, Request::Values, &ys, &[]), ys))
        })?;
        let run = programs::products(py, &wish.planned(py)?);
        Ok(run.map_err(|e| self.placed(py, e, &ys))?.0)
    }

    /// Values of the outputs and their tangents.
    fn run_jvp(
        &self,
        py: Python<'_>,
        outputs: &Bound<'_, PyList>,
        inputs: &Bound<'_, PyList>,
        tangents: &Bound<'_, PyList>,
    ) -> PyResult<(Vec<Py<PyAny>>, Vec<Py<PyAny>>)> {
        self.products(py, Request::Jvp, outputs, inputs, tangents)
    }

    /// Values of the outputs and the cotangents of the inputs.
    fn run_vjp(
        &self,
        py: Python<'_>,
        outputs: &Bound<'_, PyList>,
        inputs: &Bound<'_, PyList>,
        cotangents: &Bound<'_, PyList>,
    ) -> PyResult<(Vec<Py<PyAny>>, Vec<Py<PyAny>>)> {
        self.products(py, Request::Vjp, outputs, inputs, cotangents)
    }

    /// Values of the outputs, and their pullback.
    fn pullback(
        &self,
        py: Python<'_>,
        outputs: &Bound<'_, PyList>,
        inputs: &Bound<'_, PyList>,
    ) -> PyResult<(Vec<Py<PyAny>>, Pullback)> {
        let given = (read_given(outputs)?, read_given(inputs)?);
        let (wish, ys) = self.with(py, |state| {
            let (ys, xs) = (nodes(state, &given.0)?, nodes(state, &given.1)?);
            let wish = programs::prepare(state, Request::Pullback, &ys, &xs);
            Ok((wish, ys))
        })?;
        let run = pullback(py, &wish.planned(py)?);
        run.map_err(|e| self.placed(py, e, &ys))
    }

    /// Values of the outputs, and the linear map of tangents and cotangents, which needs the session
    /// no more. `starts` are the numbers of the first row of each output.
    fn linear_map(
        &self,
        py: Python<'_>,
        outputs: &Bound<'_, PyList>,
        inputs: &Bound<'_, PyList>,
        starts: Vec<usize>,
    ) -> PyResult<(Vec<Py<PyAny>>, LinearMap)> {
        let given = (read_given(outputs)?, read_given(inputs)?);
        let (wish, graph, ys, xs) = self.with(py, |state| {
            let (ys, xs) = (nodes(state, &given.0)?, nodes(state, &given.1)?);
            let wish = programs::prepare(state, Request::Linear, &ys, &xs);
            Ok((wish, state.rec.graph.clone(), ys, xs))
        })?;
        let job = wish.planned(py)?;
        let placed = ys.iter().copied().zip(starts).collect();
        let function = Function {
            graph,
            ys: placed,
            xs,
        };
        linear::linear_map(py, job, function).map_err(|e| self.placed(py, e, &ys))
    }

    /// Where the Jacobian of the outputs by the inputs may be other than zero.
    fn sparsity(
        &self,
        py: Python<'_>,
        outputs: &Bound<'_, PyList>,
        inputs: &Bound<'_, PyList>,
    ) -> PyResult<Structure> {
        let given = (read_given(outputs)?, read_given(inputs)?);
        let (graph, data, ys, xs) = self.with(py, |state| {
            let (ys, xs) = (nodes(state, &given.0)?, nodes(state, &given.1)?);
            Ok((state.rec.graph.clone(), state.rec.inputs(), ys, xs))
        })?;
        let found = detached(py, || detect(&graph, &ys, &xs, &data));
        found
            .map(|found| Structure::new(py, found.pattern))
            .map_err(|e| self.placed(py, e, &ys))
    }

    /// Elements of the Jacobian as tracers: blocks with their places among the rows and columns.
    fn submatrix(
        &self,
        py: Python<'_>,
        outputs: &Bound<'_, PyList>,
        inputs: &Bound<'_, PyList>,
        starts: Vec<usize>,
        rows: &Bound<'_, PyAny>,
        columns: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<Block>> {
        let given = (read_given(outputs)?, read_given(inputs)?);
        let (rows, columns) = (linear::read_places(rows)?, linear::read_places(columns)?);
        let (made, generation) = state::with(py, |state| {
            let (ys, xs) = (nodes(state, &given.0)?, nodes(state, &given.1)?);
            let ys: Vec<_> = ys.into_iter().zip(starts).collect();
            let made = linear::record_submatrix(py, state, &ys, &xs, &rows, &columns)?;
            Ok((made, state.generation))
        })?;
        (made.into_iter())
            .map(|(rows, columns, (handle, array))| {
                let places = (
                    linear::as_index(py, &rows)?,
                    linear::as_index(py, &columns)?,
                );
                let block = tracer::new(py, generation, handle, array)?;
                Ok((places.0, places.1, block))
            })
            .collect()
    }

    /// Values of the outputs, and blocks `[i][j]` of shape `outputs[i].shape + inputs[j].shape`,
    /// `chunk_size` directions at a time. Blocks are written to `targets` where that is possible;
    /// those that come back as other arrays are to be copied there.
    #[pyo3(signature = (outputs, inputs, mode, chunk_size = None, targets = None))]
    fn run_jacobian(
        &self,
        py: Python<'_>,
        outputs: &Bound<'_, PyList>,
        inputs: &Bound<'_, PyList>,
        mode: Option<&str>,
        chunk_size: Option<usize>,
        targets: Option<Vec<Bound<'_, PyUntypedArray>>>,
    ) -> PyResult<(Vec<Py<PyAny>>, Vec<Vec<Py<PyAny>>>)> {
        let mode = parse_mode(py, mode)?;
        let given = (read_given(outputs)?, read_given(inputs)?);
        let (wish, ys) = self.with(py, |state| {
            let (ys, xs) = (nodes(state, &given.0)?, nodes(state, &given.1)?);
            let mode = mode.unwrap_or_else(|| cheaper(&state.rec.graph, &ys, &xs));
            let wish = programs::prepare(state, Request::Jacobian(mode), &ys, &xs);
            Ok((wish, ys))
        })?;
        let job = wish.planned(py)?;
        let run = programs::jacobian(py, &job, chunk_size, targets.as_deref());
        run.map_err(|e| self.placed(py, e, &ys))
    }

    /// What was recorded, and how it is run, in words.
    fn explain(
        &self,
        py: Python<'_>,
        outputs: &Bound<'_, PyList>,
        inputs: &Bound<'_, PyList>,
        mode: Option<&str>,
    ) -> PyResult<String> {
        let mode = parse_mode(py, mode)?;
        let given = (read_given(outputs)?, read_given(inputs)?);
        let (recorded, wish) = self.with(py, |state| {
            let (ys, xs) = (nodes(state, &given.0)?, nodes(state, &given.1)?);
            let mode = mode.unwrap_or_else(|| cheaper(&state.rec.graph, &ys, &xs));
            let wish = programs::prepare(state, Request::Jacobian(mode), &ys, &xs);
            Ok((state.rec.graph.len(), wish))
        })?;
        Ok(format!(
            "recorded: {recorded} nodes\n{}",
            programs::describe(&wish.planned(py)?.program)
        ))
    }

    /// The recorded graph in the text form of the engine.
    fn graph(&self, py: Python<'_>, outputs: &Bound<'_, PyList>) -> PyResult<String> {
        let outputs = read_given(outputs)?;
        self.with(py, |state| {
            let ys = nodes(state, &outputs)?;
            let mut graph = state.rec.graph.clone();
            graph.outputs = ys;
            Ok(jacrs::ir::print(&graph))
        })
    }
}

impl Session {
    fn products(
        &self,
        py: Python<'_>,
        request: Request,
        outputs: &Bound<'_, PyList>,
        inputs: &Bound<'_, PyList>,
        seeds: &Bound<'_, PyList>,
    ) -> PyResult<(Vec<Py<PyAny>>, Vec<Py<PyAny>>)> {
        let given = (read_given(outputs)?, read_given(inputs)?);
        let (wish, ys) = self.with(py, |state| {
            let (ys, xs) = (nodes(state, &given.0)?, nodes(state, &given.1)?);
            Ok((programs::prepare(state, request, &ys, &xs), ys))
        })?;
        let mut job = wish.planned(py)?;
        for seed in seeds.iter() {
            let array = arrays::asarray(&seed)?;
            job.inputs.push(arrays::from_numpy(&array, Take::Borrow)?);
        }
        programs::products(py, &job).map_err(|e| self.placed(py, e, &ys))
    }
}
