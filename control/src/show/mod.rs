//! What the commands show of the tables: rows, as plain data.
//!
//! Pure functions of a [`Snapshot`] and the [`State`] it was made from. What the
//! running router counts is in [`api::types`](crate::api::types).

use dataplane::table::{Snapshot, Vrf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::commit::State;

mod hops;
mod label;
mod route;
mod vrf;

pub use hops::HopRow;
pub use label::{LabelRow, LspFilter, LspRow, labels, lsps};
pub use route::{RouteFilter, RouteRow, RouteRows, routes};
pub use vrf::{VpnRow, vpns};

/// The tables of one Vrf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VrfRow {
    /// Its id.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// Interfaces in it.
    pub interfaces: usize,
    /// IPv4 prefixes that are forwarded by.
    pub ipv4: usize,
    /// IPv6 prefixes that are forwarded by.
    pub ipv6: usize,
    /// Prefixes with any route, used or not.
    pub prefixes: usize,
    /// Next-hop sets that routes share.
    pub next_hop_sets: usize,
    /// Bytes of the IPv4 table.
    pub ipv4_bytes: usize,
    /// Bytes of the IPv6 table.
    pub ipv6_bytes: usize,
    /// Bytes of the routes of every source, about.
    pub rib_bytes: usize,
}

/// All tables: what `show routes --summary` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// By Vrf.
    pub vrfs: Vec<VrfRow>,
    /// Nhlfes of all Vrfs.
    pub nhlfes: usize,
    /// Adjacencies of all interfaces.
    pub adjacencies: usize,
    /// Generation of the tables.
    pub generation: u64,
}

/// The tables of every Vrf, with the memory that each takes.
pub fn summary(snapshot: &Snapshot, state: &State) -> Summary {
    let row = |vrf: &Vrf| {
        let rib = state.rib(vrf.id);
        VrfRow {
            id: vrf.id.0,
            name: vrf.name.to_string(),
            interfaces: snapshot.interfaces.iter().filter(|(_, i)| i.vrf == vrf.id).count(),
            ipv4: vrf.fib4.len(),
            ipv6: vrf.fib6.len(),
            prefixes: rib.map_or(0, |r| r.len()),
            next_hop_sets: rib.map_or(0, |r| r.targets().count()),
            ipv4_bytes: vrf.fib4.memory(),
            ipv6_bytes: vrf.fib6.memory(),
            rib_bytes: rib.map_or(0, |r| r.memory()),
        }
    };
    Summary {
        vrfs: snapshot.vrfs.iter().map(|(_, v)| row(v)).collect(),
        nhlfes: snapshot.nhlfes.len(),
        adjacencies: snapshot.adjacencies.len(),
        generation: snapshot.generation,
    }
}
