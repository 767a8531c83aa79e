//! The command line as a person uses it: words in, text and exit codes out.

#![allow(clippy::unwrap_used)]

mod agree;
mod capacity;
mod check;
mod common;
mod explain;
mod generated;
mod lsp;
mod memif;
mod memif_dpdk;
mod prove;
mod qos;
mod router;
mod traffic;
mod trees;
