//! Jacobians without seeds: coefficients and selections.
//!
//! The tangent of a node is a linear function of the tangents of the inputs. Where each element
//! depends on few of them it is a sum of few [`term::Term`]s, a coefficient times the tangent that is
//! selected: `sum_k diag(c_k) S_k t`, where `c_k` are nodes of the graph and `S_k` matrices that
//! select, held as arrays of column numbers. Going through the graph of the tangent, which consists
//! of linear operations alone, operations are applied to coefficients and to column numbers, and
//! equal selections become one. Where few outputs depend on many inputs each, cotangents are swept
//! back in the same way, with rows in place of columns. At the end each coefficient is an entry, and its place in the
//! pattern is known: there is no seed, no colour and no product with zero, and what is constant is
//! not computed.

mod bound;
mod form;
mod lanes;
mod linear;
mod moves;
mod places;
mod term;

use hashbrown::HashMap;

pub use self::form::Form;

use self::bound::{Budget, Halt, Outcome};
use self::form::Target;
use self::places::Puzzle;
use self::term::{Term, Terms};
use super::Detected;
use super::entries::Entries;
use super::rows::{Code, Store};
use super::sets::{Layer, check_layer};
use crate::array::{Array, DType};
use crate::differentiate::{Mode, jvp, vjp};
use crate::error::Result;
use crate::interrupt::{elements, piece};
use crate::ir::{Graph, NodeId};
use crate::ops::{build, operation};

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
    let ends = Ends { outputs, inputs };
    let forward = attempt(recorded, values, ends, found, form, Mode::Forward, None);
    let reverse = |most| attempt(recorded, values, ends, found, form, Mode::Reverse, most);
    let made = match forward {
        Ok(made) if made.spent <= WORTH.saturating_mul(found.pattern.nnz()) => Ok(made),
        Ok(made) => match reverse(Some(made.spent / 2)) {
            Err(Halt::Dear(_)) => Ok(made),
            half => half,
        },
        // Dense blocks are left to seeds, which make products of matrices of them.
        Err(Halt::Dear(reason)) if form == Form::Rows => match reverse(None) {
            Err(Halt::Dear(_)) => Err(Halt::Dear(reason)),
            made => made,
        },
        failed => failed,
    };
    settled(made)
}

/// [`structured`], swept the way that is asked for.
///
/// # Errors
/// If memory does not suffice.
pub fn structured_by(
    mode: Mode,
    recorded: &Graph,
    outputs: &[NodeId],
    inputs: &[NodeId],
    found: &Detected,
    form: Form,
) -> Result<std::result::Result<Entries, String>> {
    let ends = Ends { outputs, inputs };
    settled(attempt(recorded, &[], ends, found, form, mode, None))
}

fn settled(made: Outcome<Made>) -> Result<std::result::Result<Entries, String>> {
    match made {
        Ok(made) => Ok(Ok(made.entries)),
        Err(Halt::Dear(reason)) => Ok(Err(reason)),
        Err(Halt::Failed(error)) => Err(error),
    }
}

/// If more coefficients than this are computed for an entry, it is looked whether half of them are
/// enough the other way.
const WORTH: usize = 4;

/// What is differentiated, by what.
#[derive(Clone, Copy)]
struct Ends<'e> {
    outputs: &'e [NodeId],
    inputs: &'e [NodeId],
}

/// Entries, and how many coefficients are computed for them.
struct Made {
    entries: Entries,
    spent: usize,
}

