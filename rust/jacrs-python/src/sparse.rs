//! Entries of sparse Jacobians: prepared once for a structure, with what its index arrays hold.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jacrs::array::{Array, Layout, copy};
use jacrs::differentiate::Mode;
use jacrs::error::Result;
use jacrs::error::text as engine_text;
use jacrs::ir::{Graph, NodeId};
use jacrs::sparsity::{Entries, Pattern, Way, decided_by, detect, prepare, prepare_given};
use jacrs::trace::Access;
use pyo3::prelude::*;
use pyo3::types::{PyList, PySet};

use crate::programs::{Job, as_float, products, whole_program};
use crate::session::{Session, fresh, nodes, read_given, tracers};
use crate::signals::detached;
use crate::sparsity::Structure;
use crate::state::State;
use crate::verify::{Finding, Verification};

/// What was prepared for a graph while its index arrays, and the masks that choose, held this.
struct Prepared {
    key: u128,
    /// No other has it.
    number: u64,
    decided_by: Vec<(NodeId, Array)>,
    /// Of the graph that was recorded.
    nodes: usize,
    inputs: usize,
    entries: Arc<Entries>,
    strategy: String,
    structure: Py<Structure>,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

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
        self.graft_of(state, &self.entries.graph, self.entries.tables.iter())
    }

    /// The last output of a graph that was grown from what was recorded, as a node of the recording;
    /// its inputs behind the recorded ones hold these tables.
    fn graft_of<'a>(
        &self,
        state: &mut State,
        graph: &Graph,
        tables: impl Iterator<Item = &'a Array>,
    ) -> NodeId {
        let tables = tables.map(|table| {
            let access = Access::ReadOnly(engine_text::OUTSIDE);
            let handle = state.rec.captured(table.clone(), access);
            state.rec.node(handle)
        });
        let tables: Vec<NodeId> = tables.collect();
        let mut inputs = state.rec.graph.inputs()[..self.inputs].to_vec();
        inputs.extend(tables);
        let outputs = (state.rec.graph).graft(graph, self.nodes, &inputs);
        outputs[outputs.len() - 1]
    }

    /// Asks whether the numbers that a check is made of are finite: who runs the recording again
    /// where they are has it made anew, and so checked.
    fn ask_again(&self, state: &mut State, mut check: Verification) -> Result<()> {
        check.graph.outputs.drain(..check.graph.outputs.len() - 1);
        let tables = self.entries.tables.iter().chain(&check.vectors);
        let finite = self.graft_of(state, &check.graph, tables);
        state.rec.value(finite).map(drop)
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

fn key(
    graph: &Graph,
    ys: &[NodeId],
    xs: &[NodeId],
    (way, symmetric): Wanted,
    given: Option<u128>,
) -> u128 {
    let mut print = graph.fingerprint();
    if let Some(given) = given {
        print.word(5);
        print.word(given as u64);
        print.word((given >> 64) as u64);
    }
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

/// An element of the Jacobian outside of the pattern that was given: row, column and value.
type Outside = Option<(usize, usize, f64)>;

/// The pattern of the Jacobian of the outputs by the inputs, its entries as a tracer, and how they
/// are computed.
///
/// A pattern that is `given` is taken, and checked at this point unless its number is among those in
/// `checked`, where it is then entered: an element outside of it is returned.
#[pyfunction]
#[pyo3(signature = (session, outputs, inputs, way, symmetric, given = None, checked = None))]
#[expect(clippy::too_many_arguments, reason = "a call from one place")]
pub fn sparse_entries(
    py: Python<'_>,
    session: &Session,
    outputs: &Bound<'_, PyList>,
    inputs: &Bound<'_, PyList>,
    way: Option<&str>,
    symmetric: bool,
    given: Option<Py<Structure>>,
    checked: Option<&Bound<'_, PySet>>,
) -> PyResult<(Py<Structure>, Py<PyAny>, String, Outside)> {
    let wanted = (parse_way(way), symmetric);
    let nodes_of = (read_given(outputs)?, read_given(inputs)?);
    let print = given.as_ref().map(|given| given.get().print());
    let (key, ys, xs) = session.with(py, |state| {
        state.locate(py);
        let (ys, xs) = (nodes(state, &nodes_of.0)?, nodes(state, &nodes_of.1)?);
        let graph = &mut state.rec.graph;
        // Integers and bools are results without a derivative.
        let ys: Vec<NodeId> = ys.iter().map(|&y| as_float(graph, y)).collect();
        Ok((key(graph, &ys, &xs, wanted, print), ys, xs))
    })?;
    let candidates = known(key);
    let holding = session.with(py, |state| {
        for prepared in &candidates {
            if prepared.holds(state)? {
                return Ok(Some(prepared.clone()));
            }
        }
        Ok(None)
    })?;
    let prepared = match (holding, &given) {
        (Some(prepared), _) => prepared,
        (None, None) => new(py, session, key, [&ys, &xs], wanted)?,
        (None, Some(given)) => {
            let like = candidates.first().map(Arc::as_ref);
            new_given(py, session, key, [&ys, &xs], wanted, given, like)?
        }
    };
    keep(&prepared);
    let outside = match given {
        Some(given) => verified(
            py,
            session,
            &prepared,
            given.get().pattern(),
            [&ys, &xs],
            checked,
        )?,
        None => None,
    };
    let (made, generation) = session.with(py, |state| {
        let node = prepared.graft(state);
        Ok((fresh(state, node), state.generation))
    })?;
    let entries = tracers(py, vec![made], generation)?.remove(0);
    Ok((
        prepared.structure.clone_ref(py),
        entries,
        prepared.strategy.clone(),
        outside,
    ))
}

/// Checks a given pattern where that was not done; an element outside of it.
fn verified(
    py: Python<'_>,
    session: &Session,
    prepared: &Prepared,
    pattern: &Pattern,
    [ys, xs]: [&[NodeId]; 2],
    checked: Option<&Bound<'_, PySet>>,
) -> PyResult<Outside> {
    if let Some(checked) = checked
        && checked.contains(prepared.number)?
    {
        return Ok(None);
    }
    let (graph, data) = recorded(py, session)?;
    let entries = &prepared.entries;
    let Some(check) = Verification::new(py, &graph, entries, pattern, [ys, xs])? else {
        return Ok(None);
    };
    let found = check.run(
        py,
        &graph,
        entries,
        &data[..prepared.inputs],
        pattern,
        [ys, xs],
    );
    match found.map_err(|e| session.placed(py, e, ys))? {
        Finding::Outside(row, column, value) => return Ok(Some((row, column, value))),
        Finding::Unknown => session.with(py, |state| prepared.ask_again(state, check))?,
        Finding::Nothing => {
            if let Some(checked) = checked {
                checked.add(prepared.number)?;
            }
        }
    }
    Ok(None)
}

/// A copy of what is recorded, and the data of its inputs.
fn recorded(py: Python<'_>, session: &Session) -> PyResult<(Graph, Vec<Array>)> {
    session.with(py, |state| {
        Ok((state.rec.graph.clone(), state.rec.inputs()))
    })
}

/// The pattern of a Jacobian of a graph that is recorded no more, and its entries at a point.
pub fn entries_at(
    py: Python<'_>,
    graph: &Graph,
    [ys, xs]: [&[NodeId]; 2],
    data: &[Array],
) -> PyResult<(Py<Structure>, Py<PyAny>)> {
    let wanted = (None, false);
    let mut graph = graph.clone();
    let ys: Vec<NodeId> = ys.iter().map(|&y| as_float(&mut graph, y)).collect();
    let key = key(&graph, &ys, xs, wanted, None);
    let contents = detached(py, || decided_by(&graph, &ys, xs, data))?;
    let holds = |prepared: &Arc<Prepared>| {
        let here = |node| contents.iter().find(|(id, _)| *id == node);
        (prepared.decided_by.iter())
            .all(|(node, content)| here(*node).is_some_and(|(_, now)| is_same(now, content)))
    };
    let prepared = match known(key).into_iter().find(holds) {
        Some(prepared) => prepared,
        None => found(py, &graph, data, key, [&ys, xs], wanted)?.into(),
    };
    keep(&prepared);
    let Entries { graph, tables } = &*prepared.entries;
    let program = whole_program(py, graph, &graph.outputs, None)?;
    let inputs = [&data[..prepared.inputs], tables].concat();
    let (mut values, _) = products(py, &Job { program, inputs })?;
    Ok((prepared.structure.clone_ref(py), values.remove(0)))
}

fn new(
    py: Python<'_>,
    session: &Session,
    key: u128,
    ends: [&[NodeId]; 2],
    wanted: Wanted,
) -> PyResult<Arc<Prepared>> {
    let (graph, data) = recorded(py, session)?;
    let prepared = found(py, &graph, &data, key, ends, wanted);
    let prepared = prepared.map_err(|e| session.placed(py, e, ends[0]))?;
    // As in `holds`, and the arrays are those of this recording.
    session.with(py, |state| prepared.holds(state))?;
    Ok(Arc::new(prepared))
}

/// Finds the pattern, and prepares its entries.
fn found(
    py: Python<'_>,
    graph: &Graph,
    data: &[Array],
    key: u128,
    [ys, xs]: [&[NodeId]; 2],
    (way, symmetric): Wanted,
) -> PyResult<Prepared> {
    let (found, entries, strategy) = detached(py, || {
        let found = detect(graph, ys, xs, data)?;
        let (entries, strategy) = prepare(graph, &[], ys, xs, &found, way, symmetric)?;
        Ok((found, entries, strategy))
    })?;
    Ok(Prepared {
        key,
        number: NEXT.fetch_add(1, Ordering::Relaxed),
        decided_by: found.decided_by,
        nodes: graph.len(),
        inputs: graph.inputs().len(),
        entries: Arc::new(entries),
        strategy: strategy.to_string(),
        structure: Py::new(py, Structure::new(py, found.pattern))?,
    })
}

/// The same for a given pattern; `like` was prepared for it while index arrays held something else.
fn new_given(
    py: Python<'_>,
    session: &Session,
    key: u128,
    [ys, xs]: [&[NodeId]; 2],
    (way, symmetric): Wanted,
    given: &Py<Structure>,
    like: Option<&Prepared>,
) -> PyResult<Arc<Prepared>> {
    let (graph, data) = recorded(py, session)?;
    let pattern = given.get().pattern();
    let known = like.map(|like| (like.entries.clone(), like.strategy.clone()));
    let (decided_by, (entries, strategy)) = detached(py, || {
        let decided_by = decided_by(&graph, ys, xs, &data)?;
        let made = match known {
            Some(known) => known,
            None => {
                let (entries, strategy) =
                    prepare_given(&graph, &[], ys, xs, pattern, way, symmetric)?;
                (Arc::new(entries), format!("{strategy}, pattern as given"))
            }
        };
        Ok((decided_by, made))
    })
    .map_err(|e| session.placed(py, e, ys))?;
    let prepared = Prepared {
        key,
        number: NEXT.fetch_add(1, Ordering::Relaxed),
        decided_by,
        nodes: like.map_or(graph.len(), |like| like.nodes),
        inputs: like.map_or(graph.inputs().len(), |like| like.inputs),
        entries,
        strategy,
        structure: given.clone_ref(py),
    };
    session.with(py, |state| prepared.holds(state))?;
    Ok(Arc::new(prepared))
}
