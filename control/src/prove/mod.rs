//! The proof that communities are closed.
//!
//! ```text
//! Snapshots of all routers ─┬─ links: which interfaces are two ends of a line
//!                           ├─ table: each Fib as disjoint ranges of destinations
//!                           ├─ switch, follow, tunnel: where each label of each router ends
//!                           └─ walk: where every destination ends, from every edge
//! [[community]], [[extranet]] ─ judge: what may be, what must be ─ example ─ Report
//! ```
//!
//! It works on the tables that forward, not on the file: all destinations of both
//! families, as ranges, from every edge of every Vrf, and every label where an edge
//! accepts labels. Of several equal ways all are followed; of a packet's other fields
//! nothing is assumed. Each finding is shown by one packet that has been driven through
//! the real stages of every router on its path.
//!
//! What enters by a line between two known routers is what one of them sent. What
//! leaves with labels to where no router is known cannot be followed: it is told, and
//! is a fault unless the interface names its link. With one router alone ([`Scope::Router`])
//! interfaces of the network's own are taken to lead to routers that do their part.

mod address;
mod chain;
mod drive;
mod end;
mod example;
mod follow;
mod frame;
mod inject;
mod intent;
mod judge;
mod links;
mod network;
mod report;
mod rings;
mod run;
mod switch;
mod table;
mod tell;
mod tunnel;
mod walk;
mod wants;
mod ways;
mod words;

pub use intent::{Intent, Rule};
pub use links::LinkError;
pub use network::Router;
pub use report::{Example, Hop, Leak, Loop, Missing, Packet, Report, Site, Unproved};
pub use run::{Scope, isolation};
pub use ways::{Outcome, Ways, ways};

#[cfg(test)]
mod tests;
