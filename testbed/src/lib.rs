//! Where the router is tried: traffic models, hosts and the demonstration's report.

#![forbid(unsafe_code)]

pub mod report;
pub mod traffic;
