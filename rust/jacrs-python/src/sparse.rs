//! Entries of sparse Jacobians: prepared once for a structure, with what its index arrays hold.

use std::sync::{Arc, Mutex, PoisonError};

use jacrs::array::{Array, Layout, copy};
use jacrs::differentiate::Mode;
use jacrs::error::Result;
use jacrs::error::text as engine_text;
use jacrs::ir::{Graph, NodeId};
use jacrs::sparsity::{Entries, Way, detect, prepare};
use jacrs::trace::Access;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::programs::as_float;
use crate::session::{Session, fresh, nodes, read_given, tracers};
use crate::signals::detached;
use crate::sparsity::Structure;
use crate::state::State;

/// What was prepared for a graph while its index arrays, and the masks that choose, held this.
struct Prepared {
    key: u128,
    decided_by: Vec<(NodeId, Array)>,
    /// Of the graph that was recorded.
    nodes: usize,
    inputs: usize,
    entries: Entries,
    strategy: String,
    structure: Py<Structure>,
}

/// Those used last, newest last.
static KNOWN: Mutex<Vec<Arc<Prepared>>> = Mutex::new(Vec::new());
const MOST: usize = 64;
const MOST_BYTES: usize = 1 << 30;

impl Prepared {
    fn bytes(&self) -> usize {
        let tables = self
            .entries
            .tables
            .iter()
            .chain(self.decided_by.iter().map(|(_, a)| a));
        tables.map(|a| a.view().len() * a.dtype().size()).sum()
    }

    /// Whether the pattern is that of what is recorded now, which has the same graph. What it is
    /// decided by counts as asked for: who runs the recording again sees whether it still holds.
    fn holds(&self, state: &mut State) -> Result<bool> {
        for (node, content) in &self.decided_by {
            if !is_same(&state.rec.value(*node)?, content) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The entries as a node of the recording.
    fn graft(&self, state: &mut State) -> NodeId {
        let tables = self.entries.tables.iter().map(|table| {
            let access = Access::ReadOnly(engine_text::OUTSIDE);
            let handle = state.rec.captured(table.clone(), access);
            state.rec.node(handle)
        });
        let tables: Vec<NodeId> = tables.collect();
        let mut inputs = state.rec.graph.inputs()[..self.inputs].to_vec();
        inputs.extend(tables);
        let outputs = (state.rec.graph).graft(&self.entries.graph, self.nodes, &inputs);
        outputs[outputs.len() - 1]
    }
}

fn is_same(a: &Array, b: &Array) -> bool {
    a.dtype() == b.dtype() && a.shape() == b.shape() && bytes_of(a) == bytes_of(b)
}

/// The elements in C order, as bytes.
fn bytes_of(a: &Array) -> Vec<u8> {
    let mut bytes = vec![0; a.view().len() * a.dtype().size()];
    let layout = Layout::contiguous(a.shape());
    copy(a.view(), bytes.as_mut_ptr(), &layout);
    bytes
}

fn known(key: u128) -> Vec<Arc<Prepared>> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    (known.iter().rev().filter(|p| p.key == key).cloned()).collect()
}

/// Makes it the one used last.
fn keep(prepared: &Arc<Prepared>) {
    let mut dropped = vec![];
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.last().is_some_and(|last| Arc::ptr_eq(last, prepared)) {
        return;
    }
    known.retain(|p| !Arc::ptr_eq(p, prepared));
    known.push(prepared.clone());
    while known.len() > 1
        && (known.len() > MOST || known.iter().map(|p| p.bytes()).sum::<usize>() > MOST_BYTES)
    {
        dropped.push(known.remove(0));
    }
    drop(known); // Python objects go without the lock
}

/// How entries are to be computed, and whether the matrix is symmetric.
type Wanted = (Option<Way>, bool);

fn parse_way(way: Option<&str>) -> Option<Way> {
    match way? {
        "structured" => Some(Way::Structured),
        "forward" => Some(Way::Seeds(Mode::Forward)),
        "star" => Some(Way::Star),
        "bidirectional" => Some(Way::Both),
        _ => Some(Way::Seeds(Mode::Reverse)),
    }
}

fn key(graph: &Graph, ys: &[NodeId], xs: &[NodeId], (way, symmetric): Wanted) -> u128 {
    let mut print = graph.fingerprint();
    print.word(u64::from(symmetric));
    print.word(match way {
        None => 0,
        Some(Way::Structured) => 1,
        Some(Way::Seeds(Mode::Forward)) => 2,
        Some(Way::Seeds(Mode::Reverse)) => 3,
        Some(Way::Star) => 4,
        Some(Way::Both) => 5,
    });
    print.word(ys.len() as u64);
    print.words(ys.iter().chain(xs).map(|id| u64::from(id.0)));
    print.finish()
}

/// The pattern of the Jacobian of the outputs by the inputs, its entries as a tracer, and how they
/// are computed.
#[pyfunction]
pub fn sparse_entries(
    py: Python<'_>,
    session: &Session,
    outputs: &Bound<'_, PyList>,
    inputs: &Bound<'_, PyList>,
    way: Option<&str>,
    symmetric: bool,
) -> PyResult<(Py<Structure>, Py<PyAny>, String)> {
    let wanted = (parse_way(way), symmetric);
    let given = (read_given(outputs)?, read_given(inputs)?);
    let (key, ys, xs) = session.with(py, |state| {
        state.locate(py);
        let (ys, xs) = (nodes(state, &given.0)?, nodes(state, &given.1)?);
        let graph = &mut state.rec.graph;
        // Integers and bools are results without a derivative.
        let ys: Vec<NodeId> = ys.iter().map(|&y| as_float(graph, y)).collect();
        Ok((key(graph, &ys, &xs, wanted), ys, xs))
    })?;
    let known = session.with(py, |state| {
        for prepared in known(key) {
            if prepared.holds(state)? {
                return Ok(Some(prepared));
            }
        }
        Ok(None)
    })?;
    let prepared = match known {
        Some(prepared) => prepared,
        None => new(py, session, key, &ys, &xs, wanted)?,
    };
    keep(&prepared);
    let (made, generation) = session.with(py, |state| {
        let node = prepared.graft(state);
        Ok((fresh(state, node), state.generation))
    })?;
    let entries = tracers(py, vec![made], generation)?.remove(0);
    Ok((
        prepared.structure.clone_ref(py),
        entries,
        prepared.strategy.clone(),
    ))
}

fn new(
    py: Python<'_>,
    session: &Session,
    key: u128,
    ys: &[NodeId],
    xs: &[NodeId],
    (way, symmetric): Wanted,
) -> PyResult<Arc<Prepared>> {
    let (graph, data) = session.with(py, |state| {
        Ok((state.rec.graph.clone(), state.rec.inputs()))
    })?;
    let (found, entries, strategy) = detached(py, || {
        let found = detect(&graph, ys, xs, &data)?;
        let (entries, strategy) = prepare(&graph, &[], ys, xs, &found, way, symmetric)?;
        Ok((found, entries, strategy))
    })
    .map_err(|e| session.placed(py, e, ys))?;
    let prepared = Prepared {
        key,
        decided_by: found.decided_by,
        nodes: graph.len(),
        inputs: graph.inputs().len(),
        entries,
        strategy: strategy.to_string(),
        structure: Py::new(py, Structure::new(py, found.pattern))?,
    };
    // As in `holds`, and the arrays are those of this recording.
    session.with(py, |state| prepared.holds(state))?;
    Ok(Arc::new(prepared))
}