/// Forward the terms of a node are of the columns that it depends on; in reverse, of the rows that
/// depend on it. That is the same graph of linear operations transposed, and what is said of tangents
/// holds for cotangents.
fn attempt(
    recorded: &Graph,
    values: &[NodeId],
    ends: Ends<'_>,
    found: &Detected,
    form: Form,
    mode: Mode,
    most: Option<usize>,
) -> Outcome<Made> {
    let mut g = recorded.clone();
    let Ends { outputs, inputs } = ends;
    let [from, to] = match mode {
        Mode::Forward => [inputs, outputs],
        Mode::Reverse => [outputs, inputs],
    };
    let dtypes = from.iter().chain(to).map(|&x| g.dtype(x));
    if mode == Mode::Reverse && dtypes.collect::<hashbrown::HashSet<_>>().len() > 1 {
        return Err(Halt::Dear("sweeping back would lose digits".into()));
    }
    let stand_ins: Vec<NodeId> = (from.iter())
        .map(|&x| {
            let shape = g.dims(x);
            g.placeholder(g.dtype(x), &shape, true)
        })
        .collect();
    let given: Vec<_> = stand_ins.iter().copied().map(Some).collect();
    let swept = match mode {
        Mode::Forward => jvp(&mut g, outputs, inputs, &given),
        Mode::Reverse => vjp(&mut g, outputs, inputs, &given),
    };
    let wanted: Vec<NodeId> = swept.iter().flatten().copied().collect();
    let (moves, needed) = (g.dependents(&stand_ins), g.reachable(&wanted));
    let linear: Vec<NodeId> = (g.ids())
        .filter(|id| moves[id.index()] && needed[id.index()])
        .collect();
    let mut context = Context {
        budget: Budget::new(&g, &linear, &found.pattern, most),
        contents: found.decided_by.iter().cloned().collect(),
        tables: vec![],
        once: HashMap::new(),
        g,
    };
    let others = needed.iter().zip(&moves).enumerate();
    let others = others.filter(|(_, (needed, moves))| **needed && !**moves);
    context.find_repeated(others.map(|(k, _)| NodeId(k as u32)));
    let mut terms = context.terms_of_nodes(&stand_ins, &linear, &wanted)?;
    let swept: Vec<Terms> = (swept.iter())
        .map(|t| t.and_then(|t| terms.get(&t).cloned()).unwrap_or_default())
        .collect();
    terms.clear();
    let target = Target::new(&context.g, outputs, inputs, &found.pattern, form);
    let entries = context.entries(mode, ends, to, &swept, &target)?;
    let entries = match form {
        Form::Rows => vec![entries],
        Form::Blocks => context.blocks(outputs, inputs, entries, &target)?,
    };
    let Context {
        mut g,
        tables,
        budget,
        ..
    } = context;
    g.outputs = [values, &entries].concat();
    Ok(Made {
        entries: Entries { graph: g, tables },
        spent: budget.spent(),
    })
}

/// What is known while terms are made.
struct Context {
    g: Graph,
    /// What is in index arrays, and in tables.
    contents: HashMap<NodeId, Array>,
    tables: Vec<Array>,
    budget: Budget,
    /// Nodes that are repetitions of fewer numbers, as such.
    once: HashMap<NodeId, NodeId>,
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

    /// The terms of all that was swept to, in their places.
    fn entries(
        &mut self,
        mode: Mode,
        ends: Ends<'_>,
        to: &[NodeId],
        swept: &[Terms],
        target: &Target<'_>,
    ) -> Outcome<NodeId> {
        let dtypes = ends.outputs.iter().map(|&y| self.g.dtype(y));
        let dtype = dtypes.reduce(DType::promote).unwrap_or(DType::F64);
        let mut puzzle = Puzzle::new(dtype, target.size());
        let mut first = 0;
        for (&x, terms) in to.iter().zip(swept) {
            let mut terms = terms.clone();
            for term in &mut terms {
                term.coefficient = build::cast(&mut self.g, term.coefficient, dtype);
            }
            let size = self.g.size(x);
            let forward =
                |k: usize, column: u32, hint: &mut usize| target.place(first + k, column, hint);
            let reverse = |k: usize, row: u32, _: &mut usize| {
                target.place(row as usize, (first + k) as u32, &mut 0)
            };
            match mode {
                Mode::Forward => puzzle.put(&self.g, &self.contents, size, &terms, forward)?,
                Mode::Reverse => puzzle.put(&self.g, &self.contents, size, &terms, reverse)?,
            }
            first += size;
        }
        Ok(puzzle.finish(self))
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
