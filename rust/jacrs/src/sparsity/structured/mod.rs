//! Jacobians without seeds: coefficients and selections.
//!
//! The tangent of a node is a linear function of the tangents of the inputs. Where each element
//! depends on few of them it is a sum of few [`term::Term`]s, a coefficient times the tangent that is
//! selected: `sum_k diag(c_k) S_k t`, where `c_k` are nodes of the graph and `S_k` matrices that
//! select, held as arrays of column numbers. Going through the graph of the tangent, which consists
//! of linear operations alone, operations are applied to coefficients and to column numbers, and
//! equal selections become one. At the outputs each coefficient is an entry, and its place in the
//! pattern is known: there is no seed, no colour and no product with zero, and what is constant is
//! not computed.

mod bound;
mod lanes;
mod linear;
mod places;
mod term;
#[cfg(test)]
mod tests;

use hashbrown::HashMap;

use self::bound::{Budget, Halt, Outcome};
use self::places::Puzzle;
use self::term::{Term, Terms};
use super::entries::Entries;
use super::rows::{Code, Store};
use super::sets::{Layer, check_layer};
use super::{Detected, Pattern};
use crate::array::{Array, DType};
use crate::differentiate::jvp;
use crate::error::Result;
use crate::interrupt::{elements, piece};
use crate::ir::{Graph, NodeId};
use crate::ops::{build, operation};

/// How the entries are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One array of the entries, in the order of the pattern.
    Rows,
    /// A block `y.shape + x.shape` for every output and input, outputs first.
    Blocks,
}

/// The entries of the Jacobian of some outputs by some inputs; the reason where that does not pay.
/// `found` is what [`super::detect`] found for them.
///
/// ```
/// use jacrs::{ir::{parse, print}, optimize::optimize};
/// use jacrs::sparsity::{detect, structured, Form};
/// let g = parse("
///     %0 = input! : float64[3]
///     %1 = slice(%0, [1 1]) : float64[2]
///     %2 = slice(%0, [0 1]) : float64[2]
///     %3 = square(%2) : float64[2]
///     %4 = sub(%1, %3) : float64[2]
///     return %4").unwrap();
/// let found = detect(&g, &g.outputs, g.inputs(), &[]).unwrap();
/// let entries = structured(&g, &[], &g.outputs, g.inputs(), &found, Form::Rows).unwrap().ok().unwrap();
/// assert!(print(&optimize(&entries.graph)).contains("gather"));
/// ```
///
/// # Errors
/// If memory does not suffice.
pub fn structured(
    recorded: &Graph,
    values: &[NodeId],
    outputs: &[NodeId],
    inputs: &[NodeId],
    found: &Detected,
    form: Form,
) -> Result<std::result::Result<Entries, String>> {
    match attempt(recorded, values, outputs, inputs, found, form) {
        Ok(entries) => Ok(Ok(entries)),
        Err(Halt::Dear(reason)) => Ok(Err(reason)),
        Err(Halt::Failed(error)) => Err(error),
    }
}

fn attempt(
    recorded: &Graph,
    values: &[NodeId],
    outputs: &[NodeId],
    inputs: &[NodeId],
    found: &Detected,
    form: Form,
) -> Outcome<Entries> {
    let mut g = recorded.clone();
    let stand_ins: Vec<NodeId> = (inputs.iter())
        .map(|&x| {
            let shape = g.dims(x);
            g.placeholder(g.dtype(x), &shape, true)
        })
        .collect();
    let given: Vec<_> = stand_ins.iter().copied().map(Some).collect();
    let tangents = jvp(&mut g, outputs, inputs, &given);
    let wanted: Vec<NodeId> = tangents.iter().flatten().copied().collect();
    let (moves, needed) = (g.dependents(&stand_ins), g.reachable(&wanted));
    let linear: Vec<NodeId> = (g.ids())
        .filter(|id| moves[id.index()] && needed[id.index()])
        .collect();
    let mut context = Context {
        budget: Budget::new(&g, &linear, &found.pattern),
        contents: found.decided_by.iter().cloned().collect(),
        tables: vec![],
        g,
    };
    let mut terms = context.terms_of_nodes(&stand_ins, &linear, &wanted)?;
    let rows: Vec<Terms> = (tangents.iter())
        .map(|t| t.and_then(|t| terms.get(&t).cloned()).unwrap_or_default())
        .collect();
    terms.clear();
    let entries = context.entries(outputs, inputs, &rows, &found.pattern, form)?;
    let Context { mut g, tables, .. } = context;
    g.outputs = [values, &entries].concat();
    Ok(Entries { graph: g, tables })
}

