//! The graph of a recording as its trace keeps it: what is equal in every run is there once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use jacrs::array::{Array, DType, Dims, to_bytes};
use jacrs::ir::{Graph, NodeId};
use jacrs::ops::build;
use jacrs::optimize::worth_keeping;
use jacrs::plan::Plan;
use jacrs::trace::Answers;

use super::record::Wanted;
use super::saved::Source;
use crate::programs::Blocks;

pub struct Settled {
    /// Its values are results, then answers, then what maps need.
    pub source: Source,
    pub graph: Graph,
    /// What the answers were; the first, if `ordered`, are the decisions.
    pub answers: Vec<Array>,
    pub ordered: bool,
    /// Where each output is among the values and the blocks.
    pub places: Vec<usize>,
}

impl Settled {
    /// Of the graph as it was recorded, with these inputs; what is computed from those that do not
    /// vary becomes further inputs.
    pub fn new(
        mut graph: Graph,
        wanted: &Wanted,
        answers: Answers,
        inputs: &mut Vec<Array>,
        varies: impl Fn(usize) -> bool,
    ) -> Self {
        let equal = equal_constants(&graph, inputs, &varies);
        let (ys, xs) = (wanted.blocks.as_ref()).map_or((&[][..], &[][..]), |b| (&b.ys, &b.xs));
        let decisions = answers.decisions.iter().map(|(id, _)| id);
        let arrays = answers.arrays.iter().map(|(id, _)| id);
        let results = wanted.results.iter();
        graph.outputs = (results.chain(decisions).chain(arrays))
            .chain(wanted.needed.iter().chain(ys).chain(xs))
            .copied()
            .collect();
        let mut settled = graph.settled(xs, &equal);
        drop(graph);
        let kept = worth_keeping(&settled, varies);
        // Where they cannot be computed, each run says why.
        if let Some(computed) = evaluated(&settled, &kept, inputs) {
            settled = settled.given(&kept);
            inputs.extend(computed);
        }
        let made = std::mem::take(&mut settled.outputs);
        let mut made = made.into_iter();
        let mut values: Vec<NodeId> = made.by_ref().take(wanted.results.len()).collect();
        // Under another name, or with an equal constant, the same was asked for more than once.
        let mut seen = HashSet::new();
        let mut expected = vec![];
        let decisions = answers.decisions.into_iter().zip(made.by_ref());
        let decisions: Vec<(NodeId, f64)> = decisions
            .map(|((_, value), id)| (id, value))
            .filter(|(id, _)| seen.insert(*id))
            .collect();
        let ordered = !decisions.is_empty();
        if ordered {
            let (cells, decided): (Vec<NodeId>, Vec<f64>) = decisions.into_iter().unzip();
            let places: Vec<i64> = (0..cells.len() as i64).collect();
            values.push(build::pack(&mut settled, &cells, &places, &[cells.len()]));
            expected.push(Array::from_slice(&[decided.len()], &decided));
        }
        for ((_, array), id) in answers.arrays.into_iter().zip(made.by_ref()) {
            if seen.insert(id) {
                values.push(id);
                expected.push(array);
            }
        }
        values.extend(made.by_ref().take(wanted.needed.len()));
        let blocks = wanted.blocks.as_ref().map(|blocks| Blocks {
            ys: made.by_ref().take(blocks.ys.len()).collect(),
            xs: made.collect(),
            mode: blocks.mode,
        });
        let place = |&(is_block, k): &(bool, usize)| if is_block { values.len() + k } else { k };
        let places = wanted.places.iter().map(place).collect();
        Self {
            source: Source::new(&mut settled, &values, blocks.as_ref()),
            graph: settled,
            answers: expected,
            ordered,
            places,
        }
    }
}

/// The values of some nodes, which depend on inputs that do not vary.
fn evaluated(graph: &Graph, nodes: &[NodeId], inputs: &[Array]) -> Option<Vec<Array>> {
    if nodes.is_empty() {
        return None;
    }
    Plan::of(graph, nodes).ok()?.evaluate(inputs).ok()
}

/// Longer constants are rarely the same twice.
const MERGED: usize = 1 << 16;

/// Pairs of inputs with the same elements in every run; those that vary are in none.
fn equal_constants(
    graph: &Graph,
    inputs: &[Array],
    varies: impl Fn(usize) -> bool,
) -> Vec<(NodeId, NodeId)> {
    let mut known: HashMap<(DType, Dims, Vec<u8>), NodeId> = HashMap::new();
    let mut equal = vec![];
    for (k, (&id, array)) in graph.inputs().iter().zip(inputs).enumerate() {
        if varies(k) || array.view().len() * array.dtype().size() > MERGED {
            continue;
        }
        let key = (graph.dtype(id), graph.dims(id), to_bytes([array]));
        match known.entry(key) {
            Entry::Occupied(first) => equal.push((id, *first.get())),
            Entry::Vacant(new) => {
                new.insert(id);
            }
        }
    }
    equal
}
