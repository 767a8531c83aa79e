//! Wanted state → forwarding state.
//!
//! ```text
//! TOML file → config → rib (one per Vrf) → commit → dataplane::table::Snapshot
//! ```
//!
//! [`config`] reads and checks the file, [`rib`] holds the routes of every
//! source and picks the best, [`commit`] turns both into what the engine
//! forwards by, as one transaction. Nothing here is on a packet's way.

pub mod api;
pub mod capacity;
pub mod client;
pub mod commit;
pub mod config;
pub mod daemon;
pub mod diff;
pub mod engine;
pub mod explain;
pub mod ports;
pub mod prove;
pub mod reclass;
pub mod rib;
pub mod show;

pub use commit::{
    ApplyReport, BatchErrors, LabelChange, LabelReport, PortFacts, RouteChange, RouteReport, State, compile,
};
pub use config::{Config, ConfigErrors};
pub use diff::{Change, diff};
