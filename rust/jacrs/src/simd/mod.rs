//! Numbers and loops of the block kernels, compiled for several instruction sets and chosen at run
//! time. The source is branch-free scalar Rust that the compiler vectorises.

mod dispatch;
mod level;
mod number;
pub mod special;

pub use dispatch::{Work, vectorised};
pub use level::{Level, level};
pub use number::{Number, Real};
