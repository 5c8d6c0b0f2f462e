//! One pass over a graph: from the inputs, whose elements are the columns, to the rows.

use hashbrown::HashMap;

use super::Pattern;
use super::flows::Context;
use super::indices::{decider_of, floatless, values_of};
use super::rows::{Code, Store, fits, grow, sort_runs};
use super::sets::{Dense, Layer, Sets, check_layer};
use crate::array::Array;
use crate::error::{Result, text};
use crate::interrupt::{elements, piece};
use crate::ir::{Graph, NodeId};

/// A pattern, and what it was found from beside the graph.
pub struct Detected {
    /// The elements of all outputs, one output after the other, by those of all inputs.
    pub pattern: Pattern,
    /// The index arrays that elements were moved by and the masks that chose among them, with what is
    /// in them. With other contents the same graph may have another pattern.
    pub decided_by: Vec<(NodeId, Array)>,
}

/// Where the Jacobian of some outputs by some inputs may be other than zero, element by element, for
/// the data that the inputs of the graph were given.
///
/// It holds for all values of floats: nothing is tried out, and an entry that is zero for special
/// values only is in the pattern. What is in index arrays is looked at, however they were computed:
/// that of a sort is the order that the data have. So is what is in masks that were made without
/// floats; any other choice may go either way.
///
/// ```
/// use jacrs::{ir::parse, sparsity::detect};
/// let g = parse("
///     %0 = input! : float64[4]
///     %1 = slice(%0, [1 1]) : float64[3]
///     %2 = slice(%0, [0 1]) : float64[3]
///     %3 = mul(%1, %2) : float64[3]
///     return %3").unwrap();
/// let found = detect(&g, &g.outputs, g.inputs(), &[]).unwrap();
/// assert_eq!(found.pattern.to_string(), "xx..\n.xx.\n..xx\n");
/// ```
///
/// # Errors
/// If the pattern does not fit into memory, or an index cannot be computed.
pub fn detect(
    g: &Graph,
    outputs: &[NodeId],
    inputs: &[NodeId],
    data: &[Array],
) -> Result<Detected> {
    let found = detect_within(g, outputs, inputs, data, usize::MAX)?;
    Ok(found.expect("no number is larger"))
}

/// The same, unless there are more than `most` entries: that is seen before they are listed.
pub fn detect_within(
    g: &Graph,
    outputs: &[NodeId],
    inputs: &[NodeId],
    data: &[Array],
    most: usize,
) -> Result<Option<Detected>> {
    let sizes = inputs.iter().map(|&x| g.size(x));
    let width = sizes.fold(0, usize::saturating_add);
    if width >= u32::MAX as usize {
        return Err(text::too_many_columns(width));
    }
    let live = live(g, outputs, inputs);
    let deciders = deciders(g, &live);
    let mut context = Context {
        g,
        store: Store::new(width),
        contents: values_of(g, &deciders, data)?,
        used: vec![],
    };
    let sets = of_nodes(&mut context, outputs, inputs, &live)?;
    let rows: Vec<Sets> = outputs.iter().map(|y| sets[y].clone()).collect();
    if least(&context.store, &rows) > most {
        return Ok(None);
    }
    let pattern = pattern_of(&context.store, g, outputs, &rows)?;
    context.used.sort_unstable();
    context.used.dedup();
    let content = |id: NodeId| (id, context.contents[&id].clone());
    Ok(Some(Detected {
        pattern,
        decided_by: context.used.iter().copied().map(content).collect(),
    }))
}

/// Whether the pattern that [`detect`] finds is the same for all data.
pub fn is_fixed(g: &Graph, outputs: &[NodeId], inputs: &[NodeId]) -> bool {
    deciders(g, &live(g, outputs, inputs)).is_empty()
}

/// What the pattern may be decided by beside the graph, without finding it: more than
/// [`Detected::decided_by`] has where an index array moves what depends on no input.
///
/// # Errors
/// If an index cannot be computed.
pub fn decided_by(
    g: &Graph,
    outputs: &[NodeId],
    inputs: &[NodeId],
    data: &[Array],
) -> Result<Vec<(NodeId, Array)>> {
    let mut deciders = deciders(g, &live(g, outputs, inputs));
    deciders.sort_unstable();
    deciders.dedup();
    let contents = values_of(g, &deciders, data)?;
    let content = |id: NodeId| (id, contents[&id].clone());
    Ok(deciders.into_iter().map(content).collect())
}

