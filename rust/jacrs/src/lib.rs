//! Derivatives of array programs at native speed.
//!
//! The modules are the pipeline, in its order; [`error`], [`interrupt`], [`memory`], [`mod@array`],
//! [`simd`], [`ir`] and [`ops`] are what all stages share.

pub mod error;

pub mod interrupt;
pub mod memory;

pub mod array;
pub mod ir;
pub mod ops;
pub mod simd;

pub mod trace;

pub mod optimize;

pub mod differentiate;

pub mod plan;

pub mod execute;

pub mod assemble;
