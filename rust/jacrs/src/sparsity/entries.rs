//! A Jacobian's entries as a graph.

use crate::array::Array;
use crate::ir::Graph;

/// A function and the entries of its Jacobian, as one graph.
pub struct Entries {
    /// The recorded graph with more nodes; its inputs, then the tables. Outputs: the values, then the entries, 1-D, in the
    /// order of the pattern.
    pub graph: Graph,
    /// What the inputs behind the recorded ones hold: fixed by the pattern.
    pub tables: Vec<Array>,
}
