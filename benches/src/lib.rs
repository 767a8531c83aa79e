//! What the benches share.

pub mod churn;
pub mod cores;
pub mod cpu;
pub mod instructions;
pub mod plots;
pub mod prefixes;
pub mod sched;
pub mod ways;
pub mod whole;
