//! What the benches share.

pub mod cores;
pub mod instructions;
pub mod prefixes;
pub mod sched;
pub mod ways;
pub mod whole;
