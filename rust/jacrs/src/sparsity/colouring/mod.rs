//! Colourings: columns of one colour share a product with the matrix.
//!
//! The names are those of Gebremedhin, Manne and Pothen, "What color is your Jacobian? Graph
//! coloring for computing derivatives", SIAM Review 47 (2005). A column or row is a vertex; colours
//! are given one vertex after the other, each time the smallest that is free.

mod acyclic;
mod bidirectional;
mod edges;
mod neutral;
mod order;
mod partial;
mod star;
mod substitution;

pub use acyclic::acyclic;
pub use bidirectional::{Bicolouring, bicolouring, promised};
pub use neutral::postprocessed;
pub use order::Order;
pub use partial::{columns, rows};
pub use star::{mirrored, paths, star};
pub use substitution::Substitution;

/// A colour for each vertex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colouring {
    /// Of each column, or row; [`Colouring::NEUTRAL`] if none is needed.
    pub colours: Vec<u32>,
    /// How many there are.
    pub count: usize,
}

impl Colouring {
    /// In no product: none of its entries is read from one of its own.
    pub const NEUTRAL: u32 = u32::MAX;
}

/// No colour yet.
const NONE: u32 = Colouring::NEUTRAL;

/// Colours that the vertex at hand may not have.
struct Forbidden {
    /// For each colour the vertex that may not have it.
    by: Vec<u32>,
}

impl Forbidden {
    fn new() -> Self {
        Self { by: vec![] }
    }

    /// Forbids a colour, if it is one.
    fn forbid(&mut self, colour: u32, vertex: u32) {
        if let Some(by) = self.by.get_mut(colour as usize) {
            *by = vertex;
        }
    }

    fn is_forbidden(&self, colour: u32, vertex: u32) -> bool {
        self.by.get(colour as usize) == Some(&vertex)
    }

    /// The smallest colour that this vertex may have.
    fn smallest(&mut self, vertex: u32) -> u32 {
        let free = self.by.iter().position(|&by| by != vertex);
        let colour = free.unwrap_or_else(|| {
            self.by.push(NONE);
            self.by.len() - 1
        });
        colour as u32
    }

    fn count(&self) -> usize {
        self.by.len()
    }
}
