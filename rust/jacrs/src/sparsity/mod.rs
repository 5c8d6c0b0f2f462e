//! Where Jacobians are zero whatever the values are: patterns, and how they are found.
//!
//! [`detect`] goes over a graph once, from inputs to outputs. For each element of a node it has the
//! set of input elements that it depends on: index domains (Griewank and Walther, "Evaluating
//! Derivatives", 2nd ed., 2008, section 7.1), per element of arrays and without tracing again
//! (Hill and Dalle, "Sparser, better, faster, stronger", TMLR 2025, have it for scalars by operator
//! overloading). How sets flow through an operation is what it says of itself,
//! [`crate::ops::Flow`].
//!
//! A Hessian's pattern is that of the Jacobian of the gradient, which is a graph like any other.

mod colouring;
mod detect;
mod entries;
mod flows;
mod indices;
mod matrices;
mod pattern;
mod prepare;
mod rows;
mod seeded;
mod sets;
mod structured;
#[cfg(test)]
mod tests;
mod verify;

pub use colouring::{
    Bicolouring, Colouring, Order, Substitution, acyclic, bicolouring, columns, mirrored,
    postprocessed, rows, star,
};
pub use detect::{Detected, decided_by, detect, detect_within, is_fixed};
pub use entries::Entries;
pub use pattern::Pattern;
pub use prepare::{Strategy, Way, prepare, prepare_given};
pub use seeded::{Seeds, seeded};
pub use structured::{Form, structured, structured_by};
pub use verify::{Check, MOST_ROWS, Verdict};
