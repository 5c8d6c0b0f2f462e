//! Which way the entries of a sparse Jacobian are computed.

use std::fmt;

use super::entries::Entries;
use super::{Detected, Form, Pattern, seeded, structured};
use crate::differentiate::Mode;
use crate::error::{Result, text};
use crate::interrupt::elements;
use crate::ir::{Graph, NodeId};

/// A way to compute the entries of a Jacobian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// Coefficients and selections go through the graph, without seeds.
    Structured,
    /// Products with seeds: columns share lanes forward, rows in reverse.
    Seeds(Mode),
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
        }
        match &self.reason {
            Some(reason) => write!(f, " (not structured: {reason})"),
            None => Ok(()),
        }
    }
}

/// The entries of the Jacobian of some outputs by some inputs, one way or the other; the cheaper if
/// none is asked for: without seeds where that pays, else with as few lanes as there are colours.
/// `found` is what [`super::detect`] found for them.
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
/// let (entries, strategy) = prepare(&g, &[], &g.outputs, g.inputs(), &found, None)?;
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
) -> Result<(Entries, Strategy)> {
    let mut strategy = Strategy {
        way: Way::Structured,
        colours: 0,
        reason: None,
    };
    if !matches!(way, Some(Way::Seeds(_))) {
        match structured(recorded, values, outputs, inputs, found, Form::Rows)? {
            Ok(entries) => return Ok((entries, strategy)),
            Err(reason) if way.is_some() => return Err(text::not_structured(&reason)),
            Err(reason) => strategy.reason = Some(reason),
        }
    }
    let asked = match way {
        Some(Way::Seeds(mode)) => Some(mode),
        _ => None,
    };
    let (mode, groups, count) = grouped(&found.pattern, asked)?;
    (strategy.way, strategy.colours) = (Way::Seeds(mode), count);
    let groups = (&groups[..], count);
    let ends = [outputs, inputs];
    let entries = seeded(recorded, values, ends, &found.pattern, mode, groups)?;
    Ok((entries, strategy))
}

/// The groups for this mode, or for the cheaper one.
fn grouped(pattern: &Pattern, mode: Option<Mode>) -> Result<(Mode, Vec<u32>, usize)> {
    let columns = |pattern: &Pattern| Ok(greedy(pattern, &pattern.transposed()?));
    let rows = |pattern: &Pattern| Ok(greedy(&pattern.transposed()?, pattern));
    let (mode, (groups, count)) = match mode {
        Some(Mode::Forward) => (Mode::Forward, columns(pattern)?),
        Some(Mode::Reverse) => (Mode::Reverse, rows(pattern)?),
        None => {
            let (columns, rows): ((Vec<u32>, usize), (Vec<u32>, usize)) =
                (columns(pattern)?, rows(pattern)?);
            match Mode::choose(columns.1, rows.1) {
                Mode::Forward => (Mode::Forward, columns),
                Mode::Reverse => (Mode::Reverse, rows),
            }
        }
    };
    Ok((mode, groups, count))
}

/// The smallest number that no column before it in one of its rows has, column by column.
fn greedy(by_rows: &Pattern, by_columns: &Pattern) -> (Vec<u32>, usize) {
    let width = by_rows.shape().1;
    let (mut groups, mut count) = (vec![u32::MAX; width], 0);
    let mut taken_by: Vec<u32> = vec![];
    for j in 0..width {
        for &i in by_columns.row(j) {
            let row = by_rows.row(i as usize);
            elements(row.len());
            for &other in row {
                if let Some(taken) = taken_by.get_mut(groups[other as usize] as usize) {
                    *taken = j as u32;
                }
            }
        }
        let free = taken_by.iter().position(|&by| by != j as u32);
        let group = free.unwrap_or_else(|| {
            taken_by.push(u32::MAX);
            count += 1;
            count - 1
        });
        groups[j] = group as u32;
    }
    (groups, count)
}
