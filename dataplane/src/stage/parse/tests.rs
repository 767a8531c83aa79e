//! What `parse` finds, and why it drops: frames as the RFCs draw them.

mod common;
mod ethernet;
mod ipv4;
mod ipv6;
