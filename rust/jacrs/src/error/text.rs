//! Every text that the engine raises: one function a text, named after what is wrong.
//!
//! Where NumPy raises the same error the words are NumPy's, so that code which reads them goes on
//! working; all others say what is wrong, why, and how to mend it.

mod calls;
mod numpy;
mod tracing;

pub use calls::*;
pub use numpy::*;
pub use tracing::*;

/// A shape as NumPy prints it in errors: `(2,3)`, `(4,)`, `()`.
pub fn tuple(shape: &[usize]) -> String {
    if let [n] = shape {
        return format!("({n},)");
    }
    let items: Vec<_> = shape.iter().map(ToString::to_string).collect();
    format!("({})", items.join(","))
}
