//! A recording that becomes a trace.

use std::sync::{Mutex, PoisonError};

use jacrs::array::{Array, DType};
use jacrs::ir::{Graph, NodeId};
use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::built::Built;
use super::form::{Arguments, Containers};
use super::guard::Guard;
use super::maps::{Asked, Map};
use super::settled::Settled;
use super::trace::{Parts, Trace};
use crate::arrays::{self, Take};
use crate::error::raise_as;
use crate::programs::{self, Blocks};
use crate::session::{nodes, read_given};
use crate::signals::detached;
use crate::state;

/// What is noted of a recording that will be run again.
#[derive(Default)]
pub struct Kept {
    /// The inputs that the function reached outside its arguments.
    reached: Vec<usize>,
    /// Jacobians, and the nodes of their blocks, row by row.
    jacobians: Vec<(Blocks, Vec<NodeId>)>,
}

impl Kept {
    pub fn note(&mut self, blocks: Blocks, nodes: Vec<NodeId>) {
        self.jacobians.push((blocks, nodes));
    }
}

/// Makes the recording of this thread one that will be run again. To be called before its inputs.
#[pyfunction]
pub fn keep_recording(py: Python<'_>) -> PyResult<()> {
    state::with(py, |state| {
        state.kept = Some(Kept::default());
        Ok(())
    })
}

/// A tracer for an array that the function reached outside its arguments: an input.
#[pyfunction]
pub fn reached(array: &Bound<'_, PyUntypedArray>) -> PyResult<Py<PyAny>> {
    let taken = arrays::from_numpy(array, Take::Copy)?;
    state::wrap_handle(array.py(), |state| {
        let input = state.rec.graph.inputs().len();
        if let Some(kept) = &mut state.kept {
            kept.reached.push(input);
        }
        Ok(state.rec.reached(taken))
    })
}

/// A tracer for a Python float that is an argument.
#[pyfunction]
pub fn number(py: Python<'_>, value: f64) -> PyResult<Py<PyAny>> {
    state::wrap(py, |state| {
        let handle = state.rec.argument(Array::scalar(value), false);
        Ok(state.rec.node(handle))
    })
}

/// The dictionary of an object's own attributes, whatever its class makes of `__dict__`.
#[pyfunction]
pub fn own_members<'py>(owner: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: a live object; a new reference, or null with an exception set.
    unsafe {
        let members = pyo3::ffi::PyObject_GenericGetDict(owner.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(owner.py(), members)
    }
}

/// Lets an object have the attributes in this dictionary, whatever its class makes of `__dict__`.
#[pyfunction]
pub fn share_members(owner: &Bound<'_, PyAny>, members: &Bound<'_, PyDict>) -> PyResult<()> {
    let (owner, members, py) = (owner.as_ptr(), members.as_ptr(), owner.py());
    // SAFETY: live objects; what is not 0 is told by an exception.
    match unsafe { pyo3::ffi::PyObject_GenericSetDict(owner, members, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(PyErr::fetch(py)),
    }
}

/// Whether anything that was recorded is of dtype float32.
#[pyfunction]
pub fn recorded_narrow(py: Python<'_>) -> PyResult<bool> {
    state::with(py, |state| {
        let g = &state.rec.graph;
        Ok(g.ids().any(|id| g.dtype(id) == DType::F32))
    })
}

/// A call that is being recorded.
#[pyclass(frozen, module = "jacrs._jacrs")]
pub struct Pending {
    arguments: Mutex<Option<Arguments>>,
    apart: Py<PyAny>,
    args: Py<PyTuple>,
    keywords: Option<Py<PyDict>>,
    /// The leaves, and for each whether it is an "array", a "number" or an "object".
    #[pyo3(get)]
    leaves: Vec<Py<PyAny>>,
    #[pyo3(get)]
    kinds: Vec<&'static str>,
}

impl Pending {
    pub fn new<'py>(
        args: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
        numbers: bool,
        apart: &Py<PyAny>,
    ) -> PyResult<Self> {
        let py = args.py();
        let containers = Containers {
            apart: apart.bind(py),
        };
        let (arguments, leaves) = Arguments::of(args, keywords, numbers, &containers)?;
        let kinds = arguments.kinds();
        Ok(Self {
            arguments: Mutex::new(Some(arguments)),
            apart: apart.clone_ref(py),
            args: args.clone().unbind(),
            keywords: keywords.map(|k| k.clone().unbind()),
            leaves: leaves.into_iter().map(Bound::unbind).collect(),
            kinds,
        })
    }

    fn take(&self) -> Option<Arguments> {
        (self.arguments.lock())
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn put(&self, arguments: Arguments) {
        *(self.arguments.lock()).unwrap_or_else(PoisonError::into_inner) = Some(arguments);
    }
}

#[pymethods]
impl Pending {
    /// Whether the arguments still look as they did.
    fn holds(&self, py: Python<'_>) -> PyResult<bool> {
        let Some(arguments) = self.take() else {
            return Ok(false);
        };
        let keywords = self.keywords.as_ref().map(|k| k.bind(py));
        let mut leaves = super::form::Leaves::new();
        let held = arguments.match_all(self.args.bind(py), keywords, &self.apart, &mut leaves);
        self.put(arguments);
        held
    }

    /// The arguments around other leaves: positional and named ones.
    fn over<'py>(
        &self,
        py: Python<'py>,
        leaves: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let containers = Containers {
            apart: self.apart.bind(py),
        };
        let Some(arguments) = self.take() else {
            return Err(raise_as(py, "internal", "a call is recorded once"));
        };
        let keywords = self.keywords.as_ref().map(|k| k.bind(py));
        let rebuilt = arguments.rebuilt(self.args.bind(py), keywords, &containers, leaves);
        self.put(arguments);
        rebuilt
    }
}

