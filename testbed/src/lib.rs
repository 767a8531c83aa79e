//! Where the router is tried: packets as text, the one-router laboratory, networks in
//! virtual time, traffic models, hosts and the demonstration's report.

#![forbid(unsafe_code)]

pub mod acceptance;
pub mod demo;
pub mod flood;
pub mod hop;
pub mod host;
pub mod lab;
pub mod netns;
pub mod network;
pub mod packet;
pub mod report;
pub mod testpmd;
pub mod traffic;
pub mod voice;
