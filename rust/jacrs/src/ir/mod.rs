//! The typed graph in static single assignment form: one arena of nodes, named by `u32` ids, each
//! node after its operands. Everything later in the pipeline reads or writes this one structure.

mod binary;
mod graph;
mod hash;
mod intern;
mod op;
mod settle;
mod text;

pub use binary::{decode, encode};
pub use graph::{Graph, Node, NodeId, Type, is_addressable};
pub use hash::Fingerprint;
pub use intern::{Interner, ListId, ShapeId};
pub use op::{Cumulation, Factorisation, Form, Guard, Op, Part, Pick, Reduction, System};
pub use text::{parse, print};