/// What is known while terms are made.
struct Context {
    g: Graph,
    /// What is in index arrays, and in tables.
    contents: HashMap<NodeId, Array>,
    tables: Vec<Array>,
    budget: Budget,
}

impl Context {
    /// The terms of the wanted nodes, through all that are linear in the stand-ins of tangents. Those
    /// of a node are dropped after their last use.
    fn terms_of_nodes(
        &mut self,
        stand_ins: &[NodeId],
        linear: &[NodeId],
        wanted: &[NodeId],
    ) -> Outcome<HashMap<NodeId, Terms>> {
        let mut uses = vec![0u32; self.g.len()];
        for x in linear
            .iter()
            .flat_map(|&id| self.g.operands(id))
            .chain(wanted)
        {
            uses[x.index()] += 1;
        }
        let mut known: HashMap<NodeId, Terms> = HashMap::new();
        let mut first = 0;
        for &x in stand_ins {
            known.insert(x, self.selected(x, first)?);
            first += self.g.size(x);
        }
        for &y in linear.iter().filter(|y| !stand_ins.contains(y)) {
            piece();
            let operands: Vec<Terms> = (self.g.operands(y).iter())
                .map(|x| {
                    let left = &mut uses[x.index()];
                    *left -= 1;
                    let terms = match *left {
                        0 => known.remove(x),
                        _ => known.get(x).cloned(),
                    };
                    terms.unwrap_or_default()
                })
                .collect();
            self.g.location = self.g.node(y).location;
            let terms = match self.g.size(y) {
                0 => vec![],
                _ => self.terms_of(y, operands)?,
            };
            known.insert(y, terms);
        }
        Ok(known)
    }

    /// An input's own tangents, the columns from `first` on.
    fn selected(&mut self, x: NodeId, first: usize) -> Outcome<Terms> {
        let n = self.g.size(x);
        if n == 0 {
            return Ok(vec![]);
        }
        check_layer(n)?;
        let codes: Vec<Code> = (first..first + n).map(Store::single).collect();
        elements(n);
        let codes = Array::from_slice(self.g.shape(x), &codes);
        Ok(vec![Term {
            coefficient: build::constant_like(&mut self.g, x, 1.0),
            columns: Layer::known(codes, true),
        }])
    }

    /// A table more, as an input.
    fn table(&mut self, table: Array) -> NodeId {
        let node = self.g.input(table.dtype(), table.shape(), false);
        self.contents.insert(node, table.clone());
        self.tables.push(table);
        node
    }

    /// The entries of all outputs in their places.
    fn entries(
        &mut self,
        outputs: &[NodeId],
        inputs: &[NodeId],
        rows: &[Terms],
        pattern: &Pattern,
        form: Form,
    ) -> Outcome<Vec<NodeId>> {
        let dtypes = outputs.iter().map(|&y| self.g.dtype(y));
        let dtype = dtypes.reduce(DType::promote).unwrap_or(DType::F64);
        let mut sources = vec![];
        let mut first = 0;
        for (&y, terms) in outputs.iter().zip(rows) {
            let terms: Terms = terms
                .iter()
                .map(|term| Term {
                    coefficient: build::cast(&mut self.g, term.coefficient, dtype),
                    columns: term.columns.clone(),
                })
                .collect();
            sources.push((first, self.g.size(y), terms));
            first += self.g.size(y);
        }
        let mut puzzle = Puzzle::new(dtype, pattern.nnz());
        for (first, count, terms) in &sources {
            let row = |k: usize| (pattern.starts()[first + k], pattern.row(first + k));
            puzzle.put(&self.g, &self.contents, *count, terms, row)?;
        }
        let entries = puzzle.finish(self)?;
        match form {
            Form::Rows => Ok(vec![entries]),
            Form::Blocks => self.blocks(outputs, inputs, entries, pattern),
        }
    }

    /// Dense blocks of the entries.
    fn blocks(
        &mut self,
        outputs: &[NodeId],
        inputs: &[NodeId],
        entries: NodeId,
        pattern: &Pattern,
    ) -> Outcome<Vec<NodeId>> {
        let _ = (outputs, inputs, entries, pattern);
        Err(Halt::Dear("blocks".into()))
    }

    /// The name of an operation that is not known here.
    fn unknown(&self, y: NodeId) -> Halt {
        let op = self.g.op(y);
        Halt::Dear(format!(
            "{} has no rule for single columns",
            operation(op).name(op)
        ))
    }
}
