//! Values on their way between Python and the graph of a recording.

use jacrs::array::DType;
use jacrs::differentiate::{self, Mode};
use jacrs::error::Result;
use jacrs::ir::{Graph, NodeId};
use jacrs::ops::build;
use jacrs::trace::Handle;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::error::raise_as;
use crate::programs::{self, Blocks};
use crate::state::{Operand, State};
use crate::tracer::{self, Tracer};

/// A value the user's function returned, or gave to a `Tape`.
pub enum Given<'py> {
    Tracer(Bound<'py, Tracer>),
    Plain(Operand<'py>),
}

pub fn read_given<'py>(items: &Bound<'py, PyList>) -> PyResult<Vec<Given<'py>>> {
    items
        .iter()
        .map(|x| match x.cast_into::<Tracer>() {
            Ok(tracer) => Ok(Given::Tracer(tracer)),
            Err(other) => Ok(Given::Plain(Operand::require(&other.into_inner())?)),
        })
        .collect()
}

pub fn nodes(state: &mut State, given: &[Given<'_>]) -> Result<Vec<NodeId>> {
    given
        .iter()
        .map(|x| match x {
            Given::Tracer(tracer) => {
                let handle = tracer.get().handle(state.generation)?;
                let node = state.rec.node(handle);
                state.rec.check_lane(node)?;
                Ok(node)
            }
            Given::Plain(operand) => state.strong(operand),
        })
        .collect()
}

pub fn tracers(
    py: Python<'_>,
    made: Vec<(Handle, bool)>,
    generation: u32,
) -> PyResult<Vec<Py<PyAny>>> {
    made.into_iter()
        .map(|(handle, array)| tracer::new(py, generation, handle, array))
        .collect()
}

pub fn fresh(state: &mut State, node: NodeId) -> (Handle, bool) {
    let array = !state.rec.graph.shape(node).is_empty();
    (state.rec.fresh(node), array)
}

/// Derivatives with zeros for those that vanish.
pub fn filled(
    state: &mut State,
    derivatives: Vec<Option<NodeId>>,
    like: &[NodeId],
) -> Vec<(Handle, bool)> {
    (derivatives.into_iter().zip(like))
        .map(|(d, &x)| {
            let node = d.unwrap_or_else(|| {
                let shape = state.rec.graph.dims(x);
                let dtype = float_like(state.rec.graph.dtype(x));
                build::constant(&mut state.rec.graph, dtype, &shape, 0.0)
            });
            fresh(state, node)
        })
        .collect()
}

/// The dtype of a derivative: that of the value, or float64 where that is no float.
fn float_like(dtype: DType) -> DType {
    dtype.to_float()
}

fn zero_block(state: &mut State, y: NodeId, x: NodeId) -> NodeId {
    let g = &mut state.rec.graph;
    let shape: Vec<usize> = g.shape(y).iter().chain(g.shape(x)).copied().collect();
    let dtype = programs::block_dtype(g.dtype(y), g.dtype(x));
    build::constant(g, dtype, &shape, 0.0)
}

/// Blocks `[i][j]` of a Jacobian, which a recording that is kept takes note of.
pub fn blocks(
    state: &mut State,
    ys: Vec<NodeId>,
    xs: Vec<NodeId>,
    mode: Mode,
) -> Result<Vec<Vec<(Handle, bool)>>> {
    let blocks = differentiate::jacobian(&mut state.rec.graph, &ys, &xs, mode)?;
    let (mut rows, mut made_nodes) = (vec![], vec![]);
    for (i, row) in blocks.into_iter().enumerate() {
        let mut made = vec![];
        for (j, block) in row.into_iter().enumerate() {
            let node = block.unwrap_or_else(|| zero_block(state, ys[i], xs[j]));
            let g = &mut state.rec.graph;
            let dtype = programs::block_dtype(g.dtype(ys[i]), g.dtype(xs[j]));
            let node = build::cast(g, node, dtype);
            made_nodes.push(node);
            made.push(fresh(state, node));
        }
        rows.push(made);
    }
    if let Some(kept) = &mut state.kept {
        let blocks = Blocks { ys, xs, mode };
        kept.note(blocks, made_nodes);
    }
    Ok(rows)
}

/// A mode by its name; the cheaper one is chosen where none is given, once sizes are known.
pub fn parse_mode(py: Python<'_>, mode: Option<&str>) -> PyResult<Option<Mode>> {
    match mode {
        None => Ok(None),
        Some("forward") => Ok(Some(Mode::Forward)),
        Some("reverse") => Ok(Some(Mode::Reverse)),
        Some(other) => Err(raise_as(
            py,
            "internal",
            &format!("there is no mode {other}"),
        )),
    }
}

pub fn cheaper(graph: &Graph, ys: &[NodeId], xs: &[NodeId]) -> Mode {
    let total = |ids: &[NodeId]| ids.iter().map(|&id| graph.size(id)).sum();
    Mode::choose(total(xs), total(ys))
}
