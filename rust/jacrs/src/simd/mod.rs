//! Numbers and loops of the block kernels, compiled for several instruction sets and chosen at run
//! time. The source is branch-free scalar Rust that the compiler vectorises.

mod bare;
mod dispatch;
mod lane;
mod level;
pub mod math;
mod number;
pub mod special;

pub use dispatch::{Work, vectorised};
pub use lane::Lane;
pub use level::{Level, level};
pub use number::{Number, Power, Real};