/// What Python knows of a recorded call.
pub struct Recorded<'a, 'py> {
    pub maps: Vec<Bound<'py, PyAny>>,
    pub guards: Vec<Bound<'py, PyAny>>,
    pub built: &'a Bound<'py, PyTuple>,
    pub unfollowed: Vec<String>,
    pub directions: Option<usize>,
}

/// The trace of what is being recorded.
pub fn trace(
    py: Python<'_>,
    pending: &Bound<'_, Pending>,
    outputs: &Bound<'_, PyList>,
    recorded: Recorded<'_, '_>,
) -> PyResult<Trace> {
    let given = read_given(outputs)?;
    let asked = recorded
        .maps
        .iter()
        .map(Asked::read)
        .collect::<PyResult<Vec<_>>>()?;
    let Some(arguments) = pending.get().take() else {
        return Err(raise_as(py, "internal", "a call is recorded once"));
    };
    let leaves = arguments.frames().len();
    let (graph, wanted, mut inputs, reached, answers, maps) = state::with(py, |state| {
        let outputs = nodes(state, &given)?;
        let answers = state.rec.answers()?;
        let inputs = state.rec.inputs();
        let reached = state.kept.as_ref().map_or(&[][..], |kept| &kept.reached);
        let reached = reached.to_vec();
        let varies = |k: &usize| *k < leaves || reached.contains(k);
        let constant = |k: usize| (!varies(&k)).then(|| inputs[k].to_contiguous());
        // Nothing is recorded after this; but what maps are of is still to be looked up.
        let mut graph = if asked.is_empty() {
            std::mem::take(&mut state.rec.graph)
        } else {
            state.rec.graph.clone()
        };
        let (mut maps, mut needed) = (vec![], vec![]);
        for asked in &asked {
            let (map, nodes): (Map, _) = asked.planned(state, &mut graph, &constant)?;
            maps.push(map);
            needed.extend(nodes);
        }
        let kept = state.kept.take();
        let jacobians = kept.map_or_else(Vec::new, |kept| kept.jacobians);
        let wanted = Wanted::new(&graph, &jacobians, &outputs, needed);
        Ok((graph, wanted, inputs, reached, answers, maps))
    })?;
    let settled = detached(py, || {
        let varies = |k: usize| k < leaves || reached.contains(&k);
        Ok(Settled::new(graph, &wanted, answers, &mut inputs, varies))
    })?;
    let Settled { graph, source, .. } = &settled;
    let (values, blocks) = source.wanted(graph);
    let program = programs::whole_program(py, graph, &values, blocks.as_ref())?;
    let guards = recorded.guards.iter().map(Guard::read);
    Ok(Trace::new(Parts {
        arguments,
        guards: guards.collect::<PyResult<_>>()?,
        program,
        source: settled.source,
        inputs,
        reached,
        results: wanted.results.len(),
        answers: settled.answers,
        ordered: settled.ordered,
        maps,
        built: Built::read(recorded.built)?,
        places: settled.places,
        widths: wanted.widths,
        directions: recorded.directions.unwrap_or(usize::MAX),
        unfollowed: recorded.unfollowed,
    }))
}

/// What a program is to compute, in the graph as it was recorded.
pub struct Wanted {
    /// Values that are handed out.
    pub results: Vec<NodeId>,
    /// What maps need.
    pub needed: Vec<NodeId>,
    pub blocks: Option<Blocks>,
    /// The dtypes of the blocks, whatever they are swept in.
    widths: Vec<DType>,
    /// Where each output is: whether among the blocks, and its number there or among the results.
    pub places: Vec<(bool, usize)>,
}

impl Wanted {
    /// The Jacobian that most outputs are blocks of is assembled; all else is computed as it was
    /// recorded.
    fn new(
        g: &Graph,
        jacobians: &[(Blocks, Vec<NodeId>)],
        outputs: &[NodeId],
        needed: Vec<NodeId>,
    ) -> Self {
        let of = |found: &[NodeId]| outputs.iter().filter(|y| found.contains(y)).count();
        let assembled = (jacobians.iter())
            .filter(|(_, found)| of(found) > 0)
            .max_by_key(|(_, found)| of(found));
        let mut results: Vec<NodeId> = vec![];
        let mut places = vec![];
        for &y in outputs {
            let block = assembled.and_then(|(_, found)| found.iter().position(|&b| b == y));
            places.push(match block {
                Some(k) => (true, k),
                None => {
                    results.push(y);
                    (false, results.len() - 1)
                }
            });
        }
        Self {
            results,
            needed,
            blocks: assembled.map(|(blocks, _)| blocks.clone()),
            widths: assembled.map_or_else(Vec::new, |(_, found)| dtypes(g, found)),
            places,
        }
    }
}

fn dtypes(g: &Graph, nodes: &[NodeId]) -> Vec<DType> {
    nodes.iter().map(|&id| g.dtype(id)).collect()
}

/// Whether the values and the inputs of a Jacobian are floats.
pub fn is_of_floats(g: &jacrs::ir::Graph, blocks: &Blocks) -> bool {
    let float = |&x: &NodeId| g.dtype(x).is_float();
    blocks.ys.iter().all(float) && blocks.xs.iter().all(float)
}
