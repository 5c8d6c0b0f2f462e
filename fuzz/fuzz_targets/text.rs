#![no_main]
//! Any text is a graph or a typed error.

pub use jacrs::{array, ir, ops};

#[path = "../../rust/jacrs/tests/fuzz/bodies.rs"]
#[allow(dead_code)] // other targets use the rest
mod bodies;
#[path = "../../rust/jacrs/tests/common/mod.rs"]
#[allow(dead_code)] // other targets use the rest
mod common;
#[path = "../../rust/jacrs/src/execute/tests/random.rs"]
#[allow(dead_code)] // other targets use the rest
mod random;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::text(bytes));
