//! What the commands show of configuration and tables: rows, as plain data.
//!
//! Pure functions of a [`Snapshot`] and the [`State`] it was made from; counters
//! are the running router's and are shown with these rows, not in them.

use std::net::IpAddr;

use dataplane::class::TrafficClass;
use dataplane::qos::{Discipline, PolicerSpec};
use dataplane::table::{Interface, Snapshot, VlanMatch, Vrf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::commit::State;
use crate::config::{Mac, Rate, Span};

mod route;

pub use route::{HopRow, RouteFilter, RouteRow, RouteRows, routes};

/// One port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PortRow {
    /// Its id.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// What carries its frames.
    pub kind: String,
    /// The device it is on.
    pub device: Option<String>,
    /// Receive and transmit queues.
    pub queues: u16,
    /// Rate of the line that the scheduler holds.
    pub rate: Option<String>,
    /// Interfaces on it.
    pub interfaces: usize,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InterfaceRow {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its port.
    pub port: String,
    /// Its tags: "untagged", "100", "200.100", with "802.1ad" before where that is the TPID.
    pub vlan: String,
    /// Its Vrf.
    pub vrf: String,
    /// Its addresses, the link-local one that follows from its station address among them.
    pub addresses: Vec<String>,
    /// Longest IP datagram it sends, bytes.
    pub mtu: u16,
    /// Its station address.
    pub mac: String,
    /// Whether labelled frames are accepted.
    pub mpls: bool,
    /// Whether configuration has it up.
    pub enabled: bool,
    /// The rate it is shaped to.
    pub shaped: Option<String>,
    /// Neighbours known or asked for.
    pub neighbours: usize,
}

/// One neighbour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeighbourRow {
    /// The interface it is on.
    pub interface: String,
    /// Its address.
    pub address: IpAddr,
    /// Its station address, once known.
    pub mac: Option<String>,
    /// Whether the configuration says so.
    pub fixed: bool,
}

/// One class of one interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClassRow {
    /// The interface.
    pub interface: String,
    /// The class.
    pub class: String,
    /// Whether it is served before the others.
    pub priority: bool,
    /// Share of what priority leaves, in thousandths of all weights.
    pub share: u32,
    /// What its queue holds, bytes.
    pub limit_bytes: u32,
    /// Longest wait in its queue.
    pub limit_time: Option<String>,
    /// What it may send: rate and burst in bytes.
    pub policer: Option<String>,
    /// What may come in: rate and burst in bytes.
    pub ingress: Option<String>,
}

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

/// Every port, by id.
pub fn ports(snapshot: &Snapshot, state: &State) -> Vec<PortRow> {
    let row = |(_, port): (usize, &std::sync::Arc<dataplane::table::PortSpec>)| {
        let said = state.config().ports.iter().find(|p| *p.name == *port.name)?;
        Some(PortRow {
            id: port.id.0,
            name: port.name.to_string(),
            kind: said.kind.to_string(),
            device: said.device().map(Into::into),
            queues: said.queues,
            rate: said.rate.map(|r| r.to_string()),
            interfaces: snapshot.interfaces.iter().filter(|(_, i)| i.port == port.id).count(),
        })
    };
    snapshot.ports.iter().filter_map(row).collect()
}

/// Every interface, by id.
pub fn interfaces(snapshot: &Snapshot) -> Vec<InterfaceRow> {
    let row = |i: &Interface| InterfaceRow {
        id: i.id.0,
        name: i.name.to_string(),
        port: snapshot.port(i.port).map(|p| p.name.to_string()).unwrap_or_default(),
        vlan: tags(i.vlan),
        vrf: snapshot.vrf(i.vrf).map(|v| v.name.to_string()).unwrap_or_default(),
        addresses: i.addresses.iter().map(|a| a.net.to_string()).collect(),
        mtu: i.mtu,
        mac: Mac(i.mac).to_string(),
        mpls: i.mpls,
        enabled: i.enabled,
        shaped: i.qos.shaper.map(|s| Rate(s.rate).to_string()),
        neighbours: i.neighbours.len(),
    };
    snapshot.interfaces.iter().map(|(_, i)| row(i)).collect()
}

fn tags(vlan: VlanMatch) -> String {
    let tpid = |t| if t == dataplane::table::Tpid::Dot1ad { "802.1ad " } else { "" };
    match vlan {
        VlanMatch::Untagged => "untagged".into(),
        VlanMatch::Single(t, vid) => format!("{}{vid}", tpid(t)),
        VlanMatch::Double(t, outer, inner) => format!("{}{outer}.{inner}", tpid(t)),
    }
}

/// Every neighbour, by interface and address.
pub fn neighbours(snapshot: &Snapshot) -> Vec<NeighbourRow> {
    let mut rows = Vec::new();
    for (_, interface) in snapshot.interfaces.iter() {
        let mut known: Vec<_> = interface.neighbours.iter().collect();
        known.sort();
        rows.extend(known.into_iter().map(|(address, id)| {
            let header = snapshot.adjacency(*id).and_then(|a| a.header());
            let mac = header.and_then(|h| h.first_chunk::<6>()).map(|m| Mac(*m).to_string());
            let fixed = interface.static_neighbours.iter().any(|(a, _)| a == address);
            NeighbourRow { interface: interface.name.to_string(), address: *address, mac, fixed }
        }));
    }
    rows
}

/// Every class of every interface, most urgent first; one row with [`Discipline::Fifo`].
pub fn classes(snapshot: &Snapshot) -> Vec<ClassRow> {
    snapshot.interfaces.iter().flat_map(|(_, i)| classes_of(i)).collect()
}

fn classes_of(interface: &Interface) -> Vec<ClassRow> {
    let qos = &interface.qos;
    let weights: u64 = qos.classes.iter().map(|c| u64::from(c.weight)).sum();
    let fifo = qos.discipline == Discipline::Fifo;
    let shown = TrafficClass::ALL.into_iter().filter(|c| !fifo || *c == TrafficClass::Standard);
    let row = |class: TrafficClass| {
        let spec = qos.classes[class.index()];
        ClassRow {
            interface: interface.name.to_string(),
            class: if fifo { "all (fifo)".into() } else { class.to_string() },
            priority: spec.priority && !fifo,
            share: u32::try_from(u64::from(spec.weight) * 1000 / weights.max(1)).unwrap_or(u32::MAX),
            limit_bytes: spec.limit_bytes,
            limit_time: (spec.limit_time > 0).then(|| Span(spec.limit_time).to_string()),
            policer: spec.policer.filter(|_| !fifo).map(policer),
            ingress: qos.ingress[class.index()].map(policer),
        }
    };
    shown.map(row).collect()
}

fn policer(spec: PolicerSpec) -> String {
    format!("{}, {} B", Rate(spec.rate), spec.burst)
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
