//! How a dense Jacobian is assembled.

use jacrs::assemble::Assembly;
use jacrs::differentiate::{self, Mode};
use jacrs::error::{Kind, Result};
use jacrs::ir::{Graph, NodeId, Type};
use jacrs::ops::build;
use jacrs::optimize::optimize;
use jacrs::sparsity::{self, Entries, Form, detect_within, structured};

use crate::programs::{PANEL, swept_dtype};

/// Fewer seeds are not worth a look for structure.
const FEWEST: usize = 4 * PANEL;
/// Elements that seeds go through in the time that one entry takes without them.
const ENTRY: usize = 8;

/// The Jacobian of `ys` by `xs`, and values beside it: entry by entry where that is cheap, by
/// coefficients and selections where there are fewer of them than products with seeds, else by seeds
/// in lanes; with the number of lanes.
pub fn assembly(
    graph: &Graph,
    values: &[NodeId],
    ys: &[NodeId],
    xs: &[NodeId],
    mode: Mode,
) -> Result<(Assembly, usize)> {
    if let Some(unrolled) = differentiate::unrolled(graph, values, ys, xs, mode) {
        let whole = Assembly::whole(&optimize(&unrolled), values.len(), vec![])?;
        return Ok((whole, 1));
    }
    let seeded = if mode == Mode::Forward { xs } else { ys };
    let total: usize = seeded.iter().map(|&x| graph.size(x)).sum();
    if total >= FEWEST
        && let Some(Entries { graph, tables }) = blocks(graph, values, ys, xs, mode, total)?
    {
        let whole = Assembly::whole(&optimize(&graph), values.len(), tables)?;
        return Ok((whole, 1));
    }
    let width = total.clamp(1, PANEL);
    let split = differentiate::linearize(graph, values, ys, xs, mode, width)?;
    let (early, late) = (optimize(&split.early), optimize(&split.late));
    let assembly = Assembly::new(&early, &late, values.len(), mode, width)?;
    Ok((assembly, width))
}

/// The blocks without seeds, if that pays, and if no data decide where entries are.
fn blocks(
    graph: &Graph,
    values: &[NodeId],
    ys: &[NodeId],
    xs: &[NodeId],
    mode: Mode,
    seeds: usize,
) -> Result<Option<Entries>> {
    if !sparsity::is_fixed(graph, ys, xs) {
        return Ok(None);
    }
    let most = swept_elements(graph, ys, xs).saturating_mul(seeds) / ENTRY;
    let found = within_memory(detect_within(graph, ys, xs, &[], most))?.flatten();
    let Some(found) = found else {
        return Ok(None);
    };
    let made = structured(graph, values, ys, xs, &found, Form::Blocks);
    let made = within_memory(made)?.and_then(std::result::Result::ok);
    Ok(made.map(|mut entries| {
        let g = &mut entries.graph;
        let of = |id: &NodeId| graph.type_of(*id);
        let (ys, xs): (Vec<_>, Vec<_>) = (ys.iter().map(of).collect(), xs.iter().map(of).collect());
        for (k, kind) in block_types(&ys, &xs, mode).iter().enumerate() {
            let block = g.outputs[values.len() + k];
            g.outputs[values.len() + k] = build::cast(g, block, kind.dtype);
        }
        entries
    }))
}

/// Nothing where it takes too much memory: with seeds, and into a given array, it may take less.
fn within_memory<T>(made: Result<T>) -> Result<Option<T>> {
    match made {
        Err(error) if error.kind == Kind::Memory => Ok(None),
        made => made.map(Some),
    }
}

/// Elements that each seed goes through.
fn swept_elements(graph: &Graph, ys: &[NodeId], xs: &[NodeId]) -> usize {
    let (moves, needed) = (graph.dependents(xs), graph.reachable(ys));
    let swept = graph
        .ids()
        .filter(|id| moves[id.index()] && needed[id.index()]);
    swept
        .map(|id| graph.size(id))
        .fold(0, usize::saturating_add)
}

/// The types of the blocks of a Jacobian, as they are swept.
pub fn block_types(ys: &[Type], xs: &[Type], mode: Mode) -> Vec<Type> {
    let block = |y: &Type, x: &Type| Type {
        dtype: swept_dtype(y.dtype, x.dtype, mode),
        shape: y.shape.iter().chain(&x.shape).copied().collect(),
    };
    ys.iter()
        .flat_map(|y| xs.iter().map(move |x| block(y, x)))
        .collect()
}
