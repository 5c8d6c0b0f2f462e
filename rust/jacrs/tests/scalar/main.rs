//! Dual numbers and tapes: against the graph engine, whose rules they do not share, against
//! differences, and against what is known.

#[allow(
    dead_code,
    reason = "shared by several test programs, of which each uses a part"
)]
#[path = "../common/mod.rs"]
mod common;

mod drivers;
mod engine;
mod functions;
mod nesting;
mod programs;
mod scalars;
mod table;
mod tapes;
