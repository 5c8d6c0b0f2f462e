//! Which way the entries of a sparse Jacobian are computed.

use std::fmt;

use super::colouring::{
    Order, bicolouring, columns, mirrored, paths, postprocessed, promised, rows, star,
};
use super::entries::Entries;
use super::seeded::{Seeds, seeded};
use super::{Detected, Form, Pattern, structured};
use crate::differentiate::Mode;
use crate::error::{Result, text};
use crate::ir::{Graph, NodeId};

/// A way to compute the entries of a Jacobian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// Coefficients and selections go through the graph, without seeds.
    Structured,
    /// Products with seeds: columns share lanes forward, rows in reverse.
    Seeds(Mode),
    /// Products with seeds: columns of a symmetric matrix share lanes, one triangle is enough.
    Star,
    /// Products with seeds, forward and in reverse: some entries are read from one, some from the
    /// other.
    Both,
}

/// The way that was taken, and why.
#[derive(Clone, Debug)]
pub struct Strategy {
    pub way: Way,
    /// Lanes, of seeds: forward, which are colours of columns, and in reverse, of rows.
    pub colours: (usize, usize),
    /// Why it was not done without seeds, if that was tried.
    pub reason: Option<String>,
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (columns, rows) = self.colours;
        match self.way {
            Way::Structured => f.write_str("structured: coefficients and selections, no seeds")?,
            Way::Seeds(Mode::Forward) => write!(f, "forward: columns in {columns} colours")?,
            Way::Seeds(Mode::Reverse) => write!(f, "reverse: rows in {rows} colours")?,
            Way::Star => write!(f, "star: columns in {columns} colours")?,
            Way::Both => write!(
                f,
                "bidirectional: columns in {columns} colours, rows in {rows}"
            )?,
        }
        match &self.reason {
            Some(reason) => write!(f, " (not structured: {reason})"),
            None => Ok(()),
        }
    }
}

/// The entries of the Jacobian of some outputs by some inputs, one way or the other; the cheaper if
/// none is asked for: without seeds where that pays, else with as few lanes as there are colours.
/// `found` is what [`super::detect`] found for them; they are `symmetric` if they are a gradient's
/// derivatives by what it is a gradient of.
///
/// ```
/// use jacrs::ir::parse;
/// use jacrs::sparsity::{detect, prepare};
/// let g = parse("
///     %0 = input! : float64[4]
///     %1 = slice(%0, [1 1]) : float64[3]
///     %2 = slice(%0, [0 1]) : float64[3]
///     %3 = mul(%1, %2) : float64[3]
///     return %3").unwrap();
/// let found = detect(&g, &g.outputs, g.inputs(), &[]).unwrap();
/// let (entries, strategy) = prepare(&g, &[], &g.outputs, g.inputs(), &found, None, false)?;
/// assert_eq!(entries.graph.shape(entries.graph.outputs[0]), [6]);
/// assert!(strategy.to_string().starts_with("structured"));
/// # Ok::<(), jacrs::error::Error>(())
/// ```
///
/// # Errors
/// If memory does not suffice.
pub fn prepare(
    recorded: &Graph,
    values: &[NodeId],
    outputs: &[NodeId],
    inputs: &[NodeId],
    found: &Detected,
    way: Option<Way>,
    symmetric: bool,
) -> Result<(Entries, Strategy)> {
    let mut reason = None;
    if matches!(way, None | Some(Way::Structured)) {
        match structured(recorded, values, outputs, inputs, found, Form::Rows)? {
            Ok(entries) => {
                let strategy = Strategy {
                    way: Way::Structured,
                    colours: (0, 0),
                    reason,
                };
                return Ok((entries, strategy));
            }
            Err(reason) if way.is_some() => return Err(text::not_structured(&reason)),
            Err(why) => reason = Some(why),
        }
    }
    let ends = [outputs, inputs];
    let (entries, strategy) = by_seeds(recorded, values, ends, &found.pattern, way, symmetric)?;
    Ok((entries, Strategy { reason, ..strategy }))
}

