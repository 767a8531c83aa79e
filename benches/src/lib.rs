//! What the benches share.

pub mod prefixes;
