//! Numbers and loops of the block kernels, compiled for several instruction sets and chosen at run
//! time. The source is branch-free scalar Rust that the compiler vectorises.

mod level;
mod number;
pub mod special;

pub use level::{Level, level};
pub use number::{Number, Real};