/// The index arrays and masks that the pattern is decided by.
fn deciders(g: &Graph, live: &[Live]) -> Vec<NodeId> {
    let floatless = floatless(g);
    (g.ids())
        .filter(|id| live[id.index()] == Live::Computed)
        .filter_map(|id| decider_of(g, id, &floatless))
        .collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Live {
    No,
    /// One of the inputs: what it was made from is of no interest.
    Input,
    Computed,
}

/// What the outputs need, up to the inputs.
fn live(g: &Graph, outputs: &[NodeId], inputs: &[NodeId]) -> Vec<Live> {
    let mut live = vec![Live::No; g.len()];
    let mut inside = vec![false; g.len()];
    for x in inputs {
        inside[x.index()] = true;
    }
    let mark = |live: &mut [Live], x: NodeId| {
        let place = &mut live[x.index()];
        *place = if inside[x.index()] {
            Live::Input
        } else {
            Live::Computed
        };
    };
    for &y in outputs {
        mark(&mut live, y);
    }
    for id in g.ids().rev() {
        piece();
        if live[id.index()] == Live::Computed {
            for &x in g.operands(id) {
                mark(&mut live, x);
            }
        }
    }
    live
}

/// The sets of the outputs. Those of a node are dropped after their last use.
fn of_nodes(
    context: &mut Context<'_>,
    outputs: &[NodeId],
    inputs: &[NodeId],
    live: &[Live],
) -> Result<HashMap<NodeId, Sets>> {
    let g = context.g;
    let is = |id: &NodeId, kind: Live| live[id.index()] == kind;
    let mut uses = vec![0u32; g.len()];
    let computed = g.ids().filter(|id| is(id, Live::Computed));
    for x in computed.flat_map(|id| g.operands(id)).chain(outputs) {
        uses[x.index()] += 1;
    }
    let mut sets = HashMap::new();
    let mut first = 0;
    for &x in inputs {
        if is(&x, Live::Input) {
            let more = named(g, x, first)?;
            let known: Sets = sets.remove(&x).unwrap_or_default();
            sets.insert(x, known.union(more));
        }
        first += g.size(x);
    }
    for id in g.ids().filter(|id| is(id, Live::Computed)) {
        piece();
        let operands = (g.operands(id).iter())
            .map(|x| {
                uses[x.index()] -= 1;
                let last = uses[x.index()] == 0;
                let known = if last {
                    sets.remove(x)
                } else {
                    sets.get(x).cloned()
                };
                known.expect("operands come first")
            })
            .collect();
        let made = context.sets_of(id, operands);
        sets.insert(id, made.map_err(|e| e.at(g.node(id).location))?);
    }
    Ok(sets)
}

/// The elements of an input are columns from `first` on.
fn named(g: &Graph, x: NodeId, first: usize) -> Result<Sets> {
    let n = g.size(x);
    check_layer(n)?;
    let codes: Vec<Code> = (first..first + n).map(Store::single).collect();
    elements(n);
    let codes = Array::from_slice(g.shape(x), &codes);
    Ok(Sets::of_layer(Layer::known(codes, true)))
}

/// The rows of all elements, one after the other.
fn pattern_of(store: &Store, g: &Graph, outputs: &[NodeId], sets: &[Sets]) -> Result<Pattern> {
    let count: usize = outputs.iter().map(|&y| g.size(y)).sum();
    fits(least(store, sets))?;
    check_layer(count)?;
    let mut starts = Vec::with_capacity(count + 1);
    let mut columns: Vec<u32> = vec![];
    starts.push(0);
    for (&y, sets) in outputs.iter().zip(sets) {
        let layers: Vec<Dense> = sets.layers.iter().map(|l| Dense::of(&l.codes)).collect();
        let layers: Vec<&[Code]> = layers.iter().map(Dense::codes).collect();
        for k in 0..g.size(y) {
            let start = columns.len();
            for codes in &layers {
                let code = codes[k];
                grow(&mut columns, store.size(code))?;
                store.append(code, &mut columns);
            }
            sort_from(&mut columns, start);
            elements(columns.len() - start);
            starts.push(columns.len());
        }
    }
    Ok(Pattern::of((count, store.width), starts, columns))
}

/// Sorts the end of a list, and leaves what is there twice once.
fn sort_from(columns: &mut Vec<u32>, start: usize) {
    let row = &mut columns[start..];
    if row.windows(2).all(|w| w[0] < w[1]) {
        return;
    }
    sort_runs(row);
    let mut end = start + 1;
    for k in start + 1..columns.len() {
        if columns[k] != columns[end - 1] {
            columns[end] = columns[k];
            end += 1;
        }
    }
    columns.truncate(end);
}

/// No fewer entries will there be: the most of any layer.
fn least(store: &Store, sets: &[Sets]) -> usize {
    let of_layer = |layer: &Layer| match layer.uniform {
        Some(code) => store.size(code).saturating_mul(layer.codes.view().len()),
        None => {
            let dense = Dense::of(&layer.codes);
            elements(dense.codes().len());
            let sizes = dense.codes().iter().map(|&code| store.size(code));
            sizes.fold(0, usize::saturating_add)
        }
    };
    let of_sets = |sets: &Sets| sets.layers.iter().map(of_layer).max().unwrap_or(0);
    sets.iter().map(of_sets).fold(0, usize::saturating_add)
}
