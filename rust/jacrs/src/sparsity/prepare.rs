//! Which way the entries of a sparse Jacobian are computed.

use std::fmt;

use super::colouring::{Order, columns, mirrored, paths, rows, star};
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
}

/// The way that was taken, and why.
#[derive(Clone, Debug)]
pub struct Strategy {
    pub way: Way,
    /// Lanes, of seeds.
    pub colours: usize,
    /// Why it was not done without seeds, if that was tried.
    pub reason: Option<String>,
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.way {
            Way::Structured => f.write_str("structured: coefficients and selections, no seeds")?,
            Way::Seeds(Mode::Forward) => write!(f, "forward: columns in {} colours", self.colours)?,
            Way::Seeds(Mode::Reverse) => write!(f, "reverse: rows in {} colours", self.colours)?,
            Way::Star => write!(f, "star: columns in {} colours", self.colours)?,
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
                    colours: 0,
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
    let seeds = seeds_for(pattern, way, symmetric)?;
    let strategy = Strategy {
        way: match seeds.mirrored {
            Some(_) => Way::Star,
            None => Way::Seeds(seeds.mode),
        },
        colours: seeds.colouring.count,
        reason: None,
    };
    let entries = seeded(recorded, values, ends, pattern, &seeds)?;
    Ok((entries, strategy))
}

/// Stars are not looked for where that takes longer than what they could save.
const MOST_PATHS: u64 = 1 << 30;

/// The seeds for this way, or for the cheapest one.
fn seeds_for(pattern: &Pattern, way: Option<Way>, symmetric: bool) -> Result<Seeds> {
    let order = Order::default();
    let directed = |mode: Mode| {
        let colouring = match mode {
            Mode::Forward => columns(pattern, order)?,
            Mode::Reverse => rows(pattern, order)?,
        };
        Ok(Seeds {
            mode,
            colouring,
            mirrored: None,
        })
    };
    let stars = || {
        let colouring = star(pattern, order);
        Seeds {
            mode: Mode::Forward,
            mirrored: Some(mirrored(pattern, &colouring)),
            colouring,
        }
    };
    match way {
        Some(Way::Seeds(mode)) => return directed(mode),
        Some(Way::Star) => return Ok(stars()),
        _ => {}
    }
    // What is found of a Hessian is symmetric unless an operation is known coarsely.
    let symmetric = symmetric && pattern.transposed()? == *pattern && paths(pattern) <= MOST_PATHS;
    let [columns, other] = [
        directed(Mode::Forward)?,
        if symmetric {
            stars()
        } else {
            directed(Mode::Reverse)?
        },
    ];
    let cheaper = match other.mode {
        Mode::Forward => other.colouring.count < columns.colouring.count,
        Mode::Reverse => {
            Mode::choose(columns.colouring.count, other.colouring.count) == Mode::Reverse
        }
    };
    Ok(if cheaper { other } else { columns })
}