/// The same for a pattern that is given: it may have more entries than the Jacobian, and entries
/// are wrong where it has fewer ([`super::Check`]). They are computed by seeds, however `way` has it.
///
/// # Errors
/// If memory does not suffice.
pub fn prepare_given(
    recorded: &Graph,
    values: &[NodeId],
    outputs: &[NodeId],
    inputs: &[NodeId],
    pattern: &Pattern,
    way: Option<Way>,
    symmetric: bool,
) -> Result<(Entries, Strategy)> {
    by_seeds(recorded, values, [outputs, inputs], pattern, way, symmetric)
}

fn by_seeds(
    recorded: &Graph,
    values: &[NodeId],
    ends: [&[NodeId]; 2],
    pattern: &Pattern,
    way: Option<Way>,
    symmetric: bool,
) -> Result<(Entries, Strategy)> {
    let (way, seeds) = seeds_for(pattern, way, symmetric)?;
    let strategy = Strategy {
        way,
        colours: lanes(&seeds),
        reason: None,
    };
    let entries = seeded(recorded, values, ends, pattern, &seeds)?;
    Ok((entries, strategy))
}

/// Lanes forward and in reverse.
fn lanes(seeds: &[Seeds]) -> (usize, usize) {
    let of = |mode| {
        let own = seeds.iter().filter(|seeds| seeds.mode == mode);
        own.map(|seeds| seeds.colouring.count).sum()
    };
    (of(Mode::Forward), of(Mode::Reverse))
}

/// What these lanes cost: one in reverse as much as two forward, as in [`Mode::choose`].
fn cost((forward, reverse): (usize, usize)) -> usize {
    forward + 2 * reverse
}

/// Stars are not looked for where that takes longer than what they could save.
const MOST_PATHS: u64 = 1 << 30;

/// The way that is asked for, or the cheapest one, and its seeds.
fn seeds_for(pattern: &Pattern, way: Option<Way>, symmetric: bool) -> Result<(Way, Vec<Seeds>)> {
    let with_seeds = |way: Way| Ok((way, seeds_of(pattern, way)?));
    if let Some(way) = way {
        return with_seeds(way);
    }
    let mut best = with_seeds(Way::Seeds(Mode::Forward))?;
    // What is found of a Hessian is symmetric unless an operation is known coarsely.
    let symmetric = symmetric && pattern.transposed()? == *pattern && paths(pattern) <= MOST_PATHS;
    let others: &[Way] = if symmetric {
        &[Way::Star]
    } else {
        &[Way::Seeds(Mode::Reverse), Way::Both]
    };
    for &way in others {
        let least = cost(lanes(&best.1));
        if way == Way::Both && promised(pattern) >= least {
            continue;
        }
        let other = with_seeds(way)?;
        if cost(lanes(&other.1)) < least {
            best = other;
        }
    }
    Ok(best)
}

fn seeds_of(pattern: &Pattern, way: Way) -> Result<Vec<Seeds>> {
    let order = Order::default();
    Ok(match way {
        Way::Star => vec![stars(pattern, order)?],
        Way::Both => {
            let found = bicolouring(pattern, order)?;
            let forward = found.reverse.iter().map(|reverse| !reverse).collect();
            let forward = Seeds::some(Mode::Forward, found.columns, forward);
            vec![
                forward,
                Seeds::some(Mode::Reverse, found.rows, found.reverse),
            ]
        }
        Way::Seeds(Mode::Reverse) => vec![Seeds::all(Mode::Reverse, rows(pattern, order)?)],
        Way::Seeds(Mode::Forward) | Way::Structured => {
            vec![Seeds::all(Mode::Forward, columns(pattern, order)?)]
        }
    })
}

/// Where the pattern is coarser on one side of the diagonal than on the other, that of both is
/// coloured.
fn stars(pattern: &Pattern, order: Order) -> Result<Seeds> {
    let full = pattern.union(&pattern.transposed()?)?;
    let colouring = postprocessed(&full, &star(&full, order));
    let mut across = mirrored(&full, &colouring);
    if full != *pattern {
        let places = full.rows().enumerate();
        let mut kept = places.flat_map(|(i, row)| row.iter().map(move |&j| (i, j as usize)));
        across.retain(|_| kept.next().is_some_and(|(i, j)| pattern.contains(i, j)));
    }
    Ok(Seeds {
        mirrored: Some(across),
        ..Seeds::all(Mode::Forward, colouring)
    })
}
