//! What the benches share.

pub mod prefixes;
pub mod ways;
