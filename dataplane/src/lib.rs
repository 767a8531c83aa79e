//! The forwarding engine.
//!
//! A frame's way through this crate, one stage per verb:
//!
//! ```text
//! ingress:  rx → parse → classify → police → lookup → rewrite → enqueue ─┐
//! egress:   tx ← schedule(tree, now) ←─────────────── handoff ───────────┘
//! ```
//!
//! Imports point one way only, bottom to top: `id, wire, time → class → packet →
//! qos, port, handoff, counters → table → stage → pipeline → host → worker →
//! router`. Nothing here reads a configuration file, and below [`time`]'s callers
//! nothing reads a clock: time is an argument, so that the same code runs on the
//! real clock and in virtual time.

pub mod class;
pub mod counters;
pub mod handoff;
pub mod host;
pub mod id;
pub mod packet;
pub mod pipeline;
pub mod port;
pub mod qos;
#[cfg(not(loom))] // Threads and clocks: no model runs these.
pub mod router;
pub mod stage;
pub mod table;
pub mod time;
pub mod trace;
pub mod wire;
#[cfg(not(loom))]
pub mod worker;

mod memory;
mod sync;
