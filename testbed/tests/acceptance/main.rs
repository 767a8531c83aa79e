//! What the router is accepted by, in virtual time: hosts with TCP at both ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod fairness;
mod sites;
mod table;
