#![no_main]
//! Any bytes are a graph or a typed error, and a graph can be planned and run.

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

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::binary(bytes));
